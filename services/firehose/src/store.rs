//! Every read and write of the store.

use haneul_kit::{ApiError, Result};
use haneul_store::{Batch, Range, Reads, Store, StoreError};

use crate::error;
use crate::model::{
    DELIVERIES, DeliveryRecord, GONE, POSITIONS, PositionRecord, ROWS, RowKey, STREAMS, StreamKey,
    StreamRecord, weight,
};

/// Streams of an account in a Region. Source: Developer Guide, "Amazon Data Firehose quota".
pub(crate) const STREAMS_MAX: usize = 5000;

/// Rows that are thrown away at once.
const PURGED_MAX: usize = 1000;

pub(crate) struct Records {
    pub(crate) store: Store,
}

/// What a transaction fails with.
pub(crate) enum Failed {
    Store(StoreError),
    Api(ApiError),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Failed {
        Failed::Store(error)
    }
}

impl From<Failed> for ApiError {
    fn from(failed: Failed) -> ApiError {
        match failed {
            Failed::Store(error) => error.into(),
            Failed::Api(error) => error,
        }
    }
}

impl Records {
    pub(crate) async fn stream(&self, key: &StreamKey) -> Result<Option<StreamRecord>> {
        Ok(self.store.get(&STREAMS, key).await?)
    }

    pub(crate) async fn there(&self, key: &StreamKey) -> Result<StreamRecord> {
        self.stream(key).await?.ok_or_else(|| error::no_stream(key))
    }

