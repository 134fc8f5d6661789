use std::sync::Arc;
use std::time::Duration;

use haneul_base::Instant;
use haneul_env::Env;
use tokio::sync::Notify;

use crate::{BoxFuture, Result};

/// Makes the world as the records say, again and again: idempotent and without input, so that it can be run after a
/// crash, on a signal and on a timer alike.
pub trait Reconciler: Send + Sync + 'static {
    fn name(&self) -> &'static str;

    /// Does what is due now, and says when something will be due next, if that is known.
    ///
    /// Timers are durable because they are records: whatever fell due while we were down is found by the first run.
    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>>;

    /// What wakes it before that.
    fn signal(&self) -> &Signal;
}

/// Wakes a reconciler. Signals given while it runs are not lost: it runs once more.
#[derive(Clone, Default)]
pub struct Signal(Arc<Notify>);

impl Signal {
    pub fn wake(&self) {
        self.0.notify_one();
    }

    pub async fn woken(&self) {
        self.0.notified().await;
    }
}

/// A run that failed is tried again after this, doubled each time up to [`RETRY_MAX`].
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(60);

/// Runs `reconciler` until the cloud stops.
pub fn start(env: &Env, reconciler: Arc<dyn Reconciler>) {
    let env_inside = env.clone();
    env.spawn(reconciler.name(), async move {
        let env = env_inside;
        let mut retry = RETRY_MIN;
        loop {
            let due = match reconciler.reconcile().await {
                Ok(due) => {
                    retry = RETRY_MIN;
                    due
                }
                Err(error) => {
                    tracing::error!(reconciler = reconciler.name(), %error, "a reconciler failed and is tried again");
                    let at = env.now() + retry;
                    retry = (retry * 2).min(RETRY_MAX);
                    Some(at)
                }
            };
            let timer = async {
                match due {
                    Some(at) => env.clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = timer => {}
                () = reconciler.signal().woken() => {}
                () = env.tasks.stopping() => return,
            }
        }
    });
}
