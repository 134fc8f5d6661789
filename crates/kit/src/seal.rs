use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use haneul_env::Rng;

use crate::DataKey;
use crate::data_key::{NONCE_LENGTH, TAG_LENGTH};

/// Makes opaque tokens: session tokens, NextTokens, encoded authorisation messages.
///
/// AES-256-GCM under a key of this cloud, with the purpose as associated data, so that no token can be forged, read, or
/// used for another purpose than its own.
#[derive(Clone)]
pub struct Seal {
    key: DataKey,
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
        Seal { key: DataKey::new(key).expect("32 bytes are 256 bits"), rng }
    }

    /// `content` as URL-safe base64 that only [`Seal::open`] with the same `purpose` can read.
    pub fn seal(&self, purpose: &str, content: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(self.key.seal(&self.rng, purpose.as_bytes(), content))
    }

    /// The content, when `token` was sealed by this cloud for this purpose and is unchanged.
    pub fn open(&self, purpose: &str, token: &str) -> Option<Vec<u8>> {
        if token.len() > TOKEN_LENGTH_MAX {
            return None;
        }
        self.key.open(purpose.as_bytes(), &URL_SAFE_NO_PAD.decode(token).ok()?)
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
