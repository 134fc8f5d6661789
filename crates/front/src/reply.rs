use std::borrow::Cow;
use std::sync::Arc;

use haneul_kit::{ApiError, ByteStream, Fault, RequestHead};
use haneul_shape::Shape;
use haneul_wire::{Model, OperationDef, Payload, Protocol, WireError};
use http::Response;

use crate::catalog::Entry;
use crate::foreign;

/// How a client wants its answer.
#[derive(Clone, Copy)]
pub struct Form {
    pub protocol: Protocol,
    /// A client of the query protocol may have JSON in place of XML.
    as_json: bool,
}

impl Form {
    /// Before anything is known of the request.
    pub fn xml() -> Form {
        Form { protocol: Protocol::RestXml, as_json: false }
    }

    pub fn of(protocol: Protocol, head: &RequestHead) -> Form {
        let accepted = head.header("accept").unwrap_or_default();
        let first = accepted.split([',', ';']).next().unwrap_or_default().trim();
        let as_json = protocol == Protocol::AwsQuery && first.eq_ignore_ascii_case("application/json");
        Form { protocol, as_json }
    }
}

/// The answer to a call that succeeded.
pub fn success(
    form: Form,
    model: &'static Model,
    operation: &OperationDef,
    output: &mut dyn Shape,
    request_id: &str,
) -> Result<Response<Payload>, ApiError> {
    if form.as_json {
        return Ok(haneul_wire::encode_query_response_as_json(model, operation, output, request_id));
    }
    haneul_wire::encode_response(model, operation, form.protocol, output, request_id).map_err(api_error)
}

/// An error as the client that asked can read it.
pub fn error(
    entry: Option<&Entry>,
    operation: Option<&OperationDef>,
    form: Form,
    error: ApiError,
    request_id: &str,
) -> Response<ByteStream> {
    let answer = match entry {
        Some(entry) => {
            let model: &Model = haneul_wire::model(entry.model);
            let mut error =
                wire_error(match hides_denial(entry, operation) && error.code() == "AccessDenied" {
                    true => no_queue(),
                    false => error,
                });
            if entry.is_s3() && error.code == "InternalFailure" {
                error.code = Cow::Borrowed("InternalError");
                error.message = "We encountered an internal error. Please try again.".to_owned();
            }
            match form.as_json {
                true => haneul_wire::encode_query_error_as_json(model, operation, &error, request_id),
                false => haneul_wire::encode_error(model, operation, form.protocol, &error, request_id),
            }
        }
        None => foreign::error(form.protocol, &error, request_id),
    };
    answer.map(Payload::into_stream)
}

/// Who may not look for a queue is not told whether it is there. The trail and the log have the denial as it was.
fn hides_denial(entry: &Entry, operation: Option<&OperationDef>) -> bool {
    entry.name() == "sqs" && operation.is_some_and(|operation| operation.name == "GetQueueUrl")
}

/// The sentence is on record in fluent/fluent-plugin-s3 issue 342 and spring-attic/spring-cloud-aws pull request 417.
fn no_queue() -> ApiError {
    let message = "The specified queue does not exist or you do not have access to it.";
    ApiError::new("QueueDoesNotExist", message)
}

fn wire_error(mut error: ApiError) -> WireError {
    let fault = match error.fault() {
        Fault::Client => haneul_wire::Fault::Sender,
        Fault::Server => haneul_wire::Fault::Receiver,
    };
    WireError {
        code: Cow::Owned(error.code().to_owned()),
        message: error.message().to_owned(),
        fault,
        status: error.status(),
        fields: error.fields().iter().map(|(name, value)| (Cow::Borrowed(*name), value.clone())).collect(),
        detail: error.take_detail().map(|detail| -> Arc<dyn Shape> { Arc::from(detail) }),
        headers: Vec::new(),
    }
}

/// What a codec or the validation refused, as the layers pass errors on.
pub fn api_error(error: WireError) -> ApiError {
    let fault = match error.fault {
        haneul_wire::Fault::Sender => Fault::Client,
        haneul_wire::Fault::Receiver => Fault::Server,
    };
    let mut api = ApiError::new(error.code, error.message).with_fault(fault);
    if let Some(status) = error.status {
        api = api.with_status(status);
    }
    error.fields.into_iter().fold(api, |api, (name, value)| match name {
        Cow::Borrowed(name) => api.with_field(name, value),
        // The codecs name fields by constants alone.
        Cow::Owned(_) => api,
    })
}

/// A path that cannot be decoded.
pub fn bad_path(model: &Model, error: WireError) -> ApiError {
    match model.service.name {
        "s3" => ApiError::new("InvalidURI", "Couldn't parse the specified URI.").with_status(400),
        _ => api_error(error),
    }
}

/// The operation is not one of the service's, at AWS neither.
pub fn unknown_operation(entry: &Entry, protocol: Protocol, name: &str) -> ApiError {
    match protocol {
        Protocol::RestXml if entry.is_s3() => {
            let message = "The specified method is not allowed against this resource.";
            ApiError::new("MethodNotAllowed", message).with_status(405)
        }
        Protocol::AwsQuery if entry.name() == "sqs" => {
            ApiError::new("InvalidAction", format!("The action {name} is not valid for this endpoint."))
        }
        Protocol::AwsQuery => {
            let version = entry.facts.api_version;
            ApiError::new("InvalidAction", format!("Could not find operation {name} for version {version}"))
        }
        Protocol::Ec2Query => {
            ApiError::new("InvalidAction", format!("The action {name} is not valid for this web service."))
        }
        Protocol::RestJson | Protocol::RestXml => ApiError::new(
            "UnknownOperationException",
            "The service has no operation of this method and path.",
        )
        .with_status(404),
        Protocol::AwsJson | Protocol::RpcV2Cbor => ApiError::new("UnknownOperationException", ""),
    }
}

/// The request names no operation at all.
pub fn no_operation(protocol: Protocol) -> ApiError {
    match protocol {
        Protocol::AwsQuery | Protocol::Ec2Query => {
            ApiError::new("MissingAction", "The request must contain the parameter Action")
        }
        _ => ApiError::new("UnknownOperationException", ""),
    }
}
