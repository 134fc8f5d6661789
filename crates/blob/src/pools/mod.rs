//! Several pools (disks, mounts), each with a copy of every blob, so that the loss of one loses nothing.
//!
//! A blob has one name in all pools, and is acknowledged when a majority has it durably, and a majority says durably of
//! every other pool that it is behind. So a pool that nobody calls behind has every blob there is. One that comes back is
//! given what it missed, and what was deleted meanwhile is deleted there, before it counts again. Blobs of one pool only
//! are in directories that say so, and are gone while it is.
//!
//! Reading takes any pool that has the blob, and the next one where that fails; a copy that is missing or damaged is made
//! anew from one that is not. A scrub reads everything again, slowly, and compares checksums.
//!
//! Reading order: this file (the pools and their state), [`marker`] (what a pool's root says of the set), [`open`] (which pools
//! are there, at a start and later), [`notes`] (who lacks something), [`writer`], [`reader`], [`copy`] (a blob's file checked, and
//! copied), [`tend`] (what is done in the background).
//!
//! An empty directory in the place of a pool is taken for a new disk. All markers say how many of those each pool was given,
//! so that the old one is known for what it is when it is mounted again.
//! Where no pool has everything, so many have it together that none of the majorities is without one of them; a disk that was
//! replaced, and not filled since, is none of those.
//!
//! What has a writer is left to it by all that is done in the background.
//!
//! What must never happen here: a blob acknowledged that fewer than a majority have; a deletion in a pool that cannot be
//! told from a loss in the others; anything written into the place of a disk that is gone, or into the pools of somebody else.

mod copy;
mod marker;
mod notes;
mod open;
mod reader;
mod tend;
mod writer;

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};

use haneul_env::Env;
use parking_lot::{Mutex, RwLock};

use crate::blobs::{Backend, BackendReader, BackendWriter, Blob, BoxFuture, STEP};
use crate::local::dirs::{DIR_FILES_MAX, of_one_pool, only_pool};
use crate::local::{LocalBlobs, blocking};
use crate::{BlobError, BlobId, Cipher};
pub use open::{Set, set_of};
pub use tend::Tended;

/// Seven bits name a pool.
const POOLS_MAX: usize = 64;

/// Copies that wait to be made again: what is beyond is found by the scrub.
const REPAIRS_MAX: usize = 100_000;

/// Blobs in several pools.
pub struct Pools {
    env: Env,
    set: String,
    pools: Vec<Arc<Pool>>,
    /// The newest directory's number, and the blobs in it.
    current: Mutex<(u32, u32)>,
    first_of_run: u32,
    notes: Mutex<notes::Notes>,
    /// Blobs that have a writer: their files are its own, whatever they look like.
    under_way: Mutex<BTreeSet<BlobId>>,
    /// Blobs of which some pool has no good copy.
    repairs: Mutex<BTreeSet<BlobId>>,
    repairs_rest: Mutex<tend::Rest>,
    /// Blobs that were deleted while some pool was not there. After a restart they are known by not being in the others.
    gone: Mutex<BTreeSet<BlobId>>,
    /// Deletions go on side by side; a copy that was made waits for them, and then sees whether it is still wanted.
    deleting: RwLock<()>,
    scrub: Mutex<tend::Scrub>,
}

/// One of them.
pub(crate) struct Pool {
    index: usize,
    root: PathBuf,
    status: AtomicU8,
    /// Which of its disks is the one with everything, or is to be: see [`marker`].
    disk: AtomicU32,
    /// Whether its own blobs say nothing of what it has acknowledged: see [`marker`].
    replaced: AtomicBool,
    /// Held while a copy is made in it.
    copying: Mutex<()>,
    /// How often it did not do what it was to do.
    failures: AtomicU64,
    /// `None` while it was never there in this run.
    local: Mutex<Option<Arc<LocalBlobs>>>,
    rest: Mutex<tend::Rest>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It has everything.
    Online,
    /// It is there, takes what is new, and may lack what is old.
    Behind,
    Offline,
}

impl Pool {
    pub(crate) fn status(&self) -> Status {
        match self.status.load(Ordering::Acquire) {
            0 => Status::Online,
            1 => Status::Behind,
            _ => Status::Offline,
        }
    }

