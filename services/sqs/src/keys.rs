//! Data keys for the bodies of messages: made by KMS for who sends, opened by KMS for who receives.
//!
//! A key is asked for on the caller's behalf and serves that caller alone ([`Cx::holder`]), for as long as the queue says
//! (KmsDataKeyReusePeriodSeconds). A body is sealed with the key, and keeps it beside itself as KMS sealed it, so that
//! whoever may not decrypt with the key of KMS reads nothing. Names, attributes and times of a message are not sealed, as in
//! AWS; nor is a deduplication id, which for content-based deduplication is the body's SHA-256.
//!
//! Source: SQS Developer Guide, "Encryption at rest in Amazon SQS" and "Amazon SQS Key management".

use std::collections::HashMap;
use std::sync::Arc;

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use haneul_env::Rng;
use haneul_kit::{ApiError, Cx, Instant, Platform, Result};
use parking_lot::Mutex;

use crate::calls;
use crate::plane::LiveQueue;

const NONCE_LENGTH: usize = 12;
/// Most keys that are kept open; beyond them KMS is asked more often.
const OPEN_MAX: usize = 10_000;

/// The key of KMS that a queue is encrypted with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QueueKms {
    /// Id, ARN, alias name or alias ARN, as it was given.
    pub(crate) key_id: String,
    pub(crate) reuse_secs: u32,
}

/// A body that only its data key opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// The queue that it was sent to, to which KMS has bound the data key.
    pub(crate) queue_arn: String,
    pub(crate) key_arn: String,
    /// The data key as KMS sealed it.
    pub(crate) data_key: Vec<u8>,
    /// Nonce, and the body by AES-256-GCM with the queue's ARN bound to it.
    pub(crate) content: Vec<u8>,
}

/// A data key, open.
#[derive(Clone)]
pub(crate) struct DataKey {
    cipher: Arc<Aes256Gcm>,
    key_arn: Arc<str>,
    sealed: Arc<[u8]>,
}

/// Who asked KMS for what.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Asked {
    New { holder: String, queue_arn: String, key_id: String },
    Open { holder: String, data_key: Vec<u8> },
}

struct Kept {
    key: DataKey,
    since: Instant,
    reuse_secs: u32,
}

/// Keys that KMS made or opened lately.
#[derive(Default)]
pub(crate) struct Keys(Mutex<HashMap<Asked, Kept>>);

impl DataKey {
    /// `None` when these are not 256 bits.
    pub(crate) fn new(plaintext: &[u8], key_arn: &str, sealed: &[u8]) -> Option<DataKey> {
        let cipher = Arc::new(Aes256Gcm::new_from_slice(plaintext).ok()?);
        Some(DataKey { cipher, key_arn: key_arn.into(), sealed: sealed.into() })
    }

    pub(crate) fn seal(&self, rng: &Rng, queue_arn: &str, text: &str) -> Sealed {
        let nonce: [u8; NONCE_LENGTH] = rng.bytes();
        let payload = Payload { msg: text.as_bytes(), aad: queue_arn.as_bytes() };
        let sealed = self.cipher.encrypt(Nonce::from_slice(&nonce), payload);
        let sealed = sealed.expect("AES-GCM takes any content that fits in memory");
        Sealed {
            queue_arn: queue_arn.to_owned(),
            key_arn: self.key_arn.to_string(),
            data_key: self.sealed.to_vec(),
            content: [&nonce[..], &sealed].concat(),
        }
    }

    /// `None` when it is not what was sealed.
    fn open(&self, sealed: &Sealed) -> Option<String> {
        let (nonce, content) = sealed.content.split_at_checked(NONCE_LENGTH)?;
        let payload = Payload { msg: content, aad: sealed.queue_arn.as_bytes() };
        String::from_utf8(self.cipher.decrypt(Nonce::from_slice(nonce), payload).ok()?).ok()
    }
}

