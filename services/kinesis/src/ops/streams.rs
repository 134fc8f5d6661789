//! CreateStream, DeleteStream and ListStreams.

use haneul_kinesis_wire::operations::{CreateStream, DeleteStream, ListStreams};
use haneul_kinesis_wire::shapes as s;
use haneul_kinesis_wire::values::{record_distribution_strategy, stream_mode};
use haneul_kit::{Access, AccountId, Cx, Handle, Instant, Region, Result, paging};
use haneul_shape::Empty;
use haneul_shape::value::Map;

use super::{TOKEN_MS, tags};
use crate::Kinesis;
use crate::error;
use crate::model::{Change, TRANSITION_MS, UnderWay};
use crate::names::{self, StreamKey};
use crate::store::Registry;

/// Source: Developer Guide, "Quotas and limits".
const ON_DEMAND_STREAMS_MAX: usize = 50;
/// Shards that an on-demand stream begins with: 4 MB/s.
const ON_DEMAND_SHARDS: u32 = 4;
/// Source: API Reference, "CreateStream".
const CREATING_MAX: usize = 5;
const LISTED_MAX: i32 = 100;
const MAX_SHARDS_OF_STREAM: i32 = 10_000;

/// The default quota of shards of an account. Source: Developer Guide, "Quotas and limits".
pub(super) fn shards_max(region: Region) -> usize {
    match region.as_str() {
        "us-east-1" | "us-west-2" | "eu-west-1" => 20_000,
        _ => 6_000,
    }
}

/// Open shards of an account's streams in a Region: those that count against its quota, and all; and its on-demand streams.
pub(super) struct Use {
    pub(super) provisioned: usize,
    pub(super) open: usize,
    pub(super) on_demand: usize,
}

pub(super) fn used(registry: &Registry, account: AccountId, region: Region) -> Use {
    let mut used = Use { provisioned: 0, open: 0, on_demand: 0 };
    for stream in registry.list(account, region, "") {
        let state = stream.state();
        used.open += state.open().len();
        match state.record.on_demand {
            true => used.on_demand += 1,
            false => used.provisioned += state.open().len(),
        }
    }
    used
}

/// Refuses what would make more shards than the account may have.
pub(super) fn check_shards(registry: &Registry, key: &StreamKey, more: usize) -> Result<()> {
    let (now, max) = (used(registry, key.account, key.region).provisioned, shards_max(key.region));
    if now + more > max { Err(error::too_many_shards(key, now, max, more)) } else { Ok(()) }
}

pub(super) fn check_on_demand(registry: &Registry, key: &StreamKey) -> Result<()> {
    if used(registry, key.account, key.region).on_demand < ON_DEMAND_STREAMS_MAX {
        return Ok(());
    }
    Err(error::limit(format!(
        "This request would exceed the on-demand stream limit for the account {} in {}. Limit: {ON_DEMAND_STREAMS_MAX}.",
        key.account, key.region
    )))
}

pub(super) const ON_DEMAND_LIMIT: i32 = ON_DEMAND_STREAMS_MAX as i32;

impl Handle<CreateStream> for Kinesis {
    async fn access(&self, cx: &Cx, input: &s::CreateStreamInput) -> Result<Vec<Access>> {
        let key = names::stream(cx, Some(&input.stream_name), None)?;
        let empty = Map::default();
        let tags = || input.tags.as_ref().unwrap_or(&empty).iter().map(|(key, value)| (key, value.as_str()));
        let mut all = vec![Access::on("kinesis:CreateStream", &key.arn()).request_tags(tags())];
        if tags().next().is_some() {
            all.push(Access::on("kinesis:AddTagsToStream", &key.arn()).request_tags(tags()));
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::CreateStreamInput) -> Result<Empty> {
        let key = names::stream(cx, Some(&input.stream_name), None)?;
        let mode = input.stream_mode_details.map(|details| details.stream_mode);
        let on_demand = mode.as_deref() == Some(stream_mode::ON_DEMAND);
        let shards = match (on_demand, input.shard_count) {
            (true, None) => ON_DEMAND_SHARDS,
            (true, Some(_)) => {
                return Err(error::validation(
                    "ShardCount cannot be specified for a stream with the ON_DEMAND stream mode.",
                ));
            }
            (false, Some(count)) if count <= MAX_SHARDS_OF_STREAM => count as u32,
            (false, Some(count)) => {
                return Err(error::too_many_shards(&key, 0, MAX_SHARDS_OF_STREAM as usize, count as usize));
            }
            (false, None) => {
                return Err(error::validation(
                    "ShardCount must be specified for a stream with the PROVISIONED stream mode.",
                ));
            }
        };
        if input.warm_throughput_mi_bps.is_some() {
            return Err(error::invalid(
                "Warm throughput requires MinimumThroughputBillingCommitment to be enabled for the account.",
            ));
        }
        let spread =
            input.record_distribution_strategy.as_deref() == Some(record_distribution_strategy::AUTO);
        if spread && !on_demand {
            return Err(error::invalid("A stream in PROVISIONED mode does not support the AUTO strategy."));
        }
        let tags = tags::given(&key.name, key.account, input.tags.unwrap_or_default())?;
        let kib_max = input.max_record_size_in_ki_b.and_then(|kib| u32::try_from(kib).ok()).unwrap_or(1024);
        let edit = move |record: &mut crate::model::StreamRecord| {
            (record.on_demand, record.spread) = (on_demand, spread);
            (record.record_kib_max, record.record_kib_ever) = (kib_max, kib_max);
            record.tags = tags.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        };
        // A name whose stream is due to go is free.
        for stream in self.registry.list(key.account, key.region, "") {
            self.registry.settle(&stream).await?;
        }
        let of = key.clone();
        let check = move |registry: &Registry| {
            let moving = registry.list(of.account, of.region, "");
            let moving = moving.iter().filter(|stream| !stream.state().record.is_usable()).count();
            if moving >= CREATING_MAX {
                return Err(error::limit(format!(
                    "No more than {CREATING_MAX} streams of the account {} can simultaneously be in CREATING or \
                     DELETING states.",
                    of.account
                )));
            }
            if on_demand {
                check_on_demand(registry, &of)
            } else {
                check_shards(registry, &of, shards as usize)
            }
        };
        self.registry.create(key, shards, edit, check).await?;
        self.keeper.wake();
        Ok(Empty)
    }
}

impl Handle<DeleteStream> for Kinesis {
    async fn access(&self, cx: &Cx, input: &s::DeleteStreamInput) -> Result<Vec<Access>> {
        self.on_named(cx, "kinesis:DeleteStream", input.stream_name.as_deref(), input.stream_arn.as_deref())
    }

