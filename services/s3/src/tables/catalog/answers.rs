use haneul_kit::{ApiError, ByteStream, Fault, Result};
use http::{HeaderValue, Response, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

pub(super) type Answer = Response<ByteStream>;

/// What a request names, and what is said when that is not there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Namespace,
    Table,
}

/// What a client may ask. Clients look here before they ask.
const ENDPOINTS: &[&str] = &[
    "GET /v1/{prefix}/namespaces",
    "POST /v1/{prefix}/namespaces",
    "GET /v1/{prefix}/namespaces/{namespace}",
    "HEAD /v1/{prefix}/namespaces/{namespace}",
    "DELETE /v1/{prefix}/namespaces/{namespace}",
    "GET /v1/{prefix}/namespaces/{namespace}/tables",
    "POST /v1/{prefix}/namespaces/{namespace}/tables",
    "POST /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "GET /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "DELETE /v1/{prefix}/namespaces/{namespace}/tables/{table}",
    "POST /v1/{prefix}/tables/rename",
];

pub(super) fn config(arn: &str) -> Answer {
    let prefix = utf8_percent_encode(arn, NON_ALPHANUMERIC).to_string();
    document(&json!({ "defaults": {}, "overrides": { "prefix": prefix }, "endpoints": ENDPOINTS }))
}

pub(super) fn page(name: &str, items: Vec<Value>, next: Option<String>) -> Answer {
    document(&json!({ name: items, "next-page-token": next }))
}

/// The metadata is given out as it was written.
pub(super) fn table(location: &str, metadata: &[u8]) -> Result<Answer> {
    let not_json = || ApiError::new("BadRequestException", "The metadata file is not JSON.").with_status(400);
    serde_json::from_slice::<serde::de::IgnoredAny>(metadata).map_err(|_| not_json())?;
    let metadata = std::str::from_utf8(metadata).map_err(|_| not_json())?;
    let location = Value::String(location.to_owned());
    let text = format!(r#"{{"metadata-location":{location},"metadata":{metadata},"config":{{}}}}"#);
    Ok(with_body(StatusCode::OK, text))
}

pub(super) fn document(value: &Value) -> Answer {
    with_body(StatusCode::OK, value.to_string())
}

pub(super) fn nothing() -> Answer {
    let mut answer = Response::new(ByteStream::from_bytes(bytes::Bytes::new()));
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer
}

/// An error in the words of the specification.
pub(super) fn refused(error: &ApiError, missing: Missing) -> Answer {
    let status = error.status().unwrap_or(match error.fault() {
        Fault::Server => 500,
        Fault::Client => 400,
    });
    let kind = match error.code() {
        "NotFoundException" if error.message().contains("table") && missing == Missing::Table => {
            "NoSuchTableException"
        }
        "NotFoundException" => "NoSuchNamespaceException",
        "ConflictException" if error.message().contains("not empty") => "NamespaceNotEmptyException",
        "ConflictException" => "AlreadyExistsException",
        "AccessDeniedException" | "AccessDenied" => "ForbiddenException",
        _ if error.fault() == Fault::Server => "InternalServerErrorException",
        code => code,
    };
    let said = json!({ "error": { "message": error.message(), "type": kind, "code": status } });
    with_body(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), said.to_string())
}

fn with_body(status: StatusCode, text: String) -> Answer {
    let mut answer = Response::new(ByteStream::from_bytes(text));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
