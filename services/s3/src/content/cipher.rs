//! Bytes at rest: AES-256-GCM in chunks, so that a range of an object costs the chunks that it touches.
//!
//! Every object has a data key of its own; each part of an upload a key derived from that with the part's salt. A chunk's
//! nonce is its number, which no key sees twice, so that a chunk in another place, a changed bit, or a missing tail does
//! not decrypt; how many chunks there are, the record knows.

use bytes::Bytes;
use haneul_blob::BlobReader;
use haneul_shape::BoxError;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hmac;
use zeroize::Zeroizing;

use crate::range::Span;

/// Plain bytes of one chunk; the last of a piece may be shorter.
pub(crate) const CHUNK_BYTES: usize = 64 * 1024;

const TAG_BYTES: usize = 16;

/// How long `length` bytes are when they are sealed.
pub(crate) fn sealed_length(length: u64) -> u64 {
    length + length.div_ceil(CHUNK_BYTES as u64) * TAG_BYTES as u64
}

/// The key of one object, or of one upload. Gone from memory when it is dropped.
#[derive(Clone)]
pub(crate) struct DataKey(Zeroizing<[u8; 32]>);

impl DataKey {
    pub(crate) fn new(bytes: [u8; 32]) -> DataKey {
        DataKey(Zeroizing::new(bytes))
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Option<DataKey> {
        bytes.try_into().ok().map(DataKey::new)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key of one piece of data: of the only one, or of a part by its salt.
    pub(crate) fn piece(&self, salt: Option<&[u8; 16]>) -> PieceKey {
        let Some(salt) = salt else { return PieceKey::new(self.bytes()) };
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.bytes());
        let mut context = hmac::Context::with_key(&key);
        context.update(b"haneul s3 part");
        context.update(salt);
        let derived = context.sign();
        let mut bytes = Zeroizing::new([0; 32]);
        bytes.copy_from_slice(&derived.as_ref()[..32]);
        PieceKey::new(&bytes)
    }

    /// An ETag that says nothing of the content, for objects whose MD5 is not to be told.
    pub(crate) fn etag(&self, md5: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.bytes());
        let tag = hmac::sign(&key, format!("haneul s3 etag {md5}").as_bytes());
        hex::encode(&tag.as_ref()[..16])
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey(withheld)")
    }
}

/// The key of one piece of data. It seals each chunk once.
pub(crate) struct PieceKey(LessSafeKey);

impl PieceKey {
    fn new(bytes: &[u8; 32]) -> PieceKey {
        let key = UnboundKey::new(&AES_256_GCM, bytes).expect("AES-256 takes 32 bytes");
        PieceKey(LessSafeKey::new(key))
    }

    fn nonce(chunk: u64) -> Nonce {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&chunk.to_be_bytes());
        Nonce::assume_unique_for_key(nonce)
    }

    fn seal(&self, chunk: u64, bytes: &mut Vec<u8>) {
        // It fails only for more bytes than any chunk has.
        let sealed = self.0.seal_in_place_append_tag(Self::nonce(chunk), Aad::empty(), bytes);
        sealed.expect("a chunk is short enough for AES-GCM");
    }

    fn open(&self, chunk: u64, bytes: &mut Vec<u8>) -> Result<(), BoxError> {
        let plain = self.0.open_in_place(Self::nonce(chunk), Aad::empty(), bytes).map_err(|_| damaged())?;
        let length = plain.len();
        bytes.truncate(length);
        Ok(())
    }

    /// Bytes that are in memory as a whole, sealed.
    pub(crate) fn seal_all(&self, plain: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(sealed_length(plain.len() as u64) as usize);
        for (i, chunk) in plain.chunks(CHUNK_BYTES).enumerate() {
            let mut chunk = chunk.to_vec();
            self.seal(i as u64, &mut chunk);
            sealed.append(&mut chunk);
        }
        sealed
    }

    /// The same, in the memory that the bytes are in where they are one chunk.
    pub(crate) fn seal_owned(&self, mut plain: Vec<u8>) -> Vec<u8> {
        if plain.len() > CHUNK_BYTES {
            return self.seal_all(&plain);
        }
        if !plain.is_empty() {
            self.seal(0, &mut plain);
        }
        plain
    }

    /// The other way round.
    pub(crate) fn open_all(&self, sealed: Vec<u8>) -> Result<Vec<u8>, BoxError> {
        if sealed.len() <= CHUNK_BYTES + TAG_BYTES {
            let mut only = sealed;
            if !only.is_empty() {
                self.open(0, &mut only)?;
            }
            return Ok(only);
        }
        let mut plain = Vec::with_capacity(sealed.len());
        for (i, chunk) in sealed.chunks(CHUNK_BYTES + TAG_BYTES).enumerate() {
            let mut chunk = chunk.to_vec();
            self.open(i as u64, &mut chunk)?;
            plain.append(&mut chunk);
        }
        Ok(plain)
    }
}

