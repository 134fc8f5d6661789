//! StartStreamEncryption and StopStreamEncryption.

use haneul_kinesis_wire::operations::{StartStreamEncryption, StopStreamEncryption};
use haneul_kinesis_wire::shapes as s;
use haneul_kinesis_wire::values::encryption_type;
use haneul_kit::{Access, ApiError, Cx, Handle, Result};
use haneul_shape::Empty;

use super::within_a_day;
use crate::Kinesis;
use crate::error;
use crate::keys::full_key_id;
use crate::model::{Change, StreamRecord};
use crate::names::StreamKey;

/// Source: API Reference, "StartStreamEncryption" and "StopStreamEncryption".
const CHANGED_A_DAY_MAX: usize = 25;

fn noted(key: &StreamKey, record: &mut StreamRecord, now_ms: i64) -> Result<()> {
    if within_a_day(&mut record.key_changed_ms, now_ms) >= CHANGED_A_DAY_MAX {
        return Err(error::limit(format!(
            "The encryption of stream {} under account {} cannot be changed more than {CHANGED_A_DAY_MAX} times \
             within 24 hours.",
            key.name, key.account
        )));
    }
    record.key_changed_ms.push(now_ms);
    Ok(())
}

fn not_kms() -> ApiError {
    error::invalid("The only valid value of EncryptionType is KMS.")
}

impl Handle<StartStreamEncryption> for Kinesis {
    async fn access(&self, cx: &Cx, input: &s::StartStreamEncryptionInput) -> Result<Vec<Access>> {
        let (name, arn) = (input.stream_name.as_deref(), input.stream_arn.as_deref());
        self.on_named(cx, "kinesis:StartStreamEncryption", name, arn)
    }

    async fn call(&self, cx: &Cx, input: s::StartStreamEncryptionInput) -> Result<Empty> {
        let stream = self.stream(cx, input.stream_name.as_deref(), input.stream_arn.as_deref()).await?;
        if input.encryption_type != encryption_type::KMS {
            return Err(not_kms());
        }
        let key_id = full_key_id(&stream.key, &input.key_id);
        crate::calls::check_key(&self.platform, cx, &key_id).await?;
        let (key, now_ms, kms_key) = (stream.key.clone(), cx.now().millis(), Some(input.key_id));
        let begun = self.registry.begin(&stream, move |_, record| {
            noted(&key, record, now_ms)?;
            Ok((Change::Encrypt { kms_key }, ()))
        });
        begun.await?;
        self.keeper.wake();
        Ok(Empty)
    }
}

impl Handle<StopStreamEncryption> for Kinesis {
    async fn access(&self, cx: &Cx, input: &s::StopStreamEncryptionInput) -> Result<Vec<Access>> {
        let (name, arn) = (input.stream_name.as_deref(), input.stream_arn.as_deref());
        self.on_named(cx, "kinesis:StopStreamEncryption", name, arn)
    }

    async fn call(&self, cx: &Cx, input: s::StopStreamEncryptionInput) -> Result<Empty> {
        let stream = self.stream(cx, input.stream_name.as_deref(), input.stream_arn.as_deref()).await?;
        if input.encryption_type != encryption_type::KMS {
            return Err(not_kms());
        }
        let (key, now_ms) = (stream.key.clone(), cx.now().millis());
        let begun = self.registry.begin(&stream, move |_, record| {
            noted(&key, record, now_ms)?;
            Ok((Change::Encrypt { kms_key: None }, ()))
        });
        begun.await?;
        self.keeper.wake();
        Ok(Empty)
    }
}
