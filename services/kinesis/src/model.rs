//! What is kept in the store: streams, their shards and consumers, and the records in rows of many.

use std::collections::{BTreeMap, BTreeSet};

use haneul_kit::{AccountId, Region};
use haneul_store::{Record, Table};
use serde::{Deserialize, Serialize};

use crate::hash::{HashKey, HashRange};
use crate::row::Row;

/// By owner, Region and name.
pub(crate) static STREAMS: Table<(AccountId, Region, String), StreamRecord> = Table::new("kinesis.streams");

/// By the stream's number and the shard's.
pub(crate) static SHARDS: Table<(u64, u32), ShardRecord> = Table::new("kinesis.shards");

/// By the stream's number and the consumer's name.
pub(crate) static CONSUMERS: Table<(u64, String), ConsumerRecord> = Table::new("kinesis.consumers");

/// By the stream's number, the shard's, and the place of the row's first record.
pub(crate) static ROWS: Table<(u64, u32, u64), Row> = Table::new("kinesis.records");

/// Numbers of streams that are gone and whose rows are not yet.
pub(crate) static GONE: Table<u64, ()> = Table::new("kinesis.gone");

/// The number of the next stream.
pub(crate) static COUNTERS: Table<String, u64> = Table::new("kinesis.counters");

pub(crate) const STREAM_COUNTER: &str = "streams";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StreamRecord {
    /// Unique in the cloud and never used again.
    pub(crate) no: u64,
    pub(crate) created_ms: i64,
    /// What is under way, and when it takes effect; `None` for an active stream.
    pub(crate) under_way: Option<UnderWay>,
    pub(crate) on_demand: bool,
    pub(crate) retention_hours: u32,
    /// What arrived before is not shown any more: a longer retention brings nothing back.
    pub(crate) horizon_ms: i64,
    /// The number of the next shard.
    pub(crate) next_shard: u32,
    /// Metrics that each shard has for itself.
    pub(crate) monitored: BTreeSet<String>,
    /// The key of KMS, as it was given.
    pub(crate) kms_key: Option<String>,
    pub(crate) record_kib_max: u32,
    /// The highest that was allowed at any time: how large a row can be.
    pub(crate) record_kib_ever: u32,
    /// Records go to the shards in turn, whatever their keys are.
    pub(crate) spread: bool,
    pub(crate) policy: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
    /// When UpdateShardCount, UpdateStreamMode and the encryption operations were called within a day.
    pub(crate) scaled_ms: Vec<i64>,
    pub(crate) mode_changed_ms: Vec<i64>,
    pub(crate) key_changed_ms: Vec<i64>,
    /// For an on-demand stream: the open shards that it had when it began to grow, and when that was.
    pub(crate) grown_from: u32,
    pub(crate) grown_ms: i64,
}

impl Record for StreamRecord {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct UnderWay {
    pub(crate) change: Change,
    pub(crate) due_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Change {
    Create,
    Delete,
    /// Something that took effect already.
    Settle,
    Split {
        shard: u32,
        at: HashKey,
    },
    Merge {
        shard: u32,
        adjacent: u32,
    },
    Scale {
        target: u32,
    },
    Encrypt {
        kms_key: Option<String>,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ShardRecord {
    pub(crate) created_ms: i64,
    /// The seconds in its sequence numbers: later than those of its parents, whatever the clock said.
    pub(crate) began_secs: u64,
    pub(crate) parent: Option<u32>,
    pub(crate) adjacent_parent: Option<u32>,
    pub(crate) range: HashRange,
    pub(crate) closed_ms: Option<i64>,
    /// Places before this one were given out. Raised when rows are trimmed, which told it before.
    pub(crate) next_place: u64,
}

impl Record for ShardRecord {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ConsumerRecord {
    pub(crate) created_ms: i64,
    /// Deregistered; gone a moment later.
    pub(crate) deleted_ms: Option<i64>,
    pub(crate) policy: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Record for ConsumerRecord {}

/// How long a stream or consumer is in a state on the way to another.
pub(crate) const TRANSITION_MS: i64 = 500;

pub(crate) const HOUR_MS: i64 = 3_600_000;

impl StreamRecord {
    pub(crate) fn new(no: u64, created_ms: i64) -> StreamRecord {
        StreamRecord {
            no,
            created_ms,
            under_way: None,
            on_demand: false,
            retention_hours: 24,
            horizon_ms: 0,
            next_shard: 0,
            monitored: BTreeSet::new(),
            kms_key: None,
            record_kib_max: 1024,
            record_kib_ever: 1024,
            spread: false,
            policy: None,
            tags: BTreeMap::new(),
            scaled_ms: Vec::new(),
            mode_changed_ms: Vec::new(),
            key_changed_ms: Vec::new(),
            grown_from: 0,
            grown_ms: 0,
        }
    }

    /// As DescribeStream has it.
    pub(crate) fn status(&self) -> &'static str {
        match self.under_way.as_ref().map(|under_way| &under_way.change) {
            None => "ACTIVE",
            Some(Change::Create) => "CREATING",
            Some(Change::Delete) => "DELETING",
            Some(_) => "UPDATING",
        }
    }

    /// Whether records can be put and read: neither before it is there nor when it goes.
    pub(crate) fn is_usable(&self) -> bool {
        !matches!(
            self.under_way.as_ref().map(|under_way| &under_way.change),
            Some(Change::Create | Change::Delete)
        )
    }

    pub(crate) fn mode(&self) -> &'static str {
        if self.on_demand { "ON_DEMAND" } else { "PROVISIONED" }
    }

    /// What arrived before is not shown.
    pub(crate) fn trimmed_before_ms(&self, now_ms: i64) -> i64 {
        (now_ms - i64::from(self.retention_hours) * HOUR_MS).max(self.horizon_ms)
    }
}

impl ConsumerRecord {
    pub(crate) fn status(&self, now_ms: i64) -> &'static str {
        match self.deleted_ms {
            Some(_) => "DELETING",
            None if now_ms < self.created_ms + TRANSITION_MS => "CREATING",
            None => "ACTIVE",
        }
    }

    pub(crate) fn is_gone(&self, now_ms: i64) -> bool {
        self.deleted_ms.is_some_and(|deleted_ms| now_ms >= deleted_ms + TRANSITION_MS)
    }
}
