//! A store that waits where a test wants something to happen in between, and counts what is read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use haneul_store::engine::{BoxFuture, Engine, KeyRange, Pair, ReadSet, Version, View, Write};
use haneul_store::feed::Feed;
use haneul_store::memory::MemoryEngine;
use haneul_store::{Store, StoreError};
use tokio::sync::RwLock;

#[derive(Clone, Default)]
pub(super) struct Slow {
    memory: MemoryEngine,
    /// Held for writing: what is scanned is not answered yet.
    pub(super) scans: Arc<RwLock<()>>,
    /// Held for writing: nothing is written yet, but by transactions.
    pub(super) writes: Arc<RwLock<()>>,
    /// Records and keys that scans answered.
    read: Arc<AtomicUsize>,
}

struct SlowView {
    view: Arc<dyn View>,
    slow: Slow,
}

impl Slow {
    pub(super) fn store(&self) -> Store {
        Store::new(Arc::new(self.clone()))
    }

    /// How much was read since this was last asked.
    pub(super) fn take_read(&self) -> usize {
        self.read.swap(0, Ordering::Relaxed)
    }
}

impl Engine for Slow {
    fn snapshot(&self) -> BoxFuture<'_, Result<Arc<dyn View>, StoreError>> {
        Box::pin(async {
            let view = self.memory.snapshot().await?;
            Ok(Arc::new(SlowView { view, slow: self.clone() }) as Arc<dyn View>)
        })
    }

    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>> {
        self.memory.get(key)
    }

    fn write(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Version, StoreError>> {
        Box::pin(async {
            let _may = self.writes.read().await;
            self.memory.write(writes).await
        })
    }

    fn feed(&self) -> &Arc<Feed> {
        self.memory.feed()
    }

    fn verify(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.memory.verify()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.memory.close()
    }
}

impl View for SlowView {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>> {
        self.view.get(key)
    }

    fn scan<'a>(&'a self, range: &'a KeyRange, limit: usize) -> BoxFuture<'a, Result<Vec<Pair>, StoreError>> {
        Box::pin(async move {
            let found = self.view.scan(range, limit).await?;
            self.slow.read.fetch_add(found.len(), Ordering::Relaxed);
            let _may = self.slow.scans.read().await;
            Ok(found)
        })
    }

    fn commit(&self, reads: ReadSet, writes: Vec<Write>) -> BoxFuture<'_, Result<Version, StoreError>> {
        self.view.commit(reads, writes)
    }
}
