use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use haneul_store::TableVersion;
use parking_lot::RwLock;

/// What was made of the records of a table, dropped as a whole when any of these changes.
pub(super) struct Kept<K, V> {
    version: TableVersion,
    known: RwLock<(u64, HashMap<K, Arc<V>>)>,
}

impl<K: Eq + Hash, V> Kept<K, V> {
    pub(super) fn new(version: TableVersion) -> Kept<K, V> {
        Kept { version, known: RwLock::default() }
    }

    /// What is known, else the version to keep it under that is read now: a record that changes after this makes what is kept
    /// look old, never the other way round.
    pub(super) fn find(&self, key: &K) -> Result<Arc<V>, u64> {
        let version = self.version.get();
        let known = self.known.read();
        let found = known.1.get(key).filter(|_| known.0 == version);
        found.cloned().ok_or(version)
    }

    pub(super) fn keep(&self, version: u64, key: K, value: V) -> Arc<V> {
        let value = Arc::new(value);
        let mut known = self.known.write();
        if known.0 < version {
            *known = (version, HashMap::new());
        }
        if known.0 == version {
            known.1.insert(key, value.clone());
        }
        value
    }

    pub(super) fn forget(&self) {
        self.known.write().1.clear();
    }
}
