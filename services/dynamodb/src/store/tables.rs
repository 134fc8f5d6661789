//! Records of tables: made, changed, dropped; and the tables as the data plane sees them, kept while their records stay.

use std::sync::Arc;

use haneul_kit::{AccountId, ApiError, Region, Result};
use haneul_store::{Range, Reads, StoreError, Tx};

use super::kept::Kept;
use super::sources::Source;
use super::{Db, destinations, insights, replicas, strong};
use crate::error;
use crate::model::{
    COUNTERS, DROPPED, DROPPED_LOGS, DroppedRecord, EPOCHS, STREAMS, StreamRecord, StreamSettings, TABLES,
    TableRecord,
};
use crate::stream::lanes;
use crate::table::TableInfo;
use crate::table::name::TableId;

const NEXT: &str = "next";

/// Tables of one account in one Region. Source: "Quotas".
pub(super) const TABLES_MAX: usize = 2_500;

pub(super) type Cache = Kept<TableId, TableInfo>;

/// What a transaction on tables fails with.
#[derive(Debug)]
pub(crate) enum Failed {
    Store(StoreError),
    Api(ApiError),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Failed {
        Failed::Store(error)
    }
}

impl From<Failed> for ApiError {
    fn from(failed: Failed) -> ApiError {
        match failed {
            Failed::Store(error) => error::store(error),
            Failed::Api(error) => error,
        }
    }
}

impl Db {
    /// `None` when there is no such table.
    pub(crate) async fn find_table(&self, id: &TableId) -> Result<Option<Arc<TableInfo>>> {
        let cache = &self.shared.tables;
        let version = match cache.find(id) {
            Ok(info) => return Ok(Some(info)),
            Err(version) => version,
        };
        let snapshot = self.store.snapshot().await.map_err(error::store)?;
        let Some(record) = snapshot.get(&TABLES, id).await.map_err(error::store)? else { return Ok(None) };
        let epoch = snapshot.get(&EPOCHS, &record.space).await.map_err(error::store)?.unwrap_or(0);
        Ok(Some(cache.keep(version, id.clone(), TableInfo::new(id.clone(), record, epoch))))
    }

    /// Has tables read anew: a change is visible to transactions a moment before the version of the table tells of it.
    pub(super) fn forget_tables(&self) {
        self.shared.tables.forget();
    }

    /// Of an operation on items.
    pub(crate) async fn table(&self, id: &TableId) -> Result<Arc<TableInfo>> {
        let found = self.find_table(id).await?.filter(|table| table.record.is_made());
        found.ok_or_else(error::no_resource)
    }

    /// Of an operation on tables.
    pub(crate) async fn named_table(&self, id: &TableId) -> Result<Arc<TableInfo>> {
        self.find_table(id).await?.ok_or_else(|| error::no_table(&id.2))
    }

