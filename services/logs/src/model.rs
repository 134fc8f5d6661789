//! What is kept, and under which keys.

mod scheduled;

pub(crate) use scheduled::{
    BucketTarget, DeliveryKind, DeliveryStatus, PENDING_RUNS, PendingRun, RunDelivery, RunStatus,
    SCHEDULED_QUERIES, SCHEDULED_RUNS, ScheduledQuery, ScheduledRun, TableTarget,
};

use haneul_kit::{AccountId, ApiError, Region, Result};
use haneul_store::{Record, RecordError, Table};
use serde::{Deserialize, Serialize};

use crate::names::GroupName;

/// A log group. Its streams and events hang on its `id`, so that one made anew under the same name begins empty.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) id: u64,
    pub(crate) created_ms: i64,
    pub(crate) retention_days: Option<i32>,
    pub(crate) class: String,
    pub(crate) deletion_protected: bool,
    /// Whether API keys may write.
    #[serde(default)]
    pub(crate) takes_bearer_tokens: bool,
    pub(crate) tags: Vec<(String, String)>,
    /// How many it has, so that events of a group without any need not look for them.
    #[serde(default)]
    pub(crate) metric_filters: u32,
    #[serde(default)]
    pub(crate) subscriptions: u32,
    /// What new events are sealed with.
    #[serde(default)]
    pub(crate) key: Option<GroupKey>,
    #[serde(default)]
    pub(crate) protection: Option<Protection>,
    #[serde(default)]
    pub(crate) transformer: Option<GroupTransformer>,
    #[serde(default)]
    pub(crate) index: Option<GroupIndex>,
}

impl Record for Group {}

/// The key of KMS that a group is associated with, and the number of the data key that was made for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupKey {
    pub(crate) arn: String,
    pub(crate) number: u64,
}

/// A data protection policy of a group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Protection {
    pub(crate) document: String,
    pub(crate) updated_ms: i64,
}

/// What transforms the events of a group from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupTransformer {
    pub(crate) number: u64,
    pub(crate) created_ms: i64,
    pub(crate) modified_ms: i64,
}

/// A field index policy of a group: new events are indexed by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupIndex {
    pub(crate) document: String,
    pub(crate) fields: Vec<String>,
    pub(crate) updated_ms: i64,
}

/// What is known of a field that events of some streams of a group were indexed by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IndexedField {
    /// Of the events that have it.
    pub(crate) first_event_ms: Option<i64>,
    pub(crate) last_event_ms: Option<i64>,
    pub(crate) last_scan_ms: Option<i64>,
}

impl Record for IndexedField {}

impl IndexedField {
    pub(crate) fn join(&mut self, other: &IndexedField) {
        let first = [self.first_event_ms, other.first_event_ms].into_iter().flatten().min();
        *self = IndexedField {
            first_event_ms: first,
            last_event_ms: self.last_event_ms.max(other.last_event_ms),
            last_scan_ms: self.last_scan_ms.max(other.last_scan_ms),
        };
    }
}

/// The processors of a transformer, as JSON. Kept for as long as events that came under it may be: they are transformed by it
/// whenever they are looked at.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TransformerRecord {
    pub(crate) config: String,
}

impl Record for TransformerRecord {}

impl TransformerRecord {
    /// Set in the numbers of those of account policies; those of a group are counted from one.
    pub(crate) const OF_ACCOUNT: u64 = 1 << 63;
}

/// A data key as KMS sealed it. Kept for as long as anything that it sealed may be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DataKeyRecord {
    pub(crate) key_arn: String,
    /// In base64.
    pub(crate) blob: String,
}

impl Record for DataKeyRecord {}

/// An export of events to a bucket.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Export {
    pub(crate) name: Option<String>,
    pub(crate) group: GroupPlace,
    pub(crate) group_id: u64,
    pub(crate) stream_prefix: Option<String>,
    /// Both inclusive.
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
    pub(crate) bucket: String,
    pub(crate) prefix: String,
    pub(crate) state: ExportState,
    pub(crate) message: String,
    pub(crate) created_ms: i64,
    pub(crate) ended_ms: Option<i64>,
    /// Streams whose files are in the bucket: the work goes on after this one.
    pub(crate) done: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ExportState {
    Pending,
    Running,
    PendingCancel,
    Cancelled,
    Completed,
    Failed,
}

impl Record for Export {}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Stream {
    pub(crate) id: u64,
    pub(crate) created_ms: i64,
    pub(crate) first_event_ms: Option<i64>,
    pub(crate) last_event_ms: Option<i64>,
    pub(crate) last_ingestion_ms: Option<i64>,
    /// As AWS counts: the messages in UTF-8 and 26 bytes for each.
    pub(crate) bytes: i64,
}

impl Record for Stream {}

