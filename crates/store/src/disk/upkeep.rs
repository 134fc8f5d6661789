//! The threads that move full memtables into tables, and merge tables.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Checkpoint, Shared};
use crate::StoreError;
use crate::engine::Version;
use crate::log::Position;

/// Full memtables that may wait; then commits wait.
const SEALED_MAX: usize = 6;

/// Runs of tables that a read may have to look into; then commits wait.
const RECENT_RUNS_MAX: usize = 24;

/// How long it takes to see that the store is at rest, and the operations there may be in each second of it.
const REST: u32 = 3;
const REST_OPERATIONS: u64 = 100;

/// Less than this is not merged for its own sake.
const SETTLED_FROM_BYTES: u64 = 16 * 1024 * 1024;

/// A memtable smaller than this stays one at rest.
const REST_MEMTABLE_BYTES: u64 = 1024 * 1024;

/// Between two attempts after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// On close, a memtable smaller than this stays in the log: replaying it takes no longer than a few milliseconds.
const CLOSE_FLUSH_BYTES: u64 = 256 * 1024;

#[derive(Default)]
pub(super) struct Upkeep {
    /// Full memtables not yet in tables, oldest first.
    pub(super) sealed: VecDeque<Mark>,
    pub(super) merge: bool,
    /// Something was written since all was merged, or may have been.
    unsettled: bool,
    pub(super) closing: bool,
    /// Where the log ended; set by the committer when it ends.
    pub(super) log_end: Option<Position>,
    /// Why the last attempt of each failed.
    flush_trouble: Option<StoreError>,
    merge_trouble: Option<StoreError>,
}

/// All up to here, in the log and in versions, is in a full memtable.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    pub(super) position: Position,
    pub(super) version: Version,
}

/// Sees whether the store is at rest, asked once a second.
#[derive(Default)]
struct Rest {
    operations: u64,
    seconds: u32,
}

impl Rest {
    fn is_reached(&mut self, operations: u64) -> bool {
        let few = operations.saturating_sub(self.operations) <= REST_OPERATIONS;
        self.operations = operations;
        self.seconds = if few { self.seconds + 1 } else { 0 };
        let reached = self.seconds >= REST;
        if reached {
            self.seconds = 0;
        }
        reached
    }
}

impl Shared {
    /// Whether the tree can take more now.
    pub(super) fn has_room(&self) -> bool {
        self.upkeep.lock().sealed.len() < SEALED_MAX && self.tree.recent_runs() < RECENT_RUNS_MAX
    }

    /// Waits until the tree can take more; an error when that is not in sight.
    pub(super) fn wait_for_room(&self) -> Result<(), StoreError> {
        let mut upkeep = self.upkeep.lock();
        loop {
            let trouble = if upkeep.sealed.len() >= SEALED_MAX {
                &upkeep.flush_trouble
            } else if self.tree.recent_runs() >= RECENT_RUNS_MAX {
                &upkeep.merge_trouble
            } else {
                return Ok(());
            };
            if let Some(error) = trouble {
                return Err(error.clone());
            }
            self.upkeep_changed.wait_for(&mut upkeep, RETRY);
        }
    }

    /// What was there at the start may be in any shape.
    pub(super) fn start_unsettled(&self) {
        self.upkeep.lock().unsettled = true;
    }

    pub(super) fn run_flush(self: &Arc<Self>) {
        loop {
            let mark = {
                let mut upkeep = self.upkeep.lock();
                loop {
                    if let Some(mark) = upkeep.sealed.back() {
                        break *mark;
                    }
                    if let Some(end) = upkeep.log_end {
                        drop(upkeep);
                        self.flush_at_close(end);
                        return;
                    }
                    self.upkeep_changed.wait(&mut upkeep);
                }
            };
            let flushed = self.flush(mark);
            let mut upkeep = self.upkeep.lock();
            match flushed {
                Ok(()) => {
                    upkeep.flush_trouble = None;
                    upkeep.merge = true;
                    upkeep.unsettled = true;
                    upkeep.sealed.retain(|sealed| sealed.position > mark.position);
                    self.upkeep_changed.notify_all();
                }
                Err(error) => {
                    self.note(&error, "a memtable could not be written to a table");
                    upkeep.flush_trouble = Some(error);
                    self.upkeep_changed.notify_all();
                    if upkeep.closing {
                        // It is all in the log.
                        return;
                    }
                    self.upkeep_changed.wait_for(&mut upkeep, RETRY);
                }
            }
        }
    }

    fn flush(&self, mark: Mark) -> Result<(), StoreError> {
        self.tree.flush(self.oldest())?;
        Checkpoint { position: mark.position, version: mark.version }.write(&self.fs, &self.dir)?;
        self.queue.lock().note_upkeep(mark.position.segment());
        self.queued.notify_one();
        Ok(())
    }

