use std::collections::BTreeMap;

use haneul_kit::{AccountId, Region};
use haneul_store::{Record, Table};
use serde::{Deserialize, Serialize};

/// By UUID.
pub(crate) static MAPPINGS: Table<(AccountId, Region, String), MappingRecord> = Table::new("lambda.mappings");

/// Where a mapping stands in a shard, by the mapping's UUID and the shard's id.
pub(crate) static SHARDS: Table<(String, String), ShardRecord> = Table::new("lambda.shards");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MappingRecord {
    pub(crate) source: String,
    pub(crate) kind: Kind,
    /// The function, version or alias, as an ARN.
    pub(crate) function: String,
    pub(crate) state: MappingState,
    /// `User initiated` and the like.
    pub(crate) reason: String,
    /// What came of the last batch: `OK`, `No records processed`, `PROBLEM: …`.
    pub(crate) result: String,
    pub(crate) modified_ms: i64,
    pub(crate) batch_size: u32,
    pub(crate) window_s: u32,
    /// Patterns as JSON text.
    pub(crate) filters: Vec<String>,
    pub(crate) item_failures: bool,
    pub(crate) concurrency_max: Option<u32>,
    pub(crate) metrics: Option<Vec<String>>,
    pub(crate) tags: BTreeMap<String, String>,
    // Of streams.
    pub(crate) start: Option<String>,
    /// Of Kinesis: what arrived before is passed over. `LATEST` means the time of the mapping itself.
    #[serde(default)]
    pub(crate) start_ms: Option<i64>,
    pub(crate) parallel: u32,
    pub(crate) on_failure: Option<String>,
    /// Seconds; -1 for as long as the stream keeps them.
    pub(crate) age_max_s: i64,
    /// -1 for as often as it takes.
    pub(crate) retries_max: i64,
    pub(crate) bisect: bool,
    pub(crate) tumbling_s: u32,
}

impl Record for MappingRecord {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Sqs,
    DynamoDb,
    /// A data stream, or a consumer of one.
    Kinesis,
}

impl Kind {
    /// As sentences name it.
    pub(crate) fn service(self) -> &'static str {
        match self {
            Kind::Sqs => "SQS",
            Kind::DynamoDb => "DynamoDB",
            Kind::Kinesis => "Kinesis",
        }
    }

    pub(crate) fn is_stream(self) -> bool {
        self != Kind::Sqs
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum MappingState {
    Creating,
    Enabling,
    Enabled,
    Disabling,
    Disabled,
    Updating,
    Deleting,
}

impl MappingState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            MappingState::Creating => "Creating",
            MappingState::Enabling => "Enabling",
            MappingState::Enabled => "Enabled",
            MappingState::Disabling => "Disabling",
            MappingState::Disabled => "Disabled",
            MappingState::Updating => "Updating",
            MappingState::Deleting => "Deleting",
        }
    }
}

/// Where a mapping stands in a shard.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ShardRecord {
    /// The last record that is dealt with; `None` to start at the beginning.
    pub(crate) position: Option<String>,
    /// The shard is closed and all of it dealt with.
    pub(crate) done: bool,
    /// What a failed batch was cut into, the next part last: each ends with the record of its number.
    pub(crate) parts: Vec<Part>,
    pub(crate) window: Option<Window>,
    /// The shard's first sequence number; `None` where it was not yet noted.
    #[serde(default)]
    pub(crate) begins: Option<String>,
}

impl Record for ShardRecord {}

impl ShardRecord {
    pub(crate) fn of(begins: &str) -> ShardRecord {
        ShardRecord { begins: Some(begins.to_owned()), ..ShardRecord::default() }
    }

    pub(crate) fn is_of(&self, begins: &str) -> bool {
        self.begins.as_ref().is_none_or(|known| known == begins)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) last: String,
    pub(crate) attempts: u32,
}

/// A tumbling window that is open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Window {
    pub(crate) start_ms: i64,
    pub(crate) state: serde_json::Value,
    pub(crate) ended_early: bool,
}
