use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use super::marker::Marker;
use super::{Pool, Pools, Status, too_few};
use crate::{BlobError, BlobId};

/// Which pools lack something, and on which disks they are, as the markers say or are to say. Locked while they are written.
pub(super) struct Notes {
    pub(super) behind: BTreeSet<usize>,
    pub(super) disks: BTreeMap<usize, u32>,
    /// Whether a majority says so.
    pub(super) durable: bool,
}

impl Pools {
    /// A pool did not do what it was to do: it does not count until it has all again. Blocks.
    pub(super) fn fail(&self, pool: &Pool, error: &BlobError) {
        tracing::warn!(%error, pool = %pool.root.display(), "a storage pool failed");
        self.lacks(pool);
    }

    /// Notes that a pool lacks something; whether that is durable is known by [`Pools::noted`]. Blocks.
    pub(super) fn lacks(&self, pool: &Pool) {
        let is_there = self.is_there(pool);
        let mut notes = self.notes.lock();
        pool.failures.fetch_add(1, Ordering::AcqRel);
        if notes.behind.insert(pool.index) {
            notes.durable = false;
        }
        self.write_notes(&mut notes);
        if pool.status() != Status::Offline {
            pool.set(if is_there { Status::Behind } else { Status::Offline });
        }
    }

    /// A pool was given all it lacked, unless it has failed since its `failures` were counted. Blocks.
    pub(super) fn has_all(&self, pool: &Pool, failures: u64) {
        let mut notes = self.notes.lock();
        if pool.failures.load(Ordering::Acquire) != failures || pool.status() != Status::Behind {
            return;
        }
        notes.behind.remove(&pool.index);
        pool.replaced.store(false, Ordering::Release);
        notes.durable = false;
        self.write_notes(&mut notes);
        pool.set(Status::Online);
    }

    /// To be called before anything is acknowledged that some pool lacks. Blocks.
    pub(super) fn noted(&self) -> Result<(), BlobError> {
        let mut notes = self.notes.lock();
        self.write_notes(&mut notes);
        if notes.durable { Ok(()) } else { Err(too_few()) }
    }

    /// A blob is in a majority, durably, and some pools have failed at it: no other may count as whole without it. Blocks.
    pub(super) fn complete(&self, id: BlobId, settled: &[usize]) -> Result<(), BlobError> {
        for pool in self.pools.iter().filter(|pool| !settled.contains(&pool.index)) {
            // It has come back since the first byte, and may have been searched before the last one.
            if pool.status() != Status::Offline {
                match self.copy_to(pool, id) {
                    Ok(true) => {}
                    Ok(false) => self.fail(pool, &BlobError::NotFound(id)),
                    Err(error) => self.fail(pool, &error),
                }
            }
        }
        self.noted()
    }

    /// Writes what is not written yet, durably, in the roots of all pools that are there.
    pub(super) fn write_notes(&self, notes: &mut Notes) {
        if notes.durable {
            return;
        }
        let mut written = 0;
        for pool in &self.pools {
            let done = match Marker::read(&self.env.fs, &pool.root) {
                // A disk that was replaced and has come back is not called whole by what is written there.
                Ok(Some(marker))
                    if self.is_of(&marker, pool)
                        && (pool.is_on(&marker) || notes.behind.contains(&pool.index)) =>
                {
                    let (behind, disks) = (notes.behind.clone(), notes.disks.clone());
                    // Another disk stays known for one until it was filled.
                    let replaced =
                        notes.behind.contains(&pool.index) && (marker.replaced || !pool.is_on(&marker));
                    let wanted = Marker { behind, disks, replaced, ..marker.clone() };
                    if wanted == marker { Ok(()) } else { wanted.write(&self.env.fs, &pool.root) }
                }
                Ok(_) => continue,
                Err(error) => Err(error),
            };
            match done {
                Ok(()) => written += 1,
                Err(error) => {
                    tracing::warn!(%error, pool = %pool.root.display(), "a storage pool's state could not be written");
                }
            }
        }
        notes.durable = written >= self.majority();
    }
}