    fn set(&self, status: Status) {
        let before = self.status();
        let number = match status {
            Status::Online => 0,
            Status::Behind => 1,
            Status::Offline => 2,
        };
        self.status.store(number, Ordering::Release);
        if before != status {
            tracing::warn!(pool = %self.root.display(), ?before, now = ?status, "a storage pool changed");
        }
    }

    fn local(&self) -> Result<Arc<LocalBlobs>, BlobError> {
        let local = self.local.lock().clone().filter(|_| self.status() != Status::Offline);
        local.ok_or_else(|| self.missing())
    }

    fn is_on(&self, marker: &marker::Marker) -> bool {
        self.disk.load(Ordering::Acquire) == marker.disk()
    }

    fn is_replaced(&self) -> bool {
        self.replaced.load(Ordering::Acquire)
    }

    fn missing(&self) -> BlobError {
        BlobError::Io(format!("the storage pool {} is not there", self.root.display()))
    }
}

impl Pools {
    pub fn statuses(&self) -> Vec<Status> {
        self.pools.iter().map(|pool| pool.status()).collect()
    }

    fn count(&self, status: Status) -> usize {
        self.pools.iter().filter(|pool| pool.status() == status).count()
    }

    /// Copies that a blob must have before it is acknowledged.
    fn majority(&self) -> usize {
        self.pools.len() / 2 + 1
    }

    /// Whether every blob is in one of the pools that are there. One that is whole has all; and every blob is in a majority, so
    /// that it is in one of as many pools as can be no minority, even where each of them lacks something.
    fn have_every_blob(&self) -> bool {
        let kept = self.pools.iter().filter(|pool| pool.status() == Status::Behind && !pool.is_replaced());
        self.count(Status::Online) > 0
            || kept.count() > self.pools.len() - self.majority()
            || self.count(Status::Behind) == self.pools.len()
    }

    /// Runs work on every pool that is there, and calls those behind that fail at it; gives whose did it. Blocks.
    fn each<T>(
        &self,
        work: impl Fn(&LocalBlobs) -> Result<T, BlobError>,
    ) -> Result<Vec<(usize, T)>, BlobError> {
        let mut done = Vec::new();
        for pool in self.pools.iter().filter(|pool| pool.status() != Status::Offline) {
            let worked = pool.local().and_then(|local| {
                let one = work(&local)?;
                // In a disk that is gone nothing is found, and what is not found looks deleted.
                if self.is_there(pool) { Ok(one) } else { Err(pool.missing()) }
            });
            match worked {
                Ok(one) => done.push((pool.index, one)),
                Err(error) => self.fail(pool, &error),
            }
        }
        if done.len() < self.majority() {
            return Err(too_few());
        }
        if done.len() < self.pools.len() {
            self.noted()?;
        }
        Ok(done)
    }

    /// Takes back what is of a blob that nobody was told of. Best effort: what stays is swept after the next start. Blocks.
    fn take_back(&self, id: BlobId) {
        // As in a deletion: no copy of it may be made beside.
        let _deleting = self.deleting.read();
        for local in self.pools.iter().filter_map(|pool| pool.local().ok()) {
            local.dirs().discard(id);
        }
    }

    fn next_id(&self, only: Option<usize>) -> BlobId {
        let count = {
            let mut current = self.current.lock();
            if current.1 >= DIR_FILES_MAX {
                *current = (current.0 + 1, 0);
            }
            current.1 += 1;
            current.0
        };
        let dir = only.map_or(count, |pool| of_one_pool(pool, count));
        BlobId::new(dir, u128::from_be_bytes(self.env.rng.bytes()))
    }

    fn is_under_way(&self, id: BlobId) -> bool {
        self.under_way.lock().contains(&id)
    }

    /// Whether something has to be done for a blob.
    fn wants_repair(&self, id: BlobId) {
        let mut repairs = self.repairs.lock();
        if repairs.len() < REPAIRS_MAX && only_pool(id.dir()).is_none() {
            repairs.insert(id);
        }
    }

    /// What is deleted is remembered for the pools that are not there now.
    fn note_gone(&self, ids: &[BlobId]) {
        if self.count(Status::Online) < self.pools.len() {
            let mut gone = self.gone.lock();
            if gone.len() < REPAIRS_MAX {
                gone.extend(ids);
            }
        }
    }

