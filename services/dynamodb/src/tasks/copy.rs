//! Fills restored tables, and backups: copies of a space as of one moment.

use std::collections::HashMap;
use std::sync::Arc;

use haneul_kit::{Instant, Result};
use haneul_store::{Range, Reads, Snapshot};

use crate::engine::{keys, plan};
use crate::error;
use crate::model::{BACKUPS, ITEMS, LOG, RawKey, RawPrefix};
use crate::store::Db;
use crate::store::seal::Keeping;
use crate::store::tables::Change;
use crate::stream::sequence::{self, of_time};
use crate::table::name::TableId;
use crate::table::{KeySchema, TableInfo};
use crate::value::Attrs;

const PAGE: usize = 200;

/// What items were at a moment that are something else now, by their keys without the space.
pub(super) type Then = HashMap<Vec<u8>, Option<Arc<Attrs>>>;

impl Db {
    /// Copies what a restored table is to have, and lets it be used.
    pub(crate) async fn fill_restored(&self, id: &TableId) -> Result<()> {
        let Some(table) = self.find_table(id).await? else { return Ok(()) };
        let Some(source) = table.record.restoring.clone() else { return Ok(()) };
        let key = match &source.sse {
            Some(sse) => Some(self.key_by_grant(sse).await?),
            None => None,
        };
        let from = Keeping { seals: false, key: key.as_ref() };
        self.open(&table).await?;
        let snapshot = self.snapshot().await?;
        let then = match source.log {
            Some((log, at_ms)) => undo(&snapshot, &table.schema, from, log, at_ms).await?,
            None => HashMap::new(),
        };
        let keepings = (from, table.keeping());
        self.copy(&snapshot, source.space, &then, keepings, |item, out| table_writes(&table, item, out))
            .await?;
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
        let sse = backup.record.sse.as_ref();
        let item_key = match sse {
            Some(sse) => Some(self.key_by_grant(sse).await?),
            None => None,
        };
        let keeping = Keeping { seals: sse.is_some_and(|sse| sse.on), key: item_key.as_ref() };
        let snapshot = self.snapshot().await?;
        let (from, to) = (backup.record.space, backup.space);
        let schema = KeySchema::new(&backup.record.key_schema, &backup.record.attributes);
        let (items, bytes) = self
            .copy(&snapshot, from, &HashMap::new(), (keeping, keeping), |item, out| {
                out.push((keys::of_item(to, &schema, item), item.clone()));
            })
            .await?;
        (backup.items, backup.bytes, backup.ready) = (items, bytes, true);
        self.store.put(&BACKUPS, key, &backup).await.map_err(error::store)
    }

    /// Items and bytes that were copied. `then` has the items that were other than they are now; `keepings` are how they
    /// are kept where they come from and where they go.
    async fn copy(
        &self,
        snapshot: &Snapshot,
        space: u64,
        then: &Then,
        (from, to): (Keeping<'_>, Keeping<'_>),
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
            for (key, stored) in page {
                if !then.contains_key(&key.0[keys::HASH_AT..]) {
                    pending.push(from.item(&key.0, stored)?);
                }
            }
            while !pending.is_empty() {
                let mut batch = haneul_store::Batch::default();
                let rest = pending.split_off(pending.len().min(PAGE));
                for item in &pending {
                    items += 1;
                    bytes += crate::value::size::of_item(item) as i64;
                    let mut out = Vec::new();
                    writes(item, &mut out);
                    for (at, item) in out {
                        let stored = to.stored(&at, item)?;
                        batch.put(&ITEMS, &at[..], &stored).map_err(error::store)?;
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
pub(super) async fn undo(
    snapshot: &Snapshot,
    schema: &KeySchema,
    keeping: Keeping<'_>,
    log: u64,
    at_ms: i64,
) -> Result<Then> {
    let mut then = HashMap::new();
    let mut from = sequence::key(log, of_time(Instant::from_millis(at_ms + 1)));
    loop {
        let range = Range::prefix(RawPrefix(&log.to_be_bytes())).from(&from[..]);
        let page = snapshot.scan(&LOG, range, PAGE).await.map_err(error::store)?;
        let Some((last, _)) = page.last() else { return Ok(then) };
        from = last.0.clone();
        from.push(0);
        for (key, bytes) in page {
            let change = keeping.change(&key.0, &bytes)?;
            let at = keys::of_item(0, schema, &change.key).split_off(keys::HASH_AT);
            then.entry(at).or_insert_with(|| change.old.map(Arc::new));
        }
    }
}
