//! ValidatePolicy: what is wrong with a policy, or could be better, and where. Source: IAM User Guide, "Access Analyzer
//! policy check reference".
//!
//! Reading order: [`issues`] (every issue: its code, type and sentence), [`walk`] (through the document), [`elements`]
//! (effect, version, Sid, what must be there), [`actions`], [`resources`], [`principals`], [`conditions`] with [`types`]
//! (values by the type of their key), [`variables`], [`roles`] (what passing roles and making service-linked ones lets
//! happen).

pub(crate) mod actions;
pub(crate) mod conditions;
pub(crate) mod elements;
pub(crate) mod issues;
pub(crate) mod principals;
pub(crate) mod resources;
pub(crate) mod roles;
pub(crate) mod types;
pub(crate) mod variables;
pub(crate) mod walk;

pub(crate) use walk::{Finding, Kind, Step, validate};
