//! PutRecords.

use std::collections::BTreeMap;

use haneul_kinesis_wire::operations::PutRecords;
use haneul_kinesis_wire::shapes as s;
use haneul_kinesis_wire::values::{encryption_type, error as code};
use haneul_kit::{Access, Cx, Handle, Result};

use super::put_record::routed;
use crate::Kinesis;
use crate::error;
use crate::metrics as m;
use crate::names::{self, shard_id};
use crate::plane::put::{Outcome, Put};

/// Data and partition keys of one call. Source: API Reference, "PutRecords".
const BYTES_MAX: usize = 10 * 1024 * 1024;

impl Handle<PutRecords> for Kinesis {
    async fn access(&self, cx: &Cx, input: &s::PutRecordsInput) -> Result<Vec<Access>> {
        self.on_named(cx, "kinesis:PutRecords", input.stream_name.as_deref(), input.stream_arn.as_deref())
    }

    async fn call(&self, cx: &Cx, input: s::PutRecordsInput) -> Result<s::PutRecordsOutput> {
        let key = names::stream(cx, input.stream_name.as_deref(), input.stream_arn.as_deref())?;
        let stream = self.usable(cx, &key).await?;
        let state = stream.state();
        let mut records = Vec::with_capacity(input.records.len());
        for (i, record) in input.records.into_iter().enumerate() {
            let place = format!("records.{}.member.", i + 1);
            let explicit = record.explicit_hash_key.as_deref();
            records.push(routed(&state.record, &place, record.data, record.partition_key, explicit)?);
        }
        let sizes: Vec<usize> = records.iter().map(|record| record.entry.size()).collect();
        if sizes.iter().sum::<usize>() > BYTES_MAX {
            return Err(error::invalid("Records size exceeds 10 MB limit"));
        }
        let dry = input.dry_run == Some(true);
        let Put { outcomes, sealed } = self.put(cx, &stream, &records, None, dry).await?;
        drop(records);
        if dry {
            // Only what would have been refused has an outcome.
            return Err(match outcomes.first() {
                Some(Outcome::Rate { shard }) => error::rate(&stream.key, *shard),
                _ => error::dry_run(),
            });
        }
        let (mut failed, mut throttled, mut bytes) = (0, 0, 0);
        let put = outcomes.iter().zip(&sizes).filter(|(outcome, _)| matches!(outcome, Outcome::Put { .. }));
        self.meter_put(&stream, put.map(|(_, size)| *size));
        let mut shards: BTreeMap<u32, (usize, usize, usize)> = BTreeMap::new();
        let mut results = Vec::with_capacity(outcomes.len());
        for (outcome, size) in outcomes.into_iter().zip(sizes) {
            results.push(match outcome {
                Outcome::Put { shard, sequence } => {
                    bytes += size;
                    let of_shard = shards.entry(shard).or_default();
                    (of_shard.0, of_shard.1) = (of_shard.0 + 1, of_shard.1 + size);
                    let (sequence_number, shard_id) = (Some(sequence), Some(shard_id(shard)));
                    s::PutRecordsResultEntry { sequence_number, shard_id, ..Default::default() }
                }
                Outcome::Rate { shard } => {
                    (failed, throttled) = (failed + 1, throttled + 1);
                    shards.entry(shard).or_default().2 += 1;
                    s::PutRecordsResultEntry {
                        error_code: Some(code::PROVISIONED_THROUGHPUT_EXCEEDED_EXCEPTION.into()),
                        error_message: Some(error::rate_message(&stream.key, shard)),
                        ..Default::default()
                    }
                }
                Outcome::Failed(why) => {
                    failed += 1;
                    tracing::error!(stream = %stream.arn, error = %why, "records could not be written");
                    s::PutRecordsResultEntry {
                        error_code: Some("InternalFailure".into()),
                        error_message: Some("Internal service failure.".into()),
                        ..Default::default()
                    }
                }
            });
        }
        let put = (results.len() - failed) as f64;
        self.count(
            &stream,
            &[
                (m::PUT_RECORDS_TOTAL, results.len() as f64),
                (m::PUT_RECORDS_SUCCESSFUL, put),
                (m::PUT_RECORDS_FAILED, (failed - throttled) as f64),
                (m::PUT_RECORDS_THROTTLED, throttled as f64),
                (m::PUT_RECORDS_SUCCESS, f64::from(u8::from(put > 0.0))),
                (m::PUT_RECORDS_BYTES, bytes as f64),
                (m::PUT_RECORDS_LATENCY, self.latency(cx)),
                (m::INCOMING_BYTES, bytes as f64),
                (m::INCOMING_RECORDS, put),
                (m::WRITE_EXCEEDED, throttled as f64),
            ],
        );
        for (shard, (records, bytes, throttled)) in shards {
            let samples = [
                (m::INCOMING_BYTES, bytes as f64),
                (m::INCOMING_RECORDS, records as f64),
                (m::WRITE_EXCEEDED, throttled as f64),
            ];
            self.count_shard(&stream, shard, &samples);
        }
        Ok(s::PutRecordsOutput {
            failed_record_count: Some(failed as i32),
            records: results,
            encryption_type: sealed.then(|| encryption_type::KMS.to_owned()),
        })
    }
}
