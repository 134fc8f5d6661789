//! GetRecords.

use haneul_kinesis_wire::operations::GetRecords;
use haneul_kinesis_wire::shapes as s;
use haneul_kinesis_wire::values::encryption_type;
use haneul_kit::{Access, Cx, Handle, Instant, Result};

use super::describe::hash_key_range;
use super::iterator::ITERATOR_MS;
use crate::Kinesis;
use crate::error;
use crate::keys::Opener;
use crate::metrics as m;
use crate::names::{self, shard_id};
use crate::plane::read::{Bounds, Found, Page, page};
use crate::plane::{Shard, State};

/// Source: API Reference, "GetRecords".
const RECORDS_MAX: i32 = 10_000;
const BYTES_MAX: usize = 10 * 1024 * 1024;

/// Records as they are answered.
pub(super) fn records(shard: &Shard, found: Vec<Found>) -> Vec<s::Record> {
    let record = |found: Found| s::Record {
        sequence_number: shard.sequence(found.place, found.arrived_ms).text(),
        approximate_arrival_timestamp: Some(Instant::from_millis(found.arrived_ms)),
        data: found.entry.data,
        partition_key: found.entry.partition_key,
        encryption_type: found.sealed.then(|| encryption_type::KMS.to_owned()),
    };
    found.into_iter().map(record).collect()
}

/// The shards that go on where a closed one ended.
pub(super) fn children(state: &State, shard: u32) -> Vec<s::ChildShard> {
    let child = |child: &std::sync::Arc<Shard>| s::ChildShard {
        shard_id: shard_id(child.index),
        parent_shards: [child.record.parent, child.record.adjacent_parent]
            .into_iter()
            .flatten()
            .map(shard_id)
            .collect(),
        hash_key_range: hash_key_range(child),
    };
    state.children(shard).map(child).collect()
}

impl Handle<GetRecords> for Kinesis {
    async fn access(&self, _: &Cx, input: &s::GetRecordsInput) -> Result<Vec<Access>> {
        let key = self.open_iterator(&input.shard_iterator)?.key()?;
        Ok(vec![self.on_stream("kinesis:GetRecords", &key)])
    }

    async fn call(&self, cx: &Cx, input: s::GetRecordsInput) -> Result<s::GetRecordsOutput> {
        let iterator = self.open_iterator(&input.shard_iterator)?;
        let key = iterator.key()?;
        if let Some(arn) = &input.stream_arn
            && names::stream_arn(arn)? != key
        {
            return Err(error::invalid("StreamARN and ShardIterator do not name the same stream."));
        }
        let now = cx.now();
        let made = Instant::from_millis(iterator.made_ms);
        if now.millis() - iterator.made_ms > ITERATOR_MS {
            return Err(error::iterator_expired(made, now, ITERATOR_MS));
        }
        let stream = self.usable(cx, &key).await?;
        let id = shard_id(iterator.shard);
        let state = stream.state();
        let found = state.shards.get(&iterator.shard).filter(|_| stream.no == iterator.stream_no);
        let shard = found.ok_or_else(|| error::shard_does_not_exist(&key, &id))?;
        let tail = shard.tail(&self.platform.store).await?;
        let may_read = {
            let limits = &mut tail.lock().limits;
            let now_ms = self.platform.env.now().millis();
            let may = limits.reads.has(1, now_ms) && limits.read_bytes.is_open(now_ms);
            if may && input.dry_run != Some(true) {
                limits.reads.take(1);
            }
            may
        };
        let exceeded = f64::from(u8::from(!may_read));
        self.count(&stream, &[(m::READ_EXCEEDED, exceeded), (m::GET_RECORDS_SUCCESS, 1.0 - exceeded)]);
        self.count_shard(&stream, shard.index, &[(m::READ_EXCEEDED, exceeded)]);
        if !may_read {
            return Err(error::rate(&key, shard.index));
        }
        if input.dry_run == Some(true) {
            return Err(error::dry_run());
        }
        let bounds = Bounds {
            records: input.limit.unwrap_or(RECORDS_MAX).clamp(1, RECORDS_MAX) as usize,
            bytes: BYTES_MAX,
        };
        let mut opener = Opener::new(&self.keys, &self.platform, cx, &stream.arn);
        let (store, place) = (&self.platform.store, iterator.place);
        let read = page(store, shard, &state.record, place, now.millis(), bounds, &mut opener).await?;
        let Page { records: found, bytes, next, behind_ms, at_tip } = read;
        tail.lock().limits.read_bytes.take(bytes as i64);
        let count = found.len() as f64;
        let age_ms = found.last().map_or(behind_ms, |last| (now.millis() - last.arrived_ms).max(0)) as f64;
        self.count(
            &stream,
            &[
                (m::GET_RECORDS_BYTES, bytes as f64),
                (m::GET_RECORDS_RECORDS, count),
                (m::GET_RECORDS_AGE, age_ms),
                (m::GET_RECORDS_LATENCY, self.latency(cx)),
            ],
        );
        let of_shard =
            [(m::OUTGOING_BYTES, bytes as f64), (m::OUTGOING_RECORDS, count), (m::ITERATOR_AGE, age_ms)];
        self.count_shard(&stream, shard.index, &of_shard);
        self.meter_got(&stream, bytes);
        let ended = at_tip && shard.is_closed();
        Ok(s::GetRecordsOutput {
            records: records(shard, found),
            next_shard_iterator: (!ended).then(|| self.iterator(&stream, shard.index, next, now)),
            millis_behind_latest: Some(behind_ms),
            child_shards: ended.then(|| children(&state, shard.index)),
        })
    }
}
