//! The values of a column, and whether they are there: a map is two columns, of keys and of values.

use crate::thrift::{self, Struct};
use crate::{Cell, Column, Kind};

// Numbers of parquet.thrift.
const PLAIN: i64 = 0;
const RLE: i64 = 3;
const DATA_PAGE: i64 = 0;

/// A column of plain values, with those of the row group that is open.
pub(crate) struct Leaf {
    pub(crate) kind: Kind,
    /// From the root, as `tags`, `key_value`, `value`.
    pub(crate) path: Vec<String>,
    /// The definition level of a value that is there.
    there: u8,
    repeats: bool,
    values: Vec<u8>,
    /// Of booleans, which are packed by eight when the group is closed.
    bits: Vec<bool>,
    /// How far each entry is there; of columns that may be null or repeat.
    definitions: Vec<u8>,
    /// Whether each entry goes on with the map of the one before; of columns that repeat.
    repetitions: Vec<u8>,
    /// Of columns that are always there once in a row: how many.
    entries: usize,
}

/// The column in a row group that is closed.
pub(crate) struct Chunk {
    pub(crate) offset: usize,
    pub(crate) entries: usize,
    pub(crate) compressed: usize,
    pub(crate) uncompressed: usize,
}

impl Leaf {
    /// Those of a column.
    pub(crate) fn of(column: &Column) -> Vec<Leaf> {
        let leaf = |kind, path: &[&str], there, repeats| Leaf {
            kind,
            path: path.iter().map(|step| (*step).to_owned()).collect(),
            there,
            repeats,
            values: Vec::new(),
            bits: Vec::new(),
            definitions: Vec::new(),
            repetitions: Vec::new(),
            entries: 0,
        };
        let (name, optional) = (column.name.as_ref(), u8::from(column.optional));
        match column.kind {
            Kind::Map { value_optional, .. } => vec![
                leaf(Kind::Text, &[name, "key_value", "key"], optional + 1, true),
                leaf(
                    Kind::Text,
                    &[name, "key_value", "value"],
                    optional + 1 + u8::from(value_optional),
                    true,
                ),
            ],
            kind => vec![leaf(kind, &[name], optional, false)],
        }
    }

    pub(crate) fn push(&mut self, optional: bool, cell: Cell) {
        let fits = matches!(
            (&cell, self.kind),
            (Cell::Text(_), Kind::Text)
                | (Cell::Bytes(_), Kind::Bytes)
                | (Cell::Bool(_), Kind::Bool)
                | (Cell::Int(_), Kind::Int)
                | (Cell::Long(_), Kind::Long | Kind::Time | Kind::Micros { .. })
        );
        self.entries += 1;
        if optional {
            self.definitions.push(u8::from(fits));
            if !fits {
                return;
            }
        }
        match (self.kind, cell) {
            (Kind::Bool, cell) => self.bits.push(cell == Cell::Bool(true)),
            (Kind::Int, cell) => {
                let number = if let Cell::Int(number) = cell { number } else { 0 };
                self.values.extend_from_slice(&number.to_le_bytes());
            }
            (Kind::Long | Kind::Time | Kind::Micros { .. }, cell) => {
                let number = if let Cell::Long(number) = cell { number } else { 0 };
                self.values.extend_from_slice(&number.to_le_bytes());
            }
            (_, Cell::Text(text)) if fits => self.bytes(text.as_bytes()),
            (_, Cell::Bytes(bytes)) if fits => self.bytes(&bytes),
            _ => self.bytes(&[]),
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.values.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        self.values.extend_from_slice(bytes);
    }

    /// An entry of a column that repeats; without a value, how far it is there instead.
    fn entry(&mut self, goes_on: bool, value: Result<&str, u8>) {
        self.entries += 1;
        self.repetitions.push(u8::from(goes_on));
        self.definitions.push(value.err().unwrap_or(self.there));
        if let Ok(text) = value {
            self.bytes(text.as_bytes());
        }
    }

    pub(crate) fn held(&self) -> usize {
        self.values.len() + self.bits.len() + self.definitions.len() + self.repetitions.len()
    }

    /// Closes the row group.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>) -> Chunk {
        let entries = std::mem::take(&mut self.entries);
        let page = self.page();
        let packed = compress(&page);
        let offset = out.len();
        let head = page_head(entries, page.len(), packed.len());
        out.extend_from_slice(&head);
        out.extend_from_slice(&packed);
        Chunk {
            offset,
            entries,
            compressed: head.len() + packed.len(),
            uncompressed: head.len() + page.len(),
        }
    }

    /// Where entries repeat, how far they are there, then the values.
    fn page(&mut self) -> Vec<u8> {
        let mut page = Vec::with_capacity(self.held() + 16);
        if self.repeats {
            levels(&mut page, &self.repetitions, 1);
        }
        if self.there > 0 {
            levels(&mut page, &self.definitions, if self.there == 1 { 1 } else { 2 });
        }
        page.extend(self.bits.chunks(8).map(|eight| packed(eight.iter().map(|bit| u8::from(*bit)), 1) as u8));
        page.extend_from_slice(&self.values);
        self.values.clear();
        self.bits.clear();
        self.definitions.clear();
        self.repetitions.clear();
        page
    }
}

/// Adds a map to its two columns: what is no map is null, and where null is not allowed, empty.
pub(crate) fn push_map(keys: &mut Leaf, values: &mut Leaf, optional: bool, cell: Cell) {
    let entries = match cell {
        Cell::Map(entries) if !entries.is_empty() => entries,
        other => {
            let there = u8::from(optional && matches!(other, Cell::Map(_)));
            keys.entry(false, Err(there));
            values.entry(false, Err(there));
            return;
        }
    };
    for (at, (key, value)) in entries.iter().enumerate() {
        keys.entry(at > 0, Ok(key));
        values.entry(at > 0, Ok(value));
    }
}

/// Levels of so many bits (1 or 2) as one run of groups of eight, with the length before it.
fn levels(page: &mut Vec<u8>, levels: &[u8], bits: usize) {
    let mut run = Vec::with_capacity(levels.len() * bits / 8 + 8);
    thrift::varint(&mut run, (levels.len().div_ceil(8) as u64) << 1 | 1);
    for eight in levels.chunks(8) {
        run.extend_from_slice(&packed(eight.iter().copied(), bits).to_le_bytes()[..bits]);
    }
    page.extend_from_slice(&(run.len() as u32).to_le_bytes());
    page.extend_from_slice(&run);
}

/// Eight numbers of so many bits each, the first in the lowest.
fn packed(eight: impl DoubleEndedIterator<Item = u8>, bits: usize) -> u16 {
    eight.rev().fold(0, |packed, number| packed << bits | u16::from(number))
}

fn compress(page: &[u8]) -> Vec<u8> {
    let mut packed = vec![0; snap::raw::max_compress_len(page.len())];
    // It fails only for want of room, or beyond 4 GiB, which a group never has.
    let length = snap::raw::Encoder::new().compress(page, &mut packed).unwrap_or_default();
    packed.truncate(length);
    packed
}

fn page_head(entries: usize, uncompressed: usize, compressed: usize) -> Vec<u8> {
    let mut data = Struct::default();
    data.int(1, entries as i64);
    data.int(2, PLAIN);
    data.int(3, RLE);
    data.int(4, RLE);
    let mut head = Struct::default();
    head.int(1, DATA_PAGE);
    head.int(2, uncompressed as i64);
    head.int(3, compressed as i64);
    head.inner(5, data);
    head.finish()
}
