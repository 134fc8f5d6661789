use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use haneul_env::Rng;
use parking_lot::RwLock;

use crate::blobs::{Backend, BackendReader, BackendWriter, Blob, BoxFuture};
use crate::{BlobError, BlobId};

/// Blobs in memory, for `--ephemeral` and for tests.
pub struct MemoryBlobs {
    rng: Rng,
    blobs: Shared,
}

type Shared = Arc<RwLock<BTreeMap<BlobId, Stored>>>;

struct Stored {
    chunks: Arc<[Bytes]>,
    blob: Blob,
}

impl MemoryBlobs {
    pub fn new(rng: Rng) -> MemoryBlobs {
        MemoryBlobs { rng, blobs: Shared::default() }
    }
}

/// Smaller chunks are copied together: they may be slices that hold a large read buffer alive.
const CHUNK_KEPT_MIN: usize = 32 * 1024;
const CHUNK_COLLECTED: usize = 64 * 1024;

fn ready<T: Send + 'static>(value: T) -> BoxFuture<'static, T> {
    Box::pin(std::future::ready(value))
}

impl Backend for MemoryBlobs {
    fn writer(&self, _len: Option<u64>) -> Box<dyn BackendWriter> {
        let id = BlobId::new(0, u128::from_be_bytes(self.rng.bytes()));
        let blob = Blob { id, len: 0, crc32c: 0 };
        Box::new(Writer { blobs: self.blobs.clone(), blob, chunks: Vec::new(), small: BytesMut::new() })
    }

    fn reader(&self, id: BlobId, range: Range<u64>) -> Box<dyn BackendReader> {
        Box::new(Reader { chunks: slices(&self.blobs, id, range) })
    }

    fn stat(&self, id: BlobId) -> BoxFuture<'_, Result<Blob, BlobError>> {
        ready(self.blobs.read().get(&id).map(|stored| stored.blob).ok_or(BlobError::NotFound(id)))
    }

    fn delete(&self, ids: Vec<BlobId>) -> BoxFuture<'_, Result<(), BlobError>> {
        let mut blobs = self.blobs.write();
        for id in ids {
            blobs.remove(&id);
        }
        ready(Ok(()))
    }

    fn suspects(
        &self,
        _after: Option<BlobId>,
        _limit: usize,
    ) -> BoxFuture<'_, Result<Vec<BlobId>, BlobError>> {
        ready(Ok(Vec::new()))
    }

    fn swept(&self) -> BoxFuture<'_, Result<(), BlobError>> {
        ready(Ok(()))
    }
}

fn slices(blobs: &Shared, id: BlobId, range: Range<u64>) -> VecDeque<Result<Bytes, BlobError>> {
    if range.is_empty() {
        return VecDeque::new();
    }
    let chunks = match blobs.read().get(&id) {
        None => return VecDeque::from([Err(BlobError::NotFound(id))]),
        Some(stored) if range.end > stored.blob.len => {
            return VecDeque::from([Err(BlobError::Range { id, len: stored.blob.len })]);
        }
        Some(stored) => stored.chunks.clone(),
    };
    let mut start = 0;
    let mut found = VecDeque::new();
    for chunk in chunks.iter() {
        let end = start + chunk.len() as u64;
        let (from, to) = (range.start.max(start), range.end.min(end));
        if from < to {
            found.push_back(Ok(chunk.slice((from - start) as usize..(to - start) as usize)));
        }
        start = end;
    }
    found
}

struct Writer {
    blobs: Shared,
    blob: Blob,
    chunks: Vec<Bytes>,
    small: BytesMut,
}

impl Writer {
    fn flush(&mut self) {
        if !self.small.is_empty() {
            self.chunks.push(self.small.split().freeze());
        }
    }
}

impl BackendWriter for Writer {
    fn write(&mut self, chunk: Bytes) -> BoxFuture<'_, Result<(), BlobError>> {
        self.blob.len += chunk.len() as u64;
        self.blob.crc32c = crc32c::crc32c_append(self.blob.crc32c, &chunk);
        if chunk.len() >= CHUNK_KEPT_MIN {
            self.flush();
            self.chunks.push(chunk);
        } else {
            self.small.extend_from_slice(&chunk);
            if self.small.len() >= CHUNK_COLLECTED {
                self.flush();
            }
        }
        ready(Ok(()))
    }

    fn finish(mut self: Box<Self>) -> BoxFuture<'static, Result<Blob, BlobError>> {
        self.flush();
        let stored = Stored { chunks: std::mem::take(&mut self.chunks).into(), blob: self.blob };
        self.blobs.write().insert(self.blob.id, stored);
        ready(Ok(self.blob))
    }
}

struct Reader {
    chunks: VecDeque<Result<Bytes, BlobError>>,
}

impl BackendReader for Reader {
    fn next(&mut self) -> BoxFuture<'_, Option<Result<Bytes, BlobError>>> {
        ready(self.chunks.pop_front())
    }
}
