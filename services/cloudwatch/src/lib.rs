//! CloudWatch: metrics, what is worked out from them, and alarms that watch them.
//!
//! Reading order: [`model`] (what is kept), [`series`] (points and how they are packed), [`store`] (the only transactions), [`statistic`]
//! (percentiles and the like), [`math`], [`search`], [`insights`] (the three languages), [`anomaly`] (what is expected of a metric), [`query`]
//! (GetMetricData's queries, for everybody), [`contributors`] (who contributes most), [`streams`] (metrics into Firehose), [`alarms`] (what a state is made from), [`mute`] (when actions are held back), [`dashboard`] (what a
//! dashboard's body may be), [`image`] (graphs as pictures), [`held`], [`metering`] (what is paid for), [`calls`] (what we ask of others), [`error`] (the only mapping to the wire), [`ops`] (one file per noun), [`tasks`] (what goes on after the
//! answer).
//!
//! What must never happen here: a point acknowledged before it is durable, or counted twice after a crash; an expression that takes the
//! memory or the stack away; an alarm that changes its state without a line in its history; a dependency on another service.

mod alarms;
mod anomaly;
mod calls;
mod contributors;
mod dashboard;
mod error;
#[doc(hidden)]
pub mod fuzzing;
mod held;
mod image;
mod insights;
mod math;
mod metering;
mod model;
mod mute;
mod ops;
mod query;
mod resources;
mod search;
mod series;
mod service;
mod statistic;
mod store;
mod streams;
mod tasks;

pub use service::{CloudWatch, service};

#[cfg(test)]
mod tests;
