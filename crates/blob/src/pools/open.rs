use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};

use haneul_env::{Env, Fs};
use parking_lot::{Mutex, RwLock};

use super::marker::Marker;
use super::notes::Notes;
use super::{POOLS_MAX, Pool, Pools, Status, too_few};
use crate::BlobError;
use crate::local::LocalBlobs;
use crate::local::dirs::last;

/// Which pools are meant, by the name of their set: whoever uses them keeps it in another place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Set {
    /// Nothing was written to them yet: what is missing is made.
    New(String),
    Made(String),
}

/// What a pool's root says.
struct Found {
    marker: Marker,
    /// The highest count of its directories.
    last: u32,
}

/// The set that pools are of; `None` where none is there. Blocks.
pub fn set_of(env: &Env, dirs: &[PathBuf]) -> Result<Option<String>, BlobError> {
    for dir in dirs {
        if let Some(found) = look(&env.fs, dir)? {
            return Ok(Some(found.marker.set));
        }
    }
    Ok(None)
}

/// `None` where no pool is that can be used now.
fn look(fs: &Fs, dir: &Path) -> Result<Option<Found>, BlobError> {
    let read = || match Marker::read(fs, dir)? {
        Some(marker) => Ok(Some(Found { marker, last: last(fs, dir)? })),
        None => Ok(None),
    };
    match read() {
        Ok(found) => Ok(found),
        // Of a newer version.
        Err(error @ BlobError::Unusable(_)) => Err(error),
        Err(error) => {
            tracing::warn!(%error, pool = %dir.display(), "a storage pool cannot be read");
            Ok(None)
        }
    }
}

/// Whether a directory is there with nothing in it, but for what a file system or a start that was cut short puts there.
fn is_empty(fs: &Fs, dir: &Path) -> bool {
    let is_ours = |name: &str| matches!(name, "lost+found" | "pool.new");
    fs.list(dir).is_ok_and(|entries| entries.iter().all(|entry| is_ours(&entry.name)))
}

