use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::{Pool, Pools, Status, copy};
use crate::local::dirs::only_pool;
use crate::local::{LocalBlobs, blocking};
use crate::{BlobError, BlobId};

/// How often the pools are looked after.
const EVERY: Duration = Duration::from_secs(5);

/// Bytes that the scrub reads in one turn: some 13 MB a second.
const SCRUB_BYTES: u64 = 64 * 1024 * 1024;

/// What was done for the pools.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tended {
    pub copied: u64,
    pub deleted: u64,
    pub verified: u64,
    /// Copies that were found damaged or missing by the scrub.
    pub damaged: u64,
}

/// Where the scrub is: which pool, and after which blob.
#[derive(Default)]
pub(super) struct Scrub {
    pool: usize,
    after: Option<BlobId>,
}

impl Pools {
    /// Looks after the pools from time to time, until the cloud stops.
    pub(crate) fn start(self: &Arc<Pools>) {
        let pools = self.clone();
        let env = self.env.clone();
        env.clone().spawn("blob.pools", async move {
            loop {
                tokio::select! {
                    () = env.clock.sleep(EVERY) => {}
                    () = env.tasks.stopping() => return,
                }
                let pools = pools.clone();
                let tended = blocking(move || {
                    let mut done = pools.tend()?;
                    pools.scrub(SCRUB_BYTES, &mut done)?;
                    Ok(done)
                });
                if let Err(error) = tended.await {
                    tracing::error!(%error, "the storage pools could not be looked after and are again");
                }
            }
        });
    }

    /// Sees which pools are there, fills those that are behind, and makes the copies that are missing. Blocks.
    pub fn tend(&self) -> Result<Tended, BlobError> {
        let mut done = Tended::default();
        for pool in &self.pools {
            let is_there = self.root_is_there(&pool.root);
            match pool.status() {
                Status::Online if !is_there => {
                    pool.set(Status::Offline);
                    self.note_behind(pool.index)?;
                }
                Status::Behind if !is_there => pool.set(Status::Offline),
                Status::Offline => {
                    self.come_back(pool)?;
                }
                _ => {}
            }
        }
        for pool in &self.pools {
            if pool.status() == Status::Behind {
                self.fill(pool, &mut done)?;
            }
        }
        self.repair(&mut done)?;
        Ok(done)
    }

    /// Gives a pool what it lacks and takes from it what was deleted; then it counts again.
    fn fill(&self, pool: &Arc<Pool>, done: &mut Tended) -> Result<(), BlobError> {
        let mine = pool.local()?;
        let others: Vec<Arc<Pool>> =
            self.pools.iter().filter(|other| other.status() == Status::Online).cloned().collect();
        let mut deleted: Vec<BlobId> = self.gone.lock().iter().copied().collect();
        deleted.retain(|id| mine.dirs().open_blob(*id).is_ok());
        if !deleted.is_empty() {
            done.deleted += deleted.len() as u64;
            mine.dirs().delete(&deleted)?;
        }
        // What is written from here on is written there too, so only what was before has to be compared.
        let newest = self.current.lock().0;
        let mut dirs: BTreeSet<u32> = mine.dirs().numbers()?.into_iter().collect();
        for other in &others {
            dirs.extend(other.local()?.dirs().numbers()?);
        }
        for dir in dirs.into_iter().filter(|dir| only_pool(*dir).is_none()) {
            let has: BTreeSet<BlobId> = mine.dirs().blobs_in(dir)?.into_iter().collect();
            let mut wanted = BTreeSet::new();
            for other in &others {
                wanted.extend(other.local()?.dirs().blobs_in(dir)?);
            }
            for id in &wanted {
                // Of what it has, the end may be missing: it went away in the middle.
                if has.contains(id) && copy::verify(mine.dirs(), *id).is_ok() {
                    continue;
                }
                done.copied += u64::from(self.copy_to(pool, *id)?);
            }
            // What is in no other pool was deleted while it was away, as far as that is certain: a majority has everything.
            // In the newest directory it may be just being written.
            let gone: Vec<BlobId> = has.difference(&wanted).copied().collect();
            if dir < newest && others.len() >= self.majority() && !gone.is_empty() {
                done.deleted += gone.len() as u64;
                mine.dirs().delete(&gone)?;
            }
        }
        self.change_markers(|marker| marker.behind.remove(&pool.index))?;
        pool.set(Status::Online);
        if self.count(Status::Online) == self.pools.len() {
            self.gone.lock().clear();
        }
        Ok(())
    }

