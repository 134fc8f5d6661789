use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, RwLock};

use crate::StoreError;
use crate::engine::{BoxFuture, Engine, KeyRange, Pair, ReadSet, Version, View, Write};
use crate::feed::Feed;
use crate::local::{Hold, LiveVersions, Resolver};

/// Keeps everything in memory and forgets it at the end: for `--ephemeral` and for tests.
///
/// One ordered map whose entries keep the older values that a view may still want.
#[derive(Clone, Default)]
pub struct MemoryEngine {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    data: RwLock<Data>,
    live: LiveVersions,
    /// One commit at a time; held from validation to announcement, so that announcements are in order.
    committing: Mutex<Resolver>,
    feed: Arc<Feed>,
}

#[derive(Default)]
struct Data {
    map: BTreeMap<Bytes, Values>,
    version: Version,
    /// Keys that keep an older value or a deletion for the sake of a view, and since which version.
    stale: VecDeque<(Version, Bytes)>,
}

/// The newest value of a key, and older ones, oldest first. `None` is a deletion.
struct Values {
    newest: (Version, Option<Bytes>),
    older: Vec<(Version, Option<Bytes>)>,
}

impl MemoryEngine {
    pub fn new() -> MemoryEngine {
        MemoryEngine::default()
    }

    fn commit(
        &self,
        view: Option<Version>,
        reads: &ReadSet,
        writes: Vec<Write>,
    ) -> Result<Version, StoreError> {
        let mut resolver = self.shared.committing.lock();
        if view.is_some_and(|version| resolver.conflicts(version, reads)) {
            return Err(StoreError::Conflict);
        }
        let writes: Arc<[Write]> = writes.into();
        let version = {
            let mut data = self.shared.data.write();
            data.version += 1;
            let version = data.version;
            // No view can begin while the map is locked for writing.
            let wanted = (!self.shared.live.is_empty()).then(|| self.shared.live.oldest(|| version));
            for write in writes.iter() {
                data.apply(version, write, wanted.is_some());
            }
            data.forget(wanted.unwrap_or(version), writes.len() * 2 + 8);
            version
        };
        resolver.committed(version, &writes);
        self.shared.feed.publish(version, &writes);
        Ok(version)
    }
}

impl Data {
    fn apply(&mut self, version: Version, write: &Write, keep_older: bool) {
        let newest = (version, write.value.clone());
        if !keep_older {
            match (self.map.get_mut(&write.key), &write.value) {
                (Some(values), Some(_)) => *values = Values { newest, older: Vec::new() },
                (Some(_), None) => drop(self.map.remove(&write.key)),
                (None, Some(_)) => {
                    drop(self.map.insert(write.key.clone(), Values { newest, older: Vec::new() }))
                }
                (None, None) => {}
            }
            return;
        }
        match self.map.get_mut(&write.key) {
            Some(values) => {
                let replaced = std::mem::replace(&mut values.newest, newest);
                values.older.push(replaced);
                self.stale.push_back((version, write.key.clone()));
            }
            None if write.value.is_some() => {
                self.map.insert(write.key.clone(), Values { newest, older: Vec::new() });
            }
            None => {}
        }
    }

    /// Drops values that no view at `oldest` or later can see; at most `work` keys.
    fn forget(&mut self, oldest: Version, work: usize) {
        for _ in 0..work {
            // A view at the very version sees the newer value, so the older one may go.
            if self.stale.front().is_none_or(|(since, _)| *since > oldest) {
                return;
            }
            let Some((_, key)) = self.stale.pop_front() else { return };
            let Some(values) = self.map.get_mut(&key) else { continue };
            let visible = |version: Version| version <= oldest;
            if visible(values.newest.0) {
                values.older.clear();
                if values.newest.1.is_none() {
                    self.map.remove(&key);
                }
            } else if let Some(at) = values.older.iter().rposition(|(version, _)| visible(*version)) {
                values.older.drain(..at);
            }
        }
    }
}

impl Values {
    fn at(&self, version: Version) -> Option<&Bytes> {
        if self.newest.0 <= version {
            return self.newest.1.as_ref();
        }
        self.older.iter().rev().find(|(at, _)| *at <= version).and_then(|(_, value)| value.as_ref())
    }
}

impl Engine for MemoryEngine {
    fn snapshot(&self) -> BoxFuture<'_, Result<Arc<dyn View>, StoreError>> {
        let hold = {
            let data = self.shared.data.read();
            self.shared.live.hold(|| data.version)
        };
        let view: Arc<dyn View> = Arc::new(MemoryView { engine: self.clone(), hold });
        Box::pin(std::future::ready(Ok(view)))
    }

    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>> {
        let value = self.shared.data.read().map.get(key).and_then(|values| values.newest.1.clone());
        Box::pin(std::future::ready(Ok(value)))
    }

    fn write(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Version, StoreError>> {
        Box::pin(std::future::ready(self.commit(None, &ReadSet::default(), writes)))
    }

    fn feed(&self) -> &Arc<Feed> {
        &self.shared.feed
    }

    fn verify(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

struct MemoryView {
    engine: MemoryEngine,
    hold: Hold,
}

impl View for MemoryView {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>> {
        let data = self.engine.shared.data.read();
        let value = data.map.get(key).and_then(|values| values.at(self.hold.version()).cloned());
        Box::pin(std::future::ready(Ok(value)))
    }

    fn scan<'a>(&'a self, range: &'a KeyRange, limit: usize) -> BoxFuture<'a, Result<Vec<Pair>, StoreError>> {
        let mut pairs = Vec::new();
        if !range.is_empty() {
            let data = self.engine.shared.data.read();
            let found =
                data.map.range::<Bytes, _>((Bound::Included(&range.start), Bound::Excluded(&range.end)));
            let version = self.hold.version();
            let visible = |(key, values): (&Bytes, &Values)| Some((key.clone(), values.at(version)?.clone()));
            if range.reverse {
                pairs.extend(found.rev().filter_map(visible).take(limit));
            } else {
                pairs.extend(found.filter_map(visible).take(limit));
            }
        }
        Box::pin(std::future::ready(Ok(pairs)))
    }

    fn commit(&self, reads: ReadSet, writes: Vec<Write>) -> BoxFuture<'_, Result<Version, StoreError>> {
        Box::pin(std::future::ready(self.engine.commit(Some(self.hold.version()), &reads, writes)))
    }
}