    async fn call(&self, cx: &Cx, input: s::DeleteStreamInput) -> Result<Empty> {
        let stream = self.stream(cx, input.stream_name.as_deref(), input.stream_arn.as_deref()).await?;
        let enforce = input.enforce_consumer_deletion == Some(true);
        let (key, now_ms) = (stream.key.clone(), self.platform.env.now().millis());
        let change = self.registry.change(&stream, move |state, record| {
            let consumers = state.consumers.len();
            if consumers > 0 && !enforce {
                return Err(error::in_use(format!(
                    "Stream {} under account {} has {consumers} registered consumers. Deregister them, or set \
                     EnforceConsumerDeletion.",
                    key.name, key.account
                )));
            }
            if record.under_way.as_ref().is_some_and(|under_way| under_way.change == Change::Delete) {
                return Err(error::not_active(&key, record.status()));
            }
            record.under_way = Some(UnderWay { change: Change::Delete, due_ms: now_ms + TRANSITION_MS });
            Ok(())
        });
        change.await?;
        self.keeper.wake();
        Ok(Empty)
    }
}

/// Where a listing goes on.
#[derive(serde::Serialize, serde::Deserialize)]
struct Position {
    after: String,
    made_ms: i64,
}

impl Handle<ListStreams> for Kinesis {
    async fn access(&self, _: &Cx, _: &s::ListStreamsInput) -> Result<Vec<Access>> {
        Ok(vec![Access::to("kinesis:ListStreams")])
    }

    async fn call(&self, cx: &Cx, input: s::ListStreamsInput) -> Result<s::ListStreamsOutput> {
        let limit = input.limit.unwrap_or(LISTED_MAX).clamp(1, LISTED_MAX) as usize;
        let purpose = format!("kinesis.ListStreams {} {}", cx.account(), cx.region());
        let after = match (&input.next_token, input.exclusive_start_stream_name) {
            (Some(_), Some(_)) => {
                return Err(error::invalid(
                    "NextToken and ExclusiveStartStreamName cannot be provided together.",
                ));
            }
            (Some(token), None) => {
                let position: Position = paging::position(&self.platform.seal, &purpose, token)
                    .ok_or_else(error::invalid_token)?;
                if cx.now().millis() - position.made_ms > TOKEN_MS {
                    return Err(error::token_expired());
                }
                position.after
            }
            (None, after) => after.unwrap_or_default(),
        };
        let mut found = Vec::new();
        for stream in self.registry.list(cx.account(), cx.region(), &after) {
            self.registry.settle(&stream).await?;
            if !stream.state().gone {
                found.push(stream);
            }
            if found.len() > limit {
                break;
            }
        }
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(|last| {
            let position = Position { after: last.key.name.clone(), made_ms: cx.now().millis() };
            paging::token(&self.platform.seal, &purpose, &position)
        });
        let summaries = found.iter().map(|stream| {
            let record = &stream.state().record;
            s::StreamSummary {
                stream_name: stream.key.name.clone(),
                stream_arn: stream.arn.to_string(),
                stream_status: record.status().to_owned(),
                stream_mode_details: Some(s::StreamModeDetails { stream_mode: record.mode().to_owned() }),
                stream_creation_timestamp: Some(Instant::from_millis(record.created_ms)),
            }
        });
        Ok(s::ListStreamsOutput {
            stream_summaries: Some(summaries.collect()),
            stream_names: found.iter().map(|stream| stream.key.name.clone()).collect(),
            has_more_streams: more,
            next_token: next,
        })
    }
}
