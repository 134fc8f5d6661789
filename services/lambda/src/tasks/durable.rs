use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};
use parking_lot::Mutex;

use crate::Lambda;
use crate::durable::names::ExecutionName;
use crate::invoke::ACCOUNT_MAX;
use crate::model::durable::{ExecutionRecord, Failure, PURGE, TIMEOUT, WorkRecord};
use crate::names::FunctionName;
use crate::store::durable::DueRow;

/// Timers that are dealt with at once.
const FIRED_MAX: usize = 16;

/// Work looked at in one run; that of functions that are busy is passed over.
const LOOKED_AT_MAX: usize = 20_000;
const PAGE: usize = 500;

/// When a run goes on that had more than it looks at.
const SOON: Duration = Duration::from_millis(200);

/// What failed for reasons of ours is looked at again after this.
const AGAIN: Duration = Duration::from_secs(5);

/// Functions that were deleted, looked at in one run, and their executions at once.
const GONE_MAX: usize = 16;

/// Goes on with executions when something of theirs is due.
pub(crate) struct Executions {
    lambda: Arc<Lambda>,
    under_way: Arc<Mutex<UnderWay>>,
    /// Behind which row the next run goes on, when there was more than one run looks at.
    looked_at: Mutex<Option<DueRow>>,
}

/// One function runs for each execution, by its name and id, and for each operation that calls one.
type Job = (ExecutionName, String, String);

#[derive(Default)]
struct UnderWay {
    jobs: HashSet<Job>,
    /// Executions by their function.
    functions: HashMap<FunctionName, usize>,
}

impl Executions {
    pub(crate) fn new(lambda: Arc<Lambda>) -> Executions {
        Executions { lambda, under_way: Arc::default(), looked_at: Mutex::default() }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let now = self.lambda.platform.env.now();
        let swept = self.sweep().await;
        if let Err(error) = &swept {
            tracing::error!(%error, "executions of deleted functions could not be ended, which is tried again");
        }
        let failed = self.fire(now).await? || swept.is_err();
        let begun_at = self.looked_at.lock().take();
        let (mut after, mut looked_at) = (begun_at.clone(), 0);
        loop {
            let page = self.lambda.records.work_due(now, after.as_ref(), PAGE).await?;
            let length = page.len();
            for (row, work) in page {
                self.begin(row.clone(), work).await?;
                after = Some(row);
            }
            looked_at += length;
            let is_end = length < PAGE;
            if is_end || looked_at >= LOOKED_AT_MAX {
                // Work of busy functions stays where it is: it must not hide what is behind it.
                let soon = (!is_end || begun_at.is_some()).then(|| now + SOON);
                if !is_end {
                    *self.looked_at.lock() = after;
                }
                let next = self.lambda.records.next_durable(now).await?;
                return Ok(next.into_iter().chain(failed.then(|| now + AGAIN)).chain(soon).min());
            }
        }
    }

    /// What falls due by itself. `true` when some of it failed, which keeps nothing else waiting.
    async fn fire(&self, now: Instant) -> Result<bool> {
        let (mut after, mut failed) = (None, false);
        loop {
            let due = self.lambda.records.timers_due(now, after.as_ref(), PAGE).await?;
            let length = due.len();
            after = due.last().cloned();
            let fired = stream::iter(due).map(|row| async move {
                self.lambda.fire(&row, now).await.map_err(|error| {
                    let (function, execution) = (&row.3, &row.4);
                    tracing::error!(%error, function, execution, "a timer failed and is tried again");
                })
            });
            let fired: Vec<std::result::Result<(), ()>> = fired.buffer_unordered(FIRED_MAX).collect().await;
            failed |= fired.iter().any(|fired| fired.is_err());
            if length < PAGE {
                return Ok(failed);
            }
        }
    }

    /// How many executions of a function may run: as many as the function may. Calls of other functions are not counted, they
    /// may wait for an execution.
    async fn room(&self, function: &FunctionName) -> Result<usize> {
        let known = self.lambda.cache.function(&self.lambda.records, function).await?;
        let reserved = known.and_then(|known| known.record.reserved);
        // One that may not run at all is refused when it is tried, and put off.
        Ok(reserved.unwrap_or(ACCOUNT_MAX).max(1) as usize)
    }

    async fn begin(&self, row: DueRow, work: WorkRecord) -> Result<()> {
        let name = ExecutionName::of(row.1, row.2, row.3.clone(), row.4.clone());
        let execution = match work.execution.is_empty() {
            true => self.lambda.records.execution(&name).await?.map(|record| record.id).unwrap_or_default(),
            false => work.execution,
        };
        let job = (name, execution.clone(), row.5.clone());
        if self.under_way.lock().jobs.contains(&job) {
            return Ok(());
        }
        let room = self.room(&job.0.function).await?;
        {
            let under_way = &mut *self.under_way.lock();
            if job.2.is_empty() {
                let of_function = under_way.functions.entry(job.0.function.clone()).or_default();
                if *of_function >= room {
                    return Ok(());
                }
                *of_function += 1;
            }
            under_way.jobs.insert(job.clone());
        }
        let (lambda, under_way) = (self.lambda.clone(), self.under_way.clone());
        self.lambda.platform.env.spawn("lambda execution", async move {
            let _ends = Ends { under_way, job, wake: lambda.wake.durable.clone() };
            let went = match row.5.as_str() {
                "" => lambda.drive(&row, &execution).await,
                _ => lambda.drive_call(&row, &execution).await,
            };
            if let Err(error) = went {
                tracing::error!(%error, "an execution could not go on and is tried again");
                let env = lambda.platform.env.clone();
                tokio::select! {
                    () = env.clock.sleep(AGAIN) => {}
                    () = env.tasks.stopping() => {}
                }
            }
        });
        Ok(())
    }

