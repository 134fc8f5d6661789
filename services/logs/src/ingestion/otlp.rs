//! OpenTelemetry's logs (OTLP/HTTP): each record becomes an event with its resource and scope. Here those that come as JSON, and what
//! an event's message is; [`protobuf`] has the others.

use std::borrow::Cow;
use std::collections::BTreeMap;

use haneul_logs_wire::shapes::InputLogEvent;
use serde_json::{Map, Value};

use super::batch::{Batch, Read};

pub(super) mod protobuf;

const NANOS_PER_MILLI: i64 = 1_000_000;

pub(super) fn records(text: &str, now_ms: i64) -> Read<Vec<InputLogEvent>> {
    let body: Value = serde_json::from_str(text)?;
    let mut batch = Batch::default();
    for of_resource in list(&body, "resourceLogs") {
        let resource = of_resource.get("resource").map(shown);
        for of_scope in list(of_resource, "scopeLogs") {
            let scope = of_scope.get("scope").map(shown);
            for record in list(of_scope, "logRecords") {
                let around = [("resource", &resource), ("scope", &scope)];
                let at =
                    ["timeUnixNano", "observedTimeUnixNano"].into_iter().find_map(|name| nanos(record, name));
                let timestamp = at.map_or(now_ms, |nanos| nanos / NANOS_PER_MILLI);
                let message = message(&plain(record), around, &batch)?;
                batch.push(InputLogEvent { timestamp, message })?;
            }
        }
    }
    Ok(batch.events())
}

fn shown(message: &Value) -> String {
    plain(message).to_string()
}

/// A plain record with what it hangs on, whose text is there already: it may be long, and stands in each of many records.
fn message(record: &Value, around: [(&str, &Option<String>); 2], batch: &Batch) -> Read<String> {
    let mut members: BTreeMap<&str, Cow<'_, str>> = BTreeMap::new();
    for (name, text) in around {
        if let Some(text) = text {
            members.insert(name, Cow::Borrowed(text));
        }
    }
    for (name, value) in record.as_object().into_iter().flatten() {
        members.insert(name, Cow::Owned(value.to_string()));
    }
    batch.room(members.iter().map(|(name, text)| name.len() + text.len()).sum())?;
    let mut message = String::from("{");
    for (name, text) in members {
        if message.len() > 1 {
            message.push(',');
        }
        message.push_str(&Value::from(name).to_string());
        message.push(':');
        message.push_str(&text);
    }
    message.push('}');
    Ok(message)
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// 64-bit integers are strings in Protobuf's JSON, and numbers of lenient clients. Zero means that it is not known.
fn nanos(record: &Value, name: &str) -> Option<i64> {
    let found = match record.get(name)? {
        Value::String(text) => text.parse().ok(),
        value => value.as_i64(),
    };
    found.filter(|nanos| *nanos > 0)
}

/// The members of a message, with attributes as a map and values without their types. As deep as the reader goes, 128.
fn plain(message: &Value) -> Value {
    let Value::Object(members) = message else { return message.clone() };
    let each = members.iter().map(|(name, value)| {
        let value = match (name.as_str(), value) {
            ("attributes", Value::Array(pairs)) => Value::Object(map(pairs)),
            ("body", value) => any(value),
            _ => value.clone(),
        };
        (name.clone(), value)
    });
    Value::Object(each.collect())
}

fn map(pairs: &[Value]) -> Map<String, Value> {
    let each = pairs.iter().filter_map(|pair| {
        let key = pair.get("key")?.as_str()?;
        Some((key.to_owned(), pair.get("value").map_or(Value::Null, any)))
    });
    each.collect()
}

/// An `AnyValue`.
fn any(value: &Value) -> Value {
    let Some((kind, inner)) = value.as_object().and_then(|members| members.iter().next()) else {
        return value.clone();
    };
    match (kind.as_str(), inner) {
        ("intValue", Value::String(text)) => text.parse::<i64>().map_or_else(|_| inner.clone(), Value::from),
        ("arrayValue", _) => Value::Array(list(inner, "values").map(any).collect()),
        ("kvlistValue", _) => {
            Value::Object(map(inner.get("values").and_then(Value::as_array).map_or(&[], Vec::as_slice)))
        }
        ("stringValue" | "boolValue" | "intValue" | "doubleValue" | "bytesValue", _) => inner.clone(),
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_keep_what_they_hang_on() {
        let body = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
            "scopeLogs":[{"scope":{"name":"lib"},"logRecords":[
              {"timeUnixNano":"1741900000000000000","severityText":"INFO","body":{"stringValue":"in"},
               "attributes":[{"key":"n","value":{"intValue":"7"}},{"key":"l","value":{"arrayValue":{"values":[{"boolValue":true}]}}}]},
              {"body":{"kvlistValue":{"values":[{"key":"a","value":{"doubleValue":1.5}}]}}}]}]}]}"#;
        let events = records(body, 99).unwrap();
        let read = |at: usize| serde_json::from_str::<Value>(&events[at].message).unwrap();
        assert_eq!((events[0].timestamp, events[1].timestamp), (1_741_900_000_000, 99));
        assert_eq!(read(0)["resource"]["attributes"]["service.name"], "shop");
        assert_eq!(read(0)["attributes"], serde_json::json!({"n": 7, "l": [true]}));
        assert_eq!((&read(0)["body"], &read(0)["scope"]["name"]), (&"in".into(), &"lib".into()));
        assert_eq!(read(1)["body"], serde_json::json!({"a": 1.5}));
        assert_eq!(
            events[1].message,
            r#"{"body":{"a":1.5},"resource":{"attributes":{"service.name":"shop"}},"scope":{"name":"lib"}}"#
        );
    }
}
