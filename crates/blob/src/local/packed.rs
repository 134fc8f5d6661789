use std::sync::Arc;

use bytes::Bytes;

use super::Shared;
use super::format::{HEADER, Header, Layout, block_checksum};
use super::packs::{ENTRY_HEAD, PACKED_MAX, PAGE, Packs};
use super::writer::Writer;
use crate::blobs::{BackendWriter, Blob, BoxFuture};
use crate::id::Place;
use crate::{BlobError, BlobId, Cipher};

/// Collects a blob that is said to be small, and writes it to a pack at once.
pub(super) struct Packed {
    shared: Arc<Shared>,
    packs: Arc<Packs>,
    random: u64,
    cipher: Option<Cipher>,
    chunks: Vec<Bytes>,
    len: usize,
    /// It is larger than was said.
    file: Option<Writer>,
}

impl Packed {
    pub(super) fn new(shared: Arc<Shared>, packs: Arc<Packs>, random: u64, cipher: Option<Cipher>) -> Packed {
        Packed { shared, packs, random, cipher, chunks: Vec::new(), len: 0, file: None }
    }

    /// The entry, and the blob in it, at a place that is its own.
    fn entry(&self, place: Place) -> (Vec<u8>, Blob) {
        let id = BlobId::packed(place, self.random);
        let mut entry = self.shared.pool.take(usize::from(place.pages) * PAGE);
        entry.clear();
        entry.extend_from_slice(&id.to_bytes());
        entry.resize(ENTRY_HEAD + HEADER, 0);
        let mut crc32c = 0;
        for chunk in &self.chunks {
            if self.cipher.is_none() {
                crc32c = crc32c::crc32c_append(crc32c, chunk);
            }
            entry.extend_from_slice(chunk);
        }
        let start = ENTRY_HEAD + HEADER;
        if self.len > 0 {
            if let Some(cipher) = &self.cipher {
                let tag = cipher.seal(0, &mut entry[start..]);
                entry.extend_from_slice(&tag);
            }
            let checksum = block_checksum(id, 0, &entry[start..]);
            entry.extend_from_slice(&checksum);
        }
        let layout = Layout { sealed: self.cipher.is_some() };
        let header = Header { len: self.len as u64, crc32c, layout };
        entry[ENTRY_HEAD..start].copy_from_slice(&header.encode(id));
        entry.resize(usize::from(place.pages) * PAGE, 0);
        (entry, Blob { id, len: self.len as u64, crc32c })
    }
}

impl BackendWriter for Packed {
    fn write(&mut self, chunk: Bytes) -> BoxFuture<'_, Result<(), BlobError>> {
        self.len += chunk.len();
        self.chunks.push(chunk);
        if self.len <= PACKED_MAX {
            return Box::pin(std::future::ready(Ok(())));
        }
        let (shared, cipher) = (&self.shared, &self.cipher);
        let file = self.file.get_or_insert_with(|| Writer::new(shared.clone(), None, cipher.clone()));
        let chunks = std::mem::take(&mut self.chunks);
        Box::pin(async move {
            for chunk in chunks {
                file.write(chunk).await?;
            }
            Ok(())
        })
    }

    fn finish(mut self: Box<Self>) -> BoxFuture<'static, Result<Blob, BlobError>> {
        if let Some(file) = self.file.take() {
            return Box::new(file).finish();
        }
        Box::pin(async move {
            let trailer = if self.len == 0 { 0 } else { Layout { sealed: self.cipher.is_some() }.trailer() };
            let given = self.packs.give(ENTRY_HEAD + HEADER + self.len + trailer);
            let place = given.place;
            let (entry, blob) = self.entry(place);
            self.chunks = Vec::new();
            let mut unclaimed = Unclaimed { packs: self.packs.clone(), place, is_written: false };
            let written = self.packs.write(given, entry)?;
            unclaimed.is_written = true;
            let done =
                written.await.unwrap_or_else(|_| Err(BlobError::Io("the writing thread failed".to_owned())));
            // What failed the thread takes back.
            unclaimed.is_written = false;
            done.map(|()| blob)
        })
    }
}

/// A blob that is written and may be durable when nobody waits for it any more: then nobody will ever know its id.
struct Unclaimed {
    packs: Arc<Packs>,
    place: Place,
    is_written: bool,
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        // The thread does the same if it finds that nobody waits; one of the two comes after the write.
        if self.is_written {
            self.packs.discard(self.place);
        }
    }
}
