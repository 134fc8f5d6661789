//! IAM: users, groups, roles, policies and access keys, and the [`Directory`](haneul_kit::Directory) from which the
//! front door and STS learn who exists and what they may do.
//!
//! IAM is global: its data is keyed by account only, whatever Region a request came by. Everything it enforces is
//! decided elsewhere (the front door asks `haneul-policy`); here is what the decision is made from.
//!
//! Reading order: [`model`] (what is stored), [`quotas`], [`store`] (every read and write), [`iam`] (the service's
//! state, and how an operation names what it touches), [`directory`] (compiled policies, from memory), [`last_used`], [`last_accessed`],
//! [`document`] (policy texts), [`managed`] (AWS's own policies), [`page`], [`render`] (records as the wire has them),
//! [`secret`] (how secrets lie in the store), [`totp`] (one-time passwords), [`saml_metadata`], [`certificate`], [`ssh_key`], [`password`], [`service_credential`], [`service_linked`], [`tasks`] (deletions),
//! [`simulation`] (what if), [`catalog`] (what the operator gives of AWS's private part), [`delegation`] (what partners ask accounts for),
//! [`error`] (texts and codes), [`ops`] (one file for each noun).
//!
//! What must never happen here: a principal keeps a permission after the call that took it away was acknowledged; a
//! policy, membership or attachment outlives what it hangs on; an account sees another's data.

mod catalog;
mod certificate;
mod delegation;
mod directory;
mod document;
mod error;
mod iam;
mod last_accessed;
mod last_used;
mod managed;
mod model;
mod ops;
mod page;
mod password;
mod quotas;
mod render;
mod resources;
mod saml_metadata;
mod secret;
mod service;
mod service_credential;
mod service_linked;
mod simulation;
mod ssh_key;
mod store;
mod tasks;
mod totp;

pub use iam::Iam;
pub use service::service;

#[cfg(test)]
mod tests;
