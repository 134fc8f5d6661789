//! What is too old goes: the history after 90 days, what a trail could not deliver after 30, event data stores by their
//! own retention, and deleted ones for good.

use std::sync::Arc;
use std::time::Duration;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};
use haneul_store::{Range, Reads, Table};

use crate::CloudTrail;
use crate::chunk;
use crate::insights::KEPT_DAYS;
use crate::model::{Chunk, ChunkKey, HISTORY, LAKE, OUTBOX};

const DAY_MS: i64 = 86_400_000;
/// How far LookupEvents reaches back.
pub(crate) const HISTORY_DAYS: i64 = 90;
/// How long deliveries are tried.
const OUTBOX_DAYS: i64 = 30;
const EVERY: Duration = Duration::from_secs(3600);

impl CloudTrail {
    async fn sweep(&self, now: Instant) -> Result<()> {
        self.sweep_table(&HISTORY, None, now.millis() - HISTORY_DAYS * DAY_MS).await?;
        self.sweep_table(&OUTBOX, None, now.millis() - OUTBOX_DAYS * DAY_MS).await?;
        self.sweep_counts(now.millis() - KEPT_DAYS * DAY_MS).await?;
        for (key, store) in self.every_store().await? {
            if store.gone_at_ms.is_some_and(|at_ms| at_ms <= now.millis()) {
                self.drop_store(&key).await?;
                continue;
            }
            let before_ms = now.millis() - i64::from(store.retention_days) * DAY_MS;
            self.sweep_table(&LAKE, Some(&key.2), before_ms).await?;
        }
        Ok(())
    }

    /// Deletes the chunks that end before a time, from the front of each account and Region.
    async fn sweep_table(
        &self,
        table: &'static Table<ChunkKey, Chunk>,
        name: Option<&str>,
        before_ms: i64,
    ) -> Result<()> {
        let all = || match name {
            Some(name) => Range::prefix((name.to_owned(),)),
            None => Range::all(),
        };
        let mut range = all();
        loop {
            let first = self.platform.store.scan(table, range, 1).await?;
            let Some((key, Chunk(bytes))) = first.into_iter().next() else { return Ok(()) };
            range = if chunk::head(&bytes)?.last_ms < before_ms {
                self.platform.store.delete(table, &key).await?;
                all().after(&key)
            } else {
                all().after(&(key.0, key.1, key.2, u64::MAX))
            };
        }
    }
}

pub(crate) struct Sweeping {
    trail: Arc<CloudTrail>,
    signal: Signal,
}

impl Sweeping {
    pub(crate) fn new(trail: Arc<CloudTrail>) -> Sweeping {
        Sweeping { trail, signal: Signal::default() }
    }
}

impl Reconciler for Sweeping {
    fn name(&self) -> &'static str {
        "cloudtrail.sweep"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(async move {
            let now = self.trail.platform.env.now();
            self.trail.sweep(now).await?;
            Ok(Some(now + EVERY))
        })
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
