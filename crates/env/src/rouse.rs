//! What a thread that serves many connections has to be synced: when another thread is woken for it, and when the thread
//! does it itself.
//!
//! Such a thread takes one request after the other, and each may leave something to be synced. If the first of them woke
//! the thread that syncs, that one would sync it alone, and the others after it. So all is put off until the thread has
//! nothing else to do, or has done so much that it would be unfair to wait longer.
//!
//! If only few wait by then, the thread syncs itself: to wake another and to be woken by it costs about what a request
//! does. And it waits a moment for those who are usually there too. Clients that are answered together ask again together,
//! and a sync for four costs what it does for one. If many wait, or a sync takes long, or there is much else to do,
//! another thread does it.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::alarm::Alarm;
use crate::{clock, post};

/// Someone who has a thread for what waits, which sleeps until there is something.
pub trait Sleeper: Send + Sync + 'static {
    /// Wakes the thread if something waits.
    fn rouse(&self);

    /// Does on the calling thread what waits; wakes the other when that is not possible at once, or would take long.
    fn work(&self);
}

/// Pieces of work that a thread does before it has to wake those that it put off, where many wait.
const STEPS_MAX: u32 = 16;

/// A thread for whose tasks more answers are under way than this leaves the syncs to others.
const FEW: u32 = 8;

/// Beyond these a thread leaves the syncs to others.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// What a sync may take: others wait for the thread meanwhile.
    pub sync: Duration,
    /// What it may work for each answer on average, for whomever: else it has better things to do than to wait for a sync.
    pub work: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { sync: Duration::from_micros(500), work: Duration::from_micros(100) }
    }
}

/// How long is waited for those who are usually there: some times what a client needs that asks again at once.
const MOMENT: Duration = Duration::from_micros(60);

/// What is known of one thread.
#[derive(Default)]
struct Here {
    puts_off: Cell<bool>,
    limits: Cell<Limits>,
    waiting: RefCell<Vec<Arc<dyn Sleeper>>>,
    /// What was put off since the last sync.
    calls: Cell<u32>,
    /// Pieces of work since then.
    steps: Cell<u32>,
    /// What the thread has worked since then, but for what it does since it woke.
    worked: Cell<Duration>,
    woke: Cell<Option<Instant>>,
    /// The same for each of what was put off, lately.
    load: Cell<Duration>,
    /// Answers that are usually under way for this thread's tasks when it has nothing else to do.
    crowd: Cell<u32>,
    /// Since when it waits for the rest of the crowd.
    since: Cell<Option<Instant>>,
    /// What a sync took this thread lately.
    took: Cell<Duration>,
    alarm: RefCell<Option<Alarm>>,
}

thread_local! {
    static HERE: Here = Here::default();
}

/// From now on this thread puts off. It must call [`idle`] before it sleeps, [`woke`] when it wakes, and [`step`] after each
/// piece of work. In the context of its runtime.
pub fn put_off(limits: Limits) {
    HERE.with(|here| {
        here.puts_off.set(true);
        here.limits.set(limits);
        here.alarm.replace(Alarm::new());
    });
}

/// Leaves what waits to `sleeper` for later, if this thread puts off. False when the caller has to wake it.
pub fn later<S: Sleeper>(sleeper: &Arc<S>) -> bool {
    HERE.with(|here| {
        if !here.puts_off.get() {
            return false;
        }
        // Where another thread does it, that one works while this one looks for the next.
        if !here.is_quick() && here.crowd.get().max(post::awaited()) <= 2 {
            here.forget_slowly();
            return false;
        }
        here.calls.set(here.calls.get() + 1);
        let mut waiting = here.waiting.borrow_mut();
        if !waiting.iter().any(|other| std::ptr::addr_eq(Arc::as_ptr(other), Arc::as_ptr(sleeper))) {
            waiting.push(sleeper.clone());
        }
        true
    })
}

/// A piece of work is done.
pub fn step() {
    HERE.with(|here| {
        if here.calls.get() > 0 {
            here.steps.set(here.steps.get() + 1);
            let many = here.crowd.get() > FEW;
            if here.steps.get() >= STEPS_MAX * if many { 1 } else { 2 } {
                here.rouse();
            }
        }
    });
}

/// There is nothing else to do: syncs, or has it done. Blocks for a sync.
pub fn idle() {
    HERE.with(|here| {
        if let Some(woke) = here.woke.take() {
            here.worked.set(here.worked.get() + woke.elapsed());
        }
        if here.calls.get() == 0 {
            return;
        }
        if !here.may_work() {
            here.forget_slowly();
            here.rouse();
        } else if !here.waits_for_more() {
            here.work();
        }
    });
}

