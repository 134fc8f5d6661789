//! One change of one item, as bytes in a log.

use crate::value::{Attrs, codec};

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Change {
    pub(crate) at_ms: i64,
    /// TTL did it.
    pub(crate) by_service: bool,
    pub(crate) key: Attrs,
    pub(crate) old: Option<Attrs>,
    pub(crate) new: Option<Attrs>,
}

const BY_SERVICE: u8 = 1;
const HAS_OLD: u8 = 2;
const HAS_NEW: u8 = 4;

/// A change as bytes: time, flags, and the key and images as length and item.
pub(crate) fn encode(
    at_ms: i64,
    by_service: bool,
    key: &Attrs,
    (old, new): (Option<&Attrs>, Option<&Attrs>),
) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(&at_ms.to_le_bytes());
    let flag = |set: bool, bit: u8| if set { bit } else { 0 };
    out.push(flag(by_service, BY_SERVICE) | flag(old.is_some(), HAS_OLD) | flag(new.is_some(), HAS_NEW));
    let mut item = Vec::new();
    for part in [Some(key), old, new].into_iter().flatten() {
        item.clear();
        codec::encode(part, &mut item);
        codec::bytes(&item, &mut out);
    }
    out
}

impl Change {
    /// `None` when these are not the bytes of a change.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Change> {
        let (at, rest) = bytes.split_first_chunk::<8>()?;
        let (flags, mut rest) = rest.split_first()?;
        let mut take = |has: bool| match has {
            true => Some(Some(codec::decode(codec::take_bytes(&mut rest)?)?)),
            false => Some(None),
        };
        let key = take(true)??;
        let old = take(flags & HAS_OLD != 0)?;
        let new = take(flags & HAS_NEW != 0)?;
        Some(Change { at_ms: i64::from_le_bytes(*at), by_service: flags & BY_SERVICE != 0, key, old, new })
    }

    pub(crate) fn event(&self) -> &'static str {
        match (&self.old, &self.new) {
            (None, _) => "INSERT",
            (Some(_), Some(_)) => "MODIFY",
            (Some(_), None) => "REMOVE",
        }
    }
}
