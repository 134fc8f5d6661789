//! Logs of changes: what DynamoDB Streams shows of a table, and what point-in-time recovery goes back by.
//!
//! Reading order: [`record`] (one change as bytes), [`sequence`] (their numbers), [`lanes`] (logs side by side),
//! [`read`] (shards), [`event`] (a change as Kinesis streams get it).

pub(crate) mod event;
pub(crate) mod lanes;
pub(crate) mod read;
pub(crate) mod record;
pub(crate) mod sequence;
