//! The index of one chunk: for each field, a Bloom filter of the values that its events have.
//!
//! ```text
//! version u8 = 1 · flags u8 (1 masked, 2 keyed) · events u32 · bytes u32 · [data key u64] · number of fields u8
//!   · fields × (length of the name u8 · name · length of the filter u32 · filter)
//! ```
//! Where the group has a key of KMS the values are hashed with a secret of the data key, so that whoever reads the disk cannot
//! try values.

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use crate::insights::need::Mark;

const VERSION: u8 = 1;
const MASKED: u8 = 1;
const KEYED: u8 = 2;

/// Bits for each value and places for each value: one in a hundred of the chunks that lack a value is read all the same.
const BITS: usize = 10;
const PLACES: u64 = 7;
/// Of the filter of any value at all: in a shorter one, places of different values are too often the same.
const FILTER_BYTES_MIN: usize = 16;

/// Of a field and a value.
pub(crate) type Hash = (u64, u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) events: u32,
    /// Of the events, as queries count them.
    pub(crate) bytes: u32,
    /// Something in it is hidden: what is hidden is not indexed.
    pub(crate) is_masked: bool,
    /// The data key whose secret is in the hashes.
    pub(crate) key: Option<u64>,
}

pub(crate) fn hash(field: &str, mark: &Mark, secret: Option<&[u8; 32]>) -> Hash {
    let mut hash = Sha256::new();
    hash.update(secret.unwrap_or(&[0; 32]));
    hash.update((field.len() as u64).to_be_bytes());
    hash.update(field);
    match mark {
        Mark::Number(bits) => {
            hash.update([0]);
            hash.update(bits.to_be_bytes());
        }
        Mark::Text(text) => {
            hash.update([1]);
            hash.update(text);
        }
    }
    let digest = hash.finalize();
    let number = |from: usize| digest[from..from + 8].iter().fold(0, |all, byte| all << 8 | u64::from(*byte));
    (number(0), number(8) | 1)
}

fn places((first, step): Hash, bits: usize) -> impl Iterator<Item = usize> {
    (0..PLACES).map(move |at| (first.wrapping_add(at.wrapping_mul(step)) % bits as u64) as usize)
}

pub(crate) fn encode(head: &Head, fields: &[(&str, &HashSet<Hash>)]) -> Vec<u8> {
    let flags = if head.is_masked { MASKED } else { 0 } | if head.key.is_some() { KEYED } else { 0 };
    let mut out = vec![VERSION, flags];
    out.extend_from_slice(&head.events.to_be_bytes());
    out.extend_from_slice(&head.bytes.to_be_bytes());
    if let Some(key) = head.key {
        out.extend_from_slice(&key.to_be_bytes());
    }
    out.push(fields.len() as u8);
    for (name, hashes) in fields {
        out.push(name.len() as u8);
        out.extend_from_slice(name.as_bytes());
        let length = match hashes.len() {
            0 => 0,
            count => (count * BITS).div_ceil(8).max(FILTER_BYTES_MIN),
        };
        let mut filter = vec![0_u8; length];
        for place in hashes.iter().flat_map(|hash| places(*hash, filter.len() * 8)).collect::<Vec<_>>() {
            filter[place / 8] |= 1 << (place % 8);
        }
        out.extend_from_slice(&(filter.len() as u32).to_be_bytes());
        out.extend_from_slice(&filter);
    }
    out
}

/// One that was read.
pub(crate) struct Index<'b> {
    pub(crate) head: Head,
    fields: Vec<(&'b str, &'b [u8])>,
}

/// `None` for what is damaged, or of a newer version.
pub(crate) fn decode(bytes: &[u8]) -> Option<Index<'_>> {
    let mut rest = bytes;
    let mut take = |length: usize| {
        let (taken, after) = rest.split_at_checked(length)?;
        rest = after;
        Some(taken)
    };
    let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
    let flags = match take(2)? {
        [VERSION, flags] if *flags <= MASKED | KEYED => *flags,
        _ => return None,
    };
    let (events, length) = (number(take(4)?) as u32, number(take(4)?) as u32);
    let key = match flags & KEYED {
        0 => None,
        _ => Some(number(take(8)?)),
    };
    let count = number(take(1)?);
    let mut fields = Vec::new();
    for _ in 0..count {
        let length = number(take(1)?) as usize;
        let name = std::str::from_utf8(take(length)?).ok()?;
        let length = number(take(4)?) as usize;
        fields.push((name, take(length)?));
    }
    let head = Head { events, bytes: length, is_masked: flags & MASKED != 0, key };
    rest.is_empty().then_some(Index { head, fields })
}

impl Index<'_> {
    pub(crate) fn covers(&self, field: &str) -> bool {
        self.fields.iter().any(|(name, _)| *name == field)
    }

    /// Whether a value may be there; `None` when the field is not indexed.
    pub(crate) fn has(&self, field: &str, hash: Hash) -> Option<bool> {
        let (_, filter) = self.fields.iter().find(|(name, _)| *name == field)?;
        let bits = filter.len() * 8;
        Some(bits > 0 && places(hash, bits).all(|place| filter[place / 8] & (1 << (place % 8)) != 0))
    }
}
