//! Pages: their heads, and what is in them, unpacked.

use std::io::Read as _;

use super::thrift::{Bytes, Failed, Result as Read};
use super::{PAGE_BYTES_MAX, invalid, too_large};
use crate::error::{Result, SelectError};

/// Longest head of a page, in bytes: the least and the greatest of its values are in it.
pub(super) const HEAD_BYTES_MAX: usize = 2 * 1024 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    None,
    Snappy,
    Gzip,
}

impl Codec {
    pub(super) fn new(number: i64) -> Result<Codec> {
        match number {
            0 => Ok(Codec::None),
            1 => Ok(Codec::Snappy),
            2 => Ok(Codec::Gzip),
            _ => {
                let message = "The specified Parquet compression codec is not supported. Only GZIP and Snappy are supported.";
                Err(SelectError::new("ParquetUnsupportedCompressionCodec", message))
            }
        }
    }

    /// Unpacks what makes `length` bytes, and no more.
    fn unpack(self, packed: &[u8], length: usize) -> Result<Vec<u8>> {
        let damaged = || invalid("a page cannot be unpacked");
        let unpacked = match self {
            Codec::None => packed.to_vec(),
            Codec::Snappy => {
                if snap::raw::decompress_len(packed).map_err(|_| damaged())? != length {
                    return Err(damaged());
                }
                snap::raw::Decoder::new().decompress_vec(packed).map_err(|_| damaged())?
            }
            Codec::Gzip => {
                let mut unpacked = Vec::new();
                let decoder = flate2::read::MultiGzDecoder::new(packed);
                decoder.take(length as u64 + 1).read_to_end(&mut unpacked).map_err(|_| damaged())?;
                unpacked
            }
        };
        if unpacked.len() == length { Ok(unpacked) } else { Err(damaged()) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Dictionary,
    /// Levels are before what is packed.
    DataV2 {
        def_bytes: usize,
        rep_bytes: usize,
        is_packed: bool,
    },
    Other,
}

/// The head of a page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Head {
    pub(super) kind: Kind,
    pub(super) values: u32,
    pub(super) encoding: i64,
    /// Of levels, in the first version.
    pub(super) levels: (i64, i64),
    pub(super) packed_bytes: usize,
    bytes: usize,
}

/// How levels are encoded.
pub(super) const RLE: i64 = 3;

impl Head {
    /// With its own length. A head of which more is to come is [`Failed::Short`].
    pub(super) fn read(bytes: &[u8]) -> Read<(Head, usize)> {
        let mut from = Bytes::new(bytes);
        let (mut number, mut unpacked, mut packed) = (-1, -1, -1);
        let (mut data, mut dictionary, mut second) = ([0; 4], [0; 2], [0; 6]);
        let mut is_packed = true;
        from.fields(|from, field, kind| {
            match field {
                1 => number = from.int(kind)?,
                2 => unpacked = from.int(kind)?,
                3 => packed = from.int(kind)?,
                5 if kind.is_struct() => from.fields(|from, field, kind| match field {
                    1..=4 => from.int(kind).map(|value| data[field as usize - 1] = value).map(|()| true),
                    _ => Ok(false),
                })?,
                7 if kind.is_struct() => from.fields(|from, field, kind| match field {
                    1..=2 => {
                        from.int(kind).map(|value| dictionary[field as usize - 1] = value).map(|()| true)
                    }
                    _ => Ok(false),
                })?,
                8 if kind.is_struct() => from.fields(|from, field, kind| match field {
                    1..=6 => from.int(kind).map(|value| second[field as usize - 1] = value).map(|()| true),
                    7 => from.bool(kind).map(|value| is_packed = value).map(|()| true),
                    _ => Ok(false),
                })?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let size = |value: i64| usize::try_from(value).map_err(|_| Failed::Invalid);
        let (kind, values, encoding) = match number {
            0 => (Kind::Data, data[0], data[1]),
            2 => (Kind::Dictionary, dictionary[0], dictionary[1]),
            3 => {
                let (def_bytes, rep_bytes) = (size(second[4])?, size(second[5])?);
                (Kind::DataV2 { def_bytes, rep_bytes, is_packed }, second[0], second[3])
            }
            _ => (Kind::Other, 0, 0),
        };
        let head = Head {
            kind,
            values: u32::try_from(values).map_err(|_| Failed::Invalid)?,
            encoding,
            levels: (data[2], data[3]),
            packed_bytes: size(packed)?,
            bytes: size(unpacked)?,
        };
        Ok((head, from.at))
    }

    /// Whether it is too large to be read.
    pub(super) fn check(&self) -> Result<()> {
        let is_small = self.packed_bytes <= PAGE_BYTES_MAX && self.bytes <= PAGE_BYTES_MAX;
        if is_small { Ok(()) } else { Err(too_large()) }
    }

    /// What is in the page, unpacked: in the second version the levels, then the values.
    pub(super) fn unpack(&self, packed: &[u8], codec: Codec) -> Result<Vec<u8>> {
        let Kind::DataV2 { def_bytes, rep_bytes, is_packed } = self.kind else {
            return codec.unpack(packed, self.bytes);
        };
        let levels = def_bytes.saturating_add(rep_bytes);
        let Some((levels, values)) = packed.split_at_checked(levels) else {
            return Err(invalid("the levels of a page are longer than the page"));
        };
        let length = self.bytes.checked_sub(levels.len()).ok_or_else(|| invalid("a page is too short"))?;
        // Values that are all null may be no bytes at all, and not even an empty stream.
        let codec = if is_packed && !values.is_empty() { codec } else { Codec::None };
        let mut page = levels.to_vec();
        page.append(&mut codec.unpack(values, length)?);
        Ok(page)
    }
}
