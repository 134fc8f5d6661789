use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use haneul_base::AccountId;
use haneul_kit::{ApiError, BoxFuture, ByteStream, Principal, RequestHead};
use haneul_shape::BoxError;
use haneul_sigv4::{Body as SignedBody, Family, RequestAuth, RequestParts};
use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body::Body;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::cors;
use crate::layers::authn::Terms;
use crate::route::{self, Hosts};
use crate::{Cloud, ConnInfo, body};

/// What the program does when it is asked to, beyond what the front door can do by itself.
pub trait Control: Send + Sync + 'static {
    /// Forgets all state, as if newly installed.
    fn reset(&self) -> BoxFuture<'_, Result<(), ApiError>>;

    /// Keeps the clock's new course, before its mover is answered: a crash must not take time back.
    fn clock_moved(&self) -> Result<(), String> {
        Ok(())
    }
}

/// Refuses what only the program could do.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoControl;

impl Control for NoControl {
    fn reset(&self) -> BoxFuture<'_, Result<(), ApiError>> {
        Box::pin(async { Err(ApiError::not_implemented("haneul", "reset")) })
    }
}

const BODY_BYTES_MAX: u64 = 64 * 1024;

/// A hundred years: no test needs more, and no date overflows.
const ADVANCE_SECONDS_MAX: f64 = 100.0 * 366.0 * 86_400.0;

/// Whether a path is ours: no bucket's name begins with an underscore.
pub fn is_control(path: &str) -> bool {
    path.starts_with("/_haneul/") && !path.starts_with(route::TOKENS_PATH) || path == "/_localstack/health"
}

/// Answers what is asked of the program itself.
pub async fn answer<B>(cloud: &Cloud, head: &RequestHead, mut body: B, conn: ConnInfo) -> Response<ByteStream>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let body = match body::collect(&mut body, BODY_BYTES_MAX).await {
        Ok(body) => body,
        Err(error) => return failure(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let path = head.uri.path();
    let reads = matches!(head.method, Method::GET | Method::HEAD);
    match path {
        "/_haneul/health" | "/_localstack/health" if reads => return page(StatusCode::OK, &health(cloud)),
        "/_haneul/health" | "/_localstack/health" => return method_not_allowed("GET, HEAD"),
        _ => {}
    }
    if let Err(why) = admit(cloud, head, &body, conn).await {
        return failure(StatusCode::FORBIDDEN, &why);
    }
    if let Some(request_id) = path.strip_prefix("/_haneul/explain/").filter(|_| reads) {
        return match cloud.decisions.explain(request_id) {
            Some(report) => page(StatusCode::OK, &report),
            None => failure(StatusCode::NOT_FOUND, "no decision of this request is remembered"),
        };
    }
    match (path, &head.method) {
        ("/_haneul/least-privilege", _) if reads => least_privilege(cloud, head).await,
        ("/_haneul/usage", _) if reads => {
            match cloud.metering.usage(head.uri.query().unwrap_or_default()).await {
                Ok(usage) => page(StatusCode::OK, &usage),
                Err(error) => {
                    let status = error.status().and_then(|status| StatusCode::from_u16(status).ok());
                    failure(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), error.message())
                }
            }
        }
        ("/_haneul/services", _) if reads => page(StatusCode::OK, &services(cloud)),
        ("/_haneul/clock", _) if reads => page(StatusCode::OK, &clock(cloud)),
        ("/_haneul/clock", &Method::POST) => match set_clock(cloud, &body) {
            Ok(()) => page(StatusCode::OK, &clock(cloud)),
            Err(why) => failure(StatusCode::BAD_REQUEST, &why),
        },
        ("/_haneul/reset", &Method::POST) => match cloud.options.control.reset().await {
            Ok(()) => page(StatusCode::OK, &json!({ "reset": true })),
            Err(error) => {
                tracing::error!(%error, "the state could not be reset");
                let status = error.status().and_then(|status| StatusCode::from_u16(status).ok());
                failure(status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), error.message())
            }
        },
        (
            "/_haneul/services"
            | "/_haneul/clock"
            | "/_haneul/reset"
            | "/_haneul/least-privilege"
            | "/_haneul/usage",
            _,
        ) => method_not_allowed("GET, POST"),
        _ => failure(StatusCode::NOT_FOUND, "there is nothing at this path"),
    }
}

async fn least_privilege(cloud: &Cloud, head: &RequestHead) -> Response<ByteStream> {
    let query = head.uri.query().unwrap_or_default();
    let given = query.split('&').find_map(|pair| pair.strip_prefix("principal="));
    let Some(principal) = given.and_then(|text| percent_decode_str(text).decode_utf8().ok()) else {
        return failure(StatusCode::BAD_REQUEST, "say whose: ?principal=<the ARN of a user or role>");
    };
    match cloud.decisions.least_privilege(&principal).await {
        Ok(found) => page(StatusCode::OK, &found),
        Err(error) => failure(StatusCode::INTERNAL_SERVER_ERROR, error.message()),
    }
}

