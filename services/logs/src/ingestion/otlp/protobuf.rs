//! The same records in Protobuf. Their members have the names and forms of Protobuf's mapping to JSON, so that a message is
//! what it would be had the record come as JSON.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use haneul_logs_wire::shapes::InputLogEvent;
use haneul_otlp::attributes::{AnyValue, KeyValue, Resource, Scope, Value as Any};
use haneul_otlp::logs::{LOG_RECORDS, LogRecord, RESOURCE, RESOURCE_LOGS, SCOPE, SCOPE_LOGS, each};
use haneul_otlp::{Bytes, Message};
use serde_json::{Map, Value};

use super::{NANOS_PER_MILLI, message};
use crate::ingestion::batch::{Batch, Read};

pub(in crate::ingestion) fn records(body: &Bytes, now_ms: i64) -> Read<Vec<InputLogEvent>> {
    let mut batch = Batch::default();
    for of_resource in each(body.clone(), RESOURCE_LOGS) {
        let of_resource = of_resource?;
        let resource = only(&of_resource, RESOURCE, resource_as_json)?;
        for of_scope in each(of_resource, SCOPE_LOGS) {
            let of_scope = of_scope?;
            let scope = only(&of_scope, SCOPE, scope_as_json)?;
            for record in each(of_scope, LOG_RECORDS) {
                let record = record?;
                batch.room(0)?;
                let record: LogRecord = read(record)?;
                let at = [record.time_unix_nano, record.observed_time_unix_nano]
                    .into_iter()
                    .find(|nanos| *nanos > 0);
                let at = at.and_then(|nanos| i64::try_from(nanos).ok());
                let timestamp = at.map_or(now_ms, |nanos| nanos / NANOS_PER_MILLI);
                let around = [("resource", &resource), ("scope", &scope)];
                let message = message(&record_as_json(record), around, &batch)?;
                batch.push(InputLogEvent { timestamp, message })?;
            }
        }
    }
    Ok(batch.events())
}

/// A message that is there once, as JSON.
fn only<M: Message + Default>(around: &Bytes, field: u32, as_json: fn(M) -> Value) -> Read<Option<String>> {
    let last = each(around.clone(), field).last().transpose()?;
    last.map(|message| Ok(as_json(read(message)?).to_string())).transpose()
}

/// What a message holds may take many times its length, so that is looked at before.
fn read<M: Message + Default>(message: Bytes) -> Read<M> {
    Batch::takes(message.len())?;
    Ok(M::decode(message)?)
}

/// A message as JSON: members that have their default are left out.
#[derive(Default)]
struct Members(Map<String, Value>);

impl Members {
    fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.insert(name.to_owned(), value.into());
    }

    fn text(&mut self, name: &str, text: String) {
        if !text.is_empty() {
            self.set(name, text);
        }
    }

    fn number(&mut self, name: &str, number: impl Into<i64>) {
        let number = number.into();
        if number != 0 {
            self.set(name, number);
        }
    }

    /// 64-bit integers are strings in Protobuf's JSON.
    fn nanos(&mut self, name: &str, nanos: u64) {
        if nanos != 0 {
            self.set(name, nanos.to_string());
        }
    }

    /// Of a trace or span; hexadecimal, which is OpenTelemetry's own.
    fn id(&mut self, name: &str, id: &[u8]) {
        self.text(name, id.iter().map(|byte| format!("{byte:02x}")).collect());
    }

    fn attributes(&mut self, pairs: Vec<KeyValue>) {
        if !pairs.is_empty() {
            self.set("attributes", map(pairs));
        }
    }
}

fn resource_as_json(resource: Resource) -> Value {
    let mut members = Members::default();
    members.attributes(resource.attributes);
    members.number("droppedAttributesCount", resource.dropped_attributes_count);
    members.0.into()
}

fn scope_as_json(scope: Scope) -> Value {
    let mut members = Members::default();
    members.text("name", scope.name);
    members.text("version", scope.version);
    members.attributes(scope.attributes);
    members.number("droppedAttributesCount", scope.dropped_attributes_count);
    members.0.into()
}

fn record_as_json(record: LogRecord) -> Value {
    let mut members = Members::default();
    members.nanos("timeUnixNano", record.time_unix_nano);
    members.nanos("observedTimeUnixNano", record.observed_time_unix_nano);
    members.number("severityNumber", record.severity_number);
    members.text("severityText", record.severity_text);
    if let Some(body) = record.body {
        members.set("body", any(body));
    }
    members.attributes(record.attributes);
    members.number("droppedAttributesCount", record.dropped_attributes_count);
    members.number("flags", record.flags);
    members.id("traceId", &record.trace_id);
    members.id("spanId", &record.span_id);
    members.text("eventName", record.event_name);
    members.0.into()
}

fn map(pairs: Vec<KeyValue>) -> Map<String, Value> {
    pairs.into_iter().map(|pair| (pair.key, pair.value.map_or(Value::Null, any))).collect()
}

/// As deep as the reader goes, 100.
fn any(value: AnyValue) -> Value {
    match value.value {
        None => Value::Null,
        Some(Any::String(text)) => text.into(),
        Some(Any::Bool(is)) => is.into(),
        Some(Any::Int(number)) => number.into(),
        Some(Any::Double(number)) if number.is_nan() => "NaN".into(),
        Some(Any::Double(f64::INFINITY)) => "Infinity".into(),
        Some(Any::Double(f64::NEG_INFINITY)) => "-Infinity".into(),
        Some(Any::Double(number)) => number.into(),
        Some(Any::Array(array)) => array.values.into_iter().map(any).collect(),
        Some(Any::KeyValues(list)) => map(list.values).into(),
        Some(Any::Bytes(bytes)) => BASE64_STANDARD.encode(bytes).into(),
    }
}

