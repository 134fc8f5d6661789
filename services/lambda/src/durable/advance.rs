//! What happens to an execution without its function: timers, callbacks, functions that it called, and the end of an
//! invocation.

use super::apply::exceeded;
use super::execution::Execution;
use crate::model::durable::{Failure, InvocationRecord, Kind, OperationStatus, Outcome, Status, What};

/// An invocation that broke is tried again after a second, then doubled up to five minutes, for as long as the execution
/// may take.
const BACK_OFF_MIN_MS: i64 = 1000;
const BACK_OFF_MAX_MS: i64 = 300_000;

pub(crate) fn back_off(failures: u32) -> i64 {
    (BACK_OFF_MIN_MS << failures.min(20).saturating_sub(1)).min(BACK_OFF_MAX_MS)
}

/// What came of something that an operation waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) status: OperationStatus,
    pub(crate) result: Option<String>,
    pub(crate) error: Option<Failure>,
}

/// What an invocation said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Ended(Status, Outcome),
    Pending,
    /// It did not come to say anything.
    Broke(Failure),
    /// It could not be started, for now.
    Refused,
    /// It can never be started again.
    Impossible(Failure),
}

impl Execution {
    /// What an operation waited for by the clock has come. `live` when the function may still look at it.
    pub(crate) fn fire(&mut self, id: &str, at: i64, live: bool) {
        if !self.record.status.is_open() {
            return;
        }
        let Some(operation) = self.operations.get_mut(id) else { return };
        let is_due = |due: Option<i64>| due.is_some_and(|due| due <= at);
        match (operation.kind, operation.status) {
            (Kind::Wait, OperationStatus::Started) if is_due(operation.due_ms) => {
                operation.status = OperationStatus::Succeeded;
                operation.ended_ms = Some(at);
                let what = What::WaitSucceeded { span_s: operation.span_s.unwrap_or_default() };
                self.note_of(id, what, at, None, None);
            }
            (Kind::Step, OperationStatus::Pending) if is_due(operation.due_ms) => {
                operation.status = OperationStatus::Ready;
                operation.due_ms = None;
            }
            (Kind::Callback, OperationStatus::Started) => {
                let failure = if is_due(operation.due_ms) {
                    Failure::new("Callback.Timeout", "Callback timed out")
                } else if is_due(operation.heartbeat_due_ms) {
                    Failure::new("Callback.Heartbeat", "Callback heartbeat timed out")
                } else {
                    return;
                };
                let (status, error) = (OperationStatus::TimedOut, Some(failure));
                self.settle(id, Settled { status, result: None, error }, at, live);
                return;
            }
            _ => return,
        }
        self.touch(id, live);
        if live {
            self.wake(at);
        }
    }

    /// A callback or a function that was called has ended. `false` when nobody waits for it any more.
    pub(crate) fn settle(&mut self, id: &str, settled: Settled, at: i64, live: bool) -> bool {
        if !self.record.status.is_open() {
            return false;
        }
        let Some(operation) = self.operations.get_mut(id) else { return false };
        let what = match (operation.kind, settled.status) {
            _ if operation.status != OperationStatus::Started => return false,
            (Kind::Callback, OperationStatus::Succeeded) => What::CallbackSucceeded,
            (Kind::Callback, OperationStatus::TimedOut) => What::CallbackTimedOut,
            (Kind::Callback, _) => What::CallbackFailed,
            (Kind::ChainedInvoke, OperationStatus::Succeeded) => What::ChainedInvokeSucceeded,
            (Kind::ChainedInvoke, OperationStatus::TimedOut) => What::ChainedInvokeTimedOut,
            (Kind::ChainedInvoke, OperationStatus::Stopped) => What::ChainedInvokeStopped,
            (Kind::ChainedInvoke, _) => What::ChainedInvokeFailed,
            _ => return false,
        };
        operation.status = settled.status;
        operation.ended_ms = Some(at);
        let bytes =
            settled.result.as_ref().map_or(0, String::len) + settled.error.as_ref().map_or(0, Failure::len);
        operation.result.clone_from(&settled.result);
        operation.error.clone_from(&settled.error);
        if let Some(chained) = &mut operation.chained {
            chained.input = None;
        }
        let due = [operation.due_ms.take(), operation.heartbeat_due_ms.take()];
        self.changes.unset.extend(due.into_iter().flatten().map(|due| (due, id.to_owned())));
        self.count(0, bytes);
        self.note_of(id, what, at, settled.result, settled.error);
        self.touch(id, live);
        if live {
            self.wake(at);
        }
        true
    }

