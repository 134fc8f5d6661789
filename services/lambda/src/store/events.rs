use haneul_kit::{Instant, Result};
use haneul_store::{Batch, Range, Reads};

use super::Records;
use crate::model::event::{EVENTS, EventRecord, PAYLOADS};

/// Where an event stands: due time in milliseconds, and its number.
pub(crate) type EventRow = (u64, u64);

impl Records {
    /// Accepts an event.
    pub(crate) async fn accept(&self, row: EventRow, event: &EventRecord, payload: &[u8]) -> Result<()> {
        let mut batch = Batch::default();
        batch.put(&EVENTS, &row, event)?;
        batch.put(&PAYLOADS, &row.1, &payload.to_vec())?;
        Ok(self.store.write(batch).await?)
    }

    pub(crate) async fn events_due(
        &self,
        now: Instant,
        after: Option<EventRow>,
        limit: usize,
    ) -> Result<Vec<(EventRow, EventRecord)>> {
        let mut range = Range::all().before(&(now.millis().max(0) as u64 + 1, 0));
        if let Some(after) = after {
            range = range.after(&after);
        }
        Ok(self.store.scan(&EVENTS, range, limit).await?)
    }

    pub(crate) async fn event(&self, row: EventRow) -> Result<Option<EventRecord>> {
        Ok(self.store.get(&EVENTS, &row).await?)
    }

    /// When the first event after `now` falls due.
    pub(crate) async fn next_event(&self, now: Instant) -> Result<Option<Instant>> {
        let range = Range::all().from(&(now.millis().max(0) as u64 + 1, 0));
        let rows = self.store.scan_keys(&EVENTS, range, 1).await?;
        Ok(rows.first().map(|(due_ms, _)| Instant::from_millis(*due_ms as i64)))
    }

    pub(crate) async fn payload(&self, number: u64) -> Result<Vec<u8>> {
        Ok(self.store.get(&PAYLOADS, &number).await?.unwrap_or_default())
    }

    /// Puts an event off, as it is now.
    pub(crate) async fn put_off(&self, row: EventRow, due_ms: u64, event: &EventRecord) -> Result<()> {
        let mut batch = Batch::default();
        if due_ms != row.0 {
            batch.delete(&EVENTS, &row)?;
        }
        batch.put(&EVENTS, &(due_ms, row.1), event)?;
        Ok(self.store.write(batch).await?)
    }

    /// All is done.
    pub(crate) async fn finish_event(&self, row: EventRow) -> Result<()> {
        let mut batch = Batch::default();
        batch.delete(&EVENTS, &row)?;
        batch.delete(&PAYLOADS, &row.1)?;
        Ok(self.store.write(batch).await?)
    }
}
