//! Queues as resources: their names and addresses ([`name`]), attributes ([`attributes`]), redrive policies
//! ([`redrive`]), policies ([`policy`]) and how AddPermission edits them ([`permission`]).

pub(crate) mod attributes;
pub(crate) mod name;
pub(crate) mod permission;
pub(crate) mod policy;
pub(crate) mod redrive;

pub(crate) use attributes::Attributes;
pub(crate) use redrive::{RedriveAllowPolicy, RedrivePolicy};
