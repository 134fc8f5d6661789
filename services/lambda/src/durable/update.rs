//! What a checkpoint asks for, as far as it can be judged without the state.

use std::collections::HashMap;

use haneul_kit::Result;
use haneul_lambda_wire::shapes as s;
use serde::Serialize;

use super::{OPERATIONS_MAX, PAYLOAD_MAX, TIMEOUT_MAX_S};
use crate::error;
use crate::invoke::PAYLOAD_MAX as RESULT_MAX;
use crate::model::durable::{Failure, Kind};

/// Seconds of a callback's timeouts. Source: API Reference, CallbackOptions.
const CALLBACK_MAX_S: i32 = 99_999_999;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Action {
    Start,
    Succeed,
    Fail,
    Retry,
    Cancel,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Update {
    pub(crate) id: String,
    pub(crate) parent: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) sub_type: Option<String>,
    pub(crate) kind: Kind,
    pub(crate) action: Action,
    pub(crate) payload: Option<String>,
    pub(crate) error: Option<Failure>,
    pub(crate) replay_children: bool,
    /// The delay of a retry, the length of a wait, the timeout of a callback; in seconds.
    pub(crate) span_s: Option<u32>,
    pub(crate) heartbeat_s: Option<u32>,
    pub(crate) function: Option<String>,
    pub(crate) trace: Option<String>,
}

