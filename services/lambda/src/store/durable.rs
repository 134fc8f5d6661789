//! Executions as they change: everything that a change is about, in one transaction.

use haneul_kit::{ApiError, Result};
use haneul_store::{Range, Reads, Tx};

use super::Records;
use crate::durable::PAYLOAD_MAX;
use crate::durable::advance::{Said, Settled};
use crate::durable::execution::Execution;
use crate::durable::names::ExecutionName;
use crate::durable::start::{failed, sha256};
use crate::durable::state::Seen;
use crate::invoke::EVENT_MAX;
use crate::model::durable::{
    BRIEFS, Brief, DATA, ERROR, EXECUTIONS, EventOf, ExecutionRecord, Failure, GONE, HISTORY, INPUT,
    OPERATIONS, OperationStatus, Outcome, RESULT, STARTED, Status, TIMERS, WORK, What, WorkRecord,
};
use crate::model::event::{EVENTS, Ended, EventRecord, LastRun, PAYLOADS};

/// Operations of one execution, with room for those of a last checkpoint.
pub(crate) const BRIEFS_MAX: usize = 10_000;

/// A row of [`WORK`] or [`TIMERS`].
pub(crate) type DueRow = (u64, haneul_kit::AccountId, haneul_kit::Region, String, String, String);

/// What became of an execution that was to start.
pub(crate) enum Begun {
    New,
    /// There is one of that name.
    There(Box<ExecutionRecord>),
    /// There is what remains of one with this id: it is being deleted, or its function was.
    Remains(String),
    /// The operation that wanted it does not any more.
    Unwanted,
}

/// A change that was made.
pub(crate) struct Changed<T> {
    pub(crate) value: T,
    pub(crate) record: ExecutionRecord,
    /// It ended by this change, with this.
    pub(crate) ended: Option<Outcome>,
}

/// The operation for which an execution starts, and the row that says so.
pub(crate) struct ForParent<'a> {
    pub(crate) name: &'a ExecutionName,
    pub(crate) id: &'a str,
    pub(crate) row: &'a DueRow,
    /// What the history tells of it.
    pub(crate) what: What,
}

impl Records {
    pub(crate) async fn execution(&self, name: &ExecutionName) -> Result<Option<ExecutionRecord>> {
        Ok(self.store.get(&EXECUTIONS, &name.row()).await?)
    }

    /// Starts an execution, unless there is one of its name.
    pub(crate) async fn begin_execution(
        &self,
        first: &Execution,
        input: &[u8],
        parent: Option<&ForParent<'_>>,
    ) -> Result<Begun> {
        self.store
            .transact(|tx| async move {
                let name = &first.name;
                let gone = tx.get(&GONE, &name.function.row()).await?;
                if let Some(found) = tx.get(&EXECUTIONS, &name.row()).await? {
                    let of_gone = gone.is_some_and(|gone| found.started_ms.max(0).unsigned_abs() <= gone);
                    return Ok(match of_gone || found.deleting {
                        true => Begun::Remains(found.id),
                        false => Begun::There(Box::new(found)),
                    });
                }
                if let Some(parent) = parent {
                    forget_work(&tx, parent.row, parent.id).await?;
                    let Some(mut loaded) = load_caller(&tx, parent.name, parent.row, parent.id).await? else {
                        return Ok(Begun::Unwanted);
                    };
                    tell_of_call(
                        &mut loaded.execution,
                        &parent.row.5,
                        parent.what.clone(),
                        first.record.started_ms,
                    );
                    loaded.save(&tx)?;
                }
                let mut first = first.clone();
                if let Some(gone) = gone {
                    let earliest = i64::try_from(gone).unwrap_or(i64::MAX).saturating_add(1);
                    first.record.started_ms = first.record.started_ms.max(earliest);
                }
                let (account, region, function, own) = name.row();
                tx.put(&DATA, &(account, region, function, own, INPUT), &input.to_vec())?;
                let started = first.record.started_ms.max(0).unsigned_abs();
                tx.put(&STARTED, &(account, region, function, started, own), &())?;
                Loaded { execution: first, before: None }.save(&tx)?;
                Ok(Begun::New)
            })
            .await
    }

