//! Events by plain HTTP, for who has no SDK: signed, or with an API key of IAM (`Authorization: Bearer ACWL…`).
//!
//! Reading order: here what a request is and what it must be allowed; [`batch`] (how many events), [`formats`] (bodies as
//! events), [`otlp`] (those of OpenTelemetry). What is written goes the way of PutLogEvents. Source: CloudWatch Logs User
//! Guide, "Log ingestion through HTTP endpoints" and "Setting up bearer token authentication".

mod batch;
mod formats;
mod otlp;

use std::borrow::Cow;
use std::sync::Arc;

use haneul_kit::{
    Access, ApiError, BoxFuture, ByteStream, Cx, Extension, Handle, Principal, RequestHead, Result,
};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_otlp::Message;
use haneul_otlp::logs::{LogsResponse, PartialSuccess};
use http::{HeaderValue, Method, Response, StatusCode, header, response};
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::error;
use crate::names::GroupName;
use crate::service::Logs;

/// Bytes of a body; the front door has let in no more.
const BODY_MAX: usize = 10 << 20;

pub(crate) struct Ingestion(pub(crate) Arc<Logs>);

type Answer = Response<ByteStream>;

impl Extension for Ingestion {
    fn unmodelled<'a>(
        &'a self,
        cx: &'a Cx,
        body: ByteStream,
    ) -> BoxFuture<'a, std::result::Result<Result<Answer>, ByteStream>> {
        Box::pin(async move {
            let Some(head) = cx.http() else { return Err(body) };
            let Some(format) = Format::of(head.uri.path()) else { return Err(body) };
            Ok(self.0.ingest(cx, head, format, body).await)
        })
    }

    fn api_keys(&self) -> Option<&'static str> {
        Some("logs.amazonaws.com")
    }

    fn unpacks_bodies(&self) -> bool {
        true
    }

    fn decorate<'a>(&'a self, _: &'a Cx, _: &'a mut response::Parts) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Json,
    Lines,
    Collector,
    Otlp,
}

impl Format {
    fn of(path: &str) -> Option<Format> {
        Some(match path {
            "/ingest/json" => Format::Json,
            "/ingest/bulk" => Format::Lines,
            "/services/collector/event" => Format::Collector,
            "/v1/logs" => Format::Otlp,
            _ => return None,
        })
    }

    fn events(self, body: &[u8], now_ms: i64) -> Result<Vec<s::InputLogEvent>> {
        let text = std::str::from_utf8(body).map_err(|_| error::invalid("The body is not UTF-8."))?;
        let read = match self {
            Format::Json => formats::json,
            Format::Lines => formats::lines,
            Format::Collector => formats::collector,
            Format::Otlp => otlp::records,
        };
        Ok(read(text, now_ms)?)
    }

    fn takes(self, content_type: &str) -> bool {
        is_of(content_type, "application/json")
            || self == Format::Lines && is_of(content_type, "application/x-ndjson")
            || self == Format::Otlp && is_of(content_type, PROTOBUF)
    }
}

const PROTOBUF: &str = "application/x-protobuf";

fn is_of(content_type: &str, kind: &str) -> bool {
    content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(kind)
}

impl Logs {
    async fn ingest(&self, cx: &Cx, head: &RequestHead, format: Format, body: ByteStream) -> Result<Answer> {
        if matches!(cx.caller().principal, Principal::Anonymous) {
            return Err(unauthenticated());
        }
        if head.method != Method::POST {
            return Err(error::invalid("Only POST is supported.").with_status(405));
        }
        let by_query = format != Format::Otlp;
        let group = named(head, "x-aws-log-group", "logGroup", by_query)?;
        let stream = named(head, "x-aws-log-stream", "logStream", by_query)?;
        let name = GroupName::own(cx, &group);
        let mut accesses = self.on_stream("logs:PutLogEvents", &name, &stream).await?;
        let by_key = head.header("authorization").is_some_and(|value| !value.starts_with("AWS4-"));
        if by_key {
            accesses.push(Access::to("logs:CallWithBearerToken"));
        }
        self.platform.authorize(cx, "logs", &accesses).await.map_err(|denied| denied.with_status(403))?;
        if by_key && !self.records.group(&name).await?.takes_bearer_tokens {
            return Err(error::no_bearer_tokens().with_status(403));
        }
        let content_type = head.header(header::CONTENT_TYPE.as_str()).unwrap_or_default();
        if !format.takes(content_type) {
            let message = format!("The content type {content_type} is not supported.");
            return Err(error::invalid(message).with_status(415));
        }
        let body = body.collect(BODY_MAX).await.map_err(|_| error::invalid("The body cannot be read."))?;
        let now_ms = cx.now().millis();
        let by_protobuf = is_of(content_type, PROTOBUF);
        let mut events = match by_protobuf {
            true => otlp::protobuf::records(&body.into(), now_ms)?,
            false => format.events(&body, now_ms)?,
        };
        events.retain(|event| !event.message.is_empty());
        events.sort_by_key(|event| event.timestamp);
        let input = s::PutLogEventsRequest {
            log_group_name: group,
            log_stream_name: stream,
            log_events: events,
            ..Default::default()
        };
        let count = input.log_events.len();
        let written = Handle::<op::PutLogEvents>::call(self, cx, input).await?;
        let partial_success = written.rejected_log_events_info.map(|rejected| partial(&rejected, count));
        let (kind, said) = match by_protobuf {
            true => (PROTOBUF, LogsResponse { partial_success }.encode_to_vec()),
            false => ("application/json", as_json(partial_success).to_string().into_bytes()),
        };
        let mut answer = Response::new(ByteStream::from_bytes(said));
        *answer.status_mut() = StatusCode::OK;
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        Ok(answer)
    }
}

