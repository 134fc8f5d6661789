//! The Runtime API, version 2018-06-01: what a runtime asks of us by HTTP.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use haneul_sandbox::{Connection, Listener};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};

use super::exchange::{Answer, Fault, StreamPiece};
use super::{Environment, extensions, listeners};
use crate::invocation::STREAM_BYTES_MAX;

/// What AWS lets a buffered response have (its error names the number).
pub(crate) const RESPONSE_BYTES_MAX: usize = 6_291_556;
/// Of an error report; longer ones are cut by AWS too.
const ERROR_BYTES_MAX: usize = 256 * 1024;
/// Of an error's type and an extension's name, which lines and records repeat.
pub(super) const NAME_BYTES_MAX: usize = 256;
/// Open at once; what comes then waits until one ends. An environment that takes several invocations at a time has as many more.
const CONNECTIONS_MAX: usize = 256;
/// Chunks of a stream that its reader has not taken yet.
const STREAM_PIECES: usize = 16;

/// Serves all connections that programs of the environment open, until it ends.
pub(super) async fn serve(environment: std::sync::Weak<Environment>, listener: Listener) {
    let more = environment.upgrade().and_then(|there| there.spec.managed);
    let more = more.map_or(0, |managed| 2 * managed.concurrency as usize);
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX + more));
    while let Ok(place) = room.clone().acquire_owned().await {
        let Some(connection) = listener.accept().await else { return };
        let Some(there) = environment.upgrade() else { return };
        let env = there.shared.env.clone();
        let environment = environment.clone();
        drop(there);
        env.spawn("runtime api", async move {
            connection_of(environment, connection).await;
            drop(place);
        });
    }
}

async fn connection_of(environment: std::sync::Weak<Environment>, connection: Connection) {
    let (whose, handed) = (environment.clone(), Arc::new(Handed::default()));
    let last = handed.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let (environment, handed) = (environment.upgrade(), handed.clone());
        async move {
            Ok::<_, Infallible>(match environment {
                Some(environment) => answer(&environment, request, &handed).await,
                None => {
                    error(StatusCode::INTERNAL_SERVER_ERROR, "Runtime.ShuttingDown", "the environment ends")
                }
            })
        }
    });
    let serving =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(connection), service);
    if let Err(error) = serving.await {
        tracing::trace!(%error, "a connection of a runtime ended");
    }
    let id = last.0.lock().take();
    if let (Some(id), Some(environment)) = (id, whose.upgrade()) {
        worker_left(&environment, &id).await;
    }
}

/// The event that a connection was given last.
#[derive(Default)]
struct Handed(parking_lot::Mutex<Option<String>>);

/// How long who keeps the workers has to say how one ended.
const LEFT_PATIENCE: std::time::Duration = std::time::Duration::from_secs(1);

/// Our own bootstraps have a connection for each worker: one that closes it is gone, and with it what it worked on.
async fn worker_left(environment: &Arc<Environment>, request_id: &str) {
    let spec = &environment.spec;
    let ours = spec.image.is_none() && spec.runtime.family() != crate::Family::Provided;
    if spec.managed.is_none() || !ours || environment.exchange.is_current(request_id).is_none() {
        return;
    }
    environment.shared.host.sleep(LEFT_PATIENCE).await;
    let fault = environment.exited(request_id, haneul_sandbox::Exit::Code(0));
    environment.exchange.answer(request_id, Answer::Fault(fault));
}