fn damaged() -> BoxError {
    "encrypted bytes are damaged".into()
}

/// Seals a stream, chunk by chunk.
pub(crate) struct Sealer {
    key: PieceKey,
    chunk: u64,
    pending: Vec<u8>,
}

impl Sealer {
    pub(crate) fn new(key: PieceKey) -> Sealer {
        Sealer { key, chunk: 0, pending: Vec::new() }
    }

    /// Takes bytes and gives the chunks that they fill.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> Vec<Bytes> {
        let mut full = Vec::with_capacity(bytes.len() / CHUNK_BYTES + 1);
        while !bytes.is_empty() {
            if self.pending.capacity() == 0 {
                self.pending.reserve_exact(CHUNK_BYTES + TAG_BYTES);
            }
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK_BYTES - self.pending.len()));
            self.pending.extend_from_slice(now);
            bytes = later;
            if self.pending.len() == CHUNK_BYTES {
                full.extend(self.finish());
            }
        }
        full
    }

    /// The last chunk, if anything is left for it.
    pub(crate) fn finish(&mut self) -> Option<Bytes> {
        if self.pending.is_empty() {
            return None;
        }
        let mut chunk = std::mem::take(&mut self.pending);
        self.key.seal(self.chunk, &mut chunk);
        self.chunk += 1;
        Some(Bytes::from(chunk))
    }
}

/// The sealed bytes in which a span of a piece of `length` plain bytes is.
pub(crate) fn sealed_span(span: Span, length: u64) -> Span {
    let chunk = CHUNK_BYTES as u64;
    let sealed = chunk + TAG_BYTES as u64;
    let start = span.start / chunk * sealed;
    let end = span.end.div_ceil(chunk) * sealed;
    Span { start, end: end.min(sealed_length(length)) }
}

/// Opens a span of a sealed blob.
pub(crate) struct Opener {
    reader: BlobReader,
    key: PieceKey,
    chunk: u64,
    /// Plain bytes before the span in its first chunk, and of the span that are left.
    skip: usize,
    left: u64,
    /// Sealed bytes that are to come.
    sealed: u64,
    piece: Bytes,
}

impl Opener {
    /// `reader` reads [`sealed_span`] of the span.
    pub(crate) fn new(reader: BlobReader, key: PieceKey, span: Span, length: u64) -> Opener {
        let chunk = CHUNK_BYTES as u64;
        Opener {
            reader,
            key,
            chunk: span.start / chunk,
            skip: (span.start % chunk) as usize,
            left: span.length(),
            sealed: sealed_span(span, length).length(),
            piece: Bytes::new(),
        }
    }

    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, BoxError>> {
        if self.left == 0 {
            return None;
        }
        Some(self.chunk().await)
    }

    async fn chunk(&mut self) -> Result<Bytes, BoxError> {
        let length = self.sealed.min((CHUNK_BYTES + TAG_BYTES) as u64) as usize;
        let mut chunk = Vec::with_capacity(length);
        while chunk.len() < length {
            if self.piece.is_empty() {
                self.piece = self.reader.next().await.ok_or_else(damaged)??;
            }
            let taken = self.piece.split_to(self.piece.len().min(length - chunk.len()));
            chunk.extend_from_slice(&taken);
        }
        self.sealed -= length as u64;
        self.key.open(self.chunk, &mut chunk)?;
        self.chunk += 1;
        let skip = std::mem::take(&mut self.skip);
        let end = (chunk.len() as u64).min((skip as u64).saturating_add(self.left)) as usize;
        if skip >= end {
            return Err(damaged());
        }
        self.left -= (end - skip) as u64;
        Ok(Bytes::from(chunk).slice(skip..end))
    }
}

/// Wraps a key with another: 12 bytes of nonce, then the key and its tag.
pub(crate) fn wrap(key: &DataKey, with: &[u8; 32], nonce: [u8; 12], purpose: &[u8]) -> Vec<u8> {
    let wrapping = UnboundKey::new(&AES_256_GCM, with).expect("AES-256 takes 32 bytes");
    let mut wrapped = key.bytes().to_vec();
    LessSafeKey::new(wrapping)
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(purpose), &mut wrapped)
        .expect("a key is short enough for AES-GCM");
    [&nonce[..], &wrapped].concat()
}

/// `None` when it was wrapped with another key, for another purpose, or is damaged.
pub(crate) fn unwrap(wrapped: &[u8], with: &[u8; 32], purpose: &[u8]) -> Option<DataKey> {
    let (nonce, sealed) = wrapped.split_at_checked(12)?;
    let wrapping = UnboundKey::new(&AES_256_GCM, with).ok()?;
    let mut sealed = Zeroizing::new(sealed.to_vec());
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let plain = LessSafeKey::new(wrapping).open_in_place(nonce, Aad::from(purpose), &mut sealed).ok()?;
    DataKey::from_slice(plain)
}

