use std::sync::Arc;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};

use crate::CloudWatch;

/// Writes the points in memory by series, when there are many or the oldest has waited long enough.
pub(crate) struct Writing {
    cloudwatch: Arc<CloudWatch>,
    signal: Signal,
}

impl Writing {
    pub(crate) fn new(cloudwatch: Arc<CloudWatch>) -> Writing {
        let signal = cloudwatch.points.writing.clone();
        Writing { cloudwatch, signal }
    }
}

impl Reconciler for Writing {
    fn name(&self) -> &'static str {
        "cloudwatch.writing"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            let points = &self.cloudwatch.points;
            loop {
                let now_ms = self.cloudwatch.platform.env.now().millis();
                match points.due_ms(now_ms).await {
                    Some(due_ms) if due_ms <= now_ms => points.write(now_ms).await?,
                    due => return Ok(due.map(Instant::from_millis)),
                }
            }
        })
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
