//! KMS: keys that never leave, and what is done with them. Cryptography is real, key material is sealed at rest, and
//! whoever uses a key must be let in by its policy or a grant.
//!
//! Reading order: [`spec`] (which keys there are), [`model`] (what is kept), [`crypto`] (what keys do), [`store`] (the
//! only transactions), [`live`] (keys ready for use), [`reference`] (how a key is named), [`kms`] (the state, and the
//! way from a name to a key), [`managed`] (AWS managed keys), [`grant`], [`access`] (who may), [`policy`] (key
//! policies), [`render`] (key metadata), [`last_used`], [`metrics`], [`ops`], [`tasks`] (what the clock does).
//!
//! What must never happen here: key material or a plaintext in the store unsealed, in a log or in an error; a
//! ciphertext that opens with another context, another key or a changed byte; a key used by somebody whom neither its
//! policy nor a grant lets in; key material lost that a ciphertext was made with, before the key's deletion.

mod access;
mod crypto;
mod error;
mod grant;
mod held;
mod kms;
mod last_used;
mod live;
mod managed;
mod metrics;
mod model;
mod ops;
mod policy;
mod reference;
mod render;
mod resources;
mod service;
mod spec;
mod store;
mod tasks;

pub use kms::Kms;
pub use service::service;

#[cfg(test)]
mod tests;
