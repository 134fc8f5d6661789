//! What CloudWatch is told of tables. Source: DynamoDB Developer Guide, "DynamoDB metrics and dimensions".
//!
//! Reading order: this file (the metrics), [`table`] (those of a table that come with every call), [`watch`] (how calls ended),
//! [`provisioned`] (what is so, rather than happens).

pub(crate) mod provisioned;
pub(crate) mod table;
pub(crate) mod watch;

use haneul_kit::metrics::{Metric, Unit};

pub(crate) const NAMESPACE: &str = "AWS/DynamoDB";

const fn count(name: &'static str) -> Metric {
    Metric::new(NAMESPACE, name, Unit::Count)
}

const fn millis(name: &'static str) -> Metric {
    Metric::new(NAMESPACE, name, Unit::Milliseconds)
}

pub(crate) const CONSUMED_READ: Metric = count("ConsumedReadCapacityUnits");
pub(crate) const CONSUMED_WRITE: Metric = count("ConsumedWriteCapacityUnits");
pub(crate) const READ_THROTTLES: Metric = count("ReadThrottleEvents");
pub(crate) const WRITE_THROTTLES: Metric = count("WriteThrottleEvents");
/// Why: the units that are provisioned, or the most that a table on demand may use.
pub(crate) const READ_THROTTLES_PROVISIONED: Metric = count("ReadProvisionedThroughputThrottleEvents");
pub(crate) const WRITE_THROTTLES_PROVISIONED: Metric = count("WriteProvisionedThroughputThrottleEvents");
pub(crate) const READ_THROTTLES_ON_DEMAND: Metric = count("ReadMaxOnDemandThroughputThrottleEvents");
pub(crate) const WRITE_THROTTLES_ON_DEMAND: Metric = count("WriteMaxOnDemandThroughputThrottleEvents");

pub(crate) const LATENCY: Metric = millis("SuccessfulRequestLatency");
pub(crate) const CONDITIONS_FAILED: Metric = count("ConditionalCheckFailedRequests");
pub(crate) const THROTTLED_REQUESTS: Metric = count("ThrottledRequests");
pub(crate) const SYSTEM_ERRORS: Metric = count("SystemErrors");
pub(crate) const USER_ERRORS: Metric = count("UserErrors");
pub(crate) const RETURNED_ITEMS: Metric = count("ReturnedItemCount");
/// Of GetRecords, by stream.
pub(crate) const RETURNED_RECORDS: Metric = count("ReturnedRecordsCount");
pub(crate) const RETURNED_BYTES: Metric = Metric::new(NAMESPACE, "ReturnedBytes", Unit::Bytes);

pub(crate) const EXPIRED_ITEMS: Metric = count("TimeToLiveDeletedItemCount");

pub(crate) const INDEX_PROGRESS: Metric = count("OnlineIndexPercentageProgress");
/// "Expected to show 0 during index builds": filling an index uses nothing of its throughput.
pub(crate) const INDEX_CONSUMED: Metric = count("OnlineIndexConsumedWriteCapacity");
pub(crate) const INDEX_THROTTLES: Metric = count("OnlineIndexThrottleEvents");

/// Of global tables.
pub(crate) const REPLICATION_LATENCY: Metric = millis("ReplicationLatency");

/// Of changes on their way to Kinesis. Source: also "Configuring shards and monitoring change data capture".
pub(crate) const CAPTURE_AGE: Metric = millis("AgeOfOldestUnreplicatedRecord");
pub(crate) const CAPTURE_UNITS: Metric = count("ConsumedChangeDataCaptureUnits");
pub(crate) const CAPTURE_FAILED: Metric = count("FailedToReplicateRecordCount");
pub(crate) const CAPTURE_THROTTLED: Metric = count("ThrottledPutRecordCount");