impl Pools {
    /// Opens the pools of a set, or makes them. One whose directory is not there, or cannot be used, is lost until it is; a
    /// directory that is empty where there was a pool is a new disk, and is filled.
    ///
    /// So many have to be there that every blob is in one of them, and a majority with the new disks. Blocks.
    pub fn open(env: &Env, dirs: &[PathBuf], set: &Set) -> Result<Arc<Pools>, BlobError> {
        if !(2..=POOLS_MAX).contains(&dirs.len()) {
            return Err(BlobError::Unusable(format!(
                "there are {} storage pools; give 2 to {POOLS_MAX}",
                dirs.len()
            )));
        }
        let name = match set {
            Set::New(name) | Set::Made(name) => name,
        };
        let mut found = dirs.iter().map(|dir| look(&env.fs, dir)).collect::<Result<Vec<_>, _>>()?;
        for (index, (dir, found)) in dirs.iter().zip(&found).enumerate() {
            let Some(Found { marker, .. }) = found else { continue };
            if marker.set != *name {
                return Err(BlobError::Unusable(format!(
                    "{} is a storage pool of another data directory",
                    dir.display()
                )));
            }
            if marker.index != index || marker.of != dirs.len() {
                return Err(BlobError::Unusable(format!(
                    "{} is pool {} of {}; pools are given in the order in which they were made",
                    dir.display(),
                    marker.index + 1,
                    marker.of
                )));
            }
        }
        if matches!(set, Set::New(_)) {
            for (index, (dir, found)) in dirs.iter().zip(&mut found).enumerate() {
                if found.is_none() {
                    let marker = make(env, dir, name, index, dirs.len())?;
                    *found = Some(Found { marker, last: 0 });
                }
            }
        }
        let mut behind: BTreeSet<usize> =
            found.iter().flatten().flat_map(|found| found.marker.behind.clone()).collect();
        let mut disks = BTreeMap::new();
        for (index, disk) in found.iter().flatten().flat_map(|found| &found.marker.disks) {
            let newest = disks.entry(*index).or_insert(*disk);
            *newest = (*newest).max(*disk);
        }
        // A disk that was replaced and is there again: nobody has told it of what came since.
        let is_old = |marker: &Marker| disks.get(&marker.index).is_some_and(|newest| marker.disk() < *newest);
        let old: Vec<usize> = found
            .iter()
            .flatten()
            .filter(|found| is_old(&found.marker))
            .map(|found| found.marker.index)
            .collect();
        behind.extend(&old);
        let first_of_run = found.iter().flatten().map(|found| found.last).max().unwrap_or(0) + 1;
        let pools: Vec<Arc<Pool>> = dirs
            .iter()
            .enumerate()
            .map(|(index, dir)| Pool::lost(index, dir, disks.get(&index).copied().unwrap_or(0)))
            .collect();
        for (pool, _) in
            pools.iter().zip(&found).filter(|(pool, found)| found.is_some() && !behind.contains(&pool.index))
        {
            match LocalBlobs::open_from(env, &pool.root, first_of_run) {
                Ok(local) => {
                    *pool.local.lock() = Some(Arc::new(local));
                    pool.set(Status::Online);
                }
                Err(error @ BlobError::Unusable(_)) => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, pool = %pool.root.display(), "a storage pool cannot be used");
                }
            }
        }
        let pools = Pools {
            env: env.clone(),
            set: name.clone(),
            pools,
            current: Mutex::new((first_of_run, 0)),
            first_of_run,
            notes: Mutex::new(Notes { behind, disks, durable: false }),
            under_way: Mutex::default(),
            repairs: Mutex::default(),
            repairs_rest: Mutex::default(),
            gone: Mutex::default(),
            deleting: RwLock::default(),
            scrub: Mutex::default(),
        };
        // Every blob is in a majority: so it is in one of as many as these.
        let has_every_blob = dirs.len() - pools.majority() + 1;
        if found.iter().flatten().count() - old.len() >= has_every_blob {
            // Twice: one may be of use only when those after it are there.
            for pool in pools.pools.iter().chain(&pools.pools) {
                if pool.status() == Status::Offline {
                    pools.notes.lock().behind.insert(pool.index);
                    if let Err(error) = pools.come_back(pool) {
                        tracing::warn!(%error, pool = %pool.root.display(), "a storage pool cannot be used");
                    }
                }
            }
            pools.write_notes(&mut pools.notes.lock());
        }
        let there = dirs.len() - pools.count(Status::Offline);
        if there < pools.majority() || !pools.have_every_blob() {
            return Err(BlobError::Unusable(pools.refusal(there)));
        }
        Ok(Arc::new(pools))
    }

    fn refusal(&self, there: usize) -> String {
        let is_lost = |pool: &&Arc<Pool>| pool.status() == Status::Offline && !self.is_there(pool);
        let lost = self.pools.iter().filter(is_lost);
        let lost: Vec<String> = lost.map(|pool| pool.root.display().to_string()).collect();
        let advice = if self.count(Status::Online) > 0 {
            "give an empty directory in the place of one that is lost"
        } else {
            "none of those has every blob, and all of them together may not either, so bring back one that is lost as it was: an \
             empty directory in its place is no help"
        };
        format!(
            "of {} storage pools {there} can be used, and {} are needed for a start (not there: {}); {advice}",
            self.pools.len(),
            self.majority(),
            lost.join(", ")
        )
    }

    pub(super) fn is_of(&self, marker: &Marker, pool: &Pool) -> bool {
        marker.set == self.set && marker.index == pool.index && marker.of == self.pools.len()
    }

    pub(super) fn is_there(&self, pool: &Pool) -> bool {
        let marker = Marker::read(&self.env.fs, &pool.root).ok().flatten();
        marker.is_some_and(|marker| self.is_of(&marker, pool) && pool.is_on(&marker))
    }

    /// A pool that is there again takes part, and is filled; says whether it is. Blocks.
    pub(super) fn come_back(&self, pool: &Pool) -> Result<bool, BlobError> {
        let fs = &self.env.fs;
        match Marker::read(fs, &pool.root)? {
            Some(marker) if self.is_of(&marker, pool) => {
                let replaced = marker.replaced || !pool.is_on(&marker);
                pool.replaced.store(replaced, Ordering::Release);
            }
            Some(_) => return Ok(false),
            None => {
                // Nothing at all is there, or a new disk. Where the others have not everything, a place to mount looks the same.
                if !self.have_every_blob() || !is_empty(fs, &pool.root) {
                    return Ok(false);
                }
                let disks = {
                    let mut notes = self.notes.lock();
                    let disk = pool.disk.load(Ordering::Acquire) + 1;
                    pool.disk.store(disk, Ordering::Release);
                    notes.disks.insert(pool.index, disk);
                    notes.behind.insert(pool.index);
                    notes.durable = false;
                    notes.disks.clone()
                };
                let (set, of) = (self.set.clone(), self.pools.len());
                pool.replaced.store(true, Ordering::Release);
                let behind = [pool.index].into();
                Marker { set, index: pool.index, of, behind, disks, replaced: true }.write(fs, &pool.root)?;
            }
        }
        let local = LocalBlobs::open_from(&self.env, &pool.root, self.first_of_run)?;
        *pool.local.lock() = Some(Arc::new(local));
        // What its own marker says may be long over.
        let mut notes = self.notes.lock();
        notes.behind.insert(pool.index);
        notes.durable = false;
        self.write_notes(&mut notes);
        // What it takes part in is acknowledged by its disk: so the others know that one first.
        if !notes.durable {
            return Err(too_few());
        }
        pool.set(Status::Behind);
        Ok(true)
    }
}

impl Pool {
    fn lost(index: usize, root: &Path, disk: u32) -> Arc<Pool> {
        Arc::new(Pool {
            index,
            root: root.to_owned(),
            status: AtomicU8::new(2),
            disk: AtomicU32::new(disk),
            replaced: AtomicBool::new(false),
            copying: Mutex::default(),
            failures: AtomicU64::new(0),
            local: Mutex::default(),
            rest: Mutex::default(),
        })
    }
}

fn make(env: &Env, dir: &Path, set: &str, index: usize, of: usize) -> Result<Marker, BlobError> {
    env.fs.create_dir_all_synced(dir)?;
    if !is_empty(&env.fs, dir) {
        return Err(BlobError::Unusable(format!(
            "{} is not empty: a storage pool is made in a directory of its own",
            dir.display()
        )));
    }
    let (behind, disks) = (BTreeSet::new(), BTreeMap::new());
    let marker = Marker { set: set.to_owned(), index, of, behind, disks, replaced: false };
    marker.write(&env.fs, dir)?;
    Ok(marker)
}
