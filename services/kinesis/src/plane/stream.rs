//! A stream in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use haneul_kit::{Arn, Policy, Result};
use haneul_policy::Rules;
use parking_lot::{Mutex, RwLock};

use super::Shard;
use crate::error;
use crate::hash::HashKey;
use crate::model::{ConsumerRecord, StreamRecord};
use crate::names::{ConsumerName, StreamKey};

/// An on-demand stream at most doubles its shards within this time. Source: Developer Guide, "On-demand mode".
const GROWTH_WINDOW_MS: i64 = 15 * 60_000;

/// Shards that an on-demand stream has at most: 200 MB/s. Source: Developer Guide, "Quotas and limits".
const ON_DEMAND_SHARDS_MAX: usize = 200;

pub(crate) struct Stream {
    pub(crate) key: StreamKey,
    pub(crate) arn: Arn,
    pub(crate) no: u64,
    state: RwLock<Arc<State>>,
    /// Held for reading while records find their shards and get their places, for writing while shards or the key
    /// change: no record gets into a shard that is being closed, or unsealed into a stream that is encrypted.
    pub(crate) routing: tokio::sync::RwLock<()>,
    /// Shards of an on-demand stream that are near their limits, and may be split.
    pub(crate) hot: Mutex<BTreeSet<u32>>,
    turn: AtomicUsize,
}

/// What is known of a stream at one moment.
#[derive(Clone)]
pub(crate) struct State {
    pub(crate) record: StreamRecord,
    pub(crate) policy: Option<Arc<Policy>>,
    /// All that are not expired.
    pub(crate) shards: BTreeMap<u32, Arc<Shard>>,
    /// Those that take records, by where they begin on the ring, and that place.
    open: Vec<(HashKey, Arc<Shard>)>,
    pub(crate) consumers: BTreeMap<String, Consumer>,
    pub(crate) gone: bool,
}

#[derive(Clone)]
pub(crate) struct Consumer {
    pub(crate) record: ConsumerRecord,
    pub(crate) policy: Option<Arc<Policy>>,
}

impl Stream {
    pub(crate) fn new(key: StreamKey, state: State) -> Stream {
        Stream {
            arn: key.arn(),
            key,
            no: state.record.no,
            state: RwLock::new(Arc::new(state)),
            routing: tokio::sync::RwLock::default(),
            hot: Mutex::default(),
            turn: AtomicUsize::new(0),
        }
    }

    pub(crate) fn state(&self) -> Arc<State> {
        self.state.read().clone()
    }

    pub(crate) fn set_state(&self, state: State) {
        *self.state.write() = Arc::new(state);
    }

    /// For streams whose records go to the shards in turn.
    pub(crate) fn next_turn(&self) -> usize {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }
}

impl State {
    pub(crate) fn new(
        record: StreamRecord,
        shards: BTreeMap<u32, Arc<Shard>>,
        consumers: BTreeMap<String, Consumer>,
    ) -> State {
        let policy = compiled(record.policy.as_deref());
        let open = open(&shards);
        State { record, policy, shards, open, consumers, gone: false }
    }

    /// The same with another record.
    pub(crate) fn with_record(&self, record: StreamRecord) -> State {
        let policy = match record.policy == self.record.policy {
            true => self.policy.clone(),
            false => compiled(record.policy.as_deref()),
        };
        State { record, policy, ..self.clone() }
    }

    pub(crate) fn with_shards(self, shards: BTreeMap<u32, Arc<Shard>>) -> State {
        let open = open(&shards);
        State { shards, open, ..self }
    }

    pub(crate) fn open(&self) -> impl ExactSizeIterator<Item = &Arc<Shard>> {
        self.open.iter().map(|(_, shard)| shard)
    }

    /// Whether a shard may be split because it is near its limits.
    pub(crate) fn may_split(&self, shard: &Shard, now_ms: i64) -> bool {
        let range = shard.record.range;
        self.record.on_demand && !shard.is_closed() && range.first < range.last && self.room(now_ms) > 0
    }

    /// How many shards an on-demand stream may have more.
    pub(crate) fn room(&self, now_ms: i64) -> usize {
        let open = self.open.len();
        let from = if self.is_grown(now_ms) { open } else { self.record.grown_from as usize };
        ON_DEMAND_SHARDS_MAX.min(2 * from).saturating_sub(open)
    }

    /// Whether the time is over in which it could double its shards, and another one may begin.
    pub(crate) fn is_grown(&self, now_ms: i64) -> bool {
        now_ms >= self.record.grown_ms + GROWTH_WINDOW_MS
    }

    /// The shard that has this part of the ring.
    pub(crate) fn shard_of(&self, key: HashKey) -> Option<&Arc<Shard>> {
        let at = self.open.partition_point(|(first, _)| *first <= key);
        self.open.get(at.checked_sub(1)?).map(|(_, shard)| shard)
    }

    /// The shard whose turn it is.
    pub(crate) fn shard_in_turn(&self, turn: usize) -> Option<&Arc<Shard>> {
        self.open.get(turn % self.open.len().max(1)).map(|(_, shard)| shard)
    }

    /// The children of a shard.
    pub(crate) fn children(&self, index: u32) -> impl Iterator<Item = &Arc<Shard>> {
        self.shards.range(index + 1..).map(|(_, shard)| shard).filter(move |shard| {
            shard.record.parent == Some(index) || shard.record.adjacent_parent == Some(index)
        })
    }
}

impl Consumer {
    pub(crate) fn new(record: ConsumerRecord) -> Consumer {
        let policy = compiled(record.policy.as_deref());
        Consumer { record, policy }
    }

    pub(crate) fn named(&self, name: &str) -> ConsumerName {
        ConsumerName { name: name.to_owned(), created_secs: self.record.created_ms.div_euclid(1000) }
    }
}

fn open(shards: &BTreeMap<u32, Arc<Shard>>) -> Vec<(HashKey, Arc<Shard>)> {
    let open = shards.values().filter(|shard| !shard.is_closed());
    let mut open: Vec<_> = open.map(|shard| (shard.record.range.first, shard.clone())).collect();
    open.sort_by_key(|(first, _)| *first);
    open
}

/// Actions that a stream's or consumer's policy can give to other accounts. Source: Developer Guide, "Sharing your data stream
/// with another account".
pub(crate) const SHARED: [&str; 9] = [
    "kinesis:DescribeStream",
    "kinesis:DescribeStreamSummary",
    "kinesis:DescribeStreamConsumer",
    "kinesis:GetRecords",
    "kinesis:GetShardIterator",
    "kinesis:ListShards",
    "kinesis:PutRecord",
    "kinesis:PutRecords",
    "kinesis:SubscribeToShard",
];

/// A policy that was looked at when it was put; one that a later version does not read gives nothing to anybody.
fn compiled(document: Option<&str>) -> Option<Arc<Policy>> {
    Policy::parse(document?, &Rules::RESOURCE).ok().map(Arc::new)
}

/// Whether a document can be the policy of a resource.
pub(crate) fn check_policy(document: &str) -> Result<()> {
    if document.len() > POLICY_BYTES_MAX {
        return Err(error::invalid(format!("The policy is longer than {POLICY_BYTES_MAX} bytes.")));
    }
    Policy::parse(document, &Rules::RESOURCE).map(drop).map_err(error::policy)
}

/// Source: Developer Guide, "Sharing your data stream with another account": 20 KB.
const POLICY_BYTES_MAX: usize = 20 * 1024;
