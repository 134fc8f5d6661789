//! Waking a thread that waits for work, when the one that has it for it has nothing else to do.
//!
//! A thread that serves many connections takes one after the other; each may leave something to be synced. If the first
//! of them woke the thread that syncs, it would sync that one alone, and the others after it. So the waking is put off
//! until the thread is about to sleep, or has done so much that it would be unfair to wait longer. A thread that lately
//! had only one or two at a time does not put off: there the other one works while it looks for the next.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// A thread that sleeps until there is work.
pub trait Sleeper: Send + Sync + 'static {
    /// Wakes it if something waits for it.
    fn rouse(&self);
}

/// What a thread does before it has to wake those that it put off.
const STEPS_MAX: u32 = 16;

/// Work that a thread must have had for others at a time, on average, to put off, in eighths.
const CROWD: u32 = 3 * 8;

thread_local! {
    /// Whether this thread puts off.
    static PUTS_OFF: Cell<bool> = const { Cell::new(false) };
    static WAITING: RefCell<Vec<Arc<dyn Sleeper>>> = const { RefCell::new(Vec::new()) };
    static STEPS: Cell<u32> = const { Cell::new(0) };
    /// Work for others since it was woken last.
    static CALLS: Cell<u32> = const { Cell::new(0) };
    /// The same at a time, on average of the last times, in eighths.
    static USUAL: Cell<u32> = const { Cell::new(0) };
}

/// From now on this thread puts off. It must call [`now`] before it sleeps, and [`step`] after each piece of work.
pub fn put_off() {
    PUTS_OFF.set(true);
}

/// Wakes `sleeper` later, if this thread puts off. False when the caller has to do it.
pub fn later<S: Sleeper>(sleeper: &Arc<S>) -> bool {
    if !PUTS_OFF.get() {
        return false;
    }
    CALLS.set(CALLS.get() + 1);
    if USUAL.get() < CROWD {
        return false;
    }
    WAITING.with_borrow_mut(|waiting| {
        if !waiting.iter().any(|other| std::ptr::addr_eq(Arc::as_ptr(other), Arc::as_ptr(sleeper))) {
            waiting.push(sleeper.clone());
        }
    });
    true
}

/// A piece of work is done.
pub fn step() {
    let steps = STEPS.get() + 1;
    STEPS.set(steps);
    if steps >= STEPS_MAX {
        now();
    }
}

/// Wakes all that were put off.
pub fn now() {
    STEPS.set(0);
    let calls = CALLS.take();
    if calls > 0 {
        let usual = USUAL.get();
        USUAL.set(usual - usual.div_ceil(8) + calls);
    }
    // One may be added while another is woken.
    while let Some(sleeper) = WAITING.with_borrow_mut(Vec::pop) {
        sleeper.rouse();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[derive(Default)]
    struct Counted(AtomicU32);

    impl Sleeper for Counted {
        fn rouse(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn count(sleeper: &Counted) -> u32 {
        sleeper.0.load(Ordering::Relaxed)
    }

    #[test]
    fn a_thread_that_does_not_put_off_leaves_it_to_the_caller() {
        let sleeper = Arc::new(Counted::default());
        assert!(!later(&sleeper));
        now();
        assert_eq!(count(&sleeper), 0);
    }

    #[test]
    fn each_is_woken_once_before_the_thread_sleeps_or_after_many_steps() {
        std::thread::spawn(|| {
            put_off();
            let (one, other) = (Arc::new(Counted::default()), Arc::new(Counted::default()));
            // Not before there is usually enough.
            for _ in 0..30 {
                assert!((0..4).all(|_| !later(&one)));
                now();
                if USUAL.get() >= CROWD {
                    break;
                }
            }
            assert!(later(&one) && later(&other) && later(&one) && later(&one));
            assert_eq!((count(&one), count(&other)), (0, 0));
            now();
            assert_eq!((count(&one), count(&other)), (1, 1));
            now();
            assert!(later(&one));
            for _ in 1..STEPS_MAX {
                step();
            }
            assert_eq!(count(&one), 1);
            step();
            assert_eq!((count(&one), count(&other)), (2, 1));
            // And no more when there is not.
            while later(&one) {
                now();
            }
            assert!(USUAL.get() < CROWD);
        })
        .join()
        .unwrap();
    }
}
