//! Writes Apache Parquet: flat tables, plain values, one Snappy page for each column of a row group.
//!
//! Rows are encoded as they come, so that what waits is bytes of columns and never rows; a row group is closed when it
//! has [`GROUP_BYTES`]. The whole file is in memory until it is delivered: whoever writes bounds it.
//!
//! Reading order: this file, [`thrift`] (the encoding of pages' heads and of the footer).
//! Source: the Parquet format specification (parquet-format: README, Encodings.md, parquet.thrift).

mod thrift;

#[cfg(test)]
pub(crate) mod reading;
#[cfg(test)]
mod tests;

use thrift::{Kind as Wire, Struct};

/// A row group is closed with about so many bytes, before compression.
const GROUP_BYTES: usize = 8 * 1024 * 1024;

const MAGIC: &[u8; 4] = b"PAR1";

const CREATED_BY: &str = "Haneul";

// Numbers of parquet.thrift.
const PLAIN: i64 = 0;
const RLE: i64 = 3;
const SNAPPY: i64 = 1;
const DATA_PAGE: i64 = 0;
const REQUIRED: i64 = 0;
const OPTIONAL: i64 = 1;
const UTF8: i64 = 0;
const TIMESTAMP_MILLIS: i64 = 9;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Bool,
    Long,
    /// Milliseconds since the epoch.
    Time,
}

impl Kind {
    fn physical(self) -> i64 {
        match self {
            Kind::Bool => 0,
            Kind::Long | Kind::Time => 2,
            Kind::Text => 6,
        }
    }

    fn converted(self) -> Option<i64> {
        match self {
            Kind::Text => Some(UTF8),
            Kind::Time => Some(TIMESTAMP_MILLIS),
            Kind::Bool | Kind::Long => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) optional: bool,
}

/// A value of a row. A time is a [`Cell::Long`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    Null,
    Text(String),
    Bool(bool),
    Long(i64),
}

/// A file that is being written.
pub(crate) struct Writer {
    name: &'static str,
    columns: Vec<Column>,
    out: Vec<u8>,
    open: Vec<Pending>,
    rows: usize,
    groups: Vec<Group>,
}

/// The values of a column in the row group that is open.
#[derive(Default)]
struct Pending {
    values: Vec<u8>,
    /// Of booleans, which are packed by eight when the group is closed.
    bits: Vec<bool>,
    /// Whether each row has a value; of optional columns.
    present: Vec<bool>,
}

struct Group {
    rows: usize,
    chunks: Vec<Chunk>,
}

struct Chunk {
    offset: usize,
    compressed: usize,
    uncompressed: usize,
}

impl Writer {
    /// `name` is that of the message, as `s3.inventory`.
    pub(crate) fn new(name: &'static str, columns: Vec<Column>) -> Writer {
        let open = columns.iter().map(|_| Pending::default()).collect();
        Writer { name, columns, out: MAGIC.to_vec(), open, rows: 0, groups: Vec::new() }
    }

