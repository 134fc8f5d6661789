use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use haneul_env::Env;
use tokio::sync::Mutex;

use crate::disk::{DiskEngine, DiskOptions};
use crate::engine::{Engine, KeyRange, Pair, Version, View, Write};
use crate::feed::{Subscription, TableVersion};
use crate::key::{Key, KeyOf};
use crate::memory::MemoryEngine;
use crate::reads::Reads;
use crate::record::Record;
use crate::tx::Tx;
use crate::{StoreError, Table};

/// The state of the cloud. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    engine: Arc<dyn Engine>,
    /// Taken by a transaction that has lost several times, so that the losers do not go on losing to one another.
    queue: Mutex<()>,
}

/// Attempts of a transaction before [`StoreError::Conflict`] is returned.
pub const ATTEMPTS_MAX: u32 = 100;

/// Attempts that race freely; later ones queue up.
const ATTEMPTS_FREE: u32 = 1;

impl Store {
    pub fn new(engine: Arc<dyn Engine>) -> Store {
        Store { shared: Arc::new(Shared { engine, queue: Mutex::new(()) }) }
    }

    /// All in memory, lost at the end.
    pub fn memory() -> Store {
        Store::new(Arc::new(MemoryEngine::new()))
    }

    /// Everything in `dir`, made when it does not exist or is empty; durable before it is acknowledged. Blocks.
    ///
    /// Refuses, and changes nothing, when another process has it open, when it is damaged, when a newer version of
    /// haneul wrote it, and when it holds anything that is not ours. Open it before anything else is put into `dir`.
    pub fn open(env: &Env, dir: &Path) -> Result<Store, StoreError> {
        Store::open_with(env, dir, DiskOptions::default())
    }

    pub fn open_with(env: &Env, dir: &Path, options: DiskOptions) -> Result<Store, StoreError> {
        let (engine, _manifest) = DiskEngine::open(env, dir, options)?;
        let store = Store::new(Arc::new(engine));
        // On a thread of its own: this one may belong to a runtime already, in which another can neither run nor be dropped.
        let undo = || {
            let runtime = tokio::runtime::Builder::new_current_thread().build()?;
            runtime.block_on(store.undo_partial_import())
        };
        std::thread::scope(|scope| scope.spawn(undo).join().expect("it does not panic"))?;
        Ok(store)
    }

