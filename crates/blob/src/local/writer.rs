use std::sync::Arc;

use bytes::Bytes;
use haneul_env::fs::File;
use tokio::task::JoinHandle;

use super::format::{BLOCK, HEADER, Header, Layout, block_checksum};
use super::pool::{BUFFER, Member, SMALL_BUFFER};
use super::{Shared, blocking};
use crate::blobs::{BackendWriter, Blob, BoxFuture};
use crate::{BlobError, BlobId, Cipher};

/// Bytes from which on a write is worth its call, unless a step is shorter: then a block is, whose buffer is small. Much
/// larger ones have Linux look for contiguous memory that a busy machine does not have.
const WRITE: usize = 2 * BLOCK;

/// From this length on, a known length is compared with what is free on the disk before anything is written.
const CHECK_ROOM_FROM: u64 = 8 * 1024 * 1024;

/// Collects chunks on the async side and writes them in steps on a blocking thread, at most one step at a time: the
/// next one fills up meanwhile. A blob of one step is created, written and synced in a single hop.
pub(super) struct Writer {
    len: Option<u64>,
    /// What has not come yet of a known length.
    missing: Option<u64>,
    chunks: Vec<Bytes>,
    collected: usize,
    /// Says how much is handed to the writing thread at once.
    member: Member,
    state: State,
}

enum State {
    Idle(Box<Output>),
    Busy(JoinHandle<Result<Box<Output>, BlobError>>),
    Failed(BlobError),
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, len: Option<u64>, cipher: Option<Cipher>) -> Writer {
        let member = shared.pool.join();
        let output = Output {
            shared,
            cipher,
            worth: WRITE,
            file: None,
            buffer: Vec::new(),
            flushed: 0,
            in_block: 0,
            blocks: 0,
            len: 0,
            crc32c: 0,
        };
        Writer {
            len,
            missing: len,
            chunks: Vec::new(),
            collected: 0,
            member,
            state: State::Idle(Box::new(output)),
        }
    }

    /// Waits for the step that is running.
    async fn idle(&mut self) -> Result<Box<Output>, BlobError> {
        match std::mem::replace(
            &mut self.state,
            State::Failed(BlobError::Io("the write was given up".to_owned())),
        ) {
            State::Idle(output) => Ok(output),
            State::Failed(error) => {
                self.state = State::Failed(error.clone());
                Err(error)
            }
            State::Busy(handle) => {
                let done = match handle.await {
                    Ok(done) => done,
                    Err(failed) => Err(BlobError::Io(format!("the writing thread failed: {failed}"))),
                };
                done.inspect_err(|error| self.state = State::Failed(error.clone()))
            }
        }
    }

    /// Bytes that are worth a call now.
    fn worth(&self) -> usize {
        if self.member.step() < WRITE { BLOCK } else { WRITE }
    }

    async fn step(&mut self) -> Result<(), BlobError> {
        let mut output = self.idle().await?;
        let chunks = std::mem::take(&mut self.chunks);
        self.collected = 0;
        output.worth = self.worth();
        let expected = self.len.take().filter(|len| *len >= CHECK_ROOM_FROM);
        self.state = State::Busy(tokio::task::spawn_blocking(move || {
            if let Some(len) = expected {
                output.shared.dirs.check_room(len)?;
            }
            output.write(&chunks)?;
            Ok(output)
        }));
        Ok(())
    }
}

impl BackendWriter for Writer {
    fn write(&mut self, chunk: Bytes) -> BoxFuture<'_, Result<(), BlobError>> {
        self.collected += chunk.len();
        self.missing = self.missing.map(|missing| missing.saturating_sub(chunk.len() as u64));
        self.chunks.push(chunk);
        let step = self.member.step();
        // The last ones go with what ends the blob, in one hop.
        if self.collected < step || (self.missing == Some(0) && self.collected < 2 * step) {
            return Box::pin(std::future::ready(Ok(())));
        }
        Box::pin(self.step())
    }

    fn finish(mut self: Box<Self>) -> BoxFuture<'static, Result<Blob, BlobError>> {
        Box::pin(async move {
            let mut output = self.idle().await?;
            let chunks = std::mem::take(&mut self.chunks);
            // One block needs no more than a small buffer.
            output.worth = if self.collected <= BLOCK { BLOCK } else { self.worth() };
            blocking(move || {
                output.write(&chunks)?;
                output.finish()
            })
            .await
            .map(Unclaimed::claim)
        })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let state = std::mem::replace(&mut self.state, State::Failed(BlobError::Full));
        // A step that is still running drops its output on its own thread.
        if let State::Idle(output) = state
            && output.file.is_some()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn_blocking(move || drop(output));
        }
    }
}

