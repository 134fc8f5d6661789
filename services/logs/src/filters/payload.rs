//! What a subscriber is sent: events as JSON, packed by gzip, in base64.
//!
//! Source: CloudWatch Logs User Guide, "Real-time processing of log data with subscriptions".

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use haneul_kit::{ApiError, Result};
use serde_json::{Map, Value, json};

use crate::events::Event;
use crate::pattern::Pattern;

/// Where the events are from.
pub(crate) struct Source<'a> {
    pub(crate) owner: String,
    pub(crate) group: &'a str,
    pub(crate) stream: &'a str,
    pub(crate) filter: &'a str,
    pub(crate) of_account: bool,
    /// System fields that are sent along.
    pub(crate) system: &'a [(String, String)],
}

/// Longest payload of an asynchronous invocation.
pub(crate) const PAYLOAD_MAX: usize = 1_048_576;
/// Longest record of Firehose; Kinesis takes some more.
const RECORD_MAX: usize = 1_024_000;

/// What is sent at once.
pub(crate) struct Payload<'e> {
    pub(crate) body: Vec<u8>,
    pub(crate) events: &'e [Event],
}

/// The matching events as payloads for a function, or as records of a stream, each short enough, and how many fit in none.
pub(crate) fn payloads<'e>(
    is_function: bool,
    source: &Source<'_>,
    pattern: &Pattern,
    events: &'e [Event],
) -> Result<(Vec<Payload<'e>>, usize)> {
    let (mut done, mut left_out) = (Vec::new(), 0);
    let mut parts = vec![events];
    while let Some(part) = parts.pop() {
        if part.is_empty() {
            continue;
        }
        let packed = packed(&message(source, pattern, part))?;
        let (body, most) = match is_function {
            true => {
                let data = STANDARD.encode(packed);
                (json!({ "awslogs": { "data": data } }).to_string().into_bytes(), PAYLOAD_MAX)
            }
            false => (packed, RECORD_MAX),
        };
        if body.len() <= most {
            done.push(Payload { body, events: part });
        } else if part.len() > 1 {
            let (first, second) = part.split_at(part.len() / 2);
            parts.push(second);
            parts.push(first);
        } else {
            left_out += 1;
        }
    }
    Ok((done, left_out))
}

fn message(source: &Source<'_>, pattern: &Pattern, events: &[Event]) -> Value {
    let event = |event: &Event| {
        let mut shown = Map::new();
        shown.insert("id".into(), event.place.id().into());
        shown.insert("timestamp".into(), event.place.time_ms.into());
        shown.insert("message".into(), event.message.clone().into());
        let is_space = matches!(pattern, Pattern::Space(_));
        if is_space || !source.system.is_empty() {
            let fields = if is_space { pattern.extract(&event.message) } else { Vec::new() };
            let fields = fields
                .into_iter()
                .map(|(name, value)| (name.trim_start_matches('$').to_owned(), value.into()));
            let system = source.system.iter().map(|(name, value)| (name.clone(), value.clone().into()));
            shown.insert("extractedFields".into(), Value::Object(fields.chain(system).collect()));
        }
        Value::Object(shown)
    };
    let mut message = json!({
        "messageType": "DATA_MESSAGE",
        "owner": source.owner,
        "logGroup": source.group,
        "logStream": source.stream,
        "subscriptionFilters": [source.filter],
        "logEvents": events.iter().map(event).collect::<Vec<_>>(),
    });
    if source.of_account {
        message["policyLevel"] = "ACCOUNT_LEVEL_POLICY".into();
    }
    message
}

/// What a stream is sent when it becomes a destination.
pub(crate) fn control(kind: &str, now_ms: i64) -> Result<Vec<u8>> {
    packed(&json!({
        "messageType": "CONTROL_MESSAGE",
        "owner": "CloudwatchLogs",
        "logGroup": "",
        "logStream": "",
        "subscriptionFilters": [],
        "logEvents": [{
            "id": "",
            "timestamp": now_ms,
            "message": format!("CWL CONTROL MESSAGE: Checking health of destination {kind}."),
        }],
    }))
}

fn packed(message: &Value) -> Result<Vec<u8>> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(message.to_string().as_bytes()).map_err(ApiError::internal)?;
    gzip.finish().map_err(ApiError::internal)
}
