use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use haneul_base::Instant;
use parking_lot::Mutex;
use tokio::sync::watch;

/// The cloud's clock. It runs with the host's clock, plus what it was advanced by, or stands still when frozen.
///
/// Every timer, TTL, expiry, signature skew and bill reads this clock, so `advance` makes thirty days pass for all of
/// them at once. Sleepers wake when the clock reaches their time, however it got there.
#[derive(Clone)]
pub struct Clock {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// The clock's course since it was made: at which host time, in milliseconds, it took which.
    course: Mutex<VecDeque<(i64, State)>>,
    /// Counts changes of the clock's course (advance, freeze, resume), which sleepers must notice.
    changes: watch::Sender<u64>,
}

/// Changes of course that are remembered.
const COURSE_MAX: usize = 4096;

#[derive(Clone, Copy)]
enum State {
    Running { ahead_of_host_ms: i64 },
    Frozen { at: Instant },
}

impl Clock {
    /// Follows the host's clock.
    pub fn real() -> Clock {
        Clock::ahead_of_host(Duration::ZERO)
    }

    /// Runs ahead of the host's clock, as one that an earlier run had advanced.
    pub fn ahead_of_host(by: Duration) -> Clock {
        let ahead_of_host_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        // What it was before it was made is taken to be the same: clients hold URLs that they signed then.
        Clock::in_state(State::Running { ahead_of_host_ms }, i64::MIN)
    }

    /// Stands still at `at` until advanced.
    pub fn frozen(at: Instant) -> Clock {
        Clock::in_state(State::Frozen { at }, host_millis())
    }

    fn in_state(state: State, since_host_ms: i64) -> Clock {
        let course = Mutex::new(VecDeque::from([(since_host_ms, state)]));
        Clock {
            shared: Arc::new(Shared { state: Mutex::new(state), course, changes: watch::Sender::new(0) }),
        }
    }

    /// What this clock read when the host's read `host`, by which clients sign; `None` for a time before its course
    /// is known.
    pub fn at_host_time(&self, host: Instant) -> Option<Instant> {
        let course = self.shared.course.lock();
        let (_, state) = course.iter().rev().find(|(since_ms, _)| *since_ms <= host.millis())?;
        Some(match *state {
            State::Running { ahead_of_host_ms } => {
                Instant::from_millis(host.millis().saturating_add(ahead_of_host_ms))
            }
            State::Frozen { at } => at,
        })
    }

    pub fn now(&self) -> Instant {
        match *self.shared.state.lock() {
            State::Running { ahead_of_host_ms } => Instant::from_millis(host_millis() + ahead_of_host_ms),
            State::Frozen { at } => at,
        }
    }

    /// How long something took that began at `began`, and by the host's monotonic clock went from `from` to `to`: that, as
    /// long as this clock runs, and while it stands still what it was advanced by.
    pub fn took(&self, began: Instant, from: std::time::Instant, to: std::time::Instant) -> Duration {
        match *self.shared.state.lock() {
            State::Running { .. } => to.duration_since(from),
            State::Frozen { at } => at.since(began),
        }
    }

    pub fn is_frozen(&self) -> bool {
        matches!(*self.shared.state.lock(), State::Frozen { .. })
    }

    /// How far this clock is ahead of the host's; what a restart must restore.
    pub fn ahead_of_host_ms(&self) -> i64 {
        match *self.shared.state.lock() {
            State::Running { ahead_of_host_ms } => ahead_of_host_ms,
            State::Frozen { at } => at.millis() - host_millis(),
        }
    }

    /// Moves the clock forward, and wakes every sleeper whose time has come. Time never goes back.
    pub fn advance(&self, by: Duration) {
        self.change(|state| match state {
            State::Running { ahead_of_host_ms } => {
                let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
                State::Running { ahead_of_host_ms: ahead_of_host_ms.saturating_add(by_ms) }
            }
            State::Frozen { at } => State::Frozen { at: at + by },
        });
    }

    pub fn freeze(&self) {
        let at = self.now();
        self.change(|_| State::Frozen { at });
    }

    /// Lets a frozen clock run on from where it stands.
    pub fn resume(&self) {
        self.change(|state| match state {
            State::Frozen { at } => State::Running { ahead_of_host_ms: at.millis() - host_millis() },
            running => running,
        });
    }

    fn change(&self, to: impl FnOnce(State) -> State) {
        {
            let mut state = self.shared.state.lock();
            *state = to(*state);
            let mut course = self.shared.course.lock();
            course.push_back((host_millis(), *state));
            if course.len() > COURSE_MAX {
                course.pop_front();
            }
        }
        self.shared.changes.send_modify(|count| *count += 1);
    }

    pub async fn sleep(&self, span: Duration) {
        self.sleep_until(self.now() + span).await;
    }

    /// Returns when the clock reads `until` or later.
    // The one place that may ask tokio to sleep.
    #[allow(clippy::disallowed_methods)]
    pub async fn sleep_until(&self, until: Instant) {
        let mut changes = self.shared.changes.subscribe();
        loop {
            changes.mark_unchanged();
            let now = self.now();
            if now >= until {
                return;
            }
            if self.is_frozen() {
                if changes.changed().await.is_err() {
                    return;
                }
            } else {
                // Long sleeps are cut so that a step of the host's clock is noticed within a minute.
                let span = until.since(now).min(Duration::from_secs(60));
                tokio::select! {
                    () = tokio::time::sleep(span) => {}
                    _ = changes.changed() => {}
                }
            }
        }
    }

    /// `Some` when `work` ended before `span` passed on this clock.
    pub async fn timeout<T>(&self, span: Duration, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.sleep(span) => None,
        }
    }
}

/// Monotonic time of the host, for measuring how long something took. Not for anything a user can see.
#[allow(clippy::disallowed_methods)]
pub fn monotonic() -> std::time::Instant {
    std::time::Instant::now()
}

#[allow(clippy::disallowed_methods)]
fn host_millis() -> i64 {
    match std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => since.as_millis() as i64,
        Err(before) => -(before.duration().as_millis() as i64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_frozen_clock_wakes_its_sleepers_only_by_advance() {
        let clock = Clock::frozen(Instant::from_secs(100));
        #[allow(clippy::disallowed_methods)]
        let sleeper = tokio::task::spawn({
            let clock = clock.clone();
            async move {
                clock.sleep(Duration::from_secs(30 * 86_400)).await;
                clock.now()
            }
        });
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(86_400));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(29 * 86_400));
        assert_eq!(sleeper.await.unwrap(), Instant::from_secs(100 + 30 * 86_400));
    }

    #[test]
    fn a_time_of_the_host_is_read_by_the_course_of_then() {
        let clock = Clock::real();
        let before = Instant::from_millis(host_millis() - 60_000);
        assert_eq!(clock.at_host_time(before), Some(before));
        clock.advance(Duration::from_secs(3600));
        assert_eq!(clock.at_host_time(before), Some(before), "it was signed before the clock was moved");
        let now = Instant::from_millis(host_millis() + 1);
        assert_eq!(clock.at_host_time(now), Some(now + Duration::from_secs(3600)));
        assert_eq!(Clock::frozen(Instant::EPOCH).at_host_time(before), None);
    }

    #[test]
    fn freeze_and_resume_keep_the_distance() {
        let clock = Clock::real();
        clock.advance(Duration::from_secs(3600));
        clock.freeze();
        let at = clock.now();
        assert_eq!(clock.now(), at);
        clock.resume();
        assert!(clock.now() >= at && clock.now() < at + Duration::from_secs(60));
        assert!((clock.ahead_of_host_ms() - 3_600_000).abs() < 60_000);
    }
}
