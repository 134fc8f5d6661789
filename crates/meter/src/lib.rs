//! The meter: what each call used, counted in memory and written down by the hour.
//!
//! [`Counters`] takes note of a call in well under a microsecond: counts are spread over shards, each behind a lock of its
//! own. A task takes them ([`Counters::take`]) and adds them to the [`rows`] of the store; what was taken and not
//! written is lost by a crash, at most a flush's interval. Counts that a crash must not lose can be recounted from the trail.
//!
//! Reading order: [`usage`] (what is counted, and how it is called), [`counters`], [`rows`] (what is written by the hour), [`compact`]
//! (older rows become those of days and months), [`read`].
//!
//! What must never happen here: a price; a count that is added twice, or lost by making rows fewer; memory without bound for what a
//! client names.

pub mod compact;
pub mod counters;
pub mod read;
pub mod rows;
pub mod usage;

pub use compact::compact;
pub use counters::{Counters, Taken};
pub use read::{Filter, Span, Usage};
pub use rows::{Row, RowKey};
pub use usage::{At, Call, Held, Place, UsageType, Used};
