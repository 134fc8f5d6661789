use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use haneul_kit::{ApiError, ByteStream, Result};
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::StreamBody;
use serde_json::Value;

use super::{Answer, plain};
use crate::invoke::{Body, Ran};

/// The kind of a stream that begins with a head as JSON and eight NULs. Source: Developer Guide, "Response streaming".
const WITH_HEAD: &str = "application/vnd.awslambda.http-integration-response";
const HEAD_MAX: usize = 64 * 1024;
const HEAD_END: &[u8] = &[0; 8];

/// The answer of a function as a response: what it says of status, headers and body, or all of it as JSON.
pub(super) async fn buffered(ran: Ran) -> Result<Answer> {
    if ran.function_error.is_some() {
        return Ok(plain(StatusCode::BAD_GATEWAY, "Internal Server Error"));
    }
    let whole = ran.whole().await?;
    let said: Value = serde_json::from_slice(&whole).unwrap_or(Value::Null);
    let Some(status) = said.get("statusCode") else {
        let mut answer = Response::new(ByteStream::from_bytes(match said {
            // A string is answered without its quotes.
            Value::String(text) => Bytes::from(text),
            _ => whole,
        }));
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        return Ok(answer);
    };
    let body = match &said["body"] {
        Value::Null => Bytes::new(),
        Value::String(text) if said["isBase64Encoded"] == true => match STANDARD.decode(text) {
            Ok(bytes) => bytes.into(),
            Err(_) => return Ok(plain(StatusCode::BAD_GATEWAY, "Internal Server Error")),
        },
        Value::String(text) => Bytes::from(text.clone()),
        other => Bytes::from(other.to_string()),
    };
    let mut answer = Response::new(ByteStream::from_bytes(body));
    match apply(status, &said, &mut answer) {
        true => Ok(answer),
        false => Ok(plain(StatusCode::BAD_GATEWAY, "Internal Server Error")),
    }
}

/// Sets status, headers and cookies. False for what is no response.
fn apply(status: &Value, said: &Value, answer: &mut Answer) -> bool {
    let number = status.as_u64().or_else(|| status.as_str()?.parse().ok());
    let Some(status) = number.and_then(|number| StatusCode::from_u16(u16::try_from(number).ok()?).ok())
    else {
        return false;
    };
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    for (name, value) in said["headers"].as_object().into_iter().flatten() {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(text)) else {
            return false;
        };
        // How the body is framed is ours to say.
        if name != header::CONTENT_LENGTH && name != header::TRANSFER_ENCODING && name != header::CONNECTION {
            headers.insert(name, value);
        }
    }
    for cookie in said["cookies"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let Ok(value) = HeaderValue::from_str(cookie) else { return false };
        headers.append(header::SET_COOKIE, value);
    }
    headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
    true
}

/// An answer that comes bit by bit.
pub(super) async fn streamed(ran: Ran) -> Result<Answer> {
    // A runtime that does not stream.
    if matches!(ran.body, Body::Whole(_)) {
        return buffered(ran).await;
    }
    let Ran { content_type, body: Body::Stream(pieces), .. } = ran else {
        return Err(ApiError::internal("an answer is neither whole nor a stream"));
    };
    let mut stream = pieces.into_bytes();
    if content_type.as_deref() != Some(WITH_HEAD) {
        let mut answer = Response::new(stream);
        let kind = content_type.unwrap_or_else(|| String::from("application/octet-stream"));
        let kind = HeaderValue::try_from(kind).map_err(ApiError::internal)?;
        answer.headers_mut().insert(header::CONTENT_TYPE, kind);
        return Ok(answer);
    }
    let mut begun = BytesMut::new();
    let end = loop {
        if let Some(at) = begun.windows(HEAD_END.len()).position(|window| window == HEAD_END) {
            break at;
        }
        match stream.next().await {
            Some(Ok(piece)) if begun.len() + piece.len() <= HEAD_MAX => begun.extend_from_slice(&piece),
            _ => return Ok(plain(StatusCode::BAD_GATEWAY, "Internal Server Error")),
        }
    };
    let head: Value = serde_json::from_slice(&begun[..end]).unwrap_or(Value::Null);
    let first = begun.freeze().slice(end + HEAD_END.len()..);
    let pieces = futures_util::stream::unfold((Some(first), stream), |(first, mut stream)| async move {
        let piece = match first.filter(|first| !first.is_empty()) {
            Some(first) => Ok(first),
            None => stream.next().await?,
        };
        Some((piece.map(http_body::Frame::data), (None, stream)))
    });
    let mut answer = Response::new(ByteStream::new(StreamBody::new(Box::pin(pieces))));
    let status = head.get("statusCode").cloned().unwrap_or_else(|| 200.into());
    match apply(&status, &head, &mut answer) {
        true => Ok(answer),
        false => Ok(plain(StatusCode::BAD_GATEWAY, "Internal Server Error")),
    }
}