/// The thread looks for work again.
pub fn woke() {
    HERE.with(|here| here.woke.set(Some(clock::monotonic())));
}

impl Here {
    fn is_quick(&self) -> bool {
        self.took.get() < self.limits.get().sync
    }

    /// So that it is tried again after a thousand or so.
    fn forget_slowly(&self) {
        self.took.set(self.took.get() - self.took.get() / 1024);
    }

    fn may_work(&self) -> bool {
        self.is_quick()
            && self.load.get() <= self.limits.get().work
            && self.crowd.get().max(post::awaited()) <= FEW
    }

    /// Whether the thread sleeps a moment before it syncs, as not all are there yet.
    fn waits_for_more(&self) -> bool {
        if post::awaited() >= self.crowd.get() {
            return false;
        }
        match self.since.get() {
            Some(since) => since.elapsed() < MOMENT,
            None => {
                self.since.set(Some(clock::monotonic()));
                self.alarm.borrow().as_ref().is_some_and(|alarm| alarm.set(MOMENT))
            }
        }
    }

    fn work(&self) {
        let last = self.take();
        let began = clock::monotonic();
        if let Some(sleeper) = last {
            // What others have to do meanwhile.
            self.rouse_all();
            sleeper.work();
        }
        self.took.set(recent(self.took.get(), began.elapsed()));
    }

    fn rouse(&self) {
        if let Some(sleeper) = self.take() {
            sleeper.rouse();
        }
        self.rouse_all();
    }

    /// Begins anew. Returns who was put off last.
    fn take(&self) -> Option<Arc<dyn Sleeper>> {
        let calls = self.calls.take();
        if calls > 0 {
            // Not more at a time than what is forgotten in a dozen times: all that was only read came before as well.
            let load = (self.worked.get() / calls).min(self.limits.get().work * 4);
            self.load.set(recent(self.load.get(), load));
        }
        self.steps.set(0);
        self.worked.set(Duration::ZERO);
        self.since.set(None);
        let (there, crowd) = (post::awaited(), self.crowd.get());
        self.crowd.set(if there < crowd { crowd - (crowd - there).div_ceil(2) } else { there });
        self.waiting.borrow_mut().pop()
    }

    fn rouse_all(&self) {
        // One may be added while another is woken.
        while let Some(sleeper) = { self.waiting.borrow_mut().pop() } {
            sleeper.rouse();
        }
    }
}

