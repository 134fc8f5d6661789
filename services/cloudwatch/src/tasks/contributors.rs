use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};

use crate::CloudWatch;

/// Merges what rules counted into minutes, and forgets the minutes that are too old.
pub(crate) struct Contributors {
    cloudwatch: Arc<CloudWatch>,
    signal: Signal,
    /// The hour in which it was last looked for what is too old.
    hour: AtomicI64,
}

const EVERY: Duration = Duration::from_secs(10);
const HOUR_MS: i64 = 3_600_000;

impl Contributors {
    pub(crate) fn new(cloudwatch: Arc<CloudWatch>) -> Contributors {
        Contributors { cloudwatch, signal: Signal::default(), hour: AtomicI64::new(i64::MIN) }
    }
}

impl Reconciler for Contributors {
    fn name(&self) -> &'static str {
        "cloudwatch.contributors"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            let now = self.cloudwatch.platform.env.now();
            while self.cloudwatch.merge_tallies().await? {
                tokio::task::yield_now().await;
            }
            let hour = now.millis().div_euclid(HOUR_MS);
            if self.hour.load(Ordering::Relaxed) != hour {
                self.cloudwatch.forget_minutes(now.millis()).await?;
                self.hour.store(hour, Ordering::Relaxed);
            }
            Ok(Some(now + EVERY))
        })
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
