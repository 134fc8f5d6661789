//! Writes Apache Parquet: flat tables and maps from string to string, plain values, one Snappy page for each column of a row
//! group. S3 Inventory, Storage Lens and the tables of S3 Metadata are such files.
//!
//! Rows are encoded as they come, so that what waits is bytes of columns and never rows; a row group is closed when it
//! has [`GROUP_BYTES`]. The whole file is in memory until it is delivered: whoever writes bounds it.
//!
//! Reading order: this file, [`leaf`] (the values of a column, and whether they are there), [`footer`] (what the end of a file
//! says), [`message`] (the same as text), [`thrift`] (the encoding of pages' heads and of the footer).
//!
//! What must never happen here: a row that is in one column and not in the others.
//!
//! Source: the Parquet format specification (parquet-format: README, Encodings.md, LogicalTypes.md, parquet.thrift).

mod footer;
mod leaf;
mod message;
mod thrift;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use message::message;

use leaf::{Chunk, Leaf};

/// A row group is closed with about so many bytes, before compression.
const GROUP_BYTES: usize = 8 * 1024 * 1024;

const MAGIC: &[u8; 4] = b"PAR1";

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Bytes,
    Bool,
    /// 32 bits.
    Int,
    Long,
    /// Milliseconds since the epoch.
    Time,
    /// Microseconds since the epoch, or of no time zone.
    Micros {
        utc: bool,
    },
    /// From string to string.
    Map {
        value_optional: bool,
        /// The ids of keys and of values.
        ids: Option<(i32, i32)>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: Cow<'static, str>,
    pub kind: Kind,
    pub optional: bool,
    /// By which Iceberg finds it.
    pub id: Option<i32>,
}

/// A value of a row. A time of either unit is a [`Cell::Long`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Null,
    Text(String),
    Bytes(Vec<u8>),
    Bool(bool),
    Int(i32),
    Long(i64),
    Map(Vec<(String, String)>),
}

/// A file that is being written.
pub struct Writer {
    name: &'static str,
    columns: Vec<Column>,
    out: Vec<u8>,
    /// Of each column one, of a map two.
    leaves: Vec<Leaf>,
    rows: usize,
    groups: Vec<Group>,
}

/// A file that was written.
#[derive(Clone, Debug)]
pub struct File {
    pub bytes: Vec<u8>,
    /// So many bytes of it are each column's: of a map first the keys', then the values'.
    pub column_bytes: Vec<u64>,
    /// Where each row group begins.
    pub group_offsets: Vec<u64>,
}

struct Group {
    rows: usize,
    chunks: Vec<Chunk>,
}

impl Column {
    pub const fn optional(name: &'static str, kind: Kind) -> Column {
        Column { name: Cow::Borrowed(name), kind, optional: true, id: None }
    }

    pub const fn required(name: &'static str, kind: Kind) -> Column {
        Column { name: Cow::Borrowed(name), kind, optional: false, id: None }
    }
}

impl Writer {
    /// `name` is that of the message, as `s3.inventory`.
    pub fn new(name: &'static str, columns: Vec<Column>) -> Writer {
        let leaves = columns.iter().flat_map(Leaf::of).collect();
        Writer { name, columns, out: MAGIC.to_vec(), leaves, rows: 0, groups: Vec::new() }
    }

    /// Adds a row of one cell for each column; what is missing, or of another kind, is null, and where null is not
    /// allowed, empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let mut cells = cells.into_iter();
        let mut leaves = self.leaves.iter_mut();
        for column in &self.columns {
            let cell = cells.next().unwrap_or(Cell::Null);
            let Some(leaf) = leaves.next() else { break };
            match column.kind {
                Kind::Map { .. } => {
                    if let Some(values) = leaves.next() {
                        leaf::push_map(leaf, values, column.optional, cell);
                    }
                }
                _ => leaf.push(column.optional, cell),
            }
        }
        self.rows += 1;
        if self.waiting() >= GROUP_BYTES {
            self.close_group();
        }
    }

    /// About how many bytes the file has by now: the row groups that are closed, and what waits for the next.
    pub fn size(&self) -> usize {
        self.out.len() + self.waiting()
    }

    pub fn finish(mut self) -> File {
        if self.rows > 0 {
            self.close_group();
        }
        let footer = footer::footer(self.name, &self.columns, &self.leaves, &self.groups);
        self.out.extend_from_slice(&footer);
        self.out.extend_from_slice(&(footer.len() as u32).to_le_bytes());
        self.out.extend_from_slice(MAGIC);
        let bytes_of =
            |leaf: usize| self.groups.iter().map(|group| group.chunks[leaf].compressed as u64).sum();
        let first = |group: &Group| group.chunks.first().map_or(0, |chunk| chunk.offset as u64);
        File {
            column_bytes: (0..self.leaves.len()).map(bytes_of).collect(),
            group_offsets: self.groups.iter().map(first).collect(),
            bytes: self.out,
        }
    }

    /// Bytes of the row group that is open.
    fn waiting(&self) -> usize {
        self.leaves.iter().map(Leaf::held).sum()
    }

    fn close_group(&mut self) {
        let chunks = self.leaves.iter_mut().map(|leaf| leaf.write(&mut self.out)).collect();
        self.groups.push(Group { rows: std::mem::take(&mut self.rows), chunks });
    }
}
