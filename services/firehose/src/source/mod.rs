//! Kinesis data streams that are read: their shards as the source's role, parents before their children, each from where it
//! stands; and what is kept of a record. [`aggregate`] takes apart what the Kinesis Producer Library put together.

mod aggregate;
mod calls;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use haneul_kinesis_wire::shapes as k;
use haneul_kit::{ApiError, Fault, Instant, Result};
use serde::{Deserialize, Serialize};

use crate::model::{PositionRecord, Source, StreamKey, StreamRecord, row_kind};
use crate::{Firehose, metrics};

#[cfg(test)]
pub(crate) use aggregate::tests;

/// Source: Developer Guide, "Send data using Kinesis Data Streams": GetRecords once a second for each shard.
const READ_EVERY: Duration = Duration::from_secs(1);
const BACK_OFF_MAX: Duration = Duration::from_secs(60);
/// Objects' worth of records that wait before nothing more is read.
const WAITING_MAX: u64 = 2;

/// What is told of a record that was read, as functions see it: `kinesisRecordMetadata`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Origin {
    sequence_number: String,
    /// Which one of an aggregated record.
    subsequence_number: u64,
    partition_key: String,
    shard_id: String,
    approximate_arrival_timestamp: i64,
}

/// The records of a row that was read, those that were aggregated one by one. `None` for what [`Reader`] did not write.
pub(crate) fn read_items(pieces: Vec<Bytes>) -> Option<Vec<(Origin, Bytes)>> {
    let mut items = Vec::new();
    for pair in pieces.chunks(2) {
        let [origin, data] = pair else { return None };
        let origin: Origin = serde_json::from_slice(origin).ok()?;
        match aggregate::user_records(data) {
            None => items.push((origin, data.clone())),
            Some(records) => items.extend((0..).zip(records).map(|(subsequence_number, (key, data))| {
                (Origin { subsequence_number, partition_key: key, ..origin.clone() }, data)
            })),
        }
    }
    Some(items)
}

/// Who reads the source of one stream.
pub(crate) struct Reader {
    pub(crate) state: Arc<Firehose>,
    pub(crate) key: StreamKey,
    /// The stream's.
    pub(crate) id: u64,
    pub(crate) source: Source,
    /// Nothing that arrived before is read.
    pub(crate) since: Instant,
}

/// A shard that is listed.
struct Shard {
    parents: Vec<String>,
    position: PositionRecord,
    /// Where to read on, if that is known.
    iterator: Option<String>,
}

type Shards = BTreeMap<String, Shard>;

/// A shard that could not be read.
struct Failing {
    /// In a row.
    failures: u32,
    again: Instant,
}

/// Where reading stands.
#[derive(Default)]
struct Progress {
    /// `None` when they are to be listed anew.
    shards: Option<Shards>,
    /// Which shard comes first in a round.
    turn: usize,
    failing: BTreeMap<String, Failing>,
}

/// How long what failed so often in a row is left alone.
fn back_off(failures: u32) -> Duration {
    (READ_EVERY * 2u32.saturating_pow(failures.min(10) - 1)).min(BACK_OFF_MAX)
}

impl Reader {
    /// Until the stream is gone.
    pub(crate) async fn run(self) {
        let env = &self.state.platform.env;
        let (mut progress, mut failures) = (Progress::default(), 0u32);
        while !env.tasks.is_stopping() {
            let pause = match self.round(&mut progress).await {
                Ok(true) => {
                    failures = 0;
                    READ_EVERY
                }
                Ok(false) => return,
                Err(error) => {
                    tracing::warn!(stream = self.key.2, %error, "a source could not be read and is tried again");
                    self.failed(&error);
                    failures += 1;
                    back_off(failures)
                }
            };
            tokio::select! {
                () = env.clock.sleep(pause) => {}
                () = env.tasks.stopping() => {}
            }
        }
    }

    fn failed(&self, error: &ApiError) {
        if error.fault() == Fault::Client {
            // The role may be another one now.
            self.state.sessions.forget(&self.key);
        }
    }

