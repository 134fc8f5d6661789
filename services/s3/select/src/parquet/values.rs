//! The values of a page, one after the other, by their encodings (Encodings.md).

use super::bits::Hybrid;
use super::delta::Deltas;
use super::invalid;
use super::logical::{self, Physical, Raw};
use super::schema::Leaf;
use crate::csv::{RECORD_BYTES_MAX, too_long};
use crate::error::Result;
use crate::value::Value;

const PLAIN: i64 = 0;
const PLAIN_DICTIONARY: i64 = 2;
const RLE: i64 = 3;
const DELTA_BINARY_PACKED: i64 = 5;
const DELTA_LENGTH_BYTE_ARRAY: i64 = 6;
const DELTA_BYTE_ARRAY: i64 = 7;
const RLE_DICTIONARY: i64 = 8;
const BYTE_STREAM_SPLIT: i64 = 9;

/// The values that pages point to.
#[derive(Debug)]
pub(super) struct Dictionary {
    bytes: Vec<u8>,
    /// Of each value that has a length of its own: where that is.
    places: Vec<u32>,
    count: u32,
}

impl Dictionary {
    pub(super) fn new(bytes: Vec<u8>, count: u32, encoding: i64, leaf: &Leaf) -> Result<Dictionary> {
        if encoding != PLAIN && encoding != PLAIN_DICTIONARY {
            return Err(encoded(encoding));
        }
        let short = || invalid("a dictionary is too short");
        let mut places = Vec::new();
        match leaf.physical {
            Physical::Bool => return Err(invalid("there is no dictionary of booleans")),
            Physical::Bytes => {
                let mut at = 0;
                for _ in 0..count {
                    places.push(at as u32);
                    at = sized(&bytes, at).ok_or_else(short)?.1;
                }
            }
            _ if (count as usize).saturating_mul(leaf.length) > bytes.len() => return Err(short()),
            _ => {}
        }
        Ok(Dictionary { bytes, places, count })
    }

    fn get(&self, index: u32, leaf: &Leaf) -> Result<Value> {
        if index >= self.count {
            return Err(invalid("a value is not in the dictionary"));
        }
        let at = match leaf.physical {
            Physical::Bytes => self.places.get(index as usize).copied().unwrap_or_default() as usize,
            _ => index as usize * leaf.length,
        };
        plain(&self.bytes, at, leaf).map(|(value, _)| value)
    }

    pub(super) fn held(&self) -> usize {
        self.bytes.capacity() + self.places.capacity() * size_of::<u32>()
    }
}

/// How far the values of a page were read. It keeps places and not bytes: they are given each time.
#[derive(Debug)]
pub(super) enum Values {
    Plain(usize),
    /// Booleans, by their bits.
    Bits(usize),
    Runs(Hybrid),
    Dictionary(Hybrid),
    Deltas(Deltas),
    /// The lengths, and where the next value is.
    Lengths(Deltas, usize),
    /// How much each has of the one before, and of its own; where the next one's own is; the one before.
    Suffixes(Box<(Deltas, Deltas, usize, Vec<u8>)>),
    /// The bytes of values by their places: from where on, and which value is next of how many.
    Split {
        at: usize,
        next: usize,
        count: usize,
    },
}

impl Values {
    /// Those in a page, from `at` on.
    pub(super) fn new(page: &[u8], at: usize, encoding: i64, leaf: &Leaf) -> Result<Values> {
        let is_int = matches!(leaf.physical, Physical::Int32 | Physical::Int64);
        Ok(match (encoding, leaf.physical) {
            (PLAIN, Physical::Bool) => Values::Bits(at * 8),
            (PLAIN, _) => Values::Plain(at),
            (RLE, Physical::Bool) => {
                let (_, end) = sized(page, at).ok_or_else(|| invalid("a page is too short"))?;
                Values::Runs(Hybrid::new(1, at + 4, end))
            }
            (PLAIN_DICTIONARY | RLE_DICTIONARY, _) => match page.get(at) {
                Some(width @ 0..=32) => {
                    Values::Dictionary(Hybrid::new(u32::from(*width), at + 1, page.len()))
                }
                Some(_) => return Err(invalid("an index has more bits than there are")),
                // All values are null.
                None => Values::Dictionary(Hybrid::new(0, at, page.len())),
            },
            (DELTA_BINARY_PACKED, _) if is_int => Values::Deltas(Deltas::new(page, at)?),
            (DELTA_LENGTH_BYTE_ARRAY, Physical::Bytes) => {
                let lengths = Deltas::new(page, at)?;
                let at = lengths.end(page)?;
                Values::Lengths(lengths, at)
            }
            (DELTA_BYTE_ARRAY, Physical::Bytes | Physical::Fixed) => {
                let before = Deltas::new(page, at)?;
                let own = Deltas::new(page, before.end(page)?)?;
                let at = own.end(page)?;
                Values::Suffixes(Box::new((before, own, at, Vec::new())))
            }
            (BYTE_STREAM_SPLIT, _) if leaf.length > 0 => {
                Values::Split { at, next: 0, count: page.len().saturating_sub(at) / leaf.length }
            }
            (other, _) => return Err(encoded(other)),
        })
    }

