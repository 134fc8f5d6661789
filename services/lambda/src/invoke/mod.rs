//! From a call to a running function: which version it means ([`target`]), whether there is room ([`concurrency`]), what the
//! executor has to know ([`spec`]), traces and loops ([`trace`]), and here the run itself. Events that need not be waited
//! for are in [`queue`], and where their outcome goes in [`destinations`].

mod concurrency;
pub(crate) mod destinations;
pub(crate) mod queue;
mod spec;
mod target;
pub(crate) mod trace;

use std::time::Duration;

use bytes::Bytes;
use haneul_kit::meter::{At, UsageType};
use haneul_kit::{ApiError, ByteStream, Instant, Platform, Result};
use tokio::sync::mpsc;

pub(crate) use concurrency::{ACCOUNT_MAX, Concurrency, UNRESERVED_MIN};
pub(crate) use spec::Specs;
pub(crate) use target::Target;

use crate::exec::{self, ExecError, FunctionError, Invocation, Piece};
use crate::{Lambda, error, metrics};

/// Source: Developer Guide, "Lambda quotas": invocation payload, synchronous and asynchronous.
pub(crate) const PAYLOAD_MAX: usize = 6_291_456;
pub(crate) const EVENT_MAX: usize = 1_048_576;

/// One call of a function.
#[derive(Clone, Debug, Default)]
pub(crate) struct Call {
    pub(crate) request_id: String,
    pub(crate) payload: Bytes,
    pub(crate) client_context: Option<String>,
    pub(crate) trace: Option<String>,
    pub(crate) stream: bool,
}

/// The answer, or how it comes.
pub(crate) enum Body {
    Whole(Bytes),
    /// With the place that the run takes until its end.
    Stream(Pieces),
}

pub(crate) struct Pieces {
    pieces: mpsc::Receiver<Piece>,
    _permit: concurrency::Permit,
    _metered: Box<Metered>,
}

/// A run that is counted when it is over. Source: AWS Lambda pricing, "Duration": to the millisecond, by the memory that the
/// function has.
struct Metered {
    platform: Platform,
    target: Target,
    began: Instant,
    /// `None` while it goes on: then its end is when this is dropped.
    billed: Option<Duration>,
}

const DURATION: UsageType = UsageType::new("Lambda-GB-Second", "MB-Milliseconds");
const DURATION_ARM: UsageType = UsageType::new("Lambda-GB-Second-ARM", "MB-Milliseconds");

impl Drop for Metered {
    fn drop(&mut self) {
        let (version, name) = (&self.target.version, &self.target.known.name);
        // What is on a capacity provider is paid by its instances.
        if version.capacity.is_some() {
            return;
        }
        let now = self.platform.env.now();
        let elapsed =
            || Duration::from_millis(now.millis().saturating_sub(self.began.millis()).max(1) as u64);
        let billed = self.billed.unwrap_or_else(elapsed).as_millis() as u64;
        let ran = At {
            at: now,
            owner: (name.account, name.region),
            service: "lambda",
            operation: "Invoke",
            resource: &name.arn_of(None).to_string(),
        };
        let kind = if version.architecture == "arm64" { DURATION_ARM } else { DURATION };
        self.platform.meter.used(ran, kind, billed.saturating_mul(u64::from(version.memory_mb)));
    }
}

impl Pieces {
    /// The next piece; the last one is [`Piece::End`].
    pub(crate) async fn next(&mut self) -> Option<Piece> {
        self.pieces.recv().await
    }

    /// The answer's bytes. One that breaks off breaks the response off.
    pub(crate) fn into_bytes(self) -> ByteStream {
        let chunks = futures_util::stream::unfold(Some(self), |pieces| async move {
            let mut pieces = pieces?;
            match pieces.next().await {
                Some(Piece::Chunk(chunk)) => Some((Ok(http_body::Frame::data(chunk)), Some(pieces))),
                Some(Piece::End(end)) => {
                    let broken = end.error?;
                    Some((Err(haneul_shape::BoxError::from(broken.details)), None))
                }
                None => Some((Err("the function broke off".into()), None)),
            }
        });
        ByteStream::new(http_body_util::StreamBody::new(Box::pin(chunks)))
    }
}

/// What a function answered.
pub(crate) struct Ran {
    pub(crate) body: Body,
    /// `Handled` or `Unhandled`, when it failed.
    pub(crate) function_error: Option<&'static str>,
    pub(crate) content_type: Option<String>,
    pub(crate) log_tail: Bytes,
    pub(crate) executed_version: String,
    /// The ARN of the execution that answered, of a durable function.
    pub(crate) durable_execution: Option<String>,
}

impl Ran {
    /// The whole answer.
    pub(crate) async fn whole(self) -> Result<Bytes> {
        match self.body {
            Body::Whole(bytes) => Ok(bytes),
            Body::Stream(pieces) => {
                let whole = pieces.into_bytes().collect(PAYLOAD_MAX).await;
                Ok(whole.map_err(ApiError::internal)?.into())
            }
        }
    }
}

