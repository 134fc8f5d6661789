use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use bytes::Bytes;

use crate::engine::{ReadSet, Version, Write};

/// Keys of recent commits that are remembered. A transaction that began before the oldest of them is refused, and
/// tries again on a newer view.
const KEYS_REMEMBERED_MAX: usize = 32 * 1024;

/// Decides whether a transaction may commit: nothing it read has been written since its view.
///
/// With snapshot reads and reads validated in commit order, the commit order is a serial order.
#[derive(Default)]
pub(crate) struct Resolver {
    /// When each key was last written, for the commits remembered.
    last_written: BTreeMap<Bytes, Version>,
    /// The same in the order of commits, to forget the oldest.
    order: VecDeque<(Version, Bytes)>,
    /// Views older than this cannot be judged any more.
    floor: Version,
}

impl Resolver {
    /// Whether a transaction that read `reads` at `version` conflicts with a commit since.
    pub(crate) fn conflicts(&self, version: Version, reads: &ReadSet) -> bool {
        if reads.keys.is_empty() && reads.ranges.is_empty() {
            return false;
        }
        if version < self.floor {
            return true;
        }
        // Nothing at all has been committed since: the usual case.
        if self.order.back().is_none_or(|(newest, _)| *newest <= version) {
            return false;
        }
        reads.keys.iter().any(|key| self.last_written.get(key).is_some_and(|at| *at > version))
            || reads.ranges.iter().any(|(start, end)| {
                start < end
                    && self
                        .last_written
                        .range::<Bytes, _>((Bound::Included(start), Bound::Excluded(end)))
                        .any(|(_, at)| *at > version)
            })
    }

    /// Remembers what the commit `version` wrote.
    pub(crate) fn committed(&mut self, version: Version, writes: &[Write]) {
        for write in writes {
            self.last_written.insert(write.key.clone(), version);
            self.order.push_back((version, write.key.clone()));
        }
        while self.order.len() > KEYS_REMEMBERED_MAX {
            let Some((version, key)) = self.order.pop_front() else { break };
            self.floor = version;
            if self.last_written.get(&key) == Some(&version) {
                self.last_written.remove(&key);
            }
        }
    }
}
