use std::collections::VecDeque;
use std::time::Duration;

use haneul_kinesis_wire::{operations as op, shapes as k};
use haneul_kit::{ApiError, Instant, Result};
use haneul_shape::EventStream;
use serde_json::json;

use super::Mapping;
use super::lane::Item;
use super::stream::{Cursor, Shard};
use crate::invoke::destinations::base64;

/// Records of one GetRecords. Source: Kinesis API Reference, GetRecords.
const RECORDS_MAX: i32 = 10_000;

/// A subscription of a consumer to a shard, and what it pushed that was not yet asked for.
pub(super) struct Subscription {
    events: EventStream<k::SubscribeToShardEventStream>,
    pushed: VecDeque<k::Record>,
    /// The shard has ended.
    ended: bool,
}

/// The data stream, of a consumer's ARN too.
pub(crate) fn stream_of(source: &str) -> &str {
    source.split_once("/consumer/").map_or(source, |(stream, _)| stream)
}

/// Whether the source is a consumer with a throughput of its own (enhanced fan-out).
pub(crate) fn is_consumer(source: &str) -> bool {
    source.contains("/consumer/")
}

impl Mapping {
    /// Every shard of the data stream, oldest first.
    pub(super) async fn stream_shards(&self) -> Result<Vec<Shard>> {
        let (_, region) = self.source()?;
        let mut shards = Vec::new();
        let mut after = None;
        loop {
            let stream_arn = after.is_none().then(|| stream_of(&self.record.source).to_owned());
            let input = k::ListShardsInput { stream_arn, next_token: after.take(), ..Default::default() };
            let caller = self.caller().await?;
            let listed = self.lambda.platform.bus.call::<op::ListShards>(caller, region, None, input).await?;
            shards.extend(listed.shards.into_iter().flatten().map(|shard| Shard {
                id: shard.shard_id,
                parents: shard.parent_shard_id.into_iter().chain(shard.adjacent_parent_shard_id).collect(),
                closed: shard.sequence_number_range.ending_sequence_number.is_some(),
                begins: shard.sequence_number_range.starting_sequence_number,
            }));
            after = listed.next_token;
            if after.is_none() {
                return Ok(shards);
            }
        }
    }

    /// Where to read on after a record, or from where the mapping begins.
    pub(super) async fn stream_cursor(&self, shard: &str, after: Option<&str>) -> Result<Option<Cursor>> {
        let (_, region) = self.source()?;
        // Not in the future, should the clock have been set back.
        let now_ms = self.lambda.platform.env.now().millis();
        let start_ms = self.record.start_ms.filter(|_| after.is_none());
        let timestamp = start_ms.map(|start| Instant::from_millis(start.min(now_ms)));
        let kind = match (after, timestamp) {
            (Some(_), _) => "AFTER_SEQUENCE_NUMBER",
            (None, Some(_)) => "AT_TIMESTAMP",
            (None, None) => "TRIM_HORIZON",
        };
        let sequence = after.map(str::to_owned);
        let (bus, caller) = (&self.lambda.platform.bus, self.caller().await?);
        let source = &self.record.source;
        if is_consumer(source) {
            let input = k::SubscribeToShardInput {
                consumer_arn: source.clone(),
                shard_id: shard.to_owned(),
                starting_position: k::StartingPosition {
                    r#type: kind.into(),
                    sequence_number: sequence,
                    timestamp,
                },
                ..Default::default()
            };
            let subscribed = bus.call::<op::SubscribeToShard>(caller, region, None, input).await?;
            let (events, pushed) = (subscribed.event_stream, VecDeque::new());
            return Ok(Some(Cursor::Subscription(Box::new(Subscription { events, pushed, ended: false }))));
        }
        let input = k::GetShardIteratorInput {
            stream_arn: Some(source.clone()),
            shard_id: shard.to_owned(),
            shard_iterator_type: kind.into(),
            starting_sequence_number: sequence,
            timestamp,
            ..Default::default()
        };
        let got = bus.call::<op::GetShardIterator>(caller, region, None, input).await?;
        Ok(got.shard_iterator.map(Cursor::Iterator))
    }

