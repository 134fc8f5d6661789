use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};

use crate::CloudWatch;
use crate::series::Tier;

/// Moves points that are old enough to the next tier, and puts small chunks together.
pub(crate) struct Rolling {
    cloudwatch: Arc<CloudWatch>,
    signal: Signal,
    /// The day on which the tiers with long blocks were last looked at.
    day: AtomicI64,
}

const EVERY: Duration = Duration::from_secs(3600);
const DAY_MS: i64 = 86_400_000;

impl Rolling {
    pub(crate) fn new(cloudwatch: Arc<CloudWatch>) -> Rolling {
        Rolling { cloudwatch, signal: Signal::default(), day: AtomicI64::new(i64::MIN) }
    }
}

impl Reconciler for Rolling {
    fn name(&self) -> &'static str {
        "cloudwatch.rolling"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            let points = &self.cloudwatch.points;
            let now = self.cloudwatch.platform.env.now();
            points.roll(Tier::Second, now.secs()).await?;
            points.compact().await?;
            let today = now.millis().div_euclid(DAY_MS);
            if self.day.load(Ordering::Relaxed) != today {
                for tier in [Tier::Minute, Tier::FiveMinutes, Tier::Hour] {
                    points.roll(tier, now.secs()).await?;
                }
                points.drop_old_metrics(now.millis()).await?;
                self.day.store(today, Ordering::Relaxed);
            }
            Ok(Some(now + EVERY))
        })
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
