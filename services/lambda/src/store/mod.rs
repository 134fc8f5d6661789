//! Every read and write of the store: [`functions`] (and versions, aliases, URLs), [`layers`], [`events`], [`mappings`],
//! [`capacity`] (providers, and versions on them), [`durable`] (executions as they change; `durable_reads` what is asked of them), and here the counting of who refers to which blob.

pub(crate) mod capacity;
pub(crate) mod durable;
mod durable_reads;
pub(crate) mod events;
pub(crate) mod functions;
pub(crate) mod layers;
pub(crate) mod mappings;
mod signing;

use std::collections::{BTreeMap, HashSet};

use haneul_blob::BlobId;
use haneul_kit::{ApiError, Result};
use haneul_store::{Range, Reads, Store, Tx};

use crate::model::{CODE, GARBAGE};

pub(crate) struct Records {
    pub(crate) store: Store,
}

/// Rows read at once.
pub(crate) const PAGE: usize = 1000;

impl Records {
    /// Blobs to delete.
    pub(crate) async fn garbage(&self) -> Result<Vec<BlobId>> {
        let rows = self.store.scan_keys(&GARBAGE, Range::all(), PAGE).await?;
        Ok(rows.iter().filter_map(|id| id.parse().ok()).collect())
    }

    pub(crate) async fn forget_garbage(&self, blobs: &[BlobId]) -> Result<()> {
        let mut batch = haneul_store::Batch::default();
        for blob in blobs {
            batch.delete(&GARBAGE, &blob.to_string())?;
        }
        Ok(self.store.write(batch).await?)
    }

    /// Which of these blobs a record refers to, or are to be deleted in an orderly way.
    pub(crate) async fn known_blobs(&self, blobs: Vec<BlobId>) -> Result<HashSet<BlobId>> {
        let mut known = HashSet::new();
        for blob in blobs {
            let row = blob.to_string();
            if self.store.get(&CODE, &row).await?.is_some() || self.store.get(&GARBAGE, &row).await?.is_some()
            {
                known.insert(blob);
            }
        }
        Ok(known)
    }
}

/// Counts references: `gained` come and `lost` go. A blob that nobody refers to any more becomes garbage.
async fn refer(
    tx: &Tx,
    gained: impl Iterator<Item = BlobId>,
    lost: impl Iterator<Item = BlobId>,
) -> Result<(), ApiError> {
    let mut changes: BTreeMap<BlobId, i64> = BTreeMap::new();
    for blob in gained {
        *changes.entry(blob).or_default() += 1;
    }
    for blob in lost {
        *changes.entry(blob).or_default() -= 1;
    }
    for (blob, change) in changes {
        if change == 0 {
            continue;
        }
        let row = blob.to_string();
        let before = tx.get(&CODE, &row).await?.unwrap_or_default();
        match before.saturating_add_signed(change) {
            0 => {
                tx.delete(&CODE, &row)?;
                tx.put(&GARBAGE, &row, &())?;
            }
            after => tx.put(&CODE, &row, &after)?,
        }
    }
    Ok(())
}
