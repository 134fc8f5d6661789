//! Durable executions, their operations and history, and what is to be done for them when.

use haneul_kit::{AccountId, Region};
use haneul_store::{Record, RecordError, Table};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// By function and the execution's name.
pub(crate) static EXECUTIONS: Table<(AccountId, Region, String, String), ExecutionRecord> =
    Table::new("lambda.durable-executions");

/// The same by when they started, for listings.
pub(crate) static STARTED: Table<(AccountId, Region, String, u64, String), ()> =
    Table::new("lambda.durable-started");

/// What went into an execution and what came out: its text, or a [`Failure`] as JSON.
pub(crate) static DATA: Table<(AccountId, Region, String, String, u8), Vec<u8>> =
    Table::new("lambda.durable-data");
pub(crate) const INPUT: u8 = 0;
pub(crate) const RESULT: u8 = 1;
pub(crate) const ERROR: u8 = 2;

/// Operations in the order in which they began, from 1.
pub(crate) static OPERATIONS: Table<(AccountId, Region, String, String, u32), OperationRecord> =
    Table::new("lambda.durable-operations");

/// What has to be known of all operations at once, by their ids.
pub(crate) static BRIEFS: Table<(AccountId, Region, String, String, String), Brief> =
    Table::new("lambda.durable-briefs");

/// Events from 1.
pub(crate) static HISTORY: Table<(AccountId, Region, String, String, u32), EventRecord> =
    Table::new("lambda.durable-history");

/// What falls due by itself, by its time in milliseconds: an operation by its id, or [`TIMEOUT`], or [`PURGE`].
pub(crate) static TIMERS: Table<(u64, AccountId, Region, String, String, String), ()> =
    Table::new("lambda.durable-timers");
pub(crate) const TIMEOUT: &str = "";
pub(crate) const PURGE: &str = "~";

/// Functions to run, by when in milliseconds: for the execution itself (no id), or for one of its operations. A row stays
/// until the run's outcome is durable.
pub(crate) static WORK: Table<(u64, AccountId, Region, String, String, String), WorkRecord> =
    Table::new("lambda.durable-work");

/// Functions that were deleted, with when: their executions go too.
pub(crate) static GONE: Table<(AccountId, Region, String), u64> = Table::new("lambda.durable-gone");

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// `DurableConfig` of a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DurableConfig {
    pub(crate) timeout_s: u32,
    pub(crate) retention_days: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    Running,
    Pausing,
    Paused,
    Succeeded,
    Failed,
    TimedOut,
    Stopped,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ExecutionRecord {
    pub(crate) id: String,
    /// The function's version, `$LATEST` or a number.
    pub(crate) version: String,
    pub(crate) status: Status,
    /// It has ended and is to go, with all that belongs to it.
    pub(crate) deleting: bool,
    pub(crate) started_ms: i64,
    pub(crate) ended_ms: Option<i64>,
    pub(crate) config: DurableConfig,
    /// Pauses move it.
    pub(crate) times_out_ms: i64,
    /// Of the input, hexadecimal: a name stands for one input.
    pub(crate) input_sha256: String,
    pub(crate) trace: String,
    /// The operation of another execution that waits for this one.
    pub(crate) parent: Option<Parent>,
    /// The event that began it, of which it is told when it failed.
    pub(crate) event: Option<EventOf>,
    /// What the next checkpoint has to show; `None` when there can be none.
    pub(crate) token: Option<String>,
    /// The last checkpoint's answer, for the client that did not hear it.
    pub(crate) last: Option<Answered>,
    /// Operations there are.
    pub(crate) operations: u32,
    /// Operations and retries, as they count.
    pub(crate) counted: u32,
    /// Payloads written.
    pub(crate) bytes: u64,
    /// Events there are.
    pub(crate) events: u32,
    /// Counts changes of operations.
    pub(crate) change: u64,
    /// Changes that the function knows.
    pub(crate) delivered: u64,
    /// Where its row in [`WORK`] is, while the function runs or has to.
    pub(crate) work_ms: Option<u64>,
    pub(crate) invocation: Option<InvocationRecord>,
    /// Invocations that broke, one after the other.
    pub(crate) failures: u32,
    /// The last checkpoint was answered without a token: what the invocation says no longer counts.
    pub(crate) withheld: bool,
    /// The function is to be run once more: when its invocation or the pause is over. What a checkpoint tells meanwhile does
    /// not change that: the branch that waits for it may be asleep already.
    pub(crate) woken: bool,
    pub(crate) pause: Option<PauseRecord>,
    /// Requests that pause and resume, for clients that did not hear the answer.
    pub(crate) requests: Vec<RequestRecord>,
}

impl Record for ExecutionRecord {
    const VERSION: u32 = 2;

