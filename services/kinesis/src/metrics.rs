//! What CloudWatch is told of streams. Source: Developer Guide, "Monitor the Amazon Kinesis Data Streams service with Amazon
//! CloudWatch".

use haneul_kit::Cx;
use haneul_kit::metrics::{Metric, Unit};

use crate::Kinesis;
use crate::names::shard_id;
use crate::plane::Stream;

const NAMESPACE: &str = "AWS/Kinesis";

const fn count(name: &'static str) -> Metric {
    Metric::new(NAMESPACE, name, Unit::Count)
}

const fn bytes(name: &'static str) -> Metric {
    Metric::new(NAMESPACE, name, Unit::Bytes)
}

const fn millis(name: &'static str) -> Metric {
    Metric::new(NAMESPACE, name, Unit::Milliseconds)
}

pub(crate) const INCOMING_BYTES: Metric = bytes("IncomingBytes");
pub(crate) const INCOMING_RECORDS: Metric = count("IncomingRecords");
pub(crate) const WRITE_EXCEEDED: Metric = count("WriteProvisionedThroughputExceeded");
pub(crate) const READ_EXCEEDED: Metric = count("ReadProvisionedThroughputExceeded");
pub(crate) const PUT_RECORD_BYTES: Metric = bytes("PutRecord.Bytes");
pub(crate) const PUT_RECORD_LATENCY: Metric = millis("PutRecord.Latency");
pub(crate) const PUT_RECORD_SUCCESS: Metric = count("PutRecord.Success");
pub(crate) const PUT_RECORDS_BYTES: Metric = bytes("PutRecords.Bytes");
pub(crate) const PUT_RECORDS_LATENCY: Metric = millis("PutRecords.Latency");
pub(crate) const PUT_RECORDS_SUCCESS: Metric = count("PutRecords.Success");
pub(crate) const PUT_RECORDS_TOTAL: Metric = count("PutRecords.TotalRecords");
pub(crate) const PUT_RECORDS_SUCCESSFUL: Metric = count("PutRecords.SuccessfulRecords");
pub(crate) const PUT_RECORDS_FAILED: Metric = count("PutRecords.FailedRecords");
pub(crate) const PUT_RECORDS_THROTTLED: Metric = count("PutRecords.ThrottledRecords");
pub(crate) const GET_RECORDS_BYTES: Metric = bytes("GetRecords.Bytes");
pub(crate) const GET_RECORDS_AGE: Metric = millis("GetRecords.IteratorAgeMilliseconds");
pub(crate) const GET_RECORDS_LATENCY: Metric = millis("GetRecords.Latency");
pub(crate) const GET_RECORDS_RECORDS: Metric = count("GetRecords.Records");
pub(crate) const GET_RECORDS_SUCCESS: Metric = count("GetRecords.Success");
pub(crate) const SUBSCRIBE_SUCCESS: Metric = count("SubscribeToShard.Success");
pub(crate) const SUBSCRIBE_EXCEEDED: Metric = count("SubscribeToShard.RateExceeded");
pub(crate) const EVENT_BYTES: Metric = bytes("SubscribeToShardEvent.Bytes");
pub(crate) const EVENT_RECORDS: Metric = count("SubscribeToShardEvent.Records");
pub(crate) const EVENT_BEHIND: Metric = millis("SubscribeToShardEvent.MillisBehindLatest");
pub(crate) const EVENT_SUCCESS: Metric = count("SubscribeToShardEvent.Success");
/// Of shards only.
pub(crate) const OUTGOING_BYTES: Metric = bytes("OutgoingBytes");
pub(crate) const OUTGOING_RECORDS: Metric = count("OutgoingRecords");
pub(crate) const ITERATOR_AGE: Metric = millis("IteratorAgeMilliseconds");

impl Kinesis {
    /// Samples of a stream's metrics.
    pub(crate) fn count(&self, stream: &Stream, samples: &[(Metric, f64)]) {
        let metrics = &self.platform.metrics;
        if !metrics.is_open() {
            return;
        }
        let (key, now) = (&stream.key, self.platform.env.now());
        for (metric, value) in samples {
            metrics.record(*metric, key.account, key.region, now, &[("StreamName", &key.name)], *value);
        }
    }

    /// Samples of one shard's metrics, those of which the stream is monitored for.
    pub(crate) fn count_shard(&self, stream: &Stream, shard: u32, samples: &[(Metric, f64)]) {
        let metrics = &self.platform.metrics;
        let state = stream.state();
        if !metrics.is_open() || state.record.monitored.is_empty() {
            return;
        }
        let (key, now, shard) = (&stream.key, self.platform.env.now(), shard_id(shard));
        let dimensions = [("StreamName", key.name.as_str()), ("ShardId", shard.as_str())];
        for (metric, value) in samples {
            if state.record.monitored.contains(metric.name) {
                metrics.record(*metric, key.account, key.region, now, &dimensions, *value);
            }
        }
    }

    /// Milliseconds since the call began.
    pub(crate) fn latency(&self, cx: &Cx) -> f64 {
        (self.platform.env.now().millis() - cx.now().millis()).max(0) as f64
    }
}
