use std::marker::PhantomData;

use bytes::Bytes;

use crate::engine::KeyRange;
use crate::key::{KeyOf, Prefix, escape};

/// A range of the keys of a table, in order or in reverse.
///
/// Built from the outside in: first what all keys share, then where to start and to end.
pub struct Range<K> {
    /// What every key begins with.
    shared: Vec<u8>,
    /// Inclusive.
    start: Vec<u8>,
    /// Exclusive; empty for none.
    end: Vec<u8>,
    reverse: bool,
    _key: PhantomData<fn() -> K>,
}

impl<K> Range<K> {
    /// Every key.
    pub fn all() -> Range<K> {
        Range { shared: Vec::new(), start: Vec::new(), end: Vec::new(), reverse: false, _key: PhantomData }
    }

    /// The keys whose first components are these: `Range::prefix((account, region))`.
    pub fn prefix(first: impl Prefix<K>) -> Range<K> {
        let mut shared = Vec::new();
        first.encode_prefix(&mut shared);
        Range { start: shared.clone(), end: successor(&shared), shared, ..Range::all() }
    }

    /// Of those, the ones whose next component, a string, begins with `text`.
    pub fn text(mut self, text: &str) -> Range<K> {
        escape(text.as_bytes(), &mut self.shared);
        self.raise(self.shared.clone());
        self.lower(successor(&self.shared));
        self
    }

    /// Starts at `key`.
    pub fn from(mut self, key: &(impl KeyOf<K> + ?Sized)) -> Range<K> {
        self.raise(encoded(key));
        self
    }

    /// Starts after `key`; what a next page needs.
    pub fn after(mut self, key: &(impl KeyOf<K> + ?Sized)) -> Range<K> {
        self.raise(following(encoded(key)));
        self
    }

    /// Starts where the next component, a string, is at or after `text`. Counts from what [`Range::prefix`] gave.
    pub fn from_text(mut self, text: &str) -> Range<K> {
        let mut start = self.shared.clone();
        escape(text.as_bytes(), &mut start);
        self.raise(start);
        self
    }

    /// Starts after every key whose next component, a string, begins with `text`: how a listing with a delimiter
    /// skips a common prefix. Counts from what [`Range::prefix`] gave; call it before [`Range::text`].
    pub fn past_text(mut self, text: &str) -> Range<K> {
        let mut skipped = self.shared.clone();
        escape(text.as_bytes(), &mut skipped);
        self.raise(successor(&skipped));
        self
    }

    /// Ends before `key`.
    pub fn before(mut self, key: &(impl KeyOf<K> + ?Sized)) -> Range<K> {
        self.lower(encoded(key));
        self
    }

    /// From the end to the start.
    pub fn rev(mut self) -> Range<K> {
        self.reverse = !self.reverse;
        self
    }

    fn raise(&mut self, start: Vec<u8>) {
        if start > self.start {
            self.start = start;
        }
    }

    fn lower(&mut self, end: Vec<u8>) {
        if self.end.is_empty() || end < self.end {
            self.end = end;
        }
    }

    /// The range in the store's key space, where every key of a table begins with `table` and 0x00.
    pub(crate) fn in_table(&self, table: &str) -> KeyRange {
        let with = |key: &[u8]| {
            let mut full = Vec::with_capacity(table.len() + 1 + key.len());
            full.extend_from_slice(table.as_bytes());
            full.push(0);
            full.extend_from_slice(key);
            full
        };
        let end = if self.end.is_empty() { successor(&with(&[])) } else { with(&self.end) };
        KeyRange { start: Bytes::from(with(&self.start)), end: Bytes::from(end), reverse: self.reverse }
    }
}

fn encoded<K>(key: &(impl KeyOf<K> + ?Sized)) -> Vec<u8> {
    let mut out = Vec::new();
    key.encode(&mut out);
    out
}

/// The first byte string after all that begin with `prefix`; empty when there is none.
pub(crate) fn successor(prefix: &[u8]) -> Vec<u8> {
    let mut next = prefix.to_vec();
    while let Some(last) = next.pop() {
        if last < u8::MAX {
            next.push(last + 1);
            break;
        }
    }
    next
}

/// Whether `end` is [`successor`] of `prefix`.
pub(crate) fn is_successor(end: &[u8], prefix: &[u8]) -> bool {
    let raised = prefix.iter().rposition(|byte| *byte < u8::MAX);
    match (raised, end.split_last()) {
        (Some(at), Some((last, rest))) => *rest == prefix[..at] && *last == prefix[at] + 1,
        (None, None) => true,
        _ => false,
    }
}

/// The first byte string after `key`.
pub(crate) fn following(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_is_known_as_one() {
        let prefixes: [&[u8]; 7] = [b"", b"a", b"ab", b"a\xff", b"\xff", b"\xff\xff", b"b\xff\xff"];
        for prefix in prefixes {
            for other in prefixes {
                let end = successor(other);
                assert_eq!(is_successor(&end, prefix), end == successor(prefix), "{end:?} {prefix:?}");
            }
        }
    }
}
