//! The operations, one file per noun.
//!
//! Reading order: [`access`] (what each asks permission for), [`put_metric_data`], then what reads, then alarms, dashboards, detectors, rules of Contributor Insights, tags.

pub(crate) mod access;
mod alarm_contributors;
mod alarm_history;
pub(crate) mod alarm_parts;
pub(crate) mod alarm_state;
mod anomaly_detectors;
mod dashboards;
mod describe_alarms;
mod get_metric_data;
mod get_metric_statistics;
pub(crate) mod insight_report;
mod insight_rules;
mod list_metrics;
mod metric_streams;
mod mute_rules;
mod put_composite_alarm;
mod put_metric_alarm;
pub(crate) mod put_metric_data;
mod query_definitions;
mod tags;
mod widget_image;
