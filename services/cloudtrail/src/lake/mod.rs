//! Queries of event data stores: Trino's SQL over events, read chunk by chunk.
//!
//! Source: CloudTrail User Guide, "CloudTrail Lake SQL constraints". The syntax is read by the crate sqlparser; what we do not
//! evaluate is refused when a query is started, not when it runs. Reading order: [`value`], [`cast`], [`expr`] (what is evaluated),
//! [`functions`], [`dates`], [`nodes`] (what a query does, as a tree), [`parse`] (from syntax to that), [`run`] (its rows), [`samples`].
//!
//! What must never happen here: a query that takes memory or time without bound; a recursion as deep as a query is long; a clause
//! that is ignored.

mod cast;
mod dates;
pub(crate) mod expr;
mod functions;
pub(crate) mod nodes;
mod parse;
pub(crate) mod run;
mod samples;
#[cfg(test)]
mod tests;
pub(crate) mod value;

pub(crate) use nodes::Plan;
pub(crate) use parse::parse;
pub(crate) use run::{Flow, Flowed, Halt, Outcome, Run, Source};
pub(crate) use samples::{SAMPLES, Sample};
