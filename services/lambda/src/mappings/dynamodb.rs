use haneul_dynamodbstreams_wire::{operations as op, shapes as d};
use haneul_kit::{Instant, Result};
use haneul_shape::value::Map as Fields;
use serde_json::{Map, Value, json};

use super::Mapping;
use super::lane::Item;
use super::stream::{Cursor, Shard};
use crate::invoke::destinations::base64;
use crate::model::mapping::ShardRecord;

/// Records of one GetRecords.
const RECORDS_MAX: i32 = 1000;

impl Mapping {
    /// Every shard of the stream, oldest first.
    pub(super) async fn table_shards(&self) -> Result<Vec<Shard>> {
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
            shards.extend(described.shards.into_iter().flatten().filter_map(shard));
            after = described.last_evaluated_shard_id;
            if after.is_none() {
                return Ok(shards);
            }
        }
    }

    /// Fixes where a mapping begins that wants only what is new: durable, so that a crash cannot move it.
    pub(crate) async fn begin_at_the_end(&self) -> Result<()> {
        for shard in self.table_shards().await? {
            let mut record = ShardRecord { done: shard.closed, ..ShardRecord::of(&shard.begins) };
            if !shard.closed {
                record.position = self.last_number(&shard.id).await?;
            }
            self.lambda.records.put_shard(&self.row.2, &shard.id, &record).await?;
        }
        Ok(())
    }

    async fn last_number(&self, shard: &str) -> Result<Option<String>> {
        let mut last = None;
        let mut iterator = self.table_cursor(shard, None).await?;
        while let Some(Cursor::Iterator(from)) = iterator {
            let (items, next) = self.table_records(from, RECORDS_MAX).await?;
            let Some(item) = items.last() else { break };
            last = Some(item.number.clone());
            iterator = next;
        }
        Ok(last)
    }

    /// Where to read on after a record, or from the beginning. `None` where there is nothing more.
    pub(super) async fn table_cursor(&self, shard: &str, after: Option<&str>) -> Result<Option<Cursor>> {
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
            Ok(got) => Ok(got.shard_iterator.map(Cursor::Iterator)),
            // What came after it is gone too, as far as it is this old.
            Err(trimmed) if trimmed.code() == "TrimmedDataAccessException" && after.is_some() => {
                Box::pin(self.table_cursor(shard, None)).await
            }
            Err(failed) => Err(failed),
        }
    }

    /// Records from an iterator on, and the next iterator; `None` at the end of a closed shard.
    pub(super) async fn table_records(
        &self,
        iterator: String,
        limit: i32,
    ) -> Result<(Vec<Item>, Option<Cursor>)> {
        let (_, region) = self.source()?;
        let input = d::GetRecordsInput { shard_iterator: iterator, limit: Some(limit.clamp(1, RECORDS_MAX)) };
        let caller = self.caller().await?;
        let got = self.lambda.platform.bus.call::<op::GetRecords>(caller, region, None, input).await?;
        let items =
            got.records.unwrap_or_default().into_iter().map(|record| item(record, &self.record.source));
        Ok((items.collect(), got.next_shard_iterator.map(Cursor::Iterator)))
    }
}

fn shard(shard: d::Shard) -> Option<Shard> {
    let range = shard.sequence_number_range.unwrap_or_default();
    Some(Shard {
        id: shard.shard_id?,
        parents: shard.parent_shard_id.into_iter().collect(),
        closed: range.ending_sequence_number.is_some(),
        begins: range.starting_sequence_number.unwrap_or_default(),
    })
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
    let key = event["dynamodb"]["Keys"].to_string();
    Item::new(number, at.millis(), key, None, event)
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
