use std::borrow::Cow;
use std::io::Read;

use flate2::read::DeflateDecoder;

use super::schema::Schema;
use super::{FILE_BYTES_MAX, MAGIC, UNPACKED_BYTES_MAX};
use crate::error::{Error, Result, invalid, unsupported};

/// Most entries of a header.
const METADATA_MAX: usize = 1_000;

/// Most data of a record, all that is inside others included.
const RECORD_DATA_MAX: usize = 1_000_000;

/// A datum of a record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Datum<'a> {
    Null,
    Boolean(bool),
    Long(i64),
    /// Of bytes, string, and what else Iceberg's files do not have.
    Bytes(&'a [u8]),
    Array(Vec<Datum<'a>>),
    /// By the ids of its fields.
    Record(Vec<(i32, Datum<'a>)>),
}

/// A file, with its header read.
pub(crate) struct File<'a> {
    metadata: Vec<(&'a [u8], &'a [u8])>,
    schema: Schema,
    sync: &'a [u8],
    rest: Bytes<'a>,
}

impl<'a> File<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Result<File<'a>> {
        if bytes.len() > FILE_BYTES_MAX {
            return Err(Error::TooLarge("bytes of a manifest"));
        }
        let mut rest = Bytes(bytes);
        if rest.take(MAGIC.len())? != MAGIC {
            return Err(invalid("it is no file of Avro"));
        }
        let mut metadata = Vec::new();
        loop {
            let (count, _) = rest.block()?;
            if count == 0 {
                break;
            }
            for _ in 0..count {
                if metadata.len() == METADATA_MAX {
                    return Err(Error::TooLarge("entries of a header of Avro"));
                }
                metadata.push((rest.bytes()?, rest.bytes()?));
            }
        }
        let sync = rest.take(16)?;
        let schema =
            entry(&metadata, "avro.schema").ok_or_else(|| invalid("a file of Avro has no schema"))?;
        Ok(File { schema: Schema::parse(schema)?, metadata, sync, rest })
    }

    pub(crate) fn metadata(&self, key: &str) -> Option<&'a [u8]> {
        entry(&self.metadata, key)
    }

    /// Gives each record to `take`. Gives how many bytes they have, unpacked.
    pub(crate) fn records(mut self, mut take: impl FnMut(&Datum<'_>) -> Result<()>) -> Result<usize> {
        let codec = self.metadata("avro.codec").unwrap_or(b"null");
        let mut room = UNPACKED_BYTES_MAX;
        while !self.rest.0.is_empty() {
            let count = self.rest.long()?;
            let packed = self.rest.bytes()?;
            if self.rest.take(16)? != self.sync {
                return Err(invalid("a block of Avro does not end where it should"));
            }
            let unpacked = unpack(codec, packed, room)?;
            room -= unpacked.len();
            // What takes no bytes, as null, could be there without end.
            let mut budget = unpacked.len() * 4 + 10_000;
            let mut bytes = Bytes(&unpacked);
            for _ in 0..count {
                let most = budget.min(RECORD_DATA_MAX);
                let mut reader = Reader { bytes, left: most };
                take(&reader.datum(&self.schema)?)?;
                budget -= most - reader.left;
                bytes = reader.bytes;
            }
        }
        Ok(UNPACKED_BYTES_MAX - room)
    }
}

fn entry<'a>(metadata: &[(&'a [u8], &'a [u8])], wanted: &str) -> Option<&'a [u8]> {
    metadata.iter().find(|(key, _)| *key == wanted.as_bytes()).map(|(_, value)| *value)
}

fn unpack<'a>(codec: &[u8], packed: &'a [u8], room: usize) -> Result<Cow<'a, [u8]>> {
    let too_large = || Error::TooLarge("bytes of a manifest, unpacked");
    let unpacked = match codec {
        b"null" => Cow::Borrowed(packed),
        b"deflate" => {
            let mut unpacked = Vec::new();
            let mut reader = DeflateDecoder::new(packed).take(room as u64 + 1);
            reader.read_to_end(&mut unpacked).map_err(|_| invalid("a block of Avro cannot be unpacked"))?;
            Cow::Owned(unpacked)
        }
        b"snappy" => {
            // A checksum is after it; deflate has none either.
            let packed = packed.get(..packed.len().saturating_sub(4)).unwrap_or_default();
            let broken = |_| invalid("a block of Avro cannot be unpacked");
            // Nothing packed is less than a twentieth of what it was.
            if snap::raw::decompress_len(packed).map_err(broken)? > room.min(packed.len().saturating_mul(32))
            {
                return Err(too_large());
            }
            Cow::Owned(snap::raw::Decoder::new().decompress_vec(packed).map_err(broken)?)
        }
        other => return Err(unsupported(format!("Avro with {}", String::from_utf8_lossy(other)))),
    };
    if unpacked.len() > room { Err(too_large()) } else { Ok(unpacked) }
}

