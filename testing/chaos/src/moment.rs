//! When a call was sent and when it was answered, against when the end came.
//!
//! Under kill -9 a moment is a number that counts up: everything that was answered before the end counts. With power
//! cuts a moment is the length of the disk's log: whatever a call did lies between the two lengths, so that one run
//! can be cut anywhere afterwards, and it is known of each call whether it had been answered by then.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Clone)]
pub enum Moments {
    Counted(Arc<AtomicU64>),
    /// The shim's log.
    Log(Arc<File>),
}

impl Moments {
    pub fn counted() -> Moments {
        Moments::Counted(Arc::new(AtomicU64::new(1)))
    }

    pub fn now(&self) -> u64 {
        match self {
            Moments::Counted(count) => count.fetch_add(1, Ordering::SeqCst),
            Moments::Log(file) => file.metadata().expect("it is open").len(),
        }
    }
}

/// A call that was sent, and perhaps answered.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    pub sent: u64,
    pub answered: Option<u64>,
}

/// What is known of a call at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It had not been sent.
    Never,
    /// It had been sent, and not answered.
    Perhaps,
    /// It had been answered: its effect must be there.
    Done,
}

impl Stamp {
    /// Before every end.
    pub const DONE: Stamp = Stamp { sent: 0, answered: Some(0) };

    /// Sent before every end, and never answered.
    pub const PERHAPS: Stamp = Stamp { sent: 0, answered: None };

    pub fn sent(at: u64) -> Stamp {
        Stamp { sent: at, answered: None }
    }

    /// At an end; `u64::MAX` under kill -9.
    pub fn fate(&self, end: u64) -> Fate {
        match self.answered {
            Some(answered) if answered <= end => Fate::Done,
            _ if self.sent >= end && self.sent > 0 => Fate::Never,
            _ => Fate::Perhaps,
        }
    }
}