    /// Changes an execution, of which `edit` sees the operations `ids`. `edit` may run several times.
    pub(crate) async fn change_execution<T: Send>(
        &self,
        name: &ExecutionName,
        ids: &[String],
        edit: impl Fn(&mut Execution) -> Result<T> + Send + Sync,
    ) -> Result<Option<Changed<T>>> {
        let edit = &edit;
        self.store
            .transact(|tx| async move {
                let ids = ids.iter().map(String::as_str);
                let Some(mut loaded) = load(&tx, name, ids).await? else { return Ok(None) };
                let value = edit(&mut loaded.execution)?;
                loaded.commit(&tx, value).await.map(Some)
            })
            .await
    }

    /// Changes one operation; `edit` is told whether the function may still look at it.
    pub(crate) async fn change_operation<T: Send>(
        &self,
        name: &ExecutionName,
        id: &str,
        edit: impl Fn(&mut Execution, bool) -> Result<T> + Send + Sync,
    ) -> Result<Option<Changed<T>>> {
        let edit = &edit;
        self.store
            .transact(|tx| async move {
                let Some(mut loaded) = load(&tx, name, [id]).await? else { return Ok(None) };
                let live = loaded.execution.is_live(id);
                let value = edit(&mut loaded.execution, live)?;
                loaded.commit(&tx, value).await.map(Some)
            })
            .await
    }

    /// Begins an invocation that is due. `None` when there is to be none.
    pub(crate) async fn begin_invocation(
        &self,
        name: &ExecutionName,
        row: &DueRow,
        id: &str,
        token: &str,
        request_id: &str,
        at: i64,
    ) -> Result<Option<ExecutionRecord>> {
        self.store
            .transact(|tx| async move {
                let loaded = load(&tx, name, []).await?.filter(|loaded| loaded.execution.record.id == id);
                let Some(mut loaded) = loaded else {
                    forget_work(&tx, row, id).await?;
                    return Ok(None);
                };
                let begins = loaded.execution.invoke(row.0, token, request_id, at);
                if loaded.execution.record.work_ms != Some(row.0) {
                    tx.delete(&WORK, row)?;
                }
                loaded.save(&tx)?;
                Ok(begins.then_some(loaded.execution.record))
            })
            .await
    }

    /// Notes what an invocation said.
    pub(crate) async fn end_invocation(
        &self,
        name: &ExecutionName,
        request_id: &str,
        said: &Said,
        at: i64,
    ) -> Result<Option<Changed<()>>> {
        self.store
            .transact(|tx| async move {
                let Some(mut loaded) = load(&tx, name, []).await? else { return Ok(None) };
                let pending = match said {
                    Said::Pending => {
                        crate::durable::state::seen(briefs(&tx, name).await?).iter().any(Seen::is_pending)
                    }
                    _ => false,
                };
                loaded.execution.invoked(request_id, said.clone(), pending, at);
                loaded.commit(&tx, ()).await.map(Some)
            })
            .await
    }

    /// A function that an operation calls begins to run; the history tells it once. `false` when nobody waits for it.
    pub(crate) async fn begin_call(
        &self,
        name: &ExecutionName,
        row: &DueRow,
        id: &str,
        what: &What,
        at: i64,
    ) -> Result<bool> {
        self.store
            .transact(|tx| async move {
                let Some(mut loaded) = load_caller(&tx, name, row, id).await? else {
                    forget_work(&tx, row, id).await?;
                    return Ok(false);
                };
                tell_of_call(&mut loaded.execution, &row.5, what.clone(), at);
                loaded.save(&tx)?;
                Ok(true)
            })
            .await
    }

