use haneul_kit::{AccountId, Region, Result};
use haneul_store::{Range, Reads};

use super::Records;
use super::tables::{JOB_REPORTS, JOBS, RUNNING};
use crate::error::{self, Failure};
use crate::model::job::{JobRecord, JobStatus};

/// (account, Region, id)
pub(crate) type JobRow = (AccountId, Region, String);

impl Records {
    pub(crate) async fn job(&self, row: &JobRow) -> Result<Option<JobRecord>> {
        self.store.get(&JOBS, row).await.map_err(error::store)
    }

    pub(crate) async fn create_job(&self, row: &JobRow, job: &JobRecord) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            tx.put(&JOBS, row, job)?;
            tx.put(&RUNNING, row, &())?;
            Ok::<_, Failure>(())
        });
        Ok(done.await?)
    }

    /// Changes a job, and keeps the list of those that have something to do.
    pub(crate) async fn change_job(
        &self,
        row: &JobRow,
        change: impl Fn(&mut JobRecord) -> Result<()> + Sync,
        report: Option<&str>,
    ) -> Result<JobRecord> {
        let change = &change;
        let done = self.store.transact(|tx| async move {
            let Some(mut job) = tx.get(&JOBS, row).await? else { return Err(Failure::Api(no_such_job())) };
            let done_before = job.succeeded + job.failed;
            change(&mut job)?;
            tx.put(&JOBS, row, &job)?;
            match job.status {
                JobStatus::Preparing | JobStatus::Active => tx.put(&RUNNING, row, &())?,
                _ => tx.delete(&RUNNING, row)?,
            }
            if let Some(report) = report {
                tx.put(&JOB_REPORTS, &(row.2.clone(), done_before), &report.to_owned())?;
            }
            Ok(job)
        });
        Ok(done.await?)
    }

    pub(crate) async fn running_jobs(&self) -> Result<Vec<JobRow>> {
        self.store.scan_keys(&RUNNING, Range::all(), 1000).await.map_err(error::store)
    }

    pub(crate) async fn jobs(
        &self,
        account: AccountId,
        region: Region,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, JobRecord)>> {
        let mut range = Range::prefix((account, region));
        if let Some(after) = after {
            range = range.after(&(account, region, after));
        }
        let rows = self.store.scan(&JOBS, range, limit).await.map_err(error::store)?;
        Ok(rows.into_iter().map(|((_, _, id), job)| (id, job)).collect())
    }

    /// The pieces of a job's report, in order.
    pub(crate) async fn job_report(&self, id: &str, limit: usize) -> Result<Vec<String>> {
        let rows = self.store.scan(&JOB_REPORTS, Range::prefix((id,)), limit).await.map_err(error::store)?;
        Ok(rows.into_iter().map(|(_, text)| text).collect())
    }
}

pub(crate) fn no_such_job() -> haneul_kit::ApiError {
    error::new("NoSuchJob", 404, "The specified job does not exist")
}
