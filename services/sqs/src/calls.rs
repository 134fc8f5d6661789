//! All that we ask of other services: KMS, for data keys, on behalf of who sends and receives.
//!
//! Who sends needs `kms:GenerateDataKey` and `kms:Decrypt`, who receives `kms:Decrypt`. Source: SQS Developer Guide, "Amazon
//! SQS Key management", "Configure AWS KMS permissions for Amazon SQS".

use haneul_kit::{ApiError, Cx, Operation, Platform, Result};
use haneul_kms_wire::operations as kms;
use haneul_kms_wire::shapes as k;
use haneul_shape::Bytes;
use haneul_shape::value::Map;

use crate::error;
use crate::keys::{DataKey, Sealed};

const PRINCIPAL: &str = "sqs.amazonaws.com";

fn context(queue_arn: &str) -> Map<String> {
    [("aws:sqs:arn", queue_arn.to_owned())].into_iter().collect()
}

pub(crate) async fn new_data_key(
    platform: &Platform,
    cx: &Cx,
    queue_arn: &str,
    key_id: &str,
) -> Result<DataKey> {
    let input = k::GenerateDataKeyRequest {
        key_id: key_id.to_owned(),
        key_spec: Some("AES_256".into()),
        encryption_context: Some(context(queue_arn)),
        ..Default::default()
    };
    let made = ask::<kms::GenerateDataKey>(platform, cx, input).await?;
    let (Some(blob), Some(key_arn)) = (made.ciphertext_blob, made.key_id) else { return Err(incomplete()) };
    // As AWS does: a key that cannot be opened again must not seal anything.
    open(platform, cx, queue_arn, &key_arn, blob).await
}

pub(crate) async fn open_data_key(platform: &Platform, cx: &Cx, sealed: &Sealed) -> Result<DataKey> {
    let blob = Bytes::from(sealed.data_key.clone());
    open(platform, cx, &sealed.queue_arn, &sealed.key_arn, blob).await
}

async fn open(platform: &Platform, cx: &Cx, queue_arn: &str, key_arn: &str, blob: Bytes) -> Result<DataKey> {
    let input = k::DecryptRequest {
        ciphertext_blob: Some(blob.clone()),
        encryption_context: Some(context(queue_arn)),
        key_id: Some(key_arn.to_owned()),
        ..Default::default()
    };
    let opened = ask::<kms::Decrypt>(platform, cx, input).await?;
    let plaintext = opened.plaintext.ok_or_else(incomplete)?;
    DataKey::new(&plaintext, key_arn, &blob).ok_or_else(incomplete)
}

async fn ask<O: Operation>(platform: &Platform, cx: &Cx, input: O::Input) -> Result<O::Output> {
    platform.forward::<O>(cx, PRINCIPAL, input).await.map_err(error::kms)
}

fn incomplete() -> ApiError {
    ApiError::internal("KMS gave no data key")
}
