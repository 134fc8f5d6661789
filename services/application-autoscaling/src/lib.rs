//! Application Auto Scaling for DynamoDB: capacity that follows use, and the clock.
//!
//! Reading order: [`target`] (what can be scaled), [`schedule`] (when scheduled actions are due), [`policy`] (what target
//! tracking makes of use), [`model`] (what is kept), [`store`] (every transaction), [`calls`] (what we ask of CloudWatch, DynamoDB, IAM and
//! STS), [`ops`] (the API), [`tasks`] (scaling), [`error`] (every error, in AWS's words).
//!
//! What must never happen here: capacity outside a target's bounds; a change of a table that the service-linked role may
//! not make; a scheduled action that a stop of the program loses.

mod autoscaling;
mod calls;
mod error;
mod model;
mod ops;
mod policy;
mod resources;
mod schedule;
mod service;
mod store;
mod target;
mod tasks;

pub use autoscaling::ApplicationAutoscaling;
pub use service::service;

#[cfg(test)]
mod tests;
