//! How executions and operations look: to clients by shapes, to the function as JSON, whose times are milliseconds.

use haneul_kit::Instant;
use haneul_lambda_wire::shapes as s;
use serde_json::{Map, Value, json};

use crate::model::durable::{
    DurableConfig, ExecutionRecord, Failure, Kind, OperationRecord, OperationStatus, Status,
};

impl Status {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Status::Running => "RUNNING",
            Status::Pausing => "PAUSING",
            Status::Paused => "PAUSED",
            Status::Succeeded => "SUCCEEDED",
            Status::Failed => "FAILED",
            Status::TimedOut => "TIMED_OUT",
            Status::Stopped => "STOPPED",
        }
    }
}

impl ExecutionRecord {
    /// Its status for clients.
    pub(crate) fn shown(&self) -> &'static str {
        if self.deleting { "DELETING" } else { self.status.name() }
    }
}

impl OperationStatus {
    pub(crate) fn name(self) -> &'static str {
        match self {
            OperationStatus::Started => "STARTED",
            OperationStatus::Pending => "PENDING",
            OperationStatus::Ready => "READY",
            OperationStatus::Succeeded => "SUCCEEDED",
            OperationStatus::Failed => "FAILED",
            OperationStatus::Cancelled => "CANCELLED",
            OperationStatus::TimedOut => "TIMED_OUT",
            OperationStatus::Stopped => "STOPPED",
        }
    }
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Execution => "EXECUTION",
            Kind::Context => "CONTEXT",
            Kind::Step => "STEP",
            Kind::Wait => "WAIT",
            Kind::Callback => "CALLBACK",
            Kind::ChainedInvoke => "CHAINED_INVOKE",
        }
    }
}

pub(crate) fn config(config: &DurableConfig) -> s::DurableConfig {
    s::DurableConfig {
        kms_key_arn: None,
        retention_period_in_days: i32::try_from(config.retention_days).ok(),
        execution_timeout: i32::try_from(config.timeout_s).ok(),
    }
}

pub(crate) fn error(failure: &Failure) -> s::ErrorObject {
    s::ErrorObject {
        error_message: failure.message.clone(),
        error_type: failure.kind.clone(),
        error_data: failure.data.clone(),
        stack_trace: failure.stack.clone(),
    }
}

/// The execution itself as the first of its operations.
pub(crate) struct First<'a> {
    pub(crate) id: &'a str,
    pub(crate) started_ms: i64,
    pub(crate) input: &'a str,
}

impl First<'_> {
    pub(crate) fn shape(&self) -> s::Operation {
        s::Operation {
            id: self.id.to_owned(),
            r#type: Kind::Execution.name().into(),
            status: OperationStatus::Started.name().into(),
            start_timestamp: Instant::from_millis(self.started_ms),
            execution_details: Some(s::ExecutionDetails { input_payload: Some(self.input.to_owned()) }),
            ..Default::default()
        }
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "Id": self.id,
            "Type": Kind::Execution.name(),
            "Status": OperationStatus::Started.name(),
            "StartTimestamp": self.started_ms,
            "ExecutionDetails": { "InputPayload": self.input },
        })
    }
}

pub(crate) fn operation(record: &OperationRecord) -> s::Operation {
    let time = |at: Option<i64>| at.map(Instant::from_millis);
    let (result, failure) = (record.result.clone(), record.error.as_ref().map(error));
    let mut shown = s::Operation {
        id: record.id.clone(),
        parent_id: record.parent.clone(),
        name: record.name.clone(),
        r#type: record.kind.name().into(),
        sub_type: record.sub_type.clone(),
        start_timestamp: Instant::from_millis(record.started_ms),
        end_timestamp: time(record.ended_ms),
        status: record.status.name().into(),
        ..Default::default()
    };
    match record.kind {
        Kind::Execution => {}
        Kind::Context => {
            shown.context_details = Some(s::ContextDetails {
                replay_children: Some(record.replay_children),
                result,
                error: failure,
            });
        }
        Kind::Step => {
            shown.step_details = Some(s::StepDetails {
                attempt: i32::try_from(record.attempt).ok(),
                next_attempt_timestamp: time(record.due_ms),
                result,
                error: failure,
            });
        }
        Kind::Wait => {
            shown.wait_details = Some(s::WaitDetails { scheduled_end_timestamp: time(record.due_ms) });
        }
        Kind::Callback => {
            shown.callback_details =
                Some(s::CallbackDetails { callback_id: record.callback_id.clone(), result, error: failure });
        }
        Kind::ChainedInvoke => {
            shown.chained_invoke_details = Some(s::ChainedInvokeDetails { result, error: failure });
        }
    }
    shown
}

/// What an operation takes in an answer, about.
pub(crate) fn size(record: &OperationRecord) -> usize {
    let texts = record.result.as_ref().map_or(0, String::len) + record.error.as_ref().map_or(0, Failure::len);
    texts + 512
}

pub(crate) fn operation_json(record: &OperationRecord) -> Value {
    let mut shown = Fields::default();
    shown.put("Id", Some(record.id.as_str()));
    shown.put("ParentId", record.parent.as_deref());
    shown.put("Name", record.name.as_deref());
    shown.put("Type", Some(record.kind.name()));
    shown.put("SubType", record.sub_type.as_deref());
    shown.put("StartTimestamp", Some(record.started_ms));
    shown.put("EndTimestamp", record.ended_ms);
    shown.put("Status", Some(record.status.name()));
    let mut details = Fields::default();
    let named = match record.kind {
        Kind::Execution => None,
        Kind::Context => {
            details.put("ReplayChildren", Some(record.replay_children));
            Some("ContextDetails")
        }
        Kind::Step => {
            details.put("Attempt", Some(record.attempt));
            details.put("NextAttemptTimestamp", record.due_ms);
            Some("StepDetails")
        }
        Kind::Wait => {
            details.put("ScheduledEndTimestamp", record.due_ms);
            Some("WaitDetails")
        }
        Kind::Callback => {
            details.put("CallbackId", record.callback_id.as_deref());
            Some("CallbackDetails")
        }
        Kind::ChainedInvoke => Some("ChainedInvokeDetails"),
    };
    if record.kind != Kind::Wait {
        details.put("Result", record.result.as_deref());
        details.put("Error", record.error.as_ref().map(error_json));
    }
    shown.put(named.unwrap_or_default(), named.map(|_| Value::Object(details.0)));
    Value::Object(shown.0)
}

pub(crate) fn error_json(failure: &Failure) -> Value {
    let mut shown = Fields::default();
    shown.put("ErrorMessage", failure.message.as_deref());
    shown.put("ErrorType", failure.kind.as_deref());
    shown.put("ErrorData", failure.data.as_deref());
    shown.put("StackTrace", failure.stack.clone());
    Value::Object(shown.0)
}

/// Members that are there.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, name: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), value.into());
        }
    }
}
