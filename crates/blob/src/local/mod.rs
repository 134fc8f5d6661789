//! Blobs in files.
//!
//! A blob is one file in a numbered directory; new blobs all go into the newest directory, so that the directory
//! syncs of concurrent writers fall together, until it has [`DIR_FILES_MAX`]. A file is written under its final name:
//! it is nothing until its header, written last, is durable, and nobody knows its id before that. Each start takes a
//! new directory, and the file `suspects` holds the first directory whose blobs no sweep has vouched for, so a sweep
//! after a crash looks only at what the last runs wrote.
//!
//! Reading order: [`format`], [`dirs`], [`writer`], [`reader`].

pub(crate) mod dirs;
pub mod format;
mod pool;
mod reader;
mod writer;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use haneul_env::Env;

use crate::blobs::{Backend, BackendReader, BackendWriter, Blob, BoxFuture};
use crate::{BlobError, BlobId, Cipher};
use dirs::Dirs;
use pool::Pool;

pub use dirs::DIR_FILES_MAX;

/// Blobs as files below one directory.
pub struct LocalBlobs {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) dirs: Dirs,
    pool: Arc<Pool>,
}

impl LocalBlobs {
    /// Blocks.
    pub fn open(env: &Env, dir: &Path) -> Result<LocalBlobs, BlobError> {
        let dirs = Dirs::open(env.fs.clone(), env.rng.clone(), dir)?;
        Ok(LocalBlobs { shared: Arc::new(Shared { dirs, pool: Arc::default() }) })
    }

    /// The same as one of several, which count their runs together. The directory must be there.
    pub(crate) fn open_from(env: &Env, dir: &Path, first_of_run: u32) -> Result<LocalBlobs, BlobError> {
        let dirs = Dirs::open_from(env.fs.clone(), env.rng.clone(), dir, first_of_run)?;
        Ok(LocalBlobs { shared: Arc::new(Shared { dirs, pool: Arc::default() }) })
    }

    pub(crate) fn step(&self) -> usize {
        self.shared.pool.step()
    }

    pub(crate) fn dirs(&self) -> &Dirs {
        &self.shared.dirs
    }

    /// Writes a blob whose name is known.
    pub(crate) fn writer_of(
        &self,
        id: BlobId,
        cipher: Option<Cipher>,
        len: Option<u64>,
    ) -> Box<dyn BackendWriter> {
        let shared = Shared { dirs: self.shared.dirs.named(id), pool: self.shared.pool.clone() };
        Box::new(writer::Writer::new(Arc::new(shared), len, cipher))
    }

    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, BlobError> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, BlobError>> {
        let shared = self.shared.clone();
        Box::pin(async move { blocking(move || work(&shared)).await })
    }
}

/// Runs `work` on a thread that may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(failed) => Err(BlobError::Io(format!("the work on the file was given up: {failed}"))),
    }
}

impl Backend for LocalBlobs {
    fn writer(&self, len: Option<u64>, cipher: Option<Cipher>) -> Box<dyn BackendWriter> {
        Box::new(writer::Writer::new(self.shared.clone(), len, cipher))
    }

    fn step(&self) -> usize {
        LocalBlobs::step(self)
    }

    fn reader(&self, id: BlobId, range: Range<u64>, cipher: Option<Cipher>) -> Box<dyn BackendReader> {
        Box::new(reader::Reader::new(self.shared.clone(), id, range, cipher))
    }

    fn stat(&self, id: BlobId) -> BoxFuture<'_, Result<Blob, BlobError>> {
        self.run(move |shared| {
            let file = shared.dirs.open_blob(id)?;
            let mut header = [0; format::HEADER];
            let got = file.read_at(&mut header, 0)?;
            let header = format::Header::decode(&header[..got], id)?;
            header.check_file_len(id, file.len()?)?;
            Ok(Blob { id, len: header.len, crc32c: header.crc32c })
        })
    }

    fn delete(&self, ids: Vec<BlobId>) -> BoxFuture<'_, Result<(), BlobError>> {
        if ids.is_empty() {
            return Box::pin(std::future::ready(Ok(())));
        }
        self.run(move |shared| shared.dirs.delete(&ids))
    }

    fn suspects(&self, after: Option<BlobId>, limit: usize) -> BoxFuture<'_, Result<Vec<BlobId>, BlobError>> {
        self.run(move |shared| shared.dirs.suspects(after, limit))
    }

    fn swept(&self) -> BoxFuture<'_, Result<(), BlobError>> {
        self.run(move |shared| shared.dirs.swept())
    }
}
