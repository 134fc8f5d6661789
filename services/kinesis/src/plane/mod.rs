//! Streams in memory, and records on their way to the store and back.
//!
//! Reading order: [`shard`] (one shard: numbers, limits, the one write under way), [`stream`] (a stream and its shards),
//! [`put`] (records find their shard), [`read`] (pages of a shard), [`reshard`] (which shards follow which; pure).

pub(crate) mod put;
pub(crate) mod read;
pub(crate) mod reshard;
pub(crate) mod shard;
pub(crate) mod stream;

pub(crate) use shard::Shard;
pub(crate) use stream::{State, Stream};
