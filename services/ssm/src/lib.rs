//! Systems Manager's Parameter Store: parameters in hierarchies, their versions and labels, SecureStrings encrypted by KMS.
//!
//! Reading order: [`model`] (what is kept), [`store`] (the only transactions), [`name`] (names, paths, selectors),
//! [`parameters`] (the state, and the way from a name to a parameter), [`calls`] (what we ask of KMS), [`value`] (what
//! a value must satisfy), [`policies`] (parameter policies), [`public`] (what AWS publishes under `/aws/service`),
//! [`metering`] (what is paid for), [`filter`], [`error`], [`ops`], [`tasks`].
//!
//! What must never happen here: a SecureString in the store, a log or an error other than encrypted; a label on two
//! versions; a version lost that has a label.

mod calls;
mod error;
mod filter;
mod metering;
mod model;
mod name;
mod ops;
mod parameters;
mod policies;
mod public;
mod resources;
mod service;
mod store;
mod tasks;
mod value;

pub use parameters::Parameters;
pub use service::service;

#[cfg(test)]
mod tests;
