//! When which key has to be looked at by the lifecycle rules of its bucket: an index by time, so that a day costs what
//! falls due on it, not what the bucket holds.
//!
//! Rows are hints: a row too many is looked at in vain, and each look leaves the row of the next one. New rules are
//! laid over the keys that are there by a scan, which is itself a record.

use haneul_kit::Result;
use haneul_store::{Batch, Range, Reads, Record, StoreError, Tx};
use serde::{Deserialize, Serialize};

use super::Records;
use super::tables::{BUCKETS, CURRENT, DUE, SCANS, VERSIONS};
use super::versions::order;
use crate::error::{self, Failure};
use crate::lifecycle;
use crate::model::ObjectRecord;
use crate::model::configuration::LifecycleRecord;

/// (due in seconds since the epoch, bucket, key)
pub(crate) type DueRow = (u64, String, String);

/// A bucket whose keys the rules are being laid over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scan {
    /// The last key that was looked at.
    pub(crate) after: Option<String>,
    /// Not before this.
    pub(crate) from_s: i64,
    /// Whether another one follows: a write that had begun before the rules were set does not know them, and may commit
    /// behind the first scan.
    pub(crate) again: bool,
}

impl Record for Scan {}

pub(crate) fn due_row(due_s: i64, bucket: &str, key: &str) -> DueRow {
    (due_s.max(0) as u64, bucket.to_owned(), key.to_owned())
}

/// Notes in the commit of a write when its key has to be looked at. `demoted` is whether an older version became
/// noncurrent by it.
pub(super) fn note(
    tx: &Tx,
    lifecycle: &LifecycleRecord,
    at: (&str, &str),
    record: &ObjectRecord,
    demoted: bool,
    now_s: i64,
) -> Result<(), StoreError> {
    let (bucket, key) = at;
    let place = lifecycle::Place::Current;
    let verdict = lifecycle::judge(lifecycle, key, record, place, i64::MIN);
    let noncurrent = demoted.then(|| lifecycle::noncurrent_next_s(lifecycle, key, now_s)).flatten();
    for due_s in verdict.next_s.into_iter().chain(noncurrent) {
        // A lone marker of today is due as of its own time: at the next midnight, that is.
        tx.put(&DUE, &due_row(due_s.max(lifecycle::due_s(now_s, 0)), bucket, key), &())?;
    }
    Ok(())
}

/// A version is gone: a marker above it may be alone now.
pub(super) fn note_removal(
    tx: &Tx,
    lifecycle: &LifecycleRecord,
    at: (&str, &str),
    now_s: i64,
) -> Result<(), StoreError> {
    let (bucket, key) = at;
    if lifecycle::takes_markers(lifecycle, key) {
        tx.put(&DUE, &due_row(lifecycle::due_s(now_s, 0), bucket, key), &())?;
    }
    Ok(())
}

impl Records {
    /// Sets or takes away a bucket's rules; new ones are to be laid over the keys that are there.
    pub(crate) async fn set_lifecycle(
        &self,
        bucket: &str,
        lifecycle: Option<&LifecycleRecord>,
    ) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            let Some(mut record) = tx.get(&BUCKETS, bucket).await? else {
                return Err(Failure::Api(error::no_such_bucket(bucket)));
            };
            record.lifecycle = lifecycle.cloned();
            tx.put(&BUCKETS, bucket, &record)?;
            match lifecycle {
                Some(_) => tx.put(&SCANS, bucket, &Scan { again: true, ..Scan::default() })?,
                None => tx.delete(&SCANS, bucket)?,
            }
            Ok(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn scans(&self) -> Result<Vec<(String, Scan)>> {
        self.store.scan(&SCANS, Range::all(), 1000).await.map_err(error::store)
    }

    /// Begins a scan: for a bucket whose rules were set before there was an index, or for something new that moves
    /// objects. One that is under way begins anew.
    pub(crate) async fn begin_scan(&self, bucket: &str) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            let again = tx.get(&SCANS, bucket).await?.is_some_and(|scan| scan.again);
            tx.put(&SCANS, bucket, &Scan { again, ..Scan::default() })?;
            Ok::<_, Failure>(())
        });
        Ok(done.await?)
    }

    /// When the next key has to be looked at.
    pub(crate) async fn first_due_s(&self) -> Result<Option<i64>> {
        let first = self.store.scan_keys(&DUE, Range::all(), 1).await.map_err(error::store)?;
        Ok(first.first().map(|(due_s, _, _)| *due_s as i64))
    }

    /// The keys to lay rules over, after `after`.
    pub(crate) async fn keys_after(
        &self,
        bucket: u64,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, ObjectRecord)>> {
        let mut range = Range::prefix((bucket,));
        if let Some(after) = after {
            range = range.after(&(bucket, after));
        }
        let rows = self.store.scan(&CURRENT, range, limit).await.map_err(error::store)?;
        Ok(rows.into_iter().map(|((_, key), record)| (key, record)).collect())
    }

    /// Older versions of a key, newest first, after the one numbered `below`.
    pub(crate) async fn older_versions(
        &self,
        bucket: u64,
        key: &str,
        below: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ObjectRecord>> {
        let mut range = Range::prefix((bucket, key));
        if let Some(seq) = below {
            range = range.after(&(bucket, key, order(seq)));
        }
        let rows = self.store.scan(&VERSIONS, range, limit).await.map_err(error::store)?;
        Ok(rows.into_iter().map(|(_, record)| record).collect())
    }

    /// Notes where a scan stands, with the rows that it found; at its end it is forgotten, unless the rules were set anew
    /// meanwhile.
    pub(crate) async fn go_on_scanning(
        &self,
        bucket: &str,
        before: &Scan,
        now: Option<&Scan>,
        rows: &[DueRow],
    ) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            for row in rows {
                tx.put(&DUE, row, &())?;
            }
            let kept = tx.get(&SCANS, bucket).await?;
            if kept.is_some_and(|kept| kept == *before) {
                match now {
                    Some(now) => tx.put(&SCANS, bucket, now)?,
                    None => tx.delete(&SCANS, bucket)?,
                }
            }
            Ok::<_, Failure>(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn due(&self, now_s: i64, limit: usize) -> Result<Vec<DueRow>> {
        let range = Range::all().before(&(now_s.max(0) as u64 + 1, "", ""));
        self.store.scan_keys(&DUE, range, limit).await.map_err(error::store)
    }

    /// Takes rows out that were looked at, and puts in those of the next looks.
    pub(crate) async fn settle_due(&self, done: &[DueRow], next: &[DueRow]) -> Result<()> {
        let mut batch = Batch::default();
        for row in done.iter().filter(|row| !next.contains(row)) {
            batch.delete(&DUE, row).map_err(error::store)?;
        }
        for row in next {
            batch.put(&DUE, row, &()).map_err(error::store)?;
        }
        self.store.write(batch).await.map_err(error::store)
    }
}
