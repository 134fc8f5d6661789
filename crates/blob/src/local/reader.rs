use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use haneul_env::fs::File;
use tokio::task::JoinHandle;

use super::format::{BLOCK, HEADER, Header, Layout, block_checksum};
use super::pool::ColdMember;
use super::{Shared, blocking};
use crate::blobs::{BackendReader, BoxFuture};
use crate::cipher::TAG_BYTES;
use crate::id::Place;
use crate::{BlobError, BlobId, Cipher};

/// Blocks that are read at once where nobody waits for the disk: what is checked is then sent while it is still in the
/// core's cache, and many readers hold little.
const CACHED_BLOCKS: u64 = 1;

/// A buffer up to this size is made for the read; a larger one, which the allocator would take from the system and give back,
/// comes from the pool.
const SMALL: usize = 8 * 1024;

/// Reads in steps, which are made where they are wanted as long as the system has the file's name and their bytes in
/// memory: another thread costs more than the read. Once it has not, they are on blocking threads, each while the last one's
/// chunks are consumed.
pub(super) struct Reader {
    source: Source,
    /// What no step has asked for yet.
    rest: Range<u64>,
    chunks: VecDeque<Bytes>,
    ahead: Option<JoinHandle<Result<Step, BlobError>>>,
    /// Something had to come from the disk.
    cold: bool,
    /// Says how much is read at once since then.
    member: Option<ColdMember>,
}

#[derive(Clone)]
struct Source {
    shared: Arc<Shared>,
    id: BlobId,
    cipher: Option<Cipher>,
    /// `None` before the first step.
    open: Option<Opened>,
}

#[derive(Clone)]
struct Opened {
    file: File,
    /// Where in the file the blob's header is.
    at: u64,
    header: Header,
}

struct Step {
    source: Source,
    chunks: VecDeque<Bytes>,
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>, id: BlobId, range: Range<u64>, cipher: Option<Cipher>) -> Reader {
        Reader {
            source: Source { shared, id, cipher, open: None },
            rest: range,
            chunks: VecDeque::new(),
            ahead: None,
            cold: false,
            member: None,
        }
    }

    /// The part of the range that the next step reads: up to a block's end.
    fn take(&mut self, blocks: u64) -> Range<u64> {
        let blocks_end = (self.rest.start / BLOCK as u64).saturating_add(blocks).saturating_mul(BLOCK as u64);
        let part = self.rest.start..self.rest.end.min(blocks_end);
        self.rest.start = part.end;
        part
    }

    async fn step(&mut self) -> Result<(), BlobError> {
        let pool = &self.source.shared.pool;
        let blocks = self.member.get_or_insert_with(|| pool.join_cold()).blocks();
        let step = match self.ahead.take() {
            Some(ahead) => match ahead.await {
                Ok(step) => step?,
                Err(failed) => return Err(BlobError::Io(format!("the reading thread failed: {failed}"))),
            },
            None => {
                let (source, part, end) = (self.source.clone(), self.take(blocks), self.rest.end);
                blocking(move || source.read(part, end)).await?
            }
        };
        self.source = step.source;
        self.chunks = step.chunks;
        if self.cold && !self.rest.is_empty() {
            let (source, part, end) = (self.source.clone(), self.take(blocks), self.rest.end);
            self.ahead = Some(tokio::task::spawn_blocking(move || source.read(part, end)));
        }
        Ok(())
    }

    /// The next chunk, if no disk has to be waited for. Nothing has changed when there is none.
    fn next_cached(&mut self) -> Option<Result<Bytes, BlobError>> {
        if self.cold || self.rest.is_empty() {
            return None;
        }
        let whole = self.rest.clone();
        let part = self.take(CACHED_BLOCKS);
        match self.source.read_cached(&part, whole.end) {
            Ok(Some(chunks)) => self.chunks = chunks,
            Ok(None) => {
                self.cold = self.source.open.is_some();
                self.rest = whole;
            }
            Err(error) => {
                self.rest = 0..0;
                return Some(Err(error));
            }
        }
        self.chunks.pop_front().map(Ok)
    }
}

