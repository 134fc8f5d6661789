use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, Key, KeyInit, Nonce};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use haneul_env::Rng;

/// Makes opaque tokens: session tokens, NextTokens, encoded authorisation messages.
///
/// AES-256-GCM under a key of this cloud, with the purpose as associated data, so that no token can be forged, read, or
/// used for another purpose than its own.
#[derive(Clone)]
pub struct Seal {
    cipher: Aes256Gcm,
    rng: Rng,
}

const NONCE_LENGTH: usize = 12;

const TAG_LENGTH: usize = 16;

/// Characters of what [`Seal::seal`] makes of so many bytes.
pub fn length_of(content_length: usize) -> usize {
    ((NONCE_LENGTH + content_length + TAG_LENGTH) * 4).div_ceil(3)
}

/// Longest token that is looked at, in characters.
const TOKEN_LENGTH_MAX: usize = 64 * 1024;

impl Seal {
    pub fn new(key: &[u8; 32], rng: Rng) -> Seal {
        Seal { cipher: Aes256Gcm::new(Key::<Aes256Gcm>::from_slice(key)), rng }
    }

    /// `content` as URL-safe base64 that only [`Seal::open`] with the same `purpose` can read.
    pub fn seal(&self, purpose: &str, content: &[u8]) -> String {
        let nonce: [u8; NONCE_LENGTH] = self.rng.bytes();
        let payload = Payload { msg: content, aad: purpose.as_bytes() };
        let sealed = self
            .cipher
            .encrypt(Nonce::from_slice(&nonce), payload)
            .expect("AES-GCM takes any content that fits in memory");
        URL_SAFE_NO_PAD.encode([&nonce[..], &sealed].concat())
    }

    /// The content, when `token` was sealed by this cloud for this purpose and is unchanged.
    pub fn open(&self, purpose: &str, token: &str) -> Option<Vec<u8>> {
        if token.len() > TOKEN_LENGTH_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_LENGTH)?;
        let payload = Payload { msg: sealed, aad: purpose.as_bytes() };
        self.cipher.decrypt(Nonce::from_slice(nonce), payload).ok()
    }
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
}