    /// A callback's work goes on. `false` when nobody waits for it any more.
    pub(crate) fn heartbeat(&mut self, id: &str, at: i64) -> bool {
        let open = self.record.status.is_open();
        let Some(operation) = self.operations.get_mut(id) else { return false };
        if !open || operation.kind != Kind::Callback || operation.status != OperationStatus::Started {
            return false;
        }
        if let (Some(span), Some(due)) = (operation.heartbeat_s, operation.heartbeat_due_ms) {
            let next = at.saturating_add(i64::from(span) * 1000);
            operation.heartbeat_due_ms = Some(next);
            // Both timers have the operation's name: where they meet, the one for the timeout stays.
            let stays = operation.due_ms == Some(due);
            self.changes.unset.extend((!stays).then(|| (due, id.to_owned())));
            self.changes.set.push((next, id.to_owned()));
            self.touch(id, false);
        }
        true
    }

    /// An invocation is to begin: it gets a token of its own. `false` when there is to be none.
    pub(crate) fn invoke(&mut self, due_ms: u64, token: &str, request_id: &str, at: i64) -> bool {
        let record = &mut self.record;
        if record.work_ms != Some(due_ms) {
            return false;
        }
        match record.status {
            Status::Running => {}
            // One that was under way when the cloud went down.
            Status::Pausing | Status::Paused => {
                (record.work_ms, record.invocation, record.woken) = (None, None, true);
                self.come_to_rest(at);
                return false;
            }
            _ => {
                record.work_ms = None;
                return false;
            }
        }
        record.token = Some(token.to_owned());
        record.last = None;
        (record.withheld, record.woken) = (false, false);
        // Of one that the cloud went down with nobody knows what it heard.
        let known = record.invocation.as_ref().map_or(record.delivered, |lost| lost.known);
        record.delivered = record.change;
        record.invocation = Some(InvocationRecord { request_id: request_id.to_owned(), began_ms: at, known });
        true
    }

    /// An invocation has ended. `pending` says whether something is to come by itself.
    pub(crate) fn invoked(&mut self, request_id: &str, said: Said, pending: bool, at: i64) {
        let Some(invocation) = self.record.invocation.take_if(|own| own.request_id == request_id) else {
            return;
        };
        let error = match &said {
            Said::Broke(failure) => Some(failure.clone()),
            _ => None,
        };
        let written = match &said {
            Said::Broke(failure) => failure.len(),
            Said::Ended(_, outcome) => outcome.len(),
            _ => 0,
        };
        self.count(0, written);
        if said != Said::Refused {
            let what = What::InvocationCompleted {
                began_ms: invocation.began_ms,
                request_id: invocation.request_id,
            };
            self.note_own(what, at, None, error);
        }
        self.record.work_ms = None;
        if !self.record.status.is_open() {
            return;
        }
        (self.record.token, self.record.last) = (None, None);
        let withheld = std::mem::take(&mut self.record.withheld);
        if said == Said::Refused {
            self.record.delivered = invocation.known;
        }
        match said {
            Said::Broke(_) if exceeded(0, self.record.bytes).is_some() => {
                let error = exceeded(0, self.record.bytes);
                self.end(Status::Failed, Outcome { result: None, error }, at);
            }
            Said::Refused | Said::Broke(_) => {
                self.record.failures = self.record.failures.saturating_add(1);
                self.again(at.saturating_add(back_off(self.record.failures)), at);
            }
            Said::Impossible(failure) => {
                self.end(Status::Failed, Outcome { result: None, error: Some(failure) }, at);
            }
            Said::Ended(status, outcome) if !withheld => self.end(status, outcome, at),
            Said::Ended(..) | Said::Pending => {
                self.record.failures = 0;
                if std::mem::take(&mut self.record.woken) || withheld {
                    self.again(at, at);
                } else if !pending {
                    let said = "Cannot return PENDING status with no pending operations.";
                    let failure = Failure::new("InvalidParameterValueException", said);
                    self.end(Status::Failed, Outcome { result: None, error: Some(failure) }, at);
                } else if self.record.status == Status::Pausing {
                    self.come_to_rest(at);
                }
            }
        }
    }

    /// The function is to run once more from `due`, or when a pause is over.
    fn again(&mut self, due: i64, at: i64) {
        match self.record.status {
            Status::Running => self.record.work_ms = Some(due.max(0).unsigned_abs()),
            _ => {
                self.record.woken = true;
                self.come_to_rest(at);
            }
        }
    }
}
