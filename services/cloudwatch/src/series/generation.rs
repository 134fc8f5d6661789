use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::RwLock;

use super::Bucket;

/// The points that came since the last time points were written by series. They are durable in the journal under the generation's
/// number; here they are kept to be read, and to be written by series when the next generation begins.
pub(crate) struct Generation {
    pub(crate) number: u64,
    /// The next place in the journal.
    sequence: AtomicU64,
    /// Held for reading by whoever adds to it, from the journal to memory; for writing once, to end it.
    pub(crate) adding: RwLock<()>,
    shards: [Mutex<HashMap<u64, Vec<Bucket>>>; SHARDS],
    weight: AtomicUsize,
    /// When the first point came, in milliseconds; `i64::MAX` before.
    began_ms: AtomicI64,
}

const SHARDS: usize = 16;

impl Generation {
    pub(crate) fn new(number: u64) -> Generation {
        Generation {
            number,
            sequence: AtomicU64::new(0),
            adding: RwLock::new(()),
            shards: std::array::from_fn(|_| Mutex::default()),
            weight: AtomicUsize::new(0),
            began_ms: AtomicI64::new(i64::MAX),
        }
    }

    pub(crate) fn next_sequence(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn add(&self, rows: Vec<(u64, Bucket)>, now_ms: i64) {
        self.began_ms.fetch_min(now_ms, Ordering::Relaxed);
        let mut added = 0isize;
        for (series, bucket) in rows {
            let mut shard = self.shards[series as usize % SHARDS].lock();
            let buckets = shard.entry(series).or_default();
            // Points come in the order of time, nearly always: the last bucket or a new one.
            match buckets.last_mut().filter(|last| last.key() == bucket.key()) {
                Some(last) => {
                    let before = last.weight();
                    last.summary.merge(&bucket.summary);
                    added += last.weight() as isize - before as isize;
                }
                None => {
                    added += bucket.weight() as isize;
                    buckets.push(bucket);
                }
            }
        }
        // Putting values together can make it lighter; wrapping is what subtracting is.
        self.weight.fetch_add(added as usize, Ordering::Relaxed);
    }

    /// The buckets of a series within `[from_s, to_s)`, in no order.
    pub(crate) fn read(&self, series: u64, from_s: i64, to_s: i64, into: &mut Vec<Bucket>) {
        let shard = self.shards[series as usize % SHARDS].lock();
        if let Some(buckets) = shard.get(&series) {
            into.extend(buckets.iter().filter(|bucket| bucket.at >= from_s && bucket.at < to_s).cloned());
        }
    }

    /// Buckets and the values of their distributions.
    pub(crate) fn weight(&self) -> usize {
        self.weight.load(Ordering::Relaxed)
    }

    pub(crate) fn began_ms(&self) -> Option<i64> {
        Some(self.began_ms.load(Ordering::Relaxed)).filter(|at| *at != i64::MAX)
    }

    /// Everything, by series, in the order of their numbers: the same each time.
    pub(crate) fn all(&self) -> Vec<(u64, Vec<Bucket>)> {
        let mut all: Vec<(u64, Vec<Bucket>)> = Vec::new();
        for shard in &self.shards {
            all.extend(shard.lock().iter().map(|(series, buckets)| (*series, buckets.clone())));
        }
        all.sort_by_key(|(series, _)| *series);
        all
    }
}
