use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use haneul_env::Rng;
use parking_lot::RwLock;

use crate::blobs::{Backend, BackendReader, BackendWriter, Blob, BoxFuture};
use crate::cipher::TAG_BYTES;
use crate::local::format::BLOCK;
use crate::{BlobError, BlobId, Cipher};

/// Blobs in memory, for `--ephemeral` and for tests.
pub struct MemoryBlobs {
    rng: Rng,
    blobs: Shared,
}

type Shared = Arc<RwLock<BTreeMap<BlobId, Stored>>>;

struct Stored {
    /// Of a sealed blob each is one block with its tag.
    chunks: Arc<[Bytes]>,
    sealed: bool,
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
    fn writer(&self, _len: Option<u64>, cipher: Option<Cipher>) -> Box<dyn BackendWriter> {
        let id = BlobId::new(0, u128::from_be_bytes(self.rng.bytes()));
        let blob = Blob { id, len: 0, crc32c: 0 };
        Box::new(Writer {
            blobs: self.blobs.clone(),
            cipher,
            blob,
            chunks: Vec::new(),
            small: BytesMut::new(),
        })
    }

    fn reader(&self, id: BlobId, range: Range<u64>, cipher: Option<Cipher>) -> Box<dyn BackendReader> {
        Box::new(Reader { id, pieces: slices(&self.blobs, id, range, cipher.is_some()), cipher })
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

/// A part of a chunk that is wanted.
struct Piece {
    chunk: Bytes,
    /// Its place among the chunks.
    index: u64,
    span: Range<usize>,
}

fn slices(blobs: &Shared, id: BlobId, range: Range<u64>, sealed: bool) -> VecDeque<Result<Piece, BlobError>> {
    if range.is_empty() {
        return VecDeque::new();
    }
    let chunks = match blobs.read().get(&id) {
        None => return VecDeque::from([Err(BlobError::NotFound(id))]),
        Some(stored) if range.end > stored.blob.len => {
            return VecDeque::from([Err(BlobError::Range { id, len: stored.blob.len })]);
        }
        Some(stored) if stored.sealed != sealed => {
            let what = if sealed { "it is not sealed" } else { "it is sealed" };
            return VecDeque::from([Err(BlobError::Damaged { id, what })]);
        }
        Some(stored) => stored.chunks.clone(),
    };
    let mut start = 0;
    let mut found = VecDeque::new();
    for (index, chunk) in chunks.iter().enumerate() {
        let len = if sealed { chunk.len() - TAG_BYTES } else { chunk.len() };
        let end = start + len as u64;
        let (from, to) = (range.start.max(start), range.end.min(end));
        if from < to {
            let span = (from - start) as usize..(to - start) as usize;
            found.push_back(Ok(Piece { chunk: chunk.clone(), index: index as u64, span }));
        }
        start = end;
    }
    found
}

struct Writer {
    blobs: Shared,
    cipher: Option<Cipher>,
    blob: Blob,
    chunks: Vec<Bytes>,
    small: BytesMut,
}

impl Writer {
    fn flush(&mut self) {
        if self.small.is_empty() {
            return;
        }
        let mut chunk = self.small.split();
        if let Some(cipher) = &self.cipher {
            let tag = cipher.seal(self.chunks.len() as u64, &mut chunk);
            chunk.extend_from_slice(&tag);
        }
        self.chunks.push(chunk.freeze());
    }

    fn seal(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.small.len()));
            self.small.extend_from_slice(now);
            bytes = later;
            if self.small.len() == BLOCK {
                self.flush();
            }
        }
    }
}

impl BackendWriter for Writer {
    fn write(&mut self, chunk: Bytes) -> BoxFuture<'_, Result<(), BlobError>> {
        self.blob.len += chunk.len() as u64;
        if self.cipher.is_some() {
            self.seal(&chunk);
            return ready(Ok(()));
        }
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
        let chunks = std::mem::take(&mut self.chunks).into();
        let stored = Stored { chunks, sealed: self.cipher.is_some(), blob: self.blob };
        self.blobs.write().insert(self.blob.id, stored);
        ready(Ok(self.blob))
    }
}

struct Reader {
    id: BlobId,
    pieces: VecDeque<Result<Piece, BlobError>>,
    cipher: Option<Cipher>,
}

impl Reader {
    fn open(&self, piece: &Piece) -> Result<Bytes, BlobError> {
        let Some(cipher) = &self.cipher else { return Ok(piece.chunk.slice(piece.span.clone())) };
        let damaged = BlobError::Damaged { id: self.id, what: "a block does not open" };
        let mut plain = piece.chunk.to_vec();
        if !cipher.open(piece.index, &mut plain) {
            return Err(damaged);
        }
        Ok(Bytes::from(plain).slice(piece.span.clone()))
    }
}

impl BackendReader for Reader {
    fn next(&mut self) -> BoxFuture<'_, Option<Result<Bytes, BlobError>>> {
        let next = self.pieces.pop_front();
        ready(next.map(|piece| piece.and_then(|piece| self.open(&piece))))
    }
}
