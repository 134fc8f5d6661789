//! The messages of OpenTelemetry's protocol (OTLP) that services write and read, as Protobuf has them.
//!
//! Reading order: [`attributes`] (values, attributes, what a signal comes from), [`metrics`] (what is sent of metrics, in the forms of the
//! protocol 1.0 and 0.7), [`logs`] (what comes as logs). Declared by hand, for there are few: field numbers are those of the project
//! `opentelemetry-proto`, releases 1.0.0 and 0.7.0; fields that nobody here reads or writes are left out, and skipped when they come.
//!
//! What must never happen here: a message that takes much more memory than its bytes had (what repeats in what comes from a client
//! stays bytes until it is asked for, and what is nested too deep is refused); knowledge of what a service makes of a message.

pub mod attributes;
pub mod logs;
pub mod metrics;

pub use bytes::Bytes;
pub use prost::{DecodeError, Message};
