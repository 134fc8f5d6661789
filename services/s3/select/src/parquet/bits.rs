//! Runs and packed bits: levels, indices of dictionaries, booleans.

use super::invalid;
use super::thrift::Bytes;
use crate::error::Result;

/// A mix of runs of one value and of values of so many bits each (Encodings.md, "RLE/Bit-Packing Hybrid"). It keeps places
/// and not bytes: they are given each time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hybrid {
    width: u32,
    at: usize,
    end: usize,
    run: Run,
}

#[derive(Clone, Copy, Debug)]
enum Run {
    Same { value: u32, left: u64 },
    Packed { bit: usize, left: u64 },
}

/// The bits that a number up to `max` needs.
pub(super) fn width_of(max: u16) -> u32 {
    u16::BITS - max.leading_zeros()
}

impl Hybrid {
    /// Of values of `width` bits, 32 at most, in `bytes[at..end]`.
    pub(super) fn new(width: u32, at: usize, end: usize) -> Hybrid {
        Hybrid { width, at, end, run: Run::Same { value: 0, left: 0 } }
    }

    pub(super) fn next(&mut self, bytes: &[u8]) -> Result<u32> {
        loop {
            match &mut self.run {
                Run::Same { value, left } if *left > 0 => {
                    *left -= 1;
                    return Ok(*value);
                }
                Run::Packed { bit, left } if *left > 0 => {
                    let value = packed(bytes, *bit, self.width) as u32;
                    *left -= 1;
                    *bit += self.width as usize;
                    return Ok(value);
                }
                _ => self.begin(bytes)?,
            }
        }
    }

    fn begin(&mut self, bytes: &[u8]) -> Result<()> {
        let part = bytes.get(..self.end).ok_or_else(|| invalid("a page is too short"))?;
        let mut head = Bytes::from(part, self.at);
        let run = head.varint()?;
        let (count, here) = (run >> 1, head.at);
        if run & 1 == 0 {
            let length = self.width.div_ceil(8) as usize;
            let value = part.get(here..here + length).ok_or_else(|| invalid("a run is cut off"))?;
            let value = value.iter().rev().fold(0, |value, byte| value << 8 | u32::from(*byte));
            self.at = here + length;
            self.run = Run::Same { value, left: count };
            return Ok(());
        }
        // Some writers leave the padding of the last group away.
        let there = (part.len() - here) as u64 * 8;
        let values = count.saturating_mul(8);
        let left = if self.width == 0 { values } else { values.min(there / u64::from(self.width)) };
        let length = (count.saturating_mul(u64::from(self.width))).min(there / 8) as usize;
        self.at = here + length;
        self.run = Run::Packed { bit: here * 8, left };
        Ok(())
    }
}

/// `width` bits, 64 at most, from a bit on, the lowest first. What is after the bytes is zeros.
pub(super) fn packed(bytes: &[u8], bit: usize, width: u32) -> u64 {
    let (first, shift) = (bit / 8, bit as u32 % 8);
    let mut value = 0u128;
    for (place, byte) in bytes.iter().skip(first).take((shift + width).div_ceil(8) as usize).enumerate() {
        value |= u128::from(*byte) << (place * 8);
    }
    (value >> shift) as u64 & mask(width)
}

fn mask(width: u32) -> u64 {
    if width >= 64 { u64::MAX } else { (1 << width) - 1 }
}
