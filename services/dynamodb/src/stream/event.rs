//! A change as Kinesis streams get it. Source: DynamoDB Developer Guide, "Getting started with Amazon Kinesis Data Streams
//! for Amazon DynamoDB", the record of a change.

use haneul_kit::Region;
use serde::Serialize;
use serde_json::Value as Json;

use super::record::Change;
use super::sequence::PER_MS;
use crate::transfer::json;
use crate::value::{Attrs, Value, size};

/// What is left of a partition key of Kinesis that is too long for it. Source: Kinesis API reference, "PartitionKey".
const PARTITION_KEY_MAX: usize = 256;

pub(crate) const MICROSECOND: &str = "MICROSECOND";
const MILLISECOND: &str = "MILLISECOND";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Event<'a> {
    aws_region: &'a str,
    #[serde(rename = "eventID")]
    event_id: String,
    event_name: &'a str,
    user_identity: Option<Identity>,
    record_format: &'a str,
    table_name: &'a str,
    dynamodb: Data<'a>,
    event_source: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    r#type: &'static str,
    principal_id: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Data<'a> {
    approximate_creation_date_time: i64,
    approximate_creation_date_time_precision: &'a str,
    keys: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_image: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_image: Option<Json>,
    size_bytes: usize,
}

/// Where a change comes from.
pub(crate) struct Origin<'a> {
    pub(crate) region: Region,
    pub(crate) table: &'a str,
    pub(crate) log: u64,
    pub(crate) precision: Option<&'a str>,
}

impl Origin<'_> {
    /// The document of a change with this number, and how large the change is, in bytes of items. The same change has the
    /// same `eventID`, however often it is told.
    pub(crate) fn document(&self, number: u64, change: &Change) -> (Vec<u8>, usize) {
        let micros = self.precision == Some(MICROSECOND);
        let images = [Some(&change.key), change.new.as_ref(), change.old.as_ref()];
        let size_bytes = images.into_iter().flatten().map(size::of_item).sum();
        let event = Event {
            aws_region: self.region.as_str(),
            event_id: self.id(number),
            event_name: change.event(),
            user_identity: change
                .by_service
                .then_some(Identity { r#type: "Service", principal_id: "dynamodb.amazonaws.com" }),
            record_format: "application/json",
            table_name: self.table,
            dynamodb: Data {
                approximate_creation_date_time: if micros { at_us(number, change) } else { change.at_ms },
                approximate_creation_date_time_precision: if micros { MICROSECOND } else { MILLISECOND },
                keys: json::of_item(&change.key),
                new_image: change.new.as_ref().map(json::of_item),
                old_image: change.old.as_ref().map(json::of_item),
                size_bytes,
            },
            event_source: "aws:dynamodb",
        };
        // Strings, numbers and maps with names are always JSON.
        (serde_json::to_vec(&event).unwrap_or_default(), size_bytes)
    }

    /// A UUID.
    fn id(&self, number: u64) -> String {
        let hash = xxhash_rust::xxh3::xxh3_128(&[self.log.to_be_bytes(), number.to_be_bytes()].concat());
        let hash = hash & !(0xf << 76) & !(0x3 << 62) | 4 << 76 | 2 << 62;
        let hex = format!("{hash:032x}");
        let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        parts.join("-")
    }
}

/// The clock gives milliseconds; within one, changes are told apart by their order.
fn at_us(number: u64, change: &Change) -> i64 {
    let within = i64::try_from(number % PER_MS).unwrap_or(0).min(999);
    change.at_ms.saturating_mul(1000).saturating_add(within)
}

/// What all changes of one item have in common, so that they go to one shard: the value of the partition key.
pub(crate) fn partition_key(partition: &[String], key: &Attrs) -> String {
    use base64::Engine;
    let text = |value: &Value| match value {
        Value::S(text) => text.clone(),
        Value::N(number) => number.to_string(),
        Value::B(bytes) => base64::engine::general_purpose::STANDARD.encode(bytes),
        _ => String::new(),
    };
    let texts: Vec<String> = partition.iter().filter_map(|name| key.get(name)).map(text).collect();
    let text = texts.join("#");
    match text.encode_utf16().count() {
        1..=PARTITION_KEY_MAX => text,
        _ => format!("{:032X}", xxhash_rust::xxh3::xxh3_128(text.as_bytes())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Number;

    fn change(by_service: bool) -> Change {
        let key = Attrs::of(vec![("p".into(), Value::S("a".into()))]);
        let mut old = key.clone();
        old.insert("b", Value::B(vec![0, 1].into()));
        old.insert("n", Value::N(Number::of_i64(7)));
        Change { at_ms: 1_640_276_115_234, by_service, key, old: Some(old), new: None }
    }

    #[test]
    fn a_change_is_written_as_aws_writes_it() {
        let origin = |precision| Origin { region: Region::US_EAST_1, table: "Music", log: 3, precision };
        let number = (1_640_276_115_234 * PER_MS) + 5;
        let (document, bytes) = origin(None).document(number, &change(true));
        let text = String::from_utf8(document).unwrap();
        let read: Json = serde_json::from_str(&text).unwrap();
        let id = read["eventID"].as_str().unwrap();
        assert!(id.len() == 36 && &id[14..15] == "4" && "89ab".contains(&id[19..20]), "{id}");
        assert_eq!(bytes, 10);
        let expected = format!(
            r#"{{"awsRegion":"us-east-1","eventID":"{id}","eventName":"REMOVE","userIdentity":{{"type":"Service","principalId":"dynamodb.amazonaws.com"}},"recordFormat":"application/json","tableName":"Music","dynamodb":{{"ApproximateCreationDateTime":1640276115234,"ApproximateCreationDateTimePrecision":"MILLISECOND","Keys":{{"p":{{"S":"a"}}}},"OldImage":{{"b":{{"B":"AAE="}},"n":{{"N":"7"}},"p":{{"S":"a"}}}},"SizeBytes":10}},"eventSource":"aws:dynamodb"}}"#
        );
        assert_eq!(text, expected);
        let (again, _) = origin(Some(MICROSECOND)).document(number, &change(false));
        let read: Json = serde_json::from_slice(&again).unwrap();
        assert_eq!(read["eventID"], id);
        assert_eq!(read["userIdentity"], Json::Null);
        assert_eq!(read["dynamodb"]["ApproximateCreationDateTime"], 1_640_276_115_234_005_i64);
        assert_eq!(read["dynamodb"]["ApproximateCreationDateTimePrecision"], "MICROSECOND");
    }

    #[test]
    fn keys_of_any_length_are_partition_keys() {
        let key = |text: &str| {
            let key = Attrs::of(vec![("p".into(), Value::S(text.into())), ("s".into(), Value::Null)]);
            partition_key(&["p".to_owned()], &key)
        };
        assert_eq!(key("a"), "a");
        assert_eq!(key(&"k".repeat(256)), "k".repeat(256));
        let (one, other) = (key(&"k".repeat(257)), key(&"k".repeat(258)));
        assert!(one.len() == 32 && other.len() == 32 && one != other, "{one} {other}");
    }
}