    /// The committer has ended, so this thread may do what only it may do.
    fn flush_at_close(&self, end: Position) {
        if self.tree.memtable_bytes() < CLOSE_FLUSH_BYTES || !self.tree.rotate() {
            return;
        }
        if let Err(error) = self.flush(Mark { position: end, version: self.visible() }) {
            self.note(&error, "the last memtable could not be written to a table");
        }
    }

    pub(super) fn run_merge(&self) {
        let mut rest = Rest::default();
        loop {
            let mut settle = false;
            {
                let mut upkeep = self.upkeep.lock();
                // Until the committer has ended, it may wait for a merge.
                while !upkeep.merge && upkeep.log_end.is_none() {
                    if !upkeep.unsettled {
                        self.upkeep_changed.wait(&mut upkeep);
                    } else if self.upkeep_changed.wait_for(&mut upkeep, Duration::from_secs(1)).timed_out()
                        && rest.is_reached(self.operations())
                    {
                        upkeep.unsettled = false;
                        settle = true;
                        break;
                    }
                }
                if upkeep.log_end.is_some() {
                    return;
                }
                upkeep.merge = false;
            }
            let mut merged = match settle {
                true => self.settle(SETTLED_FROM_BYTES),
                false => self.tree.compact(self.oldest()),
            };
            while let Ok(true) = merged {
                self.queue.lock().note_upkeep(0);
                self.queued.notify_one();
                self.upkeep_changed.notify_all();
                if self.upkeep.lock().log_end.is_some() {
                    return;
                }
                merged = self.tree.compact(self.oldest());
            }
            self.upkeep.lock().merge_trouble = merged.as_ref().err().cloned();
            if let Err(error) = merged {
                self.note(&error, "tables could not be merged");
                let mut upkeep = self.upkeep.lock();
                upkeep.merge = true;
                self.upkeep_changed.notify_all();
                if upkeep.log_end.is_none() {
                    self.upkeep_changed.wait_for(&mut upkeep, RETRY);
                }
            }
        }
    }

    /// Merges all tables into one run, if that is worth it: each run is a search more for whoever reads. True when it did.
    fn settle(&self, from_bytes: u64) -> Result<bool, StoreError> {
        if !self.tree.is_worth_settling(from_bytes) {
            return Ok(false);
        }
        if self.tree.memtable_bytes() >= REST_MEMTABLE_BYTES {
            // It comes back here when the memtable is a table.
            self.queue.lock().rotate();
            self.queued.notify_one();
            return Ok(false);
        }
        self.tree.settle(self.oldest())?;
        Ok(true)
    }

    /// Reads and commits since the start, and what else takes a version: only to see whether there are many.
    fn operations(&self) -> u64 {
        self.rows.reads() + self.scans.load(Ordering::Relaxed) + self.visible()
    }

    /// A full disk may have room again; damage will not go away.
    fn note(&self, error: &StoreError, what: &'static str) {
        tracing::error!(%error, what, "upkeep of the store failed");
        if matches!(error, StoreError::Damaged(_)) {
            self.poison(&error.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use haneul_env::Env;

    use super::*;
    use crate::disk::{DiskEngine, DiskOptions};
    use crate::engine::{Engine, KeyRange, Write};

    #[test]
    fn rest_is_some_seconds_with_few_operations() {
        let mut rest = Rest::default();
        let seen: Vec<bool> = [1_000, 1_010, 1_020, 5_000, 5_001, 5_002, 5_003, 5_004, 5_005, 5_006]
            .into_iter()
            .map(|operations| rest.is_reached(operations))
            .collect();
        assert_eq!(seen, [false, false, false, false, false, false, true, false, false, true]);
    }

    #[test]
    fn at_rest_all_is_merged_into_one_run_and_nothing_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let options = DiskOptions { memtable_bytes: 3 << 20, ..DiskOptions::default() };
        let (engine, _) = DiskEngine::open(&Env::real(), dir.path(), options).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let key =
            |number: u32| Bytes::from(format!("key {:08}", number.wrapping_mul(2_654_435_761) % 100_000));
        let value = |number: u32| Bytes::from(format!("{number:0>1000}"));
        let rows = 30_000;
        for batch in (0..rows).step_by(500) {
            let write = |number| Write { key: key(number), value: Some(value(number)) };
            runtime.block_on(engine.write((batch..batch + 500).map(write).collect())).unwrap();
        }
        let shared = &engine.shared;
        // First the memtable goes to a table, which another thread does.
        while shared.tree.is_worth_settling(1)
            && shared.tree.memtable_bytes() + shared.tree.recent_runs() as u64 > 0
        {
            shared.settle(1).unwrap();
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(shared.tree.recent_runs(), 0);
        let range = KeyRange { start: Bytes::new(), end: Bytes::from_static(b"z"), reverse: false };
        let found = shared.tree.advance(&mut shared.tree.walk(&range, shared.visible()), usize::MAX).unwrap();
        let mut wanted: std::collections::BTreeMap<Bytes, Bytes> = Default::default();
        wanted.extend((0..rows).map(|number| (key(number), value(number))));
        assert!(found.into_iter().eq(wanted));
    }
}
