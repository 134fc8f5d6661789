//! STS: temporary credentials. Who may have them is decided by trust policies and by the caller's own; what was
//! decided is sealed into the session token itself, so nothing is stored and every node of a cloud can open it.
//!
//! Reading order: [`sts`] (the state), [`saml`] and [`oidc`] (what identity providers say, verified), [`session`] (what the
//! operations share: policies, tags, durations), [`outbound`] (tokens that tell others who a principal of ours is), [`model`]
//! and [`store`] (the keys that sign them), [`error`] (texts and codes), [`ops`] (one file for each operation).
//!
//! What must never happen here: credentials for somebody whom the role's trust policy does not let in; a session that
//! may do more than the role, or than the user who made it; a session that outlives its duration.

mod error;
mod model;
pub mod oidc;
mod ops;
mod outbound;
pub mod saml;
mod service;
mod session;
mod store;
mod sts;

pub use service::service;
pub use sts::Sts;

#[cfg(test)]
mod tests;
