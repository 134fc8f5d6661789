//! Every read and write; the only folder that opens a transaction.

mod anomalies;
mod deliveries;
mod destinations;
mod exports;
mod filters;
mod indexes;
mod lookups;
mod policies;
pub(crate) mod queries;
mod scheduled;

pub(crate) use anomalies::{ANOMALIES_MAX, DetectorKey};
pub(crate) use deliveries::{DeliveryKey, HeldKey};
pub(crate) use filters::{Measured, Routing, Waiting};
pub(crate) use lookups::{LookupKey, RowSeal};
pub(crate) use scheduled::{RunKey, ScheduledKey};

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use haneul_kit::{AccountId, ApiError, Cx, Region, Result};
use haneul_store::{Range, Reads, Store};

use crate::error;
use crate::events::Mask;
use crate::events::OVERHEAD;
use crate::events::chunk::{self, SPAN_MS};
use crate::index::Indexer;
use crate::keys::DataKey;
use crate::model::{
    BEGINS, CHUNK_INDEXES, CHUNKS, Chunk, DATA_KEYS, DataKeyRecord, ENDS, GARBAGE, GROUPS, Garbage, Group,
    GroupKey, GroupTransformer, IndexedField, STREAMS, Stream, TRANSFORMERS, TransformerRecord,
};
use crate::names::GroupName;
use crate::transform::Work;

pub(crate) struct Records {
    pub(crate) store: Store,
    sequence: AtomicU64,
    /// Who appends to a stream waits for others who do: they all change its record. Streams share them by their ids.
    turns: [tokio::sync::Mutex<()>; TURNS],
}

const TURNS: usize = 64;

/// A batch on its way in.
pub(crate) struct NewEvents<'e> {
    pub(crate) now_ms: i64,
    /// Of the stream, as it was when the batch was looked at.
    pub(crate) stream_id: u64,
    pub(crate) events: &'e [(i64, &'e str)],
    /// What is masked, by event, in order.
    pub(crate) masks: &'e [(usize, Mask)],
    /// The data key of the group, and its number.
    pub(crate) key: Option<(u64, DataKey)>,
    pub(crate) transformer: Option<u64>,
    pub(crate) indexer: Option<&'e Indexer>,
}

/// Streams of a group that one listing looks at.
const STREAMS_SCAN_MAX: usize = 100_000;
/// Chunks swept away in one transaction.
const SWEEP: usize = 500;

impl Records {
    pub(crate) fn new(store: &Store) -> Records {
        let turns = std::array::from_fn(|_| tokio::sync::Mutex::default());
        Records { store: store.clone(), sequence: AtomicU64::new(0), turns }
    }

    pub(crate) async fn group(&self, name: &GroupName) -> Result<Group> {
        self.store.get(&GROUPS, &name.key()).await?.ok_or_else(error::group_not_found)
    }

    /// `None` where access is still to be decided, and what is not there is not told.
    pub(crate) async fn store_group(&self, name: &GroupName) -> Result<Option<Group>> {
        Ok(self.store.get(&GROUPS, &name.key()).await?)
    }

