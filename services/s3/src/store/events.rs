use haneul_kit::{Instant, Result};
use haneul_store::{Batch, Range, Reads};

use super::Records;
use super::tables::EVENTS;
use super::watch::Watch;
use crate::error::{self, Failure};
use crate::model::ObjectRecord;
use crate::model::event::{Detail, EventRecord};

/// Where an event stands in the outbox: due time in milliseconds, and a random number.
pub(crate) type EventRow = (u64, u64);

impl Records {
    /// Events that are due, the longest due first.
    pub(crate) async fn events_due(
        &self,
        now: Instant,
        limit: usize,
    ) -> Result<Vec<(EventRow, EventRecord)>> {
        let range = Range::all().before(&(now.millis().max(0) as u64 + 1, 0));
        self.store.scan(&EVENTS, range, limit).await.map_err(error::store)
    }

    /// Tells of something that is no change of an object.
    pub(crate) async fn tell(
        &self,
        watch: &Watch<'_>,
        name: &'static str,
        key: &str,
        record: &ObjectRecord,
        detail: Detail,
    ) -> Result<()> {
        let detail = &detail;
        let done = self.store.transact(|tx| async move {
            watch.tell(&tx, name, key, record, detail)?;
            Ok::<_, Failure>(())
        });
        Ok(done.await?)
    }

    /// When the next event falls due.
    pub(crate) async fn next_event(&self) -> Result<Option<Instant>> {
        let rows = self.store.scan_keys(&EVENTS, Range::all(), 1).await.map_err(error::store)?;
        Ok(rows.first().map(|(due_ms, _)| Instant::from_millis(*due_ms as i64)))
    }

    /// Takes events out, and puts those that failed back for later.
    pub(crate) async fn settle_events(
        &self,
        done: &[EventRow],
        again: &[(EventRow, EventRecord)],
    ) -> Result<()> {
        let mut batch = Batch::default();
        for row in done {
            batch.delete(&EVENTS, row).map_err(error::store)?;
        }
        for (row, event) in again {
            batch.put(&EVENTS, row, event).map_err(error::store)?;
        }
        self.store.write(batch).await.map_err(error::store)
    }
}