    /// Reads every shard once that can be read, or as many as there is room for; the next round goes on behind these. A shard
    /// that fails holds up no other. False when the stream is gone.
    ///
    /// # Errors
    /// When the shards are not known.
    async fn round(&self, Progress { shards, turn, failing }: &mut Progress) -> Result<bool> {
        let stream = self.state.records.stream(&self.key).await?;
        let Some(stream) = stream.filter(|stream| stream.id == self.id) else { return Ok(false) };
        let listed = match shards {
            Some(listed) => listed,
            None => shards.insert(self.listed().await?),
        };
        failing.retain(|id, _| listed.contains_key(id));
        let (mut is_over, mut failed) = (false, None);
        let mut ids: Vec<String> = listed.keys().cloned().collect();
        let first = *turn % ids.len().max(1);
        ids.rotate_left(first);
        for id in ids {
            if self.state.buffers.is_full(self.id, WAITING_MAX * stream.destination.size()) {
                break;
            }
            *turn = turn.wrapping_add(1);
            // A parent that is listed no more was trimmed, or had ended before.
            let is_behind = |parent: &String| listed.get(parent).is_some_and(|parent| !parent.position.done);
            let Some(shard) = listed.get(&id).filter(|shard| !shard.position.done) else { continue };
            if shard.parents.iter().any(is_behind) {
                continue;
            }
            let now = self.state.platform.env.now();
            if failing.get(&id).is_some_and(|failing| failing.again > now) {
                continue;
            }
            let Some(shard) = listed.get_mut(&id) else { continue };
            match self.read(&stream, &id, shard).await {
                Ok(has_moved) => {
                    failing.remove(&id);
                    is_over |= shard.position.done || !has_moved;
                }
                Err(error) => {
                    tracing::warn!(stream = self.key.2, shard = id, %error, "a shard could not be read and is tried again");
                    let failures = failing.get(&id).map_or(0, |failing| failing.failures) + 1;
                    failing.insert(id, Failing { failures, again: now + back_off(failures) });
                    failed = Some(error);
                }
            }
        }
        if let Some(error) = &failed {
            self.failed(error);
        }
        if is_over || failed.is_some() {
            // The children of a shard that ended are listed by now; one that failed may be another data stream's.
            *shards = None;
        }
        Ok(true)
    }

    /// The shards that were open since, and how far they were read.
    async fn listed(&self) -> Result<Shards> {
        let records = &self.state.records;
        let mut kept: BTreeMap<String, PositionRecord> =
            records.positions(self.id).await?.into_iter().collect();
        let mut shards = Shards::new();
        for listed in self.list().await? {
            let begins = listed.sequence_number_range.starting_sequence_number;
            let position = kept.remove(&listed.shard_id).filter(|position| position.begins == begins);
            let position = position.unwrap_or(PositionRecord { begins, after: None, done: false });
            let parents = [listed.parent_shard_id, listed.adjacent_parent_shard_id];
            let parents = parents.into_iter().flatten().collect();
            shards.insert(listed.shard_id, Shard { parents, position, iterator: None });
        }
        // What was trimmed is remembered no longer.
        for shard in kept.into_keys() {
            records.forget_position(self.id, &shard).await?;
        }
        Ok(shards)
    }

    /// Reads on in a shard. False when it does not stand where it was thought to, or the stream is gone.
    async fn read(&self, stream: &StreamRecord, id: &str, shard: &mut Shard) -> Result<bool> {
        let state = &self.state;
        let from = match shard.iterator.take() {
            Some(from) => from,
            None => match self.iterator(id, &shard.position).await? {
                Some(from) => from,
                None => return Ok(true),
            },
        };
        let Some(page) = self.page(from.clone()).await? else {
            // Others read it, too: it goes on from here next time.
            shard.iterator = Some(from);
            return Ok(true);
        };
        let is_done = page.next_shard_iterator.is_none();
        let bytes = page.records.iter().map(|record| record.data.len()).sum::<usize>() as u64;
        if let Some(behind_ms) = page.millis_behind_latest {
            state.sample(metrics::BEHIND, &self.key, behind_ms as f64);
        }
        if !page.records.is_empty() || is_done {
            state.sample(metrics::READ_RECORDS, &self.key, page.records.len() as f64);
            state.sample(metrics::READ_BYTES, &self.key, bytes as f64);
            state.meter_read(&self.key, page.records.iter().map(|record| record.data.len()));
            let last = page.records.last().map(|last| last.sequence_number.clone());
            let to = PositionRecord {
                begins: shard.position.begins.clone(),
                after: last.or_else(|| shard.position.after.clone()),
                done: is_done,
            };
            let now_ms = state.platform.env.now().millis();
            let pieces: Vec<Bytes> =
                page.records.into_iter().flat_map(|record| [told(&record, id), record.data]).collect();
            let rows = state.rows((self.id, now_ms), &pieces, 2).into_iter();
            let rows: Vec<_> =
                rows.map(|(place, packed, _)| (place, [&[row_kind::READ], &packed[..]].concat())).collect();
            let moved = (&shard.position, &to);
            if !state.records.accept_read((&self.key, self.id), id, moved, &rows).await? {
                return Ok(false);
            }
            shard.position = to;
            if !rows.is_empty() {
                state.arrived(&self.key, stream, bytes, now_ms);
            }
        }
        shard.iterator = page.next_shard_iterator;
        Ok(true)
    }
}

/// What is kept of a record beside its data.
fn told(record: &k::Record, shard: &str) -> Bytes {
    let origin = Origin {
        sequence_number: record.sequence_number.clone(),
        subsequence_number: 0,
        partition_key: record.partition_key.clone().unwrap_or_default(),
        shard_id: shard.to_owned(),
        approximate_arrival_timestamp: record.approximate_arrival_timestamp.map_or(0, Instant::millis),
    };
    serde_json::to_vec(&origin).unwrap_or_default().into()
}
