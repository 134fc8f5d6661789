//! The footer: the schema at once, row groups one after the other, as they are read.

use std::ops::Range;

use super::logical::{Logical, Physical, Unit};
use super::schema::{ELEMENTS_MAX, Element, Schema};
use super::thrift::{Bytes, Failed, Result as Read};
use super::{GROUP_BYTES_MAX, invalid, too_large};
use crate::error::{Result, SelectError};

/// Largest footer, in bytes. That of a thousand columns and a thousand row groups has some 100 MB, of which no query of S3
/// Select would make sense.
const FOOTER_BYTES_MAX: u64 = 32 * 1024 * 1024;

const MAGIC: &[u8; 4] = b"PAR1";

/// After the footer: its length, and the magic bytes.
const TAIL_BYTES: u64 = 8;

/// A file is the magic bytes, at least an empty footer, and the tail.
const FILE_BYTES_MIN: u64 = 12;

/// Where the footer of an object of `size` bytes is, by the last bytes of it.
pub(super) fn place(last: &[u8], size: u64) -> Result<Range<u64>> {
    let tail = last.last_chunk::<8>().filter(|tail| size >= FILE_BYTES_MIN && tail[4..] == MAGIC[..]);
    let Some([a, b, c, d, ..]) = tail else { return Err(invalid("it is no Parquet file")) };
    let length = u64::from(u32::from_le_bytes([*a, *b, *c, *d]));
    let end = size - TAIL_BYTES;
    if length > FOOTER_BYTES_MAX {
        return Err(too_large());
    }
    let start = end.checked_sub(length).filter(|start| *start >= MAGIC.len() as u64);
    start.map(|start| start..end).ok_or_else(|| invalid("its footer is longer than the file"))
}

#[derive(Debug)]
pub(super) struct Footer {
    bytes: Vec<u8>,
    /// Where the next row group is told of, and how many are left.
    at: usize,
    left: usize,
    /// Columns of the schema.
    leaves: usize,
}

/// Rows that are stored together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) rows: u64,
    /// Where it begins in the object.
    pub(super) start: u64,
    /// Those that are read, in their order.
    pub(super) chunks: Vec<Chunk>,
}

/// The pages of one column in a row group.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunk {
    pub(super) physical: i64,
    pub(super) codec: i64,
    pub(super) values: u64,
    pub(super) start: u64,
    pub(super) end: u64,
}

impl Footer {
    pub(super) fn new(bytes: Vec<u8>) -> Result<(Footer, Schema)> {
        let (mut elements, mut groups) = (Vec::new(), (0, 0));
        let mut too_many = false;
        Bytes::new(&bytes)
            .fields(|from, field, kind| {
                match field {
                    2 => {
                        let (kind, count) = from.list(kind)?;
                        if count > ELEMENTS_MAX || (count > 0 && !kind.is_struct()) {
                            too_many = count > ELEMENTS_MAX;
                            return Err(Failed::Invalid);
                        }
                        elements.clear();
                        for _ in 0..count {
                            elements.push(element(from)?);
                        }
                    }
                    4 => {
                        let (kind, count) = from.list(kind)?;
                        groups = (from.at, count);
                        if !kind.is_struct() {
                            return Err(Failed::Invalid);
                        }
                        from.skip_elements(kind, count)?;
                    }
                    _ => return Ok(false),
                }
                Ok(true)
            })
            .map_err(|failed| {
                let message =
                    "The number of columns is greater than the maximum allowable number of columns.";
                if too_many { SelectError::new("OverMaxColumn", message) } else { failed.into() }
            })?;
        let schema = Schema::new(&elements)?;
        let (at, left) = groups;
        Ok((Footer { bytes, at, left, leaves: schema.leaves.len() }, schema))
    }

