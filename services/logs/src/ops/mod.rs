//! The operations, one file per noun.
//!
//! Reading order: [`access`] (what each asks permission for), then by noun.

pub(crate) mod access;
mod events;
mod filter;
mod groups;
mod live_tail;
mod put_events;
mod queries;
mod query_definitions;
mod records;
mod resource_policies;
pub(crate) mod retention;
mod streams;
mod tags;
