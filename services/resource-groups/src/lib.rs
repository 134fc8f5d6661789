//! Resource Groups: resources that belong together, by their tags or by hand.
//!
//! Reading order: [`model`] (what is stored), [`query`] (which resources a query means), [`groups`] (the state, and how
//! operations name groups), [`resources`] (groups have tags too), [`error`], [`ops`].
//!
//! What must never happen here: a member that is not there; a copy of a tag.

mod error;
mod groups;
mod model;
mod ops;
mod query;
mod resources;
mod service;

pub use groups::Groups;
pub use service::service;

#[cfg(test)]
mod tests;
