//! Encryption of what waits to be delivered, by a key of the stream's own that the cloud seals (AWS_OWNED_CMK).

use haneul_firehose_wire::operations as op;
use haneul_firehose_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result};

use super::key;
use crate::Firehose;
use crate::delivery::key_purpose;
use crate::error::{not_for_sources, not_offered};
use crate::model::StreamRecord;

/// A new key for a stream's records, sealed.
pub(super) fn fresh_key(state: &Firehose, id: u64) -> String {
    let key: [u8; 32] = state.platform.env.rng.bytes();
    state.platform.seal.seal(&key_purpose(id), &key)
}

pub(super) fn check(given: Option<&s::DeliveryStreamEncryptionConfigurationInput>) -> Result<()> {
    match given {
        Some(given) if given.key_type == "CUSTOMER_MANAGED_CMK" => Err(not_offered("CUSTOMER_MANAGED_CMK")),
        _ => Ok(()),
    }
}

/// Source: API Reference, "StartDeliveryStreamEncryption": only for streams that are put into.
fn refuse_source(stream: &StreamRecord) -> Result<()> {
    if stream.source.is_some() { Err(not_for_sources()) } else { Ok(()) }
}

impl Handle<op::StartDeliveryStreamEncryption> for Firehose {
    async fn access(&self, cx: &Cx, input: &s::StartDeliveryStreamEncryptionInput) -> Result<Vec<Access>> {
        Ok(vec![
            self.on("firehose:StartDeliveryStreamEncryption", &key(cx, &input.delivery_stream_name)).await?,
        ])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::StartDeliveryStreamEncryptionInput,
    ) -> Result<s::StartDeliveryStreamEncryptionOutput> {
        check(input.delivery_stream_encryption_configuration_input.as_ref())?;
        self.records
            .change(&key(cx, &input.delivery_stream_name), |stream| {
                refuse_source(stream)?;
                // What was sealed with an earlier key may still wait.
                let key = stream.data_key.take().unwrap_or_else(|| fresh_key(self, stream.id));
                (stream.data_key, stream.encrypts) = (Some(key), true);
                Ok(())
            })
            .await?;
        Ok(s::StartDeliveryStreamEncryptionOutput {})
    }
}

impl Handle<op::StopDeliveryStreamEncryption> for Firehose {
    async fn access(&self, cx: &Cx, input: &s::StopDeliveryStreamEncryptionInput) -> Result<Vec<Access>> {
        Ok(vec![
            self.on("firehose:StopDeliveryStreamEncryption", &key(cx, &input.delivery_stream_name)).await?,
        ])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::StopDeliveryStreamEncryptionInput,
    ) -> Result<s::StopDeliveryStreamEncryptionOutput> {
        self.records
            .change(&key(cx, &input.delivery_stream_name), |stream| {
                refuse_source(stream)?;
                stream.encrypts = false;
                Ok(())
            })
            .await?;
        Ok(s::StopDeliveryStreamEncryptionOutput {})
    }
}
