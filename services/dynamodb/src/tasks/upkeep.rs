//! Fills indexes that were added to a table, and empties the spaces of what was dropped. Both go page by page, from the
//! records, so that a restart goes on with them.

use std::sync::Arc;

use haneul_kit::{BoxFuture, Instant, Reconciler, Result, Signal};
use haneul_store::{Range, Reads, StoreError};

use crate::engine::{keys, plan};
use crate::error;
use crate::metrics::{INDEX_CONSUMED, INDEX_PROGRESS, INDEX_THROTTLES};
use crate::model::{
    BACKUPS, DROPPED, DROPPED_LOGS, EPOCHS, ITEMS, LOG, RawKey, RawPrefix, TABLES, TableRecord,
};
use crate::store::Db;
use crate::store::tables::{Change, Failed};
use crate::table::TableInfo;
use crate::table::name::TableId;
use crate::value::Attrs;

pub(crate) struct Upkeep {
    db: Db,
}

/// Items that one transaction looks at.
const PAGE: usize = 200;

/// Tables that are looked through at once.
const TABLES_PAGE: usize = 200;

impl Upkeep {
    pub(crate) fn new(db: Db) -> Upkeep {
        Upkeep { db }
    }

    async fn run(&self) -> Result<Option<Instant>> {
        let mut range = Range::all();
        loop {
            let page = self.db.store.scan(&TABLES, range, TABLES_PAGE).await.map_err(error::store)?;
            let Some((last, _)) = page.last() else { break };
            range = Range::all().after(last);
            for (id, record) in page {
                // One whose key cannot be used must not keep the others waiting.
                match self.look_after(&id, &record).await {
                    Err(error) if record.sse.is_some() && error.code() == "AccessDeniedException" => {
                        tracing::warn!(table = id.2, %error, "a table cannot be looked after");
                    }
                    done => done?,
                }
            }
        }
        let mut next_ms: Option<i64> = None;
        for (key, backup) in
            self.db.store.scan(&BACKUPS, Range::all(), usize::MAX).await.map_err(error::store)?
        {
            if let Some(expires_ms) = backup.expires_ms {
                match expires_ms <= self.db.env.now().millis() {
                    true => self.db.delete_backup(&key, &backup).await?,
                    false => next_ms = Some(next_ms.map_or(expires_ms, |next_ms| next_ms.min(expires_ms))),
                }
            }
            if backup.ready {
                continue;
            }
            match self.db.fill_backup(&key).await {
                Err(error) if backup.record.sse.is_some() && error.code() == "AccessDeniedException" => {
                    tracing::warn!(backup = key.3, %error, "a backup cannot be filled");
                }
                done => done?,
            }
        }
        let (spaces, logs) = self.dropped().await?;
        self.empty_dropped(spaces).await?;
        self.empty_dropped_logs(logs).await?;
        Ok(next_ms.map(Instant::from_millis))
    }

    async fn look_after(&self, id: &TableId, record: &TableRecord) -> Result<()> {
        if record.restoring.is_some() {
            self.db.fill_restored(id).await?;
        }
        if record.ttl.as_ref().is_some_and(|ttl| !ttl.ready) {
            self.fill(id, None, |table, item, at| {
                let ttl = table.record.ttl.as_ref()?;
                let key = Arc::new(plan::key_of(&table.schema, item));
                Some((super::ttl::entry_at(ttl, item, at)?, key))
            })
            .await?;
            let space = record.ttl.as_ref().map(|ttl| ttl.space);
            self.db
                .change_table(id, move |record, _| {
                    record
                        .ttl
                        .iter_mut()
                        .filter(|ttl| Some(ttl.space) == space)
                        .for_each(|ttl| ttl.ready = true);
                    Ok(Change::default())
                })
                .await?;
            self.db.expiry_signal().wake();
        }
        if record.sse.as_ref().is_some_and(|sse| !sse.settled) {
            self.db.reseal(id).await?;
        }
        for index in record.indexes.iter().filter(|index| !index.ready) {
            tracing::debug!(table = id.2, index = index.name, "filling an index");
            self.fill(id, Some(&index.name), |table, item, _| {
                let index = table.indexes.iter().find(|other| other.record.space == index.space)?;
                Some((
                    keys::of_entry(index, &table.schema, item)?,
                    plan::projected(index, &table.schema, item),
                ))
            })
            .await?;
            let space = index.space;
            self.db
                .change_table(id, move |record, _| {
                    record
                        .indexes
                        .iter_mut()
                        .filter(|index| index.space == space)
                        .for_each(|index| index.ready = true);
                    Ok(Change::default())
                })
                .await?;
        }
        Ok(())
    }

