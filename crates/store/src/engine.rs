//! What an engine must do: an ordered map of byte strings with snapshots and validated commits.
//!
//! There is one key space; a table is a prefix of it, so an engine knows nothing of tables. Everything is async and
//! boxed, so that an engine may live across a network: one over PostgreSQL opens its transaction in `snapshot`, reads
//! in it and commits it, and leaves the validation of the read set to the database.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use crate::StoreError;
use crate::feed::Feed;
use crate::range::following;

/// Rises with every commit. Comparable only within one run of one store.
pub type Version = u64;

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A store of ordered byte strings. All commits are durable, as far as the engine knows durability, before they are
/// acknowledged or visible to any reader.
pub trait Engine: Send + Sync + 'static {
    /// The state as of now, to read from and perhaps to commit on.
    fn snapshot(&self) -> BoxFuture<'_, Result<Arc<dyn View>, StoreError>>;

    /// The newest committed value of one key.
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>>;

    /// Commits writes that depend on nothing that was read.
    fn write(&self, writes: Vec<Write>) -> BoxFuture<'_, Result<Version, StoreError>>;

    /// Rows of `table` that share the first `bytes` bytes of their key, without the table's name, are usually read together and
    /// are not many: an engine may do better with that.
    fn group(&self, _table: &str, _bytes: usize) {}

    /// Where the engine announces its commits, in order.
    fn feed(&self) -> &Arc<Feed>;

    /// Reads everything there is and checks it as far as the engine can.
    fn verify(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Makes what is pending durable and lets go of the files. Later calls fail.
    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// The state at one version. Holding one keeps old values alive: not for long.
pub trait View: Send + Sync {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>>;

    /// Up to `limit` pairs of the range, in its order.
    fn scan<'a>(&'a self, range: &'a KeyRange, limit: usize) -> BoxFuture<'a, Result<Vec<Pair>, StoreError>>;

    /// Commits `writes` if nothing in `reads` has changed since this view, else [`StoreError::Conflict`].
    fn commit(&self, reads: ReadSet, writes: Vec<Write>) -> BoxFuture<'_, Result<Version, StoreError>>;
}

pub type Pair = (Bytes, Bytes);

/// One change: a new value, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    pub key: Bytes,
    pub value: Option<Bytes>,
}

/// `start` is inclusive, `end` exclusive; `reverse` reads from the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRange {
    pub start: Bytes,
    pub end: Bytes,
    pub reverse: bool,
}

/// What a transaction has read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadSet {
    pub keys: Vec<Bytes>,
    /// From inclusive to exclusive.
    pub ranges: Vec<(Bytes, Bytes)>,
}

impl KeyRange {
    pub fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    /// Leaves what comes after `key`, in the range's order.
    pub(crate) fn pass(&mut self, key: &[u8]) {
        if self.reverse {
            self.end = Bytes::copy_from_slice(key);
        } else {
            self.start = following(key.to_vec()).into();
        }
    }
}
