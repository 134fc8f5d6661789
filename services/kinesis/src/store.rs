//! Every change of streams, shards and consumers in the store, and the streams in memory that follow it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use haneul_kit::{AccountId, Env, Region, Result};
use haneul_store::{Batch, Range, Reads, Store, StoreError};
use parking_lot::RwLock;
use tokio::sync::Mutex;

use crate::error;
use crate::hash::HashRange;
use crate::model::{
    CONSUMERS, COUNTERS, Change, ConsumerRecord, GONE, ROWS, SHARDS, STREAM_COUNTER, STREAMS, StreamRecord,
    TRANSITION_MS, UnderWay,
};
use crate::names::StreamKey;
use crate::plane::reshard::{Piece, Plan};
use crate::plane::stream::Consumer;
use crate::plane::{Shard, State, Stream};

/// The streams. Changes go one at a time, each in a task of its own, so that memory follows the store even when the client
/// goes away in between.
pub(crate) struct Registry {
    pub(crate) store: Store,
    pub(crate) env: Env,
    streams: RwLock<BTreeMap<StreamKey, Arc<Stream>>>,
    changing: Mutex<()>,
}

/// Rows that are read at once.
const PAGE: usize = 1000;

/// Rows of records that are removed at once: by what they hold, and by their keys.
const TRIMMED_AT_ONCE: usize = 8;
const REMOVED_AT_ONCE: usize = 256;

/// How often that is done for one shard or for the streams that are gone before others have their turn.
const TURN: usize = 8;

impl Registry {
    /// The streams of the store.
    pub(crate) async fn open(store: &Store, env: &Env) -> Result<Registry> {
        let mut streams = BTreeMap::new();
        let mut range = Range::all();
        loop {
            let page = store.scan(&STREAMS, range, PAGE).await.map_err(error::store)?;
            let Some((last, _)) = page.last() else { break };
            range = Range::all().after(last);
            for ((account, region, name), record) in page {
                let key = StreamKey { account, region, name };
                let state = read_state(store, record).await?;
                streams.insert(key.clone(), Arc::new(Stream::new(key, state)));
            }
        }
        let (store, env) = (store.clone(), env.clone());
        Ok(Registry { store, env, streams: RwLock::new(streams), changing: Mutex::new(()) })
    }

    pub(crate) fn get(&self, key: &StreamKey) -> Option<Arc<Stream>> {
        self.streams.read().get(key).cloned()
    }

    pub(crate) fn all(&self) -> Vec<Arc<Stream>> {
        self.streams.read().values().cloned().collect()
    }

    /// The streams of an account in a Region, by name, after one.
    pub(crate) fn list(&self, account: AccountId, region: Region, after: &str) -> Vec<Arc<Stream>> {
        let streams = self.streams.read();
        let from = StreamKey { account, region, name: after.to_owned() };
        let own = streams.range(from..).take_while(|(key, _)| (key.account, key.region) == (account, region));
        own.filter(|(key, _)| key.name != after).map(|(_, stream)| stream.clone()).collect()
    }

