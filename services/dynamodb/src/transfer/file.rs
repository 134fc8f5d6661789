//! One data file of an export: records, each on its line, in gzip.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use haneul_kit::{ApiError, Result};
use serde_json::{Value as Json, json};

use super::{ion, json as dynamodb_json};
use crate::value::Attrs;

/// Uncompressed bytes after which a file ends.
const BYTES_MAX: usize = 16 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Ion,
}

impl Format {
    pub(crate) fn of(name: &str) -> Format {
        if name == "ION" { Format::Ion } else { Format::Json }
    }

    pub(crate) fn extension(self) -> &'static str {
        match self {
            Format::Json => "json.gz",
            Format::Ion => "ion.gz",
        }
    }
}

pub(crate) struct DataFile {
    format: Format,
    gzip: GzEncoder<Vec<u8>>,
    bytes: usize,
    pub(crate) items: i64,
}

impl DataFile {
    pub(crate) fn new(format: Format) -> DataFile {
        DataFile { format, gzip: GzEncoder::new(Vec::new(), Compression::default()), bytes: 0, items: 0 }
    }

    pub(crate) fn add_item(&mut self, item: &Attrs) -> Result<()> {
        let line = match self.format {
            Format::Json => json!({ "Item": dynamodb_json::of_item(item) }).to_string(),
            Format::Ion => {
                let mut line = format!("{}{{Item:", ion::VERSION);
                ion::write_item(item, &mut line);
                line.push('}');
                line
            }
        };
        self.add(&line)
    }

    /// What became of an item, and when, in microseconds.
    pub(crate) fn add_change(
        &mut self,
        at_us: i64,
        key: &Attrs,
        (old, new): (Option<&Attrs>, Option<&Attrs>),
    ) -> Result<()> {
        let parts = [("Keys", Some(key)), ("NewImage", new), ("OldImage", old)];
        let parts = parts.into_iter().filter_map(|(name, part)| Some((name, part?)));
        let line = match self.format {
            Format::Json => {
                let mut line = json!({ "Metadata": { "WriteTimestampMicros": { "N": at_us.to_string() } } });
                for (name, part) in parts {
                    line[name] = dynamodb_json::of_item(part);
                }
                line.to_string()
            }
            Format::Ion => {
                let mut line =
                    format!("{}{{Record:{{Metadata:{{WriteTimestampMicros:{at_us}.}}", ion::VERSION);
                for (name, part) in parts {
                    line.push_str(&format!(",{name}:"));
                    ion::write_item(part, &mut line);
                }
                line.push_str("}}");
                line
            }
        };
        self.add(&line)
    }

    fn add(&mut self, line: &str) -> Result<()> {
        self.gzip.write_all(line.as_bytes()).map_err(ApiError::internal)?;
        self.gzip.write_all(b"\n").map_err(ApiError::internal)?;
        self.bytes += line.len() + 1;
        self.items += 1;
        Ok(())
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes >= BYTES_MAX
    }

    pub(crate) fn finish(self) -> Result<Vec<u8>> {
        self.gzip.finish().map_err(ApiError::internal)
    }
}

/// A line of the manifest of files.
pub(crate) fn manifest_line(items: i64, md5: &str, etag: Option<&str>, key: &str) -> Json {
    json!({
        "itemCount": items,
        "md5Checksum": md5,
        "etag": etag.map(|etag| etag.trim_matches('"')),
        "dataFileS3Key": key,
    })
}
