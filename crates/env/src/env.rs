use haneul_base::Instant;
use tokio::task::JoinHandle;

use crate::{Clock, Fs, Rng, Tasks};

/// Clock, randomness, tasks and files of one cloud. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Env {
    pub clock: Clock,
    pub rng: Rng,
    pub tasks: Tasks,
    pub fs: Fs,
}

impl Env {
    /// The host's clock, randomness and files.
    pub fn real() -> Env {
        Env { clock: Clock::real(), rng: Rng::real(), tasks: Tasks::default(), fs: Fs::real() }
    }

    /// A clock frozen at a fixed instant randomness from `seed` and a disk in memory: the same run every time.
    pub fn simulated(seed: u64) -> Env {
        // 2026-01-01T00:00:00Z: any fixed instant does; this one is after every model's release.
        let start = Instant::from_secs(1_767_225_600);
        Env {
            clock: Clock::frozen(start),
            rng: Rng::seeded(seed),
            tasks: Tasks::default(),
            // A generator of its own: what the disk draws must not shift the ids that a test expects.
            fs: Fs::simulated(Rng::seeded(seed ^ 0x6469_736b)),
        }
    }

    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    pub fn spawn<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.tasks.spawn(name, work)
    }
}
