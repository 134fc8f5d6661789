//! What goes on after the answer.
//!
//! Reading order: [`ingest`] (from the journal into the tables), [`deliver`] (log files and log groups), [`digest`] (the
//! chain), [`query`] (queries of event data stores), [`results`] (what they come to, to S3), [`insights`] (unusual rates), [`sweep`] (what is too old).

pub(crate) mod deliver;
pub(crate) mod digest;
pub(crate) mod ingest;
pub(crate) mod insights;
pub(crate) mod query;
mod results;
pub(crate) mod sweep;