impl BackendReader for Reader {
    fn next(&mut self) -> BoxFuture<'_, Option<Result<Bytes, BlobError>>> {
        if let Some(chunk) = self.chunks.pop_front() {
            return Box::pin(std::future::ready(Some(Ok(chunk))));
        }
        if self.rest.is_empty() && self.ahead.is_none() {
            return Box::pin(std::future::ready(None));
        }
        if let Some(chunk) = self.next_cached() {
            return Box::pin(std::future::ready(Some(chunk)));
        }
        Box::pin(async {
            if let Err(error) = self.step().await {
                self.rest = 0..0;
                return Some(Err(error));
            }
            self.chunks.pop_front().map(Ok)
        })
    }
}

impl Source {
    /// Reads `part`, which is in at most [`super::pool::STEP_BLOCKS`] blocks. `end` is where the whole range ends.
    fn read(mut self, part: Range<u64>, end: u64) -> Result<Step, BlobError> {
        let id = self.id;
        let first = part.start / BLOCK as u64;
        // The header comes along when the read starts at the front: one read for a small blob.
        let with_header = self.open.is_none() && first == 0;
        let layout = self.layout();
        let from = if with_header { 0 } else { layout.offset_of(first) };
        let mut to = layout.offset_of(part.end.div_ceil(BLOCK as u64));
        let (file, at) = match &self.open {
            Some(Opened { file, at, header }) => {
                to = to.min(header.file_len());
                (file.clone(), *at)
            }
            None => {
                let (file, at, room) = self.shared.open_blob(id)?;
                to = to.min(room);
                (file, at)
            }
        };
        let wanted = to.saturating_sub(from) as usize;
        let mut buffer = self.buffer(wanted);
        let got = file.read_at(&mut buffer[..wanted], at + from)?;
        let header = match &self.open {
            Some(Opened { header, .. }) => *header,
            None if with_header => Header::decode(&buffer[..got.min(HEADER)], id)?,
            None => {
                let mut bytes = [0; HEADER];
                let got = file.read_at(&mut bytes, at)?;
                Header::decode(&bytes[..got], id)?
            }
        };
        self.open = Some(Opened { file, at, header });
        self.suits(header, end)?;
        let chunks = self.chunks(buffer, if with_header { HEADER } else { 0 }, got, first, &part, header)?;
        Ok(Step { source: self, chunks })
    }

    /// Whether this is how the blob was written, and it has a range that ends at `end`.
    fn suits(&self, header: Header, end: u64) -> Result<(), BlobError> {
        let (id, layout) = (self.id, self.layout());
        if header.layout != layout {
            let what = if layout.sealed { "it is not sealed" } else { "it is sealed" };
            return Err(BlobError::Damaged { id, what });
        }
        if end > header.len {
            return Err(BlobError::Range { id, len: header.len });
        }
        Ok(())
    }

    /// The same of what the system has in memory; `None` when it has not all of it.
    fn read_cached(&mut self, part: &Range<u64>, end: u64) -> Result<Option<VecDeque<Bytes>>, BlobError> {
        if self.open.is_none() {
            if let Some(place) = self.id.place() {
                return self.read_packed_cached(place, part, end);
            }
            self.open = self.open_cached(end)?;
        }
        let Some(Opened { file, at, header }) = &self.open else { return Ok(None) };
        let first = part.start / BLOCK as u64;
        let from = header.layout.offset_of(first);
        let to = header.layout.offset_of(part.end.div_ceil(BLOCK as u64)).min(header.file_len());
        let wanted = to.saturating_sub(from) as usize;
        let mut buffer = self.buffer(wanted);
        if !file.read_cached_at(&mut buffer[..wanted], at + from)? {
            self.shared.pool.give(buffer);
            return Ok(None);
        }
        self.chunks(buffer, 0, wanted, first, part, *header).map(Some)
    }