async fn answer(
    environment: &Arc<Environment>,
    request: Request<Incoming>,
    handed: &Handed,
) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path();
    if let Some(rest) = path.strip_prefix("/2018-06-01/runtime") {
        let rest = rest.to_owned();
        return runtime(environment, &parts.method, &rest, &parts.headers, body, handed).await;
    }
    if let Some(rest) = path.strip_prefix("/2020-01-01/extension") {
        let rest = rest.to_owned();
        return match whole(body, ERROR_BYTES_MAX).await {
            Some(body) => extensions::answer(environment, &parts.method, &rest, &parts.headers, &body).await,
            None => error(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", "the request is too large"),
        };
    }
    if let Some(api) = listeners::api_of(path) {
        return match whole(body, listeners::BYTES_MAX).await {
            Some(body) => listeners::answer(environment, api, &parts.method, &parts.headers, &body),
            None => error(StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge", "the request is too large"),
        };
    }
    error(StatusCode::NOT_FOUND, "InvalidRequest", "there is nothing at this path")
}

async fn runtime(
    environment: &Arc<Environment>,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    body: Incoming,
    handed: &Handed,
) -> Response<Full<Bytes>> {
    if (method, path) == (&Method::GET, "/invocation/next") {
        return next(environment, handed).await;
    }
    if method != Method::POST {
        return error(StatusCode::NOT_FOUND, "InvalidRequest", "there is nothing at this path");
    }
    if path == "/init/error" {
        let fault = fault(headers, whole(body, ERROR_BYTES_MAX).await);
        environment.exchange.init_failed(fault);
        return page(StatusCode::ACCEPTED, &json!({ "status": "OK" }));
    }
    let Some((request_id, what)) = path.strip_prefix("/invocation/").and_then(|rest| rest.split_once('/'))
    else {
        return error(StatusCode::NOT_FOUND, "InvalidRequest", "there is nothing at this path");
    };
    let Some(wants_stream) = environment.exchange.is_current(request_id) else {
        return error(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID");
    };
    if what == "response" {
        environment.exchange.response_begins(request_id);
    }
    let streams = headers
        .get("lambda-runtime-function-response-mode")
        .is_some_and(|mode| mode.as_bytes().eq_ignore_ascii_case(b"streaming"));
    let answered = match what {
        "response" if streams && wants_stream => {
            return stream(environment, request_id, headers, body).await;
        }
        "response" if streams => collected(environment, request_id, body).await,
        "response" => match whole(body, RESPONSE_BYTES_MAX).await {
            Some(body) => environment.exchange.answer(request_id, Answer::Response { body }),
            None => {
                environment.exchange.answer(request_id, Answer::TooLarge);
                return error(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "RequestEntityTooLarge",
                    &format!("Exceeded maximum allowed payload size ({RESPONSE_BYTES_MAX} bytes)."),
                );
            }
        },
        "error" => {
            let fault = fault(headers, whole(body, ERROR_BYTES_MAX).await);
            environment.exchange.answer(request_id, Answer::Fault(fault))
        }
        _ => return error(StatusCode::NOT_FOUND, "InvalidRequest", "there is nothing at this path"),
    };
    match answered {
        true => page(StatusCode::ACCEPTED, &json!({ "status": "OK" })),
        false => error(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID"),
    }
}

async fn next(environment: &Arc<Environment>, handed: &Handed) -> Response<Full<Bytes>> {
    let Some(next) = environment.exchange.next() else {
        let why = "more ask for events than AWS_LAMBDA_MAX_CONCURRENCY says";
        return error(StatusCode::FORBIDDEN, "InvalidStateTransition", why);
    };
    match next.await {
        Ok(event) => {
            handed.0.lock().replace(event.request_id().to_owned());
            let mut answer = Response::new(Full::new(event.payload));
            let headers = answer.headers_mut();
            headers.insert(header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
            for (name, value) in event.headers {
                // What cannot be a header (a line break in a client context) is left out.
                if let Ok(value) = http::HeaderValue::from_bytes(value.as_bytes()) {
                    headers.insert(name, value);
                }
            }
            answer
        }
        Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "Runtime.ShuttingDown", "the environment ends"),
    }
}

/// Passes a response on piece by piece.
async fn stream(
    environment: &Arc<Environment>,
    request_id: &str,
    headers: &HeaderMap,
    mut body: Incoming,
) -> Response<Full<Bytes>> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or("application/octet-stream").to_owned();
    let (give, pieces) = mpsc::channel(STREAM_PIECES);
    if !environment.exchange.answer(request_id, Answer::Stream { content_type, pieces }) {
        return error(StatusCode::BAD_REQUEST, "InvalidRequestID", "Invalid request ID");
    }
    let mut sent = 0usize;
    let mut failure = None;
    while let Some(frame) = body.frame().await {
        let frame = match frame {
            Ok(frame) => frame,
            Err(_) => {
                failure = Some(truncated());
                break;
            }
        };
        match frame.into_data() {
            Ok(data) => {
                sent = sent.saturating_add(data.len());
                if sent > STREAM_BYTES_MAX {
                    failure = Some(too_large());
                    break;
                }
                if give.send(StreamPiece::Chunk(data)).await.is_err() {
                    break;
                }
            }
            Err(frame) => {
                let trailers = frame.into_trailers().unwrap_or_default();
                failure = trailed(&trailers).or(failure);
            }
        }
    }
    let _ = give.send(StreamPiece::End(failure)).await;
    environment.exchange.stream_ended(request_id);
    page(StatusCode::ACCEPTED, &json!({ "status": "OK" }))
}

/// A streamed response for a caller that wants it whole.
async fn collected(environment: &Arc<Environment>, request_id: &str, mut body: Incoming) -> bool {
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return environment.exchange.answer(request_id, Answer::Fault(truncated()));
        };
        match frame.into_data() {
            Ok(data) if all.len() + data.len() > RESPONSE_BYTES_MAX => {
                return environment.exchange.answer(request_id, Answer::TooLarge);
            }
            Ok(data) => all.extend_from_slice(&data),
            Err(frame) => {
                if let Some(fault) = trailed(&frame.into_trailers().unwrap_or_default()) {
                    return environment.exchange.answer(request_id, Answer::Fault(fault));
                }
            }
        }
    }
    environment.exchange.answer(request_id, Answer::Response { body: all.freeze() })
}

