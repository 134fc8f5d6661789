use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use haneul_env::Rng;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::DataKey;
use crate::data_key::{NONCE_LENGTH, TAG_LENGTH};

/// Makes opaque tokens: session tokens, NextTokens, encoded authorisation messages.
///
/// AES-256-GCM under a key of this cloud, with the purpose as associated data, so that no token can be forged, read, or
/// used for another purpose than its own.
#[derive(Clone)]
pub struct Seal {
    key: DataKey,
    /// Of the nonces that content decides.
    nonce_key: Hmac<Sha256>,
    rng: Rng,
}

/// Characters of what [`Seal::seal`] makes of so many bytes.
pub fn length_of(content_length: usize) -> usize {
    ((NONCE_LENGTH + content_length + TAG_LENGTH) * 4).div_ceil(3)
}

/// Longest token that is looked at, in characters.
const TOKEN_LENGTH_MAX: usize = 64 * 1024;

impl Seal {
    pub fn new(key: &[u8; 32], rng: Rng) -> Seal {
        let derived = mac(key).chain_update(b"haneul nonces of content").finalize().into_bytes();
        Seal { key: DataKey::new(key).expect("32 bytes are 256 bits"), nonce_key: mac(&derived), rng }
    }

    /// `content` as URL-safe base64 that only [`Seal::open`] with the same `purpose` can read.
    pub fn seal(&self, purpose: &str, content: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(self.key.seal(&self.rng, purpose.as_bytes(), content))
    }

    /// As [`Seal::seal`], but the same content gives the same token: who has two can tell whether they are alike, and nothing
    /// else. The nonce is a keyed hash of what is sealed, so that no two contents share one but by the chance that random ones
    /// have as well (the idea of RFC 5297).
    pub fn seal_alike(&self, purpose: &str, content: &[u8]) -> String {
        let length = (purpose.len() as u64).to_be_bytes();
        let hash = self.nonce_key.clone().chain_update(length).chain_update(purpose).chain_update(content);
        let mut nonce = [0; NONCE_LENGTH];
        nonce.copy_from_slice(&hash.finalize().into_bytes()[..NONCE_LENGTH]);
        URL_SAFE_NO_PAD.encode(self.key.seal_with(nonce, purpose.as_bytes(), content))
    }

    /// The content, when `token` was sealed by this cloud for this purpose and is unchanged.
    pub fn open(&self, purpose: &str, token: &str) -> Option<Vec<u8>> {
        if token.len() > TOKEN_LENGTH_MAX {
            return None;
        }
        self.key.open(purpose.as_bytes(), &URL_SAFE_NO_PAD.decode(token).ok()?)
    }
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_key_and_purpose_open() {
        let rng = Rng::seeded(1);
        let seal = Seal::new(&[7; 32], rng.clone());
        let token = seal.seal("session", b"secret");
        assert_eq!(seal.open("session", &token).as_deref(), Some(&b"secret"[..]));
        assert_eq!(seal.open("paging", &token), None);
        assert_eq!(token.len(), length_of(6));
        assert_eq!(Seal::new(&[8; 32], rng).open("session", &token), None);
        for i in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[i] = if changed[i] == b'A' { b'B' } else { b'A' };
            assert_eq!(seal.open("session", &String::from_utf8(changed).unwrap()), None, "byte {i}");
        }
        assert_eq!(seal.open("session", "é"), None);
    }
    #[test]
    fn the_same_content_gives_the_same_token() {
        let seal = Seal::new(&[7; 32], Rng::seeded(1));
        let token = seal.seal_alike("receipt", b"content");
        assert_eq!(seal.open("receipt", &token).as_deref(), Some(&b"content"[..]));
        assert_eq!(seal.seal_alike("receipt", b"content"), token);
        assert_ne!(seal.seal("receipt", b"content"), seal.seal("receipt", b"content"));
        let nonce = |token: &str| token[..NONCE_LENGTH * 4 / 3].to_owned();
        let others = [
            seal.seal_alike("receipt", b"content2"),
            seal.seal_alike("receiptc", b"ontent"),
            Seal::new(&[8; 32], Rng::seeded(1)).seal_alike("receipt", b"content"),
        ];
        for other in others {
            assert_ne!(nonce(&other), nonce(&token));
        }
    }
}
