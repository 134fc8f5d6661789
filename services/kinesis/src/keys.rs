//! Data keys for records: made by KMS for who puts, opened by KMS for who reads.
//!
//! A key is asked for on the caller's behalf and serves that caller alone ([`Cx::holder`]), for five minutes. A parcel of
//! records is sealed with the key and keeps it beside itself as KMS sealed it, so whoever may not decrypt with the key of
//! KMS reads nothing. Source: Developer Guide, "Data protection in Amazon Kinesis Data Streams", "How do I use
//! server-side encryption".

use std::sync::Arc;

use bytes::Bytes;
use haneul_env::Rng;
use haneul_kit::{ApiError, Arn, Cx, DataKey, OpenKeys, Platform, Result};

use crate::calls;
use crate::names::StreamKey;
use crate::row::{Parcel, Seal};

/// How long a data key serves.
const SERVES_MS: i64 = 5 * 60 * 1000;

/// A data key, open, and as KMS sealed it.
#[derive(Clone)]
pub(crate) struct StreamDataKey {
    pub(crate) key: DataKey,
    pub(crate) seal: Seal,
}

/// Who asked KMS for what.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Asked {
    New { holder: String, stream_arn: String, key_id: String },
    Open { holder: String, data_key: Vec<u8> },
}

/// Keys that KMS made or opened lately.
#[derive(Default)]
pub(crate) struct Keys(OpenKeys<Asked, Arc<StreamDataKey>>);

/// Opens parcels of one stream for one caller.
pub(crate) struct Opener<'a> {
    pub(crate) keys: &'a Keys,
    pub(crate) platform: &'a Platform,
    pub(crate) cx: &'a Cx,
    pub(crate) stream_arn: &'a Arn,
    /// The key that opened the parcel before, for callers that no key is kept for.
    last: Option<Arc<StreamDataKey>>,
}

impl StreamDataKey {
    pub(crate) fn seal_body(&self, rng: &Rng, stream_arn: &Arn, body: &[u8]) -> Vec<u8> {
        self.key.seal(rng, stream_arn.as_str().as_bytes(), body)
    }
}

impl Keys {
    /// A key for what the caller puts into a stream.
    pub(crate) async fn for_putting(
        &self,
        platform: &Platform,
        cx: &Cx,
        stream: &StreamKey,
        key_id: &str,
    ) -> Result<Arc<StreamDataKey>> {
        let (stream_arn, key_id) = (stream.arn().to_string(), full_key_id(stream, key_id));
        let asked = cx.holder().map(|holder| Asked::New {
            holder,
            stream_arn: stream_arn.clone(),
            key_id: key_id.clone(),
        });
        if let Some(key) = self.0.get(asked.as_ref(), cx.now(), SERVES_MS) {
            return Ok(key);
        }
        let key = Arc::new(calls::new_data_key(platform, cx, &stream_arn, &key_id).await?);
        self.0.keep(asked, key.clone(), cx.now(), SERVES_MS);
        Ok(key)
    }
}

impl<'a> Opener<'a> {
    pub(crate) fn new(keys: &'a Keys, platform: &'a Platform, cx: &'a Cx, stream_arn: &'a Arn) -> Opener<'a> {
        Opener { keys, platform, cx, stream_arn, last: None }
    }

    /// The body of a parcel.
    pub(crate) async fn open(&mut self, parcel: Parcel) -> Result<Bytes> {
        let Some(seal) = parcel.seal else { return Ok(parcel.body.into()) };
        let key = match self.last.take().filter(|last| last.seal == seal) {
            Some(last) => last,
            None => self.key(&seal).await?,
        };
        let body = key.key.open(self.stream_arn.as_str().as_bytes(), &parcel.body);
        self.last = Some(key);
        body.map(Bytes::from).ok_or_else(|| ApiError::internal("a parcel does not open with its data key"))
    }

    async fn key(&self, seal: &Seal) -> Result<Arc<StreamDataKey>> {
        let now = self.platform.env.now();
        let asked = self.cx.holder().map(|holder| Asked::Open { holder, data_key: seal.data_key.clone() });
        if let Some(key) = self.keys.0.get(asked.as_ref(), now, SERVES_MS) {
            return Ok(key);
        }
        let key = calls::open_data_key(self.platform, self.cx, self.stream_arn.as_str(), seal).await?;
        let key = Arc::new(key);
        self.keys.0.keep(asked, key.clone(), now, SERVES_MS);
        Ok(key)
    }
}

/// What is no ARN is a key or an alias of the stream's account, whoever asks.
pub(crate) fn full_key_id(stream: &StreamKey, key_id: &str) -> String {
    if key_id.starts_with("arn:") {
        return key_id.to_owned();
    }
    let resource = if key_id.starts_with("alias/") { key_id.to_owned() } else { format!("key/{key_id}") };
    Arn::new("kms", stream.region, stream.account, resource).to_string()
}
