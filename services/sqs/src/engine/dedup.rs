use std::collections::{HashMap, VecDeque};

/// How long a deduplication id is remembered (SQS Developer Guide, "Exactly-once processing").
pub(crate) const INTERVAL_MS: i64 = 5 * 60 * 1000;

/// A digest of the deduplication id, and of the group when the queue deduplicates by group.
pub(crate) type DedupKey = [u8; 16];

/// The message that a deduplication id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Original {
    pub(crate) seq: u64,
    pub(crate) message_id: [u8; 16],
    pub(crate) at_ms: i64,
    /// Where the message was put.
    pub(crate) slot: u32,
}

/// The deduplication ids of the last five minutes.
#[derive(Default)]
pub(crate) struct Dedup {
    originals: HashMap<DedupKey, Original>,
    /// In order of time.
    order: VecDeque<(i64, DedupKey)>,
}

impl Dedup {
    pub(crate) fn get(&self, key: &DedupKey, now_ms: i64) -> Option<Original> {
        self.originals.get(key).copied().filter(|original| original.at_ms + INTERVAL_MS > now_ms)
    }

    pub(crate) fn insert(&mut self, key: DedupKey, original: Original) {
        self.originals.insert(key, original);
        self.order.push_back((original.at_ms, key));
    }

    pub(crate) fn expire(&mut self, now_ms: i64) {
        while let Some((at_ms, key)) = self.order.front().copied() {
            if at_ms + INTERVAL_MS > now_ms {
                return;
            }
            self.order.pop_front();
            if self.originals.get(&key).is_some_and(|original| original.at_ms == at_ms) {
                self.originals.remove(&key);
            }
            if self.originals.is_empty() {
                *self = Dedup::default();
                return;
            }
        }
    }

    /// The message could not be written after all.
    pub(crate) fn forget(&mut self, key: &DedupKey, seq: u64) {
        if self.originals.get(key).is_some_and(|original| original.seq == seq) {
            self.originals.remove(key);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&DedupKey, &Original)> {
        self.originals.iter()
    }

    /// After a replay, which may have told them out of order or twice.
    pub(crate) fn rebuild(&mut self) {
        let mut order: Vec<_> = self.originals.iter().map(|(key, original)| (original.at_ms, *key)).collect();
        order.sort_unstable();
        self.order = order.into();
    }
}
