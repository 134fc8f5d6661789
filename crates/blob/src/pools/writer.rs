use std::sync::Arc;

use bytes::Bytes;

use super::{Pool, Pools, Status};
use crate::blobs::{BackendWriter, Blob, BoxFuture};
use crate::local::blocking;
use crate::{BlobError, BlobId, Cipher};

/// Writes every copy of a blob at once.
pub(super) struct Writer {
    pools: Arc<Pools>,
    id: BlobId,
    only: Option<usize>,
    copies: Vec<(Arc<Pool>, Box<dyn BackendWriter>)>,
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
        let wanted = pools.pools.iter().filter(|pool| only.is_none_or(|only| pool.index == only));
        let mut copies = Vec::new();
        for pool in wanted {
            if let Ok(local) = pool.local() {
                copies.push((pool.clone(), local.writer_of(id, cipher.clone(), len)));
            }
        }
        let mut writer = Writer { pools, id, only, copies, failed: None };
        writer.check();
        writer
    }

    /// So many copies make a blob.
    fn needed(&self) -> usize {
        if self.only.is_some() { 1 } else { self.pools.majority() }
    }

    fn check(&mut self) {
        if self.failed.is_none() && self.copies.len() < self.needed() {
            self.failed = Some(BlobError::Io("too few storage pools are there".to_owned()));
        }
    }

    /// Goes on without the copies that failed, whose pools are noted as behind before anything is acknowledged.
    async fn give_up(&mut self, failed: Vec<(Arc<Pool>, BlobError)>) -> Result<(), BlobError> {
        for (pool, error) in failed {
            // Of a disk that is full nothing is lost: where enough others have room, it is behind all the same.
            if self.copies.len() < self.needed() {
                self.failed.get_or_insert(error.clone());
            }
            if self.only.is_some() {
                continue;
            }
            let pools = self.pools.clone();
            blocking(move || pools.fail(&pool, &error)).await?;
        }
        self.check();
        match &self.failed {
            Some(error) => Err(error.clone()),
            None => Ok(()),
        }
    }
}

impl BackendWriter for Writer {
    fn write(&mut self, chunk: Bytes) -> BoxFuture<'_, Result<(), BlobError>> {
        Box::pin(async move {
            if let Some(error) = &self.failed {
                return Err(error.clone());
            }
            let mut failed = Vec::new();
            let mut kept = Vec::with_capacity(self.copies.len());
            for (pool, mut copy) in std::mem::take(&mut self.copies) {
                match copy.write(chunk.clone()).await {
                    Ok(()) => kept.push((pool, copy)),
                    Err(error) => failed.push((pool, error)),
                }
            }
            self.copies = kept;
            if failed.is_empty() { Ok(()) } else { self.give_up(failed).await }
        })
    }

    fn finish(mut self: Box<Self>) -> BoxFuture<'static, Result<Blob, BlobError>> {
        Box::pin(async move {
            if let Some(error) = &self.failed {
                return Err(error.clone());
            }
            // The syncs of the copies run beside one another.
            let copies = std::mem::take(&mut self.copies);
            let finishing = copies.into_iter().map(|(pool, copy)| async move { (pool, copy.finish().await) });
            let mut failed = Vec::new();
            let mut done = Vec::new();
            for (pool, finished) in futures_util::future::join_all(finishing).await {
                match finished {
                    Ok(blob) => done.push((pool, blob)),
                    Err(error) => failed.push((pool, error)),
                }
            }
            let Some(blob) = done.first().map(|(_, blob)| *blob).filter(|_| done.len() >= self.needed())
            else {
                let ids = vec![self.id];
                let pools: Vec<Arc<Pool>> = done.into_iter().map(|(pool, _)| pool).collect();
                for pool in pools {
                    let (ids, local) = (ids.clone(), pool.local());
                    // Best effort: what stays is swept after the next start.
                    let _ = blocking(move || local?.dirs().delete(&ids)).await;
                }
                return Err(failed.into_iter().next().map_or(BlobError::Full, |(_, error)| error));
            };
            let has = done.len();
            for (pool, error) in failed {
                let pools = self.pools.clone();
                blocking(move || pools.fail(&pool, &error)).await?;
            }
            // A pool may have come back since the first byte: it has all that was begun after that.
            let there = self.pools.pools.iter().filter(|pool| pool.status() != Status::Offline).count();
            if self.only.is_none() && has < there {
                self.pools.wants_repair(self.id);
            }
            Ok(blob)
        })
    }
}
