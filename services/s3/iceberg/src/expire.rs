//! Old snapshots are forgotten, and with them what only they need.

use crate::change::{Change, Commit, Objects};
use crate::error::{Result, unsupported};
use crate::metadata::TableMetadata;

/// Which snapshots are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// Milliseconds since the epoch: those before it go.
    pub before_ms: i64,
    /// So many of a branch, its newest, are kept whatever their age; the newest one always is.
    pub keep_at_least: usize,
}

impl TableMetadata {
    /// Forgets snapshots; none if there are none to forget. Needs the lists of manifests of all snapshots, and the manifests
    /// of those that are forgotten, and of the others, too, if data files may have become unreferenced.
    pub fn expire(&self, commit: &Commit<'_>, expiry: Expiry, objects: &Objects) -> Result<Option<Change>> {
        Err(unsupported(format!("{commit:?} {expiry:?} {}", objects.len())))
    }
}
