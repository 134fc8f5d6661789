//! Rows to Parquet, and what is known of the file.

use std::collections::BTreeMap;

use crate::error::{Result, unsupported};
use crate::schema::Schema;
use crate::value::Value;

/// Most bytes of a data file that is being written. Whoever writes more begins another file; see [`DataFileWriter::size`].
pub const FILE_BYTES_MAX: usize = 512 * 1024 * 1024;

/// A Parquet file that is being written. What waits in memory is the file so far, compressed, and one row group of 8 MiB.
///
/// It writes boolean, int, long, string, binary, timestamp, timestamptz, and maps from string to string.
pub struct DataFileWriter {}

/// A file that was written.
#[derive(Clone, Debug)]
pub struct Written {
    pub bytes: Vec<u8>,
    file: DataFile,
}

/// A data file as manifests tell of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataFile {
    /// Where it is, as `s3://bucket/key`.
    pub location: String,
    pub record_count: i64,
    /// In bytes.
    pub file_size: i64,
    /// Bytes of each column in the file, by its field's id; of a map by those of key and value.
    pub column_sizes: BTreeMap<i32, i64>,
    /// How many values a column has, nulls included.
    pub value_counts: BTreeMap<i32, i64>,
    pub null_value_counts: BTreeMap<i32, i64>,
    /// Not above any value, in the serialisation of the specification (appendix D); of strings 16 characters at most.
    pub lower_bounds: BTreeMap<i32, Vec<u8>>,
    /// Not below any value. There is none where a string has no larger one of 16 characters.
    pub upper_bounds: BTreeMap<i32, Vec<u8>>,
    /// Where row groups begin.
    pub split_offsets: Vec<i64>,
    pub sort_order_id: Option<i32>,
}

impl DataFileWriter {
    /// `Unsupported` for a schema with types that it does not write.
    pub fn new(schema: &Schema) -> Result<DataFileWriter> {
        Err(unsupported(format!("{} columns", schema.fields.len())))
    }

    /// Adds a row of one value for each column. A row that does not fit is `Row`, and nothing of it is written.
    pub fn row(&mut self, _row: Vec<Value>) -> Result<()> {
        Err(unsupported("rows"))
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        0
    }

    /// About how many bytes the file has by now: what is in row groups that are written, and what waits for the next.
    pub fn size(&self) -> usize {
        0
    }

    pub fn finish(self) -> Written {
        Written { bytes: Vec::new(), file: DataFile::default() }
    }
}

impl Written {
    /// The file, which is put at `location`.
    pub fn at(&self, location: impl Into<String>) -> DataFile {
        DataFile { location: location.into(), ..self.file.clone() }
    }
}

impl DataFile {
    /// The lower and upper bound of a column of timestamps or longs, where both are known.
    pub fn range(&self, field_id: i32) -> Option<(i64, i64)> {
        let bound = |bounds: &BTreeMap<i32, Vec<u8>>| {
            Some(i64::from_le_bytes(bounds.get(&field_id)?.as_slice().try_into().ok()?))
        };
        Some((bound(&self.lower_bounds)?, bound(&self.upper_bounds)?))
    }
}
