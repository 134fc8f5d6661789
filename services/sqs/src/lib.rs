//! Amazon SQS: standard and FIFO queues.
//!
//! A queue is two things. Its *record* (attributes, tags, policy) is in the store and changes seldom. Its *messages* are
//! in memory as a compact index, with their bodies in one append-only log that all queues share; see README.md for the
//! layout and what is durable when.
//!
//! Reading order: [`model`] (what the store holds), [`store`] (reading and changing it), `queue` (names, attributes,
//! redrive policies), `message` (bodies, attributes, digests), `engine` (one queue as a pure state machine), `plane`
//! (engines joined to the log: send, receive, delete, restart), `keys` (bodies sealed with keys of
//! KMS), `calls` (what is asked of KMS), `receipt` (handles), `ops` (the API), `tasks` (message
//! move tasks), `metrics` (what CloudWatch is told), [`error`] (every error, in AWS's words), `codec` (bytes).
//!
//! What must never happen here: an acknowledgement before the log is durable; a lock across queues on the path of a
//! message; a wire type below `ops`.

mod calls;
mod codec;
mod engine;
mod error;
mod keys;
mod message;
mod metrics;
mod model;
mod ops;
mod plane;
mod queue;
mod receipt;
mod resources;
mod store;
mod tasks;

pub use ops::{Sqs, service};
