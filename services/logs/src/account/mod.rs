//! Policies of accounts: what holds for all groups of an account in a Region, or for some of them.
//!
//! Reading order: [`kind`] (the types of policies, what they ask permission for and how many there may be), [`selection`] (which
//! groups a policy is for), [`documents`] (what the policies say).
//!
//! Source: CloudWatch Logs API Reference, PutAccountPolicy; User Guide, "Field index syntax and quotas", "Create an account-level
//! transformer policy".

pub(crate) mod documents;
pub(crate) mod kind;
pub(crate) mod selection;

pub(crate) use kind::Kind;
pub(crate) use selection::Selection;
