use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use haneul_env::Env;

use crate::local::LocalBlobs;
use crate::memory::MemoryBlobs;
use crate::{BlobError, BlobId, Cipher, pools};

/// The blobs of the cloud. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Blobs {
    backend: Arc<dyn Backend>,
}

/// A finished blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blob {
    pub id: BlobId,
    pub len: u64,
    /// CRC32C of the content; 0 of a sealed blob.
    pub crc32c: u32,
}

/// What a sweep did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    pub kept: u64,
    pub removed: u64,
}

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Where blobs are kept. An object store somewhere else fits too: nothing here knows of files.
pub trait Backend: Send + Sync + 'static {
    fn writer(&self, len: Option<u64>, cipher: Option<Cipher>) -> Box<dyn BackendWriter>;

    /// The same of a blob that need not survive the loss of a pool, where there are several.
    fn writer_of_one(&self, len: Option<u64>, cipher: Option<Cipher>) -> Box<dyn BackendWriter> {
        self.writer(len, cipher)
    }

    /// Content bytes that are worth handing to a writer at once, as things are.
    fn step(&self) -> usize {
        STEP
    }

    /// Content bytes of the largest blob that shares a file with others; 0 where none does.
    fn packed_max(&self) -> usize {
        0
    }

    /// Reads `range` of the blob; the error comes with the first chunk.
    fn reader(&self, id: BlobId, range: Range<u64>, cipher: Option<Cipher>) -> Box<dyn BackendReader>;

    /// Length and checksum as they were when the blob was finished.
    fn stat(&self, id: BlobId) -> BoxFuture<'_, Result<Blob, BlobError>>;

    /// Durable on return. One that does not exist is no error.
    fn delete(&self, ids: Vec<BlobId>) -> BoxFuture<'_, Result<(), BlobError>>;

    /// Blobs, finished or not, of earlier runs that nobody has vouched for since: in order, those after `after`.
    fn suspects(&self, after: Option<BlobId>, limit: usize) -> BoxFuture<'_, Result<Vec<BlobId>, BlobError>>;

    /// All suspects were kept or deleted.
    fn swept(&self) -> BoxFuture<'_, Result<(), BlobError>>;
}

/// Dropping it unfinished takes everything back.
pub trait BackendWriter: Send {
    fn write(&mut self, chunk: Bytes) -> BoxFuture<'_, Result<(), BlobError>>;
    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<Blob, BlobError>>;
}

pub trait BackendReader: Send {
    fn next(&mut self) -> BoxFuture<'_, Option<Result<Bytes, BlobError>>>;
}

/// The step of a backend that has no reason for another one, in bytes.
pub(crate) const STEP: usize = 512 * 1024;

/// Suspects that are asked about at once.
const SWEEP_PAGE: usize = 1000;

impl Blobs {
    pub fn new(backend: Arc<dyn Backend>) -> Blobs {
        Blobs { backend }
    }

    /// All in memory, lost at the end.
    pub fn memory(env: &Env) -> Blobs {
        Blobs::new(Arc::new(MemoryBlobs::new(env.rng.clone())))
    }

    /// Files under `dir`, made when it does not exist. Blocks. The caller holds the lock of the data directory.
    pub fn open(env: &Env, dir: &Path) -> Result<Blobs, BlobError> {
        Ok(Blobs::new(Arc::new(LocalBlobs::open(env, dir)?)))
    }

    /// Files under each of `dirs`, so that every blob has a copy in each; see [`crate::pools`]. Blocks, and needs a tokio
    /// runtime, on which it looks after the copies.
    pub fn open_pools(env: &Env, dirs: &[PathBuf], set: &pools::Set) -> Result<Blobs, BlobError> {
        let pools = pools::Pools::open(env, dirs, set)?;
        pools.start();
        Ok(Blobs::new(Arc::new(pools)))
    }

    /// Starts a blob. When the length is known, a disk too full for it refuses early. Needs a tokio runtime.
    pub fn writer(&self, len: Option<u64>) -> BlobWriter {
        BlobWriter(self.backend.writer(len, None))
    }

    /// The same of a blob that is sealed; lengths are those of the plain bytes.
    pub fn sealed_writer(&self, len: Option<u64>, cipher: Cipher) -> BlobWriter {
        BlobWriter(self.backend.writer(len, Some(cipher)))
    }

