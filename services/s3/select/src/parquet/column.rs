//! A column of a row group, an entry at a time: pages are read when the ones before are at their end.

use std::ops::Range;

use super::bits::{Hybrid, width_of};
use super::footer::Chunk;
use super::invalid;
use super::page::{Codec, HEAD_BYTES_MAX, Head, Kind, RLE};
use super::schema::Leaf;
use super::thrift::Failed;
use super::values::{Dictionary, Values, sized};
use crate::csv::too_long;
use crate::error::Result;
use crate::value::Value;

#[derive(Debug)]
pub(super) struct Column {
    pub(super) leaf: Leaf,
    codec: Codec,
    /// What was read of the object and not used, from `from` on; where what comes after it is, and where all of it ends.
    buffer: Vec<u8>,
    from: usize,
    at: u64,
    end: u64,
    /// Entries that are in no page yet that was seen.
    left: u64,
    dictionary: Option<Dictionary>,
    page: Option<Page>,
    /// Bytes of pages, unpacked, since this was asked.
    unpacked: u64,
    /// Those of the record that is under way, and which of them was taken.
    entries: Vec<Entry>,
    taken: usize,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) rep: u16,
    pub(super) def: u16,
    pub(super) value: Value,
}

#[derive(Debug)]
struct Page {
    bytes: Vec<u8>,
    left: u32,
    def: Hybrid,
    rep: Hybrid,
    /// The repetition level of the next entry, where it was looked at.
    next_rep: Option<u16>,
    values: Values,
}

/// Where a record stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Filled {
    Whole,
    /// It goes on in these bytes of the object.
    Wants(Range<u64>),
}

impl Column {
    pub(super) fn new(leaf: Leaf) -> Column {
        Column {
            leaf,
            codec: Codec::None,
            buffer: Vec::new(),
            from: 0,
            at: 0,
            end: 0,
            left: 0,
            dictionary: None,
            page: None,
            unpacked: 0,
            entries: Vec::new(),
            taken: 0,
        }
    }

    /// Goes to another row group.
    pub(super) fn begin(&mut self, chunk: &Chunk) -> Result<()> {
        self.codec = Codec::new(chunk.codec)?;
        if super::logical::Physical::new(chunk.physical) != Some(self.leaf.physical) {
            return Err(invalid("a column is of another type than the schema says"));
        }
        (self.buffer, self.from) = (Vec::new(), 0);
        (self.at, self.end, self.left) = (chunk.start, chunk.end, chunk.values);
        (self.dictionary, self.page) = (None, None);
        Ok(())
    }

