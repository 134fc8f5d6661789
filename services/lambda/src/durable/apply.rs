//! What updates of a checkpoint do to an execution. Either all of a checkpoint's count, or none.

use std::collections::BTreeSet;

use haneul_kit::Result;

use super::execution::Execution;
use super::update::{Action, Update};
use super::{BYTES_MAX, OPERATIONS_MAX};
use crate::error;
use crate::model::durable::{
    ChainedRecord, Failure, Kind, OperationRecord, OperationStatus, Outcome, Status, What,
};

/// What updates need to know beyond the state.
pub(crate) struct Given<'a> {
    pub(crate) at: i64,
    /// The id of a new callback, by its operation.
    pub(crate) callback_id: &'a (dyn Fn(&str) -> String + Sync),
}

impl Execution {
    /// Applies the updates of a checkpoint. `false` when they are more than an execution may have: it has failed.
    ///
    /// # Errors
    /// InvalidParameterValueException; `self` is of no use then.
    pub(crate) fn apply(&mut self, updates: &[Update], given: &Given<'_>) -> Result<bool> {
        let is_new = |update: &&Update| !self.operations.contains_key(&update.id);
        let new: BTreeSet<&str> = updates.iter().filter(is_new).map(|update| update.id.as_str()).collect();
        let retries = updates.iter().filter(|update| update.action == Action::Retry).count();
        let counted = u64::from(self.record.counted) + (new.len() + retries) as u64;
        let bytes = self.record.bytes.saturating_add(updates.iter().map(|update| update.len() as u64).sum());
        if let Some(exceeded) = exceeded(counted, bytes) {
            self.end(Status::Failed, Outcome { result: None, error: Some(exceeded) }, given.at);
            return Ok(false);
        }
        for update in updates {
            self.apply_one(update, given)?;
        }
        Ok(true)
    }

    fn apply_one(&mut self, update: &Update, given: &Given<'_>) -> Result<()> {
        if update.kind == Kind::Execution {
            self.count(0, update.len());
            let outcome = Outcome { result: update.payload.clone(), error: update.error.clone() };
            let status = if update.action == Action::Succeed { Status::Succeeded } else { Status::Failed };
            self.end(status, outcome, given.at);
            return Ok(());
        }
        if update.id == self.record.id {
            return Err(error::parameter("Invalid operation id."));
        }
        if let Some(parent) = &update.parent {
            let context = self.operations.get(parent);
            if context.is_none_or(|context| context.kind != Kind::Context) {
                return Err(error::parameter("Invalid parent operation id."));
            }
        }
        let status = match self.operations.get(&update.id) {
            Some(found) if found.kind != update.kind => {
                return Err(error::parameter("Invalid operation type for the given operation id."));
            }
            Some(found) => Some(found.status),
            None => None,
        };
        if let Some(wrong) = refusal(update, status) {
            return Err(error::parameter(wrong));
        }
        let retries = u32::from(update.action == Action::Retry);
        self.count(u32::from(status.is_none()) + retries, update.len());
        if status.is_none() {
            self.add(update, given.at);
        }
        // A context that is over stands for what was in it.
        if !self.is_live(&update.id) {
            return Err(error::parameter("Cannot update an operation in a CONTEXT that has completed."));
        }
        match update.action {
            Action::Start => self.begin(update, given),
            Action::Succeed => self.close(update, OperationStatus::Succeeded, given.at),
            Action::Fail => self.close(update, OperationStatus::Failed, given.at),
            Action::Retry => self.retry(update, given.at),
            Action::Cancel => self.close(update, OperationStatus::Cancelled, given.at),
        }
        self.touch(&update.id, true);
        Ok(())
    }

    fn add(&mut self, update: &Update, at: i64) {
        self.record.operations += 1;
        let operation = OperationRecord {
            sequence: self.record.operations,
            id: update.id.clone(),
            parent: update.parent.clone(),
            name: update.name.clone(),
            sub_type: update.sub_type.clone(),
            kind: update.kind,
            status: OperationStatus::Started,
            started_ms: at,
            ended_ms: None,
            change: 0,
            result: None,
            error: None,
            attempt: 0,
            due_ms: None,
            span_s: None,
            heartbeat_s: None,
            heartbeat_due_ms: None,
            callback_id: None,
            replay_children: false,
            chained: None,
        };
        self.operations.insert(update.id.clone(), operation);
    }

    fn begin(&mut self, update: &Update, given: &Given<'_>) {
        let (at, id) = (given.at, update.id.as_str());
        let later = |span: Option<u32>| span.map(|span| at.saturating_add(i64::from(span) * 1000));
        let Some(operation) = self.operations.get_mut(id) else { return };
        operation.status = OperationStatus::Started;
        let what = match update.kind {
            Kind::Step => {
                operation.due_ms = None;
                What::StepStarted
            }
            Kind::Context | Kind::Execution => What::ContextStarted,
            Kind::Wait => {
                operation.span_s = update.span_s;
                operation.due_ms = later(update.span_s);
                let until_ms = operation.due_ms.unwrap_or(at);
                self.changes.set.push((until_ms, id.to_owned()));
                What::WaitStarted { span_s: update.span_s.unwrap_or_default(), until_ms }
            }
            Kind::Callback => {
                let callback = (given.callback_id)(id);
                operation.callback_id = Some(callback.clone());
                (operation.span_s, operation.heartbeat_s) = (update.span_s, update.heartbeat_s);
                (operation.due_ms, operation.heartbeat_due_ms) =
                    (later(update.span_s), later(update.heartbeat_s));
                let due = [operation.due_ms, operation.heartbeat_due_ms];
                self.changes.set.extend(due.into_iter().flatten().map(|due| (due, id.to_owned())));
                let (timeout_s, heartbeat_s) = (update.span_s, update.heartbeat_s);
                What::CallbackStarted { id: callback, timeout_s, heartbeat_s }
            }
            Kind::ChainedInvoke => return self.call(update, at),
        };
        self.note_of(id, what, at, None, None);
    }