    pub(crate) async fn create(&self, key: &StreamKey, stream: &StreamRecord) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            if tx.get(&STREAMS, key).await?.is_some() {
                return Err(Failed::Api(error::there_already(key)));
            }
            let others = tx.scan_keys(&STREAMS, Range::prefix((key.0, key.1)), STREAMS_MAX).await?;
            if others.len() >= STREAMS_MAX {
                let message =
                    format!("You have already consumed your firehose quota of {STREAMS_MAX} hoses.");
                return Err(Failed::Api(error::too_many(message)));
            }
            Ok(tx.put(&STREAMS, key, stream)?)
        });
        Ok(done.await?)
    }

    /// Changes a stream. `edit` may run more than once.
    pub(crate) async fn change(
        &self,
        key: &StreamKey,
        edit: impl Fn(&mut StreamRecord) -> Result<()> + Send + Sync,
    ) -> Result<()> {
        let edit = &edit;
        let done = self.store.transact(|tx| async move {
            let stream = tx.get(&STREAMS, key).await?;
            let mut stream = stream.ok_or_else(|| Failed::Api(error::no_stream(key)))?;
            edit(&mut stream).map_err(Failed::Api)?;
            Ok::<_, Failed>(tx.put(&STREAMS, key, &stream)?)
        });
        Ok(done.await?)
    }

    /// The stream is gone when this returns; its records are thrown away later. What it was.
    pub(crate) async fn delete(&self, key: &StreamKey) -> Result<StreamRecord> {
        let done = self.store.transact(|tx| async move {
            let stream = tx.get(&STREAMS, key).await?;
            let stream = stream.ok_or_else(|| Failed::Api(error::no_stream(key)))?;
            tx.delete(&STREAMS, key)?;
            tx.delete(&DELIVERIES, &stream.id)?;
            tx.put(&GONE, &stream.id, &())?;
            Ok::<_, Failed>(stream)
        });
        Ok(done.await?)
    }

    /// Streams of an account in a Region, by name.
    pub(crate) async fn streams(
        &self,
        key: &StreamKey,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(StreamKey, StreamRecord)>> {
        let mut range = Range::prefix((key.0, key.1));
        if let Some(after) = after {
            range = range.after(&(key.0, key.1, after.to_owned()));
        }
        Ok(self.store.scan(&STREAMS, range, limit).await?)
    }

    /// Every stream of the cloud after one, for the start.
    pub(crate) async fn page(
        &self,
        after: Option<&StreamKey>,
        limit: usize,
    ) -> Result<Vec<(StreamKey, StreamRecord)>> {
        let range = after.map_or_else(Range::all, |after| Range::all().after(after));
        Ok(self.store.scan(&STREAMS, range, limit).await?)
    }

    pub(crate) async fn accept(&self, rows: Vec<(RowKey, Vec<u8>)>) -> Result<()> {
        let mut batch = Batch::default();
        for (key, row) in &rows {
            batch.put(&ROWS, key, row)?;
        }
        Ok(self.store.write(batch).await?)
    }

    /// Accepts what was read of a shard, and how far that was, at once. False when the stream is gone or the shard was
    /// read on meanwhile: then nothing is accepted.
    pub(crate) async fn accept_read(
        &self,
        stream: (&StreamKey, u64),
        shard: &str,
        (from, to): (&PositionRecord, &PositionRecord),
        rows: &[(RowKey, Vec<u8>)],
    ) -> Result<bool> {
        let (key, id) = stream;
        let place = &(id, shard.to_owned());
        let done = self.store.transact(|tx| async move {
            if tx.get(&STREAMS, key).await?.is_none_or(|stream| stream.id != id) {
                return Ok(false);
            }
            let kept = tx.get(&POSITIONS, place).await?.filter(|kept| kept.begins == from.begins);
            if kept.is_some_and(|kept| kept != *from) {
                return Ok(false);
            }
            for (key, row) in rows {
                tx.put(&ROWS, key, row)?;
            }
            tx.put(&POSITIONS, place, to)?;
            Ok::<_, Failed>(true)
        });
        Ok(done.await?)
    }

    /// How far the shards of a stream's source were read, by their names.
    pub(crate) async fn positions(&self, id: u64) -> Result<Vec<(String, PositionRecord)>> {
        const PAGE: usize = 1000;
        let mut all: Vec<(String, PositionRecord)> = Vec::new();
        loop {
            let mut range = Range::prefix((id,));
            if let Some((last, _)) = all.last() {
                range = range.after(&(id, last.clone()));
            }
            let page = self.store.scan(&POSITIONS, range, PAGE).await?;
            let is_last = page.len() < PAGE;
            all.extend(page.into_iter().map(|((_, shard), position)| (shard, position)));
            if is_last {
                return Ok(all);
            }
        }
    }

    pub(crate) async fn forget_position(&self, id: u64, shard: &str) -> Result<()> {
        let mut batch = Batch::default();
        batch.delete(&POSITIONS, &(id, shard.to_owned()))?;
        Ok(self.store.write(batch).await?)
    }

    /// When the oldest record arrived.
    pub(crate) async fn first(&self, id: u64) -> Result<Option<i64>> {
        let first = self.store.scan_keys(&ROWS, Range::prefix((id,)), 1).await?;
        Ok(first.first().map(|key| key.1))
    }

    /// Rows from the oldest on, until they have so many bytes.
    pub(crate) async fn oldest(&self, id: u64, bytes: u64) -> Result<Vec<(RowKey, Vec<u8>)>> {
        self.rows(id, None, bytes).await
    }

    /// The rows that a delivery holds.
    pub(crate) async fn of_delivery(
        &self,
        id: u64,
        delivery: &DeliveryRecord,
    ) -> Result<Vec<(RowKey, Vec<u8>)>> {
        self.rows(id, Some((delivery.from, delivery.to)), u64::MAX).await
    }

    async fn rows(
        &self,
        id: u64,
        between: Option<((i64, u64), (i64, u64))>,
        bytes: u64,
    ) -> Result<Vec<(RowKey, Vec<u8>)>> {
        // A row has a megabyte at most, or one record that is larger.
        const PAGE: usize = 16;
        let (mut rows, mut size): (Vec<(RowKey, Vec<u8>)>, u64) = (Vec::new(), 0);
        loop {
            let range = Range::prefix((id,));
            let range = match (rows.last(), between) {
                (Some((last, _)), _) => range.after(last),
                (None, Some((from, _))) => range.from(&(id, from.0, from.1)),
                (None, None) => range,
            };
            let page = self.store.scan(&ROWS, range, PAGE).await?;
            let is_last = page.len() < PAGE;
            for (key, row) in page {
                if size >= bytes || between.is_some_and(|(_, to)| (key.1, key.2) > to) {
                    return Ok(rows);
                }
                size += weight(&row);
                rows.push((key, row));
            }
            if is_last {
                return Ok(rows);
            }
        }
    }

    pub(crate) async fn delivery(&self, id: u64) -> Result<Option<DeliveryRecord>> {
        Ok(self.store.get(&DELIVERIES, &id).await?)
    }

    pub(crate) async fn begin(&self, id: u64, delivery: &DeliveryRecord) -> Result<()> {
        Ok(self.store.put(&DELIVERIES, &id, delivery).await?)
    }

    /// What was delivered goes, all of it at once.
    pub(crate) async fn delivered(&self, id: u64, rows: &[RowKey]) -> Result<()> {
        let mut batch = Batch::default();
        batch.delete(&DELIVERIES, &id)?;
        for key in rows {
            batch.delete(&ROWS, key)?;
        }
        Ok(self.store.write(batch).await?)
    }

    /// Throws records of streams away that are gone. Whether more is left.
    pub(crate) async fn purge(&self) -> Result<bool> {
        let gone = self.store.scan_keys(&GONE, Range::all(), 1).await?;
        let Some(id) = gone.first().copied() else { return Ok(false) };
        let rows = self.store.scan_keys(&ROWS, Range::prefix((id,)), PURGED_MAX).await?;
        let positions = self.store.scan_keys(&POSITIONS, Range::prefix((id,)), PURGED_MAX).await?;
        let mut batch = Batch::default();
        // One that was under way when the stream went may have begun again.
        batch.delete(&DELIVERIES, &id)?;
        for key in &rows {
            batch.delete(&ROWS, key)?;
        }
        for key in &positions {
            batch.delete(&POSITIONS, key)?;
        }
        if rows.len() < PURGED_MAX && positions.len() < PURGED_MAX {
            batch.delete(&GONE, &id)?;
        }
        self.store.write(batch).await?;
        Ok(true)
    }
}
