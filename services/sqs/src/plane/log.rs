use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use haneul_store::StoreError;
use haneul_store::log::journal::Appended;
use haneul_store::log::{Journal, Position};
use parking_lot::Mutex;

use super::op::Op;

/// The log that all queues share.
pub(crate) struct Log {
    journal: Journal,
    next_seq: AtomicU64,
    unsettled: Mutex<Unsettled>,
    /// Bytes appended since the last checkpoint.
    pub(crate) appended_bytes: AtomicU64,
    /// Bytes of the last checkpoint.
    pub(crate) checkpoint_size: AtomicU64,
    /// Where checkpoints go; `None` keeps all in memory.
    pub(crate) checkpoint_path: Option<PathBuf>,
    pub(crate) limits: Limits,
}

/// Sizes that tests make small. In bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bodies that are kept in memory.
    pub(crate) cache_bytes: usize,
    /// A checkpoint is due after so much log, or after twice the last checkpoint's size.
    pub(crate) checkpoint_bytes: u64,
    pub(crate) segment_bytes: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { cache_bytes: 64 << 20, checkpoint_bytes: 64 << 20, segment_bytes: 64 << 20 }
    }
}

/// Bytes that the journal adds to a record.
const RECORD_OVERHEAD: usize = 8;

/// Appends whose effect is not yet in the queues' state: a checkpoint must let them be replayed.
#[derive(Default)]
struct Unsettled {
    /// The number of the first entry.
    first: u64,
    /// Where the journal's end was before the append; `None` when it has settled.
    starts: VecDeque<Option<Position>>,
}

/// One append that has not settled.
#[derive(Debug)]
pub(crate) struct Unfinished(u64);

impl Log {
    pub(crate) fn new(journal: Journal, next_seq: u64, checkpoint: Option<&Path>, limits: Limits) -> Log {
        Log {
            journal,
            next_seq: AtomicU64::new(next_seq),
            unsettled: Mutex::default(),
            appended_bytes: AtomicU64::new(0),
            checkpoint_size: AtomicU64::new(0),
            checkpoint_path: checkpoint.map(Path::to_owned),
            limits,
        }
    }

    pub(crate) fn in_memory(&self) -> bool {
        self.checkpoint_path.is_none()
    }

    /// The number of the next message. To be called under the lock of its queue, so that numbers rise in each queue.
    pub(crate) fn next_seq(&self) -> u64 {
        self.next_seq.fetch_add(1, Ordering::Relaxed)
    }

    /// The greatest number given so far.
    pub(crate) fn last_seq(&self) -> u64 {
        self.next_seq.load(Ordering::Relaxed) - 1
    }

    /// Appends records that take effect when they are durable: durable together or not at all.
    pub(crate) fn append(&self, records: &[&[&[u8]]]) -> (Appended, Unfinished) {
        self.count(records);
        let unfinished = {
            // Before the append, so that its records cannot be before this.
            let mut unsettled = self.unsettled.lock();
            let start = self.journal.end();
            unsettled.starts.push_back(Some(start));
            Unfinished(unsettled.first + unsettled.starts.len() as u64 - 1)
        };
        (self.journal.append_all(records), unfinished)
    }

    /// The append has taken effect, or failed.
    pub(crate) fn settled(&self, unfinished: Unfinished) {
        let mut unsettled = self.unsettled.lock();
        let at = (unfinished.0 - unsettled.first) as usize;
        unsettled.starts[at] = None;
        while let Some(None) = unsettled.starts.front() {
            unsettled.starts.pop_front();
            unsettled.first += 1;
        }
    }

    /// Appends a record that nobody waits for: it goes along with the next sync, and causes none.
    pub(crate) fn note(&self, op: &Op<'_>) {
        let mut record = Vec::with_capacity(64);
        op.encode(&mut record);
        self.count(&[&[&record]]);
        self.journal.note(&[&record]);
    }

    /// Every append whose effect a checkpoint may lack is at or after this.
    pub(crate) fn replay_from(&self) -> Position {
        let unsettled = self.unsettled.lock();
        let oldest = unsettled.starts.iter().flatten().min().copied();
        oldest.unwrap_or_else(|| self.journal.end())
    }

    /// The record at a position; blocks for the disk.
    pub(crate) fn read(&self, position: u64) -> Result<Bytes, StoreError> {
        self.journal.read_at(Position::from_u64(position))
    }

    pub(crate) fn end(&self) -> Position {
        self.journal.end()
    }

    pub(crate) fn drop_before(&self, segment: u32) {
        self.journal.drop_before(segment);
    }

    fn count(&self, records: &[&[&[u8]]]) {
        let bytes: usize = records.iter().map(|parts| length(parts) as usize).sum();
        self.appended_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// The length of a record in the log, in bytes.
pub(crate) fn length(parts: &[&[u8]]) -> u32 {
    (RECORD_OVERHEAD + parts.iter().map(|part| part.len()).sum::<usize>()) as u32
}
