//! The engine that keeps everything in a data directory.
//!
//! Our own log in front, an LSM tree behind. One thread at a time commits, one that is there for it or one of connections
//! that has nothing else to do: it takes all transactions that wait, validates each against those before it, writes them
//! to the log as one frame, syncs once, puts them into the tree's memtable, makes them visible, announces and
//! acknowledges them. More threads move full memtables into tables, merge tables, and bring into memory what lies beside
//! what was written; when a memtable has become a table, the log before it is dropped. Rows are read from memory where they
//! were read or written lately, by themselves or with their neighbours ([`rows`]), and a store at rest is merged into one
//! run of tables, so that what a read costs grows little with what there is.
//!
//! The tree is the `lsm-tree` crate, which is what `fjall` is made of, without fjall's own journal: that one takes a
//! damaged batch for a torn tail and silently drops what follows, and swallows a write error (fjall #304). Ours is
//! [`crate::log`], which does neither, and a stall of the tree (fjall #282, #293) is a bounded wait of the committer.
//!
//! In the directory: `lock`, `manifest` ([`manifest`]), and `store/` with `log/`, `tree/` and `checkpoint`. Nothing is
//! ever opened as if it were empty: what the manifest says was made must be there.
//!
//! Reading order: [`manifest`], [`open`](mod@open), [`tree`], [`ring`], [`page`], [`rows`], [`read`], [`pages`], [`wal`], [`committer`], [`upkeep`].

mod committer;
pub mod manifest;
mod open;
mod page;
mod pages;
mod read;
mod ring;
mod rows;
mod tree;
mod upkeep;
mod wal;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use haneul_env::Fs;
use haneul_env::fs::Lock;
use haneul_env::post;
use haneul_env::rouse::{self, Sleeper};
use parking_lot::{Condvar, Mutex};

use crate::StoreError;
use crate::engine::{BoxFuture, Engine, KeyRange, Pair, ReadSet, Version, View, Write};
use crate::feed::Feed;
use crate::local::{Hold, LiveVersions};
use crate::log::Position;
use committer::{Committer, Queue, Request};
use pages::Wanted;
use rows::{Found, Rows};
use tree::{Tree, Walk};
use upkeep::Upkeep;

pub use open::DiskOptions;

/// Everything in files. Closed when dropped.
pub struct DiskEngine {
    shared: Arc<Shared>,
}

struct Shared {
    fs: Fs,
    /// The `store` directory.
    dir: PathBuf,
    options: DiskOptions,
    tree: Tree,
    rows: Rows,
    live: LiveVersions,
    /// The newest version that readers see.
    visible: AtomicU64,
    /// Scans there have been.
    scans: AtomicU64,
    feed: Arc<Feed>,
    queue: Mutex<Queue>,
    /// Something is in the queue.
    queued: Condvar,
    /// Until the store is closed. Locked before the queue.
    committer: Mutex<Option<Committer>>,
    upkeep: Mutex<Upkeep>,
    /// There is upkeep to do, or some is done.
    upkeep_changed: Condvar,
    wanted: Mutex<Wanted>,
    /// There are pages to be made.
    wanted_changed: Condvar,
    /// Why nothing is committed any more.
    poisoned: Mutex<Option<String>>,
    threads: Mutex<Vec<std::thread::JoinHandle<()>>>,
    lock: Mutex<Option<Lock>>,
}

impl Shared {
    fn visible(&self) -> Version {
        self.visible.load(Ordering::Acquire)
    }

    fn hold(&self) -> Hold {
        self.live.hold(|| self.visible())
    }

    /// The oldest version that anyone reads or may begin to read.
    fn oldest(&self) -> Version {
        self.live.oldest(|| self.visible())
    }

    fn poison(&self, why: &str) {
        let mut poisoned = self.poisoned.lock();
        if poisoned.is_none() {
            tracing::error!(dir = %self.dir.display(), why, "the store accepts no more writes");
            *poisoned = Some(why.to_owned());
        }
    }