/// An average in which the last times count most.
fn recent(average: Duration, last: Duration) -> Duration {
    average - average / 8 + last / 8
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use parking_lot::Mutex;
    use tokio::runtime::{Builder, Runtime};

    use super::*;
    use crate::post::{Reply, Round};

    const HOUR: Duration = Duration::from_secs(3600);

    /// Answers what was left to it, here or, when it is roused, on another thread after a while.
    #[derive(Default)]
    struct Worker {
        left: Mutex<Vec<Reply<u32>>>,
        roused: AtomicU32,
        /// How many were answered at a time by the thread itself.
        worked: Mutex<Vec<u32>>,
        slow: bool,
    }

    impl Sleeper for Worker {
        fn rouse(&self) {
            self.roused.fetch_add(1, Ordering::Relaxed);
            self.answer();
        }

        fn work(&self) {
            if self.slow {
                std::thread::sleep(Duration::from_millis(40));
            }
            let answered = self.answer();
            self.worked.lock().push(answered);
        }
    }

    impl Worker {
        fn answer(&self) -> u32 {
            let left = std::mem::take(&mut *self.left.lock());
            let mut round = Round::default();
            let count = left.len() as u32;
            for reply in left {
                round.tell(reply, count);
            }
            count
        }

        async fn call(self: &Arc<Worker>) -> u32 {
            let (reply, answer) = post::reply();
            self.left.lock().push(reply);
            if !later(self) {
                self.rouse();
            }
            answer.await.unwrap()
        }
    }

    /// On a thread that puts off.
    fn on_a_thread(sync: Duration, test: impl FnOnce(&Runtime) + Send + 'static) {
        let thread = std::thread::spawn(move || {
            let runtime = Builder::new_current_thread()
                .enable_all()
                .on_thread_park(idle)
                .on_thread_unpark(woke)
                .build()
                .unwrap();
            let _context = runtime.enter();
            put_off(Limits { sync, work: HOUR });
            runtime.spawn(post::deliver());
            test(&runtime);
            assert_eq!(post::awaited(), 0);
        });
        thread.join().unwrap();
    }

    /// `tasks` tasks call `times` times each.
    fn run(worker: &Arc<Worker>, tasks: u32, times: u32) {
        let worker = worker.clone();
        let sync = if worker.slow { Duration::from_millis(5) } else { HOUR };
        on_a_thread(sync, move |runtime| {
            let calls = (0..tasks).map(|_| {
                let worker = worker.clone();
                runtime.spawn(async move {
                    for _ in 0..times {
                        worker.call().await;
                    }
                })
            });
            for call in calls.collect::<Vec<_>>() {
                runtime.block_on(call).unwrap();
            }
        });
    }

    #[test]
    fn a_thread_that_does_not_put_off_leaves_it_to_the_caller() {
        let worker = Arc::new(Worker::default());
        assert!(!later(&worker));
        idle();
        assert_eq!(worker.roused.load(Ordering::Relaxed), 0);
        assert!(worker.worked.lock().is_empty());
    }

    #[test]
    fn few_are_worked_for_together_by_the_thread_itself() {
        for tasks in [1, 4] {
            let worker = Arc::new(Worker::default());
            run(&worker, tasks, 100);
            assert_eq!(worker.roused.load(Ordering::Relaxed), 0);
            let worked = worker.worked.lock();
            assert_eq!(worked.iter().sum::<u32>(), tasks * 100);
            assert_eq!(worked.iter().filter(|count| **count == tasks).count(), 100, "{worked:?}");
        }
    }

    #[test]
    fn who_is_not_there_any_more_is_not_waited_for_for_long() {
        let worker = Arc::new(Worker::default());
        let called = worker.clone();
        on_a_thread(HOUR, move |runtime| {
            let one = || {
                let worker = called.clone();
                runtime.spawn(async move { worker.call().await })
            };
            for call in [one(), one(), one(), one()] {
                assert_eq!(runtime.block_on(call).unwrap(), 4);
            }
            // Alone: no one else ever comes, and each is answered.
            for _ in 0..5 {
                assert_eq!(runtime.block_on(one()).unwrap(), 1);
            }
            HERE.with(|here| assert_eq!(here.crowd.get(), 1));
        });
        assert_eq!(*worker.worked.lock(), [4, 1, 1, 1, 1, 1]);
    }

    #[test]
    fn many_leave_it_to_others() {
        let worker = Arc::new(Worker::default());
        run(&worker, FEW + 1, 100);
        assert_eq!(worker.roused.load(Ordering::Relaxed), 100);
        assert!(worker.worked.lock().is_empty());
    }

    #[test]
    fn who_works_long_for_each_answer_leaves_it_to_others() {
        on_a_thread(HOUR, |_| {
            let worker = Arc::new(Worker::default());
            let round = |worked: Duration| {
                assert!(later(&worker) && later(&worker));
                HERE.with(|here| {
                    here.woke.set(None);
                    here.worked.set(worked);
                });
                let before = worker.roused.load(Ordering::Relaxed);
                idle();
                worker.roused.load(Ordering::Relaxed) > before
            };
            // Two at a time: half an hour for each.
            assert!((0..100).all(|_| !round(HOUR)));
            // Once is nothing, always is.
            assert!(!round(HOUR * 100) && (0..100).all(|_| !round(HOUR)));
            let roused: Vec<bool> = (0..100).map(|_| round(HOUR * 4)).collect();
            assert!(!roused[0] && roused[50..].iter().all(|roused| *roused));
            let roused: Vec<bool> = (0..100).map(|_| round(HOUR)).collect();
            assert!(roused[0] && roused[50..].iter().all(|roused| !*roused));
        });
    }

    #[test]
    fn a_slow_one_is_left_to_others_until_it_may_be_quick_again() {
        let worker = Arc::new(Worker { slow: true, ..Worker::default() });
        run(&worker, 1, 1000);
        let worked = worker.worked.lock().len();
        assert!((1..20).contains(&worked), "{worked}");
        assert_eq!(worked as u32 + worker.roused.load(Ordering::Relaxed), 1000);
    }

    #[test]
    fn after_many_steps_it_is_not_waited_any_longer() {
        on_a_thread(HOUR, |_| {
            let (one, other) = (Arc::new(Worker::default()), Arc::new(Worker::default()));
            assert!(later(&one) && later(&other) && later(&one));
            for _ in 1..STEPS_MAX * 2 {
                step();
            }
            assert_eq!(one.roused.load(Ordering::Relaxed) + other.roused.load(Ordering::Relaxed), 0);
            step();
            assert_eq!(one.roused.load(Ordering::Relaxed), 1);
            assert_eq!(other.roused.load(Ordering::Relaxed), 1);
            // Two that wait: one is done here, the other meanwhile elsewhere.
            assert!(later(&one) && later(&other));
            idle();
            assert_eq!(one.roused.load(Ordering::Relaxed), 2);
            assert_eq!(other.worked.lock().len(), 1);
        });
    }
}
