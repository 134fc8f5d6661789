use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::engine::Version;

/// The versions that views still read, so that an engine knows which old values it may drop.
#[derive(Clone, Default)]
pub(crate) struct LiveVersions(Arc<Mutex<BTreeMap<Version, usize>>>);

impl LiveVersions {
    /// `current` is asked for under the lock: a concurrent [`LiveVersions::oldest`] sees the hold or an older version.
    pub(crate) fn hold(&self, current: impl FnOnce() -> Version) -> Hold {
        let mut live = self.0.lock();
        let version = current();
        *live.entry(version).or_default() += 1;
        Hold { version, live: self.clone() }
    }

    /// The oldest version that is held, or `current` when none is.
    pub(crate) fn oldest(&self, current: impl FnOnce() -> Version) -> Version {
        let live = self.0.lock();
        live.keys().next().copied().unwrap_or_else(current)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }
}

/// Keeps a version alive until dropped.
pub(crate) struct Hold {
    version: Version,
    live: LiveVersions,
}

impl Hold {
    pub(crate) fn version(&self) -> Version {
        self.version
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut live = self.live.0.lock();
        if let Some(count) = live.get_mut(&self.version) {
            *count -= 1;
            if *count == 0 {
                live.remove(&self.version);
            }
        }
    }
}
