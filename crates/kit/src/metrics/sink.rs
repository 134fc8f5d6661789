use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use haneul_base::{AccountId, Instant, Region};
use parking_lot::Mutex;

use super::series::{Series, Slot};
use super::{Metric, Summary, Unit};
use crate::BoxFuture;

/// Where services put their metrics. Cheap to clone; clones share everything.
#[derive(Clone, Default)]
pub struct Metrics(Arc<Inner>);

/// Locks that the metrics are spread over.
pub const SHARDS: usize = 16;

/// Metrics that one minute may have; what is beyond is not counted, and said once a minute.
pub const KEYS_MAX: usize = 200_000;

pub(super) const MINUTE_MS: i64 = 60_000;

#[derive(Default)]
struct Inner {
    /// Whether anybody takes what is put here.
    open: AtomicBool,
    hasher: RandomState,
    shards: [Mutex<Minutes>; SHARDS],
    keys: AtomicUsize,
    dropped: AtomicU64,
    series: Mutex<HashMap<Box<[u8]>, Arc<Slot>>>,
    sources: Mutex<Vec<Arc<dyn Source>>>,
}

type Minutes = HashMap<Box<[u8]>, Entry>;

struct Entry {
    owner: Owner,
    minute: i64,
    metric: Metric,
    dimensions: Vec<(&'static str, String)>,
    summary: Summary,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner {
    pub account: AccountId,
    pub region: Region,
}

/// A metric's samples of one minute.
#[derive(Clone, Debug)]
pub struct Reading {
    pub owner: Owner,
    /// The minute's beginning.
    pub at: Instant,
    pub namespace: &'static str,
    pub name: &'static str,
    pub unit: Unit,
    pub dimensions: Vec<(&'static str, String)>,
    pub summary: Summary,
}

/// Says what is the case, when asked. A service registers one when it is made.
pub trait Source: Send + Sync + 'static {
    /// Asked once a minute of the cloud's clock; answers with what belongs to the minute that begins at `minute`. A source that reports
    /// more rarely (SQS each 5 minutes, S3's storage once a day) answers with nothing in between.
    fn read(&self, minute: Instant) -> BoxFuture<'_, Vec<Reading>>;
}

impl Metrics {
    /// Adds one sample.
    pub fn record(
        &self,
        metric: Metric,
        account: AccountId,
        region: Region,
        now: Instant,
        dimensions: &[(&'static str, &str)],
        value: f64,
    ) {
        self.record_many(metric, account, region, now, dimensions, value, 1.0);
    }

    /// Adds `count` samples of the same value.
    #[allow(clippy::too_many_arguments)]
    pub fn record_many(
        &self,
        metric: Metric,
        account: AccountId,
        region: Region,
        now: Instant,
        dimensions: &[(&'static str, &str)],
        value: f64,
        count: f64,
    ) {
        if !self.0.open.load(Ordering::Relaxed) || !value.is_finite() || count <= 0.0 {
            return;
        }
        let minute = now.millis().div_euclid(MINUTE_MS);
        KEY.with_borrow_mut(|key| {
            key.clear();
            key.extend_from_slice(&minute.to_be_bytes());
            name(key, metric, Owner { account, region }, dimensions);
            let shard = self.0.hasher.hash_one(&key[..]) as usize % SHARDS;
            let mut minutes = self.0.shards[shard].lock();
            if let Some(entry) = minutes.get_mut(&key[..]) {
                entry.summary.add(value, count);
                return;
            }
            if self.0.keys.fetch_add(1, Ordering::Relaxed) >= KEYS_MAX {
                self.0.keys.fetch_sub(1, Ordering::Relaxed);
                self.drop_one();
                return;
            }
            let entry = Entry {
                owner: Owner { account, region },
                minute,
                metric,
                dimensions: dimensions.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
                summary: Summary::of(value, count),
            };
            minutes.insert(key[..].into(), entry);
        });
    }

    /// A metric with its dimensions, for whoever has samples of it with every call: keep what this gives.
    pub fn series(
        &self,
        metric: Metric,
        account: AccountId,
        region: Region,
        dimensions: &[(&'static str, &str)],
    ) -> Series {
        let owner = Owner { account, region };
        let mut key = Vec::new();
        name(&mut key, metric, owner, dimensions);
        let mut series = self.0.series.lock();
        if let Some(slot) = series.get(&key[..]) {
            return Series::new(self.clone(), Some(slot.clone()));
        }
        if series.len() >= KEYS_MAX {
            return Series::new(self.clone(), None);
        }
        let dimensions = dimensions.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let slot = Arc::new(Slot::new(owner, metric, dimensions));
        series.insert(key.into(), slot.clone());
        Series::new(self.clone(), Some(slot))
    }

    /// Has `source` asked from now on.
    pub fn register(&self, source: Arc<dyn Source>) {
        self.0.sources.lock().push(source);
    }

    /// Begins to keep samples; said by CloudWatch, which will take them.
    pub fn open(&self) {
        self.0.open.store(true, Ordering::Relaxed);
    }

    /// Whether samples are kept: lets a service leave out the work of finding a value that nobody wants.
    pub fn is_open(&self) -> bool {
        self.0.open.load(Ordering::Relaxed)
    }

    /// A sample for which there is no room.
    pub(super) fn drop_one(&self) {
        self.0.dropped.fetch_add(1, Ordering::Relaxed);
    }

    /// Takes out the minutes that ended at or before `now`.
    pub fn take(&self, now: Instant) -> Vec<Reading> {
        let current = now.millis().div_euclid(MINUTE_MS);
        let mut readings = Vec::new();
        for shard in &self.0.shards {
            let mut minutes = shard.lock();
            let over = minutes.extract_if(|_, entry| entry.minute < current).map(|(_, entry)| Reading {
                owner: entry.owner,
                at: Instant::from_millis(entry.minute * MINUTE_MS),
                namespace: entry.metric.namespace,
                name: entry.metric.name,
                unit: entry.metric.unit,
                dimensions: entry.dimensions,
                summary: entry.summary,
            });
            readings.extend(over);
            if minutes.is_empty() {
                minutes.shrink_to_fit();
            }
        }
        self.0.keys.fetch_sub(readings.len(), Ordering::Relaxed);
        self.0.series.lock().retain(|_, slot| {
            let is_empty = slot.take(current, &mut readings);
            // Nobody but this table has it any more.
            !is_empty || Arc::strong_count(slot) > 1
        });
        let dropped = self.0.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!(
                dropped,
                "samples of service metrics were left out: too many metrics in one minute"
            );
        }
        readings
    }

    pub fn sources(&self) -> Vec<Arc<dyn Source>> {
        self.0.sources.lock().clone()
    }
}

/// Writes what tells a metric from every other.
fn name(key: &mut Vec<u8>, metric: Metric, owner: Owner, dimensions: &[(&'static str, &str)]) {
    key.extend_from_slice(&owner.account.number().to_be_bytes());
    for part in [owner.region.as_str(), metric.namespace, metric.name] {
        key.extend_from_slice(part.as_bytes());
        key.push(0);
    }
    key.push(metric.unit.number());
    for (name, value) in dimensions {
        for part in [*name, *value] {
            // Lengths, so that no value can run into the next.
            key.extend_from_slice(&(part.len() as u32).to_be_bytes());
            key.extend_from_slice(part.as_bytes());
        }
    }
}

thread_local! {
    /// The key being looked up, so that a sample of a known metric allocates nothing.
    static KEY: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: Metric = Metric::new("AWS/SQS", "NumberOfMessagesSent", Unit::Count);

    fn put(metrics: &Metrics, at_ms: i64, queue: &str, value: f64) {
        let now = Instant::from_millis(at_ms);
        metrics.record(SENT, AccountId::DEFAULT, Region::US_EAST_1, now, &[("QueueName", queue)], value);
    }

    #[test]
    fn minutes_are_summed_and_taken_once() {
        let metrics = Metrics::default();
        put(&metrics, 1_000, "lost", 1.0);
        metrics.open();
        for (at, queue, value) in
            [(1_000, "a", 1.0), (59_999, "a", 3.0), (2_000, "b", 5.0), (60_000, "a", 7.0)]
        {
            put(&metrics, at, queue, value);
        }
        put(&metrics, 1_000, "a", f64::NAN);
        let mut taken = metrics.take(Instant::from_millis(119_999));
        taken.sort_by(|a, b| a.dimensions.cmp(&b.dimensions));
        let shown: Vec<_> = taken
            .iter()
            .map(|r| (r.dimensions[0].1.as_str(), r.at.millis(), r.summary.count, r.summary.sum))
            .collect();
        assert_eq!(shown, [("a", 0, 2.0, 4.0), ("b", 0, 1.0, 5.0)]);
        assert!(metrics.take(Instant::from_millis(119_999)).is_empty());
        assert_eq!(metrics.take(Instant::from_millis(120_000)).len(), 1);
    }

    #[test]
    fn no_value_runs_into_the_next_and_the_number_of_metrics_has_an_end() {
        let metrics = Metrics::default();
        metrics.open();
        let now = Instant::from_millis(0);
        for dimensions in [[("a", "bc"), ("d", "")], [("a", "b"), ("cd", "")]] {
            metrics.record(SENT, AccountId::DEFAULT, Region::US_EAST_1, now, &dimensions, 1.0);
        }
        assert_eq!(metrics.take(Instant::from_millis(60_000)).len(), 2);
        for i in 0..KEYS_MAX + 10 {
            put(&metrics, 0, &i.to_string(), 1.0);
        }
        assert_eq!(metrics.take(Instant::from_millis(60_000)).len(), KEYS_MAX);
    }
}