impl Keys {
    /// A key for what the caller sends to a queue.
    pub(crate) async fn for_sending(
        &self,
        platform: &Platform,
        cx: &Cx,
        queue: &LiveQueue,
        kms: &QueueKms,
    ) -> Result<DataKey> {
        let queue_arn = queue.arn.to_string();
        let key_id = full_key_id(queue, &kms.key_id);
        let asked = cx.holder().map(|holder| Asked::New {
            holder,
            queue_arn: queue_arn.clone(),
            key_id: key_id.clone(),
        });
        if let Some(key) = self.get(asked.as_ref(), cx.now(), kms.reuse_secs) {
            return Ok(key);
        }
        let key = calls::new_data_key(platform, cx, &queue_arn, &key_id).await?;
        self.keep(asked, &key, cx.now(), kms.reuse_secs);
        Ok(key)
    }

    /// Opens a body for the caller.
    pub(crate) async fn open(
        &self,
        platform: &Platform,
        cx: &Cx,
        sealed: &Sealed,
        reuse_secs: u32,
    ) -> Result<String> {
        let asked = cx.holder().map(|holder| Asked::Open { holder, data_key: sealed.data_key.clone() });
        let key = match self.get(asked.as_ref(), cx.now(), reuse_secs) {
            Some(key) => key,
            None => {
                let key = calls::open_data_key(platform, cx, sealed).await?;
                self.keep(asked, &key, cx.now(), reuse_secs);
                key
            }
        };
        key.open(sealed).ok_or_else(|| ApiError::internal("a message does not open with its data key"))
    }

    /// One that is no older than the queue allows now.
    fn get(&self, asked: Option<&Asked>, now: Instant, reuse_secs: u32) -> Option<DataKey> {
        self.0.lock().get(asked?).filter(|kept| kept.serves(now, reuse_secs)).map(|kept| kept.key.clone())
    }

    fn keep(&self, asked: Option<Asked>, key: &DataKey, now: Instant, reuse_secs: u32) {
        let Some(asked) = asked else { return };
        let mut open = self.0.lock();
        // No open key lies about for longer than it serves, as long as anybody asks.
        open.retain(|_, kept| kept.serves(now, kept.reuse_secs));
        if open.len() >= OPEN_MAX {
            open.clear();
        }
        open.insert(asked, Kept { key: key.clone(), since: now, reuse_secs });
    }
}

impl Kept {
    fn serves(&self, now: Instant, reuse_secs: u32) -> bool {
        now.millis() < self.since.millis() + i64::from(reuse_secs) * 1000
    }
}

/// What is no ARN is a key or an alias of the queue's account, whoever sends.
fn full_key_id(queue: &LiveQueue, key_id: &str) -> String {
    if key_id.starts_with("arn:") {
        return key_id.to_owned();
    }
    let resource = if key_id.starts_with("alias/") { key_id.to_owned() } else { format!("key/{key_id}") };
    haneul_kit::Arn::new("kms", queue.key.region, queue.key.account, resource).to_string()
}

#[cfg(test)]
mod tests {
    use haneul_env::Env;

    use super::*;

    #[test]
    fn only_what_was_sealed_opens() {
        let rng = Env::simulated(1).rng;
        let key = DataKey::new(&[7; 32], "arn:key", b"blob").unwrap();
        let sealed = key.seal(&rng, "arn:queue", "하늘");
        assert_eq!(key.open(&sealed).as_deref(), Some("하늘"));
        assert!(!sealed.content.windows(3).any(|part| part == &"하".as_bytes()[..3]));
        for bit in 0..sealed.content.len() * 8 {
            let mut changed = sealed.clone();
            changed.content[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.open(&changed), None, "bit {bit}");
        }
        assert_eq!(key.open(&Sealed { queue_arn: "arn:other".into(), ..sealed.clone() }), None);
        assert_eq!(key.open(&Sealed { content: Vec::new(), ..sealed.clone() }), None);
        let other = DataKey::new(&[8; 32], "arn:key", b"blob").unwrap();
        assert_eq!(other.open(&sealed), None);
        assert!(DataKey::new(&[7; 16], "arn:key", b"blob").is_none());
    }
}
