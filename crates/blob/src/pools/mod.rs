//! Several pools (disks, mounts), each with a copy of every blob, so that the loss of one loses nothing.
//!
//! A blob has one name in all pools, and is acknowledged when every pool that is there has it durably: a pool that fails is
//! noted as behind in the others first, durably, and a majority must be left. So a pool that nobody calls behind has every
//! blob there is. One that comes back is given what it missed, and what was deleted meanwhile is deleted there, before it
//! counts again. Blobs of one pool only are in directories that say so, and are gone while it is.
//!
//! Reading takes any pool that has the blob, and the next one where that fails; a copy that is missing or damaged is made
//! anew from one that is not. A scrub reads everything again, slowly, and compares checksums.
//!
//! Reading order: this file (the pools and their state), [`marker`] (what a pool's root says of the set), [`writer`], [`reader`],
//! [`copy`] (a blob's file checked, and copied), [`tend`] (what is done in the background).
//!
//! What must never happen here: a blob acknowledged that fewer than a majority have; a deletion in a pool that cannot be
//! told from a loss in the others; anything written into the place of a disk that is gone.

mod copy;
mod marker;
mod reader;
mod tend;
mod writer;

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use haneul_env::Env;
use parking_lot::Mutex;

use crate::blobs::{Backend, BackendReader, BackendWriter, Blob, BoxFuture};
use crate::local::dirs::{DIR_FILES_MAX, last, of_one_pool, only_pool};
use crate::local::{LocalBlobs, blocking};
use crate::{BlobError, BlobId, Cipher};
use marker::Marker;

pub use tend::Tended;

/// Seven bits name a pool.
const POOLS_MAX: usize = 64;

/// Copies that wait to be made again: what is beyond is found by the scrub.
const REPAIRS_MAX: usize = 100_000;

/// Blobs in several pools.
pub struct Pools {
    env: Env,
    pools: Vec<Arc<Pool>>,
    /// The newest directory's number, and the blobs in it.
    current: Mutex<(u32, u32)>,
    first_of_run: u32,
    /// Blobs of which some pool has no good copy.
    repairs: Mutex<BTreeSet<BlobId>>,
    /// Blobs that were deleted while some pool was not there. After a restart they are known by not being in the others.
    gone: Mutex<BTreeSet<BlobId>>,
    scrub: Mutex<tend::Scrub>,
}

/// One of them.
pub(crate) struct Pool {
    index: usize,
    root: PathBuf,
    status: AtomicU8,
    /// `None` while it was never there in this run.
    local: Mutex<Option<Arc<LocalBlobs>>>,
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

    fn missing(&self) -> BlobError {
        BlobError::Io(format!("the storage pool {} is not there", self.root.display()))
    }
}

impl Pools {
    /// Opens or makes the pools. One whose directory is not there is lost until it is; a directory that is empty where there
    /// was a pool is a new disk, and is filled. Blocks.
    pub fn open(env: &Env, dirs: &[PathBuf]) -> Result<Arc<Pools>, BlobError> {
        if !(2..=POOLS_MAX).contains(&dirs.len()) {
            return Err(BlobError::Unusable(format!(
                "there are {} storage pools; give 2 to {POOLS_MAX}",
                dirs.len()
            )));
        }
        let found = dirs.iter().map(|dir| Marker::read(&env.fs, dir)).collect::<Result<Vec<_>, _>>()?;
        let known = found.iter().flatten().next().cloned();
        let set = known.map_or_else(|| env.rng.uuid(), |marker| marker.set);
        let behind: BTreeSet<usize> =
            found.iter().flatten().flat_map(|marker| marker.behind.clone()).collect();
        let is_new = found.iter().all(Option::is_none);
        let mut counts = vec![0];
        for (index, (dir, marker)) in dirs.iter().zip(&found).enumerate() {
            match marker {
                Some(marker) if marker.set != set || marker.index != index || marker.of != dirs.len() => {
                    return Err(BlobError::Unusable(format!(
                        "{} is pool {} of {} of another set; pools are given in the order in which they were made",
                        dir.display(),
                        marker.index + 1,
                        marker.of
                    )));
                }
                Some(_) => counts.push(last(&env.fs, dir)?),
                None if is_new => env.fs.create_dir_all_synced(dir)?,
                None => {}
            }
        }
        let first_of_run = counts.into_iter().max().unwrap_or(0) + 1;
        let mut pools = Vec::new();
        for (index, (root, marker)) in dirs.iter().zip(&found).enumerate() {
            let pool = Pool { index, root: root.clone(), status: AtomicU8::new(2), local: Mutex::default() };
            if marker.is_some() && !behind.contains(&index) {
                pool.status.store(0, Ordering::Release);
                *pool.local.lock() = Some(Arc::new(LocalBlobs::open_from(env, root, first_of_run)?));
            } else if is_new {
                Marker { set: set.clone(), index, of: dirs.len(), behind: BTreeSet::new() }
                    .write(&env.fs, root)?;
                pool.status.store(0, Ordering::Release);
                *pool.local.lock() = Some(Arc::new(LocalBlobs::open_from(env, root, first_of_run)?));
            }
            pools.push(Arc::new(pool));
        }
        let pools = Pools {
            env: env.clone(),
            pools,
            current: Mutex::new((first_of_run, 0)),
            first_of_run,
            repairs: Mutex::default(),
            gone: Mutex::default(),
            scrub: Mutex::default(),
        };
        let lost: Vec<usize> = pools
            .pools
            .iter()
            .filter(|pool| pool.status() == Status::Offline)
            .map(|pool| pool.index)
            .collect();
        if pools.count(Status::Online) < pools.majority() {
            return Err(BlobError::Unusable(
                "fewer than half of the storage pools are there and whole".to_owned(),
            ));
        }
        for index in lost {
            pools.note_behind(index)?;
            pools.come_back(&pools.pools[index])?;
        }
        Ok(Arc::new(pools))
    }

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

