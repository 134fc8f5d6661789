use haneul_kit::Result;
use haneul_store::{Range, Reads};

use super::Records;
use super::tables::{MEASURED, PARTS};
use crate::error;

const STORAGE: &str = "storage";

/// (bucket, upload id, part number)
pub(crate) type PartRow = (u64, String, u32);

impl Records {
    /// The day, counted from the epoch, whose midnight the storage metrics were told of last.
    pub(crate) async fn measured_day(&self) -> Result<Option<i64>> {
        Ok(self.store.get(&MEASURED, STORAGE).await.map_err(error::store)?.map(|day| day as i64))
    }

    pub(crate) async fn set_measured_day(&self, day: i64) -> Result<()> {
        self.store.put(&MEASURED, STORAGE, &(day.max(0) as u64)).await.map_err(error::store)
    }

    /// Parts of uploads that are under way, with their sizes, after `after`.
    pub(crate) async fn parts_after(
        &self,
        bucket: u64,
        after: Option<&PartRow>,
        limit: usize,
    ) -> Result<Vec<(PartRow, u64)>> {
        let mut range = Range::prefix((bucket,));
        if let Some((bucket, upload, number)) = after {
            range = range.after(&(*bucket, upload.as_str(), *number));
        }
        let rows = self.store.scan(&PARTS, range, limit).await.map_err(error::store)?;
        Ok(rows.into_iter().map(|(row, part)| (row, part.size)).collect())
    }
}
