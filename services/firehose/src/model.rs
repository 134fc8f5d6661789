//! What is kept in the store.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes};
use haneul_kit::{AccountId, Region};
use haneul_store::{Record, RecordError, Table};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Owner, Region and name.
pub(crate) type StreamKey = (AccountId, Region, String);

/// Where records are: the stream's id, when they arrived in milliseconds, and a number of their own.
pub(crate) type RowKey = (u64, i64, u64);

pub(crate) static STREAMS: Table<StreamKey, StreamRecord> = Table::new("firehose.streams");

/// Records as they came, those of one call in rows of a megabyte at most, behind a byte of their [`row_kind`]: see [`pack`].
pub(crate) static ROWS: Table<RowKey, Vec<u8>> = Table::new("firehose.records");

/// What is being delivered, by the stream's id.
pub(crate) static DELIVERIES: Table<u64, DeliveryRecord> = Table::new("firehose.deliveries");

/// How far shards of a source were read, by the stream's id and the shard's.
pub(crate) static POSITIONS: Table<(u64, String), PositionRecord> = Table::new("firehose.positions");

/// Streams that are gone, whose records are to be thrown away, by id.
pub(crate) static GONE: Table<u64, ()> = Table::new("firehose.gone");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StreamRecord {
    pub(crate) id: u64,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: Option<i64>,
    pub(crate) version: u64,
    /// `None` for what is put.
    pub(crate) source: Option<Source>,
    pub(crate) destination: Destination,
    pub(crate) throughput_hint: Option<i32>,
    pub(crate) tags: BTreeMap<String, String>,
    /// What seals the records, while encryption is on.
    pub(crate) data_key: Option<DataKeyRecord>,
    pub(crate) encrypts: bool,
}

impl Record for StreamRecord {
    const VERSION: u32 = 2;

    /// Of version 1: the cloud sealed every data key.
    fn migrate(version: u32, bytes: &[u8]) -> Result<Self, RecordError> {
        let mut old = migrated(version, bytes)?;
        if let Some(Value::String(sealed)) = old.remove("data_key") {
            old.insert("data_key".into(), json!({ "Owned": sealed }));
        }
        serde_json::from_value(old.into()).map_err(RecordError::of)
    }
}

/// The fields of a record of version 1.
fn migrated(version: u32, bytes: &[u8]) -> Result<Map<String, Value>, RecordError> {
    match version {
        1 => serde_json::from_slice(bytes).map_err(RecordError::of),
        _ => Err(RecordError(format!("nothing migrates schema version {version}"))),
    }
}

/// How the data key of a stream is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum DataKeyRecord {
    /// Sealed by the cloud.
    Owned(String),
    /// Sealed by a key of KMS, in base64, that the service uses by a grant.
    Kms { key_arn: String, sealed: String, grant: String },
}

impl DataKeyRecord {
    /// The key of KMS that it is under.
    pub(crate) fn key_arn(&self) -> Option<&str> {
        match self {
            DataKeyRecord::Owned(_) => None,
            DataKeyRecord::Kms { key_arn, .. } => Some(key_arn),
        }
    }
}

/// A Kinesis data stream that is read, from the time at which the Firehose stream was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Source {
    /// ARN.
    pub(crate) stream: String,
    pub(crate) role: String,
}

/// How far a shard was read: what comes up to here is in [`ROWS`], or was delivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PositionRecord {
    /// The first sequence number of the shard: a data stream that is made anew has shards of the same names.
    pub(crate) begins: String,
    /// The sequence number of the last record that was read.
    pub(crate) after: Option<String>,
    /// The shard is closed, and all of it was read.
    pub(crate) done: bool,
}

impl Record for PositionRecord {}

/// A bucket, and what becomes of records on the way there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Destination {
    pub(crate) role: String,
    /// ARN.
    pub(crate) bucket: String,
    pub(crate) prefix: Option<String>,
    pub(crate) error_prefix: Option<String>,
    pub(crate) size_mb: i32,
    pub(crate) interval_s: i32,
    pub(crate) compression: String,
    pub(crate) kms_key: Option<String>,
    pub(crate) logging: Option<Logging>,
    pub(crate) processing: Option<Processing>,
    pub(crate) backup_enabled: bool,
    pub(crate) backup: Option<Box<Destination>>,
    pub(crate) file_extension: Option<String>,
    pub(crate) time_zone: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Logging {
    pub(crate) enabled: bool,
    pub(crate) group: Option<String>,
    pub(crate) stream: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Processing {
    pub(crate) enabled: bool,
    /// By kind, with their parameters.
    pub(crate) processors: Vec<(String, Vec<(String, String)>)>,
}

/// An object on its way. Its name and the rows that it holds stay the same however often it is tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DeliveryRecord {
    /// The first and the last row, both in it.
    pub(crate) from: (i64, u64),
    pub(crate) to: (i64, u64),
    pub(crate) named_ms: i64,
    /// The stream's version when it was named.
    pub(crate) version: u64,
    /// What is random in names is drawn from this.
    pub(crate) seed: u64,
    /// Of the object of records, where the first version named it: then with the stream's version as it is. That version gave it to all
    /// objects of a delivery, of which one could replace another; the others have names of their own now. Only read, as a delivery
    /// is written once.
    #[serde(default, skip_serializing)]
    pub(crate) uuid: Option<String>,
}

