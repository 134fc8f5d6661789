//! What goes on after the answer: what is gone is swept away ([`sweep`]), metrics are made of events ([`measure`]), and events
//! go to subscribers ([`deliver`]) and to buckets ([`export`]), anomalies are found ([`detect`]), and scheduled queries run
//! ([`schedule`]).

mod deliver;
mod detect;
mod export;
mod measure;
mod schedule;
mod sweep;

/// How long what may yet succeed is tried. Source: User Guide, "Subscriptions": up to 24 hours.
const TRIED_MS: i64 = 24 * 3_600_000;

/// How long to wait after so many attempts.
fn wait_ms(attempts: u32) -> i64 {
    const MIN: i64 = 1000;
    const MAX: i64 = 5 * 60_000;
    (MIN << attempts.min(20)).min(MAX)
}

pub(crate) use deliver::Delivering;
pub(crate) use detect::Detecting;
pub(crate) use export::Exporting;
pub(crate) use measure::Measuring;
pub(crate) use schedule::Scheduling;
pub(crate) use sweep::Sweeping;
