//! Bytes at rest: AES-256-GCM in the blocks of a blob, so that a range of an object costs the blocks that it touches.
//!
//! Every object has a data key of its own; each part of an upload a key derived from that with the part's salt. A block's
//! nonce is its number, which no key sees twice, so that a block in another place, a changed bit, or a missing tail does
//! not decrypt; how many bytes there are, the record knows.
//!
//! DSSE-KMS has two layers with two independent keys: AES-256 in counter mode inside, AES-256-GCM around it, which vouches
//! for both.

use aes::Aes256;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use ctr::Ctr128BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use haneul_blob::BlockCipher;
use haneul_blob::cipher::TAG_BYTES;
use haneul_shape::BoxError;
use zeroize::Zeroizing;

/// The key of one object, or of one upload. Gone from memory when it is dropped.
#[derive(Clone)]
pub(crate) struct DataKey {
    key: Key,
    /// Of the inner layer, where there are two.
    inner: Option<Key>,
}

type Key = Zeroizing<[u8; 32]>;

impl DataKey {
    pub(crate) fn new(bytes: [u8; 32]) -> DataKey {
        DataKey { key: Zeroizing::new(bytes), inner: None }
    }

    /// The same with one more layer inside.
    pub(crate) fn around(self, inner: [u8; 32]) -> DataKey {
        DataKey { inner: Some(Zeroizing::new(inner)), ..self }
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Option<DataKey> {
        bytes.try_into().ok().map(DataKey::new)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.key
    }

    /// The key of one piece of data: of the only one, or of a part by its salt.
    pub(crate) fn piece(&self, salt: Option<&[u8; 16]>) -> PieceKey {
        match salt {
            None => PieceKey::new(&self.key, self.inner.clone()),
            Some(salt) => {
                PieceKey::new(&of_part(&self.key, salt), self.inner.as_ref().map(|key| of_part(key, salt)))
            }
        }
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

fn of_part(key: &Key, salt: &[u8; 16]) -> Key {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key[..]);
    let mut context = hmac::Context::with_key(&key);
    context.update(b"haneul s3 part");
    context.update(salt);
    let derived = context.sign();
    let mut bytes = Zeroizing::new([0; 32]);
    bytes.copy_from_slice(&derived.as_ref()[..32]);
    bytes
}

/// The key of one piece of data. It seals each block once.
pub(crate) struct PieceKey {
    key: LessSafeKey,
    inner: Option<Key>,
}

impl PieceKey {
    fn new(bytes: &[u8; 32], inner: Option<Key>) -> PieceKey {
        let key = UnboundKey::new(&AES_256_GCM, bytes).expect("AES-256 takes 32 bytes");
        PieceKey { key: LessSafeKey::new(key), inner }
    }

    /// The inner layer, on and off: its counter begins with the block's number, and no block has 2^64 pieces.
    fn apply_inner(&self, block: u64, content: &mut [u8]) {
        let Some(key) = &self.inner else { return };
        let mut counter = [0; 16];
        counter[..8].copy_from_slice(&block.to_be_bytes());
        Ctr128BE::<Aes256>::new((&**key).into(), (&counter).into()).apply_keystream(content);
    }

    fn nonce(block: u64) -> Nonce {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&block.to_be_bytes());
        Nonce::assume_unique_for_key(nonce)
    }

    /// Small bytes, in the memory that they are in.
    pub(crate) fn seal_whole(&self, mut plain: Vec<u8>) -> Vec<u8> {
        if !plain.is_empty() {
            let tag = self.seal(0, &mut plain);
            plain.extend_from_slice(&tag);
        }
        plain
    }

    /// The other way round.
    pub(crate) fn open_whole(&self, mut sealed: Vec<u8>) -> Result<Vec<u8>, BoxError> {
        if sealed.is_empty() {
            return Ok(sealed);
        }
        if !self.open(0, &mut sealed) {
            return Err(damaged());
        }
        sealed.truncate(sealed.len() - TAG_BYTES);
        Ok(sealed)
    }
}

impl BlockCipher for PieceKey {
    fn seal(&self, block: u64, content: &mut [u8]) -> [u8; TAG_BYTES] {
        self.apply_inner(block, content);
        // It fails only for more bytes than any block has.
        let tag = self.key.seal_in_place_separate_tag(Self::nonce(block), Aad::empty(), content);
        let tag = tag.expect("a block is short enough for AES-GCM");
        tag.as_ref().try_into().expect("AES-GCM has tags of 16 bytes")
    }

