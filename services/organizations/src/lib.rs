//! AWS Organizations: accounts in a tree, and the policies that say what they may do at most.
//!
//! What is kept here is asked on every request of the cloud: [`view`] tells the front door where an account stands, which
//! service and resource control policies bind it, and whether it was closed. Organizations is global: an organization
//! and its accounts are keyed by their ids only, whatever Region a request came by.
//!
//! Reading order: [`model`] (what is stored), [`quotas`], [`kinds`] (types of policies), [`ids`] (ids and ARNs),
//! [`store`] (every read and write), [`content`] (policy documents and how they are inherited), [`view`],
//! [`organizations`] (the service's state, and who may call what), [`calls`] (what is asked of IAM), [`page`],
//! [`render`] (records as the wire has them), [`error`] (texts and codes), [`ops`] (one file for each noun), [`tasks`]
//! (accounts are created and closed, handshakes expire).
//!
//! What must never happen here: a control policy that was attached and acknowledged and does not bind the next request;
//! an account that can be seen before it is whole; a member that reads or changes what only the management account may.

mod calls;
mod content;
mod error;
mod ids;
mod kinds;
mod model;
mod ops;
mod organizations;
mod page;
mod quotas;
mod render;
mod service;
mod store;
mod tasks;
mod view;

pub use organizations::Organizations;
pub use service::service;

#[cfg(test)]
mod tests;