    /// A function that an operation called has ended, and so has the work.
    pub(crate) async fn end_call(
        &self,
        name: &ExecutionName,
        row: &DueRow,
        id: &str,
        settled: &Settled,
        at: i64,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                forget_work(&tx, row, id).await?;
                let Some(mut loaded) = load_caller(&tx, name, row, id).await? else { return Ok(()) };
                // One that was refused for good has not begun before.
                let function = loaded.execution.operations.get(&row.5).and_then(|own| own.chained.as_ref());
                let function = function.map(|chained| chained.function.clone()).unwrap_or_default();
                let what = What::ChainedInvokeStarted { function, version: None, execution: None };
                tell_of_call(&mut loaded.execution, &row.5, what, at);
                let live = loaded.execution.is_live(&row.5);
                loaded.execution.settle(&row.5, settled.clone(), at, live);
                loaded.save(&tx)
            })
            .await
    }

    /// Puts a function off that an operation calls.
    pub(crate) async fn put_call_off(&self, row: &DueRow, due_ms: u64, work: &WorkRecord) -> Result<()> {
        self.store
            .transact(|tx| async move {
                if forget_work(&tx, row, &work.execution).await? {
                    let (_, account, region, function, name, id) = row;
                    let next = (due_ms, *account, *region, function.as_str(), name.as_str(), id.as_str());
                    tx.put(&WORK, &next, work)?;
                }
                Ok(())
            })
            .await
    }

    /// How an execution stands, and what it ended with.
    pub(crate) async fn end_of(&self, name: &ExecutionName, id: &str) -> Result<Option<(Status, Outcome)>> {
        // Both as of one moment: it may be deleted in the next.
        let view = self.store.snapshot().await?;
        let record = view.get(&EXECUTIONS, &name.row()).await?.filter(|record| record.id == id);
        let Some(record) = record else { return Ok(None) };
        let (account, region, function, own) = name.row();
        let result = view.get(&DATA, &(account, region, function, own, RESULT)).await?;
        let error = view.get(&DATA, &(account, region, function, own, ERROR)).await?;
        let outcome = Outcome {
            result: result.map(|result| String::from_utf8_lossy(&result).into_owned()),
            error: error.and_then(|error| serde_json::from_slice(&error).ok()),
        };
        Ok(Some((record.status, outcome)))
    }
}

/// Takes a row of [`WORK`] away, if it is still that of the execution with this id.
async fn forget_work(tx: &Tx, row: &DueRow, id: &str) -> Result<bool> {
    let own = tx.get(&WORK, row).await?.is_some_and(|work| work.is_of(id));
    if own {
        tx.delete(&WORK, row)?;
    }
    Ok(own)
}

/// The execution with this id, if its operation still waits for a function.
async fn load_caller(tx: &Tx, name: &ExecutionName, row: &DueRow, id: &str) -> Result<Option<Loaded>> {
    let loaded = load(tx, name, [row.5.as_str()]).await?;
    Ok(loaded.filter(|Loaded { execution, .. }| {
        execution.record.id == id
            && execution.record.status.is_open()
            && execution.status_of(&row.5) == Some(OperationStatus::Started)
    }))
}

fn tell_of_call(execution: &mut Execution, id: &str, what: What, at: i64) {
    let Some(operation) = execution.operations.get_mut(id) else { return };
    let Some(chained) = operation.chained.as_mut().filter(|chained| !chained.begun) else { return };
    chained.begun = true;
    let input = chained.input.clone();
    execution.note_of(id, what, at, input, None);
    execution.touch(id, false);
}

/// An execution, and as it was read.
struct Loaded {
    execution: Execution,
    before: Option<ExecutionRecord>,
}

