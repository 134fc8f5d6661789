//! All that we ask of other services: KMS, on behalf of who puts, reads, or chooses a key.
//!
//! Who puts needs `kms:GenerateDataKey`, who reads `kms:Decrypt`, who chooses a key `kms:DescribeKey`. Source: Developer Guide, "Permissions to use user-generated
//! KMS keys".

use haneul_kit::{ApiError, Cx, DataKey, Operation, Platform, Result};
use haneul_kms_wire::operations as kms;
use haneul_kms_wire::shapes as k;
use haneul_kms_wire::values::{key_spec, key_state};
use haneul_shape::Bytes;
use haneul_shape::value::Map;

use crate::error;
use crate::keys::StreamDataKey;
use crate::row::Seal;

const PRINCIPAL: &str = "kinesis.amazonaws.com";

fn context(stream_arn: &str) -> Map<String> {
    [("aws:kinesis:arn", stream_arn.to_owned())].into_iter().collect()
}

pub(crate) async fn new_data_key(
    platform: &Platform,
    cx: &Cx,
    stream_arn: &str,
    key_id: &str,
) -> Result<StreamDataKey> {
    let input = k::GenerateDataKeyRequest {
        key_id: key_id.to_owned(),
        key_spec: Some("AES_256".into()),
        encryption_context: Some(context(stream_arn)),
        ..Default::default()
    };
    let made = ask::<kms::GenerateDataKey>(platform, cx, input).await?;
    let (Some(plaintext), Some(blob), Some(key_arn)) = (made.plaintext, made.ciphertext_blob, made.key_id)
    else {
        return Err(incomplete());
    };
    let key = DataKey::new(&plaintext).ok_or_else(incomplete)?;
    Ok(StreamDataKey { key, seal: Seal { key_arn, data_key: blob.to_vec() } })
}

pub(crate) async fn open_data_key(
    platform: &Platform,
    cx: &Cx,
    stream_arn: &str,
    seal: &Seal,
) -> Result<StreamDataKey> {
    let input = k::DecryptRequest {
        ciphertext_blob: Some(Bytes::from(seal.data_key.clone())),
        encryption_context: Some(context(stream_arn)),
        key_id: Some(seal.key_arn.clone()),
        ..Default::default()
    };
    let opened = ask::<kms::Decrypt>(platform, cx, input).await?;
    let key = opened.plaintext.and_then(|plaintext| DataKey::new(&plaintext)).ok_or_else(incomplete)?;
    Ok(StreamDataKey { key, seal: seal.clone() })
}

/// Whether a key can be used at all: who chooses one needs `kms:DescribeKey`, and may otherwise do nothing with it.
pub(crate) async fn check_key(platform: &Platform, cx: &Cx, key_id: &str) -> Result<()> {
    let input = k::DescribeKeyRequest { key_id: key_id.to_owned(), ..Default::default() };
    let described = ask::<kms::DescribeKey>(platform, cx, input).await?;
    let key = described.key_metadata.unwrap_or_default();
    let state = key.key_state.unwrap_or_default();
    match state.as_str() {
        key_state::ENABLED if key.key_spec.as_deref() == Some(key_spec::SYMMETRIC_DEFAULT) => Ok(()),
        key_state::ENABLED => Err(error::kms_state(format!("{key_id} is no key for symmetric encryption."))),
        key_state::DISABLED => Err(error::kms_disabled(format!("{key_id} is disabled."))),
        _ => Err(error::kms_state(format!("{key_id} is in the state {state}."))),
    }
}

async fn ask<O: Operation>(platform: &Platform, cx: &Cx, input: O::Input) -> Result<O::Output> {
    platform.forward::<O>(cx, PRINCIPAL, input).await.map_err(error::kms)
}

fn incomplete() -> ApiError {
    ApiError::internal("KMS gave no data key")
}