    /// Of version 1: DELETING was a status, and what the function had not heard of was told by counting.
    fn migrate(version: u32, bytes: &[u8]) -> Result<Self, RecordError> {
        if version != 1 {
            return Err(RecordError(format!("nothing migrates schema version {version}")));
        }
        let mut old: Map<String, Value> = serde_json::from_slice(bytes).map_err(RecordError::of)?;
        let deleting = old["status"] == "Deleting";
        if deleting {
            old.insert("status".into(), "Stopped".into());
        }
        let news = old["change"].as_u64() > old["delivered"].as_u64();
        let woken = news || old.remove("deferred") == Some(Value::Bool(true));
        old.extend([("deleting".into(), deleting.into()), ("woken".into(), woken.into())]);
        if let Some(Value::Object(invocation)) = old.get_mut("invocation") {
            // Nobody knows what it heard: it is told of everything.
            invocation.insert("known".into(), 0.into());
        }
        serde_json::from_value(old.into()).map_err(RecordError::of)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EventOf {
    pub(crate) request_id: String,
    /// As the function was called.
    pub(crate) qualifier: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parent {
    pub(crate) account: u64,
    pub(crate) region: String,
    pub(crate) function: String,
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) operation: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answered {
    pub(crate) client_token: String,
    /// Of the updates, hexadecimal.
    pub(crate) sha256: String,
    pub(crate) at_ms: i64,
    pub(crate) token: Option<String>,
    /// The answer told of the changes after this one.
    pub(crate) since: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InvocationRecord {
    pub(crate) request_id: String,
    pub(crate) began_ms: i64,
    /// Changes that the function knew before, to be told again if it does not come to run.
    pub(crate) known: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PauseRecord {
    pub(crate) requested_ms: i64,
    /// When it came to rest, and when it would have timed out.
    pub(crate) paused_ms: Option<i64>,
    pub(crate) would_time_out_ms: i64,
    pub(crate) reason: Option<String>,
    pub(crate) timeout_paused: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RequestRecord {
    pub(crate) client_token: String,
    pub(crate) sha256: String,
    pub(crate) at_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Execution,
    Context,
    Step,
    Wait,
    Callback,
    ChainedInvoke,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OperationStatus {
    Started,
    Pending,
    Ready,
    Succeeded,
    Failed,
    Cancelled,
    TimedOut,
    Stopped,
}

/// An operation. Which of the fields it has goes by its kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OperationRecord {
    pub(crate) sequence: u32,
    pub(crate) id: String,
    pub(crate) parent: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) sub_type: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) status: OperationStatus,
    pub(crate) started_ms: i64,
    pub(crate) ended_ms: Option<i64>,
    /// The execution's change that this was the last time.
    pub(crate) change: u64,
    pub(crate) result: Option<String>,
    pub(crate) error: Option<Failure>,
    /// A step's attempts that ended.
    pub(crate) attempt: u32,
    /// The end of a wait, the next attempt of a step, the timeout of a callback.
    pub(crate) due_ms: Option<i64>,
    /// How long that is from the beginning, in seconds.
    pub(crate) span_s: Option<u32>,
    pub(crate) heartbeat_s: Option<u32>,
    pub(crate) heartbeat_due_ms: Option<i64>,
    pub(crate) callback_id: Option<String>,
    pub(crate) replay_children: bool,
    pub(crate) chained: Option<ChainedRecord>,
}

impl Record for OperationRecord {}

/// The function that an operation runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChainedRecord {
    pub(crate) function: String,
    pub(crate) trace: Option<String>,
    /// Kept until it is needed no more.
    pub(crate) input: Option<String>,
    /// The history tells that it began.
    pub(crate) begun: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Brief {
    pub(crate) sequence: u32,
    pub(crate) parent: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) status: OperationStatus,
    pub(crate) change: u64,
    pub(crate) replay_children: bool,
}

impl Record for Brief {}

/// `ErrorObject`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) message: Option<String>,
    pub(crate) kind: Option<String>,
    pub(crate) data: Option<String>,
    pub(crate) stack: Option<Vec<String>>,
}

/// What came of an execution.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) result: Option<String>,
    pub(crate) error: Option<Failure>,
}

/// An event of the history. What began an execution and what it ended with is in [`DATA`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EventRecord {
    pub(crate) at_ms: i64,
    pub(crate) what: What,
    pub(crate) operation: Option<Subject>,
    pub(crate) payload: Option<String>,
    pub(crate) error: Option<Failure>,
}

impl Record for EventRecord {}

/// The operation that an event is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subject {
    pub(crate) id: String,
    pub(crate) parent: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) sub_type: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    ExecutionStarted { timeout_s: u32 },
    ExecutionSucceeded,
    ExecutionFailed,
    ExecutionTimedOut,
    ExecutionStopped,
    ExecutionPaused { requested_ms: i64, timeout_paused: bool },
    ExecutionResumed { requested_ms: i64 },
    InvocationCompleted { began_ms: i64, request_id: String },
    ContextStarted,
    ContextSucceeded,
    ContextFailed,
    StepStarted,
    StepSucceeded { attempt: u32, delay_s: Option<u32> },
    StepFailed { attempt: u32, delay_s: Option<u32> },
    WaitStarted { span_s: u32, until_ms: i64 },
    WaitSucceeded { span_s: u32 },
    WaitCancelled,
    CallbackStarted { id: String, timeout_s: Option<u32>, heartbeat_s: Option<u32> },
    CallbackSucceeded,
    CallbackFailed,
    CallbackTimedOut,
    ChainedInvokeStarted { function: String, version: Option<String>, execution: Option<String> },
    ChainedInvokeSucceeded,
    ChainedInvokeFailed,
    ChainedInvokeTimedOut,
    ChainedInvokeStopped,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WorkRecord {
    /// The id of the execution: its name may be another one's by now. Empty where it was not yet noted.
    #[serde(default)]
    pub(crate) execution: String,
    /// How often it could not be started.
    pub(crate) refusals: u32,
}

