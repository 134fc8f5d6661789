use std::sync::Arc;
use std::time::Duration;

use haneul_kit::metrics::{Reading, VALUES_MAX};
use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};

use crate::CloudWatch;
use crate::series::{Bucket, Identity, Tier};

/// Takes in what other services say of their work, minute by minute.
pub(crate) struct Intake {
    cloudwatch: Arc<CloudWatch>,
    signal: Signal,
}

const MINUTE: Duration = Duration::from_secs(60);

/// Points written at once, and values of their distributions.
const BATCH: usize = 2_000;
const BATCH_VALUES: usize = 200_000;

impl Intake {
    pub(crate) fn new(cloudwatch: Arc<CloudWatch>) -> Intake {
        Intake { cloudwatch, signal: Signal::default() }
    }

    async fn run(&self) -> Result<()> {
        let platform = &self.cloudwatch.platform;
        let now = platform.env.now();
        let minute = minute(now);
        let mut readings = platform.metrics.take(now);
        for source in platform.metrics.sources() {
            readings.extend(source.read(minute).await);
        }
        let (mut batch, mut values) = (Vec::new(), 0);
        for reading in readings {
            let (identity, mut bucket) = point(reading);
            bucket.summary.compact(VALUES_MAX);
            values += bucket.weight();
            batch.push((identity, bucket));
            if batch.len() >= BATCH || values >= BATCH_VALUES {
                self.cloudwatch.points.add(std::mem::take(&mut batch), now.millis()).await?;
                values = 0;
            }
        }
        if !batch.is_empty() {
            self.cloudwatch.points.add(batch, now.millis()).await?;
        }
        Ok(())
    }
}

fn point(reading: Reading) -> (Identity, Bucket) {
    let dimensions = reading.dimensions.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let owner = reading.owner;
    let identity = Identity::new(owner.account, owner.region, reading.namespace, reading.name, dimensions);
    let at = Tier::Minute.align(reading.at.secs());
    (identity, Bucket { at, tier: Tier::Minute, unit: reading.unit, summary: reading.summary })
}

fn minute(at: Instant) -> Instant {
    Instant::from_secs(Tier::Minute.align(at.secs()))
}

impl Reconciler for Intake {
    fn name(&self) -> &'static str {
        "cloudwatch.intake"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            self.run().await?;
            Ok(Some(minute(self.cloudwatch.platform.env.now()) + MINUTE))
        })
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
