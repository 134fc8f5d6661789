//! One segment file: its header, reading its frames, finding its end.

use haneul_env::fs::File;

use crate::StoreError;
use crate::log::Position;
use crate::log::frame::{FRAME_HEADER, FrameHeader, is_whole};

pub(crate) const SEGMENT_HEADER: usize = 32;
const MAGIC: &[u8; 8] = b"HNLLOG\x00\x01";

/// What starts a segment: who it belongs to, and where the one before it ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) seed: u32,
    pub(crate) id: u32,
    /// Zero for the first segment of a log.
    pub(crate) previous_end: u32,
    /// The file's length is always a multiple of this.
    pub(crate) grow_bytes: u32,
}

impl SegmentHeader {
    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEADER] {
        let mut bytes = [0; SEGMENT_HEADER];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&self.seed.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.id.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.previous_end.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.grow_bytes.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..28]);
        bytes[28..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(crate) fn read(file: &File) -> Result<Option<SegmentHeader>, StoreError> {
        let mut bytes = [0; SEGMENT_HEADER];
        if file.read_at(&mut bytes, 0)? < SEGMENT_HEADER {
            return Ok(None);
        }
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        if &bytes[..8] != MAGIC || word(28) != crc32c::crc32c(&bytes[..28]) {
            return Ok(None);
        }
        Ok(Some(SegmentHeader { seed: word(8), id: word(12), previous_end: word(16), grow_bytes: word(20) }))
    }
}

/// Reads a segment from front to back through a window of [`WINDOW`] bytes or one frame, whichever is more.
pub(crate) struct SegmentReader {
    file: File,
    seed: u32,
    id: u32,
    offset: u32,
    len: u64,
    window: Vec<u8>,
    window_at: u64,
}

const WINDOW: usize = 256 * 1024;

impl SegmentReader {
    pub(crate) fn new(file: File, seed: u32, id: u32, offset: u32) -> Result<SegmentReader, StoreError> {
        let len = file.len()?;
        let offset = offset.max(SEGMENT_HEADER as u32);
        Ok(SegmentReader { file, seed, id, offset, len, window: Vec::new(), window_at: 0 })
    }

    /// Where the next frame would start.
    pub(crate) fn offset(&self) -> u32 {
        self.offset
    }

    /// The position of the next whole frame's payload, and the payload; `None` where there is none, be it the end, a
    /// torn write or damage.
    pub(crate) fn next(&mut self) -> Result<Option<(Position, &[u8])>, StoreError> {
        let position = Position::new(self.id, self.offset);
        let (seed, id) = (self.seed, self.id);
        let start = u64::from(self.offset);
        let Some(bytes) = self.bytes(start, FRAME_HEADER)? else { return Ok(None) };
        let Some(header) = FrameHeader::decode(bytes, seed, position) else { return Ok(None) };
        let payload_len = header.payload as usize;
        let payload_at = start + FRAME_HEADER as u64;
        match self.bytes(payload_at, payload_len)? {
            Some(payload) if is_whole(&header, payload) => {}
            _ => return Ok(None),
        }
        self.offset += (FRAME_HEADER + payload_len) as u32;
        let payload = self.bytes(payload_at, payload_len)?.expect("it was there just now");
        Ok(Some((Position::new(id, payload_at as u32), payload)))
    }

    /// Whether any frame of this log starts after the reader's place: then what is here was durable once.
    pub(crate) fn has_later_frame(&mut self) -> Result<bool, StoreError> {
        let (seed, id) = (self.seed, self.id);
        let mut at = u64::from(self.offset) + 8;
        while at + FRAME_HEADER as u64 <= self.len {
            let count = (self.len - at).min(WINDOW as u64) as usize;
            let Some(bytes) = self.bytes(at, count)? else { return Ok(false) };
            for i in (0..=count - FRAME_HEADER).step_by(8) {
                let position = Position::new(id, (at + i as u64) as u32);
                if FrameHeader::decode(&bytes[i..], seed, position).is_some() {
                    return Ok(true);
                }
            }
            at += (count - FRAME_HEADER + 8) as u64 / 8 * 8;
        }
        Ok(false)
    }

    /// The end of the last byte that is not zero; `from` when all after it are.
    pub(crate) fn used_end(&mut self, from: u32) -> Result<u64, StoreError> {
        let (mut at, mut end) = (u64::from(from), u64::from(from));
        while at < self.len {
            let count = (self.len - at).min(WINDOW as u64) as usize;
            let Some(bytes) = self.bytes(at, count)? else { break };
            if let Some(last) = bytes.iter().rposition(|byte| *byte != 0) {
                end = at + last as u64 + 1;
            }
            at += count as u64;
        }
        Ok(end)
    }

    /// `None` beyond the end of the file.
    fn bytes(&mut self, at: u64, count: usize) -> Result<Option<&[u8]>, StoreError> {
        if at + count as u64 > self.len {
            return Ok(None);
        }
        let inside = at >= self.window_at && at + count as u64 <= self.window_at + self.window.len() as u64;
        if !inside {
            let wanted = (self.len - at).min(count.max(WINDOW) as u64) as usize;
            self.window.resize(wanted, 0);
            self.file.read_exact_at(&mut self.window, at)?;
            self.window_at = at;
        }
        let from = (at - self.window_at) as usize;
        Ok(Some(&self.window[from..from + count]))
    }
}
