//! IAM Access Analyzer: what policies let happen, found out before it does.
//!
//! Three things. ValidatePolicy reads one policy and says what is wrong with it and where ([`validate`]). The checks compare
//! policies as sets of requests and never say PASS wrongly ([`compare`]). Analyzers look at the policies that resources
//! really have, over the bus, and keep a finding for everybody outside the zone of trust who is let in ([`analyze`]).
//!
//! Reading order: [`document`] (JSON with places), [`reference`] (what AWS knows of services), [`validate`], [`compare`],
//! [`model`] (what is stored), [`store`], [`analyze`] (from policies to findings), [`calls`] (what is asked of other
//! services), [`unused`] (what principals do not use), [`recommend`] (policies without it), [`analyzers`] (the state, and how operations name what they touch), [`filter`] (criteria of lists and
//! archive rules), [`generated`] (policies from what was used), [`page`], [`render`], [`error`], [`ops`], [`tasks`] (scans
//! and policy generations).
//!
//! What must never happen here: a PASS for a policy that lets in what was asked about; a resource that is open and was
//! read, without a finding.

mod analyze;
mod analyzers;
mod calls;
mod compare;
mod document;
mod error;
mod filter;
mod generated;
mod model;
mod ops;
mod page;
mod recommend;
mod reference;
mod render;
mod resources;
mod service;
mod store;
mod tasks;
mod unused;
mod validate;

pub use analyzers::AccessAnalyzer;
pub use service::service;

#[cfg(test)]
mod tests;
