//! Thrift's compact protocol, read only. Nothing is made but what is asked for.

use super::invalid;
use crate::error::SelectError;

/// Deepest nesting of what is skipped.
const DEPTH_MAX: u32 = 16;

/// Why something cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// It goes on after the bytes that are there.
    Short,
    Invalid,
}

impl From<Failed> for SelectError {
    fn from(_: Failed) -> SelectError {
        invalid("its metadata is damaged")
    }
}

pub(super) type Result<T> = std::result::Result<T, Failed>;

/// A type on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind(u8);

impl Kind {
    const TRUE: u8 = 1;
    const FALSE: u8 = 2;
    const BYTE: u8 = 3;
    const BINARY: u8 = 8;
    const LIST: u8 = 9;
    const SET: u8 = 10;
    const MAP: u8 = 11;
    const STRUCT: u8 = 12;
    const UUID: u8 = 13;

    pub(super) fn is_struct(self) -> bool {
        self.0 == Kind::STRUCT
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes<'b> {
    bytes: &'b [u8],
    pub(super) at: usize,
}

impl<'b> Bytes<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Bytes<'b> {
        Bytes { bytes, at: 0 }
    }

    /// The same bytes, from elsewhere.
    pub(super) fn from(bytes: &'b [u8], at: usize) -> Bytes<'b> {
        Bytes { bytes, at: at.min(bytes.len()) }
    }

    fn take(&mut self, length: usize) -> Result<&'b [u8]> {
        let end = self.at.checked_add(length).ok_or(Failed::Short)?;
        let taken = self.bytes.get(self.at..end).ok_or(Failed::Short)?;
        self.at = end;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    pub(super) fn varint(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Failed::Invalid)
    }

    pub(super) fn zigzag(&mut self) -> Result<i64> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    pub(super) fn int(&mut self, kind: Kind) -> Result<i64> {
        match kind.0 {
            Kind::BYTE => Ok(i64::from(self.byte()? as i8)),
            4..=6 => self.zigzag(),
            _ => Err(Failed::Invalid),
        }
    }

    pub(super) fn bool(&mut self, kind: Kind) -> Result<bool> {
        match kind.0 {
            Kind::TRUE => Ok(true),
            Kind::FALSE => Ok(false),
            _ => Err(Failed::Invalid),
        }
    }

    pub(super) fn text(&mut self, kind: Kind) -> Result<&'b str> {
        if kind.0 != Kind::BINARY {
            return Err(Failed::Invalid);
        }
        let length = usize::try_from(self.varint()?).map_err(|_| Failed::Invalid)?;
        std::str::from_utf8(self.take(length)?).map_err(|_| Failed::Invalid)
    }

    /// The type of a list's elements, and how many there are. Each is a byte at least, which is compared only where the bytes
    /// are known to be all.
    pub(super) fn list(&mut self, kind: Kind) -> Result<(Kind, usize)> {
        if kind.0 != Kind::LIST && kind.0 != Kind::SET {
            return Err(Failed::Invalid);
        }
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => usize::try_from(self.varint()?).map_err(|_| Failed::Invalid)?,
            few => usize::from(few),
        };
        if count > self.bytes.len() - self.at {
            return Err(Failed::Short);
        }
        Ok((Kind(head & 15), count))
    }

    /// The fields of a struct: `each` says of those that it did not read that they are skipped.
    pub(super) fn fields(
        &mut self,
        mut each: impl FnMut(&mut Bytes<'b>, i64, Kind) -> Result<bool>,
    ) -> Result<()> {
        let mut last = 0i64;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Ok(());
            }
            let kind = Kind(head & 15);
            last = match head >> 4 {
                0 => self.zigzag()?,
                more => last.checked_add(i64::from(more)).ok_or(Failed::Invalid)?,
            };
            if !each(self, last, kind)? {
                self.skip(kind, DEPTH_MAX)?;
            }
        }
    }

    fn skip(&mut self, kind: Kind, depth: u32) -> Result<()> {
        let depth = depth.checked_sub(1).ok_or(Failed::Invalid)?;
        match kind.0 {
            Kind::TRUE | Kind::FALSE => {}
            Kind::BYTE => drop(self.take(1)?),
            4..=6 => drop(self.varint()?),
            7 => drop(self.take(8)?),
            Kind::BINARY => {
                let length = usize::try_from(self.varint()?).map_err(|_| Failed::Invalid)?;
                self.take(length)?;
            }
            Kind::LIST | Kind::SET => {
                let (kind, count) = self.list(kind)?;
                for _ in 0..count {
                    self.element(kind, depth)?;
                }
            }
            Kind::MAP => {
                let count = self.varint()?;
                if count > 0 {
                    let kinds = self.byte()?;
                    for _ in 0..count {
                        self.element(Kind(kinds >> 4), depth)?;
                        self.element(Kind(kinds & 15), depth)?;
                    }
                }
            }
            Kind::STRUCT => loop {
                let head = self.byte()?;
                if head == 0 {
                    break;
                }
                if head >> 4 == 0 {
                    self.zigzag()?;
                }
                self.skip(Kind(head & 15), depth)?;
            },
            Kind::UUID => drop(self.take(16)?),
            _ => return Err(Failed::Invalid),
        }
        Ok(())
    }

    /// In a list a boolean has a byte.
    fn element(&mut self, kind: Kind, depth: u32) -> Result<()> {
        match kind.0 {
            Kind::TRUE | Kind::FALSE => self.take(1).map(drop),
            _ => self.skip(kind, depth),
        }
    }

    /// Elements that were not read.
    pub(super) fn skip_elements(&mut self, kind: Kind, count: usize) -> Result<()> {
        (0..count).try_for_each(|_| self.element(kind, DEPTH_MAX))
    }
}
