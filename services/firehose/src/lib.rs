//! Amazon Data Firehose: records are put or read from a Kinesis data stream, buffered, transformed, and delivered to S3 as
//! objects.
//!
//! Reading order: [`model`] (what is kept), [`settings`] (what a destination may be, in AWS's words), [`prefix`] (names of
//! objects), [`store`] (every transaction), [`firehose`] (the state), [`roles`] (who delivers), [`keys`] (what seals
//! records), [`source`] (data streams that are read), [`delivery`] (from records to objects), [`tasks`] (when), [`ops`] (the
//! API), [`limits`] (of puts), [`metrics`], [`metering`] (what is paid for), [`error`].
//!
//! A record is durable before it is acknowledged; one that is read becomes so together with how far its shard was read. What
//! an object will hold, and its name, are durable before it is written, so that a crash in between writes the same object
//! once more and never a second one.
//!
//! What must never happen here: a record forgotten that was acknowledged and is not older than a day; an object written with
//! rights that the stream's role has not; a dependency on another service (calls go over the bus).

mod delivery;
mod error;
mod firehose;
mod keys;
mod limits;
mod metering;
mod metrics;
mod model;
mod ops;
mod prefix;
mod resources;
mod roles;
mod service;
mod settings;
mod source;
mod store;
mod tasks;

pub use firehose::Firehose;
pub use service::service;

#[cfg(test)]
mod tests;