#[cfg(test)]
mod tests {
    use haneul_blob::Blobs;
    use haneul_kit::Env;

    use super::*;
    use crate::tests::world::noise;

    fn key() -> DataKey {
        DataKey::new([7; 32])
    }

    fn sealed(plain: &[u8], step: usize) -> Vec<u8> {
        let mut sealer = Sealer::new(key().piece(None));
        let mut out = Vec::new();
        for piece in plain.chunks(step) {
            sealer.push(piece).into_iter().for_each(|chunk| out.extend_from_slice(&chunk));
        }
        out.extend(sealer.finish().into_iter().flatten());
        out
    }

    async fn read(sealed: &[u8], span: Span, length: u64) -> Result<Vec<u8>, BoxError> {
        let blobs = Blobs::memory(&Env::simulated(1));
        let blob = blobs.put(Bytes::copy_from_slice(sealed)).await.unwrap();
        let at = sealed_span(span, length);
        let mut opener =
            Opener::new(blobs.reader(blob.id, at.start..at.end), key().piece(None), span, length);
        let mut plain = Vec::new();
        while let Some(piece) = opener.next().await {
            plain.extend_from_slice(&piece?);
        }
        Ok(plain)
    }

    #[tokio::test]
    async fn spans_of_any_length() {
        let chunk = CHUNK_BYTES;
        for length in [1, 100, chunk - 1, chunk, chunk + 1, 3 * chunk, 3 * chunk + 17] {
            let plain = noise(length);
            let stored = sealed(&plain, 5000);
            assert_eq!(stored.len() as u64, sealed_length(length as u64));
            assert_eq!(stored, sealed(&plain, length), "whatever the pieces");
            assert_eq!(stored, key().piece(None).seal_all(&plain));
            assert_eq!(key().piece(None).open_all(stored.clone()).unwrap(), plain);
            for (start, end) in [
                (0, length),
                (0, 1),
                (length - 1, length),
                (length / 2, length / 2 + 1),
                (length / 3, length),
            ] {
                let span = Span { start: start as u64, end: end as u64 };
                assert_eq!(
                    read(&stored, span, length as u64).await.unwrap(),
                    plain[start..end],
                    "{length}: {start}..{end}"
                );
            }
        }
        assert_eq!(sealed_length(0), 0);
        assert!(key().piece(None).open_all(Vec::new()).unwrap().is_empty());
    }

    #[tokio::test]
    async fn whatever_is_changed_is_found() {
        let length = 2 * CHUNK_BYTES + 100;
        let plain = noise(length);
        let stored = sealed(&plain, length);
        let whole = Span::whole(length as u64);
        for at in [0, 1, CHUNK_BYTES, CHUNK_BYTES + TAG_BYTES - 1, CHUNK_BYTES + TAG_BYTES, stored.len() - 1]
        {
            let mut flipped = stored.clone();
            flipped[at] ^= 1;
            assert!(read(&flipped, whole, length as u64).await.is_err(), "byte {at}");
            assert!(key().piece(None).open_all(flipped).is_err());
        }
        // Torn at a chunk's end, and two chunks changed for one another.
        let torn = &stored[..CHUNK_BYTES + TAG_BYTES];
        assert!(read(torn, whole, length as u64).await.is_err());
        let (a, rest) = stored.split_at(CHUNK_BYTES + TAG_BYTES);
        let (b, c) = rest.split_at(CHUNK_BYTES + TAG_BYTES);
        assert!(read(&[b, a, c].concat(), whole, length as u64).await.is_err());
    }

    #[test]
    fn keys() {
        let (a, b) = (key().piece(Some(&[1; 16])), key().piece(Some(&[2; 16])));
        let stored = a.seal_all(b"hello");
        assert!(b.open_all(stored.clone()).is_err(), "each part has a key of its own");
        assert_eq!(a.open_all(stored).unwrap(), b"hello");
        let wrapped = wrap(&key(), &[9; 32], [3; 12], b"x");
        assert_eq!(unwrap(&wrapped, &[9; 32], b"x").unwrap().bytes(), key().bytes());
        assert!(unwrap(&wrapped, &[8; 32], b"x").is_none());
        assert!(unwrap(&wrapped, &[9; 32], b"y").is_none());
        assert!(unwrap(&wrapped[..20], &[9; 32], b"x").is_none());
        assert!(unwrap(&[], &[9; 32], b"x").is_none());
        assert_eq!(key().etag("a").len(), 32);
    }
}