    /// The next row group, with the columns that `wanted` says. `size` is the object's.
    pub(super) fn next(&mut self, wanted: &[bool], size: u64) -> Result<Option<Group>> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        let mut from = Bytes::from(&self.bytes, self.at);
        let (mut rows, mut bytes, mut count) = (-1, 0, 0);
        let (mut chunks, mut start) = (Vec::new(), 0);
        from.fields(|from, field, kind| {
            match field {
                1 => {
                    let (kind, columns) = from.list(kind)?;
                    if columns > 0 && !kind.is_struct() {
                        return Err(Failed::Invalid);
                    }
                    count = columns;
                    chunks.clear();
                    for at in 0..columns {
                        let chunk = chunk(from)?;
                        if at == 0 {
                            start = chunk.start;
                        }
                        if wanted.get(at) == Some(&true) {
                            chunks.push(chunk);
                        }
                    }
                }
                2 => bytes = from.int(kind)?,
                3 => rows = from.int(kind)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        (self.at, self.left) = (from.at, left);
        let rows = u64::try_from(rows).map_err(|_| invalid("a row group has no number of rows"))?;
        if count != self.leaves {
            return Err(invalid("a row group has other columns than the schema"));
        }
        if bytes > GROUP_BYTES_MAX {
            return Err(too_large());
        }
        if chunks.iter().any(|chunk| chunk.start < MAGIC.len() as u64 || chunk.end > size) {
            return Err(invalid("a column is not in the file"));
        }
        Ok(Some(Group { rows, start, chunks }))
    }

    pub(super) fn held(&self) -> usize {
        self.bytes.capacity()
    }
}

fn chunk(from: &mut Bytes<'_>) -> Read<Chunk> {
    let mut chunk = Chunk::default();
    let (mut data, mut dictionary, mut length) = (0, 0, -1);
    let (mut elsewhere, mut is_there) = (false, false);
    from.fields(|from, field, kind| {
        match field {
            1 => elsewhere = !from.text(kind)?.is_empty(),
            3 if kind.is_struct() => {
                is_there = true;
                from.fields(|from, field, kind| {
                    match field {
                        1 => chunk.physical = from.int(kind)?,
                        4 => chunk.codec = from.int(kind)?,
                        5 => chunk.values = u64::try_from(from.int(kind)?).map_err(|_| Failed::Invalid)?,
                        7 => length = from.int(kind)?,
                        9 => data = from.int(kind)?,
                        11 => dictionary = from.int(kind)?,
                        _ => return Ok(false),
                    }
                    Ok(true)
                })?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    // A column in another file, or whose metadata is encrypted.
    if elsewhere || !is_there {
        return Err(Failed::Invalid);
    }
    // What is not there begins at 0, as some writers say: a dictionary, or the pages of no rows.
    let start = if dictionary > 0 && (dictionary < data || data == 0) { dictionary } else { data };
    chunk.start = u64::try_from(start).map_err(|_| Failed::Invalid)?;
    let length = u64::try_from(length).map_err(|_| Failed::Invalid)?;
    chunk.end = chunk.start.checked_add(length).ok_or(Failed::Invalid)?;
    Ok(chunk)
}

fn element(from: &mut Bytes<'_>) -> Read<Element> {
    let mut element = Element::default();
    let (mut converted, mut logical) = (None, None);
    from.fields(|from, field, kind| {
        match field {
            1 => element.physical = Some(Physical::new(from.int(kind)?).ok_or(Failed::Invalid)?),
            2 => element.length = usize::try_from(from.int(kind)?).unwrap_or_default(),
            3 => element.repetition = from.int(kind)?,
            4 => element.name = from.text(kind)?.to_owned(),
            5 => element.children = from.int(kind)?,
            6 => converted = Some(from.int(kind)?),
            7 => element.scale = from.int(kind)?,
            8 => element.precision = from.int(kind)?,
            10 if kind.is_struct() => logical = Some(annotation(from, &mut element)?),
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    // A group is one that has children, whatever else is said of it.
    if element.children > 0 {
        element.physical = None;
    }
    element.logical = logical.or_else(|| converted.map(of_converted)).unwrap_or_default();
    Ok(element)
}

/// The types of the first versions of the format.
fn of_converted(number: i64) -> Logical {
    match number {
        0 | 4 | 19 => Logical::Text,
        1 | 2 => Logical::Map,
        3 => Logical::List,
        5 => Logical::Decimal,
        6 => Logical::Date,
        7 => Logical::Time(Unit::Millis),
        8 => Logical::Time(Unit::Micros),
        9 => Logical::Timestamp(Unit::Millis),
        10 => Logical::Timestamp(Unit::Micros),
        11..=14 => Logical::Unsigned,
        15..=18 => Logical::None,
        _ => Logical::Unsupported,
    }
}

/// A LogicalType: a union, of which the field that is there is the type.
fn annotation(from: &mut Bytes<'_>, element: &mut Element) -> Read<Logical> {
    let mut logical = Logical::None;
    from.fields(|from, field, kind| {
        let plain = match field {
            1 | 4 | 12 => Logical::Text,
            2 => Logical::Map,
            3 => Logical::List,
            5 => {
                logical = Logical::Decimal;
                from.fields(|from, field, kind| {
                    match field {
                        1 => element.scale = from.int(kind)?,
                        2 => element.precision = from.int(kind)?,
                        _ => return Ok(false),
                    }
                    Ok(true)
                })?;
                return Ok(true);
            }
            6 => Logical::Date,
            7 => {
                logical = Logical::Time(unit(from)?);
                return Ok(true);
            }
            8 => {
                logical = Logical::Timestamp(unit(from)?);
                return Ok(true);
            }
            10 => {
                from.fields(|from, field, kind| {
                    if field == 2 && !from.bool(kind)? {
                        logical = Logical::Unsigned;
                    }
                    Ok(field == 2)
                })?;
                return Ok(true);
            }
            11 => Logical::Nothing,
            14 => Logical::Uuid,
            15 => Logical::Float16,
            _ => Logical::Unsupported,
        };
        logical = plain;
        // The struct of a type that says nothing more.
        if kind.is_struct() { Ok(false) } else { Err(Failed::Invalid) }
    })?;
    Ok(logical)
}

/// Of a time or a timestamp.
fn unit(from: &mut Bytes<'_>) -> Read<Unit> {
    let mut found = None;
    from.fields(|from, field, kind| {
        if field != 2 || !kind.is_struct() {
            return Ok(false);
        }
        from.fields(|_, field, _| {
            found = match field {
                1 => Some(Unit::Millis),
                2 => Some(Unit::Micros),
                3 => Some(Unit::Nanos),
                _ => None,
            };
            Ok(false)
        })?;
        Ok(true)
    })?;
    found.ok_or(Failed::Invalid)
}
