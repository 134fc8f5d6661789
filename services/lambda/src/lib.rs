//! Lambda: functions whose code is run by an executor, called and waited for, through queues, by sources that are polled, and
//! by HTTP.
//!
//! Reading order: [`names`] (how functions and layers are named), [`model`] (what is kept), [`store`] (the only
//! transactions), [`lambda`] (the state), [`cache`], [`code`] (packages), [`environment`] (variables under KMS), [`roles`]
//! (sessions of execution roles), [`policy`] (resource policies), [`settings`] (what may be configured), `exec` (who runs
//! code, a crate of its own), [`invoke`] (from a call to a run), [`durable`] (executions that sleep and go on), [`capacity`] (environments that are kept and shared), [`ops`], [`mappings`] (sources that are polled), [`url`] (functions by HTTP),
//! [`tasks`] (what goes on after the answers), [`logs`] (what functions say), [`metrics`], [`held`] (what is paid by the hour), [`error`].
//!
//! What must never happen here: an event or a batch forgotten that was accepted; a step run again that was checkpointed; code of a package written outside of its
//! folder; a variable in the store other than encrypted, or in a log; a function run with rights that its role has not.

mod absent;
mod cache;
mod capacity;
mod code;
mod durable;
mod environment;
mod error;
mod held;
mod images;
mod invoke;
mod lambda;
mod logs;
mod mappings;
mod metrics;
mod model;
mod names;
mod ops;
mod policy;
mod resources;
mod roles;
mod service;
mod settings;
mod store;
mod tasks;
mod url;

use haneul_lambda_exec as exec;

pub use lambda::Lambda;
pub use service::service;

#[cfg(test)]
mod tests;
