//! The operations, one file per noun.
//!
//! Reading order: [`access`] (what each asks permission for), then by noun.

pub(crate) mod access;
pub(crate) mod account_policies;
mod anomalies;
mod anomaly_detectors;
mod data_protection;
mod data_sources;
pub(crate) mod destinations;
mod events;
mod exports;
mod filter;
mod groups;
mod indexes;
mod keys;
mod live_tail;
pub(crate) mod lookup_tables;
mod metric_filters;
pub(crate) mod put_events;
mod queries;
mod query_definitions;
mod records;
mod resource_policies;
pub(crate) mod retention;
pub(crate) mod scheduled_queries;
mod streams;
pub(crate) mod subscription_filters;
mod tags;
pub(crate) mod transformers;
