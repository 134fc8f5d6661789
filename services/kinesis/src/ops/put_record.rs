//! PutRecord, and what PutRecords checks alike.

use haneul_kinesis_wire::operations::PutRecord;
use haneul_kinesis_wire::shapes as s;
use haneul_kinesis_wire::values::encryption_type;
use haneul_kit::{Access, ApiError, Cx, Handle, Result};
use haneul_shape::Bytes;

use crate::Kinesis;
use crate::error;
use crate::hash::HashKey;
use crate::metrics as m;
use crate::model::StreamRecord;
use crate::names::{self, shard_id};
use crate::plane::put::{Outcome, Put, Routed};
use crate::row::Entry;

/// A record of a request, where it is in it (`records.1.member.` or nothing), and what it is checked against.
pub(super) fn routed(
    stream: &StreamRecord,
    place: &str,
    data: Bytes,
    partition_key: Option<String>,
    explicit_hash_key: Option<&str>,
) -> Result<Routed> {
    let entry = Entry { partition_key, data };
    let max = stream.record_kib_max as usize * 1024;
    if entry.size() > max {
        return Err(error::validation(format!(
            "1 validation error detected: Value at '{place}data' failed to satisfy constraint: Member must have \
             length less than or equal to {max}."
        )));
    }
    let explicit = match explicit_hash_key {
        Some(text) => Some(HashKey::parse(text).ok_or_else(|| error::invalid_hash_key(text))?),
        None => None,
    };
    if stream.spread {
        return Ok(Routed { at: None, entry });
    }
    let own = entry.partition_key.as_deref().map(HashKey::of).ok_or_else(|| {
        error::validation(format!(
            "1 validation error detected: Value null at '{place}partitionKey' failed to satisfy constraint: Member \
             must not be null"
        ))
    })?;
    Ok(Routed { at: Some(explicit.unwrap_or(own)), entry })
}

impl Handle<PutRecord> for Kinesis {
    async fn access(&self, cx: &Cx, input: &s::PutRecordInput) -> Result<Vec<Access>> {
        self.on_named(cx, "kinesis:PutRecord", input.stream_name.as_deref(), input.stream_arn.as_deref())
    }

    async fn call(&self, cx: &Cx, input: s::PutRecordInput) -> Result<s::PutRecordOutput> {
        let key = names::stream(cx, input.stream_name.as_deref(), input.stream_arn.as_deref())?;
        let stream = self.usable(cx, &key).await?;
        let record = routed(
            &stream.state().record,
            "",
            input.data,
            input.partition_key,
            input.explicit_hash_key.as_deref(),
        )?;
        let bytes = record.entry.size() as f64;
        let dry = input.dry_run == Some(true);
        let after = input.sequence_number_for_ordering.as_deref();
        let Put { mut outcomes, sealed } = self.put(cx, &stream, &[record], after, dry).await?;
        let result = match outcomes.pop() {
            Some(Outcome::Put { shard, sequence }) => Ok((shard, sequence)),
            Some(Outcome::Rate { shard }) => {
                self.count(&stream, &[(m::WRITE_EXCEEDED, 1.0)]);
                self.count_shard(&stream, shard, &[(m::WRITE_EXCEEDED, 1.0)]);
                Err(error::rate(&stream.key, shard))
            }
            Some(Outcome::Failed(failed)) => Err(error::store(failed)),
            None if dry => Err(error::dry_run()),
            None => Err(ApiError::internal("a record without an outcome")),
        };
        if !dry {
            let success = f64::from(u8::from(result.is_ok()));
            self.count(
                &stream,
                &[(m::PUT_RECORD_SUCCESS, success), (m::PUT_RECORD_LATENCY, self.latency(cx))],
            );
        }
        let (shard, sequence_number) = result?;
        let incoming = [(m::INCOMING_BYTES, bytes), (m::INCOMING_RECORDS, 1.0), (m::WRITE_EXCEEDED, 0.0)];
        self.count(&stream, &incoming);
        self.count(&stream, &[(m::PUT_RECORD_BYTES, bytes)]);
        self.meter_put(&stream, std::iter::once(bytes as usize));
        self.count_shard(&stream, shard, &incoming);
        let encryption_type = sealed.then(|| encryption_type::KMS.to_owned());
        Ok(s::PutRecordOutput { shard_id: shard_id(shard), sequence_number, encryption_type })
    }
}