    /// Adds a row of one cell for each column; what is missing, or of another kind, is null, and where null is not
    /// allowed, empty.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let mut cells = cells.into_iter();
        let mut held = 0;
        for (column, pending) in self.columns.iter().zip(&mut self.open) {
            pending.push(*column, cells.next().unwrap_or(Cell::Null));
            held += pending.values.len();
        }
        self.rows += 1;
        if held >= GROUP_BYTES {
            self.close_group();
        }
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        if self.rows > 0 {
            self.close_group();
        }
        let footer = self.footer();
        self.out.extend_from_slice(&footer);
        self.out.extend_from_slice(&(footer.len() as u32).to_le_bytes());
        self.out.extend_from_slice(MAGIC);
        self.out
    }

    fn close_group(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        let mut chunks = Vec::with_capacity(self.columns.len());
        for (column, pending) in self.columns.iter().zip(&mut self.open) {
            let page = std::mem::take(pending).page(column.optional);
            let packed = compress(&page);
            let offset = self.out.len();
            let head = page_head(rows, page.len(), packed.len());
            self.out.extend_from_slice(&head);
            self.out.extend_from_slice(&packed);
            chunks.push(Chunk {
                offset,
                compressed: head.len() + packed.len(),
                uncompressed: head.len() + page.len(),
            });
        }
        self.groups.push(Group { rows, chunks });
    }

    fn footer(&self) -> Vec<u8> {
        let mut footer = Struct::default();
        footer.int(1, 1);
        let mut root = Struct::default();
        root.text(4, self.name);
        root.int(5, self.columns.len() as i64);
        let mut schema = vec![root];
        schema.extend(self.columns.iter().map(|column| {
            let mut element = Struct::default();
            element.int(1, column.kind.physical());
            element.int(3, if column.optional { OPTIONAL } else { REQUIRED });
            element.text(4, column.name);
            if let Some(converted) = column.kind.converted() {
                element.int(6, converted);
            }
            element
        }));
        footer.structs(2, schema);
        footer.long(3, self.groups.iter().map(|group| group.rows as i64).sum());
        footer.structs(4, self.groups.iter().map(|group| self.row_group(group)).collect());
        footer.text(6, CREATED_BY);
        footer.finish()
    }

    fn row_group(&self, group: &Group) -> Struct {
        let chunks = self.columns.iter().zip(&group.chunks).map(|(column, chunk)| {
            let mut meta = Struct::default();
            meta.int(1, column.kind.physical());
            meta.list(2, Wire::Int, [PLAIN, RLE].map(thrift::int).to_vec());
            meta.list(3, Wire::Text, vec![thrift::text(column.name)]);
            meta.int(4, SNAPPY);
            meta.long(5, group.rows as i64);
            meta.long(6, chunk.uncompressed as i64);
            meta.long(7, chunk.compressed as i64);
            meta.long(9, chunk.offset as i64);
            let mut written = Struct::default();
            written.long(2, chunk.offset as i64);
            written.inner(3, meta);
            written
        });
        let mut written = Struct::default();
        written.structs(1, chunks.collect());
        written.long(2, group.chunks.iter().map(|chunk| chunk.uncompressed as i64).sum());
        written.long(3, group.rows as i64);
        written
    }
}

impl Pending {
    fn push(&mut self, column: Column, cell: Cell) {
        let fits = matches!(
            (&cell, column.kind),
            (Cell::Text(_), Kind::Text)
                | (Cell::Bool(_), Kind::Bool)
                | (Cell::Long(_), Kind::Long | Kind::Time)
        );
        if column.optional {
            self.present.push(fits);
            if !fits {
                return;
            }
        }
        match (column.kind, cell) {
            (Kind::Text, cell) => {
                let text = if let Cell::Text(text) = cell { text } else { String::new() };
                self.values.extend_from_slice(&(text.len() as u32).to_le_bytes());
                self.values.extend_from_slice(text.as_bytes());
            }
            (Kind::Bool, cell) => self.bits.push(cell == Cell::Bool(true)),
            (Kind::Long | Kind::Time, cell) => {
                let number = if let Cell::Long(number) = cell { number } else { 0 };
                self.values.extend_from_slice(&number.to_le_bytes());
            }
        }
    }

    /// Whether there is a value of each row, then the values.
    fn page(self, optional: bool) -> Vec<u8> {
        let mut page = Vec::with_capacity(self.values.len() + self.present.len() / 8 + 16);
        if optional {
            let mut levels = Vec::new();
            // One run of groups of eight, of a bit each.
            thrift::varint(&mut levels, (self.present.len().div_ceil(8) as u64) << 1 | 1);
            levels.extend(packed(&self.present));
            page.extend_from_slice(&(levels.len() as u32).to_le_bytes());
            page.extend_from_slice(&levels);
        }
        page.extend(packed(&self.bits));
        page.extend_from_slice(&self.values);
        page
    }
}

/// Eight to a byte, the first in the lowest bit.
fn packed(bits: &[bool]) -> impl Iterator<Item = u8> + '_ {
    bits.chunks(8).map(|eight| eight.iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(*bit)))
}

fn compress(page: &[u8]) -> Vec<u8> {
    let mut packed = vec![0; snap::raw::max_compress_len(page.len())];
    // It fails only for want of room, or beyond 4 GiB, which a group never has.
    let length = snap::raw::Encoder::new().compress(page, &mut packed).unwrap_or_default();
    packed.truncate(length);
    packed
}

fn page_head(rows: usize, uncompressed: usize, compressed: usize) -> Vec<u8> {
    let mut data = Struct::default();
    data.int(1, rows as i64);
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
