use std::fmt;
use std::str::FromStr;

/// The name of a blob: 16 bytes, unique for ever. The first four say which directory it is in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(u128);

impl BlobId {
    pub(crate) fn new(dir: u32, random: u128) -> BlobId {
        BlobId(u128::from(dir) << 96 | random >> 32)
    }

    pub(crate) fn dir(self) -> u32 {
        (self.0 >> 96) as u32
    }

    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    pub fn from_bytes(bytes: [u8; 16]) -> BlobId {
        BlobId(u128::from_be_bytes(bytes))
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text was not 32 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidBlobId;

impl fmt::Display for InvalidBlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a blob id is 32 lower-case hex digits")
    }
}

impl std::error::Error for InvalidBlobId {}

impl FromStr for BlobId {
    type Err = InvalidBlobId;

    fn from_str(text: &str) -> Result<BlobId, InvalidBlobId> {
        let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() != 32 || !text.bytes().all(is_hex) {
            return Err(InvalidBlobId);
        }
        u128::from_str_radix(text, 16).map(BlobId).map_err(|_| InvalidBlobId)
    }
}

impl serde::Serialize for BlobId {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for BlobId {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<BlobId, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
