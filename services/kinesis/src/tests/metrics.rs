//! What CloudWatch is told.

use std::collections::BTreeMap;
use std::time::Duration;

use haneul_kinesis_wire::operations as op;
use haneul_kinesis_wire::shapes as s;

use super::cloud::{Cloud, entry, record};

#[tokio::test]
async fn streams_and_watched_shards_have_metrics() {
    let cloud = Cloud::new().await;
    cloud.platform.metrics.open();
    cloud.stream("a", 1).await;
    let watch = s::EnableEnhancedMonitoringInput {
        stream_name: Some("a".into()),
        shard_level_metrics: vec!["IncomingRecords".into(), "OutgoingBytes".into()],
        ..Default::default()
    };
    cloud.ok::<op::EnableEnhancedMonitoring>(watch).await;
    cloud.pass(1000);
    cloud.ok::<op::PutRecord>(record("a", "k", "12345")).await;
    let records = (0..500).map(|_| entry("k", "1")).collect::<Vec<_>>();
    for _ in 0..2 {
        let input = s::PutRecordsInput {
            stream_name: Some("a".into()),
            records: records.clone(),
            ..Default::default()
        };
        cloud.ok::<op::PutRecords>(input).await;
    }
    cloud.err::<op::PutRecord>(record("a", "k", "x")).await;
    let iterator = cloud.iterator("a", "shardId-000000000000", "TRIM_HORIZON").await;
    cloud.get(&iterator, Some(1)).await;
    let now = cloud.platform.env.now() + Duration::from_secs(60);
    let mut sums = BTreeMap::new();
    for reading in cloud.platform.metrics.take(now) {
        assert_eq!((reading.namespace, reading.dimensions[0].1.as_str()), ("AWS/Kinesis", "a"));
        let of_shard = reading.dimensions.len() == 2;
        sums.insert((reading.name, of_shard), reading.summary.sum);
    }
    for (name, of_shard, sum) in [
        ("IncomingRecords", false, 1000.0),
        ("IncomingBytes", false, 6.0 + 999.0 * 2.0),
        ("IncomingRecords", true, 1000.0),
        ("OutgoingBytes", true, 6.0),
        ("PutRecord.Success", false, 1.0),
        ("PutRecord.Bytes", false, 6.0),
        ("PutRecords.TotalRecords", false, 1000.0),
        ("PutRecords.SuccessfulRecords", false, 999.0),
        ("PutRecords.ThrottledRecords", false, 1.0),
        ("PutRecords.FailedRecords", false, 0.0),
        ("WriteProvisionedThroughputExceeded", false, 2.0),
        ("ReadProvisionedThroughputExceeded", false, 0.0),
        ("GetRecords.Records", false, 1.0),
        ("GetRecords.Success", false, 1.0),
        ("GetRecords.IteratorAgeMilliseconds", false, 0.0),
    ] {
        assert_eq!(sums.get(&(name, of_shard)), Some(&sum), "{name} {of_shard}");
    }
    assert!(!sums.contains_key(&("IncomingBytes", true)));
}
