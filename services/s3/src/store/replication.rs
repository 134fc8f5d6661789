use haneul_kit::{Instant, Result};
use haneul_store::{Batch, Range, Reads};

use super::Records;
use super::tables::{COPYING, CURRENT, VERSIONS};
use super::versions::{self, order};
use crate::error::{self, Failure};
use crate::model::ObjectRecord;
use crate::model::replication::{Copying, Replicated};

/// Due time in milliseconds, and a random number.
pub(crate) type CopyingRow = (u64, u64);

/// Versions of a key that are searched for a replica.
const SEARCHED_MAX: usize = 1000;

impl Records {
    pub(crate) async fn copying_due(&self, now: Instant, limit: usize) -> Result<Vec<(CopyingRow, Copying)>> {
        let range = Range::all().before(&(now.millis().max(0) as u64 + 1, 0));
        self.store.scan(&COPYING, range, limit).await.map_err(error::store)
    }

    pub(crate) async fn next_copying(&self) -> Result<Option<Instant>> {
        let rows = self.store.scan_keys(&COPYING, Range::all(), 1).await.map_err(error::store)?;
        Ok(rows.first().map(|(due_ms, _)| Instant::from_millis(*due_ms as i64)))
    }

    /// Takes a copying out, or puts it off.
    pub(crate) async fn settle_copying(
        &self,
        row: &CopyingRow,
        again: Option<(&CopyingRow, &Copying)>,
    ) -> Result<()> {
        let mut batch = Batch::default();
        batch.delete(&COPYING, row).map_err(error::store)?;
        if let Some((row, copying)) = again {
            batch.put(&COPYING, row, copying).map_err(error::store)?;
        }
        self.store.write(batch).await.map_err(error::store)
    }

    /// One destination has a version now, or never will; takes its row out. Gives the version as it is then.
    pub(crate) async fn replicated(
        &self,
        row: &CopyingRow,
        bucket: u64,
        key: &str,
        version: &str,
        failed_now: bool,
    ) -> Result<Option<ObjectRecord>> {
        let done = self.store.transact(|tx| async move {
            tx.delete(&COPYING, row)?;
            let Some(mut record) = versions::find(&tx, bucket, key, Some(version)).await? else {
                return Ok(None);
            };
            if let Some(Replicated::Pending { left, failed }) = record.replication {
                let failed = failed || failed_now;
                record.replication = Some(match (left, failed) {
                    (0..=1, true) => Replicated::Failed,
                    (0..=1, false) => Replicated::Completed,
                    (left, failed) => Replicated::Pending { left: left - 1, failed },
                });
                put_back(&tx, bucket, key, &record).await?;
            }
            Ok::<_, Failure>(Some(record))
        });
        Ok(done.await?)
    }

    /// The version of a key that is the copy of the source's version `of`.
    pub(crate) async fn replica(&self, bucket: u64, key: &str, of: &str) -> Result<Option<ObjectRecord>> {
        let is_it = |record: &ObjectRecord| matches!(&record.replication, Some(Replicated::Replica { of: source }) if source == of);
        let current = self.store.get(&CURRENT, &(bucket, key)).await.map_err(error::store)?;
        match current {
            Some(current) if is_it(&current) => return Ok(Some(current)),
            Some(current) if current.older => {}
            _ => return Ok(None),
        }
        let rows = self.store.scan(&VERSIONS, Range::prefix((bucket, key)), SEARCHED_MAX).await;
        Ok(rows.map_err(error::store)?.into_iter().map(|(_, record)| record).find(is_it))
    }
}

async fn put_back(
    tx: &haneul_store::Tx,
    bucket: u64,
    key: &str,
    record: &ObjectRecord,
) -> Result<(), Failure> {
    let current = tx.get(&CURRENT, &(bucket, key)).await?;
    if current.is_some_and(|current| current.seq == record.seq) {
        tx.put(&CURRENT, &(bucket, key), record)?;
    } else {
        tx.put(&VERSIONS, &(bucket, key, order(record.seq)), record)?;
    }
    Ok(())
}