    fn open(&self, block: u64, sealed: &mut [u8]) -> bool {
        match self.key.open_in_place(Self::nonce(block), Aad::empty(), sealed) {
            Ok(content) => {
                self.apply_inner(block, content);
                true
            }
            Err(_) => false,
        }
    }
}

fn damaged() -> BoxError {
    "encrypted bytes are damaged".into()
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
    use std::sync::Arc;

    use haneul_blob::Blobs;
    use haneul_blob::local::format::BLOCK;
    use haneul_kit::Env;

    use super::*;
    use crate::tests::world::noise;

    fn key() -> DataKey {
        DataKey::new([7; 32])
    }

    #[tokio::test]
    async fn spans_of_any_length() {
        let env = Env::simulated(1);
        for blobs in [Blobs::memory(&env), Blobs::open(&env, std::path::Path::new("/blobs")).unwrap()] {
            for length in [1, 100, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK, 5 * BLOCK + 17] {
                let plain = noise(length);
                let mut writer = blobs.sealed_writer(Some(length as u64), Arc::new(key().piece(None)));
                for piece in plain.chunks(50_000) {
                    writer.write(piece.to_vec().into()).await.unwrap();
                }
                let blob = writer.finish().await.unwrap();
                assert_eq!(blob.len, length as u64);
                for span in
                    [0..length, 0..1, length - 1..length, length / 2..length / 2 + 1, length / 3..length]
                {
                    let range = span.start as u64..span.end as u64;
                    let mut reader = blobs.sealed_reader(blob.id, range.clone(), Arc::new(key().piece(None)));
                    let mut read = Vec::new();
                    while let Some(piece) = reader.next().await {
                        read.extend_from_slice(&piece.unwrap());
                    }
                    assert!(read == plain[span.clone()], "{length}: {span:?}");
                    let other = Arc::new(key().piece(Some(&[1; 16])));
                    assert!(
                        blobs.sealed_reader(blob.id, range.clone(), other).next().await.unwrap().is_err()
                    );
                    assert!(blobs.reader(blob.id, range).next().await.unwrap().is_err());
                }
            }
        }
    }

    #[test]
    fn whatever_is_changed_is_found() {
        let plain = noise(1000);
        let stored = key().piece(None).seal_whole(plain.clone());
        assert_eq!(stored.len(), plain.len() + TAG_BYTES);
        assert_eq!(key().piece(None).open_whole(stored.clone()).unwrap(), plain);
        for at in [0, 1, 999, 1000, stored.len() - 1] {
            let mut flipped = stored.clone();
            flipped[at] ^= 1;
            assert!(key().piece(None).open_whole(flipped).is_err(), "byte {at}");
            assert!(key().piece(None).open_whole(stored[..at.max(1)].to_vec()).is_err(), "cut at {at}");
        }
        let mut block = plain.clone();
        let tag = BlockCipher::seal(&key().piece(None), 1, &mut block);
        block.extend_from_slice(&tag);
        assert!(!BlockCipher::open(&key().piece(None), 2, &mut block.clone()), "another place");
        assert!(BlockCipher::open(&key().piece(None), 1, &mut block) && block.starts_with(&plain));
        assert!(key().piece(None).seal_whole(Vec::new()).is_empty());
        assert!(key().piece(None).open_whole(Vec::new()).unwrap().is_empty());
    }

    #[test]
    fn two_layers() {
        let plain = noise(1000);
        let double = key().around([9; 32]);
        let stored = double.piece(None).seal_whole(plain.clone());
        assert_eq!(double.piece(None).open_whole(stored.clone()).unwrap(), plain);
        // Whoever takes the outer layer off finds the inner one.
        let outer_off = key().piece(None).open_whole(stored.clone()).unwrap();
        assert!(outer_off != plain && outer_off.len() == plain.len());
        assert!(key().around([8; 32]).piece(None).open_whole(stored).unwrap() != plain);
        let parts = [[1; 16], [2; 16]].map(|salt| double.piece(Some(&salt)).seal_whole(plain.clone()));
        assert!(parts[0] != parts[1]);
        assert_eq!(double.piece(Some(&[2; 16])).open_whole(parts[1].clone()).unwrap(), plain);
    }

    #[test]
    fn keys() {
        let (a, b) = (key().piece(Some(&[1; 16])), key().piece(Some(&[2; 16])));
        let stored = a.seal_whole(b"hello".to_vec());
        assert!(b.open_whole(stored.clone()).is_err(), "each part has a key of its own");
        assert_eq!(a.open_whole(stored).unwrap(), b"hello");
        let wrapped = wrap(&key(), &[9; 32], [3; 12], b"x");
        assert_eq!(unwrap(&wrapped, &[9; 32], b"x").unwrap().bytes(), key().bytes());
        assert!(unwrap(&wrapped, &[8; 32], b"x").is_none());
        assert!(unwrap(&wrapped, &[9; 32], b"y").is_none());
        assert!(unwrap(&wrapped[..20], &[9; 32], b"x").is_none());
        assert!(unwrap(&[], &[9; 32], b"x").is_none());
        assert_eq!(key().etag("a").len(), 32);
    }
}
