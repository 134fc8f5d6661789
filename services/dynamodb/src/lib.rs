//! Amazon DynamoDB and DynamoDB Streams: tables of items on the store's ordered keys.
//!
//! Reading order: [`value`] (attribute values, numbers, their bytes), [`expression`] (the languages), [`model`] (what is
//! kept), [`table`] (schemas and what may be said of them), [`engine`] (where items and index entries lie, what a write
//! comes to), [`stream`] (logs of changes), [`store`] (every transaction), [`calls`] (what we ask of KMS), [`roles`] (the role that writes to Kinesis), [`partiql`] (statements), [`transfer`] (files of exports and imports),
//! [`metrics`] (what CloudWatch is told), [`ops`] (the API), [`tasks`] (what goes on
//! behind: filling indexes, emptying what was dropped, expiring items), [`error`] (every error, in AWS's words).
//!
//! What must never happen here: an acknowledgement before item, index entries and log record are durable together; a
//! write by an older schema than the table has; a wire type below `ops` (conversions are in `value::wire` and `table`);
//! recursion that a client can deepen without a limit.

mod calls;
mod engine;
mod error;
mod expression;
#[doc(hidden)]
pub mod fuzzing;
mod held;
mod metrics;
mod model;
mod ops;
mod partiql;
mod resources;
mod roles;
mod store;
mod stream;
mod table;
mod tasks;
mod transfer;
mod value;

#[cfg(test)]
mod tests;

pub use ops::{Dynamodb, services};