fn trailed(trailers: &HeaderMap) -> Option<Fault> {
    let kind = trailers.get("lambda-runtime-function-error-type")?.to_str().unwrap_or("Unknown");
    let kind = short(kind).to_owned();
    let body = trailers.get("lambda-runtime-function-error-body").map(http::HeaderValue::as_bytes);
    let body =
        body.and_then(|text| base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).ok());
    Some(Fault { kind, body: body.unwrap_or_default().into(), by_platform: false })
}

fn truncated() -> Fault {
    let body =
        json!({ "errorType": "Runtime.TruncatedResponse", "errorMessage": "Response stream was cut off" });
    Fault { kind: "Runtime.TruncatedResponse".into(), body: body.to_string().into(), by_platform: true }
}

fn too_large() -> Fault {
    let message = "Response payload size exceeded maximum allowed payload size.";
    let body = json!({ "errorType": "Function.ResponseSizeTooLarge", "errorMessage": message });
    Fault { kind: "Function.ResponseSizeTooLarge".into(), body: body.to_string().into(), by_platform: true }
}

/// The error that a runtime posted: its body if it is JSON, in words of ours if not.
fn fault(headers: &HeaderMap, body: Option<Bytes>) -> Fault {
    let body = body.unwrap_or_default();
    let given: Option<Value> = serde_json::from_slice(&body).ok();
    let header = headers.get("lambda-runtime-function-error-type").and_then(|value| value.to_str().ok());
    let named = given.as_ref().and_then(|given| given["errorType"].as_str());
    let kind = header.or(named).filter(|kind| !kind.is_empty()).unwrap_or("Runtime.Unknown");
    let kind = short(kind).to_owned();
    let body = match given {
        Some(_) => body,
        None => {
            json!({ "errorType": kind, "errorMessage": String::from_utf8_lossy(&body) }).to_string().into()
        }
    };
    Fault { kind, body, by_platform: false }
}

/// As much of a type as is kept.
pub(super) fn short(kind: &str) -> &str {
    &kind[..kind.floor_char_boundary(NAME_BYTES_MAX)]
}

/// The body, unless it is longer than `max` or breaks off; all of it is read, so that the answer is.
async fn whole(mut body: Incoming, max: usize) -> Option<Bytes> {
    let mut first: Option<Bytes> = None;
    let mut all = BytesMut::new();
    let mut length = 0usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.ok()?.into_data() else { continue };
        length = length.saturating_add(data.len());
        if length > max {
            // Read on for a while, as a client that writes does not read.
            if length > max.saturating_mul(20) {
                return None;
            }
            all.clear();
            continue;
        }
        match (&first, all.is_empty()) {
            (None, true) => first = Some(data),
            _ => {
                if let Some(first) = first.take() {
                    all.extend_from_slice(&first);
                }
                all.extend_from_slice(&data);
            }
        }
    }
    let bytes = first.unwrap_or_else(|| all.freeze());
    (length <= max).then_some(bytes)
}

pub(super) fn page(status: StatusCode, body: &Value) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::from(body.to_string())));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    answer
}

pub(super) fn error(status: StatusCode, kind: &str, message: &str) -> Response<Full<Bytes>> {
    page(status, &json!({ "errorMessage": message, "errorType": kind }))
}
