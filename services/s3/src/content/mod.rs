//! The bytes of objects: in, out, and gone.
//!
//! Reading order: [`receive`] (a body becomes bytes with checksums), `hashing` (of many bodies at once), [`send`] (bytes become a body), [`cipher`] (encryption at rest),
//! [`readers`] (why nothing is deleted under a reader).
//!
//! What must never happen here: a whole body in memory, a blob kept whose checksums did not hold, a record written
//! before its blob is durable.

pub(crate) mod cipher;
mod hashing;
pub(crate) mod readers;
pub(crate) mod receive;
pub(crate) mod send;

use std::time::Duration;

use haneul_blob::{BlobError, Blobs};
use haneul_kit::{ApiError, Env, Platform, Result, Signal};

use crate::error;
use crate::model::DataId;
use crate::store::{Freed, Records};

/// Objects up to this many bytes are kept in the store, where a write is one commit and no file.
pub(crate) const INLINE_BYTES_MAX: u64 = 64 * 1024;

/// The same where small blobs share files: what is larger the store would write several times, and they write it once. What
/// is smaller costs the store less than a file that is synced.
const INLINE_BESIDE_PACKS_MAX: u64 = 32 * 1024;

/// Notes of freed blobs that are read or taken away at once.
const FREED_BATCH: usize = 1000;

/// How long small blobs that nobody needs any more may wait for more of them: one sync does for all, and those that lie side by
/// side go together.
const GATHERED_FOR: Duration = Duration::from_secs(3);

/// So many are not waited for.
const GATHERED_MAX: usize = 1000;

/// How long blobs that could not be deleted are left.
const LEFT_FOR: Duration = Duration::from_secs(5 * 60);

/// The service's bytes.
#[derive(Clone)]
pub(crate) struct Content {
    pub(crate) env: Env,
    pub(crate) records: Records,
    pub(crate) blobs: Blobs,
    pub(crate) readers: readers::Readers,
    pub(crate) hasher: hashing::Hasher,
    /// Objects up to this many bytes are kept in the store.
    pub(crate) inline_bytes_max: u64,
}

impl Content {
    pub(crate) fn new(platform: &Platform, records: &Records, cleaning: Signal) -> Content {
        Content {
            env: platform.env.clone(),
            records: records.clone(),
            blobs: platform.blobs.clone(),
            readers: readers::Readers::new(cleaning),
            hasher: hashing::Hasher::default(),
            inline_bytes_max: match platform.blobs.packed_max() as u64 {
                INLINE_BYTES_MAX.. => INLINE_BESIDE_PACKS_MAX,
                _ => INLINE_BYTES_MAX,
            },
        }
    }

    /// A new id for inline bytes or a manifest.
    pub(crate) fn data_id(&self) -> DataId {
        (self.env.now().millis().max(0) as u64, self.env.rng.u64())
    }

    /// Deletes blobs that no record names any more, as soon as nobody reads what was there before.
    pub(crate) async fn free(&self, freed: Freed) {
        if !freed.is_empty() {
            let packed = freed.iter().all(|id| id.is_packed());
            let retired = self.readers.retire(freed);
            if packed && retired < GATHERED_MAX {
                self.readers.gather(self.env.now() + GATHERED_FOR);
                return;
            }
        }
        self.delete_retired().await;
    }

    /// What a failure leaves is tried again later, and what a crash leaves after the next start: the commit that freed them
    /// has noted them.
    pub(crate) async fn delete_retired(&self) {
        let gone = self.readers.deletable();
        if gone.is_empty() {
            return;
        }
        match self.blobs.delete(gone.clone()).await {
            Ok(()) => self.readers.deleted(gone),
            Err(error) => {
                tracing::warn!(%error, "blobs could not be deleted and are left for later");
                self.readers.left(self.env.now() + LEFT_FOR);
            }
        }
    }

    /// Deletes again, when it is time, what could not be deleted. One that cannot be deleted, as its
    /// only copy is in a storage pool that is not there, does not keep the others.
    pub(crate) async fn delete_left(&self) -> Result<()> {
        let now = self.env.now();
        if self.readers.take_left(now) {
            if let Err(error) = self.retire_freed().await {
                self.readers.left(now + LEFT_FOR);
                return Err(error);
            }
            let gone = self.readers.deletable();
            let mut left = None;
            let mut rest: Vec<Freed> = gone.chunks(FREED_BATCH).map(Freed::from).collect();
            while let Some(mut gone) = rest.pop() {
                match self.blobs.delete(gone.clone()).await {
                    Ok(()) => self.readers.deleted(gone),
                    Err(_) if gone.len() > 1 => {
                        rest.push(gone.split_off(gone.len() / 2));
                        rest.push(gone);
                    }
                    Err(error) => {
                        left = Some((left.map_or(0, |(count, _)| count) + 1, error));
                        self.readers.left(now + LEFT_FOR);
                    }
                }
            }
            if let Some((count, error)) = left {
                tracing::warn!(%error, count, "blobs could not be deleted and are left for later");
            }
        }
        Ok(())
    }

    /// Takes the notes of blobs away that are gone. Not when each goes: nobody should wait for one more commit.
    pub(crate) async fn forget_deleted(&self) -> Result<()> {
        for gone in self.readers.take_deleted().chunks(FREED_BATCH) {
            self.records.forget_freed(gone).await?;
        }
        Ok(())
    }

    /// After a start: has the blobs deleted that earlier runs freed.
    pub(crate) async fn retire_freed(&self) -> Result<()> {
        let mut after = None;
        loop {
            let freed = self.records.freed(after, FREED_BATCH).await?;
            let Some(last) = freed.last() else { return Ok(()) };
            after = Some(*last);
            self.readers.retire(freed);
        }
    }

    /// Removes what a crash left: blobs of earlier runs that no record names.
    pub(crate) async fn sweep(&self) -> Result<haneul_blob::Swept> {
        let records = &self.records;
        let swept = self.blobs.sweep(|suspects| async move {
            let mut kept = std::collections::HashSet::new();
            for id in suspects {
                if records.owns_blob(id).await? {
                    kept.insert(id);
                }
            }
            Ok::<_, Failed>(kept)
        });
        swept.await.map_err(|Failed(error)| error)
    }
}

struct Failed(ApiError);

impl From<BlobError> for Failed {
    fn from(error: BlobError) -> Failed {
        Failed(blob(error))
    }
}

impl From<ApiError> for Failed {
    fn from(error: ApiError) -> Failed {
        Failed(error)
    }
}

pub(crate) fn blob(error: BlobError) -> ApiError {
    match error {
        BlobError::Full => error::full(),
        error => ApiError::internal(error),
    }
}
