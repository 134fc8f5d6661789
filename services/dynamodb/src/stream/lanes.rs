//! The lanes of a stream: logs side by side, each with the changes of the items whose hashes are in its part. A stream
//! begins with one and splits when more is written to it than one reader should have to follow, as the partitions of a table do
//! in AWS. Every lane splits in two, so a lane's items are its parent's, and a reader that reads parents before children
//! has the changes of an item in their order.

use haneul_store::{Reads, StoreError, Tx};

use crate::engine::keys::{HASH_AT, KEY_AT};
use crate::model::{LaneRecord, LaneSettings, STREAMS, StreamRecord, StreamSettings, TableRecord};
use crate::store::tables::Numbers;
use crate::table::name::TableId;

/// A stream of so many lanes splits no more.
const LANES_MAX: usize = 32;

impl StreamSettings {
    /// Where the changes of an item go, by where it lies.
    pub(crate) fn lane_of(&self, at: &[u8]) -> LaneSettings {
        let hash = at.get(HASH_AT..KEY_AT).and_then(|hash| <[u8; 4]>::try_from(hash).ok());
        let hash = u64::from(hash.map_or(0, u32::from_be_bytes));
        // The highest bits, so that the children of a lane lie side by side in its place.
        let place = (hash * self.lanes.len() as u64) >> 32;
        let only = LaneSettings { log: self.log, parent: None };
        self.lanes.get(place as usize).copied().unwrap_or(only)
    }

    pub(crate) fn may_split(&self) -> bool {
        self.lanes.len() < LANES_MAX
    }

    fn open(&self) -> Vec<u64> {
        match self.lanes.is_empty() {
            true => vec![self.log],
            false => self.lanes.iter().map(|lane| lane.log).collect(),
        }
    }
}

impl StreamRecord {
    /// All of which something may be left, oldest first.
    pub(crate) fn all_lanes(&self) -> Vec<LaneRecord> {
        let ended = |lane: &LaneRecord| LaneRecord { until_ms: lane.until_ms.or(self.ended_ms), ..*lane };
        match self.lanes.is_empty() {
            true => vec![ended(&self.first_lane())],
            false => self.lanes.iter().map(ended).collect(),
        }
    }

    pub(crate) fn first_lane(&self) -> LaneRecord {
        LaneRecord { log: self.log, from_ms: self.created_ms, until_ms: None, parent: None }
    }
}

/// Splits every open lane in two, if the one with the log `busy` is still among them: what was said of a lane that has split
/// since is settled. What is committed after this goes to the new ones: whoever writes checks in its commit that
/// the table is still the one that it knew.
pub(crate) async fn split(
    tx: &Tx,
    id: &TableId,
    record: &mut TableRecord,
    busy: u64,
    now_ms: i64,
    numbers: &mut Numbers,
) -> Result<(), StoreError> {
    let splits = |stream: &&mut StreamSettings| stream.may_split() && stream.open().contains(&busy);
    let Some(settings) = record.stream.as_mut().filter(splits) else { return Ok(()) };
    let key = (id.0, id.1, id.2.as_str(), settings.label.as_str());
    let Some(mut stream) = tx.get(&STREAMS, &key).await? else { return Ok(()) };
    if stream.lanes.is_empty() {
        stream.lanes.push(stream.first_lane());
    }
    let open = settings.open();
    for lane in stream.lanes.iter_mut().filter(|lane| open.contains(&lane.log)) {
        lane.until_ms = Some(now_ms.max(lane.from_ms));
    }
    let mut lanes = Vec::with_capacity(open.len() * 2);
    for parent in open {
        for _ in 0..2 {
            let log = numbers.next();
            lanes.push(LaneSettings { log, parent: Some(parent) });
            stream.lanes.push(LaneRecord { log, from_ms: now_ms, until_ms: None, parent: Some(parent) });
        }
    }
    tx.put(&STREAMS, &key, &stream)?;
    settings.lanes = lanes;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_items_of_a_lane_are_those_of_its_parent() {
        let lanes = |logs: &[u64]| StreamSettings {
            log: 1,
            label: String::new(),
            view: String::new(),
            lanes: logs.iter().map(|log| LaneSettings { log: *log, parent: Some(log / 2) }).collect(),
        };
        let (one, two, four) = (lanes(&[]), lanes(&[2, 3]), lanes(&[4, 5, 6, 7]));
        for hash in [0, 1, 1 << 30, (1 << 31) - 1, 1 << 31, 3 << 30, u32::MAX] {
            let at = [&[9; HASH_AT][..], &hash.to_be_bytes(), b"key"].concat();
            assert_eq!(one.lane_of(&at).log, 1);
            assert_eq!(Some(two.lane_of(&at).log), four.lane_of(&at).parent, "{hash}");
        }
        assert_eq!(two.lane_of(&[&[9; HASH_AT][..], &[0x7f, 255, 255, 255]].concat()).log, 2);
        assert_eq!(two.lane_of(&[&[9; HASH_AT][..], &[0x80, 0, 0, 0]].concat()).log, 3);
    }
}
