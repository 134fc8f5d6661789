//! Answers from one thread to many tasks of another, which is woken once for all of them.
//!
//! A thread that syncs has answers for all that waited for the sync. To wake a task of another runtime is a system call each,
//! and the other thread is awake after the first and perhaps asleep again before the second. So the answers go into the
//! other thread's box, and it gives them out itself.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

/// Gives an answer to the task that waits for it.
type Letter = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Letterbox {
    letters: Mutex<Letters>,
    came: Notify,
    /// Answers that are under way.
    awaited: AtomicU32,
}

#[derive(Default)]
struct Letters {
    all: Vec<Letter>,
    /// Nobody gives them out any more.
    closed: bool,
}

impl Letterbox {
    /// Whether this thread gives out what is in it.
    fn is_own(self: &Arc<Self>) -> bool {
        OWN.with_borrow(|own| own.as_ref().is_some_and(|own| Arc::ptr_eq(own, self)))
    }
}

thread_local! {
    /// The box of this thread, if it has one.
    static OWN: RefCell<Option<Arc<Letterbox>>> = const { RefCell::new(None) };
}

/// Where an answer goes.
pub struct Reply<T> {
    to: oneshot::Sender<T>,
    by: Option<Awaited>,
}

/// An answer that is under way to a box, until this is dropped.
struct Awaited(Arc<Letterbox>);

impl Awaited {
    fn new(by: &Arc<Letterbox>) -> Awaited {
        by.awaited.fetch_add(1, Relaxed);
        Awaited(by.clone())
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        self.0.awaited.fetch_sub(1, Relaxed);
    }
}

/// Answers that tasks of this thread wait for; none is counted where it has no box.
pub fn awaited() -> u32 {
    OWN.with_borrow(|own| own.as_ref().map_or(0, |own| own.awaited.load(Relaxed)))
}

/// A place for one answer to a task of this thread.
pub fn reply<T>() -> (Reply<T>, oneshot::Receiver<T>) {
    let (to, answer) = oneshot::channel();
    (Reply { to, by: OWN.with_borrow(|own| own.as_ref().map(Awaited::new)) }, answer)
}

/// Answers that are given at once; the threads that they are for are woken when this is dropped.
#[derive(Default)]
pub struct Round(Vec<Arc<Letterbox>>);

impl Round {
    /// Who does not wait any more is not told.
    pub fn tell<T: Send + 'static>(&mut self, reply: Reply<T>, answer: T) {
        // Of this thread's own tasks each can be told directly.
        let Some(by) = reply.by.map(|awaited| awaited.0.clone()).filter(|by| !by.is_own()) else {
            drop(reply.to.send(answer));
            return;
        };
        let mut letters = by.letters.lock();
        if letters.closed {
            drop(letters);
            drop(reply.to.send(answer));
            return;
        }
        letters.all.push(Box::new(move || drop(reply.to.send(answer))));
        drop(letters);
        if !self.0.iter().any(|other| Arc::ptr_eq(other, &by)) {
            self.0.push(by);
        }
    }
}

impl Drop for Round {
    fn drop(&mut self) {
        for by in self.0.drain(..) {
            by.came.notify_one();
        }
    }
}

/// Gives this thread a box; what this returns gives out what comes into it, and never ends. It is to run on this thread.
pub fn deliver() -> impl Future<Output = ()> + Send + 'static {
    let open = Open(Arc::default());
    OWN.set(Some(open.0.clone()));
    async move {
        loop {
            open.0.came.notified().await;
            open.give();
        }
    }
}

/// A box, until it is dropped.
struct Open(Arc<Letterbox>);

impl Open {
    fn give(&self) {
        // Not under the lock: who is told may answer somebody else.
        let letters = std::mem::take(&mut self.0.letters.lock().all);
        for letter in letters {
            letter();
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.letters.lock().closed = true;
        self.give();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().unwrap()
    }

    #[test]
    fn answers_arrive_with_and_without_a_box_and_after_its_end() {
        let (give, take) = std::sync::mpsc::channel();
        let answers = std::thread::spawn(move || {
            let mut round = Round::default();
            for (number, answer) in take.iter().enumerate() {
                round.tell(answer, number);
                if number == 1 {
                    round = Round::default();
                }
            }
        });
        let runtime = runtime();
        let (first, without) = reply();
        give.send(first).unwrap();
        assert_eq!(runtime.block_on(without), Ok(0));
        let delivery = runtime.spawn(deliver());
        let (second, with) = reply();
        give.send(second).unwrap();
        assert_eq!(runtime.block_on(with), Ok(1));
        let (third, after) = reply();
        delivery.abort();
        assert!(runtime.block_on(delivery).unwrap_err().is_cancelled());
        give.send(third).unwrap();
        assert_eq!(runtime.block_on(after), Ok(2));
        drop(give);
        answers.join().unwrap();
    }

    #[test]
    fn nothing_that_was_told_is_lost_when_the_box_goes() {
        let delivery = deliver();
        let (to, answer) = reply();
        let mut round = Round::default();
        round.tell(to, 7);
        drop(delivery);
        assert_eq!(answer.blocking_recv(), Ok(7));
    }
}
