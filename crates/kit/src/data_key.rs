//! Data keys: what is kept is sealed with one, and the key itself is kept as KMS sealed it.
//!
//! How KMS is asked differs from service to service (who asks, the encryption context, errors), and stays there.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use haneul_base::Instant;
use haneul_env::Rng;
use parking_lot::Mutex;

pub(crate) const NONCE_LENGTH: usize = 12;
pub(crate) const TAG_LENGTH: usize = 16;

/// A key of AES-256-GCM, open. Cheap to clone.
#[derive(Clone)]
pub struct DataKey(Arc<Aes256Gcm>);

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey(withheld)")
    }
}

impl DataKey {
    /// `None` when these are not 256 bits.
    pub fn new(plaintext: &[u8]) -> Option<DataKey> {
        Some(DataKey(Arc::new(Aes256Gcm::new_from_slice(plaintext).ok()?)))
    }

    /// A nonce, what is sealed, and its tag. It opens only with the same `bound`.
    pub fn seal(&self, rng: &Rng, bound: &[u8], plain: &[u8]) -> Vec<u8> {
        self.seal_with(rng.bytes(), bound, plain)
    }

    /// Under one key no nonce may serve two contents.
    pub(crate) fn seal_with(&self, nonce: [u8; NONCE_LENGTH], bound: &[u8], plain: &[u8]) -> Vec<u8> {
        let payload = Payload { msg: plain, aad: bound };
        let sealed = self.0.encrypt(Nonce::from_slice(&nonce), payload);
        [&nonce[..], &sealed.expect("AES-GCM takes any content that fits in memory")].concat()
    }

    /// `None` when it is not what was sealed.
    pub fn open(&self, bound: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LENGTH)?;
        let payload = Payload { msg: sealed, aad: bound };
        self.0.decrypt(Nonce::from_slice(nonce), payload).ok()
    }
}

/// Keys that KMS made or opened lately, by what was asked of it and for whom ([`crate::Cx::holder`]).
pub struct OpenKeys<A, K>(Mutex<HashMap<A, Opened<K>>>);

struct Opened<K> {
    key: K,
    since: Instant,
    serves_ms: i64,
}

/// Beyond so many all are forgotten, and asked for again.
const OPEN_MAX: usize = 10_000;

impl<A, K> Default for OpenKeys<A, K> {
    fn default() -> OpenKeys<A, K> {
        OpenKeys(Mutex::default())
    }
}

impl<A: Hash + Eq, K: Clone> OpenKeys<A, K> {
    /// One that is no older than it may be now.
    pub fn get(&self, asked: Option<&A>, now: Instant, serves_ms: i64) -> Option<K> {
        let keys = self.0.lock();
        keys.get(asked?).filter(|opened| opened.is_good(now, serves_ms)).map(|opened| opened.key.clone())
    }

    /// Keeps a key. Those that are past their time go: none lies about open for much longer, as long as anybody asks.
    pub fn keep(&self, asked: Option<A>, key: K, now: Instant, serves_ms: i64) {
        let Some(asked) = asked else { return };
        let mut keys = self.0.lock();
        keys.retain(|_, opened| opened.is_good(now, opened.serves_ms));
        if keys.len() >= OPEN_MAX {
            keys.clear();
        }
        keys.insert(asked, Opened { key, since: now, serves_ms });
    }
}

impl<K> Opened<K> {
    fn is_good(&self, now: Instant, serves_ms: i64) -> bool {
        now.millis() < self.since.millis() + serves_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_sealed_opens() {
        let rng = Rng::seeded(1);
        let key = DataKey::new(&[7; 32]).unwrap();
        let sealed = key.seal(&rng, b"place", b"secret");
        assert_eq!(sealed.len(), NONCE_LENGTH + 6 + TAG_LENGTH);
        assert_eq!(key.open(b"place", &sealed).as_deref(), Some(&b"secret"[..]));
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        assert_ne!(key.seal(&rng, b"place", b"secret"), sealed);
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.open(b"place", &changed), None, "bit {bit}");
        }
        assert_eq!(key.open(b"elsewhere", &sealed), None);
        assert_eq!(key.open(b"place", &sealed[..NONCE_LENGTH - 1]), None);
        assert_eq!(DataKey::new(&[8; 32]).unwrap().open(b"place", &sealed), None);
        assert!(DataKey::new(&[7; 16]).is_none());
        assert_eq!(format!("{key:?}"), "DataKey(withheld)");
    }

    #[test]
    fn a_key_serves_for_its_time_and_goes() {
        let keys = OpenKeys::default();
        let at = Instant::from_millis;
        keys.keep(Some("a"), 1, at(0), 100);
        keys.keep(None, 2, at(0), 100);
        assert_eq!((keys.get(Some(&"a"), at(99), 100), keys.get(Some(&"a"), at(100), 100)), (Some(1), None));
        // A shorter time counts at once.
        assert_eq!(keys.get(Some(&"a"), at(50), 50), None);
        assert_eq!(keys.get(None, at(0), 100), None);
        keys.keep(Some("b"), 3, at(200), 100);
        assert_eq!(keys.0.lock().len(), 1);
    }
}
