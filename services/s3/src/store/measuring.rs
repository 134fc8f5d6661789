use std::collections::BTreeMap;

use haneul_kit::Result;
use haneul_store::{Range, Reads, StoreError};

use super::Records;
use super::tables::{EARLY_DELETIONS, MEASURED, PARTS, STORED, UPLOADS};
use crate::error;
use crate::model::UploadRecord;
use crate::model::metering::{EarlyDeletion, Stored};

const STORAGE: &str = "storage";

impl Records {
    /// The day, counted from the epoch, whose midnight the storage metrics were told of last.
    pub(crate) async fn measured_day(&self) -> Result<Option<i64>> {
        Ok(self.store.get(&MEASURED, STORAGE).await.map_err(error::store)?.map(|day| day as i64))
    }

    pub(crate) async fn set_measured_day(&self, day: i64) -> Result<()> {
        self.store.put(&MEASURED, STORAGE, &(day.max(0) as u64)).await.map_err(error::store)
    }

    /// Uploads under way, by key and id, after `after`.
    pub(crate) async fn uploads_after(
        &self,
        bucket: u64,
        after: Option<&(String, String)>,
        limit: usize,
    ) -> Result<Vec<((String, String), UploadRecord)>> {
        let mut range = Range::prefix((bucket,));
        if let Some((key, id)) = after {
            range = range.after(&(bucket, key.as_str(), id.as_str()));
        }
        let rows = self.store.scan(&UPLOADS, range, limit).await.map_err(error::store)?;
        Ok(rows.into_iter().map(|((_, key, id), upload)| ((key, id), upload)).collect())
    }

    /// The parts of an upload, by number, with their sizes.
    pub(crate) async fn part_sizes(
        &self,
        bucket: u64,
        upload: &str,
        after: Option<u32>,
        limit: usize,
    ) -> Result<Vec<(u32, u64)>> {
        let mut range = Range::prefix((bucket, upload));
        if let Some(number) = after {
            range = range.after(&(bucket, upload, number));
        }
        let rows = self.store.scan(&PARTS, range, limit).await.map_err(error::store)?;
        Ok(rows.into_iter().map(|((_, _, number), part)| (number, part.size)).collect())
    }

    /// What a bucket held at the last midnight, by storage type; `None` when it was not counted yet.
    pub(crate) async fn stored_bytes(&self, bucket: &str, id: u64) -> Result<Option<BTreeMap<String, u64>>> {
        let found = self.store.get(&STORED, bucket).await.map_err(error::store)?;
        Ok(found.filter(|stored| stored.id == id).map(|stored| stored.bytes))
    }

    pub(crate) async fn set_stored_bytes(&self, bucket: &str, stored: &Stored) -> Result<()> {
        self.store.put(&STORED, bucket, stored).await.map_err(error::store)
    }

    /// Takes what left a class with a minimum duration, by bucket. Whoever takes it counts it: nobody else does.
    pub(crate) async fn take_early_deletions(&self, limit: usize) -> Result<Vec<(u64, EarlyDeletion)>> {
        let taken = self.store.transact(|tx| async move {
            let found = tx.scan(&EARLY_DELETIONS, Range::all(), limit).await?;
            for (key, _) in &found {
                tx.delete(&EARLY_DELETIONS, key)?;
            }
            Ok::<_, StoreError>(found.into_iter().map(|((bucket, ..), early)| (bucket, early)).collect())
        });
        taken.await.map_err(error::store)
    }
}