    /// Writes in the roots of the others, durably, that a pool lacks something. Blocks.
    fn note_behind(&self, index: usize) -> Result<(), BlobError> {
        self.change_markers(|marker| marker.behind.insert(index))
    }

    fn change_markers(&self, change: impl Fn(&mut Marker) -> bool) -> Result<(), BlobError> {
        let mut noted = 0;
        for pool in &self.pools {
            if pool.status() != Status::Online {
                continue;
            }
            let written = Marker::read(&self.env.fs, &pool.root).and_then(|marker| match marker {
                Some(mut marker) => {
                    if change(&mut marker) {
                        marker.write(&self.env.fs, &pool.root)
                    } else {
                        Ok(())
                    }
                }
                None => Err(pool.missing()),
            });
            match written {
                Ok(()) => noted += 1,
                Err(error) => {
                    tracing::warn!(%error, pool = %pool.root.display(), "a storage pool's state could not be written")
                }
            }
        }
        if noted >= self.majority() {
            Ok(())
        } else {
            Err(BlobError::Io("too few storage pools are there".to_owned()))
        }
    }

    /// A pool did not do what it was to do: it does not count until it has all again. Blocks.
    fn fail(&self, pool: &Pool, error: &BlobError) -> Result<(), BlobError> {
        tracing::warn!(%error, pool = %pool.root.display(), "a storage pool failed");
        if pool.status() == Status::Online {
            let is_there = Marker::read(&self.env.fs, &pool.root).is_ok_and(|marker| marker.is_some());
            pool.set(if is_there { Status::Behind } else { Status::Offline });
        }
        self.note_behind(pool.index)
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

/// Runs blocking work on every pool that is there, and calls those behind that fail at it.
async fn each<T: Send + 'static>(
    pools: &Arc<Pools>,
    work: impl Fn(&LocalBlobs) -> Result<T, BlobError> + Send + Sync + 'static,
) -> Result<Vec<T>, BlobError> {
    let pools = pools.clone();
    blocking(move || {
        let mut done = Vec::new();
        for pool in &pools.pools {
            if pool.status() == Status::Offline {
                continue;
            }
            let worked = pool.local().and_then(|local| {
                let one = work(&local)?;
                // In a disk that is gone nothing is found, and what is not found looks deleted.
                if pools.root_is_there(&pool.root) { Ok(one) } else { Err(pool.missing()) }
            });
            match worked {
                Ok(one) => done.push(one),
                Err(error) => pools.fail(pool, &error)?,
            }
        }
        if done.len() < pools.majority() {
            return Err(BlobError::Io("too few storage pools are there".to_owned()));
        }
        Ok(done)
    })
    .await
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
            let here = ids.clone();
            let deleted = each(self, move |local| local.dirs().delete(&here)).await.map(drop);
            // Once more: a pool may have been found to be gone just now.
            self.note_gone(&ids);
            deleted
        })
    }

    fn suspects(&self, after: Option<BlobId>, limit: usize) -> BoxFuture<'_, Result<Vec<BlobId>, BlobError>> {
        Box::pin(async move {
            let found = each(self, move |local| local.dirs().suspects(after, limit)).await?;
            let all: BTreeSet<BlobId> = found.into_iter().flatten().collect();
            Ok(all.into_iter().take(limit).collect())
        })
    }

    fn swept(&self) -> BoxFuture<'_, Result<(), BlobError>> {
        Box::pin(async move { each(self, |local| local.dirs().swept()).await.map(drop) })
    }
}

impl Pools {
    /// A pool whose directory is there again: it takes part, and is filled. Blocks.
    fn come_back(&self, pool: &Pool) -> Result<bool, BlobError> {
        let fs = &self.env.fs;
        let set = self.set()?;
        let marker = match Marker::read(fs, &pool.root) {
            Ok(marker) => marker,
            Err(_) => return Ok(false),
        };
        match marker {
            Some(marker) if marker.set == set && marker.index == pool.index => {}
            Some(_) => return Ok(false),
            None => {
                // Nothing at all is there, or a new disk: an empty directory, but for what a file system puts there.
                let Ok(entries) = fs.list(&pool.root) else { return Ok(false) };
                if entries.iter().any(|entry| entry.name != "lost+found") {
                    return Ok(false);
                }
                let marker = Marker { set, index: pool.index, of: self.pools.len(), behind: BTreeSet::new() };
                marker.write(fs, &pool.root)?;
            }
        }
        *pool.local.lock() = Some(Arc::new(LocalBlobs::open_from(&self.env, &pool.root, self.first_of_run)?));
        pool.set(Status::Behind);
        Ok(true)
    }

    fn set(&self) -> Result<String, BlobError> {
        for pool in self.pools.iter().filter(|pool| pool.status() == Status::Online) {
            if let Some(marker) = Marker::read(&self.env.fs, &pool.root)? {
                return Ok(marker.set);
            }
        }
        Err(BlobError::Io("too few storage pools are there".to_owned()))
    }

    fn root_is_there(&self, root: &Path) -> bool {
        Marker::read(&self.env.fs, root).is_ok_and(|marker| marker.is_some())
    }
}
