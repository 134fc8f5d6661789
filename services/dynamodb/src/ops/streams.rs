//! DynamoDB Streams: ListStreams, DescribeStream, GetShardIterator and GetRecords.

use std::collections::HashSet;
use std::sync::Arc;

use haneul_dynamodbstreams_wire::operations::{DescribeStream, GetRecords, GetShardIterator, ListStreams};
use haneul_dynamodbstreams_wire::shapes as s;
use haneul_kit::{Access, ApiError, Arn, Cx, Handle, Instant, Result};
use haneul_shape::value::Map;
use haneul_store::{Range, Reads};
use serde::{Deserialize, Serialize};

use super::Dynamodb;
use crate::error::{self, validation};
use crate::metrics::{RETURNED_BYTES, RETURNED_RECORDS};
use crate::model::{STREAMS, StreamRecord};
use crate::store::seal::Keeping;
use crate::store::streams::StreamInfo;
use crate::stream::read::{self, Shard};
use crate::stream::record::Change;
use crate::table::name;
use crate::value::{Attrs, Number, Value, size};

/// How long an iterator is good for. Source: the API reference of GetShardIterator.
const ITERATOR_MS: i64 = 15 * 60 * 1000;

/// What one answer lists, and the most that may be asked for. Source: the API reference, "the upper limit is 100".
const LISTED_MAX: i32 = 100;

const ITERATOR: &str = "dynamodb.iterator";

/// Where a reader stands.
#[derive(Serialize, Deserialize)]
struct Position {
    arn: String,
    /// The log of its lane; in iterators of before there were any, the stream's.
    #[serde(default)]
    lane: Option<u64>,
    shard: i64,
    number: u64,
    made_ms: i64,
}

impl Handle<ListStreams> for Dynamodb {
    async fn access(&self, _: &Cx, _: &s::ListStreamsInput) -> Result<Vec<Access>> {
        Ok(vec![Access::to("dynamodb:ListStreams")])
    }

    async fn call(&self, cx: &Cx, input: s::ListStreamsInput) -> Result<s::ListStreamsOutput> {
        let limit = limit(input.limit, LISTED_MAX)?;
        let (account, region) = (cx.account(), cx.region());
        let mut range = match &input.table_name {
            Some(given) => Range::prefix((account, region, name::of(cx, given)?.2)),
            None => Range::prefix((account, region)),
        };
        if let Some(arn) = &input.exclusive_start_stream_arn {
            let (_, (_, _, name), label) = of_arn(arn)?;
            range = range.after(&(account, region, name, label));
        }
        let mut found = self.db.store.scan(&STREAMS, range, limit + 1).await.map_err(error::store)?;
        let more = found.len() > limit;
        found.truncate(limit);
        let streams: Vec<_> = found
            .into_iter()
            .map(|((account, region, name, label), _)| s::Stream {
                stream_arn: Some(arn(&(account, region, name.clone()), &label)),
                table_name: Some(name),
                stream_label: Some(label),
            })
            .collect();
        let last = streams.last().filter(|_| more).and_then(|stream| stream.stream_arn.clone());
        Ok(s::ListStreamsOutput { streams: Some(streams), last_evaluated_stream_arn: last })
    }
}

