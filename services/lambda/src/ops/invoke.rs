use std::collections::VecDeque;

use futures_util::stream;
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;
use haneul_shape::EventStream;

use crate::durable::start::{Start, check_qualified};
use crate::exec::Piece;
use crate::invoke::{Body, Call, EVENT_MAX, PAYLOAD_MAX, Pieces, Target, check_payload, trace};
use crate::names::{self, Named};
use crate::{Lambda, error};

/// Base64 of what a client says of itself. Source: API Reference, Invoke.
const CLIENT_CONTEXT_MAX: usize = 3583;

/// Source: API Reference, Invoke, DurableExecutionName.
const EXECUTION_NAME_MAX: usize = 64;

/// InvokeAsync takes less than Invoke.
const ASYNC_MAX: usize = 262_144;

impl Handle<op::Invoke> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::InvocationRequest) -> Result<Vec<Access>> {
        Ok(vec![
            self.on(cx, "lambda:InvokeFunction", &input.function_name, input.qualifier.as_deref()).await?,
        ])
    }

    async fn call(&self, cx: &Cx, input: s::InvocationRequest) -> Result<s::InvocationResponse> {
        let named = names::read(cx, &input.function_name, input.qualifier.as_deref())?;
        if input.tenant_id.is_some() {
            return Err(error::parameter(
                "The function is not configured with tenancy configuration. Remove the tenant id.",
            ));
        }
        let target = self.invocable(self.target(&named).await?).await?;
        let durable = input.durable_execution_name;
        check_durable(&target, durable.as_deref())?;
        let payload = input.payload.unwrap_or_default();
        let answer =
            |status_code| s::InvocationResponse { status_code: Some(status_code), ..Default::default() };
        match input.invocation_type.as_deref() {
            Some("DryRun") => {
                return Ok(answer(204));
            }
            Some("Event") => {
                check_payload(&payload, EVENT_MAX)?;
                let durable_execution_arn = self.accept_call(cx, &named, target, payload, durable).await?;
                return Ok(s::InvocationResponse { durable_execution_arn, ..answer(202) });
            }
            _ => {}
        }
        check_payload(&payload, PAYLOAD_MAX)?;
        let is_durable = target.version.durable.is_some();
        let call = Call {
            request_id: cx.request_id().to_owned(),
            payload,
            client_context: client_context(input.client_context)?,
            trace: trace_of(cx),
            stream: false,
        };
        let ran = self.run_whole(target, call, durable).await?;
        // An execution has no log of its own: its invocations have.
        let tail = input.log_type.as_deref() == Some("Tail") && !is_durable;
        Ok(s::InvocationResponse {
            status_code: Some(200),
            function_error: ran.function_error.map(str::to_owned),
            log_result: tail.then(|| crate::invoke::destinations::base64(&ran.log_tail)),
            executed_version: Some(ran.executed_version.clone()),
            durable_execution_arn: ran.durable_execution.clone(),
            payload: Some(ran.whole().await?),
        })
    }
}

impl Handle<op::InvokeAsync> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::InvokeAsyncRequest) -> Result<Vec<Access>> {
        // AWS asks for the action of Invoke.
        Ok(vec![self.on(cx, "lambda:InvokeFunction", &input.function_name, None).await?])
    }

    async fn call(&self, cx: &Cx, input: s::InvokeAsyncRequest) -> Result<s::InvokeAsyncResponse> {
        let named = names::read(cx, &input.function_name, None)?;
        let too_large = |_| {
            error::too_large(format!(
                "Request must be smaller than {ASYNC_MAX} bytes for the InvokeAsync operation"
            ))
        };
        let payload = input.invoke_args.collect(ASYNC_MAX).await.map_err(too_large)?;
        let payload = bytes::Bytes::from(payload);
        check_payload(&payload, ASYNC_MAX)?;
        let target = self.invocable(self.target(&named).await?).await?;
        self.accept_call(cx, &named, target, payload, None).await?;
        Ok(s::InvokeAsyncResponse { status: Some(202) })
    }
}