    /// Makes a stream that is there a moment later.
    pub(crate) async fn create(
        self: &Arc<Self>,
        key: StreamKey,
        shards: u32,
        edit: impl Fn(&mut StreamRecord) + Send + Sync + 'static,
        check: impl FnOnce(&Registry) -> Result<()> + Send + 'static,
    ) -> Result<()> {
        let registry = self.clone();
        self.in_task(async move {
            let _changing = registry.changing.lock().await;
            if registry.get(&key).is_some() {
                return Err(error::stream_exists(&key));
            }
            check(&registry)?;
            let now_ms = registry.env.now().millis();
            let mut plan = Plan::new(now_ms, 0);
            for range in HashRange::even(shards) {
                plan.begin(range);
            }
            let id = &(key.account, key.region, key.name.clone());
            let (plan, edit) = (&plan, &edit);
            let written = registry.store.transact(async |tx| {
                let no = tx.get(&COUNTERS, STREAM_COUNTER).await?.unwrap_or(1);
                tx.put(&COUNTERS, STREAM_COUNTER, &(no + 1))?;
                let mut record = StreamRecord::new(no, now_ms);
                edit(&mut record);
                record.next_shard = plan.next_shard;
                (record.grown_from, record.grown_ms) = (shards, now_ms);
                record.under_way = Some(UnderWay { change: Change::Create, due_ms: now_ms + TRANSITION_MS });
                tx.put(&STREAMS, id, &record)?;
                for (index, shard) in &plan.made {
                    tx.put(&SHARDS, &(no, *index), shard)?;
                }
                Ok::<_, StoreError>(record)
            });
            let record = written.await.map_err(error::store)?;
            let fresh = |(index, shard): (&u32, _)| {
                (*index, Arc::new(Shard::fresh(record.no, *index, Clone::clone(shard))))
            };
            let made = plan.made.iter().map(fresh).collect();
            let state = State::new(record, made, BTreeMap::new());
            registry.streams.write().insert(key.clone(), Arc::new(Stream::new(key, state)));
            Ok(())
        })
        .await
    }