    pub(crate) async fn create_group(
        &self,
        name: &GroupName,
        group: &Group,
        key: Option<&DataKeyRecord>,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                if tx.get(&GROUPS, &name.key()).await?.is_some() {
                    return Err(error::group_exists());
                }
                if let (Some(key), Some(of)) = (key, &group.key) {
                    tx.put(&DATA_KEYS, &(group.id, of.number), key)?;
                }
                Ok(tx.put(&GROUPS, &name.key(), group)?)
            })
            .await
    }

    /// Changes a group; `change` may refuse.
    pub(crate) async fn change_group(
        &self,
        name: &GroupName,
        change: impl Fn(&mut Group) -> Result<()> + Sync,
    ) -> Result<()> {
        let change = &change;
        self.store
            .transact(|tx| async move {
                let mut group = tx.get(&GROUPS, &name.key()).await?.ok_or_else(error::group_not_found)?;
                change(&mut group)?;
                Ok(tx.put(&GROUPS, &name.key(), &group)?)
            })
            .await
    }

    /// Seals what comes from now on with this data key.
    pub(crate) async fn put_data_key(&self, name: &GroupName, id: u64, key: &DataKeyRecord) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut group = tx.get(&GROUPS, &name.key()).await?.ok_or_else(error::group_not_found)?;
                if group.id != id {
                    return Err(error::aborted());
                }
                let last = tx.scan_keys(&DATA_KEYS, Range::prefix((id,)).rev(), 1).await?;
                let number = last.first().map_or(1, |(_, number)| number + 1);
                tx.put(&DATA_KEYS, &(id, number), key)?;
                group.key = Some(GroupKey { arn: key.key_arn.clone(), number });
                Ok(tx.put(&GROUPS, &name.key(), &group)?)
            })
            .await
    }

    /// Transforms what comes from now on by this.
    pub(crate) async fn put_transformer(
        &self,
        name: &GroupName,
        made: &TransformerRecord,
        now_ms: i64,
    ) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let mut group = tx.get(&GROUPS, &name.key()).await?.ok_or_else(error::group_not_found)?;
                let last = tx.scan_keys(&TRANSFORMERS, Range::prefix((group.id,)).rev(), 1).await?;
                let number = last.first().map_or(1, |(_, number)| number + 1);
                tx.put(&TRANSFORMERS, &(group.id, number), made)?;
                let created_ms = group.transformer.as_ref().map_or(now_ms, |before| before.created_ms);
                group.transformer = Some(GroupTransformer { number, created_ms, modified_ms: now_ms });
                Ok(tx.put(&GROUPS, &name.key(), &group)?)
            })
            .await
    }

    pub(crate) async fn transformer(&self, group: u64, number: u64) -> Result<Option<TransformerRecord>> {
        Ok(self.store.get(&TRANSFORMERS, &transformer_key(group, number)).await?)
    }

    pub(crate) async fn data_key(&self, group: u64, number: u64) -> Result<Option<DataKeyRecord>> {
        Ok(self.store.get(&DATA_KEYS, &(group, number)).await?)
    }

    /// The bytes of a chunk; `None` when it was swept away.
    pub(crate) async fn chunk(&self, stream: u64, sequence: u64) -> Result<Option<Chunk>> {
        Ok(self.store.get(&CHUNKS, &(stream, sequence)).await?)
    }

    pub(crate) async fn delete_group(&self, name: &GroupName) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let group = tx.get(&GROUPS, &name.key()).await?.ok_or_else(error::group_not_found)?;
                if group.deletion_protected {
                    return Err(error::protected());
                }
                tx.put(&GARBAGE, &group.id, &Garbage::Group)?;
                filters::drop_all(&tx, name).await?;
                Ok(tx.delete(&GROUPS, &name.key())?)
            })
            .await
    }

    /// Groups of the caller's account and Region from `after` on, by name.
    pub(crate) async fn groups(
        &self,
        cx: &Cx,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Group)>> {
        let (account, region) = (cx.account(), cx.region());
        let range = Range::prefix((account, region)).text(prefix);
        let range = match after {
            Some(after) => range.after(&(account, region, after)),
            None => range,
        };
        let found = self.store.scan(&GROUPS, range, limit).await?;
        Ok(found.into_iter().map(|((_, _, name), group)| (name, group)).collect())
    }

    pub(crate) async fn every_group(&self) -> Result<Vec<Group>> {
        Ok(self.every_named_group().await?.into_iter().map(|(_, group)| group).collect())
    }

    pub(crate) async fn every_named_group(&self) -> Result<Vec<((AccountId, Region, String), Group)>> {
        let mut groups = Vec::new();
        let mut range = Range::all();
        loop {
            let page = self.store.scan(&GROUPS, range, SWEEP).await?;
            let Some((last, _)) = page.last() else { return Ok(groups) };
            range = Range::all().after(last);
            groups.extend(page);
        }
    }

    pub(crate) async fn create_stream(&self, name: &GroupName, stream: &str, made: &Stream) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let group = tx.get(&GROUPS, &name.key()).await?.ok_or_else(error::group_not_found)?;
                let key = (group.id, stream);
                if tx.get(&STREAMS, &key).await?.is_some() {
                    return Err(error::stream_exists());
                }
                Ok(tx.put(&STREAMS, &key, made)?)
            })
            .await
    }

    pub(crate) async fn delete_stream(&self, name: &GroupName, stream: &str) -> Result<()> {
        self.store
            .transact(|tx| async move {
                let group = tx.get(&GROUPS, &name.key()).await?.ok_or_else(error::group_not_found)?;
                let key = (group.id, stream);
                let found = tx.get(&STREAMS, &key).await?.ok_or_else(error::stream_not_found)?;
                tx.put(&GARBAGE, &found.id, &Garbage::Stream { group: group.id })?;
                Ok(tx.delete(&STREAMS, &key)?)
            })
            .await
    }

    pub(crate) async fn stream(&self, group: u64, name: &str) -> Result<Stream> {
        self.store.get(&STREAMS, &(group, name)).await?.ok_or_else(error::stream_not_found)
    }

    /// The streams whose names begin with `prefix`, by name.
    pub(crate) async fn streams(&self, group: u64, prefix: &str) -> Result<Vec<(String, Stream)>> {
        let range = Range::prefix((group,)).text(prefix);
        let found = self.store.scan(&STREAMS, range, STREAMS_SCAN_MAX).await?;
        Ok(found.into_iter().map(|((_, name), stream)| (name, stream)).collect())
    }

    /// Appends events that are in order and already checked, and notes for whom they wait. Durable when it returns.
    pub(crate) async fn append(
        &self,
        name: &GroupName,
        stream: &str,
        new: &NewEvents<'_>,
        routing: &Routing,
    ) -> Result<Waiting> {
        let (now_ms, events) = (new.now_ms, new.events);
        let bytes: usize = events.iter().map(|(_, message)| message.len() + OVERHEAD).sum();
        let (mut chunks, mut fields) = (Vec::new(), BTreeMap::<String, IndexedField>::new());
        let (mut from, mut work) = (0, Work::new());
        for part in stretches(events) {
            let (first, last) = (part[0].0, part[part.len() - 1].0);
            let sequence = self.next_sequence(now_ms);
            let here = from..from + part.len();
            from = here.end;
            let before = |end: usize| new.masks.partition_point(|(event, _)| *event < end);
            let masks = &new.masks[before(here.start)..before(here.end)];
            let masks: Vec<(usize, Mask)> =
                masks.iter().map(|(event, mask)| (event - here.start, *mask)).collect();
            let key = new.key.as_ref().map(|(number, key)| (*number, key));
            let indexed = match new.indexer {
                Some(indexer) => indexer.index((part, now_ms), &masks, key, &mut work).await,
                None => None,
            };
            let index = indexed.map(|indexed| {
                for (field, times) in indexed.times {
                    let (first_event_ms, last_event_ms) = times.unzip();
                    let seen = IndexedField { first_event_ms, last_event_ms, last_scan_ms: Some(now_ms) };
                    fields.entry(field).or_default().join(&seen);
                }
                Chunk(indexed.bytes)
            });
            let batch =
                chunk::Batch { ingested_ms: now_ms, events: part, masks, transformer: new.transformer };
            let at = chunk::At { stream: new.stream_id, sequence };
            chunks.push((sequence, first, last, Chunk(chunk::encode(at, &batch, key)?), index));
        }
        let (chunks, fields) = (&chunks, &fields);
        let _turn = self.turns[(new.stream_id % TURNS as u64) as usize].lock().await;
        self.store
            .transact(|tx| async move {
                let group = tx.get(&GROUPS, &name.key()).await?.ok_or_else(error::group_not_found)?;
                let key = (group.id, stream);
                let mut found = tx.get(&STREAMS, &key).await?.ok_or_else(error::stream_not_found)?;
                let sealed_by = new.key.as_ref().map(|(number, _)| *number);
                if found.id != new.stream_id || group.key.as_ref().map(|key| key.number) != sealed_by {
                    return Err(error::aborted());
                }
                for (sequence, first, last, chunk, index) in chunks {
                    tx.put(&CHUNKS, &(found.id, *sequence), chunk)?;
                    if let Some(index) = index {
                        tx.put(&CHUNK_INDEXES, &(found.id, *sequence), index)?;
                    }
                    for scope in [group.id, found.id] {
                        tx.put(&BEGINS, &(scope, *first, *sequence, found.id), &(*last as u64))?;
                        tx.put(&ENDS, &(scope, *last, *sequence, found.id), &(*first as u64))?;
                    }
                    found.first_event_ms = Some(found.first_event_ms.map_or(*first, |ms| ms.min(*first)));
                    found.last_event_ms = Some(found.last_event_ms.map_or(*last, |ms| ms.max(*last)));
                }
                for (field, seen) in fields {
                    indexes::join(&tx, (group.id, found.id, field.as_str()), seen).await?;
                }
                found.last_ingestion_ms = Some(now_ms);
                found.bytes += bytes as i64;
                tx.put(&STREAMS, &key, &found)?;
                let sequences: Vec<u64> = chunks.iter().map(|(sequence, ..)| *sequence).collect();
                let arrived = filters::Arrived { now_ms, name, group: &group, stream, id: found.id };
                filters::route(&tx, &arrived, &sequences, routing).await
            })
            .await
    }

    /// Grows with time and is never given twice by this process; chunks of one stream have it as their key.
    fn next_sequence(&self, now_ms: i64) -> u64 {
        let floor = (now_ms.max(0) as u64) << 20;
        let taken = |before: u64| Some(before.max(floor) + 1);
        let before = self.sequence.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken);
        before.unwrap_or_default().max(floor) + 1
    }

    /// Deletes chunks of `scope` that end before `until_ms`; says whether there may be more.
    pub(crate) async fn sweep(&self, scope: u64, until_ms: i64, group: Option<u64>) -> Result<bool> {
        let range = Range::prefix((scope,)).before(&(scope, until_ms, 0u64, 0u64));
        let found = self.store.scan(&ENDS, range, SWEEP).await?;
        let more = found.len() == SWEEP;
        let found = &found;
        self.store
            .transact(|tx| async move {
                for ((_, last, sequence, stream), first) in found {
                    tx.delete(&CHUNKS, &(*stream, *sequence))?;
                    tx.delete(&CHUNK_INDEXES, &(*stream, *sequence))?;
                    for scope in [scope, *stream].into_iter().chain(group) {
                        tx.delete(&BEGINS, &(scope, *first as i64, *sequence, *stream))?;
                        tx.delete(&ENDS, &(scope, *last, *sequence, *stream))?;
                    }
                }
                Ok::<_, ApiError>(())
            })
            .await?;
        Ok(more)
    }

    /// What was deleted and has not been swept yet.
    pub(crate) async fn garbage(&self) -> Result<Vec<(u64, Garbage)>> {
        Ok(self.store.scan(&GARBAGE, Range::all(), SWEEP).await?)
    }

    /// Drops the records of a swept group's streams, then the note itself.
    pub(crate) async fn swept(&self, id: u64) -> Result<()> {
        loop {
            let keys = self.store.scan_keys(&STREAMS, Range::prefix((id,)), SWEEP).await?;
            let keys = &keys;
            self.store
                .transact(|tx| async move {
                    for (group, name) in keys {
                        tx.delete(&STREAMS, &(*group, name.as_str()))?;
                    }
                    if keys.len() < SWEEP {
                        for (group, number) in tx.scan_keys(&DATA_KEYS, Range::prefix((id,)), SWEEP).await? {
                            tx.delete(&DATA_KEYS, &(group, number))?;
                        }
                        for (group, number) in
                            tx.scan_keys(&TRANSFORMERS, Range::prefix((id,)), SWEEP).await?
                        {
                            tx.delete(&TRANSFORMERS, &(group, number))?;
                        }
                        tx.delete(&GARBAGE, &id)?;
                    }
                    Ok::<_, ApiError>(())
                })
                .await?;
            if keys.len() < SWEEP {
                return Ok(());
            }
        }
    }
}

/// Those of accounts are kept apart from those of a group, which end with it.
fn transformer_key(group: u64, number: u64) -> (u64, u64) {
    if number & TransformerRecord::OF_ACCOUNT == 0 { (group, number) } else { (0, number) }
}

/// Cuts a batch where it crosses a multiple of [`SPAN_MS`].
fn stretches<'e>(events: &'e [(i64, &'e str)]) -> impl Iterator<Item = &'e [(i64, &'e str)]> {
    events.chunk_by(|a, b| a.0.div_euclid(SPAN_MS) == b.0.div_euclid(SPAN_MS))
}
