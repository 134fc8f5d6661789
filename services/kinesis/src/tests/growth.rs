//! On-demand streams grow where they are written to, and put records in turn where they are told to.

use haneul_kinesis_wire::operations as op;
use haneul_kinesis_wire::shapes as s;

use super::cloud::{Cloud, arn, entry, record};

async fn load(cloud: &Cloud, hash: &str) -> s::PutRecordsOutput {
    let one = || s::PutRecordsRequestEntry { explicit_hash_key: Some(hash.to_owned()), ..entry("k", "x") };
    let records = (0..500).map(|_| one()).collect();
    let input = s::PutRecordsInput { stream_name: Some("a".into()), records, ..Default::default() };
    cloud.ok::<op::PutRecords>(input).await
}

/// Puts all that a shard takes.
async fn fill(cloud: &Cloud, secs: usize) {
    for _ in 0..secs {
        load(cloud, "0").await;
        load(cloud, "0").await;
        cloud.settle().await;
        cloud.pass(1000);
    }
}

#[tokio::test]
async fn a_hot_shard_is_split() {
    let cloud = Cloud::new().await;
    cloud.on_demand("a").await;
    let summary = cloud.summary("a").await;
    assert_eq!(
        (summary.open_shard_count, summary.stream_mode_details.unwrap().stream_mode.as_str()),
        (4, "ON_DEMAND")
    );
    cloud.settle().await;
    // All that a shard takes for a second, and then for some.
    fill(&cloud, 1).await;
    assert_eq!(cloud.summary("a").await.open_shard_count, 4);
    fill(&cloud, 5).await;
    assert_eq!(cloud.summary("a").await.open_shard_count, 5);
    // It at most doubles within fifteen minutes.
    fill(&cloud, 30).await;
    assert_eq!(cloud.summary("a").await.open_shard_count, 8);
    cloud.pass(15 * 60_000);
    fill(&cloud, 6).await;
    assert_eq!(cloud.summary("a").await.open_shard_count, 9);
    // One that is written to no more than it takes stays as it is.
    cloud.pass(15 * 60_000);
    for _ in 0..10 {
        cloud.pass(1000);
        load(&cloud, "340282366920938463463374607431768211455").await;
        cloud.settle().await;
    }
    assert_eq!(cloud.summary("a").await.open_shard_count, 9);
}

#[tokio::test]
async fn a_large_record_among_small_ones_splits_nothing() {
    let cloud = Cloud::new().await;
    cloud.on_demand("a").await;
    cloud
        .ok::<op::UpdateMaxRecordSize>(s::UpdateMaxRecordSizeInput {
            stream_arn: Some(arn("a")),
            max_record_size_in_ki_b: 10_240,
            stream_id: None,
        })
        .await;
    for size in [1_000_000, 10_000_000] {
        let large = s::PutRecordInput { data: vec![0; size].into(), ..record("a", "k", "") };
        cloud.pass(1000);
        cloud.ok::<op::PutRecord>(large).await;
        for _ in 0..120 {
            cloud.pass(100);
            let input = s::PutRecordsInput {
                stream_name: Some("a".into()),
                records: vec![entry("k", "x")],
                ..Default::default()
            };
            cloud.ok::<op::PutRecords>(input).await;
        }
        cloud.settle().await;
        assert_eq!(cloud.summary("a").await.open_shard_count, 4, "{size}");
    }
}

#[tokio::test]
async fn who_cannot_grow_keeps_nobody_busy() {
    let cloud = Cloud::new().await;
    cloud.on_demand("a").await;
    cloud.settle().await;
    fill(&cloud, 30).await;
    assert_eq!(cloud.summary("a").await.open_shard_count, 8);
    let stream = cloud.held("a");
    let _routing = stream.routing.read().await;
    for _ in 0..10 {
        fill(&cloud, 1).await;
        // Nobody waits to change its shards.
        assert!(stream.routing.try_read().is_ok());
    }
}

#[tokio::test]
async fn records_go_to_the_shards_in_turn_where_that_is_the_strategy() {
    let cloud = Cloud::new().await;
    cloud.on_demand("a").await;
    let strategy = |to: &str| s::UpdateStreamRecordDistributionStrategyInput {
        stream_arn: arn("a"),
        record_distribution_strategy: to.into(),
        stream_id: None,
    };
    cloud.ok::<op::UpdateStreamRecordDistributionStrategy>(strategy("AUTO")).await;
    let mut counts = std::collections::BTreeMap::new();
    for i in 0..40 {
        let key = (i % 2 == 0).then(|| "always the same".to_owned());
        let put =
            cloud.ok::<op::PutRecord>(s::PutRecordInput { partition_key: key, ..record("a", "", "x") }).await;
        *counts.entry(put.shard_id).or_insert(0) += 1;
    }
    assert_eq!(counts.into_values().collect::<Vec<_>>(), [10, 10, 10, 10]);
    cloud.ok::<op::UpdateStreamRecordDistributionStrategy>(strategy("USER_PARTITION_KEY")).await;
    let without = s::PutRecordInput { partition_key: None, ..record("a", "", "x") };
    assert!(cloud.err::<op::PutRecord>(without).await.starts_with("ValidationException"));
    cloud.stream("p", 1).await;
    let input = s::UpdateStreamRecordDistributionStrategyInput { stream_arn: arn("p"), ..strategy("AUTO") };
    let error = cloud.err::<op::UpdateStreamRecordDistributionStrategy>(input).await;
    assert!(error.starts_with("InvalidArgumentException"), "{error}");
}
