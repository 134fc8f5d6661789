//! Signing keys and the bounded cache that saves deriving them for every request.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use hmac::{Hmac, Mac};
use parking_lot::RwLock;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::encode::hex_32;

/// The key that signs for one secret, day, region and service. Cloning is cheap.
///
/// It holds the keyed HMAC state rather than the 32 bytes: that saves two of a signature's compressions.
#[derive(Clone)]
pub struct SigningKey(Arc<Hmac<Sha256>>);

impl SigningKey {
    /// Derives the key: four chained HMACs, as [the guide](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html)
    /// has it. `date` is `YYYYMMDD`.
    pub fn derive(secret_access_key: &str, date: &str, region: &str, service: &str) -> Self {
        let mut secret = Vec::with_capacity(4 + secret_access_key.len());
        secret.extend_from_slice(b"AWS4");
        secret.extend_from_slice(secret_access_key.as_bytes());
        let key = [date, region, service, "aws4_request"]
            .iter()
            .fold(keyed(&secret), |key, part| keyed(&mac(key, part.as_bytes())));
        Self(Arc::new(key))
    }

    /// The signature of a string to sign: 64 lower-case hexadecimal digits.
    pub fn sign(&self, string_to_sign: &[u8]) -> [u8; 64] {
        hex_32(&mac((*self.0).clone(), string_to_sign))
    }

    /// Compares in constant time. The signature's spelling counts: lower-case digits, as AWS's.
    pub fn verify(&self, string_to_sign: &[u8], signature: &[u8]) -> bool {
        self.sign(string_to_sign).ct_eq(signature).into()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey")
    }
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    // HMAC takes keys of every length, so this never fails.
    <Hmac<Sha256> as Mac>::new_from_slice(key).unwrap_or_else(|_| unreachable!("HMAC takes any key"))
}

fn mac(mut key: Hmac<Sha256>, message: &[u8]) -> [u8; 32] {
    key.update(message);
    key.finalize().into_bytes().into()
}

const WAYS: usize = 4;

/// A bounded, set-associative cache of signing keys.
///
/// An entry counts only for the very secret it was derived from, so that a rotated or re-created access key needs
/// no invalidation. [`Verifier`](crate::Verifier) inserts a key only after a signature made with it proved right:
/// whoever lacks the secret cannot push others' keys out.
pub struct SigningKeyCache {
    hasher: RandomState,
    sets: Box<[RwLock<Set>]>,
}

#[derive(Default)]
struct Set {
    ways: [Option<Entry>; WAYS],
    next: usize,
}

struct Entry {
    hash: u64,
    access_key_id: Box<str>,
    secret_access_key: Box<str>,
    scope: Box<str>,
    key: SigningKey,
}

impl SigningKeyCache {
    /// A cache of at most `capacity` keys, rounded up to a power of two (and to at least 4). A key takes about 400 bytes.
    pub fn new(capacity: usize) -> Self {
        let sets = capacity.clamp(WAYS, 1 << 20).div_ceil(WAYS).next_power_of_two();
        Self { hasher: RandomState::new(), sets: (0..sets).map(|_| RwLock::default()).collect() }
    }

    /// The cached key for a credential scope (`date/region/service/aws4_request`), if it was derived from this secret.
    pub fn get(&self, access_key_id: &str, secret_access_key: &str, scope: &str) -> Option<SigningKey> {
        let hash = self.hasher.hash_one((access_key_id, scope));
        let set = self.set(hash).read();
        let entry = set.ways.iter().flatten().find(|e| e.is(hash, access_key_id, scope))?;
        let same: bool = entry.secret_access_key.as_bytes().ct_eq(secret_access_key.as_bytes()).into();
        same.then(|| entry.key.clone())
    }

    /// Keeps a key; an older one of the same set makes room.
    pub fn insert(&self, access_key_id: &str, secret_access_key: &str, scope: &str, key: SigningKey) {
        let hash = self.hasher.hash_one((access_key_id, scope));
        let mut set = self.set(hash).write();
        let way = set
            .ways
            .iter()
            .position(|e| e.as_ref().is_none_or(|e| e.is(hash, access_key_id, scope)))
            .unwrap_or(set.next);
        set.next = (way + 1) % WAYS;
        set.ways[way] = Some(Entry {
            hash,
            access_key_id: access_key_id.into(),
            secret_access_key: secret_access_key.into(),
            scope: scope.into(),
            key,
        });
    }

    /// Forgets all keys (a reset of the whole cloud).
    pub fn clear(&self) {
        for set in &self.sets {
            *set.write() = Set::default();
        }
    }

    fn set(&self, hash: u64) -> &RwLock<Set> {
        &self.sets[hash as usize & (self.sets.len() - 1)]
    }
}

impl fmt::Debug for SigningKeyCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKeyCache({} ways)", self.sets.len() * WAYS)
    }
}

impl Entry {
    fn is(&self, hash: u64, access_key_id: &str, scope: &str) -> bool {
        self.hash == hash && *self.access_key_id == *access_key_id && *self.scope == *scope
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_bounded_and_follows_the_secret() {
        let cache = SigningKeyCache::new(8);
        let key = SigningKey::derive("s", "20150830", "us-east-1", "iam");
        for i in 0..1_000 {
            cache.insert(&format!("AKID{i}"), "s", "scope", key.clone());
        }
        let kept = (0..1_000).filter(|i| cache.get(&format!("AKID{i}"), "s", "scope").is_some()).count();
        assert!((4..=8).contains(&kept), "{kept}");

        cache.insert("A", "old", "scope", key.clone());
        assert!(cache.get("A", "old", "scope").is_some());
        assert!(cache.get("A", "new", "scope").is_none());
        assert!(cache.get("A", "old", "other").is_none());
        cache.insert("A", "new", "scope", key);
        assert!(cache.get("A", "new", "scope").is_some());
        assert!(cache.get("A", "old", "scope").is_none());
        cache.clear();
        assert!(cache.get("A", "new", "scope").is_none());
    }
}
