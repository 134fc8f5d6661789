//! Anomaly detectors: what is usual in a log group is learned as patterns, and what is not is told.
//!
//! Reading order: [`tokens`] (messages in pieces), [`learned`] (patterns, and how often they come), [`judge`] (what one
//! evaluation finds), [`found`] (what is kept of it). [`crate::tasks`] evaluates by the clock.
//!
//! Source: CloudWatch Logs User Guide, "Log anomaly detection". AWS does not tell its model; ours is stated in [`learned`]
//! and [`judge`].

pub(crate) mod found;
pub(crate) mod judge;
pub(crate) mod learned;
pub(crate) mod tokens;

pub(crate) use found::Anomaly;
pub(crate) use learned::Model;
