//! One queue in memory, as a state machine without input or output: it is told the time, what was appended to the log
//! and how far the log is durable, and answers who may see what.
//!
//! Every step costs amortised constant time (logarithmic for what has a deadline), whether ten messages wait or ten
//! million. What is removed out of order stays behind in the rings and heaps as an [`Entry`] that no longer matches its
//! slot, and is skipped when it comes up.
//!
//! Reading order: [`slab`] (the messages), [`queue`] (arrival, time, removal), [`receive`] (what consumers do),
//! [`ready`] (whose turn it is in a standard queue; fair queues), [`groups`] (message groups), [`timers`], [`dedup`],
//! [`replay`] (the same state from the log).
//!
//! What must never happen here: reading a clock, a file or a wire type.

pub(crate) mod dedup;
pub(crate) mod groups;
pub(crate) mod queue;
pub(crate) mod ready;
pub(crate) mod receive;
pub(crate) mod replay;
pub(crate) mod slab;
pub(crate) mod timers;

#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;

pub(crate) use dedup::{DedupKey, Original};
#[cfg(test)]
pub(crate) use queue::Counts;
pub(crate) use queue::{Arrival, EXPIRED_MAX, Queue, Settings};
pub(crate) use receive::{AttemptOver, HandleError, Ticket};
pub(crate) use slab::{Payload, State};
