//! One shard: it gives out places, and has one write to the store under way at a time.
//!
//! What comes in while a write is synced goes into the next one, so records become visible in the order of their places,
//! and a shard needs no more syncs than it can do one after the other. Writes of different shards share syncs in the store.

use std::collections::VecDeque;
use std::sync::Arc;

use haneul_env::Env;
use haneul_kit::{Bucket, Result};
use haneul_store::{Range, Reads, Store, StoreError};
use parking_lot::Mutex;
use tokio::sync::{OnceCell, oneshot, watch};

use crate::error;
use crate::gauge::Gauge;
use crate::model::{ROWS, ShardRecord};
use crate::row::{Parcel, ROW_BYTES, Row};
use crate::sequence::{PLACE_MAX, Sequence};

pub(crate) struct Shard {
    pub(crate) stream_no: u64,
    pub(crate) index: u32,
    /// One that is closed is another shard in memory, so that nobody sees it without its children.
    pub(crate) record: ShardRecord,
    /// Read from the store when it is first needed.
    tail: OnceCell<Mutex<Tail>>,
    /// Counts what may interest a reader: writes that became durable, the end of the shard.
    pub(crate) arrivals: watch::Sender<u64>,
}

/// Where the shard's next record goes.
pub(crate) struct Tail {
    /// The next place.
    next: u64,
    /// Every record before this place is durable, and can be read.
    visible: u64,
    /// When the last record arrived.
    last_ms: i64,
    /// When the last record of the first row arrived, or earlier; `None` when there is no row.
    pub(crate) oldest_ms: Option<i64>,
    pending: VecDeque<Pending>,
    pending_bytes: usize,
    writing: bool,
    pub(crate) limits: Limits,
}

pub(crate) struct Limits {
    pub(crate) records: Gauge,
    pub(crate) bytes: Gauge,
    pub(crate) reads: Bucket,
    pub(crate) read_bytes: Bucket,
}

struct Pending {
    place: u64,
    parcel: Parcel,
    reply: oneshot::Sender<Result<(), StoreError>>,
}

/// Places for a parcel, and who tells when it is durable.
pub(crate) struct Appended {
    pub(crate) place: u64,
    pub(crate) arrived_ms: i64,
    pub(crate) durable: oneshot::Receiver<Result<(), StoreError>>,
}

/// Bytes that may wait for one shard's writes. Its limits let in a megabyte a second, so a disk that stands still fills it
/// within a minute.
const PENDING_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The place of a shard's first record; that of its beginning is before it.
const PLACE_FIRST: u64 = 1;

impl Limits {
    /// Source: Developer Guide, "Quotas and limits".
    fn new() -> Limits {
        Limits {
            records: Gauge::new(1000),
            bytes: Gauge::new(1024 * 1024),
            reads: Bucket::new(5),
            read_bytes: Bucket::new(2 * 1024 * 1024),
        }
    }
}

impl Shard {
    pub(crate) fn new(stream_no: u64, index: u32, record: ShardRecord) -> Shard {
        Shard { stream_no, index, record, tail: OnceCell::new(), arrivals: watch::Sender::new(0) }
    }

    /// One that was made a moment ago, and has nothing in the store.
    pub(crate) fn fresh(stream_no: u64, index: u32, record: ShardRecord) -> Shard {
        let tail = Tail::new(PLACE_FIRST, record.created_ms, None);
        Shard { tail: OnceCell::new_with(Some(Mutex::new(tail))), ..Shard::new(stream_no, index, record) }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.record.closed_ms.is_some()
    }

    pub(crate) async fn tail(&self, store: &Store) -> Result<&Mutex<Tail>> {
        self.tail.get_or_try_init(|| self.load(store)).await
    }

    async fn load(&self, store: &Store) -> Result<Mutex<Tail>> {
        let own = || Range::prefix((self.stream_no, self.index));
        let last = store.scan(&ROWS, own().rev(), 1).await.map_err(error::store)?.pop();
        let first = store.scan(&ROWS, own(), 1).await.map_err(error::store)?.pop();
        let (end, last_ms) = match &last {
            Some(((_, _, place), row)) => (place + row.count(), row.last_arrived_ms()),
            None => (0, i64::MIN),
        };
        let next = end.max(self.record.next_place).max(PLACE_FIRST);
        let oldest_ms = first.map(|(_, row)| row.last_arrived_ms());
        Ok(Mutex::new(Tail::new(next, last_ms.max(self.record.created_ms), oldest_ms)))
    }

