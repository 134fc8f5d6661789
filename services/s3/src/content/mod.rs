//! The bytes of objects: in, out, and gone.
//!
//! Reading order: [`receive`] (a body becomes bytes with checksums), [`send`] (bytes become a body), [`readers`] (why
//! nothing is deleted under a reader).
//!
//! What must never happen here: a whole body in memory, a blob kept whose checksums did not hold, a record written
//! before its blob is durable.

pub(crate) mod readers;
pub(crate) mod receive;
pub(crate) mod send;

use haneul_blob::{BlobError, Blobs};
use haneul_kit::{ApiError, Env, Fault, Platform, Result, Signal};

use crate::error;
use crate::model::DataId;
use crate::store::{Freed, Records};

/// Objects up to this many bytes are kept in the store, where a write is one commit and no file.
pub(crate) const INLINE_BYTES_MAX: u64 = 64 * 1024;

/// The service's bytes.
#[derive(Clone)]
pub(crate) struct Content {
    pub(crate) env: Env,
    pub(crate) records: Records,
    pub(crate) blobs: Blobs,
    pub(crate) readers: readers::Readers,
}

impl Content {
    pub(crate) fn new(platform: &Platform, records: &Records, cleaning: Signal) -> Content {
        Content {
            env: platform.env.clone(),
            records: records.clone(),
            blobs: platform.blobs.clone(),
            readers: readers::Readers::new(cleaning),
        }
    }

    /// A new id for inline bytes or a manifest.
    pub(crate) fn data_id(&self) -> DataId {
        (self.env.now().millis().max(0) as u64, self.env.rng.u64())
    }

    /// Deletes blobs that no record names any more, as soon as nobody reads what was there before.
    pub(crate) async fn free(&self, freed: Freed) {
        if !freed.is_empty() {
            self.readers.retire(freed);
        }
        self.delete_retired().await;
    }

    /// A failure leaves orphans, which the sweep at the next start finds.
    pub(crate) async fn delete_retired(&self) {
        let gone = self.readers.deletable();
        if gone.is_empty() {
            return;
        }
        if let Err(error) = self.blobs.delete(gone).await {
            tracing::warn!(%error, "blobs could not be deleted and are left to the sweep");
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

/// A full disk may have room later: clients retry a ServiceUnavailable.
pub(crate) fn blob(error: BlobError) -> ApiError {
    match error {
        BlobError::Full => error::new("ServiceUnavailable", 503, "Please reduce your request rate.")
            .with_fault(Fault::Server),
        error => ApiError::internal(error),
    }
}
