//! The query language of Logs Insights: [`lexer`] and [`parse`] make a [`plan`] of a text, [`record`] is what an event looks
//! like to it, [`eval`] and [`functions`] work out expressions, [`apply`] does what looks at one record, [`rows`] what looks at
//! rows and their neighbours, [`stats`] aggregates, [`frequent`] counts, [`relevant`] compares, [`patterns`] finds what texts
//! have in common, [`lookup`] and [`cidr`] join tables, [`subquery`] other queries, [`run`] sends events through the plan,
//! [`memory`] bounds what all queries together keep, [`need`] says what an index can tell of a plan.
//!
//! Source: CloudWatch Logs User Guide, "CloudWatch Logs Insights language query syntax".

mod apply;
pub(crate) mod cidr;
mod eval;
mod frequent;
mod functions;
mod lexer;
pub(crate) mod lookup;
pub(crate) mod memory;
pub(crate) mod need;
mod parse;
pub(crate) mod patterns;
mod plan;
pub(crate) mod record;
mod relevant;
mod rows;
pub(crate) mod run;
mod stats;
pub(crate) mod subquery;
pub(crate) mod value;

pub(crate) use eval::Moment;
pub(crate) use parse::compile;
pub(crate) use plan::{Plan, Source};

#[cfg(test)]
mod tests;
