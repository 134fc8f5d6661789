//! A checksummed stream of records, for checkpoints and exports: it is whole, or reading it is an error.
//!
//! Magic, kind and its checksum; then records (length, CRC32C of kind and body, body); then a length of all ones, the number of
//! records and its checksum. Little-endian.

use std::io::{Read, Write};

use crate::StoreError;
use crate::log::frame::RECORD_BODY_MAX;

const MAGIC: &[u8; 8] = b"HNLSTRM\x01";
const END: u32 = u32::MAX;

/// Writes a stream; not whole until [`StreamWriter::finish`].
pub struct StreamWriter<W: Write> {
    to: W,
    count: u64,
    /// Chained over all records, so that none can be left out or moved.
    crc: u32,
}

impl<W: Write> StreamWriter<W> {
    /// `kind` says what the records are and in which version; at most 255 bytes.
    pub fn new(mut to: W, kind: &str) -> Result<StreamWriter<W>, StoreError> {
        to.write_all(MAGIC)?;
        to.write_all(&[kind.len() as u8])?;
        to.write_all(kind.as_bytes())?;
        let crc = crc32c::crc32c(kind.as_bytes());
        to.write_all(&crc.to_le_bytes())?;
        Ok(StreamWriter { to, count: 0, crc })
    }

    /// Adds a record whose body is `parts` in a row.
    pub fn write(&mut self, parts: &[&[u8]]) -> Result<(), StoreError> {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        if len > RECORD_BODY_MAX {
            return Err(StoreError::TooLarge { what: "record", size: len, max: RECORD_BODY_MAX });
        }
        self.crc = parts.iter().fold(self.crc, |crc, part| crc32c::crc32c_append(crc, part));
        self.count += 1;
        self.to.write_all(&(len as u32).to_le_bytes())?;
        self.to.write_all(&self.crc.to_le_bytes())?;
        for part in parts {
            self.to.write_all(part)?;
        }
        Ok(())
    }

    /// Writes the end, and gives back what was written to, flushed.
    pub fn finish(mut self) -> Result<W, StoreError> {
        let crc = crc32c::crc32c_append(self.crc, &self.count.to_le_bytes());
        self.to.write_all(&END.to_le_bytes())?;
        self.to.write_all(&crc.to_le_bytes())?;
        self.to.write_all(&self.count.to_le_bytes())?;
        self.to.flush()?;
        Ok(self.to)
    }
}

/// Reads a stream. What came before an error must not be used.
pub struct StreamReader<R: Read> {
    from: R,
    kind: String,
    count: u64,
    crc: u32,
}

impl<R: Read> StreamReader<R> {
    pub fn new(mut from: R) -> Result<StreamReader<R>, StoreError> {
        let mut start = [0; 9];
        read(&mut from, &mut start)?;
        if &start[..8] != MAGIC {
            return Err(StoreError::Unusable(
                "this is not a stream of haneul, or of a newer version".to_owned(),
            ));
        }
        let mut kind = vec![0; usize::from(start[8])];
        read(&mut from, &mut kind)?;
        let crc = crc32c::crc32c(&kind);
        let mut expected = [0; 4];
        read(&mut from, &mut expected)?;
        if crc != u32::from_le_bytes(expected) {
            return Err(damaged());
        }
        let kind = String::from_utf8(kind).map_err(|_| damaged())?;
        Ok(StreamReader { from, kind, count: 0, crc })
    }

    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The next record; `None` at the end of a whole stream.
    pub fn next_record(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        let (mut len, mut crc) = ([0; 4], [0; 4]);
        read(&mut self.from, &mut len)?;
        read(&mut self.from, &mut crc)?;
        let (len, crc) = (u32::from_le_bytes(len), u32::from_le_bytes(crc));
        if len == END {
            let mut count = [0; 8];
            read(&mut self.from, &mut count)?;
            let whole =
                crc32c::crc32c_append(self.crc, &count) == crc && u64::from_le_bytes(count) == self.count;
            return if whole { Ok(None) } else { Err(damaged()) };
        }
        if len as usize > RECORD_BODY_MAX {
            return Err(damaged());
        }
        // Grown as it is read, so that a wrong length costs no memory.
        let mut body = Vec::with_capacity((len as usize).min(64 * 1024));
        (&mut self.from).take(u64::from(len)).read_to_end(&mut body)?;
        self.crc = crc32c::crc32c_append(self.crc, &body);
        self.count += 1;
        if body.len() < len as usize || self.crc != crc {
            return Err(damaged());
        }
        Ok(Some(body))
    }
}

fn read(from: &mut impl Read, into: &mut [u8]) -> Result<(), StoreError> {
    from.read_exact(into).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => damaged(),
        _ => error.into(),
    })
}

fn damaged() -> StoreError {
    StoreError::Damaged("the stream is cut short or changed".to_owned())
}
