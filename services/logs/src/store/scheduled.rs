//! Scheduled queries and their runs.

use haneul_kit::{AccountId, ApiError, Region, Result};
use haneul_store::{Range, Reads};

use super::Records;
use crate::error;
use crate::model::{
    PENDING_RUNS, PendingRun, RunStatus, SCHEDULED_QUERIES, SCHEDULED_RUNS, ScheduledQuery, ScheduledRun,
};

pub(crate) type ScheduledKey = (AccountId, Region, String);
/// A run: the scheduled query's id, and when it was due.
pub(crate) type RunKey = (String, i64);

/// Scheduled queries of an account in a Region.
pub(crate) const SCHEDULED_MAX: usize = 1000;
/// Runs are remembered as long as the results of queries are on AWS.
const KEPT_MS: i64 = 30 * 86_400_000;
/// Runs that are forgotten at once.
const FORGOTTEN: usize = 500;

impl Records {
    pub(crate) async fn create_scheduled(&self, key: &ScheduledKey, query: &ScheduledQuery) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let there = tx.scan(&SCHEDULED_QUERIES, Range::prefix((key.0, key.1)), SCHEDULED_MAX).await?;
                if there.iter().any(|(_, other)| other.name == query.name) {
                    return Err(error::scheduled_exists(&query.name));
                }
                if there.len() >= SCHEDULED_MAX {
                    return Err(error::scheduled_quota());
                }
                Ok::<_, ApiError>(tx.put(&SCHEDULED_QUERIES, key, query)?)
            })
            .await
    }

    pub(crate) async fn find_scheduled(&self, key: &ScheduledKey) -> Result<Option<ScheduledQuery>> {
        Ok(self.store.get(&SCHEDULED_QUERIES, key).await?)
    }

    /// Those of an account in a Region, by id.
    pub(crate) async fn scheduled(
        &self,
        (account, region): (AccountId, Region),
    ) -> Result<Vec<(ScheduledKey, ScheduledQuery)>> {
        Ok(self.store.scan(&SCHEDULED_QUERIES, Range::prefix((account, region)), SCHEDULED_MAX).await?)
    }

    pub(crate) async fn every_scheduled(&self) -> Result<Vec<(ScheduledKey, ScheduledQuery)>> {
        Ok(self.store.scan(&SCHEDULED_QUERIES, Range::all(), usize::MAX).await?)
    }

    pub(crate) async fn change_scheduled(
        &self,
        key: &ScheduledKey,
        change: impl Fn(&mut ScheduledQuery) -> Result<()> + Sync,
    ) -> Result<ScheduledQuery> {
        let change = &change;
        self.store
            .transact(|tx| async move {
                let found = tx.get(&SCHEDULED_QUERIES, key).await?;
                let mut query = found.ok_or_else(error::scheduled_not_found)?;
                change(&mut query)?;
                tx.put(&SCHEDULED_QUERIES, key, &query)?;
                Ok::<_, ApiError>(query)
            })
            .await
    }

    /// Forgets one with all its runs. The runs go first: a crash in between leaves one that can be deleted again.
    pub(crate) async fn delete_scheduled(&self, key: &ScheduledKey) -> Result<()> {
        self.find_scheduled(key).await?.ok_or_else(error::scheduled_not_found)?;
        // From here on no run begins.
        self.change_scheduled(key, |query| {
            query.next_ms = None;
            Ok(())
        })
        .await?;
        loop {
            let left = self
                .store
                .transact(|tx| async move {
                    let range = Range::prefix((key.2.as_str(),));
                    let runs = tx.scan_keys(&SCHEDULED_RUNS, range, FORGOTTEN).await?;
                    for (query, due_ms) in &runs {
                        tx.delete(&SCHEDULED_RUNS, &(query.as_str(), *due_ms))?;
                        tx.delete(&PENDING_RUNS, &(*due_ms, query.as_str()))?;
                    }
                    if runs.len() < FORGOTTEN {
                        tx.delete(&SCHEDULED_QUERIES, key)?;
                    }
                    Ok::<_, ApiError>(runs.len() == FORGOTTEN)
                })
                .await?;
            if !left {
                return Ok(());
            }
        }
    }

    /// Notes that a run is due, and when the next one is; `false` when that was done already, or it was changed since.
    pub(crate) async fn begin_run(
        &self,
        key: &ScheduledKey,
        (due_ms, next_ms): (i64, Option<i64>),
        run: &ScheduledRun,
    ) -> Result<bool> {
        self.store
            .transact(|tx| async move {
                let Some(mut query) = tx.get(&SCHEDULED_QUERIES, key).await? else { return Ok(false) };
                if query.next_ms != Some(due_ms) || !query.enabled {
                    return Ok(false);
                }
                query.next_ms = next_ms;
                query.last_ms = Some(due_ms);
                query.last = Some(run.status);
                tx.put(&SCHEDULED_QUERIES, key, &query)?;
                tx.put(&SCHEDULED_RUNS, &(key.2.as_str(), due_ms), run)?;
                tx.put(&PENDING_RUNS, &(due_ms, key.2.as_str()), &PendingRun::new(key))?;
                Ok::<_, ApiError>(true)
            })
            .await
    }

    /// Lets go of runs that are older than they are remembered, of what no longer runs too.
    pub(crate) async fn forget_runs(&self, now_ms: i64) -> Result<()> {
        for (key, _) in self.every_scheduled().await? {
            let id = key.2.as_str();
            loop {
                let forgotten = self
                    .store
                    .transact(|tx| async move {
                        let old = Range::prefix((id,)).before(&(id, now_ms - KEPT_MS));
                        let runs = tx.scan_keys(&SCHEDULED_RUNS, old, FORGOTTEN).await?;
                        for (of, at_ms) in &runs {
                            tx.delete(&SCHEDULED_RUNS, &(of.as_str(), *at_ms))?;
                            tx.delete(&PENDING_RUNS, &(*at_ms, of.as_str()))?;
                        }
                        Ok::<_, ApiError>(runs.len())
                    })
                    .await?;
                if forgotten < FORGOTTEN {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Moves on what is due without a run.
    pub(crate) async fn skip_runs(
        &self,
        key: &ScheduledKey,
        due_ms: i64,
        next_ms: Option<i64>,
    ) -> Result<()> {
        let skip = |query: &mut ScheduledQuery| {
            if query.next_ms == Some(due_ms) {
                query.next_ms = next_ms;
            }
            Ok(())
        };
        self.change_scheduled(key, skip).await.map(drop)
    }

    pub(crate) async fn pending_runs(&self, most: usize) -> Result<Vec<(RunKey, PendingRun)>> {
        let found = self.store.scan(&PENDING_RUNS, Range::all(), most).await?;
        Ok(found.into_iter().map(|((due_ms, query), run)| ((query, due_ms), run)).collect())
    }

    pub(crate) async fn scheduled_run(&self, (query, due_ms): &RunKey) -> Result<Option<ScheduledRun>> {
        Ok(self.store.get(&SCHEDULED_RUNS, &(query.as_str(), *due_ms)).await?)
    }

    /// Keeps how a run goes; one that is over no longer waits.
    pub(crate) async fn put_run(
        &self,
        key: &ScheduledKey,
        due_ms: i64,
        run: &ScheduledRun,
        is_over: bool,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let Some(mut query) = tx.get(&SCHEDULED_QUERIES, key).await? else { return Ok(()) };
                if query.last_ms == Some(due_ms) {
                    query.last = Some(run.status);
                    tx.put(&SCHEDULED_QUERIES, key, &query)?;
                }
                tx.put(&SCHEDULED_RUNS, &(key.2.as_str(), due_ms), run)?;
                if is_over {
                    tx.delete(&PENDING_RUNS, &(due_ms, key.2.as_str()))?;
                }
                Ok::<_, ApiError>(())
            })
            .await
    }

    /// Notes that a run is tried; `None` when it is over.
    pub(crate) async fn try_run(&self, (query, due_ms): &RunKey, now_ms: i64) -> Result<Option<PendingRun>> {
        self.store
            .transact(|tx| async move {
                let at = (*due_ms, query.as_str());
                let Some(mut run) = tx.get(&PENDING_RUNS, &at).await? else { return Ok(None) };
                if run.first_ms == 0 {
                    run.first_ms = now_ms;
                }
                run.attempts = run.attempts.saturating_add(1);
                run.last_ms = now_ms;
                tx.put(&PENDING_RUNS, &at, &run)?;
                Ok::<_, ApiError>(Some(run))
            })
            .await
    }

    /// A run that nothing is left of.
    pub(crate) async fn drop_run(&self, (query, due_ms): &RunKey) -> Result<()> {
        self.store
            .transact(
                |tx| async move { Ok::<_, ApiError>(tx.delete(&PENDING_RUNS, &(*due_ms, query.as_str()))?) },
            )
            .await
    }

    /// Runs that were due between the two times, the newest first, of these statuses.
    pub(crate) async fn scheduled_runs(
        &self,
        query: &str,
        (from_ms, to_ms): (i64, i64),
        statuses: &[RunStatus],
        most: usize,
    ) -> Result<Vec<(i64, ScheduledRun)>> {
        let mut all = Vec::new();
        let mut before_ms = to_ms.saturating_add(1);
        loop {
            let range = Range::prefix((query,)).from(&(query, from_ms)).before(&(query, before_ms)).rev();
            let found = self.store.scan(&SCHEDULED_RUNS, range, FORGOTTEN).await?;
            let is_last = found.len() < FORGOTTEN;
            for ((_, due_ms), run) in found {
                before_ms = due_ms;
                if statuses.is_empty() || statuses.contains(&run.status) {
                    all.push((due_ms, run));
                }
            }
            if is_last || all.len() >= most {
                all.truncate(most);
                return Ok(all);
            }
        }
    }
}
