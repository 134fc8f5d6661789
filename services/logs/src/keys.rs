//! Data keys of groups with a key of KMS: made when the key is associated, kept as KMS sealed them, and opened by KMS for each
//! reading, so that a key that is disabled or gone hides what it sealed at once.
//!
//! Source: CloudWatch Logs User Guide, "Encrypt log data in CloudWatch Logs using AWS Key Management Service".

use std::collections::HashMap;
use std::sync::Arc;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use haneul_env::Rng;
use haneul_kit::{ApiError, Instant, Result};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use crate::Logs;
use crate::error;
use crate::names::GroupName;

const NONCE_LENGTH: usize = 12;

/// How long an open key serves to write before KMS is asked again. Source: the guide, "up to 5 minutes".
const OPEN_MS: i64 = 5 * 60_000;
const OPEN_MAX: usize = 10_000;

/// A data key, open.
#[derive(Clone)]
pub(crate) struct DataKey {
    cipher: Arc<Aes256Gcm>,
    /// What hashes in indexes are made with.
    index_key: Arc<[u8; 32]>,
    rng: Rng,
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DataKey(withheld)")
    }
}

impl DataKey {
    /// `None` when these are not 256 bits.
    pub(crate) fn new(plaintext: &[u8], rng: &Rng) -> Option<DataKey> {
        let cipher = Aes256Gcm::new_from_slice(plaintext).ok()?;
        let mut index_key = Sha256::new();
        index_key.update(b"field indexes\0");
        index_key.update(plaintext);
        let index_key = Arc::new(index_key.finalize().into());
        Some(DataKey { cipher: Arc::new(cipher), index_key, rng: rng.clone() })
    }

    pub(crate) fn index_key(&self) -> &[u8; 32] {
        &self.index_key
    }

    /// A nonce and what is sealed, which opens only with the same `bound`.
    pub(crate) fn seal(&self, bound: &[u8], plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_LENGTH] = self.rng.bytes();
        let payload = Payload { msg: plain, aad: bound };
        let sealed = self.cipher.encrypt(Nonce::from_slice(&nonce), payload);
        [&nonce[..], &sealed.expect("AES-GCM takes any content that fits in memory")].concat()
    }

    pub(crate) fn open(&self, bound: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LENGTH)?;
        let payload = Payload { msg: sealed, aad: bound };
        self.cipher.decrypt(Nonce::from_slice(nonce), payload).ok()
    }
}

/// Whether KMS must be asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fresh {
    Yes,
    /// A key that was opened lately will do.
    No,
}

/// Keys that were opened lately, by group and number.
#[derive(Default)]
pub(crate) struct OpenKeys(Mutex<HashMap<(u64, u64), (DataKey, Instant)>>);

impl OpenKeys {
    fn get(&self, at: (u64, u64), now: Instant) -> Option<DataKey> {
        self.0.lock().get(&at).filter(|(_, until)| now < *until).map(|(key, _)| key.clone())
    }

    fn keep(&self, at: (u64, u64), key: DataKey, until: Instant) {
        let mut open = self.0.lock();
        if open.len() >= OPEN_MAX {
            open.clear();
        }
        open.insert(at, (key, until));
    }
}

impl Logs {
    /// A group's data key of that number.
    ///
    /// # Errors
    /// When KMS does not open it for us.
    pub(crate) async fn data_key(
        &self,
        name: &GroupName,
        group: u64,
        number: u64,
        fresh: Fresh,
    ) -> Result<DataKey> {
        let now = self.platform.env.now();
        let at = (group, number);
        if fresh == Fresh::No
            && let Some(key) = self.open_keys.get(at, now)
        {
            return Ok(key);
        }
        let record = self.records.data_key(group, number).await?;
        let record = record.ok_or_else(|| ApiError::internal("a group's data key is gone"))?;
        let plain =
            self.decrypt_data_key(name, &record).await.map_err(|refused| error::key(&refused, name))?;
        let key = DataKey::new(&plain, &self.platform.env.rng);
        let key = key.ok_or_else(|| ApiError::internal("KMS gave no data key"))?;
        self.open_keys.keep(at, key.clone(), Instant::from_millis(now.millis() + OPEN_MS));
        Ok(key)
    }
}
