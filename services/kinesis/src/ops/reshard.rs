//! SplitShard, MergeShards, UpdateShardCount and UpdateStreamMode.

use haneul_kinesis_wire::operations::{MergeShards, SplitShard, UpdateShardCount, UpdateStreamMode};
use haneul_kinesis_wire::shapes as s;
use haneul_kinesis_wire::values::stream_mode;
use haneul_kit::{Access, ApiError, Cx, Handle, Result};
use haneul_shape::Empty;

use super::streams::{check_on_demand, check_shards};
use super::{on_any, within_a_day};
use crate::Kinesis;
use crate::error;
use crate::hash::HashKey;
use crate::model::{Change, ShardRecord};
use crate::names::{self, StreamKey, shard_id, shard_index};
use crate::plane::State;

/// Source: API Reference, "UpdateShardCount" and "UpdateStreamMode".
const SCALED_A_DAY_MAX: usize = 10;
const SHARDS_OF_STREAM_MAX: usize = 10_000;
const MODE_CHANGED_A_DAY_MAX: usize = 2;

fn on_demand(key: &StreamKey) -> ApiError {
    error::validation(format!(
        "Request is invalid. Stream {} under account {} is in On-Demand mode.",
        key.name, key.account
    ))
}

/// An open shard of a stream in provisioned mode.
fn open_shard(state: &State, key: &StreamKey, id: &str) -> Result<(u32, ShardRecord)> {
    let found = shard_index(id).and_then(|index| state.shards.get(&index));
    let shard = found.ok_or_else(|| error::no_shard(key, id))?;
    if shard.is_closed() {
        return Err(error::invalid(format!(
            "Shard {} in stream {} under account {} has already been merged or split, and thus is not eligible for \
             merging or splitting.",
            shard_id(shard.index),
            key.name,
            key.account
        )));
    }
    Ok((shard.index, shard.record.clone()))
}

impl Handle<SplitShard> for Kinesis {
    async fn access(&self, cx: &Cx, input: &s::SplitShardInput) -> Result<Vec<Access>> {
        self.on_named(cx, "kinesis:SplitShard", input.stream_name.as_deref(), input.stream_arn.as_deref())
    }

    async fn call(&self, cx: &Cx, input: s::SplitShardInput) -> Result<Empty> {
        let stream = self.stream(cx, input.stream_name.as_deref(), input.stream_arn.as_deref()).await?;
        let (key, registry) = (stream.key.clone(), self.registry.clone());
        let begun = self.registry.begin(&stream, move |state, record| {
            if record.on_demand {
                return Err(on_demand(&key));
            }
            let (shard, shard_record) = open_shard(state, &key, &input.shard_to_split)?;
            check_shards(&registry, &key, 1)?;
            let text = &input.new_starting_hash_key;
            let range = shard_record.range;
            let at = HashKey::parse(text).filter(|at| at.0 > range.first.0 + 1 && *at < range.last);
            let at = at.ok_or_else(|| {
                error::invalid(format!(
                    "NewStartingHashKey {text} used in SplitShard() on shard {} in stream {} under account {} is not \
                     both greater than one plus the shard's StartingHashKey {} and less than the shard's \
                     EndingHashKey {}.",
                    shard_id(shard),
                    key.name,
                    key.account,
                    range.first,
                    range.last
                ))
            })?;
            Ok((Change::Split { shard, at }, ()))
        });
        begun.await?;
        self.keeper.wake();
        Ok(Empty)
    }
}

impl Handle<MergeShards> for Kinesis {
    async fn access(&self, cx: &Cx, input: &s::MergeShardsInput) -> Result<Vec<Access>> {
        self.on_named(cx, "kinesis:MergeShards", input.stream_name.as_deref(), input.stream_arn.as_deref())
    }

    async fn call(&self, cx: &Cx, input: s::MergeShardsInput) -> Result<Empty> {
        let stream = self.stream(cx, input.stream_name.as_deref(), input.stream_arn.as_deref()).await?;
        let key = stream.key.clone();
        let begun = self.registry.begin(&stream, move |state, record| {
            if record.on_demand {
                return Err(on_demand(&key));
            }
            let (shard, own) = open_shard(state, &key, &input.shard_to_merge)?;
            let (adjacent, other) = open_shard(state, &key, &input.adjacent_shard_to_merge)?;
            let joins = |a: &ShardRecord, b: &ShardRecord| a.range.last.0.checked_add(1) == Some(b.range.first.0);
            if !joins(&own, &other) && !joins(&other, &own) {
                return Err(error::invalid(format!(
                    "Shards {} and {} in stream {} under account {} are not an adjacent pair of shards eligible for \
                     merging",
                    shard_id(shard),
                    shard_id(adjacent),
                    key.name,
                    key.account
                )));
            }
            Ok((Change::Merge { shard, adjacent }, ()))
        });
        begun.await?;
        self.keeper.wake();
        Ok(Empty)
    }
}

