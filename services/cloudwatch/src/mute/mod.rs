//! Mute rules: windows of time in which alarms call no actions.
//!
//! Reading order: [`schedule`] (when a window is open), [`rules`] (which rule mutes an alarm).
//!
//! A muted alarm goes on changing its state. When its window closes, or the rule goes, and it is in another state than it was
//! when the first action was held back, the actions of that state are called then.
//!
//! Source: CloudWatch API Reference, "PutAlarmMuteRule", "DeleteAlarmMuteRule" and "Schedule".

mod rules;
pub(crate) mod schedule;

pub(crate) use rules::{Muting, status};
