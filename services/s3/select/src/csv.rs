//! CSV, a record at a time.

use std::ops::Range;

use crate::error::{Result, SelectError};
use crate::value::Value;

/// Longest record, in bytes (S3 User Guide, "Filtering and retrieving data using Amazon S3 Select": 1 MB).
pub const RECORD_BYTES_MAX: usize = 1024 * 1024;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Header {
    #[default]
    None,
    /// The first line is one, and its names are not used.
    Ignore,
    Use,
}

/// How an object is written. Delimiters are one character or two.
#[derive(Clone, Debug)]
pub struct CsvInput {
    pub header: Header,
    /// Lines that begin with it are left out.
    pub comments: Option<u8>,
    pub quote: Option<u8>,
    pub escape: Option<u8>,
    /// `None`: a line feed, with a carriage return before it or without.
    pub record_delimiter: Option<Vec<u8>>,
    pub field_delimiter: Vec<u8>,
    pub quoted_delimiters: bool,
}

impl Default for CsvInput {
    fn default() -> CsvInput {
        CsvInput {
            header: Header::None,
            comments: Some(b'#'),
            quote: Some(b'"'),
            escape: Some(b'"'),
            record_delimiter: None,
            field_delimiter: vec![b','],
            quoted_delimiters: false,
        }
    }
}

impl CsvInput {
    fn delimiter(&self) -> &[u8] {
        self.record_delimiter.as_deref().unwrap_or(b"\n")
    }

    /// Where the record at the beginning of `bytes` ends, and where the next one begins. `searched` is how far it is known
    /// not to end, with whether that is inside quotes; it is moved on.
    pub fn end(&self, bytes: &[u8], searched: &mut Searched) -> Option<(usize, usize)> {
        let delimiter = self.delimiter();
        let (Some(quote), true) = (self.quote, self.quoted_delimiters) else {
            let from = searched.at.min(bytes.len());
            let found = memchr::memmem::find(&bytes[from..], delimiter).map(|at| from + at);
            searched.at = bytes.len().saturating_sub(delimiter.len() - 1).max(from);
            return found.map(|at| (at, at + delimiter.len()));
        };
        let mut at = searched.at;
        while at < bytes.len() {
            let byte = bytes[at];
            if searched.quoted && Some(byte) == self.escape && byte != quote {
                // It and what it escapes, which may not have come yet.
                if at + 1 >= bytes.len() {
                    break;
                }
                at += 2;
            } else if byte == quote {
                // A doubled quote leaves and comes back at once.
                searched.quoted = !searched.quoted;
                at += 1;
            } else if !searched.quoted && bytes[at..].starts_with(delimiter) {
                searched.at = at;
                return Some((at, at + delimiter.len()));
            } else if !searched.quoted && delimiter.starts_with(&bytes[at..]) {
                break;
            } else {
                at += 1;
            }
        }
        searched.at = at;
        None
    }

    /// Comments and empty lines are no records.
    pub fn is_left_out(&self, record: &[u8]) -> bool {
        let is_comment = self.comments.is_some() && record.first().copied() == self.comments;
        is_comment || record.is_empty() || record == b"\r"
    }

    /// The first record of an object that begins with `bytes`, or is them, and where the next one begins.
    pub fn first_record(&self, bytes: &[u8], is_all: bool) -> Option<(Range<usize>, usize)> {
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let found = self.end(rest, &mut Searched::default());
            let (end, next) = found.or_else(|| is_all.then_some((rest.len(), rest.len())))?;
            if !self.is_left_out(&rest[..end]) {
                return Some((at..at + end, at + next));
            }
            at += next;
        }
        None
    }

    /// Cuts a record into fields, into memory that is used again.
    pub fn fields(&self, record: &[u8], fields: &mut Vec<Value>) -> Result<()> {
        let mut record = record;
        if self.record_delimiter.is_none() && record.last() == Some(&b'\r') {
            record = &record[..record.len() - 1];
        }
        let text = std::str::from_utf8(record).map_err(|_| invalid_encoding())?;
        let mut count = 0;
        let mut at = 0;
        loop {
            if fields.len() == count {
                fields.push(Value::Text(String::new()));
            }
            let Value::Text(field) = &mut fields[count] else { break };
            field.clear();
            count += 1;
            if record.get(at).is_some_and(|byte| Some(*byte) == self.quote) {
                at = self.quoted(text, at + 1, field)?;
            }
            let rest = &record[at.min(record.len())..];
            match memchr::memmem::find(rest, &self.field_delimiter) {
                Some(end) => {
                    field.push_str(part(text, at, at + end)?);
                    at += end + self.field_delimiter.len();
                }
                None => {
                    field.push_str(part(text, at, record.len())?);
                    break;
                }
            }
        }
        fields.truncate(count);
        Ok(())
    }

    /// Reads from after a quote to after the one that ends it.
    fn quoted(&self, text: &str, from: usize, field: &mut String) -> Result<usize> {
        let bytes = text.as_bytes();
        let (mut at, mut copied) = (from, from);
        while let Some(byte) = bytes.get(at).copied() {
            let next = bytes.get(at + 1).copied();
            let escapes = Some(byte) == self.escape
                && next.is_some_and(|next| {
                    Some(next) == self.quote || (Some(next) == self.escape && self.escape != self.quote)
                });
            if escapes {
                field.push_str(part(text, copied, at)?);
                copied = at + 1;
                at += 2;
            } else if Some(byte) == self.quote {
                field.push_str(part(text, copied, at)?);
                return Ok(at + 1);
            } else {
                at += 1;
            }
        }
        // It never ends: the rest is the field, as in S3.
        field.push_str(part(text, copied, bytes.len())?);
        Ok(bytes.len())
    }
}

/// How far a record was searched for its end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Searched {
    pub at: usize,
    pub quoted: bool,
}

/// A delimiter of bytes that are no characters of their own could cut one.
fn part(text: &str, from: usize, to: usize) -> Result<&str> {
    text.get(from..to).ok_or_else(invalid_encoding)
}

pub fn invalid_encoding() -> SelectError {
    SelectError::new("InvalidTextEncoding", "Invalid encoding type. Only UTF-8 encoding is supported.")
}

pub fn too_long() -> SelectError {
    let message =
        "The length of a record in the input or result is greater than the maxCharsPerRecord limit of 1 MB.";
    SelectError::new("OverMaxRecordSize", message)
}
