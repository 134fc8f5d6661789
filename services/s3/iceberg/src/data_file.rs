//! Rows to Parquet, and what is known of the file.
//!
//! Source: the Iceberg table specification, "Appendix A: Format-specific Requirements" (Parquet) and "Manifests" (the counts).

use std::borrow::Cow;
use std::collections::BTreeMap;

use haneul_s3_parquet::{Cell, Column, Kind, Writer};

use crate::bounds::Bounds;
use crate::error::{Error, Result, unsupported};
use crate::schema::{Field, Schema, Type};
use crate::value::Value;

/// Most bytes of a data file that is being written. Whoever writes more begins another file; see [`DataFileWriter::size`].
pub const FILE_BYTES_MAX: usize = 512 * 1024 * 1024;

/// Largest value, in bytes.
pub const VALUE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The name of the message in Parquet.
const MESSAGE: &str = "table";

/// A Parquet file that is being written. What waits in memory is the file so far, compressed, and one row group of 8 MiB.
///
/// It writes boolean, int, long, string, binary, timestamp, timestamptz, and maps from string to string.
pub struct DataFileWriter {
    columns: Vec<Known>,
    writer: Writer,
    rows: i64,
}

/// A column, and what is known of its values.
struct Known {
    field: Field,
    values: i64,
    nulls: i64,
    bounds: Bounds,
}

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
    /// `PARQUET` of those that this crate writes.
    pub format: String,
    pub record_count: i64,
    /// In bytes.
    pub file_size: i64,
    /// Bytes of each column in the file, by its field's id; of a map by those of key and value.
    pub column_sizes: BTreeMap<i32, i64>,
    /// How many values a column has, nulls included.
    pub value_counts: BTreeMap<i32, i64>,
    pub null_value_counts: BTreeMap<i32, i64>,
    pub nan_value_counts: BTreeMap<i32, i64>,
    /// Not above any value, in the serialisation of the specification (appendix D); of strings 16 characters at most.
    pub lower_bounds: BTreeMap<i32, Vec<u8>>,
    /// Not below any value. There is none where a string has no larger one of 16 characters.
    pub upper_bounds: BTreeMap<i32, Vec<u8>>,
    pub key_metadata: Option<Vec<u8>>,
    /// Where row groups begin.
    pub split_offsets: Vec<i64>,
    pub sort_order_id: Option<i32>,
}

impl DataFileWriter {
    /// `Unsupported` for a schema with types that it does not write.
    pub fn new(schema: &Schema) -> Result<DataFileWriter> {
        schema.validate()?;
        let columns = schema.fields.iter().map(column).collect::<Result<Vec<_>>>()?;
        let known =
            |field: &Field| Known { field: field.clone(), values: 0, nulls: 0, bounds: Bounds::default() };
        Ok(DataFileWriter {
            columns: schema.fields.iter().map(known).collect(),
            writer: Writer::new(MESSAGE, columns),
            rows: 0,
        })
    }

    /// Adds a row of one value for each column. A row that does not fit is `Row`, and nothing of it is written.
    pub fn row(&mut self, row: Vec<Value>) -> Result<()> {
        if row.len() != self.columns.len() {
            return Err(Error::Row(format!("{} values for {} columns", row.len(), self.columns.len())));
        }
        for (column, value) in self.columns.iter().zip(&row) {
            fits(&column.field, value)?;
        }
        if self.size() > FILE_BYTES_MAX {
            return Err(Error::TooLarge("bytes of a data file"));
        }
        for (column, value) in self.columns.iter_mut().zip(&row) {
            column.note(value);
        }
        self.writer.row(row.into_iter().map(cell));
        self.rows += 1;
        Ok(())
    }

    /// How many rows there are.
    pub fn rows(&self) -> u64 {
        self.rows as u64
    }

    /// About how many bytes the file has by now: what is in row groups that are written, and what waits for the next.
    pub fn size(&self) -> usize {
        self.writer.size()
    }

