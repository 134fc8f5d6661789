//! ListShards.

use std::sync::Arc;

use haneul_kinesis_wire::operations::ListShards;
use haneul_kinesis_wire::shapes as s;
use haneul_kinesis_wire::values::shard_filter_type as kind;
use haneul_kit::{Access, Cx, Handle, Result, paging};
use serde::{Deserialize, Serialize};

use super::{TOKEN_MS, describe};
use crate::Kinesis;
use crate::error;
use crate::names::{self, shard_index};
use crate::plane::{Shard, State};

const LISTED_MAX: i32 = 1000;

/// Which shards are wanted.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum Filter {
    All,
    /// Open at some time at or after this one.
    From(i64),
    /// Open at this time.
    At(i64),
    Open,
}

/// Where a listing goes on.
#[derive(Serialize, Deserialize)]
struct Position {
    stream: String,
    no: u64,
    after: u32,
    filter: Filter,
    made_ms: i64,
}

const PURPOSE: &str = "kinesis.ListShards";

impl Kinesis {
    fn position(&self, token: &str) -> Result<Position> {
        paging::position(&self.platform.seal, PURPOSE, token).ok_or_else(error::invalid_token)
    }
}

impl Handle<ListShards> for Kinesis {
    async fn access(&self, cx: &Cx, input: &s::ListShardsInput) -> Result<Vec<Access>> {
        const ACTION: &str = "kinesis:ListShards";
        match (&input.next_token, &input.stream_name, &input.stream_arn) {
            (Some(token), None, None) => self.on_named(cx, ACTION, None, Some(&self.position(token)?.stream)),
            (_, name, arn) => self.on_named(cx, ACTION, name.as_deref(), arn.as_deref()),
        }
    }

    async fn call(&self, cx: &Cx, input: s::ListShardsInput) -> Result<s::ListShardsOutput> {
        let limit = input.max_results.unwrap_or(LISTED_MAX).clamp(1, LISTED_MAX) as usize;
        let (stream, from, filter, no) = match &input.next_token {
            Some(token) => {
                for (given, name) in [
                    (input.stream_name.is_some(), "StreamName"),
                    (input.stream_arn.is_some(), "StreamARN"),
                    (input.stream_creation_timestamp.is_some(), "StreamCreationTimestamp"),
                    (input.exclusive_start_shard_id.is_some(), "ExclusiveStartShardId"),
                    (input.shard_filter.is_some(), "ShardFilter"),
                ] {
                    if given {
                        let message = format!("NextToken and {name} cannot be provided together.");
                        return Err(error::invalid(message));
                    }
                }
                let position = self.position(token)?;
                if cx.now().millis() - position.made_ms > TOKEN_MS {
                    return Err(error::token_expired());
                }
                let stream = self.stream(cx, None, Some(&position.stream)).await?;
                (stream, position.after + 1, position.filter, Some(position.no))
            }
            None => {
                let (name, arn) = (input.stream_name.as_deref(), input.stream_arn.as_deref());
                let stream = self.stream(cx, name, arn).await?;
                let state = stream.state();
                let (filter, after) = filter(&state, input.shard_filter.as_ref(), cx.now().millis())?;
                let after = match input.exclusive_start_shard_id {
                    Some(id) => Some(id),
                    None => after,
                };
                let from = match after {
                    None => 0,
                    Some(id) => shard_index(&id).ok_or_else(|| error::no_shard(&stream.key, &id))? + 1,
                };
                (stream, from, filter, None)
            }
        };
        let state = stream.state();
        let other_time = input
            .stream_creation_timestamp
            .is_some_and(|at| at.secs() != state.record.created_ms.div_euclid(1000));
        if other_time || no.is_some_and(|no| no != stream.no) {
            return Err(error::no_stream(&stream.key));
        }
        if state.record.status() == "CREATING" {
            return Err(error::not_active(&stream.key, "CREATING"));
        }
        let wanted = |shard: &&Arc<Shard>| filter.takes(shard);
        let mut found: Vec<_> =
            state.shards.range(from..).map(|(_, shard)| shard).filter(wanted).take(limit + 1).collect();
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|last| {
            let (no, after, made_ms) = (stream.no, last.index, cx.now().millis());
            let position = Position { stream: stream.arn.to_string(), no, after, filter, made_ms };
            paging::token(&self.platform.seal, PURPOSE, &position)
        });
        let shards = found.into_iter().map(|shard| describe::shard(shard)).collect();
        Ok(s::ListShardsOutput { shards: Some(shards), next_token: next })
    }
}

impl Filter {
    fn takes(self, shard: &Shard) -> bool {
        let (created_ms, closed_ms) = (shard.record.created_ms, shard.record.closed_ms);
        match self {
            Filter::All => true,
            Filter::Open => closed_ms.is_none(),
            Filter::From(at_ms) => closed_ms.is_none_or(|closed_ms| closed_ms >= at_ms),
            // A shard that was closed when it was made was open at no time.
            Filter::At(at_ms) => created_ms <= at_ms && closed_ms.is_none_or(|closed_ms| closed_ms > at_ms),
        }
    }
}

/// What a request asks for, and the shard after which the listing begins.
fn filter(state: &State, filter: Option<&s::ShardFilter>, now_ms: i64) -> Result<(Filter, Option<String>)> {
    let Some(filter) = filter else { return Ok((Filter::All, None)) };
    // Nothing of a stream is older than itself.
    let horizon_ms = state.record.trimmed_before_ms(now_ms).max(state.record.created_ms);
    let timestamp = || -> Result<i64> {
        let at = filter.timestamp.ok_or_else(|| {
            error::invalid(format!("Timestamp must be provided for the ShardFilter type {}.", filter.r#type))
        })?;
        Ok(at.millis().clamp(horizon_ms, now_ms.max(horizon_ms)))
    };
    Ok(match filter.r#type.as_str() {
        kind::AFTER_SHARD_ID => {
            let id = filter.shard_id.clone().ok_or_else(|| {
                error::invalid("ShardId must be provided for the ShardFilter type AFTER_SHARD_ID.")
            })?;
            names::shard_index(&id)
                .ok_or_else(|| error::invalid(format!("{id} is not the ID of a shard.")))?;
            (Filter::All, Some(id))
        }
        kind::AT_TRIM_HORIZON => (Filter::At(horizon_ms), None),
        kind::AT_LATEST => (Filter::Open, None),
        kind::AT_TIMESTAMP => (Filter::At(timestamp()?), None),
        kind::FROM_TIMESTAMP => (Filter::From(timestamp()?), None),
        _ => (Filter::All, None),
    })
}
