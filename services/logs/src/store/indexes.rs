//! Fields that the events of groups were indexed by.

use std::collections::{BTreeMap, HashSet};

use haneul_kit::{ApiError, Result};
use haneul_store::{Range, Reads, Tx};

use super::{Records, SWEEP};
use crate::model::{CHUNK_INDEXES, Chunk, INDEXED_FIELDS, IndexedField};

/// What is known of a group's fields is kept for so many parts of its streams: few to read, and enough that those who write to
/// many streams at once seldom meet.
const PARTS: u64 = 16;
/// So late the last times of a field may be: they need not be written with every batch.
const LATE_MS: i64 = 60_000;
/// Fields of a group that are remembered.
const FIELDS_MAX: usize = 100;

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

    /// Drops what is known of a swept group's fields.
    pub(crate) async fn forget_fields(&self, group: u64) -> Result<()> {
        self.drop_fields(group, |_, _| true).await
    }

    /// Drops the fields of a group that were looked for longest ago and no longer are, beyond [`FIELDS_MAX`].
    pub(crate) async fn bound_fields(&self, group: u64, current: &[String]) -> Result<()> {
        let mut old: Vec<(Option<i64>, String)> = self
            .indexed_fields(group)
            .await?
            .into_iter()
            .filter(|(field, _)| !current.contains(field))
            .map(|(field, seen)| (seen.last_scan_ms, field))
            .collect();
        old.sort();
        old.truncate((old.len() + current.len()).saturating_sub(FIELDS_MAX));
        let old: HashSet<String> = old.into_iter().map(|(_, field)| field).collect();
        if old.is_empty() {
            return Ok(());
        }
        self.drop_fields(group, |field, _| old.contains(field)).await
    }

    /// Drops fields of a group whose last event is out of retention, and joins what is still kept by stream.
    pub(crate) async fn tend_fields(&self, group: u64, cutoff_ms: Option<i64>) -> Result<()> {
        if let Some(cutoff) = cutoff_ms {
            let is_old = |_: &str, seen: &IndexedField| {
                seen.last_event_ms.or(seen.last_scan_ms).is_none_or(|last| last < cutoff)
            };
            self.drop_fields(group, is_old).await?;
        }
        loop {
            let by_stream = Range::prefix((group,)).from(&(group, PARTS, ""));
            let page = self.store.scan(&INDEXED_FIELDS, by_stream, SWEEP).await?;
            if page.is_empty() {
                return Ok(());
            }
            let page = &page;
            self.store
                .transact(|tx| async move {
                    for ((group, stream, field), _) in page {
                        let key = (*group, *stream, field.as_str());
                        if let Some(seen) = tx.get(&INDEXED_FIELDS, &key).await? {
                            join(&tx, key, &seen).await?;
                            tx.delete(&INDEXED_FIELDS, &key)?;
                        }
                    }
                    Ok::<_, ApiError>(())
                })
                .await?;
        }
    }

    async fn drop_fields(&self, group: u64, goes: impl Fn(&str, &IndexedField) -> bool + Sync) -> Result<()> {
        let mut range = Range::prefix((group,));
        let goes = &goes;
        loop {
            let mut page = self.store.scan(&INDEXED_FIELDS, range, SWEEP).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            range = Range::prefix((group,)).after(last);
            page.retain(|((.., field), seen)| goes(field, seen));
            if page.is_empty() {
                continue;
            }
            let page = &page;
            self.store
                .transact(|tx| async move {
                    for ((group, part, field), _) in page {
                        let key = (*group, *part, field.as_str());
                        // It may have been looked for since.
                        if tx.get(&INDEXED_FIELDS, &key).await?.is_some_and(|seen| goes(field, &seen)) {
                            tx.delete(&INDEXED_FIELDS, &key)?;
                        }
                    }
                    Ok::<_, ApiError>(())
                })
                .await?;
        }
    }
}

/// Adds what was seen in a stream (group, stream and field).
pub(super) async fn join(
    tx: &Tx,
    (group, stream, field): (u64, u64, &str),
    seen: &IndexedField,
) -> Result<()> {
    let key = (group, stream % PARTS, field);
    let before = tx.get(&INDEXED_FIELDS, &key).await?.unwrap_or_default();
    let mut all = before.clone();
    all.join(seen);
    let moved = |now: Option<i64>, was: Option<i64>| {
        now.zip(was).map_or(now != was, |(now, was)| now - was > LATE_MS)
    };
    if all.first_event_ms != before.first_event_ms
        || moved(all.last_event_ms, before.last_event_ms)
        || moved(all.last_scan_ms, before.last_scan_ms)
    {
        tx.put(&INDEXED_FIELDS, &key, &all)?;
    }
    Ok(())
}
