use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::engine::{Engine, KeyRange, Pair, ReadSet, Version, View, Write};
use crate::key::{Key, KeyOf};
use crate::range::following;
use crate::reads::Reads;
use crate::record::Record;
use crate::{StoreError, Table};

/// Keys and values that one transaction may write, in bytes, and how many.
pub const TX_BYTES_MAX: usize = 64 * 1024 * 1024;
pub const TX_WRITES_MAX: usize = 100_000;

/// A transaction: reads one state plus its own writes; all of its writes commit, or none.
///
/// A cheap handle; [`Store::transact`](crate::Store::transact) makes it and commits it.
#[derive(Clone)]
pub struct Tx {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Arc<dyn Engine>,
    /// Opened by the first read: a transaction that only writes needs none.
    view: tokio::sync::OnceCell<Arc<dyn View>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    reads: ReadSet,
    writes: BTreeMap<Bytes, Option<Bytes>>,
    bytes: usize,
}

impl Tx {
    pub(crate) fn new(engine: Arc<dyn Engine>) -> Tx {
        let view = tokio::sync::OnceCell::new();
        Tx { shared: Arc::new(Shared { engine, view, state: Mutex::default() }) }
    }

    /// Inserts or replaces.
    pub fn put<K: Key, V: Record>(
        &self,
        table: &Table<K, V>,
        key: &(impl KeyOf<K> + ?Sized),
        value: &V,
    ) -> Result<(), StoreError> {
        self.write(table.full_key(key)?, Some(table.encode_value(value)?))
    }

    /// No error when there is nothing to delete.
    pub fn delete<K: Key, V: Record>(
        &self,
        table: &Table<K, V>,
        key: &(impl KeyOf<K> + ?Sized),
    ) -> Result<(), StoreError> {
        self.write(table.full_key(key)?, None)
    }

    pub(crate) fn write(&self, key: Bytes, value: Option<Bytes>) -> Result<(), StoreError> {
        let state = &mut *self.shared.state.lock();
        let size = |value: &Option<Bytes>| value.as_ref().map_or(0, Bytes::len);
        state.bytes += size(&value);
        match state.writes.entry(key) {
            Entry::Occupied(mut entry) => {
                state.bytes -= size(entry.get());
                entry.insert(value);
            }
            Entry::Vacant(entry) => {
                state.bytes += entry.key().len();
                entry.insert(value);
            }
        }
        if state.bytes > TX_BYTES_MAX {
            return Err(StoreError::TooLarge { what: "transaction", size: state.bytes, max: TX_BYTES_MAX });
        }
        if state.writes.len() > TX_WRITES_MAX {
            let size = state.writes.len();
            return Err(StoreError::TooLarge {
                what: "transaction's number of writes",
                size,
                max: TX_WRITES_MAX,
            });
        }
        Ok(())
    }

    /// The version of the commit; `None` when there was nothing to write.
    pub(crate) async fn commit(&self) -> Result<Option<Version>, StoreError> {
        let (reads, writes) = {
            let state = &mut *self.shared.state.lock();
            (std::mem::take(&mut state.reads), std::mem::take(&mut state.writes))
        };
        if writes.is_empty() {
            // It read one state: that is a serial order already.
            return Ok(None);
        }
        let writes = writes.into_iter().map(|(key, value)| Write { key, value }).collect();
        let version = match self.shared.view.get() {
            Some(view) => view.commit(reads, writes).await?,
            None => self.shared.engine.write(writes).await?,
        };
        Ok(Some(version))
    }

    async fn view(&self) -> Result<&Arc<dyn View>, StoreError> {
        self.shared.view.get_or_try_init(|| self.shared.engine.snapshot()).await
    }
}

impl Reads for Tx {
    async fn get_bytes(&self, key: Bytes) -> Result<Option<Bytes>, StoreError> {
        {
            let mut state = self.shared.state.lock();
            if let Some(written) = state.writes.get(&key) {
                return Ok(written.clone());
            }
            state.reads.keys.push(key.clone());
        }
        self.view().await?.get(&key).await
    }

    async fn scan_bytes(&self, range: KeyRange, limit: usize) -> Result<Vec<Pair>, StoreError> {
        if range.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let own: Vec<(Bytes, Option<Bytes>)> = {
            let state = self.shared.state.lock();
            let bounds = (Bound::Included(&range.start), Bound::Excluded(&range.end));
            state.writes.range::<Bytes, _>(bounds).map(|(k, v)| (k.clone(), v.clone())).collect()
        };
        // Each of our deletions can hide one pair: with that many more, enough are left.
        let wanted = limit + own.len();
        let found = self.view().await?.scan(&range, wanted).await?;
        let read = what_was_read(&range, &found, wanted);
        self.shared.state.lock().reads.ranges.push(read);
        if own.is_empty() {
            return Ok(found);
        }
        Ok(merge(found, own, range.reverse, limit))
    }
}

/// The part of the range that the answer depends on: up to the last pair when the limit cut it short.
fn what_was_read(range: &KeyRange, found: &[Pair], limit: usize) -> (Bytes, Bytes) {
    match found.last() {
        Some((last, _)) if found.len() >= limit && range.reverse => (last.clone(), range.end.clone()),
        Some((last, _)) if found.len() >= limit => (range.start.clone(), following(last.to_vec()).into()),
        _ => (range.start.clone(), range.end.clone()),
    }
}

/// `found` with our own writes over it.
fn merge(found: Vec<Pair>, own: Vec<(Bytes, Option<Bytes>)>, reverse: bool, limit: usize) -> Vec<Pair> {
    let mut merged: BTreeMap<Bytes, Bytes> = found.into_iter().collect();
    for (key, value) in own {
        match value {
            Some(value) => drop(merged.insert(key, value)),
            None => drop(merged.remove(&key)),
        }
    }
    if reverse {
        merged.into_iter().rev().take(limit).collect()
    } else {
        merged.into_iter().take(limit).collect()
    }
}
