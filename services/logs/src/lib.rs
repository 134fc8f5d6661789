//! CloudWatch Logs: events are kept in compressed chunks, durable before they are acknowledged, and read back in the order of
//! time; filter patterns and Logs Insights queries run over them.
//!
//! Reading order: [`names`] (how groups are named), [`data_source`] (what they are of), [`model`] (what is kept), [`events`] (chunks, and reading by time), [`keys`]
//! (data keys of KMS),
//! [`store`] (the only transactions), [`pattern`] (filter patterns), [`filters`] (what becomes of events beside being kept),
//! [`protect`] (sensitive data), [`transform`] (structured events), [`account`] (policies of accounts), [`settings`] (what of them every batch is held against), [`insights`] (the query language), [`index`] (which chunks a query
//! can pass over), [`queries`] (queries at work), [`schedule`] (when they run by themselves), [`anomaly`] (what is unusual), [`held`], [`metering`] (what is paid for), [`calls`] (all that we
//! ask of others), [`error`] (the only mapping to the wire), [`ops`] (one file per noun), [`ingestion`] (events by plain HTTP), [`tasks`] (what goes on after the
//! answer).
//!
//! What must never happen here: an event acknowledged before it is durable; an event shown past its retention, or of a
//! stream that was deleted; a pattern or query that takes the memory or the stack away; a dependency on another service.

mod account;
mod anomaly;
mod calls;
mod data_source;
mod error;
mod events;
mod filters;
mod held;
mod index;
mod ingestion;
mod insights;
mod keys;
mod metering;
mod model;
mod names;
mod ops;
mod pattern;
mod protect;
mod queries;
mod resources;
mod schedule;
mod service;
mod settings;
mod store;
mod tasks;
mod transform;

pub use service::{Logs, service};

#[cfg(test)]
mod tests;
