//! Blobs in files.
//!
//! A blob is one file in a numbered directory; new blobs all go into the newest directory, so that the directory
//! syncs of concurrent writers fall together, until it has [`DIR_FILES_MAX`]. A file is written under its final name:
//! it is nothing until its header, written last, is durable, and nobody knows its id before that. Each start takes a
//! new directory, and the file `suspects` holds the first directory whose blobs no sweep has vouched for, so a sweep
//! after a crash looks only at what the last runs wrote.
//!
//! Small blobs share files ([`packs`]), if the file system can take a part out of one.
//!
//! Reading order: [`format`], [`dirs`], [`writer`], [`reader`]; [`packs`], `writing` and `packed`.

pub(crate) mod dirs;
pub mod format;
mod packed;
pub(crate) mod packs;
mod pool;
mod reader;
mod writer;
mod writing;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use haneul_env::Env;
use haneul_env::fs::File;

use crate::blobs::{Backend, BackendReader, BackendWriter, Blob, BoxFuture};
use crate::{BlobError, BlobId, Cipher};
use dirs::Dirs;
use packs::Packs;
use pool::Pool;

pub use dirs::DIR_FILES_MAX;

/// Blobs as files below one directory.
pub struct LocalBlobs {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) dirs: Dirs,
    packs: Option<Arc<Packs>>,
    pool: Arc<Pool>,
}

impl LocalBlobs {
    /// Blocks.
    pub fn open(env: &Env, dir: &Path) -> Result<LocalBlobs, BlobError> {
        let dirs = Dirs::open(env.fs.clone(), env.rng.clone(), dir)?;
        let pool = Arc::default();
        let packs = Packs::open(&env.fs, &dirs, dir, &pool)?.map(Arc::new);
        Ok(LocalBlobs { shared: Arc::new(Shared { dirs, packs, pool }) })
    }

    /// The same as one of several, which count their runs together. The directory must be there. It has no packs.
    pub(crate) fn open_from(env: &Env, dir: &Path, first_of_run: u32) -> Result<LocalBlobs, BlobError> {
        let dirs = Dirs::open_from(env.fs.clone(), env.rng.clone(), dir, first_of_run)?;
        Ok(LocalBlobs { shared: Arc::new(Shared { dirs, packs: None, pool: Arc::default() }) })
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
        let shared = Shared { dirs: self.shared.dirs.named(id), packs: None, pool: self.shared.pool.clone() };
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

impl Shared {
    /// The file that a blob is in, where its header is in it, and how many bytes from there on may be its own.
    fn open_blob(&self, id: BlobId) -> Result<(File, u64, u64), BlobError> {
        if let Some(place) = id.place() {
            let (file, at) = self.packs.as_ref().ok_or(BlobError::NotFound(id))?.file_of(id, place)?;
            return Ok((file, at, place.room() as u64));
        }
        let file = self.dirs.open_blob(id)?;
        let len = file.len()?;
        Ok((file, 0, len))
    }

    fn delete(&self, ids: &[BlobId]) -> Result<(), BlobError> {
        let (packed, files): (Vec<BlobId>, Vec<BlobId>) = ids.iter().partition(|id| id.is_packed());
        self.dirs.delete(&files)?;
        match &self.packs {
            Some(packs) => packs.delete(packed.into_iter().filter_map(BlobId::place).collect()),
            None => Ok(()),
        }
    }

    fn suspects(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<BlobId>, BlobError> {
        // Packs come after all directories.
        let mut found = self.dirs.suspects(after, limit)?;
        if let Some(packs) = self.packs.as_ref().filter(|_| found.len() < limit) {
            let from = self.dirs.first_suspect()?.unwrap_or(1);
            found.extend(packs.suspects(from, after, limit - found.len())?);
        }
        Ok(found)
    }

    fn swept(&self) -> Result<(), BlobError> {
        if let Some(packs) = &self.packs {
            packs.swept(self.dirs.first_suspect()?.unwrap_or(1))?;
        }
        self.dirs.swept()
    }
}

impl Backend for LocalBlobs {
    fn writer(&self, len: Option<u64>, cipher: Option<Cipher>) -> Box<dyn BackendWriter> {
        let shared = self.shared.clone();
        match &self.shared.packs {
            Some(packs) if len.is_some_and(|len| len <= packs::PACKED_MAX as u64) => {
                let random = shared.dirs.rng().u64();
                Box::new(packed::Packed::new(shared, packs.clone(), random, cipher))
            }
            _ => Box::new(writer::Writer::new(shared, len, cipher)),
        }
    }

    fn packed_max(&self) -> usize {
        if self.shared.packs.is_some() { packs::PACKED_MAX } else { 0 }
    }

    fn step(&self) -> usize {
        LocalBlobs::step(self)
    }

    fn reader(&self, id: BlobId, range: Range<u64>, cipher: Option<Cipher>) -> Box<dyn BackendReader> {
        Box::new(reader::Reader::new(self.shared.clone(), id, range, cipher))
    }

    fn stat(&self, id: BlobId) -> BoxFuture<'_, Result<Blob, BlobError>> {
        self.run(move |shared| {
            let (file, at, room) = shared.open_blob(id)?;
            let mut header = [0; format::HEADER];
            let got = file.read_at(&mut header, at)?;
            let header = format::Header::decode(&header[..got], id)?;
            header.check_room(id, room)?;
            Ok(Blob { id, len: header.len, crc32c: header.crc32c })
        })
    }

    fn delete(&self, ids: Vec<BlobId>) -> BoxFuture<'_, Result<(), BlobError>> {
        if ids.is_empty() {
            return Box::pin(std::future::ready(Ok(())));
        }
        self.run(move |shared| shared.delete(&ids))
    }

    fn suspects(&self, after: Option<BlobId>, limit: usize) -> BoxFuture<'_, Result<Vec<BlobId>, BlobError>> {
        self.run(move |shared| shared.suspects(after, limit))
    }

    fn swept(&self) -> BoxFuture<'_, Result<(), BlobError>> {
        self.run(move |shared| shared.swept())
    }
}