impl Stream {
    /// One without events.
    pub(crate) fn new(id: u64, created_ms: i64) -> Stream {
        Stream {
            id,
            created_ms,
            first_event_ms: None,
            last_event_ms: None,
            last_ingestion_ms: None,
            bytes: 0,
        }
    }
}

/// Some events of one stream, in the form of [`crate::events::chunk`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Chunk(pub(crate) Vec<u8>);

impl Record for Chunk {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        out.extend_from_slice(&self.0);
        Ok(())
    }

    fn decode(bytes: &[u8]) -> Result<Chunk, RecordError> {
        Ok(Chunk(bytes.to_vec()))
    }
}

/// What was deleted and still has events to be swept away.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Garbage {
    Group,
    Stream { group: u64 },
}

impl Record for Garbage {}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ResourcePolicy {
    /// Of a group's policy, whose key is the group.
    #[serde(default)]
    pub(crate) name: Option<String>,
    pub(crate) document: String,
    pub(crate) updated_ms: i64,
    pub(crate) revision: String,
}

impl Record for ResourcePolicy {}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct QueryDefinition {
    pub(crate) name: String,
    pub(crate) query: String,
    pub(crate) groups: Vec<String>,
    pub(crate) modified_ms: i64,
}

impl Record for QueryDefinition {}

/// A query of Logs Insights. Its results are in memory; they are worked out anew when a restart lost them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Query {
    pub(crate) text: String,
    pub(crate) groups: Vec<String>,
    /// Both inclusive.
    pub(crate) start_ms: i64,
    pub(crate) end_ms: i64,
    pub(crate) limit: usize,
    pub(crate) created_ms: i64,
    pub(crate) took_ms: i64,
    pub(crate) status: Status,
    pub(crate) by: String,
    pub(crate) bytes: u64,
    /// Of the queries within it, in order; `None` for one that asks the same groups.
    #[serde(default)]
    pub(crate) nested_groups: Vec<Option<Vec<String>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    Running,
    Complete,
    Cancelled,
    Failed,
    TimedOut,
}

impl Record for Query {}

impl Query {
    /// Those that it asks, and those of the queries within it.
    pub(crate) fn asks(&self, group: &str) -> bool {
        self.groups.iter().chain(self.nested_groups.iter().flatten().flatten()).any(|name| name == group)
    }

    pub(crate) fn all_groups(&self) -> Vec<String> {
        let mut all: Vec<String> = self.groups.clone();
        all.extend(self.nested_groups.iter().flatten().flatten().cloned());
        all.sort();
        all.dedup();
        all
    }
}

/// What events of a group become in CloudWatch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MetricFilter {
    pub(crate) created_ms: i64,
    pub(crate) pattern: String,
    pub(crate) metric: String,
    pub(crate) namespace: String,
    /// A number, or the field that has it.
    pub(crate) value: String,
    /// Published for a minute in which events came and none matched.
    pub(crate) default: Option<f64>,
    /// Names, and the fields that have the values.
    pub(crate) dimensions: Vec<(String, String)>,
    pub(crate) unit: Option<String>,
    /// Looks at transformed events.
    #[serde(default)]
    pub(crate) transformed: bool,
    /// Which events it looks at, by their system fields.
    #[serde(default)]
    pub(crate) selection: Option<String>,
    /// System fields that are dimensions too.
    #[serde(default)]
    pub(crate) system_dimensions: Vec<String>,
}

impl Record for MetricFilter {}

/// Where events of a group go as they come.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Subscription {
    /// What waits to be delivered hangs on it.
    pub(crate) id: u64,
    pub(crate) created_ms: i64,
    pub(crate) pattern: String,
    pub(crate) destination: String,
    pub(crate) distribution: String,
    /// Looks at, and sends, transformed events.
    #[serde(default)]
    pub(crate) transformed: bool,
    /// As which events are put into a stream of Kinesis or Firehose.
    #[serde(default)]
    pub(crate) role: Option<String>,
    /// The id of the logical destination that it names.
    #[serde(default)]
    pub(crate) through: Option<u64>,
    /// Which events it sends, by their system fields.
    #[serde(default)]
    pub(crate) selection: Option<String>,
    /// System fields that are sent along.
    #[serde(default)]
    pub(crate) system_fields: Vec<String>,
}

impl Record for Subscription {}

/// A group's name in a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupPlace {
    account: u64,
    region: String,
    name: String,
}

impl GroupPlace {
    pub(crate) fn of(name: &GroupName) -> GroupPlace {
        GroupPlace {
            account: name.account.number(),
            region: name.region.as_str().to_owned(),
            name: name.name.clone(),
        }
    }

