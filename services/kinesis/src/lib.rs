//! Amazon Kinesis Data Streams: streams of records in shards.
//!
//! A stream's record, its shards and its consumers are in the store and in memory; records are in the store alone, in rows
//! of many. A shard gives out places (its sequence numbers) and has one write under way at a time, so that records become
//! visible in their order; a record is acknowledged when its row is durable. What takes a moment (a split, a deletion)
//! is noted in the stream's record with the time at which it takes effect, and happens when somebody looks or the keeper
//! comes by. See README.md.
//!
//! Reading order: [`model`] (what the store holds), `row` (records in it), `hash`, `sequence`, `names`, [`store`]
//! (changing it), `plane` (streams in memory: put, read, reshard), `keys` and `calls` (records sealed with keys of KMS),
//! [`service`] (the dispatch table, permissions), `ops` (the API), `tasks` (what goes on after the answer), `metrics`, `metering` (what is paid for),
//! `resources`, [`error`].
//!
//! What must never happen here: an acknowledgement before the row is durable; a record that a reader passed over because it
//! became visible late; a place given out twice; a record in a shard after its last number; a call to another service that
//! does not go over the bus.

mod calls;
mod error;
mod gauge;
mod hash;
mod keys;
mod metering;
mod metrics;
mod model;
mod names;
mod ops;
mod plane;
mod resources;
mod row;
mod sequence;
mod service;
mod store;
mod tasks;

#[cfg(test)]
mod tests;

pub use service::{Kinesis, service};