impl Handle<op::InvokeWithResponseStream> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::InvokeWithResponseStreamRequest) -> Result<Vec<Access>> {
        Ok(vec![
            self.on(cx, "lambda:InvokeFunction", &input.function_name, input.qualifier.as_deref()).await?,
        ])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::InvokeWithResponseStreamRequest,
    ) -> Result<s::InvokeWithResponseStreamResponse> {
        let named = names::read(cx, &input.function_name, input.qualifier.as_deref())?;
        if input.tenant_id.is_some() {
            return Err(error::parameter(
                "The function is not configured with tenancy configuration. Remove the tenant id.",
            ));
        }
        let target = self.invocable(self.target(&named).await?).await?;
        if input.invocation_type.as_deref() == Some("DryRun") {
            return Ok(s::InvokeWithResponseStreamResponse { status_code: Some(204), ..Default::default() });
        }
        let payload = input.payload.unwrap_or_default();
        check_payload(&payload, PAYLOAD_MAX)?;
        let call = Call {
            request_id: cx.request_id().to_owned(),
            payload,
            client_context: client_context(input.client_context)?,
            trace: trace_of(cx),
            stream: true,
        };
        let ran = self.run_whole(target, call, None).await?;
        let tail = input.log_type.as_deref() == Some("Tail");
        let log_result = tail.then(|| crate::invoke::destinations::base64(&ran.log_tail));
        let mut end = s::InvokeWithResponseStreamCompleteEvent { log_result, ..Default::default() };
        let content_type = ran.content_type.clone();
        let executed_version = Some(ran.executed_version.clone());
        let (rest, mut ready) = match (ran.body, ran.function_error) {
            (Body::Whole(bytes), Some(_)) => {
                let said: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
                let kind = said["errorType"].as_str().unwrap_or("Unhandled");
                end.error_code = Some(kind.to_owned());
                end.error_details = Some(String::from_utf8_lossy(&bytes).into_owned());
                (None, VecDeque::new())
            }
            (Body::Whole(bytes), None) => (None, VecDeque::from([chunk(bytes)])),
            (Body::Stream(pieces), _) => (Some(pieces), VecDeque::new()),
        };
        if rest.is_none() {
            ready.push_back(s::InvokeWithResponseStreamResponseEvent::InvokeComplete(end.clone()));
        }
        let sending = Sending { rest, tail, ready, end };
        let events = stream::unfold(sending, |mut sending| async move {
            let event = sending.next().await?;
            Some((event, sending))
        });
        Ok(s::InvokeWithResponseStreamResponse {
            status_code: Some(200),
            executed_version,
            event_stream: EventStream::new(events),
            response_stream_content_type: content_type,
        })
    }
}

fn chunk(payload: bytes::Bytes) -> s::InvokeWithResponseStreamResponseEvent {
    let update = s::InvokeResponseStreamUpdate { payload: Some(payload) };
    s::InvokeWithResponseStreamResponseEvent::PayloadChunk(update)
}

/// An answer on its way.
struct Sending {
    rest: Option<Pieces>,
    tail: bool,
    ready: VecDeque<s::InvokeWithResponseStreamResponseEvent>,
    end: s::InvokeWithResponseStreamCompleteEvent,
}

type Sent = std::result::Result<s::InvokeWithResponseStreamResponseEvent, haneul_shape::BoxError>;

impl Sending {
    async fn next(&mut self) -> Option<Sent> {
        if let Some(ready) = self.ready.pop_front() {
            return Some(Ok(ready));
        }
        let mut end = match self.rest.as_mut()?.next().await {
            Some(Piece::Chunk(payload)) => return Some(Ok(chunk(payload))),
            Some(Piece::End(end)) => {
                let log_result = self.tail.then(|| crate::invoke::destinations::base64(&end.log_tail));
                let mut said = s::InvokeWithResponseStreamCompleteEvent { log_result, ..self.end.clone() };
                if let Some(error) = end.error {
                    (said.error_code, said.error_details) = (Some(error.code), Some(error.details));
                }
                said
            }
            None => s::InvokeWithResponseStreamCompleteEvent {
                error_code: Some("Unhandled".into()),
                ..self.end.clone()
            },
        };
        self.rest = None;
        end.log_result = end.log_result.filter(|_| self.tail);
        Some(Ok(s::InvokeWithResponseStreamResponseEvent::InvokeComplete(end)))
    }
}

impl Lambda {
    /// Accepts a call that nobody waits for: it is put into the queue, or begins an execution, whose ARN this gives.
    async fn accept_call(
        &self,
        cx: &Cx,
        named: &Named,
        target: Target,
        payload: bytes::Bytes,
        durable: Option<String>,
    ) -> Result<Option<String>> {
        if target.version.durable.is_none() {
            self.accept(named, cx.request_id(), &payload, trace_of(cx)).await?;
            return Ok(None);
        }
        let start = Start {
            name: durable,
            input: payload,
            trace: trace_of(cx),
            event: Some(cx.request_id().to_owned()),
            ..Start::default()
        };
        let started = self.start_execution(target, start, None).await?;
        Ok(started.map(|started| started.arn()))
    }
}

/// What calls of durable functions have to be, and of others not.
fn check_durable(target: &Target, name: Option<&str>) -> Result<()> {
    check_qualified(target)?;
    let Some(name) = name else { return Ok(()) };
    if target.version.durable.is_none() {
        return Err(error::parameter("DurableExecutionName is only supported for durable functions."));
    }
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    if name.is_empty() || name.len() > EXECUTION_NAME_MAX || !plain {
        return Err(error::parameter(format!(
            "1 validation error detected: Value '{name}' at 'durableExecutionName' failed to satisfy constraint: Member \
             must satisfy regular expression pattern: [a-zA-Z0-9-_]+"
        )));
    }
    Ok(())
}

fn client_context(given: Option<String>) -> Result<Option<String>> {
    match given {
        Some(given) if given.len() > CLIENT_CONTEXT_MAX => {
            Err(error::request_content("Client context must be at most 3583 bytes of base64."))
        }
        given => Ok(given),
    }
}

fn trace_of(cx: &Cx) -> Option<String> {
    cx.http().and_then(|head| head.header(trace::HEADER)).map(str::to_owned)
}
