//! How events of the history look.

use haneul_kit::Instant;
use haneul_lambda_wire::shapes as s;

use super::render::error;
use crate::model::durable::{EventRecord, Failure, What};

/// An event; without `data` what it carried is left out, which is said.
pub(crate) fn event(number: u32, record: EventRecord, data: bool) -> s::Event {
    let (operation, at) = (record.operation, Instant::from_millis(record.at_ms));
    let carried = Carried { payload: record.payload, error: record.error, data };
    let mut shown = s::Event {
        event_type: Some(record.what.name().into()),
        event_id: i32::try_from(number).ok(),
        event_timestamp: Some(at),
        ..Default::default()
    };
    if let Some(operation) = operation {
        (shown.id, shown.parent_id) = (Some(operation.id), operation.parent);
        (shown.name, shown.sub_type) = (operation.name, operation.sub_type);
    }
    describe(&mut shown, record.what, carried);
    shown
}

/// What an event carries.
struct Carried {
    payload: Option<String>,
    error: Option<Failure>,
    data: bool,
}

impl Carried {
    fn omitted(&self, there: bool) -> Option<bool> {
        Some(there && !self.data)
    }

    fn input(self) -> s::EventInput {
        let truncated = self.omitted(self.payload.is_some());
        s::EventInput { payload: self.payload.filter(|_| self.data), truncated }
    }

    fn result(self) -> s::EventResult {
        let truncated = self.omitted(self.payload.is_some());
        s::EventResult { payload: self.payload.filter(|_| self.data), truncated }
    }

    fn error(self) -> s::EventError {
        let truncated = self.omitted(self.error.is_some());
        s::EventError { payload: self.error.as_ref().filter(|_| self.data).map(error), truncated }
    }

    /// Where there may be none.
    fn some_error(self) -> Option<s::EventError> {
        self.error.is_some().then(|| self.error())
    }
}

fn seconds(given: u32) -> i32 {
    i32::try_from(given).unwrap_or(i32::MAX)
}

fn retried(attempt: u32, delay_s: Option<u32>) -> s::RetryDetails {
    s::RetryDetails {
        current_attempt: Some(seconds(attempt)),
        next_attempt_delay_seconds: delay_s.map(seconds),
    }
}