fn as_json(partial_success: Option<PartialSuccess>) -> Value {
    match partial_success {
        None => json!({}),
        Some(partial) => json!({ "partialSuccess": {
            "rejectedLogRecords": partial.rejected_log_records,
            "errorMessage": partial.error_message,
        } }),
    }
}

/// What is said when some of `count` events were not taken. Source: the page of the OTLP endpoint; those of the others are silent
/// about it.
fn partial(rejected: &s::RejectedLogEventsInfo, count: usize) -> PartialSuccess {
    let index = |index: Option<i32>| index.and_then(|index| usize::try_from(index).ok());
    let too_old = index(rejected.too_old_log_event_end_index).unwrap_or_default();
    let expired = index(rejected.expired_log_event_end_index).map_or(0, |end| end - too_old);
    let too_new = index(rejected.too_new_log_event_start_index).map_or(0, |start| count - start);
    let why = json!({
        "tooOldLogEventCount": too_old,
        "tooNewLogEventCount": too_new,
        "expiredLogEventCount": expired,
    });
    PartialSuccess {
        rejected_log_records: (too_old + expired + too_new) as i64,
        error_message: why.to_string(),
    }
}

fn unauthenticated() -> ApiError {
    ApiError::new("MissingAuthenticationTokenException", "Missing Authentication Token").with_status(401)
}

/// What a header says, or else the query; both at once are refused.
fn named(head: &RequestHead, in_header: &str, in_query: &str, by_query: bool) -> Result<String> {
    let asked = head.header(in_header).map(str::to_owned);
    let query = head.uri.query().unwrap_or_default().split('&');
    let found = query.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == in_query);
    let found = found.filter(|_| by_query).map(|(_, value)| {
        let value = value.replace('+', " ");
        percent_decode_str(&value).decode_utf8().map(Cow::into_owned).unwrap_or_default()
    });
    let name = match (asked, found) {
        (Some(_), Some(_)) => {
            let both = format!("{in_query} cannot be given both as a header and as a query parameter.");
            return Err(error::invalid(both));
        }
        (asked, found) => asked.or(found).filter(|name| !name.is_empty()),
    };
    name.ok_or_else(|| error::invalid(format!("{in_query} is required.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_events_are_counted() {
        let rejected = |old, expired, new| s::RejectedLogEventsInfo {
            too_old_log_event_end_index: old,
            expired_log_event_end_index: expired,
            too_new_log_event_start_index: new,
        };
        for (rejected, counts) in [
            (rejected(Some(3), None, None), [3, 0, 0]),
            (rejected(Some(3), Some(4), Some(9)), [3, 1, 1]),
            (rejected(None, Some(2), None), [0, 2, 0]),
            (rejected(None, None, Some(0)), [0, 0, 10]),
        ] {
            let said = &as_json(Some(partial(&rejected, 10)))["partialSuccess"];
            let why: Value = serde_json::from_str(said["errorMessage"].as_str().unwrap()).unwrap();
            let found =
                ["tooOldLogEventCount", "expiredLogEventCount", "tooNewLogEventCount"].map(|name| &why[name]);
            assert_eq!(found, counts.map(Value::from).each_ref());
            assert_eq!(said["rejectedLogRecords"], counts.iter().sum::<i32>());
        }
    }
}