    /// Records from an iterator on. A shard that others read too much from is asked again later.
    pub(super) async fn stream_records(
        &self,
        shard: &str,
        iterator: String,
        limit: i32,
    ) -> Result<(Vec<Item>, Option<Cursor>)> {
        let (_, region) = self.source()?;
        let input = k::GetRecordsInput {
            shard_iterator: iterator.clone(),
            limit: Some(limit.clamp(1, RECORDS_MAX)),
            stream_arn: Some(self.record.source.clone()),
            ..Default::default()
        };
        let caller = self.caller().await?;
        let got = match self.lambda.platform.bus.call::<op::GetRecords>(caller, region, None, input).await {
            Ok(got) => got,
            Err(busy) if busy.code() == "ProvisionedThroughputExceededException" => {
                return Ok((Vec::new(), Some(Cursor::Iterator(iterator))));
            }
            Err(failed) => return Err(failed),
        };
        let items = self.items(shard, got.records).await?;
        Ok((items, got.next_shard_iterator.map(Cursor::Iterator)))
    }

    /// What a subscription has pushed. One that ended is asked for anew.
    pub(super) async fn pushed(
        &self,
        shard: &str,
        mut from: Box<Subscription>,
        limit: i32,
        wait: Duration,
    ) -> Result<(Vec<Item>, Option<Cursor>)> {
        if from.pushed.is_empty() && !from.ended {
            let event = tokio::select! {
                biased;
                event = from.events.next() => Some(event),
                _ = self.sleep(wait) => None,
            };
            match event {
                None => {}
                Some(Some(Ok(k::SubscribeToShardEventStream::SubscribeToShardEvent(event)))) => {
                    from.pushed.extend(event.records);
                    from.ended = event.child_shards.is_some_and(|children| !children.is_empty());
                }
                Some(None) => {
                    return Err(ApiError::new("ExpiredIteratorException", "The subscription has ended."));
                }
                // Taken over by somebody else, or its stream or key cannot be used now.
                Some(Some(_)) => {
                    return Err(ApiError::new("SubscriptionFailed", "The subscription was ended."));
                }
            }
        }
        let count = from.pushed.len().min(usize::try_from(limit).unwrap_or(1).max(1));
        let records = from.pushed.drain(..count).collect();
        let items = self.items(shard, records).await?;
        let over = from.ended && from.pushed.is_empty();
        Ok((items, (!over).then_some(Cursor::Subscription(from))))
    }

    async fn items(&self, shard: &str, records: Vec<k::Record>) -> Result<Vec<Item>> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let target = self.lambda.target(&self.named).await?;
        let role = &target.version.role;
        Ok(records.into_iter().map(|record| self.item(shard, record, role)).collect())
    }

    /// A record as functions know it. Source: Developer Guide, "Using Lambda to process records from Amazon Kinesis Data
    /// Streams".
    fn item(&self, shard: &str, record: k::Record, role: &str) -> Item {
        let at = record.approximate_arrival_timestamp.unwrap_or(Instant::from_secs(0));
        let (number, key) = (record.sequence_number, record.partition_key.unwrap_or_default());
        let event = json!({
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": key,
                "sequenceNumber": number,
                "data": base64(&record.data),
                "approximateArrivalTimestamp": at.millis() as f64 / 1000.0,
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": format!("{shard}:{number}"),
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": role,
            "awsRegion": self.row.1.as_str(),
            "eventSourceARN": self.record.source,
        });
        // Only filters look into it.
        let body = if self.filters.is_empty() { None } else { String::from_utf8(record.data.to_vec()).ok() };
        Item::new(number, at.millis(), key, body, event)
    }
}
