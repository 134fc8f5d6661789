use haneul_kit::{AccountId, Region, Result};
use haneul_store::{Range, Reads};

use super::{LIST_MAX, State};
use crate::error;
use crate::model::{GENERATIONS, Generation, GenerationKey, JobStatus};

impl State {
    pub(crate) async fn generations(
        &self,
        account: AccountId,
        region: Region,
    ) -> Result<Vec<(String, Generation)>> {
        let found = self.store.scan(&GENERATIONS, Range::prefix((account, region)), LIST_MAX).await?;
        Ok(found.into_iter().map(|((_, _, id), job)| (id, job)).collect())
    }

    /// All of the cloud.
    pub(crate) async fn all_generations(&self) -> Result<Vec<(GenerationKey, Generation)>> {
        Ok(self.store.scan(&GENERATIONS, Range::all(), LIST_MAX).await?)
    }

    pub(crate) async fn generation(
        &self,
        account: AccountId,
        region: Region,
        id: &str,
    ) -> Result<Option<Generation>> {
        Ok(self.store.get(&GENERATIONS, &(account, region, id)).await?)
    }

    /// Starts a job, or finds the one that the same token started; `others_max` jobs may be at work beside it.
    pub(crate) async fn start_generation(
        &self,
        account: AccountId,
        region: Region,
        id: &str,
        job: &Generation,
        others_max: usize,
    ) -> Result<String> {
        self.store
            .transact(|tx| async move {
                let all = tx.scan(&GENERATIONS, Range::prefix((account, region)), LIST_MAX).await?;
                let same =
                    |other: &&(GenerationKey, Generation)| job.token.is_some() && other.1.token == job.token;
                if let Some(((_, _, before), other)) = all.iter().find(same) {
                    let is_same = other.principal == job.principal && other.trails == job.trails;
                    return if is_same { Ok(before.clone()) } else { Err(error::conflict(before, "JOB")) };
                }
                let working = all.iter().filter(|(_, other)| other.status == JobStatus::InProgress).count();
                if working >= others_max {
                    let message = "A policy generation request is already in progress.";
                    return Err(error::quota(id, "JOB", message));
                }
                tx.put(&GENERATIONS, &(account, region, id), job)?;
                Ok(id.to_owned())
            })
            .await
    }

    /// Changes a job that is still at work; `false` when it is not, or not there.
    pub(crate) async fn change_generation(
        &self,
        key: &GenerationKey,
        change: impl Fn(&mut Generation) + Send + Sync,
    ) -> Result<bool> {
        let change = &change;
        self.store
            .transact(|tx| async move {
                let found: Option<Generation> = tx.get(&GENERATIONS, key).await?;
                let Some(mut job) = found.filter(|job| job.status == JobStatus::InProgress) else {
                    return Ok(false);
                };
                change(&mut job);
                tx.put(&GENERATIONS, key, &job)?;
                Ok(true)
            })
            .await
    }

    pub(crate) async fn forget_generation(&self, key: &GenerationKey) -> Result<()> {
        self.store.transact(|tx| async move { Ok(tx.delete(&GENERATIONS, key)?) }).await
    }
}