impl Handle<DescribeStream> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::DescribeStreamInput) -> Result<Vec<Access>> {
        self.on_stream(cx, "dynamodb:DescribeStream", &input.stream_arn).await
    }

    async fn call(&self, cx: &Cx, input: s::DescribeStreamInput) -> Result<s::DescribeStreamOutput> {
        let limit = limit(input.limit, LISTED_MAX)?;
        let (id, label, stream) = self.stream(&input.stream_arn).await?;
        let stream = &stream.record;
        let mut shards = read::all(stream, cx.now());
        let known: HashSet<String> = shards.iter().map(Shard::id).collect();
        let parent = |shard: &Shard| shard.parent_id(stream, cx.now()).filter(|id| known.contains(id));
        if let Some(after) = &input.exclusive_start_shard_id {
            shards.retain(|shard| shard.id() > *after);
        }
        if let Some(filter) = &input.shard_filter
            && let Some(wanted) = &filter.shard_id
        {
            shards.retain(|shard| parent(shard).as_ref() == Some(wanted));
        }
        let more = shards.len() > limit;
        shards.truncate(limit);
        let mut described = Vec::with_capacity(shards.len());
        for shard in &shards {
            let last = match shard.closed {
                true => Some(self.db.last_number(shard).await?.unwrap_or(shard.start)),
                false => None,
            };
            described.push(s::Shard {
                shard_id: Some(shard.id()),
                sequence_number_range: Some(s::SequenceNumberRange {
                    starting_sequence_number: Some(number_text(shard.start)),
                    ending_sequence_number: last.map(number_text),
                }),
                parent_shard_id: parent(shard),
            });
        }
        let status = if stream.ended_ms.is_some() { "DISABLED" } else { "ENABLED" };
        let keys = stream
            .key_schema
            .iter()
            .map(|key| s::KeySchemaElement { attribute_name: key.name.clone(), key_type: key.role.clone() });
        Ok(s::DescribeStreamOutput {
            stream_description: Some(s::StreamDescription {
                stream_arn: Some(arn(&id, &label)),
                stream_label: Some(label),
                stream_status: Some(status.to_owned()),
                stream_view_type: Some(stream.view.clone()),
                creation_request_date_time: Some(Instant::from_millis(stream.created_ms)),
                table_name: Some(id.2),
                key_schema: Some(keys.collect()),
                last_evaluated_shard_id: shards.last().filter(|_| more).map(Shard::id),
                shards: Some(described),
            }),
        })
    }
}

impl Handle<GetShardIterator> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::GetShardIteratorInput) -> Result<Vec<Access>> {
        self.on_stream(cx, "dynamodb:GetShardIterator", &input.stream_arn).await
    }

    async fn call(&self, cx: &Cx, input: s::GetShardIteratorInput) -> Result<s::GetShardIteratorOutput> {
        let (_, _, stream) = self.stream(&input.stream_arn).await?;
        let shard = Shard::of_id(&stream.record, &input.shard_id, cx.now()).ok_or_else(|| {
            no_resource(format!("Requested resource not found: Shard does not exist: {}", input.shard_id))
        })?;
        let given = || -> Result<u64> {
            let text = input.sequence_number.as_deref().ok_or_else(|| {
                validation(format!(
                    "SequenceNumber is required for the iterator type {}",
                    input.shard_iterator_type
                ))
            })?;
            let number = text_number(text).filter(|number| *number >= shard.start && *number < shard.end);
            let number = number.ok_or_else(|| validation(format!("Invalid SequenceNumber: {text}")))?;
            match number < read::horizon(cx.now()) {
                true => Err(trimmed()),
                false => Ok(number),
            }
        };
        let number = match input.shard_iterator_type.as_str() {
            "TRIM_HORIZON" => shard.start,
            "LATEST" => self.db.latest(&shard).await?.min(shard.end),
            "AT_SEQUENCE_NUMBER" => given()?,
            "AFTER_SEQUENCE_NUMBER" => given()? + 1,
            _ => {
                let at =
                    input.timestamp.ok_or_else(|| validation("Timestamp is required for AT_TIMESTAMP"))?;
                crate::stream::sequence::of_time(at).clamp(shard.start, shard.end)
            }
        };
        let position = Position {
            arn: input.stream_arn,
            lane: Some(shard.lane.log),
            shard: shard.index,
            number,
            made_ms: cx.now().millis(),
        };
        Ok(s::GetShardIteratorOutput { shard_iterator: Some(self.iterator(&position)) })
    }
}

