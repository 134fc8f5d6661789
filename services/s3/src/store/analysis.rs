use haneul_kit::Result;
use haneul_store::{Batch, Range, Reads};

use super::Records;
use super::tables::{ANALYSIS, MEASURED};
use crate::analysis::{Count, DayRow};
use crate::error::{self, Failure};
use crate::model::analysis::Day;

/// Days that are kept, and told of in each file.
pub(crate) const DAYS_KEPT: u64 = 730;

/// Rows that are deleted at once.
const DELETED_MAX: usize = 1000;

/// By which the last day that was delivered is kept.
fn delivered(bucket: u64, id: &str) -> String {
    format!("analysis {bucket} {id}")
}

impl Records {
    /// Adds to what was counted on a day.
    pub(crate) async fn add_to_day(&self, row: &DayRow, counts: &[Count]) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            let mut day = tx.get(&ANALYSIS, row).await?.unwrap_or_default();
            counts.iter().for_each(|(class, group, figures)| day.add(class, *group, figures));
            tx.put(&ANALYSIS, row, &day)?;
            Ok::<_, Failure>(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn is_counted(&self, row: &DayRow) -> Result<bool> {
        let day = self.store.get(&ANALYSIS, row).await.map_err(error::store)?;
        Ok(day.is_some_and(|day| day.counted))
    }

    /// Closes a day with what its objects were, unless it is closed.
    pub(crate) async fn count_day(&self, row: &DayRow, held: &Day) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            let mut day = tx.get(&ANALYSIS, row).await?.unwrap_or_default();
            if !day.counted {
                held.rows.iter().for_each(|row| day.add(&row.class, row.group, &row.figures));
                day.counted = true;
                tx.put(&ANALYSIS, row, &day)?;
            }
            Ok::<_, Failure>(())
        });
        Ok(done.await?)
    }

    /// The days of a configuration from `since` on, in order.
    pub(crate) async fn days(&self, bucket: u64, id: &str, since: u64) -> Result<Vec<(u64, Day)>> {
        let mut range = Range::prefix((bucket, id));
        if let Some(before) = since.checked_sub(1) {
            range = range.after(&(bucket, id, before));
        }
        let rows = self.store.scan(&ANALYSIS, range, DAYS_KEPT as usize).await.map_err(error::store)?;
        Ok(rows.into_iter().map(|((_, _, day), record)| (day, record)).collect())
    }

    pub(crate) async fn delivered_day(&self, bucket: u64, id: &str) -> Result<Option<u64>> {
        self.store.get(&MEASURED, &delivered(bucket, id)).await.map_err(error::store)
    }

    pub(crate) async fn set_delivered_day(&self, bucket: u64, id: &str, day: u64) -> Result<()> {
        self.store.put(&MEASURED, &delivered(bucket, id), &day).await.map_err(error::store)
    }

    /// The first configuration that days are kept of, after those of `after`.
    pub(crate) async fn observed_after(
        &self,
        after: Option<&(u64, String)>,
    ) -> Result<Option<(u64, String)>> {
        let range = match after {
            Some((bucket, id)) => Range::all().after(&(*bucket, id.as_str(), u64::MAX)),
            None => Range::all(),
        };
        let rows = self.store.scan_keys(&ANALYSIS, range, 1).await.map_err(error::store)?;
        Ok(rows.into_iter().next().map(|(bucket, id, _)| (bucket, id)))
    }

    /// Deletes the days before `first` of a configuration; all of them when it is gone.
    pub(crate) async fn forget_days(&self, bucket: u64, id: &str, first: Option<u64>) -> Result<()> {
        loop {
            let mut range = Range::prefix((bucket, id));
            if let Some(first) = first {
                range = range.before(&(bucket, id, first));
            }
            let rows = self.store.scan_keys(&ANALYSIS, range, DELETED_MAX).await.map_err(error::store)?;
            let mut batch = Batch::default();
            for row in &rows {
                batch.delete(&ANALYSIS, row).map_err(error::store)?;
            }
            if first.is_none() {
                batch.delete(&MEASURED, &delivered(bucket, id)).map_err(error::store)?;
            }
            self.store.write(batch).await.map_err(error::store)?;
            if rows.len() < DELETED_MAX {
                return Ok(());
            }
        }
    }
}