/// Reads an execution with some of its operations, and the contexts around them.
async fn load(
    tx: &Tx,
    name: &ExecutionName,
    ids: impl IntoIterator<Item = &str> + Send,
) -> Result<Option<Loaded>> {
    let Some(record) = tx.get(&EXECUTIONS, &name.row()).await? else { return Ok(None) };
    let (account, region, function, own) = name.row();
    let before = Some(record.clone());
    let mut execution = Execution::of(name.clone(), record);
    let ids: Vec<&str> = ids.into_iter().collect();
    for id in ids {
        if execution.operations.contains_key(id) {
            continue;
        }
        let Some(brief) = tx.get(&BRIEFS, &(account, region, function, own, id)).await? else { continue };
        let row = (account, region, function, own, brief.sequence);
        if let Some(operation) = tx.get(&OPERATIONS, &row).await? {
            execution.operations.insert(id.to_owned(), operation);
        }
    }
    let mut inside: Vec<String> =
        execution.operations.values().filter_map(|own| own.parent.clone()).collect();
    while let Some(id) = inside.pop() {
        if execution.operations.contains_key(&id) || execution.around.contains_key(&id) {
            continue;
        }
        let Some(brief) = tx.get(&BRIEFS, &(account, region, function, own, id.as_str())).await? else {
            continue;
        };
        inside.extend(brief.parent.clone());
        execution.around.insert(id, brief);
    }
    Ok(Some(Loaded { execution, before }))
}

pub(super) async fn briefs(reads: &impl Reads, name: &ExecutionName) -> Result<Vec<(String, Brief)>> {
    let rows = reads.scan(&BRIEFS, Range::prefix(name.row()), BRIEFS_MAX).await?;
    Ok(rows.into_iter().map(|((_, _, _, _, id), brief)| (id, brief)).collect())
}

fn ms(at: i64) -> u64 {
    at.max(0).unsigned_abs()
}

impl Loaded {
    /// Writes what changed, and tells whoever waits for an execution that ended.
    async fn commit<T>(self, tx: &Tx, value: T) -> Result<Changed<T>> {
        self.save(tx)?;
        let Execution { name, record, changes, .. } = self.execution;
        let ended = changes.outcome.clone();
        if let (Some(outcome), Some(event)) = (&changes.outcome, &record.event) {
            tell_of_event(tx, &name, &record, event, outcome).await?;
        }
        if let (Some(outcome), Some(parent)) = (changes.outcome, &record.parent) {
            let name = ExecutionName::of_parent(parent);
            let name = name.ok_or_else(|| ApiError::internal("an execution's parent has no name"))?;
            let loaded = load(tx, &name, [parent.operation.as_str()]).await?;
            if let Some(mut loaded) = loaded.filter(|loaded| loaded.execution.record.id == parent.id) {
                let live = loaded.execution.is_live(&parent.operation);
                let settled = settled(record.status, outcome);
                let at = record.ended_ms.unwrap_or_default();
                loaded.execution.settle(&parent.operation, settled, at, live);
                loaded.save(tx)?;
            }
        }
        Ok(Changed { value, record, ended })
    }

    fn save(&self, tx: &Tx) -> Result<()> {
        let Execution { name, record, operations, changes, .. } = &self.execution;
        let (account, region, function, own) = name.row();
        if self.before.as_ref() != Some(record) {
            tx.put(&EXECUTIONS, &name.row(), record)?;
        }
        for operation in changes.touched.iter().filter_map(|id| operations.get(id)) {
            tx.put(&OPERATIONS, &(account, region, function, own, operation.sequence), operation)?;
            let row = (account, region, function, own, operation.id.as_str());
            tx.put(&BRIEFS, &row, &operation.brief())?;
        }
        let told = u32::try_from(changes.events.len()).unwrap_or(u32::MAX);
        for (number, event) in (record.events.saturating_sub(told) + 1..).zip(&changes.events) {
            tx.put(&HISTORY, &(account, region, function, own, number), event)?;
        }
        for (at, which) in &changes.unset {
            tx.delete(&TIMERS, &(ms(*at), account, region, function, own, which.as_str()))?;
        }
        for (at, which) in &changes.set {
            tx.put(&TIMERS, &(ms(*at), account, region, function, own, which.as_str()), &())?;
        }
        let work_ms = self.before.as_ref().and_then(|before| before.work_ms);
        let work = WorkRecord { execution: record.id.clone(), refusals: 0 };
        if work_ms != record.work_ms {
            if let Some(before) = work_ms {
                tx.delete(&WORK, &(before, account, region, function, own, ""))?;
            }
            if let Some(now) = record.work_ms {
                tx.put(&WORK, &(now, account, region, function, own, ""), &work)?;
            }
        }
        for (at, id) in &changes.calls {
            let row = (ms(*at), account, region, function, own, id.as_str());
            tx.put(&WORK, &row, &work)?;
        }
        if let Some(outcome) = &changes.outcome {
            if let Some(result) = &outcome.result {
                tx.put(&DATA, &(account, region, function, own, RESULT), &result.clone().into_bytes())?;
            }
            if let Some(error) = &outcome.error {
                let error = serde_json::to_vec(error).map_err(ApiError::internal)?;
                tx.put(&DATA, &(account, region, function, own, ERROR), &error)?;
            }
        }
        Ok(())
    }
}

