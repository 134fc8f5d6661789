//! What a shard takes and gives in a second.

use haneul_kinesis_wire::operations as op;
use haneul_kinesis_wire::shapes as s;

use super::cloud::{Cloud, entry, record};

const SHARD: &str = "shardId-000000000000";
const RATE: &str = "Rate exceeded for shard shardId-000000000000 in stream a under account 111111111111.";

fn records(records: Vec<s::PutRecordsRequestEntry>) -> s::PutRecordsInput {
    s::PutRecordsInput { stream_name: Some("a".into()), records, ..Default::default() }
}

#[tokio::test]
async fn a_shard_takes_a_thousand_records_a_second() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 2).await;
    let low = || s::PutRecordsRequestEntry { explicit_hash_key: Some("0".into()), ..entry("k", "x") };
    let high = || s::PutRecordsRequestEntry {
        explicit_hash_key: Some("340282366920938463463374607431768211455".into()),
        ..entry("k", "y")
    };
    for _ in 0..2 {
        let put = cloud.ok::<op::PutRecords>(records((0..490).map(|_| low()).collect())).await;
        assert_eq!(put.failed_record_count, Some(0));
    }
    // Twenty are left of this second; the other shard has its own.
    let mixed = (0..60).map(|i| if i % 2 == 0 { low() } else { high() }).collect();
    let put = cloud.ok::<op::PutRecords>(records(mixed)).await;
    assert_eq!(put.failed_record_count, Some(10));
    for (i, result) in put.records.iter().enumerate() {
        let refused = i % 2 == 0 && i >= 40;
        assert_eq!(result.error_code.is_some(), refused, "{i}");
        assert_eq!(result.sequence_number.is_none(), refused);
        if refused {
            assert_eq!(result.error_code.as_deref(), Some("ProvisionedThroughputExceededException"));
            assert_eq!(result.error_message.as_deref(), Some(RATE));
        }
    }
    let put = s::PutRecordInput { explicit_hash_key: Some("0".into()), ..record("a", "k", "x") };
    let error = cloud.err::<op::PutRecord>(put.clone()).await;
    assert_eq!(error, format!("ProvisionedThroughputExceededException: {RATE}"));
    cloud.pass(1);
    cloud.ok::<op::PutRecord>(put.clone()).await;
    cloud.err::<op::PutRecord>(put).await;
    assert_eq!(cloud.all("a", SHARD).await.len(), 1001);
}

#[tokio::test]
async fn a_shard_takes_a_megabyte_a_second_and_large_records_from_what_was_saved() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    let put = |size: usize| s::PutRecordInput { data: vec![0; size].into(), ..record("a", "k", "") };
    cloud.ok::<op::PutRecord>(put(700_000)).await;
    cloud.err::<op::PutRecord>(put(700_000)).await;
    cloud.pass(400);
    cloud.ok::<op::PutRecord>(put(700_000)).await;
    let larger = s::UpdateMaxRecordSizeInput {
        stream_arn: Some(super::cloud::arn("a")),
        max_record_size_in_ki_b: 10_240,
        stream_id: None,
    };
    cloud.ok::<op::UpdateMaxRecordSize>(larger).await;
    cloud.pass(2000);
    let most = 10 * 1024 * 1024 - 1;
    cloud.ok::<op::PutRecord>(put(most)).await;
    cloud.pass(8_900);
    cloud.err::<op::PutRecord>(put(1000)).await;
    cloud.pass(1_200);
    cloud.ok::<op::PutRecord>(put(1000)).await;
    assert!(cloud.err::<op::PutRecord>(put(most + 1)).await.starts_with("ValidationException"));
    let iterator = cloud.iterator("a", SHARD, "TRIM_HORIZON").await;
    let page = cloud.get(&iterator, None).await;
    assert_eq!(page.records.len(), 2);
    cloud.pass(3000);
    let page = cloud.get(&page.next_shard_iterator.unwrap(), None).await;
    assert_eq!((page.records.len(), page.records[0].data.len()), (1, most));
    cloud.pass(10_000);
    assert_eq!(cloud.get(&page.next_shard_iterator.unwrap(), None).await.records.len(), 1);
}

#[tokio::test]
async fn a_shard_is_read_five_times_a_second() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    let mut iterator = cloud.iterator("a", SHARD, "LATEST").await;
    for _ in 0..5 {
        iterator = cloud.get(&iterator, None).await.next_shard_iterator.unwrap();
    }
    let input = || s::GetRecordsInput { shard_iterator: iterator.clone(), ..Default::default() };
    assert_eq!(
        cloud.err::<op::GetRecords>(input()).await,
        format!("ProvisionedThroughputExceededException: {RATE}")
    );
    cloud.pass(200);
    cloud.ok::<op::GetRecords>(input()).await;
    cloud.err::<op::GetRecords>(input()).await;
}