    /// Executions of functions that were deleted end, and go.
    async fn sweep(&self) -> Result<()> {
        for (function, gone) in self.lambda.records.gone(GONE_MAX).await? {
            let mut place = None;
            loop {
                let page = self.lambda.records.executions_of(&function, place.as_ref(), true, PAGE).await?;
                let all = page.len() < PAGE;
                let of_it = page.into_iter().take_while(|(started, _)| *started <= gone);
                let of_it: Vec<(u64, String)> = of_it.collect();
                let more = of_it.len() == PAGE && !all;
                for (started, name) in of_it {
                    let own = ExecutionName { function: function.clone(), name: name.clone() };
                    self.lambda.give_up(&own, gone).await?;
                    place = Some((started, name));
                }
                if !more {
                    break;
                }
            }
            self.lambda.records.forget_gone(&function, gone).await?;
        }
        Ok(())
    }
}

impl Lambda {
    /// What fell due by itself.
    async fn fire(&self, row: &DueRow, now: Instant) -> Result<()> {
        let name = ExecutionName::of(row.1, row.2, row.3.clone(), row.4.clone());
        let at = now.millis();
        let fired = (i64::try_from(row.0).unwrap_or(i64::MAX), row.5.clone());
        match row.5.as_str() {
            PURGE => return self.purge_due(&name, row, at).await,
            TIMEOUT => {
                let changed = self
                    .records
                    .change_execution(&name, &[], |execution| {
                        execution.time_out(at);
                        execution.changes.unset.push(fired.clone());
                        Ok(())
                    })
                    .await?;
                if let Some(changed) = changed {
                    self.changed_execution(&name, &changed);
                    return Ok(());
                }
            }
            id => {
                let changed = self.records.change_operation(&name, id, |execution, live| {
                    execution.fire(id, at, live);
                    execution.changes.unset.push(fired.clone());
                    Ok(())
                });
                if changed.await?.is_some() {
                    return Ok(());
                }
            }
        }
        self.records.forget_timer(row).await
    }

    /// The time that an execution was kept for is over, or it is deleted.
    async fn purge_due(&self, name: &ExecutionName, row: &DueRow, at: i64) -> Result<()> {
        if let Some(record) = self.records.execution(name).await?
            // A timer of an earlier execution of this name is of no use.
            && (record.deleting || record.kept_until_ms().is_some_and(|until| until <= at))
        {
            self.purge_whole(name, &record.id).await?;
        }
        self.records.forget_timer(row).await
    }

    /// Deletes the execution with this id, and all that belongs to it.
    pub(crate) async fn purge_whole(&self, name: &ExecutionName, id: &str) -> Result<()> {
        self.end_for_good(name, |record| record.id == id).await?;
        while !self.records.purge(name, id).await? {}
        self.waiters.tell_gone(name);
        Ok(())
    }

    /// Has an execution deleted whose function was at `gone`, unless it is a later one by now.
    async fn give_up(&self, name: &ExecutionName, gone: u64) -> Result<()> {
        self.end_for_good(name, |record| record.started_ms.max(0).unsigned_abs() <= gone).await
    }

    /// Ends an execution whose function is gone, if it is the one that is meant, and marks it for its deletion.
    async fn end_for_good(
        &self,
        name: &ExecutionName,
        is_meant: impl Fn(&ExecutionRecord) -> bool + Send + Sync,
    ) -> Result<()> {
        let at = self.platform.env.now().millis();
        let gone = Failure::new("ResourceNotFoundException", "The function was deleted.");
        let changed = self.records.change_execution(name, &[], |execution| {
            if is_meant(&execution.record) {
                execution.stop(Some(gone.clone()), at);
                execution.delete(at)?;
            }
            Ok(())
        });
        if let Some(changed) = changed.await? {
            self.changed_execution(name, &changed);
        }
        Ok(())
    }
}

/// Takes a job off the list of those under way, however it ended.
struct Ends {
    under_way: Arc<Mutex<UnderWay>>,
    job: Job,
    wake: Signal,
}

impl Drop for Ends {
    fn drop(&mut self) {
        {
            let under_way = &mut *self.under_way.lock();
            under_way.jobs.remove(&self.job);
            if self.job.2.is_empty()
                && let Some(count) = under_way.functions.get_mut(&self.job.0.function)
            {
                *count -= 1;
                if *count == 0 {
                    under_way.functions.remove(&self.job.0.function);
                }
            }
        }
        self.wake.wake();
    }
}

impl Reconciler for Executions {
    fn name(&self) -> &'static str {
        "lambda executions"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        &self.lambda.wake.durable
    }
}
