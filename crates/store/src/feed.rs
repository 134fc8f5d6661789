use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use crate::engine::{Version, Write};
use crate::key::Key;
use crate::record::Record;
use crate::table::split;
use crate::{StoreError, Table};

/// Tells of commits, in order: counters for caches, events for subscribers.
#[derive(Default)]
pub struct Feed {
    counters: RwLock<HashMap<Box<str>, Arc<AtomicU64>>>,
    subscribers: Mutex<Vec<Weak<Inbox>>>,
}

/// The version of the last commit that touched a table, or 0 when none has in this run.
///
/// It is raised after the commit is visible and before it is acknowledged. So: read the counter, read the table, keep
/// both; as long as the counter reads the same, every acknowledged change is in what was kept.
#[derive(Clone)]
pub struct TableVersion(Arc<AtomicU64>);

impl TableVersion {
    pub fn get(&self) -> Version {
        self.0.load(Ordering::Acquire)
    }
}

/// What a subscriber hears.
#[derive(Debug, Clone)]
pub enum Event {
    Commit(Changes),
    /// The subscriber was too slow and commits were dropped: read the tables again. Later commits follow.
    Lagged,
}

/// The changes of one commit to the tables subscribed to.
#[derive(Debug, Clone)]
pub struct Changes {
    pub version: Version,
    writes: Arc<[Write]>,
}

impl Changes {
    /// The changes to one table: the key, and the new record or `None` when it was deleted.
    pub fn of<K: Key, V: Record>(
        &self,
        table: &Table<K, V>,
    ) -> impl Iterator<Item = Result<(K, Option<V>), StoreError>> {
        self.writes.iter().filter(|write| is_of(write, table.name())).map(|write| {
            let value = write.value.as_ref().map(|value| table.decode_value(value)).transpose()?;
            Ok((table.decode_key(&write.key)?, value))
        })
    }

    pub fn touches<K, V>(&self, table: &Table<K, V>) -> bool {
        self.writes.iter().any(|write| is_of(write, table.name()))
    }
}

fn is_of(write: &Write, table: &str) -> bool {
    split(&write.key).is_some_and(|(name, _)| name == table)
}

/// Events not yet read, at most [`INBOX_COMMITS_MAX`].
pub struct Subscription(Arc<Inbox>);

/// Commits that a subscriber may be behind before it lags.
pub const INBOX_COMMITS_MAX: usize = 1024;

struct Inbox {
    /// Empty for all.
    tables: Vec<&'static str>,
    queue: Mutex<Queue>,
    arrived: Notify,
}

#[derive(Default)]
struct Queue {
    commits: VecDeque<Changes>,
    lagged: bool,
}

impl Subscription {
    /// Waits for the next event. Cancel-safe.
    pub async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.try_next() {
                return event;
            }
            // An arrival between the two lines leaves a permit, so it is not missed.
            self.0.arrived.notified().await;
        }
    }

    pub fn try_next(&mut self) -> Option<Event> {
        let mut queue = self.0.queue.lock();
        if std::mem::take(&mut queue.lagged) {
            return Some(Event::Lagged);
        }
        queue.commits.pop_front().map(Event::Commit)
    }
}

impl Feed {
    pub fn subscribe(&self, tables: &[&'static str]) -> Subscription {
        let inbox =
            Arc::new(Inbox { tables: tables.to_vec(), queue: Mutex::default(), arrived: Notify::new() });
        self.subscribers.lock().push(Arc::downgrade(&inbox));
        Subscription(inbox)
    }

    pub fn table_version(&self, table: &str) -> TableVersion {
        if let Some(counter) = self.counters.read().get(table) {
            return TableVersion(counter.clone());
        }
        TableVersion(self.counters.write().entry(table.into()).or_default().clone())
    }

    /// For engines: called in the order of versions, after the commit is visible and before it is acknowledged.
    pub fn publish(&self, version: Version, writes: &Arc<[Write]>) {
        self.raise_counters(version, writes);
        let mut subscribers = self.subscribers.lock();
        subscribers.retain(|inbox| {
            let Some(inbox) = inbox.upgrade() else { return false };
            inbox.offer(version, writes);
            true
        });
    }

    fn raise_counters(&self, version: Version, writes: &[Write]) {
        let counters = self.counters.read();
        let mut last = "";
        for write in writes {
            let Some((table, _)) = split(&write.key) else { continue };
            // Writes come sorted, so those of a table follow one another. Nobody has asked for a counter that is
            // not there, so nobody can have kept its value.
            if table != last
                && let Some(counter) = counters.get(table)
            {
                counter.store(version, Ordering::Release);
            }
            last = table;
        }
    }
}

impl Inbox {
    fn offer(&self, version: Version, writes: &Arc<[Write]>) {
        let wanted = |write: &Write| split(&write.key).is_some_and(|(table, _)| self.tables.contains(&table));
        if !self.tables.is_empty() && !writes.iter().any(wanted) {
            return;
        }
        let mut queue = self.queue.lock();
        if queue.commits.len() >= INBOX_COMMITS_MAX {
            queue.commits.clear();
            queue.lagged = true;
        }
        queue.commits.push_back(Changes { version, writes: writes.clone() });
        drop(queue);
        self.arrived.notify_one();
    }
}
