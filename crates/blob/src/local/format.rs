//! What is in a blob's file: a header, then blocks of [`BLOCK`] bytes of content (the last may be shorter), each
//! followed, when the blob is sealed, by the tag of its cipher, and then by its CRC32C. The checksums start from the
//! blob's id and the block's number, so that a block in the wrong place is noticed too. The header is written last. Little-endian.

use crate::cipher::TAG_BYTES;
use crate::{BlobError, BlobId};

/// Content bytes of a full block.
pub const BLOCK: usize = 128 * 1024;
/// The same with all that may follow it.
pub const STORED_BLOCK_MAX: usize = BLOCK + TAG_BYTES + CHECKSUM;
pub const HEADER: usize = 32;

const CHECKSUM: usize = 4;

const MAGIC: &[u8; 8] = b"HNLBLOB\x01";

/// Where things are in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Whether a cipher's tag follows each block.
    pub sealed: bool,
}

impl Layout {
    /// Bytes that follow a block's content.
    pub fn trailer(self) -> usize {
        if self.sealed { TAG_BYTES + CHECKSUM } else { CHECKSUM }
    }

    /// Bytes of a full block with them.
    pub fn stored_block(self) -> usize {
        BLOCK + self.trailer()
    }

    /// Where block `index` starts in the file.
    pub fn offset_of(self, index: u64) -> u64 {
        HEADER as u64 + index * self.stored_block() as u64
    }
}

/// Length and CRC32C of the content; the checksum is 0 of a sealed one, whose blocks speak for themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub len: u64,
    pub crc32c: u32,
    pub layout: Layout,
}

impl Header {
    pub fn encode(self, id: BlobId) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..16].copy_from_slice(&self.len.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.crc32c.to_le_bytes());
        bytes[20] = u8::from(self.layout.sealed);
        let crc = crc32c::crc32c_append(seed(id), &bytes[..28]);
        bytes[28..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// From the start of the file. One without a header was never finished.
    pub fn decode(bytes: &[u8], id: BlobId) -> Result<Header, BlobError> {
        let Some(bytes) = bytes.first_chunk::<HEADER>() else {
            return Err(BlobError::Damaged { id, what: "its file is cut short" });
        };
        if bytes.iter().all(|byte| *byte == 0) {
            return Err(BlobError::NotFound(id));
        }
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        if &bytes[..8] != MAGIC || word(28) != crc32c::crc32c_append(seed(id), &bytes[..28]) {
            return Err(BlobError::Damaged { id, what: "its header is wrong" });
        }
        let layout = Layout { sealed: bytes[20] == 1 };
        Ok(Header { len: u64::from(word(8)) | u64::from(word(12)) << 32, crc32c: word(16), layout })
    }

    /// `room` is the length of the blob's own file, or what its pages in a pack have, of which it may not need all of the
    /// last one.
    pub fn check_room(self, id: BlobId, room: u64) -> Result<(), BlobError> {
        let fits = match id.is_packed() {
            true => self.file_len() <= room,
            false => self.file_len() == room,
        };
        if !fits {
            return Err(BlobError::Damaged { id, what: "its file has the wrong length" });
        }
        Ok(())
    }

    /// Bytes of the whole file.
    pub fn file_len(self) -> u64 {
        self.layout.offset_of(self.blocks()) - self.missing_of_last()
    }

    pub fn blocks(self) -> u64 {
        self.len.div_ceil(BLOCK as u64)
    }

    /// Bytes that the last block is short of a full one.
    fn missing_of_last(self) -> u64 {
        self.blocks() * BLOCK as u64 - self.len
    }
}

/// The checksum that follows a block, and its tag if it has one.
pub fn block_checksum(id: BlobId, index: u64, content: &[u8]) -> [u8; CHECKSUM] {
    crc32c::crc32c_append(crc32c::crc32c_append(seed(id), &index.to_le_bytes()), content).to_le_bytes()
}

fn seed(id: BlobId) -> u32 {
    crc32c::crc32c(&id.to_bytes())
}
