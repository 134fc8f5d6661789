//! The threads that move full memtables into tables, and merge tables.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::{Checkpoint, Shared};
use crate::StoreError;
use crate::engine::Version;
use crate::log::Position;

/// Full memtables that may wait; then commits wait.
const SEALED_MAX: usize = 6;

/// Runs of tables that a read may have to look into; then commits wait.
const RECENT_RUNS_MAX: usize = 24;

/// Between two attempts after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// On close, a memtable smaller than this stays in the log: replaying it takes no longer than a few milliseconds.
const CLOSE_FLUSH_BYTES: u64 = 256 * 1024;

#[derive(Default)]
pub(super) struct Upkeep {
    /// Full memtables not yet in tables, oldest first.
    pub(super) sealed: VecDeque<Mark>,
    pub(super) merge: bool,
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

impl Shared {
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
        loop {
            {
                let mut upkeep = self.upkeep.lock();
                // Until the committer has ended, it may wait for a merge.
                while !upkeep.merge && upkeep.log_end.is_none() {
                    self.upkeep_changed.wait(&mut upkeep);
                }
                if upkeep.log_end.is_some() {
                    return;
                }
                upkeep.merge = false;
            }
            let mut merged = self.tree.compact(self.oldest());
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

    /// A full disk may have room again; damage will not go away.
    fn note(&self, error: &StoreError, what: &'static str) {
        tracing::error!(%error, what, "upkeep of the store failed");
        if matches!(error, StoreError::Damaged(_)) {
            self.poison(&error.to_string());
        }
    }
}
