//! Which shards follow which: splits, merges, and both to come to a number of shards of the same size. Pure.

use std::collections::BTreeMap;

use crate::hash::{HashKey, HashRange};
use crate::model::ShardRecord;

/// Shards that are closed and made together.
pub(crate) struct Plan {
    /// When all of them are closed and made.
    pub(crate) now_ms: i64,
    pub(crate) next_shard: u32,
    /// Shards that were open before.
    pub(crate) closed: Vec<u32>,
    /// Shards that were not there before. Some may be closed again.
    pub(crate) made: BTreeMap<u32, ShardRecord>,
}

/// A shard while the plan is made.
#[derive(Clone, Copy)]
pub(crate) struct Piece {
    pub(crate) index: u32,
    pub(crate) began_secs: u64,
    pub(crate) range: HashRange,
}

impl Piece {
    pub(crate) fn of(index: u32, record: &ShardRecord) -> Piece {
        Piece { index, began_secs: record.began_secs, range: record.range }
    }
}

impl Plan {
    pub(crate) fn new(now_ms: i64, next_shard: u32) -> Plan {
        Plan { now_ms, next_shard, closed: Vec::new(), made: BTreeMap::new() }
    }

    /// A first shard.
    pub(crate) fn begin(&mut self, range: HashRange) -> Piece {
        self.make(range, None, None, 0)
    }

    /// The second child begins at `at`, which is within the range and not its beginning.
    pub(crate) fn split(&mut self, piece: Piece, at: HashKey) -> (Piece, Piece) {
        self.close(piece.index);
        let HashRange { first, last } = piece.range;
        let after = piece.began_secs + 1;
        let lower = HashRange { first, last: HashKey(at.0 - 1) };
        let lower = self.make(lower, Some(piece.index), None, after);
        (lower, self.make(HashRange { first: at, last }, Some(piece.index), None, after))
    }

    /// `upper` begins where `lower` ends; `lower` is named as the parent unless `upper` was asked to be.
    pub(crate) fn merge(&mut self, lower: Piece, upper: Piece, upper_is_parent: bool) -> Piece {
        self.close(lower.index);
        self.close(upper.index);
        let range = HashRange { first: lower.range.first, last: upper.range.last };
        let (parent, adjacent) = match upper_is_parent {
            true => (upper.index, lower.index),
            false => (lower.index, upper.index),
        };
        let after = lower.began_secs.max(upper.began_secs) + 1;
        self.make(range, Some(parent), Some(adjacent), after)
    }

    /// From `open`, in the order of the ring, to `target` shards of the same size: what crosses a border is split there, and
    /// what is then between two borders is merged.
    pub(crate) fn scale(&mut self, open: &[Piece], target: u32) {
        let ends: Vec<HashKey> = open.iter().map(|piece| piece.range.last).collect();
        let mut open = open.iter().copied();
        let mut rest = open.next();
        for mut part in HashRange::even(target) {
            part.last = near(&ends, part.last, target);
            let mut made: Option<Piece> = None;
            while let Some(piece) = rest {
                let (inside, left) = match piece.range.last > part.last {
                    true => {
                        let (inside, left) = self.split(piece, HashKey(part.last.0 + 1));
                        (inside, Some(left))
                    }
                    false => (piece, open.next()),
                };
                made = Some(match made {
                    Some(before) => self.merge(before, inside, false),
                    None => inside,
                });
                rest = left;
                if inside.range.last == part.last {
                    break;
                }
            }
        }
    }

    fn make(
        &mut self,
        range: HashRange,
        parent: Option<u32>,
        adjacent_parent: Option<u32>,
        after_secs: u64,
    ) -> Piece {
        let index = self.next_shard;
        self.next_shard += 1;
        let now_secs = u64::try_from(self.now_ms.div_euclid(1000)).unwrap_or(0);
        let began_secs = now_secs.max(after_secs);
        let record = ShardRecord {
            created_ms: self.now_ms,
            began_secs,
            parent,
            adjacent_parent,
            range,
            closed_ms: None,
            next_place: 0,
        };
        self.made.insert(index, record);
        Piece { index, began_secs, range }
    }

    fn close(&mut self, index: u32) {
        match self.made.get_mut(&index) {
            Some(made) => made.closed_ms = Some(self.now_ms),
            None => self.closed.push(index),
        }
    }
}

/// A border that is there already and all but where it should be serves as it is: what does not divide without a rest
/// would else cut slivers off.
fn near(ends: &[HashKey], end: HashKey, target: u32) -> HashKey {
    let tolerated = (u128::MAX / u128::from(target)) >> 10;
    let at = ends.partition_point(|one| *one < end);
    let around = at.checked_sub(1).into_iter().chain([at]).filter_map(|at| ends.get(at));
    let nearest = around.min_by_key(|one| one.0.abs_diff(end.0));
    nearest.filter(|one| one.0.abs_diff(end.0) <= tolerated).copied().unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Whatever there was, what is open afterwards is the ring in equal parts, nobody has more than two parents, and each
        /// begins after its parents.
        #[test]
        fn scaling_ends_in_equal_parts(from in 1u32..40, to in 1u32..40, uneven in any::<u64>()) {
            let mut plan = Plan::new(1_000_000, 0);
            let mut open: Vec<Piece> = HashRange::even(from).into_iter().map(|range| plan.begin(range)).collect();
            let at = uneven as usize % open.len();
            let (a, b) = plan.split(open[at], HashKey(open[at].range.first.0 + 2));
            open.splice(at..=at, [a, b]);
            let before = plan.made;
            let mut plan = Plan::new(500, plan.next_shard);
            plan.scale(&open, to);
            let mut all = before.clone();
            for index in &plan.closed {
                all.get_mut(index).unwrap().closed_ms = Some(500);
            }
            all.extend(plan.made);
            let mut ranges: Vec<HashRange> =
                all.values().filter(|shard| shard.closed_ms.is_none()).map(|shard| shard.range).collect();
            ranges.sort_by_key(|range| range.first);
            prop_assert_eq!(ranges.len(), to as usize);
            prop_assert!(ranges.windows(2).all(|pair| pair[0].last.0 + 1 == pair[1].first.0));
            for (range, even) in ranges.iter().zip(HashRange::even(to)) {
                prop_assert!(range.last.0.abs_diff(even.last.0) < 1 << 118);
            }
            for shard in all.values() {
                for parent in shard.parent.iter().chain(&shard.adjacent_parent) {
                    prop_assert!(all[parent].began_secs < shard.began_secs && all[parent].closed_ms.is_some());
                }
            }
        }
    }

    #[test]
    fn what_is_right_already_stays() {
        let mut plan = Plan::new(0, 0);
        let open: Vec<Piece> = HashRange::even(4).into_iter().map(|range| plan.begin(range)).collect();
        let mut plan = Plan::new(0, 4);
        plan.scale(&open, 4);
        assert!(plan.closed.is_empty() && plan.made.is_empty());
        plan.scale(&open, 8);
        assert_eq!((plan.closed.len(), plan.made.len()), (4, 8));
        // What does not divide without a rest makes no slivers.
        let mut plan = Plan::new(0, 0);
        let open: Vec<Piece> = HashRange::even(6).into_iter().map(|range| plan.begin(range)).collect();
        let mut plan = Plan::new(0, 6);
        plan.scale(&open, 3);
        assert_eq!((plan.closed.len(), plan.made.len()), (6, 3));
    }
}