fn describe(shown: &mut s::Event, what: What, carried: Carried) {
    let time = Instant::from_millis;
    match what {
        What::ExecutionStarted { timeout_s } => {
            let (input, execution_timeout) = (carried.input(), seconds(timeout_s));
            shown.execution_started_details = Some(s::ExecutionStartedDetails { input, execution_timeout });
        }
        What::ExecutionSucceeded => {
            let result = carried.result();
            shown.execution_succeeded_details = Some(s::ExecutionSucceededDetails { result });
        }
        What::ExecutionFailed => {
            shown.execution_failed_details = Some(s::ExecutionFailedDetails { error: carried.error() });
        }
        What::ExecutionTimedOut => {
            let error = carried.some_error();
            shown.execution_timed_out_details = Some(s::ExecutionTimedOutDetails { error });
        }
        What::ExecutionStopped => {
            shown.execution_stopped_details = Some(s::ExecutionStoppedDetails { error: carried.error() });
        }
        What::ExecutionPaused { requested_ms, timeout_paused } => {
            let truncated = carried.omitted(carried.payload.is_some());
            let payload = carried.payload.filter(|_| carried.data);
            shown.execution_paused_details = Some(s::ExecutionPausedDetails {
                pause_request_timestamp: time(requested_ms),
                reason: Some(s::EventPauseReason { payload, truncated }),
                execution_timeout_paused: timeout_paused,
            });
        }
        What::ExecutionResumed { requested_ms } => {
            let truncated = carried.omitted(carried.payload.is_some());
            let payload = carried.payload.filter(|_| carried.data);
            shown.execution_resumed_details = Some(s::ExecutionResumedDetails {
                resume_request_timestamp: time(requested_ms),
                reason: Some(s::EventResumeReason { payload, truncated }),
            });
        }
        What::InvocationCompleted { began_ms, request_id } => {
            shown.invocation_completed_details = Some(s::InvocationCompletedDetails {
                start_timestamp: time(began_ms),
                end_timestamp: shown.event_timestamp.unwrap_or_default(),
                request_id,
                error: carried.some_error(),
            });
        }
        What::ContextStarted => shown.context_started_details = Some(s::ContextStartedDetails {}),
        What::ContextSucceeded => {
            let result = carried.result();
            shown.context_succeeded_details = Some(s::ContextSucceededDetails { result });
        }
        What::ContextFailed => {
            shown.context_failed_details = Some(s::ContextFailedDetails { error: carried.error() });
        }
        What::StepStarted => shown.step_started_details = Some(s::StepStartedDetails {}),
        What::StepSucceeded { attempt, delay_s } => {
            let (result, retry_details) = (carried.result(), retried(attempt, delay_s));
            shown.step_succeeded_details = Some(s::StepSucceededDetails { result, retry_details });
        }
        What::StepFailed { attempt, delay_s } => {
            let (error, retry_details) = (carried.error(), retried(attempt, delay_s));
            shown.step_failed_details = Some(s::StepFailedDetails { error, retry_details });
        }
        What::WaitStarted { span_s, until_ms } => {
            let (duration, scheduled_end_timestamp) = (seconds(span_s), time(until_ms));
            shown.wait_started_details = Some(s::WaitStartedDetails { duration, scheduled_end_timestamp });
        }
        What::WaitSucceeded { span_s } => {
            let duration = Some(seconds(span_s));
            shown.wait_succeeded_details = Some(s::WaitSucceededDetails { duration });
        }
        What::WaitCancelled => {
            let error = carried.some_error();
            shown.wait_cancelled_details = Some(s::WaitCancelledDetails { error });
        }
        What::CallbackStarted { id, timeout_s, heartbeat_s } => {
            shown.callback_started_details = Some(s::CallbackStartedDetails {
                callback_id: id,
                heartbeat_timeout: heartbeat_s.map(seconds),
                timeout: timeout_s.map(seconds),
            });
        }
        What::CallbackSucceeded => {
            let result = carried.result();
            shown.callback_succeeded_details = Some(s::CallbackSucceededDetails { result });
        }
        What::CallbackFailed => {
            shown.callback_failed_details = Some(s::CallbackFailedDetails { error: carried.error() });
        }
        What::CallbackTimedOut => {
            shown.callback_timed_out_details = Some(s::CallbackTimedOutDetails { error: carried.error() });
        }
        What::ChainedInvokeStarted { function, version, execution } => {
            shown.chained_invoke_started_details = Some(s::ChainedInvokeStartedDetails {
                function_name: function,
                tenant_id: None,
                input: Some(carried.input()),
                executed_version: version,
                durable_execution_arn: execution,
            });
        }
        What::ChainedInvokeSucceeded => {
            let result = carried.result();
            shown.chained_invoke_succeeded_details = Some(s::ChainedInvokeSucceededDetails { result });
        }
        What::ChainedInvokeFailed => {
            let error = carried.error();
            shown.chained_invoke_failed_details = Some(s::ChainedInvokeFailedDetails { error });
        }
        What::ChainedInvokeTimedOut => {
            let error = carried.error();
            shown.chained_invoke_timed_out_details = Some(s::ChainedInvokeTimedOutDetails { error });
        }
        What::ChainedInvokeStopped => {
            let error = carried.error();
            shown.chained_invoke_stopped_details = Some(s::ChainedInvokeStoppedDetails { error });
        }
    }
}

impl What {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            What::ExecutionStarted { .. } => "ExecutionStarted",
            What::ExecutionSucceeded => "ExecutionSucceeded",
            What::ExecutionFailed => "ExecutionFailed",
            What::ExecutionTimedOut => "ExecutionTimedOut",
            What::ExecutionStopped => "ExecutionStopped",
            What::ExecutionPaused { .. } => "ExecutionPaused",
            What::ExecutionResumed { .. } => "ExecutionResumed",
            What::InvocationCompleted { .. } => "InvocationCompleted",
            What::ContextStarted => "ContextStarted",
            What::ContextSucceeded => "ContextSucceeded",
            What::ContextFailed => "ContextFailed",
            What::StepStarted => "StepStarted",
            What::StepSucceeded { .. } => "StepSucceeded",
            What::StepFailed { .. } => "StepFailed",
            What::WaitStarted { .. } => "WaitStarted",
            What::WaitSucceeded { .. } => "WaitSucceeded",
            What::WaitCancelled => "WaitCancelled",
            What::CallbackStarted { .. } => "CallbackStarted",
            What::CallbackSucceeded => "CallbackSucceeded",
            What::CallbackFailed => "CallbackFailed",
            What::CallbackTimedOut => "CallbackTimedOut",
            What::ChainedInvokeStarted { .. } => "ChainedInvokeStarted",
            What::ChainedInvokeSucceeded => "ChainedInvokeSucceeded",
            What::ChainedInvokeFailed => "ChainedInvokeFailed",
            What::ChainedInvokeTimedOut => "ChainedInvokeTimedOut",
            What::ChainedInvokeStopped => "ChainedInvokeStopped",
        }
    }
}
