//! Data keys for the bodies of messages: made by KMS for who sends, opened by KMS for who receives.
//!
//! A key is asked for on the caller's behalf and serves that caller alone ([`Cx::holder`]), for as long as the queue says
//! (KmsDataKeyReusePeriodSeconds). A body is sealed with the key, and keeps it beside itself as KMS sealed it, so that
//! whoever may not decrypt with the key of KMS reads nothing. Names, attributes and times of a message are not sealed, as in
//! AWS; nor is a deduplication id, which for content-based deduplication is the body's SHA-256.
//!
//! Source: SQS Developer Guide, "Encryption at rest in Amazon SQS" and "Amazon SQS Key management".

use std::sync::Arc;

use haneul_env::Rng;
use haneul_kit::{ApiError, Cx, OpenKeys, Platform, Result};

use crate::calls;
use crate::plane::LiveQueue;

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
    key: haneul_kit::DataKey,
    key_arn: Arc<str>,
    sealed: Arc<[u8]>,
}

/// Who asked KMS for what.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Asked {
    New { holder: String, queue_arn: String, key_id: String },
    Open { holder: String, data_key: Vec<u8> },
}

/// Keys that KMS made or opened lately.
#[derive(Default)]
pub(crate) struct Keys(OpenKeys<Asked, DataKey>);

impl DataKey {
    /// `None` when these are not 256 bits.
    pub(crate) fn new(plaintext: &[u8], key_arn: &str, sealed: &[u8]) -> Option<DataKey> {
        let key = haneul_kit::DataKey::new(plaintext)?;
        Some(DataKey { key, key_arn: key_arn.into(), sealed: sealed.into() })
    }

    pub(crate) fn seal(&self, rng: &Rng, queue_arn: &str, text: &str) -> Sealed {
        Sealed {
            queue_arn: queue_arn.to_owned(),
            key_arn: self.key_arn.to_string(),
            data_key: self.sealed.to_vec(),
            content: self.key.seal(rng, queue_arn.as_bytes(), text.as_bytes()),
        }
    }

    /// `None` when it is not what was sealed.
    fn open(&self, sealed: &Sealed) -> Option<String> {
        String::from_utf8(self.key.open(sealed.queue_arn.as_bytes(), &sealed.content)?).ok()
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
        if let Some(key) = self.0.get(asked.as_ref(), cx.now(), ms(kms.reuse_secs)) {
            return Ok(key);
        }
        let key = calls::new_data_key(platform, cx, &queue_arn, &key_id).await?;
        self.0.keep(asked, key.clone(), cx.now(), ms(kms.reuse_secs));
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
        let key = match self.0.get(asked.as_ref(), cx.now(), ms(reuse_secs)) {
            Some(key) => key,
            None => {
                let key = calls::open_data_key(platform, cx, sealed).await?;
                self.0.keep(asked, key.clone(), cx.now(), ms(reuse_secs));
                key
            }
        };
        key.open(sealed).ok_or_else(|| ApiError::internal("a message does not open with its data key"))
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

fn ms(secs: u32) -> i64 {
    i64::from(secs) * 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was moved from another queue is bound to that one.
    #[test]
    fn a_body_is_bound_to_the_queue_that_it_was_sent_to() {
        let rng = Rng::seeded(1);
        let key = DataKey::new(&[7; 32], "arn:key", b"blob").unwrap();
        let sealed = key.seal(&rng, "arn:queue", "하늘");
        assert_eq!(key.open(&sealed).as_deref(), Some("하늘"));
        assert_eq!((sealed.key_arn.as_str(), &sealed.data_key[..]), ("arn:key", &b"blob"[..]));
        assert_eq!(key.open(&Sealed { queue_arn: "arn:other".into(), ..sealed }), None);
    }
}