    /// Gives the parcel its places and time, and begins to write it unless a write is under way, which will.
    /// `None` when too much waits.
    pub(crate) fn append(
        self: &Arc<Shard>,
        env: &Env,
        store: &Store,
        tail: &mut Tail,
        mut parcel: Parcel,
        now_ms: i64,
    ) -> Option<Appended> {
        if tail.pending_bytes > PENDING_BYTES_MAX {
            return None;
        }
        tail.last_ms = tail.last_ms.max(now_ms);
        parcel.arrived_ms = tail.last_ms;
        let (place, arrived_ms) = (tail.next, tail.last_ms);
        tail.next += u64::from(parcel.count);
        tail.pending_bytes += parcel.body.len();
        let (reply, durable) = oneshot::channel();
        tail.pending.push_back(Pending { place, parcel, reply });
        if !tail.writing {
            tail.writing = true;
            // Of its own: who asked may go away, and those behind it in the queue do not.
            env.spawn("kinesis append", self.clone().write(store.clone()));
        }
        Some(Appended { place, arrived_ms, durable })
    }

    async fn write(self: Arc<Shard>, store: Store) {
        loop {
            let Some(tail) = self.tail.get() else { return };
            let Some((place, row, replies)) = tail.lock().take_row() else {
                self.arrivals.send_modify(|count| *count += 1);
                return;
            };
            let written = store.put(&ROWS, &(self.stream_no, self.index, place), &row).await;
            if written.is_ok() {
                let mut tail = tail.lock();
                tail.visible = place + row.count();
                tail.oldest_ms.get_or_insert(row.last_arrived_ms());
            }
            for reply in replies {
                // Who went away does not want to know.
                let _ = reply.send(written.clone());
            }
            self.arrivals.send_modify(|count| *count += 1);
        }
    }

    /// Returns when nothing is being written. For who keeps new records out.
    pub(crate) async fn idle(&self) {
        let mut arrivals = self.arrivals.subscribe();
        loop {
            arrivals.mark_unchanged();
            if self.tail.get().is_none_or(|tail| tail.lock().is_idle()) {
                return;
            }
            if arrivals.changed().await.is_err() {
                return;
            }
        }
    }

    pub(crate) fn sequence(&self, place: u64, arrived_ms: i64) -> Sequence {
        let arrived_secs = u64::try_from(arrived_ms.div_euclid(1000)).unwrap_or(0);
        Sequence { began_secs: self.record.began_secs, shard: self.index, place, arrived_secs }
    }

    /// The number with which the shard begins, and the one with which it ended.
    pub(crate) fn bounds(&self) -> (String, Option<String>) {
        let first = self.sequence(0, self.record.began_secs as i64 * 1000).text();
        (first, self.record.closed_ms.map(|closed_ms| self.sequence(PLACE_MAX, closed_ms).text()))
    }
}

impl Tail {
    fn new(next: u64, last_ms: i64, oldest_ms: Option<i64>) -> Tail {
        Tail {
            next,
            visible: next,
            last_ms,
            oldest_ms,
            pending: VecDeque::new(),
            pending_bytes: 0,
            writing: false,
            limits: Limits::new(),
        }
    }

    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    pub(crate) fn visible(&self) -> u64 {
        self.visible
    }

    /// Whether everything that got its place was written, if it could be.
    pub(crate) fn is_idle(&self) -> bool {
        !self.writing
    }

    pub(crate) fn last_ms(&self) -> i64 {
        self.last_ms
    }

    /// The next row to write; `None` ends the writing.
    #[allow(clippy::type_complexity)] // used once, next to it
    fn take_row(&mut self) -> Option<(u64, Row, Vec<oneshot::Sender<Result<(), StoreError>>>)> {
        let place = match self.pending.front() {
            Some(first) => first.place,
            None => {
                self.writing = false;
                return None;
            }
        };
        let (mut row, mut replies, mut bytes) = (Row::default(), Vec::new(), 0);
        while let Some(next) = self.pending.front()
            && (row.parcels.is_empty() || bytes + next.parcel.body.len() <= ROW_BYTES)
            && let Some(next) = self.pending.pop_front()
        {
            bytes += next.parcel.body.len();
            row.parcels.push(next.parcel);
            replies.push(next.reply);
        }
        self.pending_bytes -= bytes;
        Some((place, row, replies))
    }
}
