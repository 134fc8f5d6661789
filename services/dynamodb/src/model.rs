//! What is kept in the store.
//!
//! Items, index entries and stream records lie in tables whose keys are bytes of our own making (`engine::keys`); what
//! describes tables is JSON under names.

use std::collections::BTreeMap;

use haneul_kit::{AccountId, Region};
use haneul_store::{Key, KeyOf, Prefix, Record, RecordError, Table};
use serde::{Deserialize, Serialize};

mod destinations;
mod global;
mod insights;
mod item;

pub(crate) use destinations::{DELIVERIES, DeliveryRecord, DestinationRecord, DestinationState};
pub(crate) use global::{
    GlobalRecord, GlobalVersion, LINKS, LinkKey, LinkRecord, ReplicaSettings, ReplicaUnits,
};
pub(crate) use insights::{InsightsKind, InsightsRecord, InsightsRule, InsightsState};
pub(crate) use item::{ItemSize, StoredItem};

pub(crate) type TableKey = (AccountId, Region, String);

/// By owner, Region and name.
pub(crate) static TABLES: Table<TableKey, TableRecord> = Table::new("dynamodb.tables");

/// By a table's space: rises whenever what a write must know of the table changes, and is gone when the table is. Every
/// write reads it in its transaction, so that none commits by an old schema.
pub(crate) static EPOCHS: Table<u64, u64> = Table::new("dynamodb.epochs");

/// The next number of a kind, or the next time that something is due.
pub(crate) static COUNTERS: Table<String, u64> = Table::new("dynamodb.counters");

/// Items and index entries, by space, hash of the partition key, and key.
pub(crate) static ITEMS: Table<RawKey, StoredItem> = Table::new("dynamodb.items");

/// The same rows, of which only is read how large the items are.
pub(crate) static SIZES: Table<RawKey, ItemSize> = Table::new("dynamodb.items");

/// Changes of items in the order of their commits, by the number of the log and the change's number in it: what streams
/// and point-in-time recovery read (`stream::record`).
pub(crate) static LOG: Table<RawKey, Vec<u8>> = Table::new("dynamodb.log");

/// Streams, by the table's owner, Region and name, and the stream's label.
pub(crate) static STREAMS: Table<(AccountId, Region, String, String), StreamRecord> =
    Table::new("dynamodb.streams");

/// Backups, by the table's owner, Region and name, and the backup's id.
pub(crate) static BACKUPS: Table<BackupKey, BackupRecord> = Table::new("dynamodb.backups");

pub(crate) type BackupKey = (AccountId, Region, String, String);

/// Logs that nothing reads any more, to be emptied.
pub(crate) static DROPPED_LOGS: Table<u64, DroppedRecord> = Table::new("dynamodb.dropped-logs");

/// Spaces whose table or index is gone, to be emptied.
pub(crate) static DROPPED: Table<u64, DroppedRecord> = Table::new("dynamodb.dropped");

/// Exports, by the table's owner, Region and name, and the export's id.
pub(crate) static EXPORTS: Table<JobKey, ExportRecord> = Table::new("dynamodb.exports");

/// Imports, by the same.
pub(crate) static IMPORTS: Table<JobKey, ImportRecord> = Table::new("dynamodb.imports");

pub(crate) type JobKey = (AccountId, Region, String, String);

/// Tokens of transactions, by owner, Region and token.
pub(crate) static TOKENS: Table<TableKey, TokenRecord> = Table::new("dynamodb.tokens");

/// A key that is bytes and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RawKey(pub(crate) Vec<u8>);

/// The first bytes of [`RawKey`]s.
pub(crate) struct RawPrefix<'a>(pub(crate) &'a [u8]);

impl KeyOf<RawKey> for RawKey {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }
}

impl KeyOf<RawKey> for [u8] {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}

impl Key for RawKey {
    fn decode(from: &mut &[u8]) -> Option<RawKey> {
        Some(RawKey(std::mem::take(from).to_vec()))
    }
}

