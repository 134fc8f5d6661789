//! Queries of event data stores: one SELECT of Trino's SQL over the events, read chunk by chunk.
//!
//! Source: CloudTrail User Guide, "CloudTrail Lake SQL constraints". The syntax is read by the crate sqlparser; what we do not
//! evaluate is refused when a query is started, not when it runs. Reading order: [`value`], [`expr`] (what is evaluated),
//! [`functions`], [`dates`], [`parse`] (from syntax to expressions), [`run`] (filter, group, sort, limit).
//!
//! What must never happen here: a query that takes memory without bound; a clause that is ignored.

mod dates;
pub(crate) mod expr;
mod functions;
mod parse;
pub(crate) mod run;
#[cfg(test)]
mod tests;
pub(crate) mod value;

pub(crate) use parse::{Plan, parse};
pub(crate) use run::Run;
