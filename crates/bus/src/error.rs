use std::borrow::Cow;
use std::fmt;

use haneul_shape::Shape;

/// What an operation fails with, as its client will see it. One pointer wide, because nearly every function returns it.
pub struct ApiError(Box<Parts>);

struct Parts {
    code: Cow<'static, str>,
    message: String,
    fault: Fault,
    status: Option<u16>,
    detail: Option<Box<dyn Shape>>,
    fields: Vec<(&'static str, String)>,
    cause: Option<String>,
}

/// Whose mistake it was. `Server` errors are worth a retry; SDKs retry them by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Client,
    Server,
}

impl ApiError {
    /// A client's error. `code` is the model's name of the error shape (`QueueDoesNotExist`) or, for an error outside
    /// the model, its code on the wire (`AccessDenied`). The codec finds status and query code in the model.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> ApiError {
        ApiError(Box::new(Parts {
            code: code.into(),
            message: message.into(),
            fault: Fault::Client,
            status: None,
            detail: None,
            fields: Vec::new(),
            cause: None,
        }))
    }

    /// Something went wrong on our side. The client reads AWS's fixed sentence; `cause` goes to the log only.
    pub fn internal(cause: impl fmt::Display) -> ApiError {
        let mut error = ApiError::new(
            "InternalFailure",
            "The request processing has failed because of an unknown error, exception or failure.",
        );
        error.0.fault = Fault::Server;
        error.0.status = Some(500);
        error.0.cause = Some(cause.to_string());
        error
    }

    /// We cannot do it now, and may be able to later. The client reads AWS's fixed sentence; `cause` goes to the log only.
    pub fn unavailable(cause: impl fmt::Display) -> ApiError {
        let mut error = ApiError::internal(cause);
        error.0.code = Cow::Borrowed("ServiceUnavailable");
        error.0.message = "The request has failed due to a temporary failure of the server.".to_owned();
        error.0.status = Some(503);
        error
    }

    /// The operation exists at AWS and not here.
    pub fn not_implemented(service: &str, operation: &str) -> ApiError {
        let mut error =
            ApiError::new("NotImplemented", format!("{service}: {operation} is not implemented by Haneul."));
        error.0.fault = Fault::Server;
        error.0.status = Some(501);
        error
    }

    /// The HTTP status, where it is not the model's (or 400 for what the model does not know).
    pub fn with_status(mut self, status: u16) -> ApiError {
        self.0.status = Some(status);
        self
    }

    pub fn with_fault(mut self, fault: Fault) -> ApiError {
        self.0.fault = fault;
        self
    }

    /// Members of the error beside its message, by the model's error shape.
    pub fn with_detail(mut self, detail: impl Shape) -> ApiError {
        self.0.detail = Some(Box::new(detail));
        self
    }

    /// A further element of S3's error document, as `BucketName`, in the order of the calls.
    pub fn with_field(mut self, name: &'static str, value: impl Into<String>) -> ApiError {
        self.0.fields.push((name, value.into()));
        self
    }

    pub fn code(&self) -> &str {
        &self.0.code
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }

    pub fn fault(&self) -> Fault {
        self.0.fault
    }

    pub fn status(&self) -> Option<u16> {
        self.0.status
    }

    pub fn detail(&self) -> Option<&dyn Shape> {
        self.0.detail.as_deref()
    }

    /// Takes the detail out, for whoever renders the error.
    pub fn take_detail(&mut self) -> Option<Box<dyn Shape>> {
        self.0.detail.take()
    }

    pub fn fields(&self) -> &[(&'static str, String)] {
        &self.0.fields
    }

    /// For the log; never shown to a client.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.0.fault == Fault::Server && self.0.status != Some(501)
            || matches!(self.code(), "Throttling" | "ThrottlingException" | "RequestThrottled" | "SlowDown")
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.code, self.0.message)?;
        self.0.cause.as_ref().map_or(Ok(()), |cause| write!(f, " ({cause})"))
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ApiError {}

/// What the store could not do is our fault, but a conflict or a full disk may pass: SDKs try again.
impl From<haneul_store::StoreError> for ApiError {
    fn from(error: haneul_store::StoreError) -> ApiError {
        if error.is_retryable() { ApiError::unavailable(error) } else { ApiError::internal(error) }
    }
}
