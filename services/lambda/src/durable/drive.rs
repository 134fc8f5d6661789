//! Invocations of durable functions: what they are given, and what becomes of what they say.

use haneul_kit::{ApiError, Result};
use haneul_lambda_wire::values::error as code;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::advance::Said;
use super::names::ExecutionName;
use super::state::{PAGE_MAX, Place, seen};
use super::wait::End;
use super::{PAYLOAD_MAX, render, start};
use crate::invoke::Call;
use crate::model::durable::{ExecutionRecord, Failure, Outcome, Status};
use crate::names::Named;
use crate::store::durable::{Changed, DueRow};
use crate::{Lambda, error, metrics};

impl Lambda {
    /// Goes on with an execution whose function is to run.
    pub(crate) async fn drive(&self, row: &DueRow, id: &str) -> Result<()> {
        let name = ExecutionName::of(row.1, row.2, row.3.clone(), row.4.clone());
        let env = &self.platform.env;
        let (request_id, token) = (env.rng.uuid(), self.checkpoint_token());
        let at = env.now().millis();
        let began = self.records.begin_invocation(&name, row, id, &token, &request_id, at).await?;
        let Some(record) = began else { return Ok(()) };
        let said = self.invocation(&name, &record, &request_id).await?;
        let at = env.now().millis();
        let changed = self.records.end_invocation(&name, &request_id, &said, at).await?;
        if let Some(changed) = changed {
            self.changed_execution(&name, &changed);
        }
        Ok(())
    }

    /// Opaque: it is only compared.
    pub(crate) fn checkpoint_token(&self) -> String {
        crate::invoke::destinations::base64(&self.platform.env.rng.bytes::<33>())
    }

    /// What has to follow a change: who waits is told, and who has work.
    pub(crate) fn changed_execution<T>(&self, name: &ExecutionName, changed: &Changed<T>) {
        self.wake.durable.wake();
        let Some(outcome) = &changed.ended else { return };
        let record = &changed.record;
        let end = || End { id: record.id.clone(), status: record.status, outcome: outcome.clone() };
        self.waiters.tell(name, end);
        self.wake.events.wake();
        let metric = match record.status {
            Status::Succeeded => metrics::EXECUTIONS_SUCCEEDED,
            Status::TimedOut => metrics::EXECUTIONS_TIMED_OUT,
            Status::Stopped => metrics::EXECUTIONS_STOPPED,
            _ => metrics::EXECUTIONS_FAILED,
        };
        let took = record.ended_ms.unwrap_or(record.started_ms).saturating_sub(record.started_ms);
        let version = Some(record.version.as_str());
        self.sample(metric, &name.function, version, 1.0);
        self.sample(metrics::EXECUTION_DURATION, &name.function, version, took as f64);
        self.sample(metrics::EXECUTION_OPERATIONS, &name.function, version, f64::from(record.counted));
        self.sample(metrics::EXECUTION_BYTES, &name.function, version, record.bytes as f64);
    }