    /// The bytes that it wanted.
    pub(super) fn give(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.from);
        self.from = 0;
        self.buffer.extend_from_slice(bytes);
        self.at += bytes.len() as u64;
    }

    pub(super) fn held(&self) -> usize {
        let page = self.page.as_ref().map_or(0, |page| page.bytes.capacity());
        self.buffer.capacity() + page + self.dictionary.as_ref().map_or(0, Dictionary::held)
    }

    pub(super) fn take_unpacked(&mut self) -> u64 {
        std::mem::take(&mut self.unpacked)
    }

    /// Reads the entries of the next record, of which so much is left to be read; `ahead` bytes are read at once.
    pub(super) fn fill(&mut self, left: &mut usize, ahead: u64) -> Result<Filled> {
        loop {
            let Some(page) = self.page.as_mut().filter(|page| page.left > 0) else {
                if self.left == 0 {
                    let begun = !self.entries.is_empty();
                    return if begun { Ok(Filled::Whole) } else { Err(invalid("a column has too few rows")) };
                }
                match self.next_page(ahead)? {
                    Some(range) => return Ok(Filled::Wants(range)),
                    None => continue,
                }
            };
            let rep = match page.next_rep {
                Some(rep) => rep,
                None if self.leaf.rep == 0 => 0,
                None => level(page.rep.next(&page.bytes)?, self.leaf.rep)?,
            };
            page.next_rep = Some(rep);
            if rep == 0 && !self.entries.is_empty() {
                return Ok(Filled::Whole);
            }
            if rep > 0 && self.entries.is_empty() {
                return Err(invalid("a column begins in the middle of a row"));
            }
            let def = match self.leaf.def {
                0 => 0,
                max => level(page.def.next(&page.bytes)?, max)?,
            };
            let value = if def == self.leaf.def {
                page.values.next(&page.bytes, self.dictionary.as_ref(), &self.leaf)?
            } else {
                Value::Null
            };
            (page.left, page.next_rep) = (page.left - 1, None);
            let cost = self.leaf.cost + 2 + if let Value::Text(text) = &value { text.len() } else { 0 };
            *left = left.checked_sub(cost).ok_or_else(too_long)?;
            self.entries.push(Entry { rep, def, value });
            if self.leaf.rep == 0 {
                return Ok(Filled::Whole);
            }
        }
    }

    /// The next page; or what of the object is needed for it.
    fn next_page(&mut self, ahead: u64) -> Result<Option<Range<u64>>> {
        self.page = None;
        let there = &self.buffer[self.from..];
        let wants = |bytes: u64| {
            let bytes = bytes.min(self.end - self.at);
            if bytes == 0 {
                Err(invalid("a column ends too early"))
            } else {
                Ok(Some(self.at..self.at + bytes))
            }
        };
        let (head, length) = match Head::read(there) {
            Ok(read) => read,
            Err(Failed::Short) if there.len() <= HEAD_BYTES_MAX => return wants(ahead),
            Err(failed) => return Err(failed.into()),
        };
        head.check()?;
        let whole = length + head.packed_bytes;
        if there.len() < whole {
            let missing = (whole - there.len()) as u64;
            if missing > self.end - self.at {
                return Err(invalid("a page goes on after its column"));
            }
            return wants(missing.max(ahead));
        }
        let packed = &there[length..whole];
        match head.kind {
            Kind::Other => {}
            Kind::Dictionary => {
                if self.dictionary.is_some() {
                    return Err(invalid("a column has two dictionaries"));
                }
                let bytes = head.unpack(packed, self.codec)?;
                self.unpacked += bytes.len() as u64;
                self.dictionary = Some(Dictionary::new(bytes, head.values, head.encoding, &self.leaf)?);
            }
            Kind::Data | Kind::DataV2 { .. } => {
                let bytes = head.unpack(packed, self.codec)?;
                self.unpacked += bytes.len() as u64;
                self.left = self
                    .left
                    .checked_sub(u64::from(head.values))
                    .ok_or_else(|| invalid("a column has more values than it says"))?;
                self.page = Some(Page::new(bytes, &head, &self.leaf)?);
            }
        }
        self.from += whole;
        if self.from == self.buffer.len() {
            (self.buffer, self.from) = (Vec::new(), 0);
        }
        Ok(None)
    }

    /// The entry of the record that is next to be taken; nothing after the last.
    pub(super) fn peek(&self) -> Option<&Entry> {
        self.entries.get(self.taken)
    }

    pub(super) fn take(&mut self) -> Option<Value> {
        let entry = self.entries.get_mut(self.taken)?;
        self.taken += 1;
        Some(std::mem::take(&mut entry.value))
    }

    /// Forgets the record. Whether all of it was taken.
    pub(super) fn clear(&mut self) -> bool {
        let all = self.taken == self.entries.len();
        self.entries.clear();
        self.taken = 0;
        all
    }
}

fn level(found: u32, max: u16) -> Result<u16> {
    u16::try_from(found)
        .ok()
        .filter(|level| *level <= max)
        .ok_or_else(|| invalid("a level is higher than there are"))
}

impl Page {
    fn new(bytes: Vec<u8>, head: &Head, leaf: &Leaf) -> Result<Page> {
        let none = Hybrid::new(0, 0, 0);
        let (mut def, mut rep, mut at) = (none, none, 0);
        if let Kind::DataV2 { def_bytes, rep_bytes, .. } = head.kind {
            rep = Hybrid::new(width_of(leaf.rep), 0, rep_bytes);
            def = Hybrid::new(width_of(leaf.def), rep_bytes, rep_bytes + def_bytes);
            at = rep_bytes + def_bytes;
        } else {
            for (max, encoding, levels) in
                [(leaf.rep, head.levels.1, &mut rep), (leaf.def, head.levels.0, &mut def)]
            {
                if max == 0 {
                    continue;
                }
                if encoding != RLE {
                    return Err(invalid("levels are in an encoding that is not read"));
                }
                let end = sized(&bytes, at).ok_or_else(|| invalid("a page is too short"))?.1;
                *levels = Hybrid::new(width_of(max), at + 4, end);
                at = end;
            }
        }
        let values = Values::new(&bytes, at, head.encoding, leaf)?;
        Ok(Page { bytes, left: head.values, def, rep, next_rep: None, values })
    }
}
