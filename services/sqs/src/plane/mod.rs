//! The message plane: the queues' engines joined to the log.
//!
//! Every change is a record ([`op`]) appended under its queue's lock, so that the log's order is the queue's. Sends,
//! deletes, moves and purges take effect when their record is durable ([`settle`]); receives and visibility changes at
//! once, their records go along with the next sync. Locks: one per queue, held for microseconds and never across an
//! await; two queues at once only for a move, in the order of their numbers.
//!
//! Reading order: [`live`] (a queue and its lock), [`op`] (records), [`log`](mod@log) (appending), [`settle`],
//! [`send`], [`receive`], [`waiters`] (long polling), [`remove`] (delete, visibility, purge), [`transfer`] (moves
//! between queues), [`checkpoint`] and [`recover`] (restart), [`clean`] (giving the disk back).
//!
//! What must never happen here: an acknowledgement of what is not durable; a lock held across an await; a wire type.

pub(crate) mod checkpoint;
pub(crate) mod clean;
pub(crate) mod live;
pub(crate) mod log;
pub(crate) mod op;
pub(crate) mod receive;
pub(crate) mod recover;
pub(crate) mod remove;
pub(crate) mod send;
pub(crate) mod settle;
pub(crate) mod transfer;
pub(crate) mod waiters;

pub(crate) use live::{LiveQueue, Plane, QueueKey, QueueNo};
pub(crate) use receive::{Delivery, Unread, Wanted};
pub(crate) use remove::Receipt;
pub(crate) use send::{Outgoing, Sent};