    /// Runs the function once.
    async fn invocation(
        &self,
        name: &ExecutionName,
        record: &ExecutionRecord,
        request_id: &str,
    ) -> Result<Said> {
        let named = Named { function: name.function.clone(), qualifier: Some(record.version.clone()) };
        let target = match self.target(&named).await {
            Ok(target) => target,
            Err(refused) if refused.fault() == haneul_kit::Fault::Client => {
                return Ok(Said::Impossible(Failure::new(refused.code(), refused.message())));
            }
            Err(failed) => return Err(failed),
        };
        let all = seen(self.records.briefs(name).await?);
        let place = Place { whole: true, ..Place::default() };
        let page = self.page_of_state(name, record, place, PAGE_MAX, &all).await?;
        let input = page.input.unwrap_or_default();
        let first = render::First { id: &record.id, started_ms: record.started_ms, input: &input };
        let mut operations = vec![first.json()];
        operations.extend(page.operations.iter().map(render::operation_json));
        let known = record.invocation.as_ref().map_or(0, |invocation| invocation.known);
        let updated: Vec<&str> = all
            .iter()
            .filter(|seen| seen.brief.change > known && !seen.hidden)
            .map(|seen| seen.id.as_str())
            .collect();
        let payload = json!({
            "DurableExecutionArn": name.arn(record).as_str(),
            "CheckpointToken": record.token,
            "InitialExecutionState": { "Operations": operations, "NextMarker": page.next.unwrap_or_default() },
            "UpdatedOperationIds": updated,
        });
        let call = Call {
            request_id: request_id.to_owned(),
            payload: payload.to_string().into_bytes().into(),
            trace: Some(record.trace.clone()),
            ..Call::default()
        };
        let ran = match self.run(target, call).await {
            Ok(ran) => ran,
            Err(refused) => {
                let never = [code::RESOURCE_NOT_FOUND_EXCEPTION, code::RECURSIVE_INVOCATION_EXCEPTION];
                if never.contains(&refused.code()) {
                    return Ok(Said::Impossible(Failure::new(refused.code(), refused.message())));
                }
                if !error::is_throttle(&refused) {
                    let execution = name.arn(record);
                    tracing::warn!(%execution, error = %refused, "a durable function could not be started");
                }
                return Ok(Said::Refused);
            }
        };
        let broke = ran.function_error.is_some();
        let answer = ran.whole().await?;
        Ok(if broke { Said::Broke(failure_of(&answer)) } else { read(&answer) })
    }
}

/// An error as functions tell it, as far as it is kept.
pub(crate) fn failure_of(answer: &[u8]) -> Failure {
    #[derive(Deserialize, Default)]
    #[serde(rename_all = "camelCase", default)]
    struct Told {
        error_message: Option<String>,
        error_type: Option<String>,
        stack_trace: Option<Vec<String>>,
    }
    match serde_json::from_slice::<Told>(answer) {
        Ok(told) => Failure {
            message: told.error_message,
            kind: told.error_type,
            data: None,
            stack: told.stack_trace,
        }
        .cut(PAYLOAD_MAX),
        Err(_) => Failure::new("Unhandled", String::from_utf8_lossy(&answer[..answer.len().min(1024)])),
    }
}

/// The answer of a durable function.
fn read(answer: &[u8]) -> Said {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        status: String,
        result: Option<String>,
        error: Option<ErrorObject>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct ErrorObject {
        error_message: Option<String>,
        error_type: Option<String>,
        error_data: Option<String>,
        stack_trace: Option<Vec<String>>,
    }
    let invalid = |said: &str| Said::Impossible(Failure::new("InvalidParameterValueException", said));
    let Ok(answer) = serde_json::from_slice::<Answer>(answer) else {
        return invalid("Invalid Status in invocation output.");
    };
    let error = answer.error.map(|error| Failure {
        message: error.error_message,
        kind: error.error_type,
        data: error.error_data,
        stack: error.stack_trace,
    });
    let error = error.map(|error| error.cut(PAYLOAD_MAX));
    match (answer.status.as_str(), answer.result, error) {
        ("SUCCEEDED", _, Some(_)) => invalid("Cannot provide an Error for SUCCEEDED status."),
        ("SUCCEEDED", result, None) => Said::Ended(Status::Succeeded, Outcome { result, error: None }),
        ("FAILED", Some(_), _) => invalid("Cannot provide a Result for FAILED status."),
        ("FAILED", None, error) => Said::Ended(Status::Failed, Outcome { result: None, error }),
        ("PENDING", None, None) => Said::Pending,
        ("PENDING", ..) => invalid("Cannot provide a Result or an Error for PENDING status."),
        _ => invalid("Invalid Status in invocation output."),
    }
}

/// Of what a request asks for, to know it again by its token: nothing where it has none.
pub(crate) fn fingerprint(client_token: Option<&str>, asked: &impl Serialize) -> Result<String> {
    match client_token {
        None => Ok(String::new()),
        Some(_) => Ok(start::sha256(&serde_json::to_vec(asked).map_err(ApiError::internal)?)),
    }
}