impl Prefix<RawKey> for RawPrefix<'_> {
    fn encode_prefix(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0);
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TableRecord {
    /// The space of its items: unique in the cloud and never used again.
    pub(crate) space: u64,
    /// A UUID.
    pub(crate) id: String,
    pub(crate) created_ms: i64,
    /// Name and type (S, N, B) of all key attributes, in the order in which they were given.
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) key_schema: Vec<KeyRecord>,
    pub(crate) indexes: Vec<IndexRecord>,
    pub(crate) billing: Billing,
    pub(crate) table_class: Option<String>,
    pub(crate) deletion_protection: bool,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) stream: Option<StreamSettings>,
    pub(crate) ttl: Option<TtlSettings>,
    /// When its time to live was enabled or disabled last.
    #[serde(default)]
    pub(crate) ttl_changed_ms: Option<i64>,
    pub(crate) resource_policy: Option<PolicyRecord>,
    pub(crate) pitr: Option<PitrSettings>,
    /// Set by a restore.
    pub(crate) restored: Option<RestoredFrom>,
    /// While a restore fills it.
    pub(crate) restoring: Option<RestoreSource>,
    /// Set when it is, or ever was, encrypted with a key of KMS.
    #[serde(default)]
    pub(crate) sse: Option<SseRecord>,
    /// The id of the import that fills it.
    #[serde(default)]
    pub(crate) importing: Option<String>,
    /// Set while it is a replica of a global table.
    #[serde(default)]
    pub(crate) global: Option<GlobalRecord>,
    /// Contributor insights of the table and of its global indexes, where they were ever switched on.
    #[serde(default)]
    pub(crate) insights: Vec<InsightsRecord>,
    /// Kinesis streams that its changes go to, or went to.
    #[serde(default)]
    pub(crate) destinations: Vec<DestinationRecord>,
    /// When it was given another class than it was made with.
    #[serde(default)]
    pub(crate) table_class_ms: Option<i64>,
}

/// How the items of a table are encrypted with a key of KMS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SseRecord {
    pub(crate) key_arn: String,
    /// The table's data key under that key, as base64. A table has no second one.
    pub(crate) data_key: String,
    /// What the data key is bound to, and whom the grant is for.
    pub(crate) table_arn: String,
    /// The id of the grant by which the service itself uses the key.
    pub(crate) grant: String,
    /// What is written is encrypted.
    pub(crate) on: bool,
    /// All that was there before is as `on` says.
    pub(crate) settled: bool,
    /// Since when the key cannot be used.
    pub(crate) inaccessible_ms: Option<i64>,
}

impl Record for TableRecord {
    const VERSION: u32 = 2;

    /// Of version 1: no stream had lanes, and a program of that time would go on writing to a log that is closed.
    fn migrate(version: u32, bytes: &[u8]) -> Result<Self, RecordError> {
        match version {
            1 => TableRecord::decode(bytes),
            _ => Err(RecordError(format!("nothing migrates schema version {version}"))),
        }
    }
}

impl TableRecord {
    /// Whether it may be used: no restore, no import and no other replica fills it any more.
    pub(crate) fn is_made(&self) -> bool {
        self.restoring.is_none()
            && self.importing.is_none()
            && self.global.as_ref().is_none_or(|global| global.active)
    }

    /// What it has to tell other replicas of, after it was written here; `None` where they are written with it.
    pub(crate) fn told(&self) -> Option<&GlobalRecord> {
        self.global.as_ref().filter(|global| global.version != GlobalVersion::Strong)
    }

    /// Set while it is a replica of a global table with multi-Region strong consistency.
    pub(crate) fn strong(&self) -> Option<&GlobalRecord> {
        self.global.as_ref().filter(|global| global.version == GlobalVersion::Strong)
    }

