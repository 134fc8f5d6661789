//! Every read and write; the only files that open a transaction.
//!
//! [`points`] (metrics and their points), [`writing`] (from the journal to the series), [`rolling`] (from one tier to the next), [`listing`] (which metrics there are),
//! [`alarms`], [`mutes`], [`contributors`], [`small`] (dashboards, detectors).

pub(crate) mod alarms;
pub(crate) mod contributors;
pub(crate) mod listing;
mod mutes;
pub(crate) mod points;
mod query_definitions;
pub(crate) mod rolling;
pub(crate) mod small;
mod streams;
pub(crate) mod writing;

pub(crate) use points::{Points, View};
