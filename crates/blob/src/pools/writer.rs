use std::sync::Arc;

use bytes::Bytes;

use super::{Pool, Pools, too_few};
use crate::blobs::{BackendWriter, Blob, BoxFuture};
use crate::local::blocking;
use crate::{BlobError, BlobId, Cipher};

/// Writes every copy of a blob at once.
pub(super) struct Writer {
    pools: Arc<Pools>,
    id: BlobId,
    only: Option<usize>,
    copies: Vec<(Arc<Pool>, Box<dyn BackendWriter>)>,
    /// Until every copy is what it will be; dropped after them.
    under_way: Option<UnderWay>,
    /// Pools that failed. They are noted as behind when the blob is acknowledged without them, and not where it is not: a blob
    /// that is too large for all of them takes nothing from any.
    lost: Vec<(Arc<Pool>, BlobError)>,
    /// Why it cannot be finished.
    failed: Option<BlobError>,
}

impl Writer {
    pub(super) fn new(
        pools: Arc<Pools>,
        id: BlobId,
        only: Option<usize>,
        len: Option<u64>,
        cipher: Option<Cipher>,
    ) -> Writer {
        let under_way = Some(UnderWay::new(&pools, id));
        let wanted = pools.pools.iter().filter(|pool| only.is_none_or(|only| pool.index == only));
        let mut copies = Vec::new();
        for pool in wanted {
            if let Ok(local) = pool.local() {
                copies.push((pool.clone(), local.writer_of(id, cipher.clone(), len)));
            }
        }
        Writer { pools, id, only, under_way, copies, lost: Vec::new(), failed: None }
    }

    /// So many copies make a blob.
    fn needed(&self) -> usize {
        if self.only.is_some() { 1 } else { self.pools.majority() }
    }

    fn check(&mut self) -> Result<(), BlobError> {
        if self.failed.is_none() && self.copies.len() < self.needed() {
            self.failed = Some(why(&self.lost));
        }
        self.failed.clone().map_or(Ok(()), Err)
    }
}

/// Why there are too few copies: where disks are full, there may be room later.
fn why(lost: &[(Arc<Pool>, BlobError)]) -> BlobError {
    let errors = || lost.iter().map(|(_, error)| error);
    let full = errors().find(|error| **error == BlobError::Full);
    full.or(errors().next()).cloned().unwrap_or_else(too_few)
}

impl BackendWriter for Writer {
    fn write(&mut self, chunk: Bytes) -> BoxFuture<'_, Result<(), BlobError>> {
        Box::pin(async move {
            self.check()?;
            let mut kept = Vec::with_capacity(self.copies.len());
            for (pool, mut copy) in std::mem::take(&mut self.copies) {
                match copy.write(chunk.clone()).await {
                    Ok(()) => kept.push((pool, copy)),
                    Err(error) => self.lost.push((pool, error)),
                }
            }
            self.copies = kept;
            self.check()
        })
    }

    fn finish(mut self: Box<Self>) -> BoxFuture<'static, Result<Blob, BlobError>> {
        Box::pin(async move {
            self.check()?;
            let mut unclaimed = Unclaimed { pools: self.pools.clone(), id: self.id, claimed: false };
            // The syncs of the copies run beside one another.
            let copies = std::mem::take(&mut self.copies);
            let finishing = copies.into_iter().map(|(pool, copy)| async move { (pool, copy.finish().await) });
            let mut done = Vec::new();
            for (pool, finished) in futures_util::future::join_all(finishing).await {
                match finished {
                    Ok(blob) => done.push((pool.index, blob)),
                    Err(error) => self.lost.push((pool, error)),
                }
            }
            // Before any pool is noted as behind: whoever fills it from then on has to see this blob.
            self.under_way = None;
            let needed = self.needed();
            let Some((_, blob)) = done.first().copied().filter(|_| done.len() >= needed) else {
                let failed = why(&self.lost);
                let taken_back = blocking(move || {
                    unclaimed.take_back();
                    Ok(())
                });
                let _ = taken_back.await;
                return Err(failed);
            };
            if self.only.is_none() && done.len() < self.pools.pools.len() {
                // What some pool lacks is noted before anything is acknowledged.
                let (pools, lost) = (self.pools.clone(), std::mem::take(&mut self.lost));
                let mut settled: Vec<usize> = done.iter().map(|(index, _)| *index).collect();
                blocking(move || {
                    for (pool, error) in &lost {
                        pools.fail(pool, error);
                        settled.push(pool.index);
                    }
                    pools.complete(blob.id, &settled)
                })
                .await?;
            }
            unclaimed.claimed = true;
            Ok(blob)
        })
    }
}

/// A blob that has a writer. From its first file on, until this is dropped, nobody else makes or deletes a copy of it: a copy
/// that is not finished looks like one that is damaged, and one that is not begun like one that was deleted.
struct UnderWay {
    pools: Arc<Pools>,
    id: BlobId,
}

impl UnderWay {
    fn new(pools: &Arc<Pools>, id: BlobId) -> UnderWay {
        pools.under_way.lock().insert(id);
        UnderWay { pools: pools.clone(), id }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.pools.under_way.lock().remove(&self.id);
    }
}

/// A blob whose writer may go away before it is told of it: then nobody will ever know its id.
struct Unclaimed {
    pools: Arc<Pools>,
    id: BlobId,
    claimed: bool,
}

impl Unclaimed {
    fn take_back(&mut self) {
        self.claimed = true;
        self.pools.take_back(self.id);
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if !self.claimed
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let (pools, id) = (self.pools.clone(), self.id);
            runtime.spawn_blocking(move || pools.take_back(id));
        }
    }
}
