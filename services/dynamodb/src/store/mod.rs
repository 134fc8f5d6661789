//! Every transaction on the store.
//!
//! Reading order: this file (the state that all of it shares), [`tables`] (records of tables, and what is kept of them in
//! memory), [`streams`] (the same of streams), [`write`](mod@write) (items) and [`after`] (what follows from it), [`read`] (pages of items), [`replicas`] (groups of tables), [`strong`] and [`mirrors`] (those that are written at once), [`backups`] and [`sources`] (what restores copy from), [`destinations`] (Kinesis streams that they are told to), [`counts`] (how many there are), [`insights`] (which keys are used most), [`seal`] and [`keys`]
//! (items of tables that are encrypted with keys of KMS).

pub(crate) mod after;
pub(crate) mod backups;
pub(crate) mod counts;
pub(crate) mod destinations;
pub(crate) mod insights;
mod kept;
pub(crate) mod keys;
pub(crate) mod mirrors;
pub(crate) mod read;
pub(crate) mod replicas;
pub(crate) mod seal;
pub(crate) mod sources;
mod stream_policies;
pub(crate) mod streams;
pub(crate) mod strong;
pub(crate) mod tables;
pub(crate) mod write;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use haneul_kit::metrics::Metrics;
use haneul_kit::{Bus, Env, Instant, Platform, Result, Signal};
use haneul_store::Store;

use crate::engine::capacity::{Direction, Used};
use crate::engine::keys::KEY_AT;
use crate::engine::locks::KeyLocks;
use crate::engine::throttle::Buckets;
use crate::model::{ITEMS, STREAMS, TABLES};
use crate::stream::sequence::Sequences;
use crate::table::TableInfo;
use crate::tasks::jobs::Running;
use crate::tasks::split::Busy;

/// The tables of the cloud. Cheap to clone; clones share everything.
#[derive(Clone)]
pub(crate) struct Db {
    pub(crate) store: Store,
    pub(crate) env: Env,
    pub(crate) bus: Bus,
    shared: Arc<Shared>,
}

struct Shared {
    tables: tables::Cache,
    streams: streams::Cache,
    locks: KeyLocks,
    /// Held while changes that go to the logs of several replicas get their numbers.
    order: tokio::sync::Mutex<()>,
    buckets: Buckets,
    sequences: Sequences,
    keys: keys::OpenKeys,
    jobs: Running,
    counts: counts::Cache,
    insights: insights::Counted,
    /// Wakes the reconciler that expires items, and when it will look without that, in seconds.
    expiry: Signal,
    next_expiry_s: AtomicI64,
    /// Wakes the reconciler that fills indexes and empties spaces.
    upkeep: Signal,
    /// Wakes the reconciler that carries writes from replica to replica.
    replication: Signal,
    /// Wakes the reconciler that brings changes to Kinesis streams.
    delivery: Signal,
    busy: Busy,
    metrics: Metrics,
}

impl Db {
    pub(crate) fn new(platform: &Platform) -> Db {
        let (store, metrics) = (platform.store.clone(), platform.metrics.clone());
        // Those of one partition; of two where their hashes are the same.
        store.group(&ITEMS, KEY_AT);
        let shared = Shared {
            tables: tables::Cache::new(store.table_version(&TABLES)),
            streams: streams::Cache::new(store.table_version(&STREAMS)),
            locks: KeyLocks::new(),
            order: tokio::sync::Mutex::default(),
            buckets: Buckets::new(metrics.clone(), platform.meter.clone()),
            sequences: Sequences::default(),
            keys: keys::OpenKeys::default(),
            jobs: Running::default(),
            counts: counts::Cache::new(&store),
            insights: insights::Counted::default(),
            expiry: Signal::default(),
            next_expiry_s: AtomicI64::new(i64::MAX),
            upkeep: Signal::default(),
            replication: Signal::default(),
            delivery: Signal::default(),
            busy: Busy::default(),
            metrics,
        };
        Db { store, env: platform.env.clone(), bus: platform.bus.clone(), shared: Arc::new(shared) }
    }

    pub(crate) fn upkeep(&self) -> &Signal {
        &self.shared.upkeep
    }

    pub(crate) fn replication(&self) -> &Signal {
        &self.shared.replication
    }

    pub(crate) fn delivery(&self) -> &Signal {
        &self.shared.delivery
    }

    /// The lanes for whose sake streams are to split.
    pub(crate) fn busy(&self) -> &Busy {
        &self.shared.busy
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// Whether the table's throughput lets a read begin; `index` is the position of the index that is read.
    pub(crate) fn admit_read(&self, table: &TableInfo, index: Option<usize>) -> Result<()> {
        self.shared.buckets.admit_read(table, index, self.env.now())
    }

    pub(crate) fn charge_read(&self, table: &TableInfo, used: &Used) {
        self.shared.buckets.charge(table, used, Direction::Read, self.env.now());
    }

    /// Whether the throughput of a table and of its indexes lets a write begin; `throttled` is called when the table's does not.
    pub(crate) fn admit_write(&self, table: &TableInfo, throttled: impl FnOnce()) -> Result<()> {
        let (buckets, now) = (&self.shared.buckets, self.env.now());
        buckets.admit_write(table, now).inspect_err(|_| throttled())?;
        buckets.admit_entries(table, now)
    }

    pub(crate) fn expiry_signal(&self) -> &Signal {
        &self.shared.expiry
    }

    /// When the next item is due, as far as is known.
    pub(crate) fn note_expiry(&self, next: Option<Instant>) {
        self.shared.next_expiry_s.store(next.map_or(i64::MAX, Instant::secs), Ordering::Relaxed);
    }

    /// An item will be due then.
    fn will_expire(&self, at_s: i64) {
        if at_s < self.shared.next_expiry_s.load(Ordering::Relaxed) {
            self.shared.expiry.wake();
        }
    }

    pub(crate) fn jobs(&self) -> &Running {
        &self.shared.jobs
    }

    pub(crate) fn keys(&self) -> &keys::OpenKeys {
        &self.shared.keys
    }

    pub(crate) fn sequences(&self) -> &Sequences {
        &self.shared.sequences
    }
}