struct Reader<'a> {
    bytes: Bytes<'a>,
    /// So many data more.
    left: usize,
}

impl<'a> Reader<'a> {
    /// How deep it goes the schema says, whose depth is limited.
    fn datum(&mut self, schema: &Schema) -> Result<Datum<'a>> {
        self.left = self.left.checked_sub(1).ok_or(Error::TooLarge("data of a record of Avro"))?;
        Ok(match schema {
            Schema::Null => Datum::Null,
            Schema::Boolean => Datum::Boolean(self.bytes.take(1)?[0] != 0),
            Schema::Long => Datum::Long(self.bytes.long()?),
            Schema::Float => Datum::Bytes(self.bytes.take(4)?),
            Schema::Double => Datum::Bytes(self.bytes.take(8)?),
            Schema::Bytes => Datum::Bytes(self.bytes.bytes()?),
            Schema::Fixed(length) => Datum::Bytes(self.bytes.take(*length)?),
            Schema::Array(item) => {
                let mut items = Vec::new();
                self.blocks(|reader| {
                    items.push(reader.datum(item)?);
                    Ok(())
                })?;
                Datum::Array(items)
            }
            Schema::Map(value) => {
                self.blocks(|reader| {
                    reader.bytes.bytes()?;
                    reader.datum(value).map(drop)
                })?;
                Datum::Null
            }
            Schema::Union(branches) => {
                let branch = usize::try_from(self.bytes.long()?).ok().and_then(|at| branches.get(at));
                self.datum(branch.ok_or_else(|| invalid("a union of Avro has no such branch"))?)?
            }
            Schema::Record(fields) => {
                let mut members = Vec::with_capacity(fields.len());
                for field in fields {
                    members.push((field.id, self.datum(&field.schema)?));
                }
                Datum::Record(members)
            }
        })
    }

    fn blocks(&mut self, mut item: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        loop {
            let (count, _) = self.bytes.block()?;
            if count == 0 {
                return Ok(());
            }
            for _ in 0..count {
                item(self)?;
            }
        }
    }
}

struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let (taken, rest) =
            self.0.split_at_checked(length).ok_or_else(|| invalid("a file of Avro ends early"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn long(&mut self) -> Result<i64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        Err(invalid("a number of Avro is too long"))
    }

    fn bytes(&mut self) -> Result<&'a [u8]> {
        let length = usize::try_from(self.long()?).map_err(|_| invalid("a length of Avro is negative"))?;
        self.take(length)
    }

    /// How many items a block of an array or a map has, and whether its length is told.
    fn block(&mut self) -> Result<(u64, bool)> {
        let count = self.long()?;
        if count < 0 {
            self.long()?;
        }
        Ok((count.unsigned_abs(), count < 0))
    }
}

impl<'a> Datum<'a> {
    /// A field of a record, null where it has none.
    pub(crate) fn field(&self, id: i32) -> &Datum<'a> {
        let Datum::Record(fields) = self else { return &Datum::Null };
        fields.iter().find(|(field, _)| *field == id).map_or(&Datum::Null, |(_, datum)| datum)
    }

    pub(crate) fn long(&self) -> Option<i64> {
        if let Datum::Long(value) = self { Some(*value) } else { None }
    }

    pub(crate) fn boolean(&self) -> Option<bool> {
        if let Datum::Boolean(value) = self { Some(*value) } else { None }
    }

    pub(crate) fn bytes(&self) -> Option<&'a [u8]> {
        if let Datum::Bytes(bytes) = self { Some(bytes) } else { None }
    }

    pub(crate) fn text(&self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }

    pub(crate) fn items(&self) -> Option<&[Datum<'a>]> {
        if let Datum::Array(items) = self { Some(items) } else { None }
    }
}
