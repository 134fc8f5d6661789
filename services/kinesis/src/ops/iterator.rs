//! GetShardIterator, and the positions that iterators and subscriptions begin at.

use haneul_kinesis_wire::operations::GetShardIterator;
use haneul_kinesis_wire::shapes as s;
use haneul_kinesis_wire::values::shard_iterator_type as kind;
use haneul_kit::{Access, AccountId, Cx, Handle, Instant, Result, paging};
use serde::{Deserialize, Serialize};

use crate::Kinesis;
use crate::error;
use crate::names::{self, StreamKey, shard_id};
use crate::plane::read::place_at;
use crate::plane::{Shard, Stream};
use crate::sequence::Sequence;
use crate::service::shard;

/// How long an iterator serves. Source: API Reference, "GetShardIterator".
pub(super) const ITERATOR_MS: i64 = 5 * 60 * 1000;

const PURPOSE: &str = "kinesis.iterator";

/// Where a reader stands. Sealed, it must fit into 512 characters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Iterator {
    #[serde(rename = "a")]
    account: u64,
    #[serde(rename = "r")]
    region: String,
    #[serde(rename = "n")]
    name: String,
    #[serde(rename = "o")]
    pub(super) stream_no: u64,
    #[serde(rename = "s")]
    pub(super) shard: u32,
    #[serde(rename = "p")]
    pub(super) place: u64,
    #[serde(rename = "t")]
    pub(super) made_ms: i64,
}

/// What a request says of where to begin.
pub(super) struct Start<'a> {
    pub(super) operation: &'static str,
    pub(super) kind: &'a str,
    pub(super) sequence: Option<&'a str>,
    pub(super) at: Option<Instant>,
}

impl Iterator {
    pub(super) fn key(&self) -> Result<StreamKey> {
        let account = AccountId::new(self.account).ok_or_else(error::invalid_iterator)?;
        let region = self.region.parse().map_err(|_| error::invalid_iterator())?;
        Ok(StreamKey { account, region, name: self.name.clone() })
    }
}

impl Kinesis {
    pub(super) fn iterator(&self, stream: &Stream, shard: u32, place: u64, now: Instant) -> String {
        let (account, region) = (stream.key.account.number(), stream.key.region.as_str().to_owned());
        let (name, stream_no, made_ms) = (stream.key.name.clone(), stream.no, now.millis());
        let iterator = Iterator { account, region, name, stream_no, shard, place, made_ms };
        paging::token(&self.platform.seal, PURPOSE, &iterator)
    }

    pub(super) fn open_iterator(&self, text: &str) -> Result<Iterator> {
        paging::position(&self.platform.seal, PURPOSE, text).ok_or_else(error::invalid_iterator)
    }

    /// The place that a request begins at.
    pub(super) async fn place(
        &self,
        stream: &Stream,
        shard: &Shard,
        start: &Start<'_>,
        now: Instant,
    ) -> Result<u64> {
        match (start.kind, start.sequence) {
            (kind::AT_SEQUENCE_NUMBER, Some(text)) => {
                Ok(sequence(stream, shard, start.operation, text)?.place)
            }
            (kind::AFTER_SEQUENCE_NUMBER, Some(text)) => {
                Ok(sequence(stream, shard, start.operation, text)?.place.saturating_add(1))
            }
            (kind::AT_SEQUENCE_NUMBER | kind::AFTER_SEQUENCE_NUMBER, None) => Err(error::invalid(format!(
                "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or \
                 (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified {} and no \
                 StartingSequenceNumber.",
                start.kind
            ))),
            (kind, Some(_)) => Err(error::invalid(format!(
                "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or \
                 (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified {kind} and also a \
                 StartingSequenceNumber."
            ))),
            (kind::AT_TIMESTAMP, None) => {
                let at_ms = start.at.map(Instant::millis).ok_or_else(|| {
                    error::invalid(
                        "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request \
                         has no timestamp parameter.",
                    )
                })?;
                let now_ms = now.millis();
                if at_ms > now_ms {
                    return Err(error::invalid(format!(
                        "The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. \
                         timestampInMillis: {at_ms}, currentTimestampInMillis: {now_ms}"
                    )));
                }
                place_at(&self.platform.store, shard, at_ms).await
            }
            (kind::LATEST, None) => Ok(shard.tail(&self.platform.store).await?.lock().visible()),
            _ => Ok(0),
        }
    }
}

/// A sequence number that is this shard's.
fn sequence(stream: &Stream, shard: &Shard, operation: &str, text: &str) -> Result<Sequence> {
    let StreamKey { name, account, .. } = &stream.key;
    let used = format!(
        "StartingSequenceNumber {text} used in {operation} on shard {} in stream {name} under account {account} is \
         invalid",
        shard_id(shard.index)
    );
    let sequence = Sequence::parse(text).ok_or_else(|| error::invalid(format!("{used}.")))?;
    if sequence.shard != shard.index {
        return Err(error::invalid(format!(
            "Invalid StartingSequenceNumber. It encodes {}, while it was used in a call to a shard with {}",
            shard_id(sequence.shard),
            shard_id(shard.index)
        )));
    }
    if sequence.began_secs != shard.record.began_secs {
        return Err(error::invalid(format!("{used} because it did not come from this stream.")));
    }
    Ok(sequence)
}

impl Handle<GetShardIterator> for Kinesis {
    async fn access(&self, cx: &Cx, input: &s::GetShardIteratorInput) -> Result<Vec<Access>> {
        let (name, arn) = (input.stream_name.as_deref(), input.stream_arn.as_deref());
        self.on_named(cx, "kinesis:GetShardIterator", name, arn)
    }

    async fn call(&self, cx: &Cx, input: s::GetShardIteratorInput) -> Result<s::GetShardIteratorOutput> {
        let key = names::stream(cx, input.stream_name.as_deref(), input.stream_arn.as_deref())?;
        let stream = self.usable(cx, &key).await?;
        let id = &input.shard_id;
        let shard = shard(&stream, id).ok_or_else(|| error::shard_does_not_exist(&key, id))?;
        let start = Start {
            operation: "GetShardIterator",
            kind: &input.shard_iterator_type,
            sequence: input.starting_sequence_number.as_deref(),
            at: input.timestamp,
        };
        let place = self.place(&stream, &shard, &start, cx.now()).await?;
        if input.dry_run == Some(true) {
            return Err(error::dry_run());
        }
        let iterator = self.iterator(&stream, shard.index, place, cx.now());
        Ok(s::GetShardIteratorOutput { shard_iterator: Some(iterator) })
    }
}
