//! Streams as they are read: shards, which are four hours of a log each, and the records in them.

use haneul_kit::{Instant, Result};
use haneul_store::{Range, Reads};

use super::record::Change;
use super::sequence::{self, of_time};
use crate::error;
use crate::model::{LOG, LaneRecord, RawPrefix, StreamRecord};
use crate::store::Db;
use crate::store::seal::Keeping;

/// How long a record can be read. Source: "Data retention limit for DynamoDB Streams".
pub(crate) const KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// How long a shard takes records.
pub(crate) const SHARD_MS: i64 = 4 * 60 * 60 * 1000;

/// How long after its time the end of a lane may be committed. What comes until then may be in the next shard, which readers of the
/// one before it already know to follow.
const COMMIT_MS: i64 = 60 * 1000;

/// What one answer has. Source: the API reference of GetRecords.
pub(crate) const RECORDS_MAX: usize = 1000;
const BYTES_MAX: usize = 1024 * 1024;

/// One shard: the changes numbered from `start` up to and without `end`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shard {
    pub(crate) lane: LaneRecord,
    /// From zero, since the lane began.
    pub(crate) index: i64,
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Nothing will be added to it.
    pub(crate) closed: bool,
}

pub(crate) struct Records {
    pub(crate) changes: Vec<(u64, Change)>,
    /// Where to go on; `None` at the end of a closed shard.
    pub(crate) next: Option<u64>,
}

impl Shard {
    pub(crate) fn at(lane: LaneRecord, index: i64, now: Instant) -> Shard {
        let begins = lane.from_ms + index * SHARD_MS;
        let ends = begins + SHARD_MS;
        let is_last = last_index(&lane).is_some_and(|last| index >= last);
        let end = of_time(Instant::from_millis(ends));
        Shard {
            lane,
            index,
            start: of_time(Instant::from_millis(begins)),
            // The last one has all that is left, if the numbers ran ahead of the clock.
            end: if is_last { u64::MAX } else { end },
            closed: lane.until_ms.is_some() || now.millis() >= ends,
        }
    }

    /// The name of a shard is made of its beginning.
    pub(crate) fn id(&self) -> String {
        let begins = self.lane.from_ms + self.index * SHARD_MS;
        let mark = xxhash_rust::xxh3::xxh3_64(&self.lane.log.to_be_bytes()) as u32;
        format!("shardId-{begins:020}-{mark:08x}")
    }

    pub(crate) fn of_id(stream: &StreamRecord, id: &str, now: Instant) -> Option<Shard> {
        all(stream, now).into_iter().find(|shard| shard.id() == id)
    }

    /// The name of the one before it: of its lane, or of the lane that split into this one.
    pub(crate) fn parent_id(&self, stream: &StreamRecord, now: Instant) -> Option<String> {
        if self.index > 0 {
            return Some(Shard::at(self.lane, self.index - 1, now).id());
        }
        let parent = self.lane.parent?;
        let lane = stream.all_lanes().into_iter().find(|lane| lane.log == parent)?;
        Some(Shard::at(lane, last_index(&lane)?, now).id())
    }
}

/// The shards of which something may be left, in the order of their names, oldest first.
pub(crate) fn all(stream: &StreamRecord, now: Instant) -> Vec<Shard> {
    let mut all: Vec<Shard> = Vec::new();
    for lane in stream.all_lanes() {
        let last = last_index(&lane).unwrap_or_else(|| index_at(&lane, now.millis().max(lane.from_ms)));
        let oldest_ms = (now.millis() - KEPT_MS).max(lane.from_ms);
        let indexes = index_at(&lane, oldest_ms)..=last;
        all.extend(indexes.map(|index| Shard::at(lane, index, now)));
    }
    all.sort_by_cached_key(Shard::id);
    all
}

fn index_at(lane: &LaneRecord, at_ms: i64) -> i64 {
    (at_ms - lane.from_ms).div_euclid(SHARD_MS)
}

/// The last shard of a lane that has ended.
fn last_index(lane: &LaneRecord) -> Option<i64> {
    Some(index_at(lane, lane.until_ms?.max(lane.from_ms) + COMMIT_MS))
}

/// The first number that has not been trimmed.
pub(crate) fn horizon(now: Instant) -> u64 {
    of_time(Instant::from_millis(now.millis() - KEPT_MS))
}