/// The file side, on blocking threads. Takes the file back when dropped before it is finished.
struct Output {
    shared: Arc<Shared>,
    cipher: Option<Cipher>,
    /// Bytes from which on a write is worth its call.
    worth: usize,
    /// `None` before the first write and when finished.
    file: Option<(BlobId, File)>,
    /// What comes next in the file: room for the header at its start, whole blocks, one that is not full yet.
    buffer: Vec<u8>,
    /// Bytes in the file before that.
    flushed: u64,
    /// Content bytes of the block that is not full yet.
    in_block: usize,
    /// Blocks before it.
    blocks: u64,
    len: u64,
    crc32c: u32,
}

impl Output {
    fn write(&mut self, chunks: &[Bytes]) -> Result<(), BlobError> {
        let id = self.start()?;
        for chunk in chunks {
            if self.cipher.is_none() {
                self.crc32c = crc32c::crc32c_append(self.crc32c, chunk);
            }
            self.len += chunk.len() as u64;
            let mut rest = &chunk[..];
            while !rest.is_empty() {
                let count = rest.len().min(BLOCK - self.in_block);
                self.buffer.extend_from_slice(&rest[..count]);
                self.in_block += count;
                rest = &rest[count..];
                if self.in_block == BLOCK {
                    self.end_block(id);
                    if self.buffer.len() >= self.worth || self.buffer.capacity() < BUFFER {
                        self.flush()?;
                    }
                }
            }
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Unclaimed, BlobError> {
        let id = self.start()?;
        if self.in_block > 0 {
            self.end_block(id);
        }
        let layout = Layout { sealed: self.cipher.is_some() };
        let header = Header { len: self.len, crc32c: self.crc32c, layout }.encode(id);
        if self.flushed == 0 {
            self.buffer[..HEADER].copy_from_slice(&header);
            self.flush()?;
        } else {
            self.flush()?;
            self.file(|file| file.write_at(&header, 0))?;
        }
        self.file(File::sync_data)?;
        self.shared.dirs.sync_name(id)?;
        self.file = None;
        let blob = Blob { id, len: self.len, crc32c: self.crc32c };
        Ok(Unclaimed { shared: self.shared.clone(), blob, claimed: false })
    }

    fn start(&mut self) -> Result<BlobId, BlobError> {
        if let Some((id, _)) = &self.file {
            return Ok(*id);
        }
        let (id, file) = self.shared.dirs.create()?;
        self.file = Some((id, file));
        self.buffer = self.take_buffer();
        self.buffer.resize(HEADER, 0);
        Ok(id)
    }

    /// An empty one, of the size that is wanted now.
    fn take_buffer(&self) -> Vec<u8> {
        let wanted = if self.worth > BLOCK { BUFFER } else { SMALL_BUFFER };
        let mut buffer = self.shared.pool.take(wanted);
        buffer.clear();
        buffer
    }

    /// Completes a block in the buffer, where it is from its first byte on, in one piece.
    fn end_block(&mut self, id: BlobId) {
        let start = self.buffer.len() - self.in_block;
        if let Some(cipher) = &self.cipher {
            let tag = cipher.seal(self.blocks, &mut self.buffer[start..]);
            self.buffer.extend_from_slice(&tag);
        }
        let checksum = block_checksum(id, self.blocks, &self.buffer[start..]);
        self.buffer.extend_from_slice(&checksum);
        self.in_block = 0;
        self.blocks += 1;
    }

    fn flush(&mut self) -> Result<(), BlobError> {
        self.file(|file| file.write_at(&self.buffer, self.flushed))?;
        self.flushed += self.buffer.len() as u64;
        self.buffer.clear();
        // More write now than when it was taken.
        if self.worth <= BLOCK && self.buffer.capacity() >= BUFFER {
            let small = self.take_buffer();
            self.shared.pool.give(std::mem::replace(&mut self.buffer, small));
        }
        Ok(())
    }

    fn file(&self, work: impl FnOnce(&File) -> std::io::Result<()>) -> Result<(), BlobError> {
        let (_, file) = self.file.as_ref().expect("every caller has started it");
        Ok(work(file)?)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.shared.pool.give(std::mem::take(&mut self.buffer));
        if let Some((id, _)) = self.file.take() {
            self.shared.dirs.discard(id);
        }
    }
}

/// A finished blob whose writer may have gone away: then nobody will ever know its id.
struct Unclaimed {
    shared: Arc<Shared>,
    blob: Blob,
    claimed: bool,
}

impl Unclaimed {
    fn claim(mut self) -> Blob {
        self.claimed = true;
        self.blob
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if !self.claimed {
            self.shared.dirs.discard(self.blob.id);
        }
    }
}
