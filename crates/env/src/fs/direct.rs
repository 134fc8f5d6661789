//! Writes past the system's cache of pages.
//!
//! A small write that is to be durable at once goes through the cache for nothing: it is copied there, its page is found
//! again to be written, and then waited for. Measured, a fifth of what a synced write of a few hundred bytes takes, of CPU and
//! of wall.

use std::io;
use std::sync::Arc;

use super::FileIo;

/// Where a write begins and ends: no disk wants more.
pub const BLOCK: usize = 4096;

/// More at a time than this is not worth the copy.
pub const DIRECT_BYTES_MAX: usize = 256 * 1024;

/// A file that is written by whole blocks, durably.
pub struct Direct {
    file: Arc<dyn FileIo>,
    /// The disk reads from where a block of memory begins, which is somewhere in the first of these.
    memory: Vec<u8>,
}

impl Direct {
    pub(super) fn new(file: Arc<dyn FileIo>) -> Direct {
        Direct { file, memory: Vec::new() }
    }

    /// Writes `parts` in a row, and zeros up to the end of their last block, inside the file. They are durable when this
    /// returns. `offset` is a multiple of [`BLOCK`]. `InvalidInput` where the file system wants something else.
    pub fn write_synced(&mut self, parts: &[&[u8]], offset: u64) -> io::Result<()> {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        let blocks = len.next_multiple_of(BLOCK);
        if self.memory.len() < BLOCK + blocks {
            self.memory.resize(BLOCK + blocks, 0);
        }
        // Resizing moves it.
        let start = self.memory.as_ptr().align_offset(BLOCK);
        let bytes = &mut self.memory[start..start + blocks];
        let mut at = 0;
        for part in parts {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        bytes[at..].fill(0);
        self.file.write_at(bytes, offset)?;
        self.file.sync_data()
    }
}
