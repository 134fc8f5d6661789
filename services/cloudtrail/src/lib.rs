//! CloudTrail: who did what. Every call of every service is told to us by the layers; we keep its record, let it be looked
//! up, deliver it to trails with a chain of signed digests, and let event data stores be queried.
//!
//! Reading order: [`record`] (from a call to its record), [`queue`] (the journal, durable before a change is answered),
//! [`sinks`] and [`selectors`] (who takes which events), [`delta`] (how the journal writes a record), [`chunk`] and [`model`] (what is kept), [`trail`] (the state),
//! [`store`], [`tasks`] (from the journal into tables, files, digests), [`keys`] (what signs digests), [`calls`] (all
//! that we ask of other services), [`lake`] (queries), [`insights`] (unusual rates), [`names`], [`error`], [`ops`].
//!
//! What must never happen here: a change that was answered and has no record; a record that is in a table twice; a
//! secret in a record; a file of an hour that its digest does not name.

mod calls;
mod chunk;
mod delta;
mod error;
mod insights;
mod keys;
mod lake;
mod metering;
mod model;
mod names;
mod ops;
mod queue;
mod record;
mod resources;
mod selectors;
mod service;
mod sinks;
mod store;
mod tasks;
mod trail;

pub use service::service;
pub use trail::CloudTrail;

#[cfg(test)]
mod tests;