    /// Runs `work` as one serialisable transaction, again when another one came between. When this returns `Ok`, what
    /// was written is durable; when `work` returns an error, nothing was written.
    ///
    /// `work` may run many times: it must do nothing but read and write through `tx`. It is `|tx| async move { … }`; what
    /// it uses of its surroundings it takes as references (`let name = &name;` before it).
    // Not `AsyncFn(Tx)`: rustc 1.95 cannot tell that its future is `Send`, so no handler could call it.
    pub async fn transact<T, E, W, F>(&self, work: W) -> Result<T, E>
    where
        E: From<StoreError>,
        W: Fn(Tx) -> F,
        F: Future<Output = Result<T, E>>,
    {
        let mut queued = None;
        for attempt in 1..=ATTEMPTS_MAX {
            let tx = Tx::new(self.shared.engine.clone());
            let done = work(tx.clone()).await?;
            match tx.commit().await {
                Ok(_) => return Ok(done),
                Err(StoreError::Conflict) => {
                    if attempt >= ATTEMPTS_FREE && queued.is_none() {
                        queued = Some(self.shared.queue.lock().await);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// The state as of now, to read several things that fit together. Not to be kept for long.
    pub async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        Ok(Snapshot { view: self.shared.engine.snapshot().await? })
    }

    /// Writes at once what depends on nothing that was read. All or nothing, durable on return.
    pub async fn write(&self, batch: Batch) -> Result<(), StoreError> {
        batch.tx(&self.shared.engine)?.commit().await?;
        Ok(())
    }

    pub async fn put<K: Key, V: Record>(
        &self,
        table: &Table<K, V>,
        key: &(impl KeyOf<K> + ?Sized),
        value: &V,
    ) -> Result<(), StoreError> {
        let write = Write { key: table.full_key(key)?, value: Some(table.encode_value(value)?) };
        self.shared.engine.write(vec![write]).await?;
        Ok(())
    }

    pub async fn delete<K: Key, V: Record>(
        &self,
        table: &Table<K, V>,
        key: &(impl KeyOf<K> + ?Sized),
    ) -> Result<(), StoreError> {
        self.shared.engine.write(vec![Write { key: table.full_key(key)?, value: None }]).await?;
        Ok(())
    }

    /// Says that rows of the table that share the first `bytes` bytes of their encoded key are usually read together, and that
    /// such groups are mostly small: then a scan within one, and a read of a row that is not there, is mostly from memory.
    /// Once, before anything else is done with the table.
    pub fn group<K, V>(&self, table: &Table<K, V>, bytes: usize) {
        self.shared.engine.group(table.name(), bytes);
    }

    /// Commits that touch any of `tables` (all, when empty), from now on: subscribe, then read.
    pub fn subscribe(&self, tables: &[&'static str]) -> Subscription {
        self.shared.engine.feed().subscribe(tables)
    }

    /// A counter that changes with the table: see [`TableVersion`] for how a cache uses it. Keep the handle.
    pub fn table_version<K, V>(&self, table: &Table<K, V>) -> TableVersion {
        self.shared.engine.feed().table_version(table.name())
    }

    /// The counter's value; [`Store::table_version`] is cheaper for a hot path.
    pub fn version<K, V>(&self, table: &Table<K, V>) -> Version {
        self.table_version(table).get()
    }

    /// Reads everything and checks it as far as the engine can. Takes as long as the data is large.
    pub async fn verify(&self) -> Result<(), StoreError> {
        self.shared.engine.verify().await
    }

    /// Lets go of the files. What was acknowledged is durable with or without it.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.shared.engine.close().await
    }

    pub(crate) fn engine(&self) -> &Arc<dyn Engine> {
        &self.shared.engine
    }
}

impl Reads for Store {
    async fn get_bytes(&self, key: Bytes) -> Result<Option<Bytes>, StoreError> {
        self.shared.engine.get(&key).await
    }

    async fn scan_bytes(&self, range: KeyRange, limit: usize) -> Result<Vec<Pair>, StoreError> {
        let found = self.shared.engine.snapshot().await?.scan(&range, limit).await?;
        give_way(found.len()).await;
        Ok(found)
    }
}

/// Rows whose reading takes about as long as a small task.
const SHARE_ROWS: usize = 32;

/// Lets other tasks of the thread go on, after enough of these: a read that is served from memory never waits, and
/// whoever walks a large table would keep the thread to itself.
async fn give_way(rows: usize) {
    for _ in 0..rows / SHARE_ROWS {
        tokio::task::coop::consume_budget().await;
    }
}

/// One state of the store.
#[derive(Clone)]
pub struct Snapshot {
    view: Arc<dyn View>,
}

impl Reads for Snapshot {
    async fn get_bytes(&self, key: Bytes) -> Result<Option<Bytes>, StoreError> {
        self.view.get(&key).await
    }

    async fn scan_bytes(&self, range: KeyRange, limit: usize) -> Result<Vec<Pair>, StoreError> {
        let found = self.view.scan(&range, limit).await?;
        give_way(found.len()).await;
        Ok(found)
    }
}

/// Writes to commit together. The last write to a key counts.
#[derive(Default)]
pub struct Batch {
    writes: Vec<Write>,
}

impl Batch {
    pub fn put<K: Key, V: Record>(
        &mut self,
        table: &Table<K, V>,
        key: &(impl KeyOf<K> + ?Sized),
        value: &V,
    ) -> Result<(), StoreError> {
        self.writes.push(Write { key: table.full_key(key)?, value: Some(table.encode_value(value)?) });
        Ok(())
    }

    pub fn delete<K: Key, V: Record>(
        &mut self,
        table: &Table<K, V>,
        key: &(impl KeyOf<K> + ?Sized),
    ) -> Result<(), StoreError> {
        self.writes.push(Write { key: table.full_key(key)?, value: None });
        Ok(())
    }

    /// As a transaction, which sorts the writes, keeps the last one of each key and knows the limits.
    fn tx(self, engine: &Arc<dyn Engine>) -> Result<Tx, StoreError> {
        let tx = Tx::new(engine.clone());
        for write in self.writes {
            tx.write(write.key, write.value)?;
        }
        Ok(tx)
    }
}
