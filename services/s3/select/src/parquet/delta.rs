//! Integers as differences (Encodings.md, "Delta Encoding").

use super::bits::packed;
use super::invalid;
use super::thrift::Bytes;
use crate::error::Result;

/// Largest block, in values; writers use 128 and 256.
const BLOCK_MAX: u64 = 64 * 1024;

/// DELTA_BINARY_PACKED, a value at a time. It keeps places and not bytes: they are given each time.
#[derive(Clone, Debug)]
pub(super) struct Deltas {
    /// Where the next block begins.
    at: usize,
    miniblocks: usize,
    /// Values of a miniblock.
    each: u64,
    left: u64,
    value: i64,
    is_first: bool,
    /// Of the block that is under way.
    least: i64,
    widths: usize,
    miniblock: usize,
    /// Of the miniblock that is under way: where it begins, and how many of its values were read.
    begin: usize,
    taken: u64,
}

impl Deltas {
    pub(super) fn new(bytes: &[u8], at: usize) -> Result<Deltas> {
        let mut head = Bytes::from(bytes, at);
        let (block, miniblocks, left) = (head.varint()?, head.varint()?, head.varint()?);
        let value = head.zigzag()?;
        let fits = (1..=BLOCK_MAX).contains(&block) && (1..=block).contains(&miniblocks);
        if !fits || block % miniblocks != 0 || (block / miniblocks) % 8 != 0 {
            return Err(invalid("blocks of deltas are of no size that there is"));
        }
        Ok(Deltas {
            at: head.at,
            miniblocks: miniblocks as usize,
            each: block / miniblocks,
            left,
            value,
            is_first: true,
            least: 0,
            widths: 0,
            miniblock: miniblocks as usize,
            begin: 0,
            taken: 0,
        })
    }

    pub(super) fn next(&mut self, bytes: &[u8]) -> Result<i64> {
        self.left = self.left.checked_sub(1).ok_or_else(|| invalid("there are too few deltas"))?;
        if std::mem::take(&mut self.is_first) {
            return Ok(self.value);
        }
        if self.miniblock < self.miniblocks && self.taken == self.each {
            self.begin += (self.each as usize * self.width(bytes)? as usize) / 8;
            self.miniblock += 1;
            self.taken = 0;
            self.at = self.begin;
        }
        if self.miniblock >= self.miniblocks {
            self.block(bytes)?;
        }
        let width = self.width(bytes)?;
        let bit = self.begin * 8 + self.taken as usize * width as usize;
        if bit + width as usize > bytes.len() * 8 {
            return Err(invalid("deltas are cut off"));
        }
        let delta = packed(bytes, bit, width);
        self.taken += 1;
        self.value = self.value.wrapping_add(self.least).wrapping_add(delta as i64);
        Ok(self.value)
    }

    fn block(&mut self, bytes: &[u8]) -> Result<()> {
        let mut head = Bytes::from(bytes, self.at);
        self.least = head.zigzag()?;
        (self.widths, self.miniblock, self.taken) = (head.at, 0, 0);
        self.begin = head.at + self.miniblocks;
        self.at = self.begin;
        if self.begin > bytes.len() { Err(invalid("a block of deltas is cut off")) } else { Ok(()) }
    }

    fn width(&self, bytes: &[u8]) -> Result<u32> {
        match bytes.get(self.widths + self.miniblock) {
            Some(width @ 0..=64) => Ok(u32::from(*width)),
            _ => Err(invalid("a delta has more bits than there are")),
        }
    }

    /// Where they end: what is after them in a page begins there. Goes by miniblocks, of which each has a byte at least.
    pub(super) fn end(&self, bytes: &[u8]) -> Result<usize> {
        let mut walk = self.clone();
        let mut left = walk.left.saturating_sub(1);
        while left > 0 {
            walk.block(bytes)?;
            while left > 0 && walk.miniblock < walk.miniblocks {
                walk.begin += (walk.each as usize * walk.width(bytes)? as usize) / 8;
                walk.miniblock += 1;
                left = left.saturating_sub(walk.each);
            }
            walk.at = walk.begin;
        }
        if walk.at > bytes.len() { Err(invalid("deltas are cut off")) } else { Ok(walk.at) }
    }
}
