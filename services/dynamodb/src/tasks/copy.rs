//! Fills restored tables, and backups: copies of a space as of one moment.

use std::collections::HashMap;
use std::sync::Arc;

use haneul_kit::{ApiError, Instant, Result};
use haneul_store::{Range, Reads, Snapshot};

use crate::engine::{keys, plan};
use crate::error;
use crate::model::{BACKUPS, ITEMS, LOG, RawKey, RawPrefix, StoredItem};
use crate::store::Db;
use crate::store::tables::Change;
use crate::stream::record;
use crate::stream::sequence::{self, of_time};
use crate::table::name::TableId;
use crate::table::{KeySchema, TableInfo};
use crate::value::Attrs;

const PAGE: usize = 200;

/// What items were at a moment that are something else now, by their keys without the space.
type Then = HashMap<Vec<u8>, Option<Arc<Attrs>>>;

impl Db {
    /// Copies what a restored table is to have, and lets it be used.
    pub(crate) async fn fill_restored(&self, id: &TableId) -> Result<()> {
        let Some(table) = self.find_table(id).await? else { return Ok(()) };
        let Some(source) = table.record.restoring.clone() else { return Ok(()) };
        let snapshot = self.snapshot().await?;
        let then = match source.log {
            Some((log, at_ms)) => undo(&snapshot, &table.schema, log, at_ms).await?,
            None => HashMap::new(),
        };
        self.copy(&snapshot, source.space, &then, |item, out| table_writes(&table, item, out)).await?;
        self.change_table(id, |record, _| {
            record.restoring = None;
            Ok(Change::default())
        })
        .await?;
        Ok(())
    }

    /// Copies a table's items into a backup.
    pub(crate) async fn fill_backup(&self, key: &crate::model::BackupKey) -> Result<()> {
        let Some(mut backup) = self.store.get(&BACKUPS, key).await.map_err(error::store)? else {
            return Ok(());
        };
        let snapshot = self.snapshot().await?;
        let (from, to) = (backup.record.space, backup.space);
        let schema = KeySchema::new(&backup.record.key_schema, &backup.record.attributes);
        let (items, bytes) = self
            .copy(&snapshot, from, &HashMap::new(), |item, out| {
                out.push((keys::of_item(to, &schema, item), item.clone()));
            })
            .await?;
        (backup.items, backup.bytes, backup.ready) = (items, bytes, true);
        self.store.put(&BACKUPS, key, &backup).await.map_err(error::store)
    }

    /// Items and bytes that were copied. `then` has the items that were other than they are now.
    async fn copy(
        &self,
        snapshot: &Snapshot,
        space: u64,
        then: &Then,
        writes: impl Fn(&Arc<Attrs>, &mut Vec<(Vec<u8>, Arc<Attrs>)>),
    ) -> Result<(i64, i64)> {
        let prefix = keys::of_space(space);
        let (mut items, mut bytes) = (0, 0);
        let mut after: Option<RawKey> = None;
        let mut pending: Vec<Arc<Attrs>> = then.values().flatten().cloned().collect();
        loop {
            let mut range = Range::prefix(RawPrefix(&prefix));
            if let Some(after) = &after {
                range = range.after(after);
            }
            let page = snapshot.scan(&ITEMS, range, PAGE).await.map_err(error::store)?;
            let count = page.len();
            after = page.last().map(|(key, _)| key.clone());
            pending.extend(
                page.into_iter()
                    .filter(|(key, _)| !then.contains_key(&key.0[keys::HASH_AT..]))
                    .map(|(_, item)| item.0),
            );
            while !pending.is_empty() {
                let mut batch = haneul_store::Batch::default();
                let rest = pending.split_off(pending.len().min(PAGE));
                for item in &pending {
                    items += 1;
                    bytes += crate::value::size::of_item(item) as i64;
                    let mut out = Vec::new();
                    writes(item, &mut out);
                    for (at, item) in out {
                        batch.put(&ITEMS, &at[..], &StoredItem(item)).map_err(error::store)?;
                    }
                }
                self.store.write(batch).await.map_err(error::store)?;
                pending = rest;
            }
            if count < PAGE {
                return Ok((items, bytes));
            }
        }
    }
}

/// The item and its index entries.
fn table_writes(table: &TableInfo, item: &Arc<Attrs>, out: &mut Vec<(Vec<u8>, Arc<Attrs>)>) {
    out.push((keys::of_item(table.record.space, &table.schema, item), item.clone()));
    for index in &table.indexes {
        if let Some(at) = keys::of_entry(index, &table.schema, item) {
            out.push((at, plan::projected(index, &table.schema, item)));
        }
    }
}

/// What the items that changed after `at_ms` were then, by their keys without the space: the old image of the first change
/// after it.
async fn undo(snapshot: &Snapshot, schema: &KeySchema, log: u64, at_ms: i64) -> Result<Then> {
    let mut then = HashMap::new();
    let mut from = sequence::key(log, of_time(Instant::from_millis(at_ms + 1)));
    loop {
        let range = Range::prefix(RawPrefix(&log.to_be_bytes())).from(&from[..]);
        let page = snapshot.scan(&LOG, range, PAGE).await.map_err(error::store)?;
        let Some((last, _)) = page.last() else { return Ok(then) };
        from = last.0.clone();
        from.push(0);
        for (_, bytes) in page {
            let change = record::Change::decode(&bytes)
                .ok_or_else(|| ApiError::internal("a record of a log does not decode"))?;
            let at = keys::of_item(0, schema, &change.key).split_off(keys::HASH_AT);
            then.entry(at).or_insert_with(|| change.old.map(Arc::new));
        }
    }
}