    /// The pools that may have a blob, from another one on for each, whole ones first.
    fn holders(&self, id: BlobId) -> Vec<Arc<Pool>> {
        if let Some(only) = only_pool(id.dir()) {
            return self.pools.get(only).cloned().into_iter().collect();
        }
        let first = id.to_bytes()[15] as usize % self.pools.len();
        let turned = (0..self.pools.len()).map(|i| &self.pools[(first + i) % self.pools.len()]);
        let mut holders: Vec<Arc<Pool>> =
            turned.filter(|pool| pool.status() != Status::Offline).cloned().collect();
        holders.sort_by_key(|pool| pool.status() == Status::Behind);
        holders
    }
}

fn too_few() -> BlobError {
    BlobError::Io("too few storage pools are there".to_owned())
}

impl Backend for Arc<Pools> {
    fn writer(&self, len: Option<u64>, cipher: Option<Cipher>) -> Box<dyn BackendWriter> {
        Box::new(writer::Writer::new(self.clone(), self.next_id(None), None, len, cipher))
    }

    fn writer_of_one(&self, len: Option<u64>, cipher: Option<Cipher>) -> Box<dyn BackendWriter> {
        let online: Vec<usize> =
            self.pools.iter().filter(|pool| pool.status() == Status::Online).map(|pool| pool.index).collect();
        let only = online.get(self.env.rng.below(online.len().max(1) as u64) as usize).copied().unwrap_or(0);
        Box::new(writer::Writer::new(self.clone(), self.next_id(Some(only)), Some(only), len, cipher))
    }

    fn step(&self) -> usize {
        let steps = self.pools.iter().filter_map(|pool| pool.local().ok()).map(|local| local.step());
        steps.min().unwrap_or(STEP)
    }

    fn reader(&self, id: BlobId, range: Range<u64>, cipher: Option<Cipher>) -> Box<dyn BackendReader> {
        Box::new(reader::Reader::new(self.clone(), id, range, cipher))
    }

    fn stat(&self, id: BlobId) -> BoxFuture<'_, Result<Blob, BlobError>> {
        Box::pin(async move {
            let mut failed = BlobError::NotFound(id);
            for pool in self.holders(id) {
                let Ok(local) = pool.local() else { continue };
                match local.stat(id).await {
                    Ok(blob) => return Ok(blob),
                    Err(error) => failed = error,
                }
            }
            Err(failed)
        })
    }

    fn delete(&self, ids: Vec<BlobId>) -> BoxFuture<'_, Result<(), BlobError>> {
        Box::pin(async move {
            if ids.is_empty() {
                return Ok(());
            }
            {
                let mut repairs = self.repairs.lock();
                for id in &ids {
                    repairs.remove(id);
                }
            }
            self.note_gone(&ids);
            let pools = self.clone();
            blocking(move || {
                let deleting = pools.deleting.read();
                let deleted = pools.each(|local| local.dirs().delete(&ids));
                // Once more: a pool may have been found to be gone just now.
                pools.note_gone(&ids);
                drop(deleting);
                let done = deleted?;
                // Of a blob of one pool nobody else knows: it has to be deleted when that is there.
                let mut only = ids.iter().filter_map(|id| only_pool(id.dir()));
                match only.find(|only| done.iter().all(|(index, ())| index != only)) {
                    Some(_) => {
                        Err(BlobError::Io("the only copy is in a storage pool that is not there".to_owned()))
                    }
                    None => Ok(()),
                }
            })
            .await
        })
    }

    fn suspects(&self, after: Option<BlobId>, limit: usize) -> BoxFuture<'_, Result<Vec<BlobId>, BlobError>> {
        let pools = self.clone();
        Box::pin(blocking(move || {
            let found = pools.each(|local| local.dirs().suspects(after, limit))?;
            let all: BTreeSet<BlobId> = found.into_iter().flat_map(|(_, found)| found).collect();
            Ok(all.into_iter().take(limit).collect())
        }))
    }

    fn swept(&self) -> BoxFuture<'_, Result<(), BlobError>> {
        let pools = self.clone();
        Box::pin(blocking(move || pools.each(|local| local.dirs().swept()).map(drop)))
    }
}
