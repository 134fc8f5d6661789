use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use haneul_shape::Shape;

/// A failure on its way to a client, or as a client received it. Each protocol renders it in its own form.
#[derive(Clone)]
pub struct WireError {
    /// The name of the error's shape in the model, or the code of the query protocol; both find the model's facts.
    pub code: Cow<'static, str>,
    pub message: String,
    pub fault: Fault,
    /// The HTTP status, where neither the model's nor that of the fault will do.
    pub status: Option<u16>,
    /// Members beside code and message, by their wire names: S3's `BucketName`, Lambda's `Type`.
    pub fields: Vec<(Cow<'static, str>, String)>,
    /// The error's structure with all its members, such as the reasons of TransactionCanceledException. Its message
    /// counts only where `message` is empty.
    pub detail: Option<Arc<dyn Shape>>,
    /// Headers of the answer, such as `x-amz-delete-marker` or `retry-after`.
    pub headers: Vec<(http::HeaderName, http::HeaderValue)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request is to blame: 4xx, and a repetition cannot help.
    Sender,
    /// The service is to blame: 5xx, and the client may repeat.
    Receiver,
}

impl WireError {
    pub fn sender(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> WireError {
        WireError {
            code: code.into(),
            message: message.into(),
            fault: Fault::Sender,
            status: None,
            fields: Vec::new(),
            detail: None,
            headers: Vec::new(),
        }
    }

    pub fn receiver(code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> WireError {
        WireError { fault: Fault::Receiver, ..WireError::sender(code, message) }
    }

    /// The body cannot be read as the operation's input. `SerializationException` is Coral's name for it; a protocol
    /// that has another one (MalformedXML, MalformedInput) puts it in its place.
    pub(crate) fn serialization(message: impl Into<String>) -> WireError {
        WireError::sender(SERIALIZATION, message)
    }

    pub fn with_status(self, status: u16) -> WireError {
        WireError { status: Some(status), ..self }
    }

    pub fn with_field(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> WireError {
        self.fields.push((name.into(), value.into()));
        self
    }

    pub fn with_detail(self, detail: impl Shape) -> WireError {
        WireError { detail: Some(Arc::new(detail)), ..self }
    }

    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

pub(crate) const SERIALIZATION: &str = "SerializationException";

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl fmt::Debug for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WireError")
            .field("code", &self.code)
            .field("message", &self.message)
            .field("fault", &self.fault)
            .field("status", &self.status)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}

impl std::error::Error for WireError {}
