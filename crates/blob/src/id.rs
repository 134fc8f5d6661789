use std::fmt;
use std::str::FromStr;

/// The name of a blob: 16 bytes, unique for ever. The first four say which directory it is in, or which pack; of a packed
/// one the next five say where it is in the pack.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(u128);

impl BlobId {
    pub(crate) fn new(dir: u32, random: u128) -> BlobId {
        BlobId(u128::from(dir) << 96 | random >> 32)
    }

    pub(crate) fn dir(self) -> u32 {
        (self.0 >> 96) as u32
    }

    /// Of one in a pack.
    pub(crate) fn packed(place: Place, random: u64) -> BlobId {
        let Place { pack, page, pages } = place;
        let place = u128::from(pack) << 96 | u128::from(page) << 64 | u128::from(pages) << 56;
        BlobId(place | u128::from(random >> 8))
    }

    pub(crate) fn place(self) -> Option<Place> {
        let place = Place { pack: self.dir(), page: (self.0 >> 64) as u32, pages: (self.0 >> 56) as u8 };
        (is_pack(place.pack) && place.pages > 0).then_some(place)
    }

    /// Whether it is kept with others in one file. Deleting many of these at once is much cheaper than one by one.
    pub fn is_packed(self) -> bool {
        self.place().is_some()
    }

    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    pub fn from_bytes(bytes: [u8; 16]) -> BlobId {
        BlobId(u128::from_be_bytes(bytes))
    }
}

/// Where a packed blob is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Place {
    /// The number of the pack, with [`PACK`] in it.
    pub(crate) pack: u32,
    pub(crate) page: u32,
    /// At least 1.
    pub(crate) pages: u8,
}

/// Set in the number of a pack, which counts as the numbers of directories do.
pub(crate) const PACK: u32 = 1 << 30;

/// Whether this is the number of a pack. (The highest bit is that of directories in one pool, which use this one too.)
pub(crate) fn is_pack(dir: u32) -> bool {
    dir >> 30 == 1
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