impl Handle<UpdateShardCount> for Kinesis {
    async fn access(&self, cx: &Cx, input: &s::UpdateShardCountInput) -> Result<Vec<Access>> {
        let key = names::stream(cx, input.stream_name.as_deref(), input.stream_arn.as_deref())?;
        Ok(vec![on_any("kinesis:UpdateShardCount", &key)])
    }

    async fn call(&self, cx: &Cx, input: s::UpdateShardCountInput) -> Result<s::UpdateShardCountOutput> {
        let stream = self.stream(cx, input.stream_name.as_deref(), input.stream_arn.as_deref()).await?;
        let (key, registry) = (stream.key.clone(), self.registry.clone());
        let (target, now_ms) = (input.target_shard_count as usize, cx.now().millis());
        let begun = self.registry.begin(&stream, move |state, record| {
            if record.on_demand {
                return Err(on_demand(&key));
            }
            let open = state.open().len();
            let refused = |what: String| {
                error::limit(format!(
                    "{what} Current open shard count: {open}, Target shard count: {target}"
                ))
            };
            if within_a_day(&mut record.scaled_ms, now_ms) >= SCALED_A_DAY_MAX {
                return Err(refused(format!(
                    "UpdateShardCount cannot be called more than {SCALED_A_DAY_MAX} times per rolling 24-hour period \
                     for a stream."
                )));
            }
            if target > SHARDS_OF_STREAM_MAX {
                return Err(refused(format!(
                    "Target shard count or number of open shards cannot be greater than {SHARDS_OF_STREAM_MAX}."
                )));
            }
            if target > open * 2 {
                return Err(refused(
                    "UpdateShardCount cannot scale up over double your current open shard count.".into(),
                ));
            }
            if target < open.div_ceil(2) {
                return Err(refused(
                    "UpdateShardCount cannot scale down below half your current open shard count.".into(),
                ));
            }
            check_shards(&registry, &key, target.saturating_sub(open))?;
            record.scaled_ms.push(now_ms);
            Ok((Change::Scale { target: target as u32 }, open))
        });
        let open = begun.await?;
        self.keeper.wake();
        Ok(s::UpdateShardCountOutput {
            stream_name: Some(stream.key.name.clone()),
            stream_arn: Some(stream.arn.to_string()),
            current_shard_count: Some(open as i32),
            target_shard_count: Some(target as i32),
        })
    }
}

impl Handle<UpdateStreamMode> for Kinesis {
    async fn access(&self, cx: &Cx, input: &s::UpdateStreamModeInput) -> Result<Vec<Access>> {
        let key = names::stream(cx, None, Some(&input.stream_arn))?;
        Ok(vec![on_any("kinesis:UpdateStreamMode", &key)])
    }

    async fn call(&self, cx: &Cx, input: s::UpdateStreamModeInput) -> Result<Empty> {
        let stream = self.stream(cx, None, Some(&input.stream_arn)).await?;
        if input.warm_throughput_mi_bps.is_some() {
            return Err(error::invalid(
                "Warm throughput requires MinimumThroughputBillingCommitment to be enabled for the account.",
            ));
        }
        let to_on_demand = input.stream_mode_details.stream_mode == stream_mode::ON_DEMAND;
        let (key, registry, now_ms) = (stream.key.clone(), self.registry.clone(), cx.now().millis());
        let begun = self.registry.begin(&stream, move |state, record| {
            if within_a_day(&mut record.mode_changed_ms, now_ms) >= MODE_CHANGED_A_DAY_MAX {
                return Err(error::limit(format!(
                    "The mode of stream {} under account {} cannot be changed more than {MODE_CHANGED_A_DAY_MAX} \
                     times within 24 hours.",
                    key.name, key.account
                )));
            }
            if to_on_demand == record.on_demand {
                return Ok((Change::Settle, ()));
            }
            let open = state.open().len();
            match to_on_demand {
                true => check_on_demand(&registry, &key)?,
                false => check_shards(&registry, &key, open)?,
            }
            record.on_demand = to_on_demand;
            record.spread &= to_on_demand;
            (record.grown_from, record.grown_ms) = (open as u32, now_ms);
            record.mode_changed_ms.push(now_ms);
            Ok((Change::Settle, ()))
        });
        begun.await?;
        self.keeper.wake();
        Ok(Empty)
    }
}