    fn submit(
        self: &Arc<Self>,
        view: Option<Version>,
        reads: ReadSet,
        writes: Vec<Write>,
    ) -> BoxFuture<'static, Result<Version, StoreError>> {
        let (reply, replied) = post::reply();
        let submitted = Request::new(view, reads, writes, reply).and_then(|request| {
            let mut queue = self.queue.lock();
            queue.push(request)?;
            if !rouse::later(self) && queue.call() {
                self.queued.notify_one();
            }
            Ok(())
        });
        Box::pin(async move {
            submitted?;
            replied.await.unwrap_or_else(|_| Err(StoreError::Poisoned("the store is closed".to_owned())))
        })
    }

    /// Ends the threads, in the order in which they depend on one another. Blocks.
    fn close(&self) {
        let threads = std::mem::take(&mut *self.threads.lock());
        self.queue.lock().close();
        self.queued.notify_all();
        self.upkeep.lock().closing = true;
        self.upkeep_changed.notify_all();
        self.close_pages();
        for thread in threads {
            // A panic in it has been printed.
            let _ = thread.join();
        }
        self.lock.lock().take();
    }
}

impl Sleeper for Shared {
    fn rouse(&self) {
        if self.queue.lock().call() {
            self.queued.notify_one();
        }
    }

    fn work(&self) {
        self.commit_here();
    }
}

impl Drop for DiskEngine {
    fn drop(&mut self) {
        self.shared.close();
    }
}

fn ready<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, T> {
    Box::pin(std::future::ready(value))
}

// Reads run on the caller's thread: nearly all are served from memory, and a hop to another thread would cost more
// than they do.
impl Engine for DiskEngine {
    fn snapshot(&self) -> BoxFuture<'_, Result<Arc<dyn View>, StoreError>> {
        let view: Arc<dyn View> = Arc::new(DiskView {
            shared: self.shared.clone(),
            hold: self.shared.hold(),
            walk: Mutex::default(),
        });
        ready(Ok(view))
    }

    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>> {
        let visible = self.shared.visible();
        ready(match self.shared.rows.get(key, visible) {
            Found::Row(value) => Ok(Some(value)),
            Found::Absent => Ok(None),
            Found::Unknown => self.shared.get_from_tree(key, self.shared.hold().version()),
        })
    }

    fn write(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Version, StoreError>> {
        self.shared.submit(None, ReadSet::default(), writes)
    }

    fn group(&self, table: &str, bytes: usize) {
        let mut shared = table.as_bytes().to_vec();
        shared.push(0);
        // While it is locked nothing is committed.
        let _committer = self.shared.committer.lock();
        let len = shared.len() + bytes;
        self.shared.rows.group(shared.into(), len);
    }

    fn feed(&self) -> &Arc<Feed> {
        &self.shared.feed
    }

    fn verify(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        let shared = self.shared.clone();
        Box::pin(async move {
            let verified = tokio::task::spawn_blocking(move || shared.tree.verify(u64::MAX)).await;
            verified.map_err(|failed| StoreError::Io(failed.to_string()))?
        })
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        let shared = self.shared.clone();
        Box::pin(async move {
            let closed = tokio::task::spawn_blocking(move || shared.close()).await;
            closed.map_err(|failed| StoreError::Io(failed.to_string()))
        })
    }
}

struct DiskView {
    shared: Arc<Shared>,
    hold: Hold,
    /// What the last scan left.
    walk: Mutex<Option<Walk>>,
}

impl View for DiskView {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>> {
        let version = self.hold.version();
        ready(match self.shared.rows.get(key, version) {
            Found::Row(value) => Ok(Some(value)),
            Found::Absent => Ok(None),
            Found::Unknown => self.shared.get_from_tree(key, version),
        })
    }

    fn scan<'a>(&'a self, range: &'a KeyRange, limit: usize) -> BoxFuture<'a, Result<Vec<Pair>, StoreError>> {
        self.shared.scans.fetch_add(1, Ordering::Relaxed);
        ready(self.shared.scan(range, limit, self.hold.version(), &self.walk))
    }

    fn commit(&self, reads: ReadSet, writes: Vec<Write>) -> BoxFuture<'_, Result<Version, StoreError>> {
        self.shared.submit(Some(self.hold.version()), reads, writes)
    }
}

/// Where the log must be replayed from: everything before is in the tree's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Checkpoint {
    position: Position,
    version: Version,
}
