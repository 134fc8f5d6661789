//! Fields that the events of groups were indexed by.

use std::collections::BTreeMap;

use haneul_kit::{ApiError, Result};
use haneul_store::{Range, Reads};

use super::{Records, SWEEP};
use crate::model::{CHUNK_INDEXES, Chunk, INDEXED_FIELDS, IndexedField};

impl Records {
    /// The index of a chunk, if it has one.
    pub(crate) async fn chunk_index(&self, stream: u64, sequence: u64) -> Result<Option<Chunk>> {
        Ok(self.store.get(&CHUNK_INDEXES, &(stream, sequence)).await?)
    }

    /// Whether any event of a group was ever indexed.
    pub(crate) async fn has_index(&self, group: u64) -> Result<bool> {
        Ok(!self.store.scan_keys(&INDEXED_FIELDS, Range::prefix((group,)), 1).await?.is_empty())
    }

    /// What is known of each field of a group, over all its streams.
    pub(crate) async fn indexed_fields(&self, group: u64) -> Result<BTreeMap<String, IndexedField>> {
        let mut all: BTreeMap<String, IndexedField> = BTreeMap::new();
        let mut range = Range::prefix((group,));
        loop {
            let page = self.store.scan(&INDEXED_FIELDS, range, SWEEP).await?;
            let Some((last, _)) = page.last() else { return Ok(all) };
            range = Range::prefix((group,)).after(last);
            for ((_, _, field), seen) in page {
                all.entry(field).or_default().join(&seen);
            }
        }
    }

    /// Drops what is known of a swept group's fields, or of one of its streams'.
    pub(crate) async fn forget_fields(&self, group: u64, stream: Option<u64>) -> Result<()> {
        loop {
            let range = match stream {
                Some(stream) => Range::prefix((group, stream)),
                None => Range::prefix((group,)),
            };
            let keys = self.store.scan_keys(&INDEXED_FIELDS, range, SWEEP).await?;
            if keys.is_empty() {
                return Ok(());
            }
            let keys = &keys;
            self.store
                .transact(|tx| async move {
                    for (group, stream, field) in keys {
                        tx.delete(&INDEXED_FIELDS, &(*group, *stream, field.as_str()))?;
                    }
                    Ok::<_, ApiError>(())
                })
                .await?;
        }
    }
}