    /// The Regions whose replicas take every write of this one in the same transaction.
    pub(crate) fn mirrors(&self) -> &[Region] {
        self.strong().map_or(&[], |global| &global.peers)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeyRecord {
    pub(crate) name: String,
    /// `HASH` or `RANGE`
    pub(crate) role: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct IndexRecord {
    pub(crate) name: String,
    pub(crate) space: u64,
    pub(crate) global: bool,
    pub(crate) key_schema: Vec<KeyRecord>,
    /// `ALL`, `KEYS_ONLY` or `INCLUDE`
    pub(crate) projection: String,
    pub(crate) non_key_attributes: Vec<String>,
    pub(crate) throughput: Throughput,
    /// False while it is being filled.
    pub(crate) ready: bool,
}

/// Units in a second; of a table on demand, the most it may use (0 for no bound).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Throughput {
    pub(crate) read: i64,
    pub(crate) write: i64,
    pub(crate) increased_ms: Option<i64>,
    pub(crate) decreased_ms: Option<i64>,
    pub(crate) decreases_today: i64,
    pub(crate) read_max: i64,
    pub(crate) write_max: i64,
    /// What was asked to be there at once; 0 where nothing was.
    #[serde(default)]
    pub(crate) warm_read: i64,
    #[serde(default)]
    pub(crate) warm_write: i64,
}

impl Throughput {
    /// Without units and bounds, but as warm as it was.
    pub(crate) fn cleared(&self) -> Throughput {
        Throughput { warm_read: self.warm_read, warm_write: self.warm_write, ..Throughput::default() }
    }

    /// Bounds are for what is on demand.
    pub(crate) fn unbound(&mut self) {
        (self.read_max, self.write_max) = (0, 0);
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Billing {
    pub(crate) on_demand: bool,
    pub(crate) throughput: Throughput,
    /// When it last went over to on demand.
    pub(crate) on_demand_since_ms: Option<i64>,
    /// Whether the billing mode was ever named: DescribeTable tells of it only then.
    pub(crate) named: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StreamSettings {
    /// The number of its log: unique in the cloud.
    pub(crate) log: u64,
    /// The time it was made, by which its ARN tells it from earlier ones.
    pub(crate) label: String,
    pub(crate) view: String,
    /// Its open lanes, in the order of the hashes; none while it has not split, and all goes to `log`.
    #[serde(default)]
    pub(crate) lanes: Vec<LaneSettings>,
}

/// Where changes go now.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LaneSettings {
    pub(crate) log: u64,
    /// The log of the lane that it came of.
    pub(crate) parent: Option<u64>,
}

/// One of a stream's logs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LaneRecord {
    pub(crate) log: u64,
    pub(crate) from_ms: i64,
    /// When it split.
    pub(crate) until_ms: Option<i64>,
    pub(crate) parent: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TtlSettings {
    pub(crate) attribute: String,
    /// The space in which items lie by their time.
    pub(crate) space: u64,
    pub(crate) changed_ms: i64,
    /// False while the items that were there before are being looked through.
    pub(crate) ready: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PolicyRecord {
    pub(crate) document: String,
    pub(crate) revision: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PitrSettings {
    /// The number of its log.
    pub(crate) log: u64,
    pub(crate) since_ms: i64,
    pub(crate) days: i32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RestoredFrom {
    pub(crate) backup_arn: Option<String>,
    pub(crate) table_arn: String,
    pub(crate) at_ms: i64,
}

/// Where a restore takes its items from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RestoreSource {
    /// Of a table, or of a backup.
    pub(crate) space: u64,
    /// The log by which to go back, and to when, in milliseconds.
    pub(crate) log: Option<(u64, i64)>,
    /// How its items are encrypted.
    #[serde(default)]
    pub(crate) sse: Option<SseRecord>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct BackupRecord {
    /// Where its items are.
    pub(crate) space: u64,
    pub(crate) name: String,
    pub(crate) created_ms: i64,
    /// False until all items are copied.
    pub(crate) ready: bool,
    pub(crate) items: i64,
    pub(crate) bytes: i64,
    /// When it goes by itself: of a table that was deleted while it could be recovered.
    #[serde(default)]
    pub(crate) expires_ms: Option<i64>,
    /// The table as it was.
    pub(crate) record: TableRecord,
}

impl Record for BackupRecord {}

/// A stream from its beginning until nothing is left of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StreamRecord {
    pub(crate) log: u64,
    pub(crate) view: String,
    pub(crate) created_ms: i64,
    /// When it was disabled; it can be read for a day after.
    pub(crate) ended_ms: Option<i64>,
    pub(crate) key_schema: Vec<KeyRecord>,
    /// The table's.
    #[serde(default)]
    pub(crate) sse: Option<SseRecord>,
    #[serde(default)]
    pub(crate) policy: Option<PolicyRecord>,
    /// Since its first split, oldest first.
    #[serde(default)]
    pub(crate) lanes: Vec<LaneRecord>,
}

impl Record for StreamRecord {
    const VERSION: u32 = 2;

    /// Of version 1: no stream had a policy or lanes.
    fn migrate(version: u32, bytes: &[u8]) -> Result<Self, RecordError> {
        match version {
            1 => StreamRecord::decode(bytes),
            _ => Err(RecordError(format!("nothing migrates schema version {version}"))),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DroppedRecord {
    pub(crate) at_ms: i64,
}

impl Record for DroppedRecord {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TokenRecord {
    /// Of the whole request.
    pub(crate) digest: String,
    pub(crate) at_ms: i64,
    /// How large each item was, before or after: by that a repetition is reckoned.
    #[serde(default)]
    pub(crate) bytes: Vec<usize>,
}

impl Record for TokenRecord {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum JobStatus {
    InProgress,
    Completed,
    Failed,
}

impl JobStatus {
    /// As the API calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            JobStatus::InProgress => "IN_PROGRESS",
            JobStatus::Completed => "COMPLETED",
            JobStatus::Failed => "FAILED",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ExportRecord {
    pub(crate) status: JobStatus,
    pub(crate) started_ms: i64,
    pub(crate) ended_ms: Option<i64>,
    pub(crate) table_id: String,
    /// The log by which to go back.
    pub(crate) log: u64,
    /// The moment that is exported.
    pub(crate) at_ms: i64,
    /// Of an incremental export: from when, and up to and without when.
    pub(crate) window_ms: Option<(i64, i64)>,
    pub(crate) view: Option<String>,
    pub(crate) token: Option<String>,
    /// Of the request.
    pub(crate) digest: String,
    pub(crate) bucket: String,
    pub(crate) bucket_owner: Option<String>,
    pub(crate) prefix: Option<String>,
    /// `AES256` or `KMS`
    pub(crate) sse_algorithm: Option<String>,
    pub(crate) sse_key: Option<String>,
    pub(crate) format: String,
    pub(crate) items: Option<i64>,
    pub(crate) bytes: Option<i64>,
    /// Code and message.
    pub(crate) failure: Option<(String, String)>,
}

impl Record for ExportRecord {}

impl ExportRecord {
    /// Where everything of the export with this id is.
    pub(crate) fn folder(&self, id: &str) -> String {
        format!("{}/{id}", self.root())
    }

    /// Where its data files are: those of all incremental exports lie together.
    pub(crate) fn data_folder(&self, id: &str) -> String {
        match self.window_ms {
            None => format!("{}/{id}/data", self.root()),
            Some(_) => format!("{}/data", self.root()),
        }
    }

    pub(crate) fn manifest_key(&self, id: &str) -> String {
        format!("{}/manifest-summary.json", self.folder(id))
    }

    fn root(&self) -> String {
        match self.prefix.as_deref().map(|prefix| prefix.trim_end_matches('/')) {
            None | Some("") => "AWSDynamoDB".to_owned(),
            Some(prefix) => format!("{prefix}/AWSDynamoDB"),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ImportRecord {
    pub(crate) status: JobStatus,
    pub(crate) started_ms: i64,
    pub(crate) ended_ms: Option<i64>,
    /// The table as it was made.
    pub(crate) table: TableRecord,
    pub(crate) token: Option<String>,
    /// Of the request.
    pub(crate) digest: String,
    pub(crate) bucket: String,
    pub(crate) bucket_owner: Option<String>,
    pub(crate) prefix: Option<String>,
    pub(crate) format: String,
    pub(crate) compression: Option<String>,
    /// Of CSV.
    pub(crate) delimiter: Option<String>,
    pub(crate) header: Option<Vec<String>>,
    /// Bytes and records that were read, and records that were imported and that were not.
    pub(crate) bytes: i64,
    pub(crate) processed: i64,
    pub(crate) imported: i64,
    pub(crate) errors: i64,
    /// Code and message.
    pub(crate) failure: Option<(String, String)>,
}

impl Record for ImportRecord {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_before_lanes_are_read() {
        let stored =
            br#"{"log": 7, "view": "NEW_IMAGE", "created_ms": 5, "ended_ms": null, "key_schema": []}"#;
        let stream = StreamRecord::migrate(1, stored).unwrap();
        assert_eq!((stream.log, stream.policy, stream.lanes), (7, None, Vec::new()));
        assert!(StreamRecord::migrate(3, stored).is_err());
    }

    #[test]
    fn tables_of_before_lanes_are_read() {
        let throughput = r#"{"read": 0, "write": 0, "increased_ms": null, "decreased_ms": null, "decreases_today": 0,
            "read_max": 0, "write_max": 0}"#;
        let stored = format!(
            r#"{{"space": 3, "id": "id", "created_ms": 5, "attributes": [["p", "S"]], "key_schema": [], "indexes": [],
            "billing": {{"on_demand": true, "throughput": {throughput}, "on_demand_since_ms": null, "named": true}},
            "table_class": null, "deletion_protection": false, "tags": {{}},
            "stream": {{"log": 7, "label": "label", "view": "NEW_IMAGE"}}, "ttl": null, "resource_policy": null,
            "pitr": null, "restored": null, "restoring": null}}"#
        );
        let table = TableRecord::migrate(1, stored.as_bytes()).unwrap();
        let stream = table.stream.unwrap();
        assert_eq!((table.space, stream.log, stream.lanes), (3, 7, Vec::new()));
        assert!(TableRecord::migrate(3, stored.as_bytes()).is_err());
    }
}
