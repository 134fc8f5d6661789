//! A file of rows, in either format.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use haneul_kit::Instant;
use haneul_s3_parquet::{self as parquet, Cell, Kind};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::fields::{Field, Listed, fields};
use crate::model::inventory::{Format, Inventory};

/// The name of the message in Parquet.
const MESSAGE: &str = "s3.inventory";

/// In CSV keys are encoded as in a URL.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

pub(crate) struct Rows {
    fields: Vec<Field>,
    file: Open,
    pub(crate) count: usize,
}

enum Open {
    Csv(GzEncoder<Vec<u8>>),
    Parquet(parquet::Writer),
}

impl Rows {
    pub(crate) fn new(inventory: &Inventory) -> Rows {
        let fields = fields(inventory);
        let file = match inventory.format {
            Format::Csv => Open::Csv(GzEncoder::new(Vec::new(), Compression::default())),
            Format::Parquet => {
                let columns = fields.iter().map(|field| field.column.clone()).collect();
                Open::Parquet(parquet::Writer::new(MESSAGE, columns))
            }
        };
        Rows { fields, file, count: 0 }
    }

    pub(crate) fn add(&mut self, listed: &Listed<'_>) -> io::Result<()> {
        self.count += 1;
        match &mut self.file {
            Open::Csv(writer) => writer.write_all(line(&self.fields, listed).as_bytes()),
            Open::Parquet(writer) => {
                writer.row(self.fields.iter().map(|field| listed.cell(field)));
                Ok(())
            }
        }
    }

    pub(crate) fn finish(self) -> io::Result<Vec<u8>> {
        match self.file {
            Open::Csv(writer) => writer.finish(),
            Open::Parquet(writer) => Ok(writer.finish().bytes),
        }
    }
}

fn line(fields: &[Field], listed: &Listed<'_>) -> String {
    let cells = fields.iter().map(|field| {
        let text = match listed.cell(field) {
            Cell::Null => String::new(),
            Cell::Text(key) if field.name == "Key" => utf8_percent_encode(&key, KEY).to_string(),
            Cell::Text(text) => text,
            Cell::Bool(is) => is.to_string(),
            Cell::Long(at_ms) if field.column.kind == Kind::Time => {
                Instant::from_millis(at_ms).iso8601_millis()
            }
            Cell::Long(number) => number.to_string(),
            // No field is of these kinds.
            Cell::Int(_) | Cell::Bytes(_) | Cell::Map(_) => String::new(),
        };
        format!("\"{}\"", text.replace('"', "\"\""))
    });
    let cells: Vec<String> = cells.collect();
    format!("{}\n", cells.join(","))
}

/// As the manifest tells it.
pub(crate) fn schema(inventory: &Inventory) -> String {
    let fields = fields(inventory);
    match inventory.format {
        Format::Csv => fields.iter().map(|field| field.name).collect::<Vec<_>>().join(", "),
        Format::Parquet => {
            let columns: Vec<_> = fields.into_iter().map(|field| field.column).collect();
            parquet::message(MESSAGE, &columns)
        }
    }
}