    /// A function is to be run. That it began is told when it does.
    fn call(&mut self, update: &Update, at: i64) {
        let id = update.id.as_str();
        if let Some(operation) = self.operations.get_mut(id) {
            operation.chained = Some(ChainedRecord {
                function: update.function.clone().unwrap_or_default(),
                trace: update.trace.clone(),
                input: update.payload.clone(),
                begun: false,
            });
        }
        self.changes.calls.push((at, id.to_owned()));
    }

    fn close(&mut self, update: &Update, status: OperationStatus, at: i64) {
        let id = update.id.as_str();
        let Some(operation) = self.operations.get_mut(id) else { return };
        operation.status = status;
        operation.ended_ms = Some(at);
        operation.result.clone_from(&update.payload);
        operation.error.clone_from(&update.error);
        operation.replay_children = update.replay_children;
        let due = operation.due_ms;
        let well = status == OperationStatus::Succeeded;
        let what = match update.kind {
            Kind::Step => {
                operation.attempt += 1;
                operation.due_ms = None;
                let attempt = operation.attempt;
                match well {
                    true => What::StepSucceeded { attempt, delay_s: None },
                    false => What::StepFailed { attempt, delay_s: None },
                }
            }
            Kind::Wait => {
                self.changes.unset.extend(due.map(|due| (due, id.to_owned())));
                What::WaitCancelled
            }
            _ if well => What::ContextSucceeded,
            _ => What::ContextFailed,
        };
        self.note_of(id, what, at, update.payload.clone(), update.error.clone());
    }

    fn retry(&mut self, update: &Update, at: i64) {
        let id = update.id.as_str();
        let Some(operation) = self.operations.get_mut(id) else { return };
        let due = at.saturating_add(i64::from(update.span_s.unwrap_or(1)) * 1000);
        operation.status = OperationStatus::Pending;
        operation.attempt += 1;
        operation.due_ms = Some(due);
        operation.result.clone_from(&update.payload);
        operation.error.clone_from(&update.error);
        let (attempt, delay_s) = (operation.attempt, update.span_s);
        self.changes.set.push((due, id.to_owned()));
        // A step that polls is not done yet, which is no failure.
        let what = match update.error.is_none() && update.payload.is_some() {
            true => What::StepSucceeded { attempt, delay_s },
            false => What::StepFailed { attempt, delay_s },
        };
        self.note_of(id, what, at, update.payload.clone(), update.error.clone());
    }
}

/// The limit that this many operations and bytes are over.
pub(super) fn exceeded(operations: u64, bytes: u64) -> Option<Failure> {
    let said = if operations > u64::from(OPERATIONS_MAX) {
        format!("The durable execution exceeded the limit of {OPERATIONS_MAX} operations.")
    } else if bytes > BYTES_MAX {
        format!("The durable execution exceeded the limit of {BYTES_MAX} bytes of data.")
    } else {
        return None;
    };
    Some(Failure::new("DurableExecutionLimitExceeded", said))
}

/// Why an update does not fit the operation as it is.
fn refusal(update: &Update, status: Option<OperationStatus>) -> Option<&'static str> {
    use OperationStatus::{Ready, Started};
    let status = match (status, update.kind, update.action) {
        (Some(status), ..) => status,
        (None, Kind::Wait, Action::Cancel) => {
            return Some("Cannot cancel a WAIT that does not exist or has already completed.");
        }
        // What is over before it was told of begins and ends at once.
        (None, ..) => return None,
    };
    match (update.kind, update.action) {
        (Kind::Step, Action::Start) => (status != Ready).then_some("Invalid current STEP state to start."),
        (Kind::Step, Action::Retry) => {
            (!matches!(status, Started | Ready)).then_some("Invalid current STEP state to re-attempt.")
        }
        (Kind::Step, _) => {
            (!matches!(status, Started | Ready)).then_some("Invalid current STEP state to close.")
        }
        (Kind::Context, Action::Start) => Some("Cannot start a CONTEXT that already exist."),
        (Kind::Context, _) => (status != Started).then_some("Invalid current CONTEXT state to close."),
        (Kind::Wait, Action::Start) => Some("Cannot start a WAIT that already exist."),
        (Kind::Wait, _) => (status != Started)
            .then_some("Cannot cancel a WAIT that does not exist or has already completed."),
        (Kind::Callback, _) => Some("Cannot start a CALLBACK that already exist."),
        (Kind::ChainedInvoke, _) => Some("Cannot start a CHAINED_INVOKE that already exist."),
        (Kind::Execution, _) => None,
    }
}
