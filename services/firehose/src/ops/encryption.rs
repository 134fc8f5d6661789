//! Encryption of what waits to be delivered: see [`crate::keys`].

use haneul_firehose_wire::operations as op;
use haneul_firehose_wire::shapes as s;
use haneul_firehose_wire::values::key_type;
use haneul_kit::{Access, Cx, Handle, Result};

use super::key;
use crate::Firehose;
use crate::error::{changed_at_once, invalid, not_for_sources, too_many};
use crate::model::{DataKeyRecord, StreamKey, StreamRecord};
use crate::store::STREAMS_MAX;

/// Streams that one key of KMS encrypts. Source: API Reference, "DeliveryStreamEncryptionConfigurationInput".
const STREAMS_OF_KEY_MAX: usize = 500;

/// Source: API Reference, "StartDeliveryStreamEncryption": only for streams that are put into.
fn refuse_source(stream: &StreamRecord) -> Result<()> {
    if stream.source.is_some() { Err(not_for_sources()) } else { Ok(()) }
}

impl Firehose {
    /// How a stream's data key is to be kept from now on.
    pub(super) async fn kept_as(
        &self,
        cx: &Cx,
        key: &StreamKey,
        (id, before): (u64, Option<&DataKeyRecord>),
        given: Option<&s::DeliveryStreamEncryptionConfigurationInput>,
    ) -> Result<DataKeyRecord> {
        let is_managed = given.is_some_and(|given| given.key_type == key_type::CUSTOMER_MANAGED_CMK);
        match (is_managed, given.and_then(|given| given.key_arn.as_deref())) {
            (false, None) => self.kept_by_us(key, id, before).await,
            (false, Some(_)) => Err(invalid("KeyARN must not be specified when KeyType is AWS_OWNED_CMK.")),
            (true, None) => Err(invalid("KeyARN must be specified when KeyType is CUSTOMER_MANAGED_CMK.")),
            (true, Some(key_arn)) => {
                let all = self.records.streams(key, None, STREAMS_MAX).await?;
                let others = all.iter().filter(|(_, other)| {
                    other.id != id
                        && other.data_key.as_ref().and_then(DataKeyRecord::key_arn) == Some(key_arn)
                });
                if others.count() >= STREAMS_OF_KEY_MAX {
                    return Err(too_many(format!(
                        "The key {key_arn} encrypts {STREAMS_OF_KEY_MAX} Firehose streams already."
                    )));
                }
                self.kept_by_kms(cx, key, id, before, key_arn).await
            }
        }
    }

    /// Keeps a stream's data key in another way, and gives back what the way before needed.
    async fn keep_as(
        &self,
        key: &StreamKey,
        before: &StreamRecord,
        after: Option<DataKeyRecord>,
        encrypts: bool,
    ) -> Result<()> {
        let changed = self.records.change(key, |stream| {
            if stream.id != before.id || stream.data_key != before.data_key {
                return Err(changed_at_once(key));
            }
            (stream.data_key, stream.encrypts) = (after.clone(), encrypts);
            Ok(())
        });
        let changed = changed.await;
        let unused = if changed.is_ok() { &before.data_key } else { &after };
        if before.data_key != after {
            self.retire(key, unused.as_ref()).await;
        }
        changed
    }
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
        let key = key(cx, &input.delivery_stream_name);
        let before = self.records.there(&key).await?;
        refuse_source(&before)?;
        let given = input.delivery_stream_encryption_configuration_input.as_ref();
        let after = self.kept_as(cx, &key, (before.id, before.data_key.as_ref()), given).await?;
        self.keep_as(&key, &before, Some(after), true).await?;
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
        let key = key(cx, &input.delivery_stream_name);
        let before = self.records.there(&key).await?;
        refuse_source(&before)?;
        // What was sealed may still wait.
        let after = match &before.data_key {
            Some(kept) => Some(self.kept_by_us(&key, before.id, Some(kept)).await?),
            None => None,
        };
        self.keep_as(&key, &before, after, false).await?;
        Ok(s::StopDeliveryStreamEncryptionOutput {})
    }
}
