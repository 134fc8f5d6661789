use bytes::Bytes;
use haneul_firehose_wire::operations as op;
use haneul_firehose_wire::shapes as s;
use haneul_firehose_wire::values::error;
use haneul_kit::metrics::Metric;
use haneul_kit::{Access, Cx, Handle, Result};

use super::key;
use crate::delivery::record_id;
use crate::error::{SLOW_DOWN, invalid, not_for_sources, slow_down};
use crate::model::{RowKey, StreamKey, StreamRecord, pack, row_kind};
use crate::{Firehose, metrics};

/// All records of a call. Source: API Reference, PutRecordBatch: 4 MiB.
const CALL_MAX: usize = 4 * 1024 * 1024;
/// Records that are kept as one.
const ROW_MAX: usize = 1024 * 1024;

impl Handle<op::PutRecord> for Firehose {
    async fn access(&self, cx: &Cx, input: &s::PutRecordInput) -> Result<Vec<Access>> {
        Ok(vec![self.on("firehose:PutRecord", &key(cx, &input.delivery_stream_name)).await?])
    }

    async fn call(&self, cx: &Cx, input: s::PutRecordInput) -> Result<s::PutRecordOutput> {
        let key = key(cx, &input.delivery_stream_name);
        let bytes = input.record.data.len();
        let (mut ids, encrypted) = self.put(cx, &key, vec![input.record.data]).await?;
        self.note_put(cx, &key, metrics::PUT, bytes);
        let record_id = ids.pop().flatten().ok_or_else(slow_down)?;
        Ok(s::PutRecordOutput { record_id, encrypted: Some(encrypted) })
    }
}

impl Handle<op::PutRecordBatch> for Firehose {
    async fn access(&self, cx: &Cx, input: &s::PutRecordBatchInput) -> Result<Vec<Access>> {
        Ok(vec![self.on("firehose:PutRecordBatch", &key(cx, &input.delivery_stream_name)).await?])
    }

    async fn call(&self, cx: &Cx, input: s::PutRecordBatchInput) -> Result<s::PutRecordBatchOutput> {
        let key = key(cx, &input.delivery_stream_name);
        let records: Vec<Bytes> = input.records.into_iter().map(|record| record.data).collect();
        let (bytes, count) = (records.iter().map(Bytes::len).sum::<usize>(), records.len());
        if bytes > CALL_MAX {
            return Err(invalid("Records size exceeds 4 MB limit"));
        }
        let (ids, encrypted) = self.put(cx, &key, records).await?;
        self.note_put(cx, &key, metrics::PUT_BATCH, bytes);
        self.sample(metrics::PUT_BATCH_RECORDS, &key, count as f64);
        let entry = |id: Option<String>| {
            let (code, message) = (error::SERVICE_UNAVAILABLE_EXCEPTION, SLOW_DOWN);
            s::PutRecordBatchResponseEntry {
                error_code: id.is_none().then(|| code.to_owned()),
                error_message: id.is_none().then(|| message.to_owned()),
                record_id: id,
            }
        };
        Ok(s::PutRecordBatchOutput {
            failed_put_count: ids.iter().filter(|id| id.is_none()).count() as i32,
            encrypted: Some(encrypted),
            request_responses: ids.into_iter().map(entry).collect(),
        })
    }
}

impl Firehose {
    /// Tells CloudWatch of a call that put so many bytes.
    fn note_put(&self, cx: &Cx, key: &StreamKey, [requests, sizes, latency]: [Metric; 3], bytes: usize) {
        let took_ms = (self.platform.env.now().millis() - cx.now().millis()).max(0);
        for (metric, value) in [(requests, 1.0), (sizes, bytes as f64), (latency, took_ms as f64)] {
            self.sample(metric, key, value);
        }
    }