impl Db {
    pub(crate) async fn records(
        &self,
        shard: &Shard,
        from: u64,
        limit: usize,
        keeping: Keeping<'_>,
    ) -> Result<Records> {
        let log = shard.lane.log;
        let (under_way, next) = self.sequences().bounds(&self.store, log).await.map_err(error::store)?;
        let visible = under_way.unwrap_or(u64::MAX).min(shard.end);
        let from = from.max(horizon(self.env.now())).max(shard.start);
        let mut records = Records { changes: Vec::new(), next: None };
        let mut bytes = 0;
        if from < visible {
            let range = Range::prefix(RawPrefix(&[]))
                .from(&sequence::key(log, from)[..])
                .before(&sequence::key(log, visible)[..]);
            let found = self.store.scan(&LOG, range, limit.min(RECORDS_MAX)).await.map_err(error::store)?;
            let count = found.len();
            for (key, record) in found {
                bytes += record.len();
                if bytes > BYTES_MAX && !records.changes.is_empty() {
                    break;
                }
                let number = sequence::number_of(&key.0)
                    .ok_or_else(|| haneul_kit::ApiError::internal("a record of a stream has no number"))?;
                let change = keeping.change(&key.0, &record)?;
                records.changes.push((number, change));
            }
            let whole = records.changes.len() == count && count < limit.min(RECORDS_MAX);
            if !whole {
                records.next = records.changes.last().map(|(number, _)| number + 1);
                return Ok(records);
            }
        }
        let done = shard.closed && under_way.is_none_or(|number| number >= shard.end);
        if !done {
            let last = records.changes.last().map(|(number, _)| number + 1);
            records.next = Some(last.unwrap_or(from).max(from.min(visible)).min(next.max(from)));
        }
        Ok(records)
    }

    /// Where what comes from now on will be.
    pub(crate) async fn latest(&self, shard: &Shard) -> Result<u64> {
        let (under_way, next) =
            self.sequences().bounds(&self.store, shard.lane.log).await.map_err(error::store)?;
        Ok(under_way.unwrap_or(next.max(of_time(self.env.now()))))
    }

    /// The number of the last record of a shard that is there.
    pub(crate) async fn last_number(&self, shard: &Shard) -> Result<Option<u64>> {
        let log = shard.lane.log;
        let from = shard.start.max(horizon(self.env.now()));
        let range = Range::prefix(RawPrefix(&[]))
            .from(&sequence::key(log, from)[..])
            .before(&sequence::key(log, shard.end)[..])
            .rev();
        let last = self.store.scan_keys(&LOG, range, 1).await.map_err(error::store)?;
        Ok(last.first().and_then(|key| sequence::number_of(&key.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A lane ended a moment before its shard was over, and a change was committed in between.
    #[test]
    fn what_was_told_of_a_shard_holds_when_its_lane_has_ended() {
        let open = LaneRecord { log: 7, from_ms: 1_000, until_ms: None, parent: None };
        let boundary_ms = open.from_ms + SHARD_MS;
        let now = Instant::from_millis(boundary_ms + 20);
        let between = of_time(Instant::from_millis(boundary_ms + 10));
        let lane = LaneRecord { until_ms: Some(boundary_ms - 1), ..open };
        for index in 0..2 {
            let (before, after) = (Shard::at(open, index, now), Shard::at(lane, index, now));
            assert_eq!((before.id(), before.start), (after.id(), after.start));
            assert!(after.closed && (!before.closed || before.end == after.end), "{before:?} {after:?}");
            assert_eq!((after.start..after.end).contains(&between), index == 1);
        }
        let child = LaneRecord { log: 8, from_ms: boundary_ms - 1, until_ms: None, parent: Some(7) };
        let mut stream = StreamRecord {
            log: 7,
            view: String::new(),
            created_ms: open.from_ms,
            ended_ms: None,
            key_schema: Vec::new(),
            sse: None,
            policy: None,
            lanes: vec![lane, child],
        };
        let last = Shard::at(lane, 1, now);
        assert_eq!(Shard::at(child, 0, now).parent_id(&stream, now), Some(last.id()));
        assert!(all(&stream, now).contains(&last));
        // In the midst of a shard there is none after it.
        stream.lanes[0].until_ms = Some(boundary_ms - SHARD_MS / 2);
        let of_lane = |shard: &Shard| shard.lane.log == 7;
        let left: Vec<_> = all(&stream, now).into_iter().filter(of_lane).collect();
        assert_eq!(left.iter().map(|shard| (shard.index, shard.end)).collect::<Vec<_>>(), [(0, u64::MAX)]);
    }
}
