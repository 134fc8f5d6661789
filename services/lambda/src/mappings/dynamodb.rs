use std::collections::BTreeMap;
use std::time::Duration;

use haneul_dynamodbstreams_wire::{operations as op, shapes as d};
use haneul_kit::{ApiError, Instant, Result};
use haneul_shape::value::Map as Fields;
use serde_json::{Map, Value, json};

use super::Mapping;
use super::lane::Item;
use super::shard::Reader;
use crate::invoke::destinations::base64;
use crate::model::mapping::ShardRecord;

/// How often shards are asked for anew. A shard takes records for hours.
const LISTED_EVERY: Duration = Duration::from_secs(10);

/// Records of one GetRecords.
const RECORDS_MAX: i32 = 1000;

impl Mapping {
    /// Reads every shard of the stream, parents before their children, until it is stopped or something fails.
    pub(super) async fn poll_stream(&self, failures: &mut u32) -> Result<()> {
        let env = &self.lambda.platform.env;
        let mut reading: BTreeMap<String, tokio::task::JoinHandle<Result<()>>> = BTreeMap::new();
        let result = loop {
            if self.is_stopped() {
                break Ok(());
            }
            let shards = match self.shards().await {
                Ok(shards) => shards,
                Err(failed) => break Err(failed),
            };
            let kept: BTreeMap<String, ShardRecord> =
                self.lambda.records.shards(&self.row.2).await?.into_iter().collect();
            let is_done = |id: &str| kept.get(id).is_some_and(|shard| shard.done);
            for shard in &shards {
                let Some(id) = shard.shard_id.clone() else { continue };
                let parent = shard.parent_shard_id.as_deref();
                // A parent that is listed no more was trimmed.
                let waits = parent.is_some_and(|parent| {
                    !is_done(parent) && shards.iter().any(|other| other.shard_id.as_deref() == Some(parent))
                });
                if is_done(&id) || waits || reading.contains_key(&id) {
                    continue;
                }
                let reader = Reader { mapping: self.clone(), shard: id.clone() };
                reading.insert(id, env.spawn("lambda shard", async move { reader.run().await }));
            }
            // What was trimmed from the stream is remembered no longer.
            for id in kept.keys() {
                if is_done(id) && !shards.iter().any(|shard| shard.shard_id.as_ref() == Some(id)) {
                    self.lambda.records.forget_shard(&self.row.2, id).await?;
                }
            }
            *failures = 0;
            self.next_turn(&mut reading).await;
            let ended: Vec<String> =
                reading.iter().filter(|(_, task)| task.is_finished()).map(|(id, _)| id.clone()).collect();
            let mut failed = None;
            for id in ended {
                let Some(task) = reading.remove(&id) else { continue };
                match task.await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => failed = Some(error),
                    Err(_) => failed = Some(ApiError::internal("a shard's reader was given up")),
                }
            }
            if let Some(failed) = failed {
                break Err(failed);
            }
        };
        // Readers that are to stop finish their batch; after a failure all begin again.
        for (_, task) in reading {
            if !self.is_stopped() {
                task.abort();
            }
            let _ = task.await;
        }
        result
    }

    /// Waits until a shard's reader has ended, or it is time to ask for shards.
    async fn next_turn(&self, reading: &mut BTreeMap<String, tokio::task::JoinHandle<Result<()>>>) {
        let any = async {
            loop {
                if reading.values().any(tokio::task::JoinHandle::is_finished) {
                    return;
                }
                if !self.sleep(Duration::from_millis(250)).await {
                    return;
                }
            }
        };
        tokio::select! {
            () = any => {}
            _ = self.sleep(LISTED_EVERY) => {}
        }
    }

    /// Every shard of the stream, oldest first.
    async fn shards(&self) -> Result<Vec<d::Shard>> {
        let (_, region) = self.source()?;
        let mut shards = Vec::new();
        let mut after = None;
        loop {
            let input = d::DescribeStreamInput {
                stream_arn: self.record.source.clone(),
                exclusive_start_shard_id: after.take(),
                ..Default::default()
            };
            let caller = self.caller().await?;
            let bus = &self.lambda.platform.bus;
            let described = bus.call::<op::DescribeStream>(caller, region, None, input).await?;
            let Some(described) = described.stream_description else { return Ok(shards) };
            shards.extend(described.shards.unwrap_or_default());
            after = described.last_evaluated_shard_id;
            if after.is_none() {
                return Ok(shards);
            }
        }
    }

    /// Fixes where a mapping begins that wants only what is new: durable, so that a crash cannot move it.
    pub(crate) async fn begin_at_the_end(&self) -> Result<()> {
        for shard in self.shards().await? {
            let Some(id) = shard.shard_id else { continue };
            let closed =
                shard.sequence_number_range.is_some_and(|range| range.ending_sequence_number.is_some());
            let mut record = ShardRecord { done: closed, ..ShardRecord::default() };
            if !closed {
                record.position = self.last_number(&id).await?;
            }
            self.lambda.records.put_shard(&self.row.2, &id, &record).await?;
        }
        Ok(())
    }

    async fn last_number(&self, shard: &str) -> Result<Option<String>> {
        let mut last = None;
        let mut iterator = self.iterator(shard, None).await?;
        while let Some(from) = iterator {
            let (items, next) = self.records(from, RECORDS_MAX).await?;
            let Some(item) = items.last() else { break };
            last = Some(item.number.clone());
            iterator = next;
        }
        Ok(last)
    }

    /// Where to read on after a record, or from the beginning. `None` where there is nothing more.
    pub(super) async fn iterator(&self, shard: &str, after: Option<&str>) -> Result<Option<String>> {
        let (_, region) = self.source()?;
        let kind = if after.is_some() { "AFTER_SEQUENCE_NUMBER" } else { "TRIM_HORIZON" };
        let input = d::GetShardIteratorInput {
            stream_arn: self.record.source.clone(),
            shard_id: shard.to_owned(),
            shard_iterator_type: kind.into(),
            sequence_number: after.map(str::to_owned),
            timestamp: None,
        };
        let caller = self.caller().await?;
        let got = self.lambda.platform.bus.call::<op::GetShardIterator>(caller, region, None, input).await;
        match got {
            Ok(got) => Ok(got.shard_iterator),
            // What came after it is gone too, as far as it is this old.
            Err(trimmed) if trimmed.code() == "TrimmedDataAccessException" && after.is_some() => {
                Box::pin(self.iterator(shard, None)).await
            }
            Err(failed) => Err(failed),
        }
    }

    /// Records from an iterator on, and the next iterator; `None` at the end of a closed shard.
    pub(super) async fn records(&self, iterator: String, limit: i32) -> Result<(Vec<Item>, Option<String>)> {
        let (_, region) = self.source()?;
        let input = d::GetRecordsInput { shard_iterator: iterator, limit: Some(limit.clamp(1, RECORDS_MAX)) };
        let caller = self.caller().await?;
        let got = self.lambda.platform.bus.call::<op::GetRecords>(caller, region, None, input).await?;
        let items =
            got.records.unwrap_or_default().into_iter().map(|record| item(record, &self.record.source));
        Ok((items.collect(), got.next_shard_iterator))
    }
}

