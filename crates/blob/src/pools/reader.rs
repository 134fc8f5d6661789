use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use super::{Pool, Pools};
use crate::blobs::{Backend, BackendReader, BoxFuture};
use crate::local::dirs::only_pool;
use crate::{BlobError, BlobId, Cipher};

/// Reads one copy of a blob, and goes on with another where that one fails.
pub(super) struct Reader {
    pools: Arc<Pools>,
    id: BlobId,
    /// What was not given yet.
    rest: Range<u64>,
    cipher: Option<Cipher>,
    /// Copies that were not tried yet, the next one last.
    untried: Vec<Arc<Pool>>,
    copy: Option<Box<dyn BackendReader>>,
    failed: Option<BlobError>,
}

impl Reader {
    pub(super) fn new(pools: Arc<Pools>, id: BlobId, range: Range<u64>, cipher: Option<Cipher>) -> Reader {
        let mut untried = pools.holders(id);
        untried.reverse();
        Reader { pools, id, rest: range, cipher, untried, copy: None, failed: None }
    }
}

impl BackendReader for Reader {
    fn next(&mut self) -> BoxFuture<'_, Option<Result<Bytes, BlobError>>> {
        Box::pin(async move {
            while !self.rest.is_empty() {
                let Some(copy) = &mut self.copy else {
                    let Some(pool) = self.untried.pop() else {
                        self.rest = 0..0;
                        let lost = || match only_pool(self.id.dir()) {
                            Some(_) => BlobError::Io(
                                "its only copy is in a storage pool that is not there".to_owned(),
                            ),
                            None => BlobError::NotFound(self.id),
                        };
                        return Some(Err(self.failed.take().unwrap_or_else(lost)));
                    };
                    match pool.local() {
                        Ok(local) => {
                            self.copy = Some(local.reader(self.id, self.rest.clone(), self.cipher.clone()))
                        }
                        Err(error) => self.failed = Some(error),
                    }
                    continue;
                };
                match copy.next().await {
                    Some(Ok(bytes)) => {
                        self.rest.start += bytes.len() as u64;
                        return Some(Ok(bytes));
                    }
                    Some(Err(error @ BlobError::Range { .. })) => {
                        self.rest = 0..0;
                        return Some(Err(error));
                    }
                    Some(Err(error)) => {
                        tracing::warn!(%error, id = %self.id, "a copy could not be read");
                        self.pools.wants_repair(self.id);
                        self.failed = Some(error);
                    }
                    None => self.failed = Some(BlobError::Damaged { id: self.id, what: "it is cut short" }),
                }
                self.copy = None;
            }
            None
        })
    }
}
