//! Deployment packages: checked and stored as they came ([`check`]), unpacked when a function needs them ([`unpack`]).
//!
//! The packages are blobs of a store of Lambda's own. What is unpacked is a cache: a start begins with an empty one, so that
//! nothing half-written by a crash is ever run.

mod check;
mod links;
mod unpack;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use haneul_blob::{BlobId, Blobs};
use haneul_kit::{ApiError, Platform, Result};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio::sync::OnceCell;

use crate::error;
use crate::model::function::{CodeRecord, ImageRecord};

/// Unzipped, with all layers. Source: Developer Guide, "Lambda quotas".
pub(crate) const UNZIPPED_MAX: u64 = 262_144_000;
/// A package in the request itself.
pub(crate) const ZIPPED_MAX: usize = 52_428_800;
/// All packages of an account in a Region.
pub(crate) const STORAGE_MAX: i64 = 80_530_636_800;

pub(crate) struct CodeStore {
    pub(crate) blobs: Blobs,
    cache: PathBuf,
    /// The cache is a folder of this run alone, gone with it.
    temporary: bool,
    unpacked: Mutex<HashMap<BlobId, Arc<OnceCell<PathBuf>>>>,
    name: String,
    attempts: AtomicU64,
}

impl CodeStore {
    /// Blocks.
    pub(crate) fn open(platform: &Platform) -> Result<CodeStore> {
        let env = &platform.env;
        let name = env.rng.text(b"abcdefghijklmnopqrstuvwxyz0123456789", 12);
        let (blobs, cache, temporary) = match &platform.data_dir {
            Some(dir) => {
                let own = dir.join("lambda");
                let blobs = Blobs::open(env, &own.join("code")).map_err(ApiError::internal)?;
                (blobs, own.join("unpacked"), env.fs.sim().is_some())
            }
            None => (Blobs::memory(env), PathBuf::new(), true),
        };
        let cache = if temporary {
            std::env::temp_dir().join(format!("haneul-lambda-{}-{name}", std::process::id()))
        } else {
            cache
        };
        if !temporary {
            unpack::remove(&cache).map_err(ApiError::internal)?;
        }
        Ok(CodeStore {
            blobs,
            cache,
            temporary,
            unpacked: Mutex::default(),
            name,
            attempts: AtomicU64::new(0),
        })
    }

    /// Where layers of container images are unpacked: a cache as well.
    pub(crate) fn image_store(&self) -> PathBuf {
        self.cache.join("images")
    }

    /// Keeps what says which image a function runs, in place of a package.
    pub(crate) async fn note(&self, image: &ImageRecord) -> Result<CodeRecord> {
        let text = serde_json::to_vec(image).map_err(ApiError::internal)?;
        let blob = self.blobs.put(Bytes::from(text)).await.map_err(ApiError::internal)?;
        let sha256 = image.digest.trim_start_matches("sha256:").to_owned();
        Ok(CodeRecord { blob: blob.id, len: blob.len, unzipped: 0, sha256 })
    }

    /// Checks a package and makes it durable.
    ///
    /// # Errors
    /// InvalidParameterValueException, as Lambda words it, for what cannot be unpacked safely.
    pub(crate) async fn take(&self, package: Bytes) -> Result<CodeRecord> {
        let looked_at = package.clone();
        let checked = tokio::task::spawn_blocking(move || {
            let unzipped = check::check(&looked_at)?;
            Ok::<_, check::Fault>((unzipped, STANDARD.encode(Sha256::digest(&looked_at))))
        });
        let checked = checked.await.map_err(|_| ApiError::internal("a package's check was given up"))?;
        let (unzipped, sha256) = checked.map_err(|fault| error::parameter(fault.to_string()))?;
        let blob = self.blobs.put(package).await.map_err(ApiError::internal)?;
        Ok(CodeRecord { blob: blob.id, len: blob.len, unzipped, sha256 })
    }

    pub(crate) async fn read(&self, code: &CodeRecord) -> Result<Bytes> {
        self.blobs.read(code.blob, 0..code.len).await.map_err(ApiError::internal)
    }

    /// The folder with a package's files; nothing in it is ever changed.
    pub(crate) async fn unpacked(&self, code: &CodeRecord) -> Result<PathBuf> {
        let cell = self.unpacked.lock().entry(code.blob).or_default().clone();
        let path = cell.get_or_try_init(|| async {
            let package = self.read(code).await?;
            let (cache, to) = (self.cache.clone(), self.cache.join(code.blob.to_string()));
            // Each attempt has a name of its own: who gave one up may have left it at work.
            let attempt = self.attempts.fetch_add(1, Ordering::Relaxed);
            let partly = self.cache.join(format!("{}.{}.{attempt}", code.blob, self.name));
            let work = move || -> std::result::Result<PathBuf, check::Fault> {
                std::fs::create_dir_all(&cache)?;
                let done = unpack::unpack(&package, &partly);
                if let Err(fault) = done {
                    let _ = unpack::remove(&partly);
                    return Err(fault);
                }
                if let Err(cause) = std::fs::rename(&partly, &to) {
                    let _ = unpack::remove(&partly);
                    // The other attempt was quicker: what it made is the same.
                    if !to.is_dir() {
                        return Err(cause.into());
                    }
                }
                Ok(to)
            };
            let done = tokio::task::spawn_blocking(work).await;
            let done = done.map_err(|_| ApiError::internal("unpacking was given up"))?;
            done.map_err(|fault| match fault {
                check::Fault::Io(cause) => ApiError::internal(cause),
                fault => error::invalid_zip(fault.to_string()),
            })
        });
        Ok(path.await?.clone())
    }

    /// Deletes packages and what was unpacked of them.
    pub(crate) async fn delete(&self, blobs: Vec<BlobId>) -> Result<()> {
        let paths: Vec<PathBuf> = {
            let mut unpacked = self.unpacked.lock();
            blobs
                .iter()
                .filter(|blob| unpacked.remove(blob).is_some())
                .map(|blob| self.cache.join(blob.to_string()))
                .collect()
        };
        let removed =
            tokio::task::spawn_blocking(move || paths.iter().try_for_each(|path| unpack::remove(path)));
        match removed.await {
            Ok(removed) => removed.map_err(ApiError::internal)?,
            Err(_) => return Err(ApiError::internal("removing was given up")),
        }
        self.blobs.delete(blobs).await.map_err(ApiError::internal)
    }
}

impl Drop for CodeStore {
    fn drop(&mut self) {
        if self.temporary {
            let _ = unpack::remove(&self.cache);
        }
    }
}
