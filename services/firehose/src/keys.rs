//! The data key of a stream: what seals the records that wait. It stays the same for as long as the stream is there; how it is
//! kept changes: sealed by the cloud (AWS_OWNED_CMK), or by a key of KMS (CUSTOMER_MANAGED_CMK) that the service may use by
//! a grant, made on behalf of who chose the key. So nothing that waits is ever left without a key that opens it.
//!
//! Source: API Reference, "DeliveryStreamEncryptionConfigurationInput" and "StopDeliveryStreamEncryption".

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use haneul_kit::{ApiError, Caller, Cx, DataKey, Operation, Result};
use haneul_kms_wire::{operations as kms, shapes as k};
use haneul_shape::value::Map;

use crate::firehose::{PRINCIPAL, arn};
use crate::model::{DataKeyRecord, StreamKey, StreamRecord};
use crate::{Firehose, error};

/// How long an open key serves before KMS is asked again.
const SERVES_MS: i64 = 5 * 60 * 1000;
/// What the service must be able to do with the key of KMS.
const GRANTED: [&str; 5] = ["GenerateDataKey", "Encrypt", "Decrypt", "DescribeKey", "RetireGrant"];

fn purpose(id: u64) -> String {
    format!("firehose.key {id}")
}

fn context(key: &StreamKey) -> Option<Map<String>> {
    Some([("aws:firehose:arn", arn(key).to_string())].into_iter().collect())
}

fn incomplete() -> ApiError {
    ApiError::internal("KMS gave no data key")
}

impl Firehose {
    /// What a stream's records are sealed with.
    pub(crate) async fn data_key(&self, key: &StreamKey, stream: &StreamRecord) -> Result<Option<DataKey>> {
        let Some(kept) = &stream.data_key else { return Ok(None) };
        let (asked, now) = (Some((stream.id, kept.clone())), self.platform.env.now());
        if let Some(open) = self.open_keys.get(asked.as_ref(), now, SERVES_MS) {
            return Ok(Some(open));
        }
        let plain = self.plain_key(key, stream.id, kept).await?;
        let open =
            DataKey::new(&plain).ok_or_else(|| ApiError::internal("the key of a stream does not open"))?;
        self.open_keys.keep(asked, open.clone(), now, SERVES_MS);
        Ok(Some(open))
    }

    async fn plain_key(&self, key: &StreamKey, id: u64, kept: &DataKeyRecord) -> Result<Bytes> {
        match kept {
            DataKeyRecord::Owned(sealed) => {
                let plain = self.platform.seal.open(&purpose(id), sealed);
                plain.map(Bytes::from).ok_or_else(|| ApiError::internal("the key of a stream does not open"))
            }
            DataKeyRecord::Kms { key_arn, sealed, .. } => {
                let input = k::DecryptRequest {
                    ciphertext_blob: Some(STANDARD.decode(sealed).map_err(ApiError::internal)?.into()),
                    encryption_context: context(key),
                    key_id: Some(key_arn.clone()),
                    ..Default::default()
                };
                self.as_service::<kms::Decrypt>(key, input).await?.plaintext.ok_or_else(incomplete)
            }
        }
    }

    /// The data key as the cloud keeps it; a new one where there is none yet.
    pub(crate) async fn kept_by_us(
        &self,
        key: &StreamKey,
        id: u64,
        before: Option<&DataKeyRecord>,
    ) -> Result<DataKeyRecord> {
        let plain = match before {
            Some(kept @ DataKeyRecord::Owned(_)) => return Ok(kept.clone()),
            Some(kept) => self.plain_key(key, id, kept).await?,
            None => Bytes::from(self.platform.env.rng.bytes::<32>().to_vec()),
        };
        Ok(DataKeyRecord::Owned(self.platform.seal.seal(&purpose(id), &plain)))
    }

    /// The same under a key of KMS. The grant for it is the caller's to retire if nothing comes of it.
    pub(crate) async fn kept_by_kms(
        &self,
        cx: &Cx,
        key: &StreamKey,
        id: u64,
        before: Option<&DataKeyRecord>,
        key_arn: &str,
    ) -> Result<DataKeyRecord> {
        let plain = match before {
            Some(kept) => Some(self.plain_key(key, id, kept).await?),
            None => None,
        };
        let input = k::CreateGrantRequest {
            key_id: key_arn.to_owned(),
            grantee_service_principal: Some(PRINCIPAL.into()),
            retiring_service_principal: Some(PRINCIPAL.into()),
            operations: GRANTED.map(str::to_owned).to_vec(),
            constraints: Some(k::GrantConstraints {
                encryption_context_subset: context(key),
                source_arn: Some(arn(key).to_string()),
                ..Default::default()
            }),
            ..Default::default()
        };
        let made = self.platform.forward::<kms::CreateGrant>(cx, PRINCIPAL, input).await;
        let grant = made.map_err(error::kms)?.grant_id.unwrap_or_default();
        let kept = |sealed: &[u8]| DataKeyRecord::Kms {
            key_arn: key_arn.to_owned(),
            sealed: STANDARD.encode(sealed),
            grant: grant.clone(),
        };
        match self.under(key, key_arn, plain).await {
            Ok(sealed) => Ok(kept(&sealed)),
            Err(refused) => {
                self.retire(key, Some(&kept(&[]))).await;
                Err(refused)
            }
        }
    }

    /// A data key as KMS seals it.
    async fn under(&self, key: &StreamKey, key_arn: &str, plain: Option<Bytes>) -> Result<Bytes> {
        let sealed = match plain {
            Some(plaintext) => {
                let input = k::EncryptRequest {
                    key_id: key_arn.to_owned(),
                    plaintext,
                    encryption_context: context(key),
                    ..Default::default()
                };
                self.as_service::<kms::Encrypt>(key, input).await?.ciphertext_blob
            }
            None => {
                let input = k::GenerateDataKeyRequest {
                    key_id: key_arn.to_owned(),
                    key_spec: Some("AES_256".into()),
                    encryption_context: context(key),
                    ..Default::default()
                };
                self.as_service::<kms::GenerateDataKey>(key, input).await?.ciphertext_blob
            }
        };
        sealed.ok_or_else(incomplete)
    }

    /// Gives back the permission to use a key of KMS.
    pub(crate) async fn retire(&self, key: &StreamKey, kept: Option<&DataKeyRecord>) {
        let Some(DataKeyRecord::Kms { key_arn, grant, .. }) = kept else { return };
        let input = k::RetireGrantRequest {
            key_id: Some(key_arn.clone()),
            grant_id: Some(grant.clone()),
            ..Default::default()
        };
        if let Err(error) = self.as_service::<kms::RetireGrant>(key, input).await {
            tracing::debug!(stream = key.2, %error, "a grant was not retired");
        }
    }

    async fn as_service<O: Operation>(&self, key: &StreamKey, input: O::Input) -> Result<O::Output> {
        let caller = Caller::service(PRINCIPAL, key.0);
        let source = Some(arn(key).to_string());
        self.platform.bus.call::<O>(caller, key.1, source, input).await.map_err(error::kms)
    }
}
