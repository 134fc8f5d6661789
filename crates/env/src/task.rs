use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Clock;

/// Every task of the cloud, so that a shutdown can ask all to stop and wait until they have.
#[derive(Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    stopping: CancellationToken,
    /// The runtime of what is no connection.
    shared: Arc<OnceLock<Handle>>,
}

impl Tasks {
    /// Starts a task. A long-lived one must watch [`Tasks::stopping`]; a panic in it is logged, not swallowed.
    pub fn spawn<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.spawn_on(&Handle::current(), name, work)
    }

    /// Says that the present runtime is the one for [`Tasks::spawn_aside`]. The first that says so is.
    pub fn share(&self) {
        let _ = self.shared.set(Handle::current());
    }

    /// Starts a task that works long, so that it is not in the way of the connections of a thread.
    pub fn spawn_aside<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.spawn_on(&self.shared.get().cloned().unwrap_or_else(Handle::current), name, work)
    }

    /// The same on another runtime than the present one.
    // The one place that may ask tokio to spawn.
    #[allow(clippy::disallowed_methods)]
    pub fn spawn_on<T: Send + 'static>(
        &self,
        runtime: &Handle,
        name: &'static str,
        work: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let announced = Announce(name);
        runtime.spawn(self.tracker.track_future(async move {
            let _announced = announced;
            work.await
        }))
    }

    /// Does work that takes long without a pause, in a task of [`Tasks::spawn_aside`]: where other threads are there, other
    /// tasks do not wait for it.
    pub fn long<T>(work: impl FnOnce() -> T) -> T {
        match Handle::current().runtime_flavor() {
            RuntimeFlavor::MultiThread => tokio::task::block_in_place(work),
            _ => work(),
        }
    }

    /// Resolves when a shutdown has begun.
    pub async fn stopping(&self) {
        self.stopping.cancelled().await;
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    /// Asks all tasks to stop, and does not wait.
    pub fn begin_stop(&self) {
        self.stopping.cancel();
    }

    /// Asks all tasks to stop and waits up to `grace`. False when some had not ended by then.
    pub async fn stop(&self, clock: &Clock, grace: Duration) -> bool {
        self.stopping.cancel();
        self.tracker.close();
        // A frozen clock must not make a shutdown wait for ever.
        if clock.is_frozen() {
            clock.resume();
        }
        clock.timeout(grace, self.tracker.wait()).await.is_some()
    }
}

/// Says which task panicked when it is dropped by unwinding.
struct Announce(&'static str);

impl Drop for Announce {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(task = self.0, "a task panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn stop_waits_for_the_tasks() {
        let (tasks, clock) = (Tasks::default(), Clock::real());
        let polite = tasks.spawn("polite", {
            let tasks = tasks.clone();
            async move {
                tasks.stopping().await;
                "ended"
            }
        });
        assert!(tasks.stop(&clock, Duration::from_secs(5)).await);
        assert_eq!(polite.await.unwrap(), "ended");

        let (tasks, clock) = (Tasks::default(), Clock::real());
        tasks.spawn("deaf", std::future::pending::<()>());
        assert!(!tasks.stop(&clock, Duration::from_millis(10)).await);
    }

    #[test]
    fn what_works_long_is_aside() {
        let shared = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let tasks = Tasks::default();
        shared.block_on(async { tasks.share() });
        let own = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let here = std::thread::current().id();
        let there = own.block_on(async {
            Tasks::long(|| ());
            tasks.spawn_aside("long", async { Tasks::long(|| std::thread::current().id()) }).await.unwrap()
        });
        assert_ne!(here, there);
    }
}