    pub(super) fn next(
        &mut self,
        page: &[u8],
        dictionary: Option<&Dictionary>,
        leaf: &Leaf,
    ) -> Result<Value> {
        let short = || invalid("a page has fewer values than it says");
        match self {
            Values::Plain(at) => {
                let (value, next) = plain(page, *at, leaf)?;
                *at = next;
                Ok(value)
            }
            Values::Bits(bit) => {
                let byte = page.get(*bit / 8).ok_or_else(short)?;
                let truth = byte >> (*bit % 8) & 1 == 1;
                *bit += 1;
                Ok(Value::Bool(truth))
            }
            Values::Runs(runs) => Ok(Value::Bool(runs.next(page)? != 0)),
            Values::Dictionary(indices) => {
                let index = indices.next(page)?;
                dictionary.ok_or_else(|| invalid("a column has no dictionary"))?.get(index, leaf)
            }
            Values::Deltas(deltas) => {
                let value = deltas.next(page)?;
                let value = if leaf.physical == Physical::Int32 { i64::from(value as i32) } else { value };
                made(Raw::Int(value), leaf)
            }
            Values::Lengths(lengths, at) => {
                let own = usize::try_from(lengths.next(page)?).map_err(|_| short())?;
                let end = at.checked_add(own).ok_or_else(short)?;
                let value = made(Raw::Bytes(page.get(*at..end).ok_or_else(short)?), leaf)?;
                *at = end;
                Ok(value)
            }
            Values::Suffixes(state) => {
                let (before, own, at, value) = &mut **state;
                let kept = usize::try_from(before.next(page)?).map_err(|_| short())?;
                let own = usize::try_from(own.next(page)?).map_err(|_| short())?;
                let end = at.checked_add(own).ok_or_else(short)?;
                let own = page.get(*at..end).ok_or_else(short)?;
                if kept > value.len() {
                    return Err(short());
                }
                if kept + own.len() > RECORD_BYTES_MAX {
                    return Err(too_long());
                }
                value.truncate(kept);
                value.extend_from_slice(own);
                *at = end;
                if leaf.physical == Physical::Fixed && value.len() != leaf.length {
                    return Err(short());
                }
                made(Raw::Bytes(value), leaf)
            }
            Values::Split { at, next, count } => {
                if next >= count {
                    return Err(short());
                }
                let bytes: Vec<u8> =
                    page[*at..].iter().skip(*next).step_by(*count).take(leaf.length).copied().collect();
                *next += 1;
                plain(&bytes, 0, leaf).map(|(value, _)| value)
            }
        }
    }
}

/// A value at a place, and where the next one is.
fn plain(bytes: &[u8], at: usize, leaf: &Leaf) -> Result<(Value, usize)> {
    let short = || invalid("a page has fewer values than it says");
    let (own, next) = match leaf.physical {
        Physical::Bytes => sized(bytes, at).ok_or_else(short)?,
        _ => {
            let end = at + leaf.length;
            (bytes.get(at..end).ok_or_else(short)?, end)
        }
    };
    let raw = match (leaf.physical, own) {
        (Physical::Int32, [a, b, c, d]) => Raw::Int(i64::from(i32::from_le_bytes([*a, *b, *c, *d]))),
        (Physical::Int64, own) => Raw::Int(i64::from_le_bytes(*own.first_chunk::<8>().ok_or_else(short)?)),
        _ => Raw::Bytes(own),
    };
    Ok((made(raw, leaf)?, next))
}

fn made(raw: Raw<'_>, leaf: &Leaf) -> Result<Value> {
    logical::value(raw, leaf.physical, leaf.logical, leaf.scale)
}

/// What has its length before it, in four bytes, and where that ends.
pub(super) fn sized(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let length = u32::from_le_bytes(*bytes.get(at..)?.first_chunk::<4>()?) as usize;
    let begin = at + 4;
    let end = begin.checked_add(length)?;
    Some((bytes.get(begin..end)?, end))
}

fn encoded(encoding: i64) -> crate::SelectError {
    invalid(&format!("a page is in encoding {encoding}, which is not read"))
}
