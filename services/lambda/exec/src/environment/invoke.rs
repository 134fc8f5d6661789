use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use haneul_env::clock::monotonic;
use haneul_kit::Instant;
use serde_json::json;
use tokio::sync::oneshot;

use super::Environment;
use super::exchange::{Answer, Event, Fault, Over};
use super::init::{InitFailure, platform_error};
use super::stream;
use crate::fleet::Place;
use crate::lease::Lease;
use crate::lines::Status;
use crate::telemetry::records::Done;
use crate::{Body, FunctionError, Invocation, Outcome, Report};

/// How long an event waits for a worker of its environment that has a place for it, but does not ask: it may have just answered
/// another one, or be gone.
const TAKE_MAX: Duration = Duration::from_secs(2);

/// What an invocation of one environment came to.
pub(crate) enum Invoked {
    Done(Outcome),
    /// The environment ended before the runtime took the event: another one may have it.
    Unseen,
}

/// How the function's part ended.
pub(super) enum End {
    Answered(Answer),
    Exited(haneul_sandbox::Exit),
    TimedOut,
}

/// One invocation under way.
pub(super) struct Call {
    pub(super) lease: Lease,
    pub(super) request_id: String,
    pub(super) trace: Option<String>,
    pub(super) began: std::time::Instant,
    /// By the cloud's clock.
    pub(super) began_at: Instant,
    pub(super) init: Option<Duration>,
}

/// Runs one event.
pub(crate) async fn invoke(mut lease: Lease, call: &Invocation) -> Invoked {
    let environment = lease.environment().clone();
    let managed = environment.spec.managed.is_some();
    let began = monotonic();
    let trace = call.trace_header.clone().or_else(|| environment.new_trace());
    let init = environment.init.lock().take();
    if !managed {
        environment.thaw();
    }
    let lines = environment.lines();
    let began_at = lines.now;
    let shown = trace.as_deref().filter(|_| environment.spec.tracing);
    let start = lines.start(&call.request_id, shown);
    let answered = if managed {
        environment.collector.follow(&call.request_id);
        let answered = environment.offer(call, trace.as_deref(), lease.take_place());
        if !environment.is_taken(&call.request_id).await {
            environment.collector.leave(&call.request_id);
            return Invoked::Unseen;
        }
        environment.collector.write(start);
        answered
    } else {
        environment.collector.begin(start);
        environment.offer(call, trace.as_deref(), None)
    };
    let call_id = call.request_id.clone();
    let under_way = Call { lease, request_id: call_id, trace, began, began_at, init };
    let end = tokio::select! {
        biased;
        answer = answered => match answer {
            Ok(answer) => End::Answered(answer),
            Err(_) => End::Exited(environment.process.wait().await),
        },
        exit = environment.process.wait() => End::Exited(exit),
        () = environment.shared.host.sleep(environment.spec.timeout) => End::TimedOut,
    };
    if let End::Answered(Answer::Stream { content_type, pieces }) = end {
        return Invoked::Done(stream::pass_on(under_way, content_type, pieces));
    }
    let over = environment.over(&call.request_id, &end);
    if let End::Exited(_) = end {
        environment.dead.store(true, Ordering::SeqCst);
        if !over.taken && init.is_none() {
            environment.collector.leave(&call.request_id);
            return Invoked::Unseen;
        }
    }
    let took = began.elapsed();
    let (body, function_error, status) = environment.judge(&under_way.request_id, end);
    let produced = over.response_began.map(|_| body.len() as u64);
    let done = under_way.done(took, over.response_began, produced);
    let finished = under_way.finish(&status, &done).await;
    Invoked::Done(Outcome {
        body: Body::Whole(body),
        function_error,
        content_type: None,
        log_tail: finished.log_tail,
        report: finished.report,
    })
}

pub(super) struct Finished {
    pub(super) log_tail: Bytes,
    pub(super) report: Report,
}