impl Record for DeliveryRecord {
    const VERSION: u32 = 2;

    /// Of version 1, which had two forms: in the first, the UUID of its objects' names was kept, and nothing else that is random
    /// in them; the second is that of now.
    fn migrate(version: u32, bytes: &[u8]) -> Result<Self, RecordError> {
        let mut old = migrated(version, bytes)?;
        if let Some(uuid) = old.get("uuid").and_then(Value::as_str) {
            let digits = uuid.replace('-', "");
            let seed =
                digits.get(..16).and_then(|digits| u64::from_str_radix(digits, 16).ok()).unwrap_or_default();
            old.extend([("seed".into(), json!(seed)), ("version".into(), json!(1))]);
        }
        serde_json::from_value(old.into()).map_err(RecordError::of)
    }
}

/// What is in a row, by its first byte.
pub(crate) mod row_kind {
    pub(crate) const PLAIN: u8 = 0;
    /// Sealed with the stream's own key.
    pub(crate) const SEALED: u8 = 1;
    /// Read from a source: in front of each record what is told of it there, as JSON.
    pub(crate) const READ: u8 = 2;
}

/// Records one after the other, each behind its length.
pub(crate) fn pack<'r>(records: impl Iterator<Item = &'r [u8]>) -> Vec<u8> {
    let mut row = Vec::new();
    for record in records {
        row.extend_from_slice(&(record.len() as u32).to_le_bytes());
        row.extend_from_slice(record);
    }
    row
}

/// The records of a row, which share its memory. `None` for what [`pack`] did not make.
pub(crate) fn unpack(mut row: Bytes) -> Option<Vec<Bytes>> {
    let mut records = Vec::new();
    while !row.is_empty() {
        let length = u32::from_le_bytes(*row.first_chunk::<4>()?) as usize;
        row.advance(4);
        if length > row.len() {
            return None;
        }
        records.push(row.split_to(length));
    }
    Some(records)
}

/// How much of an object a row fills.
pub(crate) fn weight(row: &[u8]) -> u64 {
    let Some((&row_kind::READ, mut rest)) = row.split_first() else { return row.len() as u64 };
    let (mut is_record, mut weight) = (false, 0);
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        rest = behind.get(length..).unwrap_or_default();
        weight += if is_record { length as u64 } else { 0 };
        is_record = !is_record;
    }
    weight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_unpacked_as_they_were_packed() {
        let records: [&[u8]; 4] = [b"one", b"", b"three", &[0; 300]];
        let row = pack(records.into_iter());
        let row = Bytes::from(row);
        assert_eq!(unpack(row.clone()).unwrap(), records);
        assert_eq!(unpack(Bytes::new()).unwrap(), Vec::<Bytes>::new());
        assert_eq!(unpack(row.slice(..row.len() - 1)), None);
        assert_eq!(unpack(Bytes::from_static(&[1, 0])), None);
    }

    #[test]
    fn records_of_the_first_version() {
        let stored = br#"{"id":7,"created_ms":1,"updated_ms":null,"version":3,"destination":{"role":"r","bucket":"b",
            "prefix":null,"error_prefix":null,"size_mb":5,"interval_s":300,"compression":"GZIP","kms_key":null,
            "logging":null,"processing":null,"backup_enabled":false,"backup":null,"file_extension":null,"time_zone":null},
            "throughput_hint":null,"tags":{},"data_key":"sealed","encrypts":true}"#;
        let stream = StreamRecord::migrate(1, stored).unwrap();
        assert_eq!((stream.data_key, stream.source), (Some(DataKeyRecord::Owned("sealed".into())), None));
        let open = String::from_utf8(stored.to_vec()).unwrap().replace("\"sealed\"", "null");
        assert_eq!(StreamRecord::migrate(1, open.as_bytes()).unwrap().data_key, None);
        let stored =
            br#"{"from":[1,2],"to":[3,4],"uuid":"00000000-0000-002a-8000-000000000000","named_ms":5}"#;
        let delivery = DeliveryRecord::migrate(1, stored).unwrap();
        assert_eq!((delivery.from, delivery.to, delivery.named_ms, delivery.seed), ((1, 2), (3, 4), 5, 42));
        assert_eq!(delivery.uuid.as_deref(), Some("00000000-0000-002a-8000-000000000000"));
        let seeded = br#"{"from":[1,2],"to":[3,4],"named_ms":5,"version":6,"seed":7}"#;
        let delivery = DeliveryRecord::migrate(1, seeded).unwrap();
        assert_eq!((delivery.version, delivery.seed, delivery.uuid), (6, 7, None));
        assert!(DeliveryRecord::migrate(3, stored).is_err());
    }

    #[test]
    fn what_is_told_of_a_record_fills_no_object() {
        let packed = pack([&b"told"[..], b"one", b"told too", b"three"].into_iter());
        assert_eq!(weight(&[&[row_kind::READ], &packed[..]].concat()), 8);
        assert_eq!(weight(&[&[row_kind::PLAIN], &packed[..]].concat()), packed.len() as u64 + 1);
        assert_eq!(weight(&[row_kind::READ, 9, 0]), 0);
    }
}