    /// Makes a good copy in a pool from any other; says whether there was one to make.
    fn copy_to(&self, pool: &Pool, id: BlobId) -> Result<bool, BlobError> {
        let to = pool.local()?;
        for other in self.holders(id).into_iter().filter(|other| other.index != pool.index) {
            let Ok(from) = other.local() else { continue };
            match copy::copy(from.dirs(), to.dirs(), id) {
                Ok(()) => return Ok(true),
                // Deleted or not finished, or damaged there too: another may have it.
                Err(BlobError::NotFound(_) | BlobError::Damaged { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    fn repair(&self, done: &mut Tended) -> Result<(), BlobError> {
        let ids = std::mem::take(&mut *self.repairs.lock());
        for id in ids {
            for pool in &self.pools {
                let Ok(local) = pool.local() else { continue };
                if copy::verify(local.dirs(), id).is_err() {
                    done.copied += u64::from(self.copy_to(pool, id)?);
                }
            }
        }
        Ok(())
    }

    /// Reads on where it was, and has mended what is not as it was written. Blocks.
    pub fn scrub(&self, bytes_max: u64, done: &mut Tended) -> Result<(), BlobError> {
        let (mut read, mut turns) = (0, 0);
        while read < bytes_max && turns < self.pools.len() {
            let (at, after) = {
                let scrub = self.scrub.lock();
                (scrub.pool, scrub.after)
            };
            let pool = &self.pools[at % self.pools.len()];
            let page = match pool.local() {
                Ok(local) if pool.status() == Status::Online => page(&local, after)?,
                _ => Vec::new(),
            };
            if page.is_empty() {
                turns += 1;
                *self.scrub.lock() = Scrub { pool: (at + 1) % self.pools.len(), after: None };
            }
            for id in page {
                if read >= bytes_max {
                    return Ok(());
                }
                self.scrub.lock().after = Some(id);
                read += self.check(pool, id, done)?;
            }
        }
        Ok(())
    }

    /// Gives how much was read.
    fn check(&self, pool: &Pool, id: BlobId, done: &mut Tended) -> Result<u64, BlobError> {
        match copy::verify(pool.local()?.dirs(), id) {
            Ok(length) => {
                done.verified += 1;
                self.check_others(pool, id, done)?;
                return Ok(length);
            }
            // Deleted meanwhile, or not finished.
            Err(BlobError::NotFound(_)) => {}
            Err(error) => {
                done.damaged += 1;
                tracing::error!(%error, pool = %pool.root.display(), "the scrub found a damaged copy");
                if only_pool(id.dir()).is_none() {
                    done.copied += u64::from(self.copy_to(pool, id)?);
                }
            }
        }
        Ok(0)
    }
}

impl Pools {
    /// A good copy is here: whether there is one at all in the others. In the newest directory it may be just being written.
    fn check_others(&self, pool: &Pool, id: BlobId, done: &mut Tended) -> Result<(), BlobError> {
        if only_pool(id.dir()).is_some() || id.dir() >= self.current.lock().0 {
            return Ok(());
        }
        let others =
            self.pools.iter().filter(|other| other.index != pool.index && other.status() == Status::Online);
        for other in others {
            if let Err(BlobError::NotFound(_)) = other.local()?.dirs().open_blob(id) {
                done.damaged += 1;
                done.copied += u64::from(self.copy_to(other, id)?);
            }
        }
        Ok(())
    }
}

/// The blobs after one, as far as they are in one directory.
fn page(local: &LocalBlobs, after: Option<BlobId>) -> Result<Vec<BlobId>, BlobError> {
    for dir in local.dirs().numbers()? {
        if after.is_some_and(|after| dir < after.dir()) {
            continue;
        }
        let mut found = local.dirs().blobs_in(dir)?;
        found.retain(|id| Some(*id) > after);
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}
