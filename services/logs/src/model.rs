//! What is kept, and under which keys.

use haneul_kit::{AccountId, Region};
use haneul_store::{Record, RecordError, Table};
use serde::{Deserialize, Serialize};

/// A log group. Its streams and events hang on its `id`, so that one made anew under the same name begins empty.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) id: u64,
    pub(crate) created_ms: i64,
    pub(crate) retention_days: Option<i32>,
    pub(crate) class: String,
    pub(crate) deletion_protected: bool,
    pub(crate) tags: Vec<(String, String)>,
}

impl Record for Group {}

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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    Running,
    Complete,
    Cancelled,
    Failed,
}

impl Record for Query {}

pub(crate) static GROUPS: Table<(AccountId, Region, String), Group> = Table::new("logs.groups");
/// By the id of the group and the stream's name.
pub(crate) static STREAMS: Table<(u64, String), Stream> = Table::new("logs.streams");
/// By stream and sequence number.
pub(crate) static CHUNKS: Table<(u64, u64), Chunk> = Table::new("logs.chunks");
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