    /// The same in one pool only, where there are several.
    pub fn sealed_writer_of_one(&self, len: Option<u64>, cipher: Cipher) -> BlobWriter {
        BlobWriter(self.backend.writer_of_one(len, Some(cipher)))
    }

    /// Content bytes that are worth handing to a writer at once: less while many write, so that what all of them hold in
    /// memory is bounded.
    pub fn step(&self) -> usize {
        self.backend.step()
    }

    /// Content bytes of the largest blob that shares a file with others, if its length is known at its start; 0 where each has
    /// one of its own. Small ones cost little then.
    pub fn packed_max(&self) -> usize {
        self.backend.packed_max()
    }

    /// Writes a whole blob at once.
    pub async fn put(&self, content: Bytes) -> Result<Blob, BlobError> {
        let mut writer = self.writer(Some(content.len() as u64));
        writer.write(content).await?;
        writer.finish().await
    }

    /// Streams a range of a blob; an empty range gives nothing and finds no error.
    pub fn reader(&self, id: BlobId, range: Range<u64>) -> BlobReader {
        BlobReader(self.backend.reader(id, range, None))
    }

    /// The same of a blob that is sealed; ranges are of the plain bytes.
    pub fn sealed_reader(&self, id: BlobId, range: Range<u64>, cipher: Cipher) -> BlobReader {
        BlobReader(self.backend.reader(id, range, Some(cipher)))
    }

    /// A range at once, for what is known to be small.
    pub async fn read(&self, id: BlobId, range: Range<u64>) -> Result<Bytes, BlobError> {
        let mut reader = self.reader(id, range);
        let Some(first) = reader.next().await.transpose()? else { return Ok(Bytes::new()) };
        let Some(second) = reader.next().await.transpose()? else { return Ok(first) };
        let mut all = [first, second].concat();
        while let Some(chunk) = reader.next().await.transpose()? {
            all.extend_from_slice(&chunk);
        }
        Ok(all.into())
    }

    pub async fn stat(&self, id: BlobId) -> Result<Blob, BlobError> {
        self.backend.stat(id).await
    }

    /// Deletes blobs; durable on return. One that does not exist is no error. Many at once are cheaper.
    pub async fn delete(&self, ids: Vec<BlobId>) -> Result<(), BlobError> {
        self.backend.delete(ids).await
    }

    /// Removes what a crash left: `keep` is asked about the blobs that earlier runs wrote since the last sweep, a
    /// thousand at a time, and returns those that some record refers to. Blobs of this run are never asked about, so
    /// this may run beside everything else.
    pub async fn sweep<E: From<BlobError>, F: Future<Output = Result<HashSet<BlobId>, E>>>(
        &self,
        keep: impl Fn(Vec<BlobId>) -> F,
    ) -> Result<Swept, E> {
        let mut swept = Swept::default();
        let mut after = None;
        loop {
            let page = self.backend.suspects(after, SWEEP_PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(*last);
            let kept = keep(page.clone()).await?;
            let gone: Vec<BlobId> = page.into_iter().filter(|id| !kept.contains(id)).collect();
            swept.kept += kept.len() as u64;
            swept.removed += gone.len() as u64;
            self.backend.delete(gone).await?;
        }
        self.backend.swept().await?;
        Ok(swept)
    }
}

/// A blob being written. Dropping it unfinished takes everything back.
pub struct BlobWriter(Box<dyn BackendWriter>);

impl BlobWriter {
    /// Waits while the disk is behind. After an error the blob cannot be finished.
    pub async fn write(&mut self, chunk: Bytes) -> Result<(), BlobError> {
        self.0.write(chunk).await
    }

    /// The blob is durable on return.
    pub async fn finish(self) -> Result<Blob, BlobError> {
        self.0.finish().await
    }
}

/// A blob being read. Every chunk was checked against what was written.
pub struct BlobReader(Box<dyn BackendReader>);

impl BlobReader {
    /// Chunks of up to 128 KiB, none empty; `None` at the end of the range or after an error. Not cancel-safe.
    pub async fn next(&mut self) -> Option<Result<Bytes, BlobError>> {
        self.0.next().await
    }
}
