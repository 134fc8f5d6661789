//! CloudWatch Logs: events are kept in compressed chunks, durable before they are acknowledged, and read back in the order of
//! time; filter patterns and Logs Insights queries run over them.
//!
//! Reading order: [`names`] (how groups are named), [`model`] (what is kept), [`events`] (chunks, and reading by time),
//! [`store`] (the only transactions), [`pattern`] (filter patterns), [`insights`] (the query language), [`queries`] (queries
//! at work), [`error`] (the only mapping to the wire), [`ops`] (one file per noun), [`tasks`] (sweeping).
//!
//! What must never happen here: an event acknowledged before it is durable; an event shown past its retention, or of a
//! stream that was deleted; a pattern or query that takes the memory or the stack away; a dependency on another service.

mod error;
mod events;
mod insights;
mod model;
mod names;
mod ops;
mod pattern;
mod queries;
mod resources;
mod service;
mod store;
mod tasks;

pub use service::{Logs, service};

#[cfg(test)]
mod tests;
