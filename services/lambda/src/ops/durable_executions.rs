use haneul_kit::{Access, Cx, Handle, Instant, Result, paging};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;

use super::durable_checkpoint::{items, on_execution};
use crate::durable::names::{ExecutionArn, ExecutionName};
use crate::durable::{history, render};
use crate::model::durable::{ERROR, EventRecord, ExecutionRecord, INPUT, RESULT, Status, What};
use crate::names;
use crate::{Lambda, error};

/// Executions that one listing looks at for those that were asked for; then it gives a page, which may be empty.
const LOOKED_AT_MAX: usize = 10_000;
const LOOKED_AT: usize = 1000;

/// Events that are read at once: each may be large.
const EVENTS_READ: usize = 16;

/// Bytes of a page's payloads, about.
const PAGE_BYTES_MAX: usize = 5 * 1024 * 1024;

impl Handle<op::GetDurableExecution> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::GetDurableExecutionRequest) -> Result<Vec<Access>> {
        on_execution(cx, "lambda:GetDurableExecution", &input.durable_execution_arn)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetDurableExecutionRequest,
    ) -> Result<s::GetDurableExecutionResponse> {
        let arn = ExecutionArn::read(cx, &input.durable_execution_arn)?;
        let record = self.execution_of(&arn).await?;
        let (name, data) = (&arn.name, input.include_execution_data.unwrap_or(true));
        let time = Instant::from_millis;
        let result = record.status == Status::Succeeded && data;
        Ok(s::GetDurableExecutionResponse {
            durable_execution_arn: arn.arn().to_string(),
            durable_execution_name: name.name.clone(),
            function_arn: name.function.qualified(&record.version).to_string(),
            input_payload: if data { self.text(name, INPUT).await? } else { None },
            result: if result { self.text(name, RESULT).await? } else { None },
            error: if data { self.error_of(name).await? } else { None },
            start_timestamp: time(record.started_ms),
            status: record.shown().into(),
            end_timestamp: record.ended_ms.map(time),
            version: Some(record.version.clone()),
            trace_header: Some(s::TraceHeader { x_amzn_trace_id: Some(record.trace.clone()) }),
            execution_data_included: Some(data),
            durable_config: Some(render::config(&record.config)),
            pause_details: record.pause.as_ref().map(|pause| s::PauseDetails {
                pause_request_timestamp: time(pause.requested_ms),
                reason: pause.reason.clone().filter(|_| data),
                execution_timeout_paused: pause.timeout_paused,
            }),
            expected_execution_timeout_timestamp: record.status.is_open().then(|| time(record.times_out_ms)),
        })
    }
}

impl Handle<op::GetDurableExecutionHistory> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::GetDurableExecutionHistoryRequest) -> Result<Vec<Access>> {
        on_execution(cx, "lambda:GetDurableExecutionHistory", &input.durable_execution_arn)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetDurableExecutionHistoryRequest,
    ) -> Result<s::GetDurableExecutionHistoryResponse> {
        let arn = ExecutionArn::read(cx, &input.durable_execution_arn)?;
        self.execution_of(&arn).await?;
        let (name, data) = (&arn.name, input.include_execution_data.unwrap_or(true));
        let (reverse, limit) = (input.reverse_order == Some(true), items(input.max_items));
        let purpose = format!("lambda durable history {} {reverse}", arn.arn());
        let after: Option<u32> = match input.marker.as_deref().filter(|marker| !marker.is_empty()) {
            Some(marker) => Some(
                paging::position(&self.platform.seal, &purpose, marker)
                    .ok_or_else(|| error::parameter("Invalid marker."))?,
            ),
            None => None,
        };
        let (mut events, mut bytes, mut last) = (Vec::new(), 0, after);
        loop {
            let found = self.records.events_of(name, last, reverse, EVENTS_READ).await?;
            let length = found.len();
            for (number, mut event) in found {
                if events.len() >= limit || bytes >= PAGE_BYTES_MAX {
                    let next_marker = last.map(|last| paging::token(&self.platform.seal, &purpose, &last));
                    return Ok(s::GetDurableExecutionHistoryResponse { events, next_marker });
                }
                if data {
                    self.fill(name, &mut event).await?;
                    bytes += event.payload.as_ref().map_or(0, String::len);
                    bytes += event.error.as_ref().map_or(0, crate::model::durable::Failure::len);
                }
                events.push(history::event(number, event, data));
                last = Some(number);
            }
            if length < EVENTS_READ {
                return Ok(s::GetDurableExecutionHistoryResponse { events, next_marker: None });
            }
        }
    }
}

