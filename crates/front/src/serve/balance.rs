//! Moves connections from a thread that is always busy to one that is not, as long as the machine has cores to spare.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use haneul_env::{Clock, clock, load};

use super::seat::Seat;
use super::workers::{BUSY, Shared};

/// How often it is looked at what the threads do.
const EVERY: Duration = Duration::from_millis(250);

/// A thread that uses this many thousandths of a core has no time for all of its connections…
const FULL: u32 = 850;
/// …and others are of help only while so many thousandths of the machine's cores have nothing to do.
const IDLE: u32 = 500;

/// What was known at the last look.
struct Last {
    at: Instant,
    idle: Option<Duration>,
    used: Vec<Option<Duration>>,
    /// Connections were moved: what is seen next is of before as well.
    moved: bool,
}

/// Looks as long as there are connections. Never ends.
pub(super) async fn run(workers: &Shared) {
    let mut last = Last::new(workers);
    loop {
        if workers.connections() == 0 {
            workers.came.notified().await;
        }
        Clock::real().sleep(EVERY).await;
        last = last.look(workers);
    }
}

impl Last {
    fn new(workers: &Shared) -> Last {
        let used = workers.all.iter().map(|worker| worker.cpu.lock().as_ref()?.used()).collect();
        Last { at: clock::monotonic(), idle: load::idle(), used, moved: false }
    }

    /// Notes what the threads have used since, and moves connections if that helps.
    fn look(self, workers: &Shared) -> Last {
        let mut now = Last::new(workers);
        let span = now.at.saturating_duration_since(self.at);
        let share = |from: Option<Duration>, to: Option<Duration>| -> Option<u32> {
            let used = to?.saturating_sub(from?);
            Some((used.as_micros() * 1000 / span.as_micros().max(1)) as u32)
        };
        let busy: Vec<u32> =
            self.used.iter().zip(&now.used).map(|(from, to)| share(*from, *to).unwrap_or(0)).collect();
        for (worker, busy) in workers.all.iter().zip(&busy) {
            worker.busy.store(*busy, Relaxed);
        }
        let mut turns: Vec<(u32, Arc<Seat>)> = Vec::new();
        workers.seats.lock().retain(|seat| match seat.upgrade() {
            Some(seat) => {
                turns.push((seat.turns(), seat));
                true
            }
            None => false,
        });
        let idle = share(self.idle, now.idle).unwrap_or(0);
        if self.moved || idle < IDLE {
            return now;
        }
        let Some((from, to)) = uneven(&busy) else { return now };
        turns.retain(|(turns, seat)| *turns > 0 && seat.on() == from);
        turns.sort_by_key(|(turns, _)| std::cmp::Reverse(*turns));
        // Every second one, so that both have the like; with one alone nothing is won.
        for (_, seat) in turns.iter().skip(1).step_by(2) {
            seat.ask(to);
            now.moved = true;
        }
        now
    }
}

/// The busiest thread and the one that is least so, if the one has too much and the other time.
fn uneven(busy: &[u32]) -> Option<(usize, usize)> {
    let (from, most) = busy.iter().enumerate().max_by_key(|(_, busy)| **busy)?;
    let (to, least) = busy.iter().enumerate().min_by_key(|(_, busy)| **busy)?;
    (*most >= FULL && *least < BUSY).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_full_thread_gives_and_only_one_with_time_takes() {
        assert_eq!(uneven(&[900, 0, 0]), Some((0, 1)));
        assert_eq!(uneven(&[900, 700, 300]), Some((0, 2)));
        assert_eq!(uneven(&[990, 700]), None);
        assert_eq!(uneven(&[800, 0]), None);
        assert_eq!(uneven(&[]), None);
    }
}