    /// The file and its header, if the system has the name and the header in memory.
    fn open_cached(&self, end: u64) -> Result<Option<Opened>, BlobError> {
        let Some(file) = self.shared.dirs.open_blob_cached(self.id)? else { return Ok(None) };
        let mut bytes = [0; HEADER];
        if !file.read_cached_at(&mut bytes, 0)? {
            return Ok(None);
        }
        let header = Header::decode(&bytes, self.id)?;
        self.suits(header, end)?;
        Ok(Some(Opened { file, at: 0, header }))
    }

    /// All of a blob in a pack at once, header and its one block, if the system has them in memory.
    fn read_packed_cached(
        &mut self,
        place: Place,
        part: &Range<u64>,
        end: u64,
    ) -> Result<Option<VecDeque<Bytes>>, BlobError> {
        let packs = self.shared.packs.as_ref();
        let Some((file, at)) = packs.and_then(|packs| packs.file_of_cached(place)) else { return Ok(None) };
        let room = place.room();
        let mut buffer = self.buffer(room);
        if !file.read_cached_at(&mut buffer[..room], at)? {
            self.shared.pool.give(buffer);
            return Ok(None);
        }
        let header = Header::decode(&buffer[..room], self.id)?;
        self.suits(header, end)?;
        self.open = Some(Opened { file, at, header });
        self.chunks(buffer, HEADER, room, 0, part, header).map(Some)
    }

    /// One with at least `wanted` bytes, of no meaning.
    fn buffer(&self, wanted: usize) -> Vec<u8> {
        if wanted <= SMALL { vec![0; wanted] } else { self.shared.pool.take_for(wanted) }
    }

    fn layout(&self) -> Layout {
        Layout { sealed: self.cipher.is_some() }
    }

    /// Checks and opens the blocks in `buffer[at..got]`, of which `first` is the first, and cuts `part` out of them.
    fn chunks(
        &self,
        mut buffer: Vec<u8>,
        mut at: usize,
        got: usize,
        first: u64,
        part: &Range<u64>,
        header: Header,
    ) -> Result<VecDeque<Bytes>, BlobError> {
        let layout = header.layout;
        let mut spans = Vec::with_capacity(got / layout.stored_block() + 1);
        let mut index = first;
        let mut start = first * BLOCK as u64;
        while start < part.end {
            let len = (header.len - start).min(BLOCK as u64) as usize;
            let Some(block) = buffer[..got].get_mut(at..at + len + layout.trailer()) else {
                return Err(BlobError::Damaged { id: self.id, what: "its file is cut short" });
            };
            self.check(index, block, len)?;
            let from = part.start.saturating_sub(start) as usize;
            let to = (part.end - start).min(len as u64) as usize;
            spans.push(at + from..at + to);
            at += layout.stored_block();
            index += 1;
            start += BLOCK as u64;
        }
        let buffer = Bytes::from_owner(Pooled { buffer, shared: self.shared.clone() });
        Ok(spans.into_iter().map(|span| buffer.slice(span)).collect())
    }

    /// Whether a block with what follows it is what was written; a sealed one is opened, and its tag says so.
    fn check(&self, index: u64, block: &mut [u8], len: usize) -> Result<(), BlobError> {
        if let (Some(cipher), Some(sealed)) = (&self.cipher, block.get_mut(..len + TAG_BYTES)) {
            return match cipher.open(index, sealed) {
                true => Ok(()),
                false => Err(BlobError::Damaged { id: self.id, what: "a block does not open" }),
            };
        }
        let (content, trailer) = block.split_at(len);
        if trailer[..] != block_checksum(self.id, index, content) {
            return Err(BlobError::Damaged { id: self.id, what: "a block's checksum is wrong" });
        }
        Ok(())
    }
}

/// Gives its buffer back when the last chunk of it is gone.
struct Pooled {
    buffer: Vec<u8>,
    shared: Arc<Shared>,
}

impl AsRef<[u8]> for Pooled {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        self.shared.pool.give(std::mem::take(&mut self.buffer));
    }
}
