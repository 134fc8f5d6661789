//! DescribeStream, DescribeStreamSummary and DescribeLimits.

use haneul_kinesis_wire::operations::{DescribeLimits, DescribeStream, DescribeStreamSummary};
use haneul_kinesis_wire::shapes as s;
use haneul_kinesis_wire::values::{encryption_type, record_distribution_strategy};
use haneul_kit::{Access, Cx, Handle, Instant, Result};

use super::streams::{ON_DEMAND_LIMIT, shards_max, used};
use crate::Kinesis;
use crate::error;
use crate::model::StreamRecord;
use crate::names::{shard_id, shard_index};
use crate::plane::Shard;

const SHARDS_LISTED_MAX: i32 = 100;

/// A shard as it is described.
pub(super) fn shard(shard: &Shard) -> s::Shard {
    let (starting_sequence_number, ending_sequence_number) = shard.bounds();
    s::Shard {
        shard_id: shard_id(shard.index),
        parent_shard_id: shard.record.parent.map(shard_id),
        adjacent_parent_shard_id: shard.record.adjacent_parent.map(shard_id),
        hash_key_range: hash_key_range(shard),
        sequence_number_range: s::SequenceNumberRange { starting_sequence_number, ending_sequence_number },
    }
}

pub(super) fn hash_key_range(shard: &Shard) -> s::HashKeyRange {
    s::HashKeyRange {
        starting_hash_key: shard.record.range.first.to_string(),
        ending_hash_key: shard.record.range.last.to_string(),
    }
}

fn encryption(record: &StreamRecord) -> (Option<String>, Option<String>) {
    match &record.kms_key {
        Some(key) => (Some(encryption_type::KMS.into()), Some(key.clone())),
        None => (Some(encryption_type::NONE.into()), None),
    }
}

fn monitoring(record: &StreamRecord) -> Vec<s::EnhancedMetrics> {
    let metrics = record.monitored.iter().cloned().collect();
    vec![s::EnhancedMetrics { shard_level_metrics: Some(metrics) }]
}

fn mode(record: &StreamRecord) -> Option<s::StreamModeDetails> {
    Some(s::StreamModeDetails { stream_mode: record.mode().to_owned() })
}

impl Handle<DescribeStream> for Kinesis {
    async fn access(&self, cx: &Cx, input: &s::DescribeStreamInput) -> Result<Vec<Access>> {
        let (name, arn) = (input.stream_name.as_deref(), input.stream_arn.as_deref());
        self.on_named(cx, "kinesis:DescribeStream", name, arn)
    }

    async fn call(&self, cx: &Cx, input: s::DescribeStreamInput) -> Result<s::DescribeStreamOutput> {
        let stream = self.stream(cx, input.stream_name.as_deref(), input.stream_arn.as_deref()).await?;
        let limit = input.limit.unwrap_or(SHARDS_LISTED_MAX).clamp(1, SHARDS_LISTED_MAX) as usize;
        let from = match &input.exclusive_start_shard_id {
            None => 0,
            Some(id) => shard_index(id).ok_or_else(|| error::no_shard(&stream.key, id))? + 1,
        };
        let state = stream.state();
        let record = &state.record;
        // A stream on the way to being there shows no shards yet.
        let creating = record.status() == "CREATING";
        let mut shards: Vec<_> = state
            .shards
            .range(from..)
            .filter(|_| !creating)
            .take(limit + 1)
            .map(|(_, one)| shard(one))
            .collect();
        let has_more_shards = shards.len() > limit;
        shards.truncate(limit);
        let (encryption_type, key_id) = encryption(record);
        Ok(s::DescribeStreamOutput {
            stream_description: s::StreamDescription {
                stream_name: stream.key.name.clone(),
                stream_arn: stream.arn.to_string(),
                stream_status: record.status().to_owned(),
                stream_mode_details: mode(record),
                shards,
                has_more_shards,
                retention_period_hours: record.retention_hours as i32,
                stream_creation_timestamp: Instant::from_millis(record.created_ms),
                enhanced_monitoring: monitoring(record),
                encryption_type,
                key_id,
            },
        })
    }
}

impl Handle<DescribeStreamSummary> for Kinesis {
    async fn access(&self, cx: &Cx, input: &s::DescribeStreamSummaryInput) -> Result<Vec<Access>> {
        let (name, arn) = (input.stream_name.as_deref(), input.stream_arn.as_deref());
        self.on_named(cx, "kinesis:DescribeStreamSummary", name, arn)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeStreamSummaryInput,
    ) -> Result<s::DescribeStreamSummaryOutput> {
        let stream = self.stream(cx, input.stream_name.as_deref(), input.stream_arn.as_deref()).await?;
        let state = stream.state();
        let record = &state.record;
        let (encryption_type, key_id) = encryption(record);
        let strategy = match record.spread {
            true => record_distribution_strategy::AUTO,
            false => record_distribution_strategy::USER_PARTITION_KEY,
        };
        Ok(s::DescribeStreamSummaryOutput {
            stream_description_summary: s::StreamDescriptionSummary {
                stream_name: stream.key.name.clone(),
                stream_arn: stream.arn.to_string(),
                stream_status: record.status().to_owned(),
                stream_mode_details: mode(record),
                retention_period_hours: record.retention_hours as i32,
                stream_creation_timestamp: Instant::from_millis(record.created_ms),
                enhanced_monitoring: monitoring(record),
                encryption_type,
                key_id,
                open_shard_count: if record.status() == "CREATING" { 0 } else { state.open().len() as i32 },
                consumer_count: Some(state.consumers.len() as i32),
                max_record_size_in_ki_b: Some(record.record_kib_max as i32),
                record_distribution_strategy: record.on_demand.then(|| strategy.to_owned()),
                ..Default::default()
            },
        })
    }
}

impl Handle<DescribeLimits> for Kinesis {
    async fn access(&self, _: &Cx, _: &s::DescribeLimitsInput) -> Result<Vec<Access>> {
        Ok(vec![Access::to("kinesis:DescribeLimits")])
    }

    async fn call(&self, cx: &Cx, _: s::DescribeLimitsInput) -> Result<s::DescribeLimitsOutput> {
        let used = used(&self.registry, cx.account(), cx.region());
        Ok(s::DescribeLimitsOutput {
            shard_limit: shards_max(cx.region()) as i32,
            open_shard_count: used.open as i32,
            on_demand_stream_count: used.on_demand as i32,
            on_demand_stream_count_limit: ON_DEMAND_LIMIT,
            ..Default::default()
        })
    }
}