impl Lambda {
    /// Runs a function and waits for its answer.
    ///
    /// The run is a task of its own: a client that goes away does not end it, as on AWS.
    ///
    /// # Errors
    /// TooManyRequestsException when there is no room, RecursiveInvocationException, and what keeps the function from being
    /// started. A function that fails is no error: see [`Ran::function_error`].
    pub(crate) async fn run(&self, target: Target, mut call: Call) -> Result<Ran> {
        // A call without an event has an empty one.
        if call.payload.is_empty() {
            call.payload = Bytes::from_static(b"{}");
        }
        let target = self.ready(target).await?;
        let (name, qualifier) = (&target.known.name, target.qualifier.as_deref());
        let trace = self.traced(&target, call.trace.as_deref()).inspect_err(|_| {
            self.sample(metrics::RECURSIVE, name, qualifier, 1.0);
        })?;
        let claimed = self.cache.reserved(&self.records, name.account, name.region).await?;
        let limit = concurrency::ACCOUNT_MAX.saturating_sub(claimed);
        // What is on a capacity provider is not of what the account's functions share.
        let managed = target.version.capacity.is_some();
        let reserved = if managed { Some(u32::MAX) } else { target.known.record.reserved };
        let entered = self.concurrency.enter(name, reserved, limit);
        let permit = entered.map_err(|why| {
            self.sample(metrics::THROTTLES, name, qualifier, 1.0);
            error::throttled(why)
        })?;
        self.sample(metrics::CONCURRENT, name, qualifier, f64::from(permit.at_once));
        self.sample_account(name, permit.unreserved, claimed);
        let spec = self.spec(&target).await?;
        if managed {
            self.keep_called(&target, &spec.id).await?;
        }
        let lambda = self.shared()?;
        let env = &self.platform.env;
        let function_arn = target.known.name.arn_of(target.qualifier.as_deref()).to_string();
        let began = env.now();
        let work = async move {
            let invocation = Invocation {
                client_context: call.client_context,
                trace_header: Some(trace),
                stream: call.stream,
                ..Invocation::new(call.request_id, function_arn, call.payload)
            };
            let outcome = lambda.executor.invoke(spec, invocation).await;
            (outcome, permit)
        };
        let ran = env.spawn("lambda invocation", work).await;
        let (outcome, permit) = ran.map_err(|_| ApiError::internal("an invocation was given up"))?;
        let outcome = outcome.map_err(exec_error).inspect_err(|refused| {
            if managed && error::is_throttle(refused) {
                self.sample(metrics::THROTTLES, name, qualifier, 1.0);
            }
        })?;
        let function_error = outcome.function_error.map(FunctionError::name);
        self.sample(metrics::INVOCATIONS, name, qualifier, 1.0);
        self.sample(metrics::ERRORS, name, qualifier, if function_error.is_some() { 1.0 } else { 0.0 });
        let mut metered =
            Metered { platform: self.platform.clone(), target: target.clone(), began, billed: None };
        if matches!(outcome.body, exec::Body::Whole(_)) {
            let duration = outcome.report.duration.as_secs_f64() * 1000.0;
            self.sample(metrics::DURATION, name, qualifier, duration);
            metered.billed = Some(outcome.report.billed);
        }
        let (content_type, log_tail) = (outcome.content_type, outcome.log_tail);
        let body = match outcome.body {
            exec::Body::Whole(bytes) => Body::Whole(bytes),
            exec::Body::Stream(pieces) => {
                Body::Stream(Pieces { pieces, _permit: permit, _metered: Box::new(metered) })
            }
        };
        Ok(Ran {
            body,
            function_error,
            content_type,
            log_tail,
            executed_version: target.version.version.clone(),
            durable_execution: None,
        })
    }
}

pub(crate) fn exec_error(failed: ExecError) -> ApiError {
    match failed {
        // There was room by the quotas, and none on this host or in the environments that are kept; or those have just been
        // ended, and others are there for who calls again.
        ExecError::NoCapacity(_) | ExecError::NoProcessors(_) | ExecError::Saturated | ExecError::Ended => {
            error::throttled(error::Throttle::Account)
        }
        ExecError::InitFailed(what) => error::conflict(what),
        ExecError::CodeUnusable(what) => error::invalid_zip(what),
        ExecError::RuntimeUnavailable(what) => error::invalid_runtime(what),
        ExecError::NoCredentials(what) => error::parameter(what),
        ExecError::Internal(what) => ApiError::internal(what),
    }
}

/// Checks an event's JSON, in the words of Lambda.
pub(crate) fn check_payload(payload: &[u8], max: usize) -> Result<()> {
    if payload.len() > max {
        return Err(error::too_large(format!(
            "Request must be smaller than {max} bytes for the InvokeFunction operation"
        )));
    }
    if payload.is_empty() {
        return Ok(());
    }
    serde_json::from_slice::<serde::de::IgnoredAny>(payload).map(drop).map_err(|wrong| {
        error::request_content(format!(
            "Could not parse request body into json: Could not parse payload into json: {wrong}"
        ))
    })
}