    /// Accepts records: they are durable when this returns. Their ids, of those that the stream takes for now, and whether
    /// they are encrypted.
    async fn put(
        &self,
        cx: &Cx,
        key: &StreamKey,
        records: Vec<Bytes>,
    ) -> Result<(Vec<Option<String>>, bool)> {
        let stream = self.records.there(key).await?;
        if stream.source.is_some() {
            return Err(not_for_sources());
        }
        let now_ms = cx.now().millis();
        let admitted = self.limits.admit(stream.id, key.1, now_ms, records.iter().map(Bytes::len));
        let throttled = admitted.iter().filter(|admitted| !**admitted).count();
        if throttled > 0 {
            self.sample(metrics::THROTTLED, key, throttled as f64);
        }
        let taken = records.into_iter().zip(&admitted).filter(|(_, admitted)| **admitted);
        let records: Vec<Bytes> = taken.map(|(record, _)| record).collect();
        let mut ids = Vec::with_capacity(records.len());
        if !records.is_empty() {
            self.take(key, &stream, &records, now_ms, &mut ids).await?;
        }
        let mut ids = ids.into_iter();
        let ids = admitted.into_iter().map(|admitted| if admitted { ids.next() } else { None });
        Ok((ids.collect(), stream.encrypts))
    }

    async fn take(
        &self,
        key: &StreamKey,
        stream: &StreamRecord,
        records: &[Bytes],
        now_ms: i64,
        ids: &mut Vec<String>,
    ) -> Result<()> {
        let data_key = if stream.encrypts { self.data_key(key, stream).await? } else { None };
        let mut rows = Vec::new();
        for (place, packed, count) in self.rows((stream.id, now_ms), records, 1) {
            ids.extend((0..count).map(|i| record_id(place.2, i)));
            let kept = match &data_key {
                Some(data_key) => {
                    let sealed = data_key.seal(&self.platform.env.rng, &stream.id.to_be_bytes(), &packed);
                    [&[row_kind::SEALED], &sealed[..]].concat()
                }
                None => [&[row_kind::PLAIN], &packed[..]].concat(),
            };
            rows.push((place, kept));
        }
        self.records.accept(rows).await?;
        let bytes = records.iter().map(Bytes::len).sum::<usize>() as u64;
        self.arrived(key, stream, bytes, now_ms);
        self.meter_put(key, records.iter().map(Bytes::len));
        self.sample(metrics::INCOMING_REQUESTS, key, 1.0);
        self.sample(metrics::INCOMING_RECORDS, key, records.len() as f64);
        self.sample(metrics::INCOMING_BYTES, key, bytes as f64);
        Ok(())
    }

    /// Packs what arrived now, in order; `each` so many pieces stay together. How many of these are in a row comes with it.
    pub(crate) fn rows(
        &self,
        (id, now_ms): (u64, i64),
        pieces: &[Bytes],
        each: usize,
    ) -> Vec<(RowKey, Vec<u8>, usize)> {
        let first = self.platform.env.rng.u64();
        let (mut rows, mut rest) = (Vec::new(), pieces);
        while !rest.is_empty() {
            let mut size = 0;
            let fits = |pieces: &&[Bytes]| {
                size += pieces.iter().map(|piece| piece.len() + 4).sum::<usize>();
                size <= ROW_MAX
            };
            let count = rest.chunks(each).take_while(fits).count().max(1);
            let (row, behind) = rest.split_at((count * each).min(rest.len()));
            rest = behind;
            let place: RowKey = (id, now_ms, first.wrapping_add(rows.len() as u64));
            rows.push((place, pack(row.iter().map(|piece| &piece[..])), count));
        }
        rows
    }

    /// Counts what is in the store now, and sees to its delivery.
    pub(crate) fn arrived(&self, key: &StreamKey, stream: &StreamRecord, bytes: u64, now_ms: i64) {
        if self.buffers.add(key, stream.id, stream.destination.size(), bytes, now_ms) {
            self.due.wake();
        }
    }
}
