use std::sync::Arc;
use std::time::Duration;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};

use crate::Logs;
use crate::model::Garbage;
use crate::ops::retention::cutoff_ms;

/// How often retention is looked at; events are out of sight the moment they are too old.
const EVERY: Duration = Duration::from_secs(3600);

pub(crate) struct Sweeping {
    logs: Arc<Logs>,
    signal: Signal,
}

impl Sweeping {
    pub(crate) fn new(logs: Arc<Logs>) -> Sweeping {
        let signal = logs.sweeping.clone();
        Sweeping { logs, signal }
    }

    async fn run(&self) -> Result<()> {
        let records = &self.logs.records;
        loop {
            let garbage = records.garbage().await?;
            if garbage.is_empty() {
                break;
            }
            for (id, what) in garbage {
                let group = match what {
                    Garbage::Group => None,
                    Garbage::Stream { group } => Some(group),
                };
                while records.sweep(id, i64::MAX, group).await? {}
                if group.is_none() {
                    records.forget_fields(id).await?;
                }
                records.swept(id).await?;
            }
        }
        let now = self.logs.platform.env.now();
        records.forget_queries(now.millis()).await?;
        records.forget_runs(now.millis()).await?;
        for group in records.every_group().await? {
            let cutoff_ms = cutoff_ms(&group, now);
            records.tend_fields(group.id, cutoff_ms).await?;
            let Some(cutoff_ms) = cutoff_ms else { continue };
            while records.sweep(group.id, cutoff_ms, None).await? {}
        }
        Ok(())
    }
}

impl Reconciler for Sweeping {
    fn name(&self) -> &'static str {
        "logs.sweeping"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            self.run().await?;
            Ok(Some(self.logs.platform.env.now() + EVERY))
        })
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