    pub fn finish(self) -> Written {
        let written = self.writer.finish();
        let mut file = DataFile {
            format: "PARQUET".to_owned(),
            record_count: self.rows,
            file_size: written.bytes.len() as i64,
            split_offsets: written.group_offsets.iter().map(|offset| *offset as i64).collect(),
            ..DataFile::default()
        };
        let mut sizes = written.column_bytes.into_iter().map(|size| size as i64);
        for column in self.columns {
            let ids = match column.field.kind {
                Type::Map { key_id, value_id, .. } => vec![key_id, value_id],
                _ => vec![column.field.id],
            };
            for id in ids {
                file.column_sizes.insert(id, sizes.next().unwrap_or_default());
                file.value_counts.insert(id, column.values);
                file.null_value_counts.insert(id, column.nulls);
            }
            let (lower, upper) = column.bounds.into_bytes();
            file.lower_bounds.extend(lower.map(|bound| (column.field.id, bound)));
            file.upper_bounds.extend(upper.map(|bound| (column.field.id, bound)));
        }
        Written { bytes: written.bytes, file }
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

impl Known {
    /// Of a map what is counted is its entries: neither key nor value is null.
    fn note(&mut self, value: &Value) {
        match value {
            Value::Map(entries) => self.values += entries.len() as i64,
            Value::Null if matches!(self.field.kind, Type::Map { .. }) => {}
            Value::Null => {
                self.values += 1;
                self.nulls += 1;
            }
            value => {
                self.values += 1;
                self.bounds.note(value);
            }
        }
    }
}

fn column(field: &Field) -> Result<Column> {
    let kind = match &field.kind {
        Type::Boolean => Kind::Bool,
        Type::Int => Kind::Int,
        Type::Long => Kind::Long,
        Type::String => Kind::Text,
        Type::Binary => Kind::Bytes,
        Type::Timestamp => Kind::Micros { utc: false },
        Type::Timestamptz => Kind::Micros { utc: true },
        Type::Map { key_id, key, value_id, value_required, value }
            if **key == Type::String && **value == Type::String =>
        {
            Kind::Map { value_optional: !value_required, ids: Some((*key_id, *value_id)) }
        }
        other => return Err(unsupported(format!("writing {other:?}"))),
    };
    let name = Cow::Owned(field.name.clone());
    Ok(Column { name, kind, optional: !field.required, id: Some(field.id) })
}

fn fits(field: &Field, value: &Value) -> Result<()> {
    let (fits, bytes) = match (value, &field.kind) {
        (Value::Null, _) => (!field.required, 0),
        (Value::Boolean(_), Type::Boolean)
        | (Value::Int(_), Type::Int)
        | (Value::Long(_), Type::Long)
        | (Value::Timestamp(_), Type::Timestamp | Type::Timestamptz) => (true, 0),
        (Value::String(text), Type::String) => (true, text.len()),
        (Value::Binary(bytes), Type::Binary) => (true, bytes.len()),
        (Value::Map(entries), Type::Map { .. }) => {
            (true, entries.iter().map(|(key, value)| key.len() + value.len()).sum())
        }
        _ => (false, 0),
    };
    match (fits, bytes) {
        (true, ..=VALUE_BYTES_MAX) => Ok(()),
        (true, _) => Err(Error::TooLarge("bytes of a value")),
        (false, _) => {
            Err(Error::Row(format!("{} of another type, or null where that cannot be", field.name)))
        }
    }
}

fn cell(value: Value) -> Cell {
    match value {
        Value::Null => Cell::Null,
        Value::Boolean(is) => Cell::Bool(is),
        Value::Int(number) => Cell::Int(number),
        Value::Long(number) | Value::Timestamp(number) => Cell::Long(number),
        Value::String(text) => Cell::Text(text),
        Value::Binary(bytes) => Cell::Bytes(bytes),
        Value::Map(entries) => Cell::Map(entries),
    }
}