impl Update {
    /// # Errors
    /// InvalidParameterValueException for what no state allows.
    pub(crate) fn read(given: s::OperationUpdate) -> Result<Update> {
        let kind = kind(&given.r#type)?;
        let action = action(&given.action)?;
        let seconds = |given: Option<i32>, min: i32, max: i32, what: &str| match given {
            Some(given) if (min..=max).contains(&given) => Ok(Some(given.unsigned_abs())),
            Some(_) => Err(error::parameter(format!("{what} must be between {min} and {max}."))),
            None => Ok(None),
        };
        let max_s = i32::try_from(TIMEOUT_MAX_S).unwrap_or(i32::MAX);
        let some = |seconds: Option<u32>| seconds.filter(|seconds| *seconds > 0);
        let retry = given.step_options.and_then(|options| options.next_attempt_delay_seconds);
        let retry = seconds(retry, 1, max_s, "NextAttemptDelaySeconds")?;
        let wait = given.wait_options.and_then(|options| options.wait_seconds);
        let wait = seconds(wait, 1, max_s, "WaitSeconds")?;
        let callback = given.callback_options.unwrap_or_default();
        let timeout = some(seconds(callback.timeout_seconds, 0, CALLBACK_MAX_S, "TimeoutSeconds")?);
        let heartbeat = callback.heartbeat_timeout_seconds;
        let heartbeat_s = some(seconds(heartbeat, 0, CALLBACK_MAX_S, "HeartbeatTimeoutSeconds")?);
        let (function, tenant, trace) = match given.chained_invoke_options {
            Some(options) => (Some(options.function_name), options.tenant_id, options.x_amzn_trace_id),
            None => (None, None, None),
        };
        if tenant.is_some() {
            return Err(error::unsupported("TenantId"));
        }
        let update = Update {
            id: given.id,
            parent: given.parent_id,
            name: given.name,
            sub_type: given.sub_type,
            kind,
            action,
            payload: given.payload,
            error: given.error.map(failure),
            replay_children: given.context_options.and_then(|options| options.replay_children) == Some(true),
            span_s: match kind {
                Kind::Step => retry,
                Kind::Wait => wait,
                Kind::Callback => timeout,
                _ => None,
            },
            heartbeat_s,
            function,
            trace,
        };
        update.check()?;
        Ok(update)
    }

    fn check(&self) -> Result<()> {
        let max = if self.kind == Kind::Execution { RESULT_MAX } else { PAYLOAD_MAX };
        if self.payload.as_ref().is_some_and(|payload| payload.len() > max) {
            return Err(error::parameter(format!("Payload size must be less than or equal to {max} bytes.")));
        }
        if self.error.as_ref().is_some_and(|error| error.len() > PAYLOAD_MAX) {
            return Err(error::parameter(format!(
                "Error object size must be less than {PAYLOAD_MAX} bytes."
            )));
        }
        let known = match self.kind {
            Kind::Execution => matches!(self.action, Action::Succeed | Action::Fail),
            Kind::Context => matches!(self.action, Action::Start | Action::Succeed | Action::Fail),
            Kind::Step => self.action != Action::Cancel,
            Kind::Wait => matches!(self.action, Action::Start | Action::Cancel),
            Kind::Callback | Kind::ChainedInvoke => self.action == Action::Start,
        };
        let (payload, error) = (self.payload.is_some(), self.error.is_some());
        let wrong = match self.action {
            _ if !known => Some("Invalid action for the given operation type."),
            Action::Fail if payload => Some("Cannot provide a Payload for FAIL action."),
            Action::Succeed if error => Some("Cannot provide an Error for SUCCEED action."),
            Action::Retry if payload && error => {
                Some("Cannot provide both error and payload to RETRY a STEP.")
            }
            Action::Retry if self.span_s.is_none() => Some("Invalid StepOptions for the given action."),
            Action::Start if self.kind == Kind::Wait && self.span_s.is_none() => {
                Some("Invalid WaitOptions for the given action.")
            }
            Action::Start if self.kind == Kind::ChainedInvoke && self.function.is_none() => {
                Some("Invalid ChainedInvokeOptions for the given action.")
            }
            _ => None,
        };
        wrong.map_or(Ok(()), |wrong| Err(error::parameter(wrong)))
    }

    /// Of what it writes, in bytes.
    pub(crate) fn len(&self) -> usize {
        self.payload.as_ref().map_or(0, String::len) + self.error.as_ref().map_or(0, Failure::len)
    }
}

/// What the updates of one checkpoint have to be to one another.
pub(crate) fn check_all(updates: &[Update]) -> Result<()> {
    if updates.len() > 2 * OPERATIONS_MAX as usize {
        return Err(error::parameter("Too many updates in a single request."));
    }
    let ends = updates.iter().filter(|update| update.kind == Kind::Execution).count();
    if ends > 1 {
        return Err(error::parameter("Cannot checkpoint multiple EXECUTION updates."));
    }
    if ends == 1 && updates.last().is_some_and(|update| update.kind != Kind::Execution) {
        return Err(error::parameter("EXECUTION checkpoint must be the last update."));
    }
    let mut seen: HashMap<&str, (Kind, Action, u32)> = HashMap::new();
    for update in updates {
        let Some((kind, action, times)) = seen.get_mut(update.id.as_str()) else {
            seen.insert(&update.id, (update.kind, update.action, 1));
            continue;
        };
        // What began may be closed at once.
        let closed = matches!(kind, Kind::Step | Kind::Context)
            && *kind == update.kind
            && *times == 1
            && *action == Action::Start
            && update.action != Action::Start;
        if !closed {
            return Err(error::parameter("Cannot update the same operation twice in a single request."));
        }
        *times += 1;
    }
    Ok(())
}

fn kind(given: &str) -> Result<Kind> {
    Ok(match given {
        "EXECUTION" => Kind::Execution,
        "CONTEXT" => Kind::Context,
        "STEP" => Kind::Step,
        "WAIT" => Kind::Wait,
        "CALLBACK" => Kind::Callback,
        "CHAINED_INVOKE" => Kind::ChainedInvoke,
        _ => return Err(error::parameter("Invalid operation type.")),
    })
}

fn action(given: &str) -> Result<Action> {
    Ok(match given {
        "START" => Action::Start,
        "SUCCEED" => Action::Succeed,
        "FAIL" => Action::Fail,
        "RETRY" => Action::Retry,
        "CANCEL" => Action::Cancel,
        _ => return Err(error::parameter("Invalid operation action.")),
    })
}

pub(crate) fn failure(given: s::ErrorObject) -> Failure {
    Failure {
        message: given.error_message,
        kind: given.error_type,
        data: given.error_data,
        stack: given.stack_trace,
    }
}
