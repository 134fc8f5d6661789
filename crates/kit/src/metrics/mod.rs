//! What services say about their own work: the metrics that CloudWatch shows in the `AWS/…` namespaces.
//!
//! ```
//! # use haneul_kit::metrics::{Metric, Metrics, Unit};
//! # use haneul_kit::{AccountId, Instant, Region};
//! # fn sent(metrics: &Metrics, account: AccountId, region: Region, now: Instant, queue: &str) {
//! const SENT: Metric = Metric::new("AWS/SQS", "NumberOfMessagesSent", Unit::Count);
//! metrics.record(SENT, account, region, now, &[("QueueName", queue)], 1.0);
//! # }
//! ```
//!
//! A call adds a sample to a summary of its minute in memory; it takes well below a microsecond, allocates nothing when the
//! metric was seen in that minute, waits for nobody but a short lock of one of [`SHARDS`], and does nothing at all in a cloud without
//! CloudWatch. CloudWatch takes the minutes that are over ([`Metrics::take`]) and stores them. A crash loses the minutes that were not taken
//! yet, as AWS's own metrics are best effort too: what must not be lost is no metric.
//!
//! Who has samples of the same metric with every call keeps it as a [`Series`]: a sample then is a few additions.
//!
//! What is a state rather than an event (messages visible, bytes in a bucket) is asked for once a minute: see [`Source`].

mod bins;
mod series;
mod sink;
mod summary;
mod unit;

pub use series::Series;
pub use sink::{KEYS_MAX, Metrics, Owner, Reading, SHARDS, Source};
pub use summary::{Summary, VALUES_MAX, Values};
pub use unit::Unit;

/// A metric that a service publishes, without its dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// `AWS/SQS`.
    pub namespace: &'static str,
    pub name: &'static str,
    pub unit: Unit,
}

impl Metric {
    pub const fn new(namespace: &'static str, name: &'static str, unit: Unit) -> Metric {
        Metric { namespace, name, unit }
    }
}
