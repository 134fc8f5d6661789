//! Frames and records as bytes; all numbers little-endian.
//!
//! Frame header, 24 bytes: magic, payload length, record count, reserved, checksum of the records' headers, checksum
//! of the header. Record: body length, CRC32C of the body, the body, zeros up to a multiple of eight.

use crate::StoreError;
use crate::log::Position;

pub(crate) const FRAME_HEADER: usize = 24;
pub(crate) const RECORD_HEADER: usize = 8;
const MAGIC: u32 = u32::from_le_bytes(*b"HFr1");

/// Longest record body: a transaction of the store with its keys fits.
pub(crate) const RECORD_BODY_MAX: usize = 96 * 1024 * 1024;

/// Collects the records of one frame.
#[derive(Default)]
pub struct FrameBuilder {
    /// Starts with room for the header.
    bytes: Vec<u8>,
    count: u32,
}

impl FrameBuilder {
    pub fn new() -> FrameBuilder {
        FrameBuilder { bytes: vec![0; FRAME_HEADER], count: 0 }
    }

    /// Adds a record whose body is `parts` in a row. Returns its offset in the frame.
    pub fn push(&mut self, parts: &[&[u8]]) -> u32 {
        let body_len: usize = parts.iter().map(|part| part.len()).sum();
        self.bytes.reserve(FRAME_HEADER + RECORD_HEADER + padded(body_len));
        self.push_with(|body| parts.iter().for_each(|part| body.extend_from_slice(part)))
    }

    /// The same with a body that `write` appends to what it is given.
    pub(crate) fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> u32 {
        if self.bytes.is_empty() {
            self.bytes.resize(FRAME_HEADER, 0);
        }
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; RECORD_HEADER]);
        write(&mut self.bytes);
        let body_len = self.bytes.len() - at - RECORD_HEADER;
        let crc = crc32c::crc32c(&self.bytes[at + RECORD_HEADER..]);
        self.bytes[at..at + 4].copy_from_slice(&(body_len as u32).to_le_bytes());
        self.bytes[at + 4..at + 8].copy_from_slice(&crc.to_le_bytes());
        self.bytes.resize(at + RECORD_HEADER + padded(body_len), 0);
        self.count += 1;
        at as u32
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Bytes of the frame, header included.
    pub fn len(&self) -> usize {
        self.bytes.len().max(FRAME_HEADER)
    }

    /// The frame as it goes to `position` of the log with `seed`.
    pub(crate) fn seal(&mut self, seed: u32, position: Position) -> &[u8] {
        if self.bytes.is_empty() {
            self.bytes.resize(FRAME_HEADER, 0);
        }
        let header = FrameHeader { payload: (self.bytes.len() - FRAME_HEADER) as u32, count: self.count };
        self.bytes[..FRAME_HEADER].copy_from_slice(&header.encode(seed, position));
        &self.bytes
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.truncate(FRAME_HEADER);
        self.count = 0;
        // One large frame must not hold its memory for ever.
        if self.bytes.capacity() > 4 * 1024 * 1024 {
            self.bytes = vec![0; FRAME_HEADER];
        }
    }
}

fn padded(len: usize) -> usize {
    len.next_multiple_of(8)
}

pub(crate) struct FrameHeader {
    pub(crate) payload: u32,
    pub(crate) count: u32,
}

impl FrameHeader {
    pub(crate) fn encode(&self, seed: u32, position: Position) -> [u8; FRAME_HEADER] {
        let mut bytes = [0; FRAME_HEADER];
        bytes[..4].copy_from_slice(&MAGIC.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.payload.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.count.to_le_bytes());
        let crc = checksum(seed, position, &bytes[..20]);
        bytes[20..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// `None` when no frame of this log starts at `position`.
    ///
    /// The checksum covers the log's random seed and the position, so neither stale bytes nor a record that a user
    /// made to look like a frame is taken for one.
    pub(crate) fn decode(bytes: &[u8], seed: u32, position: Position) -> Option<FrameHeader> {
        let bytes: &[u8; FRAME_HEADER] = bytes.first_chunk()?;
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        if word(0) != MAGIC || word(20) != checksum(seed, position, &bytes[..20]) {
            return None;
        }
        let header = FrameHeader { payload: word(4), count: word(8) };
        header.payload.is_multiple_of(8).then_some(header)
    }
}

fn checksum(seed: u32, position: Position, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c_append(seed, &position.to_u64().to_le_bytes()), bytes)
}

/// The records of a frame's payload: offset in the payload and body. The first error ends it.
pub(crate) fn records(payload: &[u8]) -> impl Iterator<Item = Result<(usize, &[u8]), StoreError>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        if at >= payload.len() {
            return None;
        }
        let start = at;
        match record(&payload[start..]) {
            Some(body) => {
                at += RECORD_HEADER + padded(body.len());
                Some(Ok((start, body)))
            }
            None => {
                at = payload.len();
                Some(Err(StoreError::Damaged("a record's checksum is wrong".to_owned())))
            }
        }
    })
}

/// Whether every record of the frame is as it was written.
pub(crate) fn is_whole(header: &FrameHeader, payload: &[u8]) -> bool {
    let mut count = 0;
    records(payload).all(|record| {
        count += 1;
        record.is_ok()
    }) && count == header.count
}

/// The body of the record that starts `bytes`.
pub(crate) fn record(bytes: &[u8]) -> Option<&[u8]> {
    let len = record_len(bytes)?;
    let body = bytes.get(RECORD_HEADER..RECORD_HEADER + len)?;
    let crc = u32::from_le_bytes(*bytes.get(4..)?.first_chunk()?);
    (crc32c::crc32c(body) == crc).then_some(body)
}

pub(crate) fn record_len(bytes: &[u8]) -> Option<usize> {
    let len = u32::from_le_bytes(*bytes.first_chunk()?) as usize;
    (len <= RECORD_BODY_MAX).then_some(len)
}
