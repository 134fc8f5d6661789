//! Writes the frames of a segment, each durably, one behind the other.

use std::io;

use haneul_env::fs::{BLOCK, DIRECT_BYTES_MAX, Direct, File};

pub(super) struct Appender {
    file: File,
    /// For small frames, where the file system can do it.
    direct: Option<Direct>,
    /// What the last block has so far. It is written again, the same, with what follows.
    tail: Vec<u8>,
}

impl Appender {
    /// To write behind the first `offset` bytes of `file`.
    pub(super) fn new(file: File, direct: Option<Direct>, offset: u32) -> io::Result<Appender> {
        let block = u64::from(offset) / BLOCK as u64 * BLOCK as u64;
        let mut tail = vec![0; (u64::from(offset) - block) as usize];
        file.read_exact_at(&mut tail, block)?;
        Ok(Appender { file, direct, tail })
    }

    /// `offset` is where the last one ended, and there are zeros from there on. After an error the next one goes to the same
    /// place, if nothing worse is known of the disk.
    pub(super) fn append(&mut self, bytes: &[u8], offset: u32) -> io::Result<()> {
        if !self.append_direct(bytes, offset)? {
            self.file.write_at(bytes, u64::from(offset))?;
            self.file.sync_data()?;
        }
        let end = self.tail.len() + bytes.len();
        if end >= BLOCK {
            self.tail.clear();
        }
        let more = end % BLOCK - self.tail.len();
        self.tail.extend_from_slice(&bytes[bytes.len() - more..]);
        Ok(())
    }

    /// False when nothing was done.
    fn append_direct(&mut self, bytes: &[u8], offset: u32) -> io::Result<bool> {
        let Some(direct) = self.direct.as_mut().filter(|_| bytes.len() <= DIRECT_BYTES_MAX) else {
            return Ok(false);
        };
        match direct.write_synced(&[&self.tail, bytes], u64::from(offset) - self.tail.len() as u64) {
            Ok(()) => Ok(true),
            // Larger blocks than any that is known, say.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
                self.direct = None;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}
