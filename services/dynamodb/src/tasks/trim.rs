//! Trims logs: streams keep a day, point-in-time recovery what its settings say. An ended stream goes when its day is over.

use std::time::Duration;

use haneul_kit::{AccountId, BoxFuture, Instant, Reconciler, Region, Result, Signal};
use haneul_store::{Batch, Range, Reads, StoreError};

use crate::error;
use crate::model::{LOG, LaneRecord, RawPrefix, STREAMS, TABLES};
use crate::store::Db;
use crate::stream::read::KEPT_MS;
use crate::stream::sequence::{self, of_time};

pub(crate) struct Trim {
    db: Db,
    signal: Signal,
}

const PAGE: usize = 1_000;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(15 * 60);

/// A restore that was let in may begin a little after its moment has left the window.
const SLACK_MS: i64 = 60 * 60 * 1000;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

impl Trim {
    pub(crate) fn new(db: Db) -> Trim {
        Trim { db, signal: Signal::default() }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let now = self.db.env.now();
        let mut range = Range::all();
        loop {
            let page = self.db.store.scan(&STREAMS, range, PAGE).await.map_err(error::store)?;
            let Some((last, _)) = page.last() else { break };
            range = Range::all().after(last);
            for (key, stream) in page {
                for lane in stream.all_lanes() {
                    self.trim(lane.log, now.millis() - KEPT_MS).await?;
                }
                if stream.ended_ms.is_some_and(|ended| ended + KEPT_MS <= now.millis()) {
                    self.db.store.delete(&STREAMS, &key).await.map_err(error::store)?;
                } else if stream.lanes.iter().any(|lane| is_empty(lane, now)) {
                    self.forget_lanes(&key, now).await?;
                }
            }
        }
        let needed = self.db.needed().await?.logs;
        let mut range = Range::all();
        loop {
            let page = self.db.store.scan(&TABLES, range, PAGE).await.map_err(error::store)?;
            let Some((last, _)) = page.last() else { break };
            range = Range::all().after(last);
            for (_, record) in page {
                if let Some(pitr) = &record.pitr {
                    let before_ms = now.millis() - i64::from(pitr.days) * DAY_MS - SLACK_MS;
                    let needed_ms = needed.get(&pitr.log).copied().unwrap_or(i64::MAX);
                    self.trim(pitr.log, before_ms.min(needed_ms)).await?;
                }
            }
        }
        Ok(Some(now + EVERY))
    }

    /// Forgets lanes of which nothing is left. They are known as long as any of their shards could be named.
    async fn forget_lanes(&self, key: &(AccountId, Region, String, String), now: Instant) -> Result<()> {
        let forgotten = self.db.store.transact(|tx| async move {
            if let Some(mut stream) = tx.get(&STREAMS, key).await? {
                stream.lanes.retain(|lane| !is_empty(lane, now));
                tx.put(&STREAMS, key, &stream)?;
            }
            Ok::<_, StoreError>(())
        });
        forgotten.await.map_err(error::store)
    }

    async fn trim(&self, log: u64, before_ms: i64) -> Result<()> {
        let end = sequence::key(log, of_time(Instant::from_millis(before_ms)));
        loop {
            let range = Range::prefix(RawPrefix(&log.to_be_bytes())).before(&end[..]);
            let page = self.db.store.scan_keys(&LOG, range, PAGE).await.map_err(error::store)?;
            if page.is_empty() {
                return Ok(());
            }
            let mut batch = Batch::default();
            for key in &page {
                batch.delete(&LOG, key).map_err(error::store)?;
            }
            self.db.store.write(batch).await.map_err(error::store)?;
        }
    }
}

/// Whether all that a lane had has been trimmed.
fn is_empty(lane: &LaneRecord, now: Instant) -> bool {
    lane.until_ms.is_some_and(|until| until + KEPT_MS + SLACK_MS <= now.millis())
}

impl Reconciler for Trim {
    fn name(&self) -> &'static str {
        "dynamodb trim"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.signal
    }
}