/// Lets in who is on this machine and no web page (a page may send to `localhost`, or to a name of its own that it has
/// pointed there: hence the look at Origin and Host), and who signs as root of the default account.
async fn admit(cloud: &Cloud, head: &RequestHead, body: &Bytes, conn: ConnInfo) -> Result<(), String> {
    if conn.peer.is_none_or(is_loopback) && is_from_here(head) {
        return Ok(());
    }
    let request = RequestParts::new(&head.method, &head.uri, &head.headers);
    let auth = RequestAuth::parse(&request);
    // Without signatures nobody can be told from anybody.
    if matches!(auth, Ok(RequestAuth::SigV4(_))) && !cloud.platform.config.relaxed {
        let terms = Terms {
            family: Family::RestJson,
            signing_name: None,
            anonymous: false,
            region: None,
            bucket: None,
            takes_v2: false,
            api_keys: None,
        };
        let (hash, now) = (SignedBody::hash(body), cloud.platform.env.now());
        let known = cloud.authn.identify(&cloud.platform, auth, &request, hash, &terms, now).await;
        let caller = known.map_err(|error| error.message().to_owned())?.caller;
        // Sessions are limited by policies, which nobody asks here.
        let is_root = caller.principal == Principal::Root && caller.session.is_none();
        if is_root && caller.account == AccountId::DEFAULT {
            return Ok(());
        }
    }
    Err("control requests come from this machine, or are signed by the root user of the default account"
        .into())
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

fn is_from_here(head: &RequestHead) -> bool {
    let origin = head.headers.get(header::ORIGIN);
    let origin_is_here = origin.is_none_or(|origin| origin.to_str().is_ok_and(cors::is_local));
    origin_is_here && head.host().is_none_or(Hosts::is_loopback)
}

/// The health page, in the form that scripts for LocalStack wait for.
fn health(cloud: &Cloud) -> Value {
    let services = cloud.catalog.entries().iter().filter(|entry| entry.service.is_some());
    let services: serde_json::Map<String, Value> =
        services.map(|entry| (entry.name().to_owned(), json!("running"))).collect();
    let stopping = cloud.platform.env.tasks.is_stopping();
    json!({
        "status": if stopping { "stopping" } else { "running" },
        "edition": "haneul",
        "version": cloud.options.version,
        "services": services,
    })
}

fn services(cloud: &Cloud) -> Value {
    let entries = cloud.catalog.entries().iter();
    let services: serde_json::Map<String, Value> = entries
        .map(|entry| {
            let implemented: Vec<&str> =
                entry.service.as_ref().map(|service| service.implemented().collect()).unwrap_or_default();
            let operations = haneul_wire::model(entry.model).operations.len();
            (entry.name().to_owned(), json!({ "operations": operations, "implemented": implemented }))
        })
        .collect();
    json!({ "services": services })
}

fn clock(cloud: &Cloud) -> Value {
    let clock = &cloud.platform.env.clock;
    let now = clock.now();
    json!({
        "now": now.iso8601_millis(),
        "epoch_ms": now.millis(),
        "frozen": clock.is_frozen(),
        "ahead_of_host_ms": clock.ahead_of_host_ms(),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    advance_seconds: Option<f64>,
    freeze: Option<bool>,
}

fn set_clock(cloud: &Cloud, body: &[u8]) -> Result<(), String> {
    let change: ClockChange = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let clock = &cloud.platform.env.clock;
    if change.advance_seconds.is_none() && change.freeze.is_none() {
        return Err("say advance_seconds or freeze".into());
    }
    if let Some(seconds) = change.advance_seconds
        && !(0.0..=ADVANCE_SECONDS_MAX).contains(&seconds)
    {
        return Err(
            "advance_seconds is not negative and at most a hundred years: time never goes back".into()
        );
    }
    match change.freeze {
        Some(true) => clock.freeze(),
        Some(false) => clock.resume(),
        None => {}
    }
    if let Some(seconds) = change.advance_seconds {
        clock.advance(Duration::from_secs_f64(seconds));
    }
    cloud.options.control.clock_moved()
}

fn page(status: StatusCode, content: &Value) -> Response<ByteStream> {
    let mut text = content.to_string();
    text.push('\n');
    let mut answer = Response::new(ByteStream::from_bytes(text));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

fn failure(status: StatusCode, message: &str) -> Response<ByteStream> {
    page(status, &json!({ "message": message }))
}

fn method_not_allowed(allowed: &'static str) -> Response<ByteStream> {
    let mut answer = failure(StatusCode::METHOD_NOT_ALLOWED, "this path is asked for otherwise");
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    answer
}
