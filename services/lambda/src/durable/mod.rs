//! Durable executions: functions that say what they have done, are put to sleep, and go on where they were.
//!
//! Reading order: [`names`] (ARNs and callback ids), [`execution`] (one execution with the operations that a change is
//! about), [`update`] (what a checkpoint asks for), [`apply`] and [`checkpoint`] (what it does), [`advance`] (what happens by itself: timers,
//! callbacks, functions that were called, the end of an invocation), [`control`] (pause, resume, the end), [`state`] (which
//! operations the function is told of), [`render`] and [`history`] (how they look), [`start`], [`drive`] (invocations),
//! [`chained`] (functions that executions call), [`wait`] (callers that wait for the end).
//!
//! Execution, operations and history change in one transaction, and what has to be done next is a row of the same one: a
//! crash repeats an invocation, or the run of a plain function that was called (with the same request id), never what was
//! checkpointed. [`apply`], [`advance`] and [`control`] know nothing of the store. Source: Developer Guide, "Lambda durable
//! functions"; API Reference, CheckpointDurableExecution.

pub(crate) mod advance;
pub(crate) mod apply;
pub(crate) mod chained;
pub(crate) mod checkpoint;
pub(crate) mod control;
pub(crate) mod drive;
pub(crate) mod execution;
pub(crate) mod history;
pub(crate) mod names;
pub(crate) mod render;
pub(crate) mod start;
pub(crate) mod state;
#[cfg(test)]
mod tests;
pub(crate) mod update;
pub(crate) mod wait;

/// Source: Developer Guide, "Monitoring durable functions": operations of an execution, and bytes that it may write.
pub(crate) const OPERATIONS_MAX: u32 = 3000;
pub(crate) const BYTES_MAX: u64 = 100 * 1024 * 1024;

/// Payloads of operations, and of errors all together. Source: API Reference, OperationUpdate.
pub(crate) const PAYLOAD_MAX: usize = 1_048_576;

/// Seconds. Source: Developer Guide, "Invoking durable Lambda functions": who waits does so for 15 minutes.
pub(crate) const WAIT_MAX_S: u32 = 900;

/// Seconds of 366 days: the longest timeout, also of an execution whose timeout is paused.
pub(crate) const TIMEOUT_MAX_S: u32 = 31_622_400;

/// A request with the token of an earlier one is that one for so long. Source: API Reference, CheckpointDurableExecution.
pub(crate) const SAME_REQUEST_MS: i64 = 15 * 60 * 1000;