    /// # Errors
    /// When the record is damaged.
    pub(crate) fn name(&self) -> Result<GroupName> {
        let account = AccountId::new(self.account);
        let parts = account.zip(self.region.parse().ok());
        let (account, region) = parts.ok_or_else(|| ApiError::internal("a record names no log group"))?;
        Ok(GroupName { account, region, name: self.name.clone() })
    }
}

/// A chunk that was taken in and that filters still have to look at. Written with the chunk, gone when that is done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Arrival {
    pub(crate) group: GroupPlace,
    pub(crate) group_id: u64,
    pub(crate) stream: String,
    /// A policy of the account said when it came that its events in the embedded format are no metrics.
    #[serde(default)]
    pub(crate) unextracted: bool,
}

impl Record for Arrival {}

/// A chunk that could not be looked at when its turn came: its key is disabled, say. Tried again, for a day.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Postponed {
    pub(crate) arrival: Arrival,
    pub(crate) since_ms: i64,
    pub(crate) attempts: u32,
}

impl Record for Postponed {}

/// A chunk on its way to a subscription's destination.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) arrival: Arrival,
    /// Of the subscription filter or the account's policy.
    pub(crate) filter: String,
    pub(crate) of_account: bool,
    pub(crate) since_ms: i64,
    pub(crate) attempts: u32,
    pub(crate) next_ms: i64,
    /// It waits because it could not be read, which is no matter of the destination's: the events of other groups go on.
    #[serde(default)]
    pub(crate) unreadable: bool,
}

impl Record for Delivery {}

/// A minute in which events came to a group, for a metric filter with a default.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Minute {
    pub(crate) group: GroupPlace,
    pub(crate) matched: bool,
}

impl Record for Minute {}

/// A policy of an account in a Region.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AccountPolicy {
    pub(crate) id: u64,
    pub(crate) document: String,
    pub(crate) selection: Option<String>,
    pub(crate) updated_ms: i64,
    /// The id of the logical destination that a subscription policy names.
    #[serde(default)]
    pub(crate) through: Option<u64>,
    /// The number of what a transformer policy transforms by.
    #[serde(default)]
    pub(crate) transformer: Option<u64>,
}

impl Record for AccountPolicy {}

/// A logical destination: a stream that other accounts subscribe to, as its policy says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Destination {
    /// Who subscribed to it is no subscriber of one that is made anew under its name.
    pub(crate) id: u64,
    pub(crate) created_ms: i64,
    pub(crate) target: String,
    /// As which events are put into the target.
    pub(crate) role: String,
    pub(crate) policy: Option<String>,
    pub(crate) tags: Vec<(String, String)>,
}

impl Record for Destination {}

/// An anomaly detector of a group.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Detector {
    pub(crate) name: Option<String>,
    pub(crate) group: GroupPlace,
    pub(crate) group_id: u64,
    /// `FIVE_MIN` and the like.
    pub(crate) frequency: String,
    pub(crate) filter: Option<String>,
    pub(crate) visibility_days: i64,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) created_ms: i64,
    pub(crate) modified_ms: i64,
    /// Since when it trains: when it was made, or made to train anew.
    pub(crate) training_since_ms: i64,
    pub(crate) status: DetectorStatus,
    /// Events before this time were looked at.
    pub(crate) position_ms: i64,
}

impl Record for Detector {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DetectorStatus {
    Initializing,
    Training,
    Analyzing,
    Failed,
    Paused,
}

impl DetectorStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            DetectorStatus::Initializing => "INITIALIZING",
            DetectorStatus::Training => "TRAINING",
            DetectorStatus::Analyzing => "ANALYZING",
            DetectorStatus::Failed => "FAILED",
            DetectorStatus::Paused => "PAUSED",
        }
    }
}

impl Detector {
    /// What one evaluation looks at.
    pub(crate) fn span_ms(&self) -> i64 {
        let minutes = match self.frequency.as_str() {
            "ONE_MIN" => 1,
            "TEN_MIN" => 10,
            "FIFTEEN_MIN" => 15,
            "THIRTY_MIN" => 30,
            "ONE_HOUR" => 60,
            _ => 5,
        };
        minutes * 60_000
    }

    /// When the next evaluation is due, if events may be late by so much.
    pub(crate) fn next_ms(&self, late_ms: i64) -> i64 {
        self.position_ms.saturating_add(self.span_ms()).saturating_add(late_ms)
    }

    /// Trains anew.
    pub(crate) fn restart(&mut self, now_ms: i64) {
        self.status = DetectorStatus::Initializing;
        self.training_since_ms = now_ms;
        self.position_ms = now_ms;
    }
}

/// A lookup table. Its rows are apart.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LookupTable {
    pub(crate) description: Option<String>,
    pub(crate) fields: Vec<String>,
    pub(crate) rows: i64,
    pub(crate) bytes: i64,
    pub(crate) updated_ms: i64,
    pub(crate) tags: Vec<(String, String)>,
    /// What its rows are sealed with, if not with the cloud's own key.
    #[serde(default)]
    pub(crate) key: Option<DataKeyRecord>,
}

