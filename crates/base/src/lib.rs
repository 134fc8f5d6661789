//! The nouns every other crate speaks: account ids, Regions, ARNs, instants, tags. No IO, no clock, no randomness.
//!
//! Reading order: [`account`], [`region`], [`arn`], [`instant`], [`tags`], [`units`].
//!
//! What must never happen here: a dependency on another crate of ours, or a type that knows of HTTP or storage.

pub mod account;
pub mod arn;
pub mod instant;
pub mod region;
pub mod tags;
pub mod units;

pub use account::AccountId;
pub use arn::Arn;
pub use instant::Instant;
pub use region::{Partition, Region};
pub use tags::Tags;