impl Handle<GetRecords> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::GetRecordsInput) -> Result<Vec<Access>> {
        let position = self.position(&input.shard_iterator)?;
        self.on_stream(cx, "dynamodb:GetRecords", &position.arn).await
    }

    async fn call(&self, cx: &Cx, input: s::GetRecordsInput) -> Result<s::GetRecordsOutput> {
        let limit = limit(input.limit, read::RECORDS_MAX as i32)?;
        let position = self.position(&input.shard_iterator)?;
        if cx.now().millis() - position.made_ms > ITERATOR_MS {
            return Err(ApiError::new("ExpiredIteratorException", "Shard iterator has expired"));
        }
        let (id, label, stream) = self.stream(&position.arn).await?;
        cx.concerns(&stream);
        let stream = &stream.record;
        let log = position.lane.unwrap_or(stream.log);
        let lane = stream.all_lanes().into_iter().find(|lane| lane.log == log);
        let shard = Shard::at(lane.ok_or_else(trimmed)?, position.shard, cx.now());
        let key = match &stream.sse {
            Some(sse) => Some(self.db.key_for(cx, sse).await?),
            None => None,
        };
        let keeping = Keeping { seals: false, key: key.as_ref() };
        let records = self.db.records(&shard, position.number, limit, keeping).await?;
        let next = records
            .next
            .map(|number| self.iterator(&Position { number, made_ms: cx.now().millis(), ..position }));
        let record = |(number, change)| record(id.1.as_str(), stream, (log, number), change);
        let records: Vec<_> = records.changes.into_iter().map(record).collect();
        self.note_returned(&id, &label, &records, cx.now());
        Ok(s::GetRecordsOutput { records: Some(records), next_shard_iterator: next })
    }
}

impl Dynamodb {
    pub(super) async fn on_stream(&self, _: &Cx, action: &'static str, given: &str) -> Result<Vec<Access>> {
        let (arn, id, label) = of_arn(given)?;
        let stream = self.db.find_stream(&id, &label).await?;
        let policy = stream.and_then(|stream| stream.policy.clone());
        Ok(vec![Access::on(action, &arn).with_policy(policy)])
    }

    async fn stream(&self, given: &str) -> Result<(name::TableId, String, Arc<StreamInfo>)> {
        let (_, id, label) = of_arn(given)?;
        let stream = self.db.find_stream(&id, &label).await?.ok_or_else(|| error::no_stream(given))?;
        Ok((id, label, stream))
    }

    /// Tells CloudWatch of what was read of a stream.
    fn note_returned(&self, id: &name::TableId, label: &str, records: &[s::Record], now: Instant) {
        let dimensions = [("TableName", id.2.as_str()), ("Operation", "GetRecords"), ("StreamLabel", label)];
        let sizes = records.iter().filter_map(|record| record.dynamodb.as_ref()?.size_bytes);
        let bytes = sizes.sum::<i64>() as f64;
        for (metric, value) in [(RETURNED_RECORDS, records.len() as f64), (RETURNED_BYTES, bytes)] {
            self.db.metrics().record(metric, id.0, id.1, now, &dimensions, value);
        }
    }

    fn iterator(&self, position: &Position) -> String {
        let token = haneul_kit::paging::token(&self.platform.seal, ITERATOR, position);
        format!("{}|1|{token}", position.arn)
    }

    fn position(&self, iterator: &str) -> Result<Position> {
        let token = iterator.rsplit('|').next().unwrap_or_default();
        haneul_kit::paging::position(&self.platform.seal, ITERATOR, token)
            .ok_or_else(|| validation("Invalid ShardIterator"))
    }
}

/// How much is asked for, by default all that may be.
fn limit(given: Option<i32>, max: i32) -> Result<usize> {
    match given {
        Some(limit) if limit > max => Err(validation(format!(
            "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: Member must have value \
             less than or equal to {max}"
        ))),
        limit => Ok(usize::try_from(limit.unwrap_or(max)).unwrap_or(1)),
    }
}