impl Record for LookupTable {}

pub(crate) static GROUPS: Table<(AccountId, Region, String), Group> = Table::new("logs.groups");
/// By the id of the group and the stream's name.
pub(crate) static STREAMS: Table<(u64, String), Stream> = Table::new("logs.streams");
/// By stream and sequence number.
pub(crate) static CHUNKS: Table<(u64, u64), Chunk> = Table::new("logs.chunks");
/// By stream and sequence, as chunks are: their indexes, in the form of [`crate::index::chunk`].
pub(crate) static CHUNK_INDEXES: Table<(u64, u64), Chunk> = Table::new("logs.chunk-indexes");
/// By group, one of a few parts of its streams, and field. (Once by the stream itself: the sweep makes those of them.)
pub(crate) static INDEXED_FIELDS: Table<(u64, u64, String), IndexedField> = Table::new("logs.indexed-fields");
/// Where the chunks of a scope (a group or a stream, by id) begin: scope, first time, sequence, stream → last time.
pub(crate) static BEGINS: Table<(u64, i64, u64, u64), u64> = Table::new("logs.begins");
/// Where they end: scope, last time, sequence, stream → first time.
pub(crate) static ENDS: Table<(u64, i64, u64, u64), u64> = Table::new("logs.ends");
pub(crate) static GARBAGE: Table<u64, Garbage> = Table::new("logs.garbage");
pub(crate) static POLICIES: Table<(AccountId, Region, String), ResourcePolicy> =
    Table::new("logs.resource_policies");
pub(crate) static QUERY_DEFINITIONS: Table<(AccountId, Region, String), QueryDefinition> =
    Table::new("logs.query_definitions");
pub(crate) static QUERIES: Table<(AccountId, Region, String), Query> = Table::new("logs.queries");
/// By the group's name and the filter's.
pub(crate) static METRIC_FILTERS: Table<(AccountId, Region, String, String), MetricFilter> =
    Table::new("logs.metric_filters");
pub(crate) static SUBSCRIPTIONS: Table<(AccountId, Region, String, String), Subscription> =
    Table::new("logs.subscriptions");
/// Chunks (sequence and stream) whose events metrics are to be made of, in the order in which they came.
pub(crate) static MEASURING: Table<(u64, u64), Arrival> = Table::new("logs.measuring");
/// By when it is tried again, then by chunk.
pub(crate) static POSTPONED: Table<(i64, u64, u64), Postponed> = Table::new("logs.postponed");
/// By subscription, then by chunk.
pub(crate) static DELIVERIES: Table<(u64, u64, u64), Delivery> = Table::new("logs.deliveries");
/// Of groups whose chunks cannot be read now: by subscription and group, then by chunk.
pub(crate) static HELD_DELIVERIES: Table<(u64, u64, u64, u64), Delivery> = Table::new("logs.held_deliveries");
/// By the minute's beginning, the group's id and the metric filter's name.
pub(crate) static MINUTES: Table<(i64, u64, String), Minute> = Table::new("logs.minutes");
/// By kind and name.
pub(crate) static ACCOUNT_POLICIES: Table<(AccountId, Region, String, String), AccountPolicy> =
    Table::new("logs.account_policies");
/// By group and number.
pub(crate) static DATA_KEYS: Table<(u64, u64), DataKeyRecord> = Table::new("logs.data_keys");
pub(crate) static EXPORTS: Table<(AccountId, Region, String), Export> = Table::new("logs.exports");
/// By group and number; those of account policies by 0 and number.
pub(crate) static TRANSFORMERS: Table<(u64, u64), TransformerRecord> = Table::new("logs.transformers");
/// By the group's name: the policy of that group alone.
pub(crate) static GROUP_POLICIES: Table<(AccountId, Region, String), ResourcePolicy> =
    Table::new("logs.group_policies");
pub(crate) static DETECTORS: Table<(AccountId, Region, String), Detector> = Table::new("logs.detectors");
/// By detector: its model, sealed.
pub(crate) static LEARNED: Table<String, String> = Table::new("logs.learned");
/// By detector and anomaly, sealed.
pub(crate) static ANOMALIES: Table<(String, String), String> = Table::new("logs.anomalies");
pub(crate) static LOOKUP_TABLES: Table<(AccountId, Region, String), LookupTable> =
    Table::new("logs.lookup_tables");
pub(crate) static DESTINATIONS: Table<(AccountId, Region, String), Destination> =
    Table::new("logs.destinations");
/// The CSV, packed by LZ4 and sealed, under the table's data key in base64.
pub(crate) static LOOKUP_BODIES: Table<(AccountId, Region, String), String> =
    Table::new("logs.lookup_bodies");
