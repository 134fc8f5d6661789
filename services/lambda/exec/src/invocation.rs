use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;

/// Largest payload of a synchronous request or response, and of an asynchronous request (Lambda quotas).
pub const PAYLOAD_BYTES_MAX: usize = 6 * 1024 * 1024;
pub const ASYNC_PAYLOAD_BYTES_MAX: usize = 1024 * 1024;
/// Of a streamed response, by the quota's default of 20 MB and a soft one of 200 MB.
pub const STREAM_BYTES_MAX: usize = 200 * 1024 * 1024;

/// One event for a function.
#[derive(Clone, Debug)]
pub struct Invocation {
    pub request_id: String,
    /// The ARN by which it was called, with the qualifier that the caller gave: `invoked_function_arn` of the context.
    pub function_arn: String,
    pub payload: Bytes,
    /// Base64 decoded: JSON.
    pub client_context: Option<String>,
    /// JSON with `cognitoIdentityId` and `cognitoIdentityPoolId`.
    pub cognito_identity: Option<String>,
    /// `X-Amzn-Trace-Id`.
    pub trace_header: Option<String>,
    /// Multi-tenancy; `None` for functions without it.
    pub tenant_id: Option<String>,
    /// By `InvokeWithResponseStream`: a function that streams is passed on as it writes.
    pub stream: bool,
    /// How long it may wait for a place; then [`crate::ExecError::NoCapacity`].
    pub wait_max: Duration,
}

impl Invocation {
    pub fn new(request_id: String, function_arn: String, payload: Bytes) -> Invocation {
        Invocation {
            request_id,
            function_arn,
            payload,
            client_context: None,
            cognito_identity: None,
            trace_header: None,
            tenant_id: None,
            stream: false,
            wait_max: Duration::from_secs(60),
        }
    }
}

/// What came of an invocation that reached the function, whether the function succeeded or not.
#[derive(Debug)]
pub struct Outcome {
    pub body: Body,
    /// `X-Amz-Function-Error`.
    pub function_error: Option<FunctionError>,
    /// Of a streamed response, as the function said it.
    pub content_type: Option<String>,
    /// The last 4 KB of the log, for `LogType=Tail`; of a stream it comes with its end.
    pub log_tail: Bytes,
    pub report: Report,
}

#[derive(Debug)]
pub enum Body {
    Whole(Bytes),
    /// Ends with [`Piece::End`], always; dropping it does not stop the function.
    Stream(mpsc::Receiver<Piece>),
}

#[derive(Debug)]
pub enum Piece {
    Chunk(Bytes),
    End(Box<StreamEnd>),
}

#[derive(Debug)]
pub struct StreamEnd {
    /// `ErrorCode` and `ErrorDetails` of `InvokeComplete`.
    pub error: Option<StreamError>,
    pub log_tail: Bytes,
    pub report: Report,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamError {
    pub code: String,
    pub details: String,
}

/// The two values of `X-Amz-Function-Error`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FunctionError {
    /// Of runtimes of old; managed runtimes say `Unhandled` for what a handler throws.
    Handled,
    Unhandled,
}

impl FunctionError {
    pub fn name(self) -> &'static str {
        match self {
            FunctionError::Handled => "Handled",
            FunctionError::Unhandled => "Unhandled",
        }
    }
}

/// The figures of the REPORT line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Report {
    pub duration: Duration,
    /// Rounded up to a millisecond; since August 2025 with the init.
    pub billed: Duration,
    pub memory_mb: u32,
    pub memory_mb_max: u32,
    /// Of a cold start.
    pub init: Option<Duration>,
    pub timed_out: bool,
}
