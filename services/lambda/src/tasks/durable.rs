use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};
use parking_lot::Mutex;

use crate::Lambda;
use crate::durable::names::ExecutionName;
use crate::model::durable::{ExecutionRecord, Failure, PURGE, TIMEOUT, WorkRecord};
use crate::names::FunctionName;
use crate::store::durable::DueRow;

/// Functions that run at once for executions, in all and for those of one function.
const UNDER_WAY_MAX: usize = 256;
const OF_FUNCTION_MAX: usize = 64;

/// Work looked at in one run; that of functions that are busy is passed over.
const LOOKED_AT_MAX: usize = 20_000;
const PAGE: usize = 500;

/// What failed for reasons of ours is looked at again after this.
const AGAIN: Duration = Duration::from_secs(5);

/// Functions that were deleted, looked at in one run, and their executions at once.
const GONE_MAX: usize = 16;

/// Goes on with executions when something of theirs is due.
pub(crate) struct Executions {
    lambda: Arc<Lambda>,
    under_way: Arc<Mutex<UnderWay>>,
}

/// One function runs for each execution, by its name and id, and for each operation that calls one.
type Job = (ExecutionName, String, String);

#[derive(Default)]
struct UnderWay {
    jobs: HashSet<Job>,
    functions: HashMap<FunctionName, usize>,
}

impl Executions {
    pub(crate) fn new(lambda: Arc<Lambda>) -> Executions {
        Executions { lambda, under_way: Arc::default() }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let now = self.lambda.platform.env.now();
        self.sweep().await?;
        loop {
            let due = self.lambda.records.timers_due(now, PAGE).await?;
            for row in &due {
                self.lambda.fire(row, now).await?;
            }
            if due.len() < PAGE {
                break;
            }
        }
        let (mut after, mut looked_at) = (None, 0);
        loop {
            let page = self.lambda.records.work_due(now, after.as_ref(), PAGE).await?;
            let length = page.len();
            for (row, work) in page {
                self.begin(row.clone(), work);
                after = Some(row);
            }
            looked_at += length;
            let full = self.under_way.lock().jobs.len() >= UNDER_WAY_MAX;
            if full || length < PAGE || looked_at >= LOOKED_AT_MAX {
                return self.lambda.records.next_durable(now).await;
            }
        }
    }

    fn begin(&self, row: DueRow, work: WorkRecord) {
        let name = ExecutionName::of(row.1, row.2, row.3.clone(), row.4.clone());
        let job = (name, work.execution.clone(), row.5.clone());
        {
            let under_way = &mut *self.under_way.lock();
            if under_way.jobs.len() >= UNDER_WAY_MAX || under_way.jobs.contains(&job) {
                return;
            }
            let of_function = under_way.functions.entry(job.0.function.clone()).or_default();
            if *of_function >= OF_FUNCTION_MAX {
                return;
            }
            *of_function += 1;
            under_way.jobs.insert(job.clone());
        }
        let (lambda, under_way) = (self.lambda.clone(), self.under_way.clone());
        self.lambda.platform.env.spawn("lambda execution", async move {
            let _ends = Ends { under_way, job, wake: lambda.wake.durable.clone() };
            let went = match row.5.as_str() {
                "" => lambda.drive(&row, &work.execution).await,
                _ => lambda.drive_call(&row, &work.execution).await,
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
            self.lambda.records.forget_gone(&function).await?;
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
            if let Some(count) = under_way.functions.get_mut(&self.job.0.function) {
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