    /// Makes the entry of every item that is there. Writers make those of what changes meanwhile; a page that meets one
    /// of them begins anew. CloudWatch is told how far it is for `index`.
    async fn fill(
        &self,
        id: &TableId,
        index: Option<&str>,
        entry: impl Fn(&TableInfo, &Arc<Attrs>, &[u8]) -> Option<(Vec<u8>, Arc<Attrs>)> + Send + Sync,
    ) -> Result<()> {
        let (mut after, mut size): (Option<RawKey>, usize) = (None, PAGE);
        loop {
            let Some(table) = self.db.find_table(id).await? else { return Ok(()) };
            self.db.open(&table).await?;
            let prefix = keys::of_space(table.record.space);
            let (table, entry, prefix, start) = (&table, &entry, &prefix, &after);
            let done = self.db.store.transact(|tx| async move {
                if tx.get(&EPOCHS, &table.record.space).await? != Some(table.epoch) {
                    // The index may be gone: look again before anything is written into its space.
                    return Ok(Some(start.clone()));
                }
                let mut range = Range::prefix(RawPrefix(prefix));
                if let Some(start) = start {
                    range = range.after(start);
                }
                let page = tx.scan(&ITEMS, range, size).await?;
                let last = page.last().map(|(key, _)| key.clone()).filter(|_| page.len() == size);
                for (key, stored) in page {
                    let item = table.keeping().item(&key.0, stored).map_err(Failed::Api)?;
                    if let Some((at, entry)) = entry(table, &item, &key.0) {
                        let entry = table.keeping().stored(&at, entry).map_err(Failed::Api)?;
                        tx.put(&ITEMS, &at[..], &entry)?;
                    }
                }
                Ok::<_, Failed>(last.map(Some))
            });
            let done = done.await;
            match done {
                Ok(Some(next)) => {
                    self.note_progress(id, index, next.as_ref().map_or(0.0, |at| keys::part_before(&at.0)));
                    (after, size) = (next, (size * 2).min(PAGE));
                }
                Ok(None) => {
                    self.note_progress(id, index, 1.0);
                    return Ok(());
                }
                // Writers are faster than a page of this size: a smaller one will meet none of them.
                Err(Failed::Store(StoreError::Conflict)) if size > 1 => size /= 2,
                Err(failed) => return Err(failed.into()),
            }
        }
    }

    fn note_progress(&self, id: &TableId, index: Option<&str>, part: f64) {
        let Some(index) = index else { return };
        let dimensions = [("TableName", id.2.as_str()), ("GlobalSecondaryIndexName", index)];
        for (metric, value) in [(INDEX_PROGRESS, part * 100.0), (INDEX_CONSUMED, 0.0), (INDEX_THROTTLES, 0.0)]
        {
            self.db.metrics().record(metric, id.0, id.1, self.db.env.now(), &dimensions, value);
        }
    }

    /// Spaces and logs that were dropped, but for those from which somebody is still to be filled.
    async fn dropped(&self) -> Result<(Vec<u64>, Vec<u64>)> {
        let all = |table| self.db.store.scan_keys(table, Range::all(), usize::MAX);
        let mut spaces = all(&DROPPED).await.map_err(error::store)?;
        let mut logs = all(&DROPPED_LOGS).await.map_err(error::store)?;
        if !spaces.is_empty() || !logs.is_empty() {
            let needed = self.db.needed().await?;
            spaces.retain(|space| !needed.spaces.contains(space));
            logs.retain(|log| !needed.logs.contains_key(log));
        }
        Ok((spaces, logs))
    }

    async fn empty_dropped(&self, dropped: Vec<u64>) -> Result<()> {
        for space in dropped {
            let prefix = keys::of_space(space);
            loop {
                let range = Range::prefix(RawPrefix(&prefix));
                let page = self.db.store.scan_keys(&ITEMS, range, PAGE * 5).await.map_err(error::store)?;
                if page.is_empty() {
                    break;
                }
                let mut batch = haneul_store::Batch::default();
                for key in &page {
                    batch.delete(&ITEMS, key).map_err(error::store)?;
                }
                self.db.store.write(batch).await.map_err(error::store)?;
            }
            self.db.store.delete(&DROPPED, &space).await.map_err(error::store)?;
        }
        Ok(())
    }
}

impl Upkeep {
    async fn empty_dropped_logs(&self, dropped: Vec<u64>) -> Result<()> {
        for log in dropped {
            loop {
                let range = Range::prefix(RawPrefix(&log.to_be_bytes()));
                let page = self.db.store.scan_keys(&LOG, range, PAGE * 5).await.map_err(error::store)?;
                if page.is_empty() {
                    break;
                }
                let mut batch = haneul_store::Batch::default();
                for key in &page {
                    batch.delete(&LOG, key).map_err(error::store)?;
                }
                self.db.store.write(batch).await.map_err(error::store)?;
            }
            self.db.store.delete(&DROPPED_LOGS, &log).await.map_err(error::store)?;
        }
        Ok(())
    }
}

impl Reconciler for Upkeep {
    fn name(&self) -> &'static str {
        "dynamodb upkeep"
    }

    fn reconcile(&self) -> BoxFuture<'_, Result<Option<Instant>>> {
        Box::pin(self.run())
    }

    fn signal(&self) -> &Signal {
        self.db.upkeep()
    }
}