    /// Names after `after`, one more than `limit` when there are more.
    pub(crate) async fn table_names(
        &self,
        account: AccountId,
        region: Region,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<String>> {
        let mut range = Range::prefix((account, region));
        if let Some(after) = after {
            range = range.after(&(account, region, after));
        }
        let keys = self.store.scan_keys(&TABLES, range, limit).await.map_err(error::store)?;
        Ok(keys.into_iter().map(|(_, _, name)| name).collect())
    }

    /// Makes a table of a record whose spaces are given their numbers here; `stream` is the view of its stream.
    pub(crate) async fn create_table(
        &self,
        id: &TableId,
        record: TableRecord,
        stream: Option<String>,
    ) -> Result<Arc<TableInfo>> {
        self.make_table(id, record, stream, None).await
    }

    /// Makes a table that will be filled from `source`.
    pub(crate) async fn restore_table(
        &self,
        id: &TableId,
        record: TableRecord,
        source: &Source,
    ) -> Result<Arc<TableInfo>> {
        self.make_table(id, record, None, Some(source)).await
    }

    async fn make_table(
        &self,
        id: &TableId,
        record: TableRecord,
        stream: Option<String>,
        source: Option<&Source>,
    ) -> Result<Arc<TableInfo>> {
        let now_ms = self.env.now().millis();
        let mut record = record;
        record.id = self.env.rng.uuid();
        record.created_ms = now_ms;
        record.insights.clear();
        record.destinations.clear();
        let (record, stream) = (&record, &stream);
        let made = self.store.transact(|tx| async move {
            if tx.get(&TABLES, id).await?.is_some() {
                return Err(Failed::Api(error::in_use(format!("Table already exists: {}", id.2))));
            }
            let others = tx.scan_keys(&TABLES, Range::prefix((id.0, id.1)), TABLES_MAX).await?;
            if others.len() >= TABLES_MAX {
                return Err(Failed::Api(error::limit_exceeded(format!(
                    "Subscriber limit exceeded: There is a limit of {TABLES_MAX} tables per subscriber"
                ))));
            }
            if let (Some(source), Some(wanted)) = (source, &record.restoring) {
                source.check(&tx, wanted).await?;
            }
            let mut record = record.clone();
            let mut numbers = Numbers::new(&tx).await?;
            record.space = numbers.next();
            for index in &mut record.indexes {
                index.space = numbers.next();
            }
            if let Some(view) = stream {
                begin_stream(&tx, id, &mut record, view, now_ms, &mut numbers)?;
            }
            numbers.save(&tx)?;
            tx.put(&TABLES, id, &record)?;
            tx.put(&EPOCHS, &record.space, &1)?;
            Ok(record)
        });
        let record = made.await?;
        Ok(Arc::new(TableInfo::new(id.clone(), record, 1)))
    }

    /// Drops a table with all that belongs to it. Gives it as it was.
    pub(crate) async fn delete_table(&self, id: &TableId) -> Result<Arc<TableInfo>> {
        let counts = &self.counts_of_recoverable(id).await?;
        let done = self.store.transact(|tx| async move {
            let now_ms = self.env.now().millis();
            if let Some(record) = tx.get(&TABLES, id).await?
                && !record.mirrors().is_empty()
            {
                return Err(Failed::Api(strong::none_alone()));
            }
            let record = drop_table(&tx, id, now_ms).await?;
            if record.pitr.is_some() && record.is_made() {
                self.back_up_deleted(&tx, id, &record, counts)?;
            }
            Ok(record)
        });
        let record = done.await?;
        self.shared.upkeep.wake();
        self.shared.delivery.wake();
        Ok(Arc::new(TableInfo::new(id.clone(), record, 0)))
    }

    /// Changes a table's record. `edit` may run more than once; it gets a source of new numbers.
    pub(crate) async fn change_table(
        &self,
        id: &TableId,
        edit: impl Fn(&mut TableRecord, &mut Numbers) -> Result<Change> + Send + Sync,
    ) -> Result<Arc<TableInfo>> {
        let edit = &edit;
        let changed = self.store.transact(|tx| async move {
            // Of this attempt: readers of streams rely on an end that is committed soon after its time.
            let now_ms = self.env.now().millis();
            let Some(before) = tx.get(&TABLES, id).await? else {
                return Err(Failed::Api(error::no_table(&id.2)));
            };
            let mut record = before.clone();
            let mut numbers = Numbers::new(&tx).await?;
            let change = edit(&mut record, &mut numbers).map_err(Failed::Api)?;
            insights::follow(&tx, id, &before, &mut record, now_ms).await?;
            destinations::follow(&tx, id, &before.destinations, Some(&record), now_ms).await?;
            match change.stream {
                Some(Some(view)) => begin_stream(&tx, id, &mut record, &view, now_ms, &mut numbers)?,
                Some(None) => {
                    end_stream(&tx, id, &before, now_ms).await?;
                    record.stream = None;
                }
                None => {}
            }
            if let Some(log) = change.split {
                lanes::split(&tx, id, &mut record, log, now_ms, &mut numbers).await?;
            }
            if let (Some(stream), true) = (&record.stream, record.sse != before.sse) {
                let key = (id.0, id.1, &id.2, &stream.label);
                if let Some(kept) = tx.get(&STREAMS, &key).await? {
                    tx.put(&STREAMS, &key, &StreamRecord { sse: record.sse.clone(), ..kept })?;
                }
            }
            for space in change.dropped {
                tx.put(&DROPPED, &space, &DroppedRecord { at_ms: now_ms })?;
            }
            for log in change.dropped_logs {
                tx.put(&DROPPED_LOGS, &log, &DroppedRecord { at_ms: now_ms })?;
            }
            let epoch = tx.get(&EPOCHS, &record.space).await?.unwrap_or(0);
            if record == before {
                return Ok((record, epoch));
            }
            replicas::share(&tx, id, &record, &mut numbers, now_ms).await?;
            numbers.save(&tx)?;
            tx.put(&TABLES, id, &record)?;
            tx.put(&EPOCHS, &record.space, &(epoch + 1))?;
            Ok((record, epoch + 1))
        });
        let (record, epoch) = changed.await?;
        self.shared.upkeep.wake();
        Ok(Arc::new(TableInfo::new(id.clone(), record, epoch)))
    }
}

/// Drops a table in a transaction, with all that belongs to it. Gives its record.
pub(super) async fn drop_table(tx: &Tx, id: &TableId, now_ms: i64) -> Result<TableRecord, Failed> {
    let Some(record) = tx.get(&TABLES, id).await? else {
        return Err(Failed::Api(error::no_table(&id.2)));
    };
    if record.deletion_protection {
        return Err(Failed::Api(error::validation(
            "Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection \
             first.",
        )));
    }
    if record.indexes.iter().any(|index| !index.ready) {
        return Err(Failed::Api(error::being_updated(&id.2)));
    }
    let ttl = record.ttl.iter().map(|ttl| ttl.space);
    let spaces = record.indexes.iter().map(|index| index.space).chain(ttl).chain([record.space]);
    for space in spaces {
        tx.put(&DROPPED, &space, &DroppedRecord { at_ms: now_ms })?;
    }
    if let Some(pitr) = &record.pitr {
        tx.put(&DROPPED_LOGS, &pitr.log, &DroppedRecord { at_ms: now_ms })?;
    }
    insights::drop_rules(tx, id, &record)?;
    destinations::follow(tx, id, &record.destinations, None, now_ms).await?;
    replicas::leave(tx, id, &record, now_ms).await?;
    end_stream(tx, id, &record, now_ms).await?;
    tx.delete(&TABLES, id)?;
    tx.delete(&EPOCHS, &record.space)?;
    Ok(record)
}

/// What goes with a change of a record.
#[derive(Default)]
pub(crate) struct Change {
    /// A stream that begins (with its view) or the one there is that ends.
    pub(crate) stream: Option<Option<String>>,
    /// Spaces and logs that nothing names any more.
    pub(crate) dropped: Vec<u64>,
    pub(crate) dropped_logs: Vec<u64>,
    /// The log of a lane for whose sake the stream's shards split.
    pub(crate) split: Option<u64>,
}

/// Numbers for spaces and logs, none of them ever given out twice.
pub(crate) struct Numbers {
    next: u64,
    taken: bool,
}

impl Numbers {
    pub(super) async fn new(tx: &Tx) -> Result<Numbers, StoreError> {
        Ok(Numbers { next: tx.get(&COUNTERS, NEXT).await?.unwrap_or(1), taken: false })
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.taken = true;
        self.next += 1;
        self.next - 1
    }