    /// Changes a stream's record. What it answers is what `edit` does.
    pub(crate) async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        stream: &Arc<Stream>,
        edit: impl FnOnce(&State, &mut StreamRecord) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (registry, stream) = (self.clone(), stream.clone());
        self.in_task(async move {
            let _changing = registry.changing.lock().await;
            registry.apply_alone(&stream).await?;
            let state = there(&stream)?;
            let mut record = state.record.clone();
            let done = edit(&state, &mut record)?;
            if record != state.record {
                registry.write(&stream, &state, record).await?;
            }
            Ok(done)
        })
        .await
    }

    /// Changes an active stream's record, and has `change` take effect a moment later.
    pub(crate) async fn begin<T: Send + 'static>(
        self: &Arc<Self>,
        stream: &Arc<Stream>,
        edit: impl FnOnce(&State, &mut StreamRecord) -> Result<(Change, T)> + Send + 'static,
    ) -> Result<T> {
        let key = stream.key.clone();
        let now_ms = self.env.now().millis();
        self.change(stream, move |state, record| {
            let (change, done) = edit(state, record)?;
            if record.under_way.is_some() {
                return Err(error::not_active(&key, record.status()));
            }
            record.under_way = Some(UnderWay { change, due_ms: now_ms + TRANSITION_MS });
            Ok(done)
        })
        .await
    }

    /// Lets what is due take effect.
    pub(crate) async fn settle(self: &Arc<Self>, stream: &Arc<Stream>) -> Result<()> {
        if !self.is_due(stream) {
            return Ok(());
        }
        let (registry, stream) = (self.clone(), stream.clone());
        self.in_task(async move {
            let _changing = registry.changing.lock().await;
            registry.apply_alone(&stream).await
        })
        .await
    }

    fn is_due(&self, stream: &Stream) -> bool {
        let state = stream.state();
        let now_ms = self.env.now().millis();
        state.record.under_way.as_ref().is_some_and(|under_way| now_ms >= under_way.due_ms)
            || state.consumers.values().any(|consumer| consumer.record.is_gone(now_ms))
    }

    async fn apply_alone(&self, stream: &Stream) -> Result<()> {
        if stream.state().gone || !self.is_due(stream) {
            return Ok(());
        }
        self.forget_consumers(stream).await?;
        let state = stream.state();
        let now_ms = self.env.now().millis();
        let Some(under_way) = &state.record.under_way else { return Ok(()) };
        if now_ms < under_way.due_ms {
            return Ok(());
        }
        let change = under_way.change.clone();
        let _routing = stream.routing.write().await;
        let mut record = StreamRecord { under_way: None, ..state.record.clone() };
        let mut plan = Plan::new(self.env.now().millis(), record.next_shard);
        let piece = |index: u32| {
            let shard = state.shards.get(&index).filter(|shard| !shard.is_closed());
            shard.map(|shard| Piece::of(index, &shard.record))
        };
        match change {
            Change::Create | Change::Settle => return self.write(stream, &state, record).await,
            Change::Delete => return self.delete(stream, &state).await,
            Change::Encrypt { kms_key } => {
                record.kms_key = kms_key;
                return self.write(stream, &state, record).await;
            }
            // What was checked when it was asked for has not changed since: one change at a time.
            Change::Split { shard, at } => {
                if let Some(piece) = piece(shard) {
                    plan.split(piece, at);
                }
            }
            Change::Merge { shard, adjacent } => {
                if let (Some(a), Some(b)) = (piece(shard), piece(adjacent)) {
                    match a.range.first < b.range.first {
                        true => plan.merge(a, b, false),
                        false => plan.merge(b, a, true),
                    };
                }
            }
            Change::Scale { target } => {
                let open: Vec<Piece> =
                    state.open().map(|shard| Piece::of(shard.index, &shard.record)).collect();
                plan.scale(&open, target);
            }
        }
        self.reshard(stream, record, plan).await
    }

    /// Splits shards of an on-demand stream in two, as far as it may grow.
    pub(crate) async fn grow(self: &Arc<Self>, stream: &Arc<Stream>, hot: BTreeSet<u32>) -> Result<()> {
        let (registry, stream) = (self.clone(), stream.clone());
        self.in_task(async move {
            let _changing = registry.changing.lock().await;
            let _routing = stream.routing.write().await;
            let state = there(&stream)?;
            let now_ms = registry.env.now().millis();
            let mut record = state.record.clone();
            if !record.is_usable() {
                return Ok(());
            }
            if state.is_grown(now_ms) {
                (record.grown_from, record.grown_ms) = (state.open().len() as u32, now_ms);
            }
            let mut plan = Plan::new(now_ms, record.next_shard);
            let hot = hot.iter().filter_map(|index| state.shards.get(index));
            for shard in hot.filter(|shard| state.may_split(shard, now_ms)).take(state.room(now_ms)) {
                let piece = Piece::of(shard.index, &shard.record);
                plan.split(piece, piece.range.middle());
            }
            match plan.closed.is_empty() {
                true => Ok(()),
                false => registry.reshard(&stream, record, plan).await,
            }
        })
        .await
    }

    /// Closes shards and opens others. The caller keeps new records out.
    async fn reshard(&self, stream: &Stream, mut record: StreamRecord, plan: Plan) -> Result<()> {
        let state = stream.state();
        record.next_shard = plan.next_shard;
        let mut closed = Vec::with_capacity(plan.closed.len());
        for index in &plan.closed {
            let Some(shard) = state.shards.get(index) else { continue };
            shard.idle().await;
            let next_place = shard.tail(&self.store).await?.lock().next();
            let mut record = shard.record.clone();
            record.next_place = next_place;
            record.closed_ms = Some(plan.now_ms);
            closed.push((shard.clone(), record));
        }
        let mut batch = Batch::default();
        batch.put(&STREAMS, &id(stream), &record).map_err(error::store)?;
        for (shard, record) in &closed {
            batch.put(&SHARDS, &(stream.no, shard.index), record).map_err(error::store)?;
        }
        for (index, shard) in &plan.made {
            batch.put(&SHARDS, &(stream.no, *index), shard).map_err(error::store)?;
        }
        self.store.write(batch).await.map_err(error::store)?;
        let mut shards = state.shards.clone();
        for (index, shard) in plan.made {
            shards.insert(index, Arc::new(Shard::fresh(stream.no, index, shard)));
        }
        // A shard is seen as closed only in a state that has its children.
        for (shard, record) in closed {
            shards.insert(shard.index, Arc::new(Shard::new(stream.no, shard.index, record)));
        }
        stream.set_state(state.with_record(record).with_shards(shards));
        for shard in plan.closed.iter().filter_map(|index| state.shards.get(index)) {
            shard.arrivals.send_modify(|count| *count += 1);
        }
        Ok(())
    }

    /// Removes a stream. The caller keeps new records out.
    async fn delete(&self, stream: &Stream, state: &State) -> Result<()> {
        for shard in state.shards.values() {
            shard.idle().await;
        }
        let mut batch = Batch::default();
        batch.delete(&STREAMS, &id(stream)).map_err(error::store)?;
        batch.put(&GONE, &stream.no, &()).map_err(error::store)?;
        for index in state.shards.keys() {
            batch.delete(&SHARDS, &(stream.no, *index)).map_err(error::store)?;
        }
        for name in state.consumers.keys() {
            batch.delete(&CONSUMERS, &(stream.no, name.as_str())).map_err(error::store)?;
        }
        self.store.write(batch).await.map_err(error::store)?;
        self.streams.write().remove(&stream.key);
        let mut gone = state.clone();
        gone.gone = true;
        stream.set_state(gone);
        for shard in state.shards.values() {
            shard.arrivals.send_modify(|count| *count += 1);
        }
        Ok(())
    }

    async fn write(&self, stream: &Stream, state: &State, record: StreamRecord) -> Result<()> {
        self.store.put(&STREAMS, &id(stream), &record).await.map_err(error::store)?;
        stream.set_state(state.with_record(record));
        Ok(())
    }

    /// Adds, changes or removes (`None`) a consumer.
    pub(crate) async fn change_consumer<T: Send + 'static>(
        self: &Arc<Self>,
        stream: &Arc<Stream>,
        name: &str,
        edit: impl FnOnce(&State, Option<ConsumerRecord>) -> Result<(ConsumerRecord, T)> + Send + 'static,
    ) -> Result<T> {
        let (registry, stream, name) = (self.clone(), stream.clone(), name.to_owned());
        self.in_task(async move {
            let _changing = registry.changing.lock().await;
            registry.apply_alone(&stream).await?;
            let state = there(&stream)?;
            let before = state.consumers.get(&name).map(|consumer| consumer.record.clone());
            let (record, done) = edit(&state, before.clone())?;
            if before.as_ref() != Some(&record) {
                let key = (stream.no, name.as_str());
                registry.store.put(&CONSUMERS, &key, &record).await.map_err(error::store)?;
                let mut state = (*state).clone();
                state.consumers.insert(name, Consumer::new(record));
                stream.set_state(state);
            }
            Ok(done)
        })
        .await
    }

    async fn forget_consumers(&self, stream: &Stream) -> Result<()> {
        let state = stream.state();
        let now_ms = self.env.now().millis();
        let gone = state.consumers.iter().filter(|(_, consumer)| consumer.record.is_gone(now_ms));
        let gone: Vec<String> = gone.map(|(name, _)| name.clone()).collect();
        if gone.is_empty() {
            return Ok(());
        }
        let mut batch = Batch::default();
        for name in &gone {
            batch.delete(&CONSUMERS, &(stream.no, name.as_str())).map_err(error::store)?;
        }
        self.store.write(batch).await.map_err(error::store)?;
        let mut state = (*state).clone();
        state.consumers.retain(|name, _| !gone.contains(name));
        stream.set_state(state);
        Ok(())
    }

    /// Removes rows whose records all arrived before `before_ms`, for one turn. False when there may be more.
    pub(crate) async fn trim(&self, shard: &Shard, before_ms: i64) -> Result<bool> {
        let tail = shard.tail(&self.store).await?;
        if tail.lock().oldest_ms.is_none_or(|oldest_ms| oldest_ms >= before_ms) {
            return Ok(true);
        }
        for _ in 0..TURN {
            let (next_place, was_idle) = {
                let tail = tail.lock();
                (tail.next(), tail.is_idle())
            };
            let range = Range::prefix((shard.stream_no, shard.index));
            let rows = self.store.scan(&ROWS, range, TRIMMED_AT_ONCE).await.map_err(error::store)?;
            let kept = rows.iter().position(|(_, row)| row.last_arrived_ms() >= before_ms);
            let over = &rows[..kept.unwrap_or(rows.len())];
            if !over.is_empty() {
                let key = (shard.stream_no, shard.index);
                let written = self.store.transact(async |tx| {
                    for (key, _) in over {
                        tx.delete(&ROWS, key)?;
                    }
                    // What the rows told of the places that were given out.
                    if let Some(mut record) = tx.get(&SHARDS, &key).await? {
                        record.next_place = record.next_place.max(next_place);
                        tx.put(&SHARDS, &key, &record)?;
                    }
                    Ok::<_, StoreError>(())
                });
                written.await.map_err(error::store)?;
            }
            let mut tail = tail.lock();
            if let Some(kept) = kept {
                tail.oldest_ms = Some(rows[kept].1.last_arrived_ms());
                return Ok(true);
            }
            if rows.is_empty() {
                // What was on its way or came in between is looked at when it is as old as the last one.
                tail.oldest_ms = (!was_idle || tail.next() != next_place).then_some(tail.last_ms());
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Forgets closed shards of which nothing is left to read.
    pub(crate) async fn expire(self: &Arc<Self>, stream: &Arc<Stream>, before_ms: i64) -> Result<()> {
        let is_over =
            move |shard: &Shard| shard.record.closed_ms.is_some_and(|closed_ms| closed_ms < before_ms);
        if !stream.state().shards.values().any(|shard| is_over(shard)) {
            return Ok(());
        }
        let (registry, stream) = (self.clone(), stream.clone());
        self.in_task(async move {
            let _changing = registry.changing.lock().await;
            let state = there(&stream)?;
            let mut shards = state.shards.clone();
            let mut batch = Batch::default();
            for (index, shard) in &state.shards {
                if is_over(shard) && shard.tail(&registry.store).await?.lock().oldest_ms.is_none() {
                    batch.delete(&SHARDS, &(stream.no, *index)).map_err(error::store)?;
                    shards.remove(index);
                }
            }
            registry.store.write(batch).await.map_err(error::store)?;
            stream.set_state((*state).clone().with_shards(shards));
            Ok(())
        })
        .await
    }

    /// Removes the records of streams that are gone, for one turn. False when there may be more.
    pub(crate) async fn sweep(&self) -> Result<bool> {
        for _ in 0..TURN {
            let gone = self.store.scan(&GONE, Range::all(), 1).await.map_err(error::store)?;
            let Some((no, ())) = gone.into_iter().next() else { return Ok(true) };
            let keys = self.store.scan_keys(&ROWS, Range::prefix((no,)), REMOVED_AT_ONCE).await;
            let keys = keys.map_err(error::store)?;
            let mut batch = Batch::default();
            for key in &keys {
                batch.delete(&ROWS, key).map_err(error::store)?;
            }
            if keys.len() < REMOVED_AT_ONCE {
                batch.delete(&GONE, &no).map_err(error::store)?;
            }
            self.store.write(batch).await.map_err(error::store)?;
        }
        Ok(false)
    }

    async fn in_task<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        self.env.spawn("kinesis change", work).await.map_err(haneul_kit::ApiError::internal)?
    }
}

fn id(stream: &Stream) -> (AccountId, Region, String) {
    (stream.key.account, stream.key.region, stream.key.name.clone())
}

/// The state of a stream that was not deleted in between.
fn there(stream: &Stream) -> Result<Arc<State>> {
    let state = stream.state();
    if state.gone { Err(error::no_stream(&stream.key)) } else { Ok(state) }
}

async fn read_state(store: &Store, record: StreamRecord) -> Result<State> {
    let mut shards = BTreeMap::new();
    let mut range = Range::prefix((record.no,));
    loop {
        let page = store.scan(&SHARDS, range, PAGE).await.map_err(error::store)?;
        let Some((last, _)) = page.last() else { break };
        range = Range::prefix((record.no,)).after(last);
        for ((no, index), shard) in page {
            shards.insert(index, Arc::new(Shard::new(no, index, shard)));
        }
    }
    let consumers = store.scan(&CONSUMERS, Range::prefix((record.no,)), PAGE).await.map_err(error::store)?;
    let consumers = consumers.into_iter().map(|((_, name), consumer)| (name, Consumer::new(consumer)));
    Ok(State::new(record, shards, consumers.collect()))
}