fn trimmed() -> ApiError {
    let message = "The operation attempted to read past the oldest stream record in a shard";
    ApiError::new("TrimmedDataAccessException", message)
}

fn no_resource(message: String) -> ApiError {
    ApiError::new("ResourceNotFoundException", message)
}

fn arn(id: &name::TableId, label: &str) -> String {
    format!("{}/stream/{label}", name::arn(id))
}

/// `arn:…:table/name/stream/label`
fn of_arn(given: &str) -> Result<(Arn, name::TableId, String)> {
    let wrong = || validation(format!("Invalid StreamArn: {given}"));
    let parsed = Arn::parse(given).map_err(|_| wrong())?;
    let (_, label) = parsed.resource().split_once("/stream/").ok_or_else(wrong)?;
    let (label, id) = (label.to_owned(), name::of_part(given).map_err(|_| wrong())?);
    Ok((parsed, id, label))
}

/// Sequence numbers have 21 digits at least.
fn number_text(number: u64) -> String {
    format!("1{number:020}")
}

fn text_number(text: &str) -> Option<u64> {
    text.strip_prefix('1').filter(|digits| digits.len() == 20)?.parse().ok()
}

fn record(region: &str, stream: &StreamRecord, (log, number): (u64, u64), change: Change) -> s::Record {
    let event = change.event().to_owned();
    let (with_new, with_old) = match stream.view.as_str() {
        "NEW_IMAGE" => (true, false),
        "OLD_IMAGE" => (false, true),
        "NEW_AND_OLD_IMAGES" => (true, true),
        _ => (false, false),
    };
    let new = change.new.filter(|_| with_new);
    let old = change.old.filter(|_| with_old);
    let bytes = [Some(&change.key), new.as_ref(), old.as_ref()]
        .into_iter()
        .flatten()
        .map(size::of_item)
        .sum::<usize>();
    let id = xxhash_rust::xxh3::xxh3_128(&[log.to_be_bytes(), number.to_be_bytes()].concat());
    s::Record {
        event_id: Some(format!("{id:032x}")),
        event_name: Some(event),
        event_version: Some("1.1".to_owned()),
        event_source: Some("aws:dynamodb".to_owned()),
        aws_region: Some(region.to_owned()),
        dynamodb: Some(s::StreamRecord {
            approximate_creation_date_time: Some(Instant::from_secs(change.at_ms.div_euclid(1000))),
            keys: Some(attrs(change.key)),
            new_image: new.map(attrs),
            old_image: old.map(attrs),
            sequence_number: Some(number_text(number)),
            size_bytes: i64::try_from(bytes).ok(),
            stream_view_type: Some(stream.view.clone()),
        }),
        user_identity: change.by_service.then(|| s::Identity {
            principal_id: Some("dynamodb.amazonaws.com".to_owned()),
            r#type: Some("Service".to_owned()),
        }),
    }
}

fn attrs(attrs: Attrs) -> Map<s::AttributeValue> {
    Map(attrs.into_entries().into_iter().map(|(name, value)| (name, to_wire(value))).collect())
}

/// The shapes of the two APIs are alike and not the same.
fn to_wire(value: Value) -> s::AttributeValue {
    match value {
        Value::S(text) => s::AttributeValue::S(text),
        Value::N(number) => s::AttributeValue::N(number.to_string()),
        Value::B(bytes) => s::AttributeValue::B(bytes),
        Value::Bool(value) => s::AttributeValue::BOOL(value),
        Value::Null => s::AttributeValue::NULL(true),
        Value::M(map) => s::AttributeValue::M(attrs(map)),
        Value::L(list) => s::AttributeValue::L(list.into_iter().map(to_wire).collect()),
        Value::Ss(set) => s::AttributeValue::SS(set),
        Value::Ns(set) => s::AttributeValue::NS(set.iter().map(Number::to_string).collect()),
        Value::Bs(set) => s::AttributeValue::BS(set),
    }
}
