use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Pool, Pools, Status, copy, too_few};
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

/// How long something that went wrong is left alone: twice as many turns each time, up to ten minutes.
#[derive(Default)]
pub(super) struct Rest {
    failures: u32,
    turns: u32,
}

impl Rest {
    fn is_over(&mut self) -> bool {
        let is_over = self.turns == 0;
        self.turns = self.turns.saturating_sub(1);
        is_over
    }

    fn after(&mut self, went_well: bool) {
        self.failures = if went_well { 0 } else { (self.failures + 1).min(7) };
        self.turns = if went_well { 0 } else { 1 << self.failures };
    }
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
                    let mut done = pools.tend();
                    pools.scrub(SCRUB_BYTES, &mut done);
                    Ok(())
                });
                if let Err(error) = tended.await {
                    tracing::error!(%error, "the storage pools could not be looked after and are again");
                }
            }
        });
    }

    /// Sees which pools are there, fills those that are behind, and makes the copies that are missing. What goes wrong with
    /// one is logged, and tried again after a while. Blocks.
    pub fn tend(&self) -> Tended {
        let mut done = Tended::default();
        for pool in &self.pools {
            if pool.status() != Status::Offline {
                if !self.is_there(pool) {
                    self.lacks(pool);
                }
            } else if pool.rest.lock().is_over() {
                let back = self.come_back(pool);
                pool.rested(&back, "a storage pool that is back could not be used");
            }
        }
        for pool in self.pools.iter().filter(|pool| pool.status() == Status::Behind) {
            if pool.rest.lock().is_over() {
                let filled = self.fill(pool, &mut done);
                pool.rested(&filled, "a storage pool could not be filled");
            }
        }
        if self.repairs_rest.lock().is_over() {
            let is_done = self.repair(&mut done);
            self.repairs_rest.lock().after(is_done);
        }
        self.write_notes(&mut self.notes.lock());
        done
    }

    /// Gives a pool what it lacks and takes from it what was deleted; then it counts again.
    fn fill(&self, pool: &Arc<Pool>, done: &mut Tended) -> Result<(), BlobError> {
        let failures = pool.failures.load(Ordering::Acquire);
        let mine = pool.local()?;
        let with = |status: Status| -> Vec<Arc<Pool>> {
            let others = self.pools.iter().filter(|other| other.index != pool.index);
            others.filter(|other| other.status() == status).cloned().collect()
        };
        let mut others = with(Status::Online);
        if others.is_empty() {
            // None has everything: so many together have.
            if !self.have_every_blob() {
                return Err(too_few());
            }
            others = with(Status::Behind);
        }
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
            // Seen before the others are searched: a writer that ends meanwhile has made its files there too late for that.
            let under_way = self.under_way.lock().clone();
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
            let gone = has.difference(&wanted).filter(|id| !under_way.contains(id));
            let gone: Vec<BlobId> = gone.copied().collect();
            let whole = others.iter().filter(|other| other.status() == Status::Online);
            let is_certain = whole.count() >= self.majority();
            if dir < newest && is_certain && !gone.is_empty() {
                self.are_there(&others)?;
                done.deleted += gone.len() as u64;
                mine.dirs().delete(&gone)?;
            }
        }
        self.are_there(&others)?;
        self.has_all(pool, failures);
        if self.count(Status::Online) == self.pools.len() {
            self.gone.lock().clear();
        }
        Ok(())
    }

    /// In the place of a disk that is gone nothing was found.
    fn are_there(&self, others: &[Arc<Pool>]) -> Result<(), BlobError> {
        others.iter().find(|other| !self.is_there(other)).map_or(Ok(()), |other| Err(other.missing()))
    }

    /// Makes a good copy in a pool from any other; says whether it has one now. What has a writer is left to that.
    pub(super) fn copy_to(&self, pool: &Pool, id: BlobId) -> Result<bool, BlobError> {
        let to = pool.local()?;
        let _copying = pool.copying.lock();
        if self.is_under_way(id) {
            return Ok(false);
        }
        // Whoever wants one has looked before: a writer may have ended since, or another copy.
        if copy::verify(to.dirs(), id).is_ok() {
            return Ok(true);
        }
        let mut failed = None;
        for other in self.holders(id).into_iter().filter(|other| other.index != pool.index) {
            let Ok(from) = other.local() else { continue };
            match copy::copy(from.dirs(), to.dirs(), id) {
                Ok(()) => {
                    let _deleting = self.deleting.write();
                    if self.gone.lock().contains(&id) || from.dirs().open_blob(id).is_err() {
                        to.dirs().delete(&[id])?;
                        return Ok(false);
                    }
                    return Ok(true);
                }
                // Deleted or not finished, or damaged there too: another may have it.
                Err(BlobError::NotFound(_) | BlobError::Damaged { .. }) => {}
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(false), Err)
    }

    /// Says whether everything was done; what was not is left for the next turn.
    fn repair(&self, done: &mut Tended) -> bool {
        let mut left = BTreeSet::new();
        let ids = std::mem::take(&mut *self.repairs.lock());
        for id in ids {
            for pool in &self.pools {
                let Ok(local) = pool.local() else { continue };
                if copy::verify(local.dirs(), id).is_ok() {
                    continue;
                }
                match self.copy_to(pool, id) {
                    Ok(copied) => done.copied += u64::from(copied),
                    Err(error) => {
                        tracing::warn!(%error, %id, pool = %pool.root.display(), "a copy could not be made");
                        left.insert(id);
                    }
                }
            }
        }
        let is_done = left.is_empty();
        self.repairs.lock().extend(left);
        is_done
    }

    /// Reads on where it was, and has mended what is not as it was written. Blocks.
    pub fn scrub(&self, bytes_max: u64, done: &mut Tended) {
        let (mut read, mut turns) = (0, 0);
        while read < bytes_max && turns < self.pools.len() {
            let (at, after) = {
                let scrub = self.scrub.lock();
                (scrub.pool, scrub.after)
            };
            let pool = &self.pools[at % self.pools.len()];
            let is_online = || pool.status() == Status::Online;
            let page =
                pool.local().and_then(|local| if is_online() { page(&local, after) } else { Ok(Vec::new()) });
            let page = page.unwrap_or_else(|error| {
                tracing::warn!(%error, pool = %pool.root.display(), "the scrub could not read a storage pool");
                Vec::new()
            });
            if page.is_empty() {
                turns += 1;
                *self.scrub.lock() = Scrub { pool: (at + 1) % self.pools.len(), after: None };
            }
            for id in page {
                if read >= bytes_max || !is_online() {
                    break;
                }
                self.scrub.lock().after = Some(id);
                match self.check(pool, id, done) {
                    Ok(length) => read += length,
                    Err(error) => {
                        tracing::warn!(%error, %id, pool = %pool.root.display(), "the scrub could not mend a copy");
                    }
                }
            }
        }
    }

    /// Gives how much was read.
    fn check(&self, pool: &Pool, id: BlobId, done: &mut Tended) -> Result<u64, BlobError> {
        if self.is_under_way(id) {
            return Ok(0);
        }
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

impl Pool {
    fn rested<T>(&self, tried: &Result<T, BlobError>, what: &str) {
        self.rest.lock().after(tried.is_ok());
        if let Err(error) = tried {
            tracing::error!(%error, pool = %self.root.display(), "{what}");
        }
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
