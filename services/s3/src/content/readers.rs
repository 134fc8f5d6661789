//! Keeps the bytes that somebody is reading. An object that is overwritten while it is read is read to its end as it
//! was, as in S3; its files go when the last reader that could have seen them has ended.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use haneul_kit::{Instant, Signal};
use parking_lot::Mutex;

use crate::store::Freed;

/// So many notes of blobs that are gone may stay.
const DELETED_MAX: usize = 1000;

#[derive(Clone)]
pub(crate) struct Readers {
    state: Arc<Mutex<State>>,
    /// Woken when a reader that has ended leaves something to delete.
    cleaning: Signal,
}

#[derive(Default)]
struct State {
    /// Counts readers and retirements.
    clock: u64,
    /// When each active reader began.
    active: BTreeMap<u64, ()>,
    /// Blobs and when they were retired, in order.
    retired: VecDeque<(u64, Freed)>,
    /// Blobs that are gone, and noted as freed still.
    deleted: Freed,
    /// Until when the blobs are left that could not be deleted, where there are some.
    left: Option<Instant>,
    /// Until when those that are retired wait for more, where they do.
    gathered: Option<Instant>,
}

/// While it lives, nothing that a record read after its making names is deleted.
pub(crate) struct Reading {
    readers: Readers,
    began: u64,
}

impl Readers {
    pub(crate) fn new(cleaning: Signal) -> Readers {
        Readers { state: Arc::default(), cleaning }
    }

    /// To be called before the record is read.
    pub(crate) fn begin(&self) -> Reading {
        let mut state = self.state.lock();
        state.clock += 1;
        let began = state.clock;
        state.active.insert(began, ());
        Reading { readers: self.clone(), began }
    }

    /// Says how often that was done without anything being deleted since.
    pub(crate) fn retire(&self, freed: Freed) -> usize {
        let mut state = self.state.lock();
        state.clock += 1;
        let at = state.clock;
        state.retired.push_back((at, freed));
        state.retired.len()
    }

    /// What is retired is to be deleted then, if it is not before.
    pub(crate) fn gather(&self, until: Instant) {
        let mut state = self.state.lock();
        if state.gathered.is_none() {
            state.gathered = Some(until);
            drop(state);
            self.cleaning.wake();
        }
    }

    /// Until when it waits, unless that is over.
    pub(crate) fn gathered_until(&self, now: Instant) -> Option<Instant> {
        let mut state = self.state.lock();
        if state.gathered.is_some_and(|until| until <= now) {
            state.gathered = None;
        }
        state.gathered
    }

    /// Takes out what no reader can want any more.
    pub(crate) fn deletable(&self) -> Freed {
        let mut state = self.state.lock();
        let oldest = state.active.keys().next().copied().unwrap_or(u64::MAX);
        let mut found = Freed::new();
        while state.retired.front().is_some_and(|(at, _)| *at < oldest) {
            found.extend(state.retired.pop_front().into_iter().flat_map(|(_, freed)| freed));
        }
        found
    }

    pub(crate) fn deleted(&self, gone: Freed) {
        let mut state = self.state.lock();
        state.deleted.extend(gone);
        if state.deleted.len() >= DELETED_MAX {
            self.cleaning.wake();
        }
    }

    /// Some could not be deleted: all that are noted as freed are tried again then.
    pub(crate) fn left(&self, until: Instant) {
        let is_first = self.state.lock().left.replace(until).is_none();
        if is_first {
            self.cleaning.wake();
        }
    }

    pub(crate) fn left_until(&self) -> Option<Instant> {
        self.state.lock().left
    }

    /// Whether it is time to try again.
    pub(crate) fn take_left(&self, now: Instant) -> bool {
        self.state.lock().left.take_if(|until| *until <= now).is_some()
    }

    pub(crate) fn take_deleted(&self) -> Freed {
        std::mem::take(&mut self.state.lock().deleted)
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let mut state = self.readers.state.lock();
        state.active.remove(&self.began);
        if !state.retired.is_empty() {
            self.readers.cleaning.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use haneul_blob::BlobId;

    use super::*;

    #[test]
    fn only_readers_that_began_before_hold_a_blob() {
        let readers = Readers::new(Signal::default());
        let before = readers.begin();
        let [a, b] = [1, 2].map(|n| BlobId::from_bytes([n; 16]));
        readers.retire(vec![a]);
        let after = readers.begin();
        readers.retire(vec![b]);
        assert!(readers.deletable().is_empty());
        drop(before);
        assert_eq!(readers.deletable(), [a]);
        drop(after);
        assert_eq!(readers.deletable(), [b]);
        assert!(readers.deletable().is_empty());
    }
}
