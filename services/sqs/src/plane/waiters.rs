use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// Those who wait for a message of a queue, in the order in which they came.
///
/// A message that appears wakes the first. The first also watches the clock for all: it sleeps no longer than until
/// something becomes visible by itself.
#[derive(Default)]
pub(crate) struct Waiters {
    next: u64,
    waiting: BTreeMap<u64, Arc<Waiter>>,
    /// Until when the first one sleeps, as far as the queue's timers decide it.
    armed_ms: Option<i64>,
}

#[derive(Default)]
pub(crate) struct Waiter {
    notify: Notify,
    woken: AtomicBool,
}

impl Waiters {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn join(&mut self) -> (u64, Arc<Waiter>) {
        let (number, waiter) = (self.next, Arc::new(Waiter::default()));
        self.next += 1;
        self.waiting.insert(number, waiter.clone());
        (number, waiter)
    }

    /// It got something, gave up, or its client went away. What it was woken for passes on to the next.
    pub(crate) fn leave(&mut self, number: u64) {
        let was_first = self.is_first(number);
        let Some(gone) = self.waiting.remove(&number) else { return };
        let unused = gone.woken.load(Ordering::Relaxed);
        if (was_first || unused)
            && let Some(next) = self.waiting.values().next()
        {
            next.wake();
        }
    }

    pub(crate) fn is_first(&self, number: u64) -> bool {
        self.waiting.first_key_value().is_some_and(|(first, _)| *first == number)
    }

    /// Wakes the first `count` of those that still sleep.
    pub(crate) fn wake(&mut self, count: usize) {
        for waiter in self.waiting.values().take(count) {
            waiter.wake();
        }
    }

    /// The first one is about to sleep until then.
    pub(crate) fn arm(&mut self, at_ms: Option<i64>) {
        self.armed_ms = at_ms;
    }

    /// Something will happen at `next_ms`: wakes the first when it would sleep past it.
    pub(crate) fn rearm(&mut self, next_ms: Option<i64>) {
        let Some(next_ms) = next_ms else { return };
        if self.armed_ms.is_none_or(|armed_ms| next_ms < armed_ms) {
            self.wake(1);
        }
    }
}

impl Waiter {
    fn wake(&self) {
        if !self.woken.swap(true, Ordering::Relaxed) {
            self.notify.notify_one();
        }
    }

    /// To be called under the queue's lock, before looking at it: later wake-ups count again.
    pub(crate) fn look(&self) {
        self.woken.store(false, Ordering::Relaxed);
    }

    pub(crate) async fn woken(&self) {
        self.notify.notified().await;
    }
}