#[cfg(test)]
mod tests {
    use haneul_otlp::attributes::{ArrayValue, KeyValueList};

    use super::*;
    use crate::ingestion::batch::Refused;

    /// A field of bytes, encoded.
    fn field(number: u32, content: &[u8]) -> Vec<u8> {
        let mut out = vec![(number << 3 | 2) as u8];
        let mut length = content.len();
        while length > 127 {
            out.push(length as u8 | 128);
            length >>= 7;
        }
        out.push(length as u8);
        out.extend_from_slice(content);
        out
    }

    fn request(resource: &[u8], scope: &[u8], records: &[Vec<u8>]) -> Bytes {
        let records: Vec<u8> = records.iter().flat_map(|record| field(LOG_RECORDS, record)).collect();
        // What comes before what is not of importance.
        let of_scope = [records, field(SCOPE, scope)].concat();
        let of_resource = [field(SCOPE_LOGS, &of_scope), field(RESOURCE, resource)].concat();
        field(RESOURCE_LOGS, &of_resource).into()
    }

    #[test]
    fn records_are_as_those_of_json() {
        let of = |value| Some(AnyValue { value: Some(value) });
        let list = vec![AnyValue { value: Some(Any::Bool(true)) }, AnyValue { value: None }];
        let record = LogRecord {
            time_unix_nano: 1_741_900_000_000_000_000,
            severity_number: 9,
            severity_text: "INFO".into(),
            body: of(Any::KeyValues(KeyValueList { values: vec![KeyValue::of("a", Any::Double(1.5))] })),
            attributes: vec![
                KeyValue::of("n", Any::Int(7)),
                KeyValue::of("l", Any::Array(ArrayValue { values: list })),
                KeyValue::of("b", Any::Bytes(vec![1, 2, 3])),
                KeyValue::of("d", Any::Double(f64::NAN)),
            ],
            trace_id: vec![0x5b, 0x8e],
            flags: 1,
            ..Default::default()
        };
        let later = LogRecord { observed_time_unix_nano: 5_000_000, ..Default::default() };
        let resource =
            Resource { attributes: vec![KeyValue::string("service.name", "shop")], ..Default::default() };
        let scope = Scope { name: "lib".into(), ..Default::default() };
        let records_of = [record.encode_to_vec(), later.encode_to_vec(), Vec::new()];
        let body = request(&resource.encode_to_vec(), &scope.encode_to_vec(), &records_of);
        let events = records(&body, 99).unwrap();
        let times: Vec<_> = events.iter().map(|event| event.timestamp).collect();
        assert_eq!(times, [1_741_900_000_000, 5, 99]);
        let json = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
            "scopeLogs":[{"scope":{"name":"lib"},"logRecords":[
              {"timeUnixNano":"1741900000000000000","severityNumber":9,"severityText":"INFO","traceId":"5b8e","flags":1,
               "body":{"kvlistValue":{"values":[{"key":"a","value":{"doubleValue":1.5}}]}},
               "attributes":[{"key":"n","value":{"intValue":"7"}},{"key":"l","value":{"arrayValue":{"values":[{"boolValue":true},null]}}},
                             {"key":"b","value":{"bytesValue":"AQID"}},{"key":"d","value":{"doubleValue":"NaN"}}]},
              {"observedTimeUnixNano":"5000000"},{}]}]}]}"#;
        let plain = |events: &[InputLogEvent]| -> Vec<_> {
            events.iter().map(|event| (event.timestamp, event.message.clone())).collect()
        };
        assert_eq!(plain(&events), plain(&super::super::records(json, 99).unwrap()));
    }

    #[test]
    fn what_is_beyond_a_batch_is_not_read() {
        let long =
            Resource { attributes: vec![KeyValue::string("a", "x".repeat(600_000))], ..Default::default() };
        let long = long.encode_to_vec();
        // Attributes of two bytes each.
        let many = [0x32, 0].repeat(600_000);
        for (body, found) in [
            (request(&[], &[], &vec![Vec::new(); 10_000]), Ok(10_000)),
            (request(&[], &[], &vec![Vec::new(); 400_000]), Err(Refused::TooMany)),
            (request(&long, &[], &vec![Vec::new(); 400_000]), Err(Refused::TooLong)),
            (request(&[0x0a, 0].repeat(600_000), &[], &[]), Err(Refused::TooLong)),
            (request(&[], &[], &[many]), Err(Refused::TooLong)),
            (request(&[0xff], &[], &[]), Err(Refused::NotProtobuf)),
            (request(&[], &[], &[b"\x1a\x01\xff".to_vec()]), Err(Refused::NotProtobuf)),
            (Bytes::from_static(b"{\"resourceLogs\":[]}"), Err(Refused::NotProtobuf)),
            (Bytes::new(), Ok(0)),
        ] {
            assert_eq!(
                records(&body, 0).map(|events| events.len()),
                found,
                "{:?}",
                &body[..body.len().min(100)]
            );
        }
    }
}