    pub(super) fn save(&self, tx: &Tx) -> Result<(), StoreError> {
        if self.taken { tx.put(&COUNTERS, NEXT, &self.next) } else { Ok(()) }
    }
}

pub(super) fn begin_stream(
    tx: &Tx,
    id: &TableId,
    record: &mut TableRecord,
    view: &str,
    now_ms: i64,
    numbers: &mut Numbers,
) -> Result<(), StoreError> {
    let label = haneul_kit::Instant::from_millis(now_ms).iso8601_millis();
    // `2026-01-01T00:00:00.000`
    let label = label.trim_end_matches('Z').to_owned();
    let log = numbers.next();
    let stream = StreamRecord {
        log,
        view: view.to_owned(),
        created_ms: now_ms,
        ended_ms: None,
        key_schema: record.key_schema.clone(),
        sse: record.sse.clone(),
        policy: None,
        lanes: Vec::new(),
    };
    tx.put(&STREAMS, &(id.0, id.1, &id.2, &label), &stream)?;
    record.stream = Some(StreamSettings { log, label, view: view.to_owned(), lanes: Vec::new() });
    Ok(())
}

async fn end_stream(tx: &Tx, id: &TableId, record: &TableRecord, now_ms: i64) -> Result<(), StoreError> {
    let Some(stream) = &record.stream else { return Ok(()) };
    let key = (id.0, id.1, &id.2, &stream.label);
    if let Some(record) = tx.get(&STREAMS, &key).await? {
        tx.put(&STREAMS, &key, &StreamRecord { ended_ms: Some(now_ms), ..record })?;
    }
    Ok(())
}
