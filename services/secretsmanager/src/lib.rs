//! Secrets Manager: secrets in versions, each encrypted under a data key of KMS, so that whoever reads a secret must be let
//! in by the secret's policy and the key's.
//!
//! Reading order: [`model`] (what is kept), [`store`] (the only transactions), [`secrets`] (the state, and the way from a
//! name or ARN to a secret), [`calls`] (all that we ask of KMS and Lambda), [`versions`] (how staging labels move),
//! [`schedule`] (rotation windows), [`replicas`] (copies in other Regions), [`metrics`], [`filter`], [`error`], [`ops`], [`tasks`].
//!
//! What must never happen here: a secret's value in the store other than encrypted, in a log or in an error; a version
//! lost that has a staging label; AWSCURRENT on none or on two versions of a secret that has a value.

mod calls;
mod error;
mod filter;
mod held;
mod metrics;
mod model;
mod ops;
mod replicas;
mod resources;
mod schedule;
mod secrets;
mod service;
mod store;
mod tasks;
mod versions;

pub use secrets::Secrets;
pub use service::service;

#[cfg(test)]
mod tests;