/// The outcome of an execution that an event began is told like that of other events.
async fn tell_of_event(
    tx: &Tx,
    name: &ExecutionName,
    record: &ExecutionRecord,
    event: &EventOf,
    outcome: &Outcome,
) -> Result<()> {
    let (account, region, function, own) = name.row();
    let input = tx.get(&DATA, &(account, region, function, own, INPUT)).await?.unwrap_or_default();
    let (condition, answer) = match record.status {
        Status::Succeeded => ("Success", outcome.result.clone().unwrap_or_default()),
        // Who stopped it knows.
        Status::Stopped => return Ok(()),
        status => {
            ("RetriesExhausted", String::from_utf8_lossy(&failed(status, outcome.error.clone())).into_owned())
        }
    };
    let told = EventRecord {
        account: account.number(),
        region: region.as_str().to_owned(),
        function: function.to_owned(),
        qualifier: event.qualifier.clone(),
        request_id: event.request_id.clone(),
        accepted_ms: record.started_ms,
        runs: 1,
        refusals: 0,
        trace: Some(record.trace.clone()),
        last: (answer.len() <= EVENT_MAX).then(|| LastRun {
            executed_version: record.version.clone(),
            function_error: (condition != "Success").then(|| "Unhandled".to_owned()),
            answer,
        }),
        ended: Some(Ended { condition: condition.to_owned(), failures: 0 }),
    };
    // Its number is its own, as random as the execution's id is.
    let number = u64::from_str_radix(&sha256(record.id.as_bytes())[..16], 16).map_err(ApiError::internal)?;
    tx.put(&EVENTS, &(ms(record.ended_ms.unwrap_or_default()), number), &told)?;
    Ok(tx.put(&PAYLOADS, &number, &input)?)
}

/// What an execution that ended is to the operation that waits for it.
fn settled(status: Status, outcome: Outcome) -> Settled {
    if outcome.result.as_ref().is_some_and(|result| result.len() > PAYLOAD_MAX) {
        let said = format!("The result of the function is larger than {PAYLOAD_MAX} bytes.");
        let error = Some(Failure::new("Lambda.ResponseSizeTooLarge", said));
        return Settled { status: OperationStatus::Failed, result: None, error };
    }
    let status = match status {
        Status::Succeeded => OperationStatus::Succeeded,
        Status::TimedOut => OperationStatus::TimedOut,
        Status::Stopped => OperationStatus::Stopped,
        _ => OperationStatus::Failed,
    };
    let error = match status {
        OperationStatus::Succeeded => None,
        OperationStatus::TimedOut => Some(
            outcome
                .error
                .unwrap_or_else(|| Failure::new("ExecutionTimedOut", "The durable execution timed out.")),
        ),
        OperationStatus::Stopped => Some(
            outcome
                .error
                .unwrap_or_else(|| Failure::new("ExecutionStopped", "The durable execution was stopped.")),
        ),
        _ => Some(outcome.error.unwrap_or_default()),
    };
    Settled { status, result: outcome.result, error }
}
