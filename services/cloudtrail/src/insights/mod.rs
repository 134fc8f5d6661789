//! Insights: calls and errors whose rate is far from what it was in the seven days before.
//!
//! Calls are counted by minute, each in its series: event source and event name (and error code, for errors). Management
//! events of an account and Region are counted once, whoever looks at them; data events for each trail that does.
//!
//! Reading order: [`settings`] (what a trail or event data store looks for), [`count`] (from records to rows of counts),
//! [`baseline`] (what is usual), [`decide`] (when something unusual begins and ends), [`event`] (what is told of it).
//! [`crate::tasks::insights`] does it by the clock.
//!
//! Source: CloudTrail User Guide, "Working with CloudTrail Insights". AWS does not tell its statistic; ours is in
//! [`baseline`].

pub(crate) mod baseline;
pub(crate) mod count;
pub(crate) mod decide;
pub(crate) mod event;
pub(crate) mod settings;

/// Minutes since the epoch.
pub(crate) type Minute = u64;

pub(crate) const MINUTE_MS: i64 = 60_000;
/// How long counts are kept.
pub(crate) const KEPT_DAYS: i64 = 90;

pub(crate) fn minute_of(at_ms: i64) -> Minute {
    u64::try_from(at_ms.div_euclid(MINUTE_MS)).unwrap_or(0)
}

pub(crate) fn millis_of(minute: Minute) -> i64 {
    i64::try_from(minute).unwrap_or(0).saturating_mul(MINUTE_MS)
}