impl Call {
    pub(super) fn done(
        &self,
        took: Duration,
        response_began: Option<std::time::Instant>,
        produced_bytes: Option<u64>,
    ) -> Done {
        let response = response_began.map(|at| {
            let latency = at.saturating_duration_since(self.began);
            (latency, took.saturating_sub(latency))
        });
        Done { began: self.began_at, took, response, produced_bytes }
    }

    /// Writes the last lines, and gives the environment back.
    pub(super) async fn finish(self, status: &Status, done: &Done) -> Finished {
        let environment = self.lease.environment().clone();
        let report = environment.report(self.began.elapsed(), self.init, status);
        let trace = self.trace.as_deref().filter(|_| environment.spec.tracing);
        let lines = environment.lines();
        let notice = lines.runtime_done(&self.request_id, done, status, trace);
        let notice = notice.and(lines.end(&self.request_id, &report, status, trace));
        let of = environment.spec.managed.is_some().then(|| self.request_id.clone());
        let log_tail = environment.collector.end(notice, of).await;
        environment.busy.store(false, Ordering::SeqCst);
        drop(self.lease);
        Finished { log_tail, report }
    }
}

impl Environment {
    /// What is known of an invocation that came to its end. One of several that ran out of time goes on in the function, and
    /// nobody waits for it (Lambda, "Understanding the Lambda Managed Instances execution environment").
    pub(super) fn over(&self, request_id: &str, end: &End) -> Over {
        match end {
            End::TimedOut if self.spec.managed.is_some() => self.exchange.abandon(request_id),
            _ => self.exchange.over(request_id),
        }
    }

    async fn is_taken(&self, request_id: &str) -> bool {
        let taken = self.shared.host.timeout(TAKE_MAX, self.exchange.taken(request_id)).await;
        taken == Some(true) || !self.exchange.withdraw(request_id)
    }

    fn offer(
        &self,
        call: &Invocation,
        trace: Option<&str>,
        place: Option<Place>,
    ) -> oneshot::Receiver<Answer> {
        let deadline = self.shared.host.now() + self.spec.timeout;
        let mut headers = vec![
            ("lambda-runtime-aws-request-id", call.request_id.clone()),
            ("lambda-runtime-deadline-ms", deadline.millis().to_string()),
            ("lambda-runtime-invoked-function-arn", call.function_arn.clone()),
        ];
        let mut optional = |name, value: Option<&str>| {
            if let Some(value) = value {
                headers.push((name, value.to_owned()));
            }
        };
        optional("lambda-runtime-trace-id", trace);
        optional("lambda-runtime-client-context", call.client_context.as_deref());
        optional("lambda-runtime-cognito-identity", call.cognito_identity.as_deref());
        optional("lambda-runtime-aws-tenant-id", call.tenant_id.as_deref());
        if self.spec.managed.is_none() && self.exchange.has_extensions() {
            self.exchange.tell_invoke(&json!({
                "eventType": "INVOKE",
                "deadlineMs": deadline.millis(),
                "requestId": call.request_id,
                "invokedFunctionArn": call.function_arn,
                "tracing": { "type": "X-Amzn-Trace-Id", "value": trace.unwrap_or_default() },
            }));
        }
        let event = Event { headers, payload: call.payload.clone() };
        self.exchange.offer(&call.request_id, call.stream, event, place)
    }

    /// The answer's body, error and status; says in the log what only the platform knows.
    pub(super) fn judge(&self, request_id: &str, end: End) -> (Bytes, Option<FunctionError>, Status) {
        let unhandled = Some(FunctionError::Unhandled);
        match end {
            End::Answered(Answer::Response { body }) => (body, None, Status::Success),
            End::Answered(Answer::Fault(fault)) => (fault.body, unhandled, Status::Error(fault.kind)),
            End::Answered(Answer::TooLarge | Answer::Stream { .. }) => {
                let (kind, max) = ("Function.ResponseSizeTooLarge", super::api::RESPONSE_BYTES_MAX);
                let message =
                    format!("Response payload size exceeded maximum allowed payload size ({max} bytes).");
                let body = json!({ "errorType": kind, "errorMessage": message });
                (body.to_string().into(), unhandled, Status::Error(kind.into()))
            }
            End::Exited(exit) => {
                let fault = self.exited(request_id, exit);
                self.log_exit(request_id, &fault);
                (fault.body, unhandled, Status::Error(fault.kind))
            }
            End::TimedOut => {
                if self.spec.managed.is_none() {
                    self.kill();
                }
                let text = format!("Task timed out after {:.2} seconds", self.spec.timeout.as_secs_f64());
                let now = self.shared.env.now().iso8601_millis();
                self.collector.write(self.lines().fault(&format!("{now} {request_id} {text}\n")));
                (platform_error("Sandbox.Timedout", request_id, &text), unhandled, Status::Timeout)
            }
        }
    }

