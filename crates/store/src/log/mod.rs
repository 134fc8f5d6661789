//! A segmented append-only log, and the journal that many callers share.
//!
//! For services whose access path deserves a layout of its own (SQS first), and under the disk engine as its
//! write-ahead log. Written over [`haneul_env::Fs`], so that the disk that loses unsynced writes can test it.
//!
//! On disk, a directory holds `head` and segments `00000001.log` and so on. A segment is a header and then frames;
//! a frame is what one sync made durable: a header with its position and checksum, and records, each with a
//! checksum. **A frame is written only after the one before it is durable.** So recovery can tell a torn tail, which
//! was never acknowledged and is cut off, from damage, which is refused: after damage there is a later frame.
//! When a log is closed or falls idle it writes an empty frame, so that this holds for its last records as well.
//! `head` names the first and the last segment, so that a missing file is noticed.
//!
//! Reading order: [`frame`], [`segment`], [`appender`], [`segments`], [`attention`], [`journal`], [`stream`], [`checkpoint`].

mod appender;
mod attention;
pub mod checkpoint;
mod frame;
pub mod journal;
mod segment;
pub mod segments;
pub mod stream;

pub(crate) use attention::Attention;
pub use checkpoint::{CheckpointReader, CheckpointWriter};
pub use frame::FrameBuilder;
pub(crate) use frame::RECORD_BODY_MAX;
pub use journal::{Journal, Keep};
pub use segments::{Log, LogOptions};
pub use stream::{StreamReader, StreamWriter};

use std::fmt;

/// Where a record is: positions of later records are greater. Fits eight bytes, to be kept in an index.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Position(u64);

impl Position {
    /// Before every record.
    pub const START: Position = Position(0);

    pub(crate) fn new(segment: u32, offset: u32) -> Position {
        Position(u64::from(segment) << 32 | u64::from(offset))
    }

    /// The segment, from 1: what [`Journal::drop_before`] takes.
    pub fn segment(self) -> u32 {
        (self.0 >> 32) as u32
    }

    pub(crate) fn offset(self) -> u32 {
        self.0 as u32
    }

    /// For storing it.
    pub fn to_u64(self) -> u64 {
        self.0
    }

    pub fn from_u64(stored: u64) -> Position {
        Position(stored)
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.segment(), self.offset())
    }
}