impl Handle<op::ListDurableExecutionsByFunction> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::ListDurableExecutionsByFunctionRequest,
    ) -> Result<Vec<Access>> {
        let qualifier = input.qualifier.as_deref();
        Ok(vec![
            self.on(cx, "lambda:ListDurableExecutionsByFunction", &input.function_name, qualifier).await?,
        ])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListDurableExecutionsByFunctionRequest,
    ) -> Result<s::ListDurableExecutionsByFunctionResponse> {
        let named = names::read(cx, &input.function_name, input.qualifier.as_deref())?;
        let target = self.target(&named).await?;
        let version = named.qualifier.is_some().then(|| target.version.version.clone());
        let function = &named.function;
        let (oldest_first, limit) = (input.reverse_order == Some(true), items(input.max_items));
        let gone = self.records.gone_at(function).await?;
        let wanted = |name: &str, record: &ExecutionRecord| {
            let started = record.started_ms;
            input.durable_execution_name.as_deref().is_none_or(|own| own == name)
                && version.as_deref().is_none_or(|version| version == record.version)
                && input
                    .statuses
                    .as_ref()
                    .is_none_or(|all| all.is_empty() || all.iter().any(|own| own == record.shown()))
                && input.started_after.is_none_or(|after| started > after.millis())
                && input.started_before.is_none_or(|before| started < before.millis())
                && gone.is_none_or(|gone| started.max(0).unsigned_abs() > gone)
        };
        let purpose = format!("lambda durable executions {} {oldest_first}", function.arn());
        let mut place: Option<(u64, String)> = match input.marker.as_deref().filter(|own| !own.is_empty()) {
            Some(marker) => Some(
                paging::position(&self.platform.seal, &purpose, marker)
                    .ok_or_else(|| error::parameter("Invalid marker."))?,
            ),
            None => None,
        };
        let (mut found, mut looked_at) = (Vec::new(), 0);
        loop {
            let page = self.records.executions_of(function, place.as_ref(), oldest_first, LOOKED_AT).await?;
            let length = page.len();
            for (started, own) in page {
                if found.len() >= limit || looked_at >= LOOKED_AT_MAX {
                    let next =
                        place.as_ref().map(|place| paging::token(&self.platform.seal, &purpose, place));
                    return Ok(listed(found, next));
                }
                looked_at += 1;
                let name = ExecutionName { function: function.clone(), name: own.clone() };
                let record = self.records.execution(&name).await?;
                place = Some((started, own));
                found.extend(
                    record.filter(|record| wanted(&name.name, record)).map(|record| show(&name, &record)),
                );
            }
            if length < LOOKED_AT {
                return Ok(listed(found, None));
            }
        }
    }
}

fn listed(
    found: Vec<s::Execution>,
    next_marker: Option<String>,
) -> s::ListDurableExecutionsByFunctionResponse {
    s::ListDurableExecutionsByFunctionResponse { durable_executions: Some(found), next_marker }
}

fn show(name: &ExecutionName, record: &ExecutionRecord) -> s::Execution {
    s::Execution {
        durable_execution_arn: name.arn(record).to_string(),
        durable_execution_name: name.name.clone(),
        function_arn: name.function.qualified(&record.version).to_string(),
        status: record.shown().into(),
        start_timestamp: Instant::from_millis(record.started_ms),
        end_timestamp: record.ended_ms.map(Instant::from_millis),
        kms_key_arn: None,
    }
}

impl Lambda {
    async fn text(&self, name: &ExecutionName, which: u8) -> Result<Option<String>> {
        let found = self.records.execution_data(name, which).await?;
        Ok(found.map(|found| String::from_utf8_lossy(&found).into_owned()))
    }

    async fn error_of(&self, name: &ExecutionName) -> Result<Option<s::ErrorObject>> {
        let found = self.records.execution_data(name, ERROR).await?;
        let found = found.and_then(|found| serde_json::from_slice(&found).ok());
        Ok(found.as_ref().map(render::error))
    }

    /// Adds what an event of the execution itself carries.
    async fn fill(&self, name: &ExecutionName, event: &mut EventRecord) -> Result<()> {
        event.payload = match event.what {
            What::ExecutionStarted { .. } => self.text(name, INPUT).await?,
            What::ExecutionSucceeded => self.text(name, RESULT).await?,
            _ => return Ok(()),
        };
        Ok(())
    }
}
