//! Encrypts what a table had before it was given a key of KMS, and decrypts it when the key is taken away: item by item,
//! from the record, so that a restart goes on with it. Until it is done, either kind can be read.

use haneul_kit::Result;
use haneul_store::{Range, Reads, StoreError};

use crate::engine::keys;
use crate::model::{EPOCHS, ITEMS, RawKey, RawPrefix, StoredItem};
use crate::store::Db;
use crate::store::tables::{Change, Failed};
use crate::table::name::TableId;

/// Items that one transaction looks at.
const PAGE: usize = 200;

impl Db {
    pub(crate) async fn reseal(&self, id: &TableId) -> Result<()> {
        let Some(table) = self.find_table(id).await? else { return Ok(()) };
        let Some(on) = table.record.sse.as_ref().map(|sse| sse.on) else { return Ok(()) };
        let ttl = table.record.ttl.iter().map(|ttl| ttl.space);
        let indexes = table.record.indexes.iter().map(|index| index.space);
        for space in [table.record.space].into_iter().chain(indexes).chain(ttl) {
            if !self.reseal_space(id, space, on).await? {
                return Ok(());
            }
        }
        self.change_table(id, |record, _| {
            record.sse.iter_mut().filter(|sse| sse.on == on).for_each(|sse| sse.settled = true);
            Ok(Change::default())
        })
        .await?;
        Ok(())
    }

    /// False when the table is gone, or is to be the other way by now.
    async fn reseal_space(&self, id: &TableId, space: u64, on: bool) -> Result<bool> {
        let (mut after, mut size): (Option<RawKey>, usize) = (None, PAGE);
        loop {
            let Some(table) = self.find_table(id).await? else { return Ok(false) };
            if table.record.sse.as_ref().is_none_or(|sse| sse.on != on) {
                return Ok(false);
            }
            self.open(&table).await?;
            let prefix = keys::of_space(space);
            let (table, prefix, start) = (&table, &prefix, &after);
            let done = self.store.transact(|tx| async move {
                if tx.get(&EPOCHS, &table.record.space).await? != Some(table.epoch) {
                    return Ok(Some(start.clone()));
                }
                let mut range = Range::prefix(RawPrefix(prefix));
                if let Some(start) = start {
                    range = range.after(start);
                }
                let page = tx.scan(&ITEMS, range, size).await?;
                let last = page.last().map(|(key, _)| key.clone()).filter(|_| page.len() == size);
                for (key, stored) in page {
                    if matches!(stored, StoredItem::Sealed { .. }) != on {
                        let item = table.keeping().item(&key.0, stored).map_err(Failed::Api)?;
                        let stored = table.keeping().stored(&key.0, item).map_err(Failed::Api)?;
                        tx.put(&ITEMS, &key, &stored)?;
                    }
                }
                Ok::<_, Failed>(last.map(Some))
            });
            match done.await {
                Ok(Some(next)) => (after, size) = (next, (size * 2).min(PAGE)),
                Ok(None) => return Ok(true),
                // Writers are faster than a page of this size: a smaller one will meet none of them.
                Err(Failed::Store(StoreError::Conflict)) if size > 1 => size /= 2,
                Err(failed) => return Err(failed.into()),
            }
        }
    }
}