    fn log_exit(&self, request_id: &str, fault: &Fault) {
        let body: serde_json::Value = serde_json::from_slice(&fault.body).unwrap_or_default();
        let message = body["errorMessage"].as_str().unwrap_or_default().to_owned();
        let message = if message.starts_with("RequestId") {
            message
        } else {
            format!("RequestId: {request_id} Error: {message}")
        };
        self.collector.write(self.lines().fault(&format!("{message}\n{}", fault.kind)));
    }

    fn report(&self, duration: Duration, init: Option<Duration>, status: &Status) -> Report {
        // A timeout is billed as the timeout.
        let duration = if *status == Status::Timeout { self.spec.timeout } else { duration };
        let whole = duration + init.unwrap_or_default();
        let billed =
            Duration::from_millis(u64::try_from(whole.as_micros().div_ceil(1000)).unwrap_or(u64::MAX).max(1));
        Report {
            duration,
            billed,
            memory_mb: self.spec.memory_mb,
            memory_mb_max: match status {
                Status::Error(kind) if kind == "Runtime.OutOfMemory" => self.spec.memory_mb,
                _ => self.memory_mb_max(),
            },
            init,
            timed_out: *status == Status::Timeout,
        }
    }

    /// A sampled trace, for a function that traces on its own account.
    fn new_trace(&self) -> Option<String> {
        let rng = &self.shared.env.rng;
        let hex = |length| rng.text(b"0123456789abcdef", length);
        let sampled = u8::from(self.spec.tracing);
        let seconds = self.shared.env.now().millis() / 1000;
        Some(format!("Root=1-{seconds:08x}-{};Parent={};Sampled={sampled}", hex(24), hex(16)))
    }
}

/// The outcome of an invocation whose environment could not be made ready.
pub(crate) async fn failed_init(failure: InitFailure, call: &Invocation) -> Outcome {
    let InitFailure { environment, fault, took, timed_out } = failure;
    let trace = environment.spec.tracing.then(|| call.trace_header.clone()).flatten();
    environment.collector.begin(environment.lines().start(&call.request_id, trace.as_deref()));
    let (body, status, duration) = if timed_out {
        let (body, _, status) = environment.judge(&call.request_id, End::TimedOut);
        (body, status, environment.spec.timeout)
    } else {
        let by_platform = fault.by_platform;
        let body = match by_platform {
            true => with_request_id(&fault.body, &call.request_id),
            false => fault.body.clone(),
        };
        if by_platform {
            environment.log_exit(&call.request_id, &Fault { body: body.clone(), ..fault.clone() });
        }
        (body, Status::Error(fault.kind), took)
    };
    let report = environment.report(duration, None, &status);
    let lines = environment.lines().end(&call.request_id, &report, &status, trace.as_deref());
    let log_tail = environment.collector.end(lines, None).await;
    let function_error = Some(FunctionError::Unhandled);
    Outcome { body: Body::Whole(body), function_error, content_type: None, log_tail, report }
}

/// The platform's words of an exit during the init, which had no request yet.
fn with_request_id(body: &Bytes, request_id: &str) -> Bytes {
    let error: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    match (error["errorType"].as_str(), error["errorMessage"].as_str()) {
        (Some(kind), Some(message)) => platform_error(kind, request_id, message),
        _ => body.clone(),
    }
}
