//! Numbers of changes. A change gets its number before it commits, while its item is locked, so the numbers of one item's
//! changes rise in the order of their commits. A reader must not pass a number whose commit is still under way.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use haneul_kit::Instant;
use haneul_store::{Range, Reads, Store, StoreError};
use parking_lot::Mutex;

use crate::model::{DELIVERIES, LOG, LaneSettings, RawPrefix};

#[derive(Clone, Default)]
pub(crate) struct Sequences(Arc<Mutex<HashMap<u64, Sequence>>>);

#[derive(Default)]
struct Sequence {
    next: u64,
    under_way: BTreeSet<u64>,
    pace: Pace,
}

/// How many changes are committed in a second, and since how many seconds they are many.
#[derive(Default)]
struct Pace {
    second: i64,
    count: u32,
    busy_for: u32,
}

/// What a partition of a table takes in AWS, and how long it has to come before a stream splits: enough for a load that lasts,
/// too long for a burst.
const CHANGES_A_SECOND: u32 = if cfg!(test) { 20 } else { 1000 };
const BUSY_FOR: u32 = if cfg!(test) { 3 } else { 60 };

/// A number that is taken until this is dropped, which must be after its commit.
pub(crate) struct Reserved {
    sequences: Sequences,
    log: u64,
    number: u64,
}

/// Numbers begin with the time, in milliseconds, times this.
pub(crate) const PER_MS: u64 = 1 << 20;

impl Sequences {
    /// The clock is read while nobody else may look at the numbers: who finds a shard closed by its time, and no number in it
    /// under way, has seen all of its numbers.
    pub(crate) async fn reserve(
        &self,
        store: &Store,
        LaneSettings { log, parent }: LaneSettings,
        now: impl FnOnce() -> Instant,
    ) -> Result<Reserved, StoreError> {
        self.load(store, log).await?;
        if let Some(parent) = parent {
            self.load(store, parent).await?;
        }
        let mut all = self.0.lock();
        // What a parent has got was reserved before it split.
        let after_parent = parent.and_then(|parent| all.get(&parent)).map_or(0, |parent| parent.next);
        let sequence = all.entry(log).or_default();
        let number = sequence.next.max(of_time(now())).max(after_parent);
        sequence.next = number + 1;
        sequence.under_way.insert(number);
        Ok(Reserved { sequences: self.clone(), log, number })
    }

    /// Counts a change that was committed. Whether there are more than one log should have, and for long; said once.
    pub(crate) fn is_busy_by_one_more(&self, log: u64, now: Instant) -> bool {
        self.0.lock().get_mut(&log).is_some_and(|sequence| sequence.pace.note(now))
    }

    /// The first number whose commit is under way, and the next one that will be given out. A reader must come to neither.
    pub(crate) async fn bounds(&self, store: &Store, log: u64) -> Result<(Option<u64>, u64), StoreError> {
        self.load(store, log).await?;
        let all = self.0.lock();
        let Some(sequence) = all.get(&log) else { return Ok((None, 0)) };
        Ok((sequence.under_way.first().copied(), sequence.next))
    }

    /// Begins above what an earlier run wrote, even if the clock ran ahead then.
    async fn load(&self, store: &Store, log: u64) -> Result<(), StoreError> {
        if self.0.lock().contains_key(&log) {
            return Ok(());
        }
        let range = Range::prefix(RawPrefix(&log.to_be_bytes())).rev();
        let last = store.scan_keys(&LOG, range, 1).await?;
        let next = last.first().and_then(|key| number_of(&key.0)).map_or(0, |number| number + 1);
        // What was brought to a stream is not in its log any more.
        let delivered =
            store.get(&DELIVERIES, &log).await?.map_or(0, |delivery| delivery.next.max(delivery.position));
        let mut all = self.0.lock();
        let sequence = all.entry(log).or_default();
        sequence.next = sequence.next.max(next).max(delivered);
        Ok(())
    }
}

impl Reserved {
    pub(crate) fn key(&self) -> Vec<u8> {
        key(self.log, self.number)
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }
}

impl Pace {
    fn note(&mut self, now: Instant) -> bool {
        let second = now.secs();
        if second != self.second {
            let was_busy = self.count >= CHANGES_A_SECOND && second == self.second + 1;
            *self = Pace { second, count: 0, busy_for: if was_busy { self.busy_for + 1 } else { 0 } };
        }
        self.count = self.count.saturating_add(1);
        let is_busy = self.busy_for >= BUSY_FOR;
        if is_busy {
            self.busy_for = 0;
        }
        is_busy
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if let Some(sequence) = self.sequences.0.lock().get_mut(&self.log) {
            sequence.under_way.remove(&self.number);
        }
    }
}

pub(crate) fn of_time(at: Instant) -> u64 {
    u64::try_from(at.millis()).unwrap_or(0).saturating_mul(PER_MS)
}

pub(crate) fn key(log: u64, number: u64) -> Vec<u8> {
    [log.to_be_bytes(), number.to_be_bytes()].concat()
}

pub(crate) fn number_of(key: &[u8]) -> Option<u64> {
    key.get(8..16)?.try_into().ok().map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_reader_comes_between_the_time_and_its_number() {
        let (store, sequences) = (Store::memory(), Sequences::default());
        let clock = || {
            assert!(sequences.0.try_lock().is_none());
            Instant::from_millis(5)
        };
        let lane = LaneSettings { log: 7, parent: Some(3) };
        let reserved = sequences.reserve(&store, lane, clock).await.unwrap();
        assert_eq!(sequences.bounds(&store, 7).await.unwrap(), (Some(5 * PER_MS), 5 * PER_MS + 1));
        drop(reserved);
        assert_eq!(sequences.bounds(&store, 7).await.unwrap().0, None);
    }
}
