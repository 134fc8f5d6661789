//! Apache Parquet: columns to records, a page at a time, of whatever ranges of the object are needed.
//!
//! Whoever uses a [`Reader`] is told which bytes it wants, and gives them: the footer first, then of each row group the pages
//! of the columns that the expression names. Nothing is believed that the file says: a length is compared with the bytes
//! that are there, and what is held is counted. Values are made as rows are read, so that a run of a billion equal ones is
//! a few bytes until then.
//!
//! Apache Arrow's `parquet` crate is not used: it makes room for as much as a file says that it has, which ends the process
//! where that is a lie, it reads while a thread waits, and it brings `chrono`, which this project does without.
//!
//! Reading order: [`thrift`] (fields on the wire), [`schema`] (the tree of columns), [`footer`] (the schema and the row
//! groups), [`logical`] (bytes to values), [`bits`] and [`delta`] (the encodings of integers), [`values`] (all encodings),
//! [`page`] (pages, unpacked), [`column`] (the pages of a column, an entry at a time), [`record`] (entries to records),
//! [`reader`] (all of it together).
//!
//! Source: the Parquet format specification (parquet-format: README, Encodings.md, LogicalTypes.md, parquet.thrift).

mod bits;
mod column;
mod delta;
mod footer;
mod logical;
mod page;
mod reader;
mod record;
mod schema;
mod thrift;
mod values;

#[cfg(test)]
mod tests;

pub use reader::{Next, Reader};

use crate::error::SelectError;

/// Largest page and dictionary, unpacked, in bytes. Writers make pages of 1 MiB; those that make one of each column of a row
/// group have row groups of 8 to 128 MiB.
const PAGE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Most bytes that are held of an object at a time: footer, pages and dictionaries of all columns.
const HELD_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Largest row group, in bytes unpacked (S3 User Guide, "Filtering and retrieving data using Amazon S3 Select").
const GROUP_BYTES_MAX: i64 = 512 * 1024 * 1024;

fn invalid(what: &str) -> SelectError {
    let message =
        format!("An error occurred while parsing the Parquet file. Check the file and try again: {what}.");
    SelectError::new("ParquetParsingError", message)
}

fn unsupported_type(what: &str) -> SelectError {
    SelectError::new(
        "UnsupportedParquetType",
        format!("The specified Parquet type is not supported: {what}."),
    )
}

fn too_large() -> SelectError {
    SelectError::new("OverMaxParquetBlockSize", "The Parquet file is above the max row group size.")
}
