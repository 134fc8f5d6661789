//! The Resource Groups Tagging API: tags of all services in one place.
//!
//! Reading order: [`tagging`] (the state), [`change`] (the tagging operation of each service, by ARN), [`compliance`] (tag
//! policies), [`error`], [`ops`].
//!
//! What must never happen here: a tag that is set with more rights than the caller's; a copy of a tag.

mod change;
mod compliance;
mod error;
mod ops;
mod service;
mod tagging;

pub use service::service;
pub use tagging::Tagging;

#[cfg(test)]
mod tests;
