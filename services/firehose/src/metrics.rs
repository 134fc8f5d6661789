//! What CloudWatch shows in `AWS/Firehose`. Source: Developer Guide, "Monitor Amazon Data Firehose with CloudWatch metrics".

use haneul_kit::metrics::{Metric, Unit};

use crate::Firehose;
use crate::model::StreamKey;

const fn metric(name: &'static str, unit: Unit) -> Metric {
    Metric::new("AWS/Firehose", name, unit)
}

pub(crate) const INCOMING_BYTES: Metric = metric("IncomingBytes", Unit::Bytes);
pub(crate) const INCOMING_RECORDS: Metric = metric("IncomingRecords", Unit::Count);
pub(crate) const INCOMING_REQUESTS: Metric = metric("IncomingPutRequests", Unit::Count);
pub(crate) const THROTTLED: Metric = metric("ThrottledRecords", Unit::Count);
pub(crate) const DELIVERED_BYTES: Metric = metric("DeliveryToS3.Bytes", Unit::Bytes);
pub(crate) const DELIVERED_RECORDS: Metric = metric("DeliveryToS3.Records", Unit::Count);
pub(crate) const DELIVERED: Metric = metric("DeliveryToS3.Success", Unit::Count);
pub(crate) const FRESHNESS: Metric = metric("DeliveryToS3.DataFreshness", Unit::Seconds);
pub(crate) const PROCESSED: Metric = metric("SucceedProcessing.Records", Unit::Count);
pub(crate) const PROCESSED_BYTES: Metric = metric("SucceedProcessing.Bytes", Unit::Bytes);
pub(crate) const FUNCTION_DURATION: Metric = metric("ExecuteProcessing.Duration", Unit::Milliseconds);
pub(crate) const FUNCTION_SUCCESS: Metric = metric("ExecuteProcessing.Success", Unit::Count);
/// Of the objects that hold what came, before it was processed.
pub(crate) const BACKUP_BYTES: Metric = metric("BackupToS3.Bytes", Unit::Bytes);
pub(crate) const BACKUP_RECORDS: Metric = metric("BackupToS3.Records", Unit::Count);
pub(crate) const BACKUP_SUCCESS: Metric = metric("BackupToS3.Success", Unit::Count);
pub(crate) const BACKUP_FRESHNESS: Metric = metric("BackupToS3.DataFreshness", Unit::Seconds);
/// By operation.
pub(crate) const PUT: [Metric; 3] = [
    metric("PutRecord.Requests", Unit::Count),
    metric("PutRecord.Bytes", Unit::Bytes),
    metric("PutRecord.Latency", Unit::Milliseconds),
];
pub(crate) const PUT_BATCH: [Metric; 3] = [
    metric("PutRecordBatch.Requests", Unit::Count),
    metric("PutRecordBatch.Bytes", Unit::Bytes),
    metric("PutRecordBatch.Latency", Unit::Milliseconds),
];
pub(crate) const PUT_BATCH_RECORDS: Metric = metric("PutRecordBatch.Records", Unit::Count);
pub(crate) const READ_BYTES: Metric = metric("DataReadFromKinesisStream.Bytes", Unit::Bytes);
pub(crate) const READ_RECORDS: Metric = metric("DataReadFromKinesisStream.Records", Unit::Count);
pub(crate) const BEHIND: Metric = metric("KinesisMillisBehindLatest", Unit::Milliseconds);
pub(crate) const ITERATOR_THROTTLED: Metric = metric("ThrottledGetShardIterator", Unit::Count);
pub(crate) const READ_THROTTLED: Metric = metric("ThrottledGetRecords", Unit::Count);

impl Firehose {
    pub(crate) fn sample(&self, metric: Metric, key: &StreamKey, value: f64) {
        let now = self.platform.env.now();
        self.platform.metrics.record(metric, key.0, key.1, now, &[("DeliveryStreamName", &key.2)], value);
    }
}