/// A record as functions know it. Source: Developer Guide, "Using Lambda with Amazon DynamoDB".
fn item(record: d::Record, source: &str) -> Item {
    let change = record.dynamodb.unwrap_or_default();
    let at = change.approximate_creation_date_time.unwrap_or(Instant::from_secs(0));
    let number = change.sequence_number.unwrap_or_default();
    let mut inside = Map::new();
    inside.insert("ApproximateCreationDateTime".into(), json!(at.millis() as f64 / 1000.0));
    for (name, fields) in
        [("Keys", change.keys), ("NewImage", change.new_image), ("OldImage", change.old_image)]
    {
        if let Some(fields) = fields {
            inside.insert(name.into(), attributes(fields));
        }
    }
    inside.insert("SequenceNumber".into(), number.as_str().into());
    inside.insert("SizeBytes".into(), json!(change.size_bytes));
    inside.insert("StreamViewType".into(), json!(change.stream_view_type));
    let mut event = json!({
        "eventID": record.event_id,
        "eventName": record.event_name,
        "eventVersion": record.event_version,
        "eventSource": "aws:dynamodb",
        "awsRegion": record.aws_region,
        "dynamodb": inside,
        "eventSourceARN": source,
    });
    if let Some(who) = record.user_identity {
        event["userIdentity"] = json!({ "principalId": who.principal_id, "type": who.r#type });
    }
    Item { number, at_ms: at.millis(), event }
}

fn attributes(fields: Fields<d::AttributeValue>) -> Value {
    fields.into_iter().map(|(name, value)| (name, attribute(value))).collect::<Map<_, _>>().into()
}

fn attribute(value: d::AttributeValue) -> Value {
    use d::AttributeValue as V;
    match value {
        V::S(text) => json!({ "S": text }),
        V::N(number) => json!({ "N": number }),
        V::B(bytes) => json!({ "B": base64(&bytes) }),
        V::SS(set) => json!({ "SS": set }),
        V::NS(set) => json!({ "NS": set }),
        V::BS(set) => json!({ "BS": set.iter().map(|bytes| base64(bytes)).collect::<Vec<_>>() }),
        V::M(fields) => json!({ "M": attributes(fields) }),
        V::L(items) => json!({ "L": items.into_iter().map(attribute).collect::<Vec<_>>() }),
        V::NULL(yes) => json!({ "NULL": yes }),
        V::BOOL(yes) => json!({ "BOOL": yes }),
        _ => Value::Null,
    }
}