impl Record for WorkRecord {}

impl Status {
    pub(crate) fn is_open(self) -> bool {
        matches!(self, Status::Running | Status::Pausing | Status::Paused)
    }
}

impl ExecutionRecord {
    /// When it has been kept for long enough, once it has ended.
    pub(crate) fn kept_until_ms(&self) -> Option<i64> {
        let kept = i64::from(self.config.retention_days) * DAY_MS;
        self.ended_ms.map(|ended| ended.saturating_add(kept))
    }
}

impl OperationStatus {
    pub(crate) fn is_open(self) -> bool {
        matches!(self, OperationStatus::Started | OperationStatus::Pending | OperationStatus::Ready)
    }
}

impl OperationRecord {
    pub(crate) fn brief(&self) -> Brief {
        Brief {
            sequence: self.sequence,
            parent: self.parent.clone(),
            kind: self.kind,
            status: self.status,
            change: self.change,
            replay_children: self.replay_children,
        }
    }

    pub(crate) fn subject(&self) -> Subject {
        Subject {
            id: self.id.clone(),
            parent: self.parent.clone(),
            name: self.name.clone(),
            sub_type: self.sub_type.clone(),
        }
    }
}

impl WorkRecord {
    pub(crate) fn is_of(&self, execution: &str) -> bool {
        self.execution == execution || self.execution.is_empty()
    }
}

impl Outcome {
    /// In bytes.
    pub(crate) fn len(&self) -> usize {
        self.result.as_ref().map_or(0, String::len) + self.error.as_ref().map_or(0, Failure::len)
    }
}

impl Failure {
    pub(crate) fn new(kind: &str, message: impl Into<String>) -> Failure {
        Failure { message: Some(message.into()), kind: Some(kind.to_owned()), ..Failure::default() }
    }

    /// With no more text than this, in bytes: errors are as long as functions make them.
    pub(crate) fn cut(mut self, max: usize) -> Failure {
        let mut left = max;
        for text in [&mut self.kind, &mut self.message, &mut self.data].into_iter().flatten() {
            text.truncate(text.floor_char_boundary(left));
            left -= text.len();
        }
        if let Some(stack) = &mut self.stack {
            let fits = stack.iter().scan(left, |left, line| {
                *left = left.checked_sub(line.len() + 1)?;
                Some(())
            });
            let fits = fits.count();
            stack.truncate(fits);
        }
        self
    }

    /// Of all its texts, in bytes.
    pub(crate) fn len(&self) -> usize {
        let texts = [&self.message, &self.kind, &self.data];
        let stack = self.stack.iter().flatten().map(String::len).sum::<usize>();
        stack + texts.into_iter().flatten().map(String::len).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executions_of_the_first_version() {
        let stored = |status: &str, delivered: u64, deferred: bool, invocation: &str| {
            format!(
                r#"{{"id":"i","version":"1","status":"{status}","started_ms":0,"ended_ms":null,
                "config":{{"timeout_s":5000,"retention_days":14}},"times_out_ms":5000000,"input_sha256":"","trace":"",
                "parent":null,"event":null,"token":null,"last":null,"operations":0,"counted":0,"bytes":0,"events":0,
                "change":3,"delivered":{delivered},"work_ms":7,"invocation":{invocation},"failures":0,"withheld":false,
                "deferred":{deferred},"pause":null,"requests":[]}}"#
            )
        };
        let invocation = r#"{"request_id":"r","began_ms":1}"#;
        for (stored, status, deleting, woken, known) in [
            (stored("Running", 3, false, "null"), Status::Running, false, false, None),
            (stored("Running", 2, false, invocation), Status::Running, false, true, Some(0)),
            (stored("Paused", 3, true, "null"), Status::Paused, false, true, None),
            (stored("Deleting", 3, false, "null"), Status::Stopped, true, false, None),
        ] {
            let read = ExecutionRecord::migrate(1, stored.as_bytes()).unwrap();
            let known_of = read.invocation.map(|invocation| invocation.known);
            assert_eq!((read.status, read.deleting, read.woken, known_of), (status, deleting, woken, known));
        }
        assert!(ExecutionRecord::migrate(3, b"{}").is_err());
        assert!(WorkRecord::decode(br#"{"refusals":1}"#).unwrap().is_of("any"));
    }
}
