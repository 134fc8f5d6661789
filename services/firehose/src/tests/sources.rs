//! Streams that read a Kinesis data stream.

use haneul_blob::Blobs;
use haneul_env::Env;
use haneul_firehose_wire::{operations as op, shapes as s};
use haneul_kinesis_wire::{operations as kinesis, shapes as k};
use haneul_store::{Range, Reads, Store};

use super::api::processing;
use super::cloud::{Cloud, EVENTS, FUNCTION, ROLE, configuration, reading};
use crate::model::{POSITIONS, PositionRecord, ROWS};

const RIGHTS: [&str; 6] = [
    "s3:PutObject",
    "lambda:InvokeFunction",
    "kinesis:DescribeStream",
    "kinesis:ListShards",
    "kinesis:GetShardIterator",
    "kinesis:GetRecords",
];

/// A cloud with a data stream, and a stream that reads it since now.
async fn cloud(shards: i32) -> Cloud {
    let cloud = Cloud::new().await;
    begin(&cloud, shards).await;
    cloud
}

async fn begin(cloud: &Cloud, shards: i32) {
    cloud.allow(&RIGHTS).await;
    cloud.data_stream(shards).await;
    cloud.emit("k", "before,").await;
    cloud.advance(1).await;
    cloud.ok::<op::CreateDeliveryStream>(reading(configuration())).await;
    cloud.settle().await;
}

async fn pass(cloud: &Cloud, seconds: u64) {
    for _ in 0..seconds {
        cloud.advance(1).await;
    }
}

/// What was delivered, in order.
async fn delivered(cloud: &Cloud) -> Vec<String> {
    let text = cloud.text("").await;
    let mut all: Vec<String> = text.split_terminator(',').map(str::to_owned).collect();
    all.sort_by_key(|word| word.parse::<u32>().unwrap());
    all
}

fn numbers(count: u32) -> Vec<String> {
    (0..count).map(|number| number.to_string()).collect()
}

#[tokio::test]
async fn what_is_put_into_the_data_stream_arrives_and_is_metered() {
    let cloud = cloud(2).await;
    cloud.platform.metrics.open();
    for number in 0..20 {
        cloud.emit(&format!("k{number}"), format!("{number},")).await;
    }
    pass(&cloud, 70).await;
    assert_eq!(delivered(&cloud).await, numbers(20));
    for number in 20..30 {
        cloud.emit(&format!("k{number}"), format!("{number},")).await;
    }
    pass(&cloud, 70).await;
    assert_eq!(delivered(&cloud).await, numbers(30));
    assert_eq!(cloud.objects().await.len(), 2);
    let now = cloud.platform.env.now() + std::time::Duration::from_secs(60);
    let mut metered: Vec<_> = cloud.platform.metrics.take(now);
    metered.retain(|reading| reading.namespace == "AWS/Firehose");
    let sum = |name: &str| {
        let of_name = metered.iter().filter(|reading| reading.name == name);
        of_name.map(|reading| reading.summary.sum).reduce(|sum, more| sum + more)
    };
    assert_eq!(sum("DataReadFromKinesisStream.Records"), Some(30.0));
    assert_eq!(sum("DataReadFromKinesisStream.Bytes"), Some(10.0 * 2.0 + 20.0 * 3.0));
    assert_eq!(sum("KinesisMillisBehindLatest"), Some(0.0));
    assert_eq!(sum("IncomingRecords"), None);
    let input = s::DescribeDeliveryStreamInput { delivery_stream_name: "flow".into(), ..Default::default() };
    let shown = cloud.ok::<op::DescribeDeliveryStream>(input).await.delivery_stream_description;
    assert_eq!(shown.delivery_stream_type, "KinesisStreamAsSource");
    let source = shown.source.unwrap().kinesis_stream_source_description.unwrap();
    assert_eq!(
        (source.kinesis_stream_arn.as_deref(), source.role_arn.as_deref()),
        (Some(EVENTS), Some(ROLE))
    );
    assert_eq!(source.delivery_start_timestamp, shown.create_timestamp);
    let list = |kind: Option<&str>| s::ListDeliveryStreamsInput {
        delivery_stream_type: kind.map(str::to_owned),
        ..Default::default()
    };
    for (kind, count) in [(None, 1), (Some("KinesisStreamAsSource"), 1), (Some("DirectPut"), 0)] {
        let listed = cloud.ok::<op::ListDeliveryStreams>(list(kind)).await;
        assert_eq!(listed.delivery_stream_names.len(), count, "{kind:?}");
    }
}

#[tokio::test]
async fn a_split_loses_nothing_and_what_came_before_the_stream_is_not_read() {
    let cloud = cloud(1).await;
    for number in 0..3 {
        cloud.emit("k", format!("{number},")).await;
    }
    let split = k::SplitShardInput {
        stream_name: Some("events".into()),
        shard_to_split: "shardId-000000000000".into(),
        new_starting_hash_key: (u128::MAX / 2).to_string(),
        ..Default::default()
    };
    cloud.ok::<kinesis::SplitShard>(split).await;
    cloud.advance(1).await;
    for number in 3..20 {
        cloud.emit(&format!("k{number}"), format!("{number},")).await;
    }
    pass(&cloud, 70).await;
    assert_eq!(delivered(&cloud).await, numbers(20));
    let positions = cloud.platform.store.scan(&POSITIONS, Range::all(), 10).await.unwrap();
    let done: Vec<bool> = positions.iter().map(|(_, position)| position.done).collect();
    assert_eq!(done, [true, false, false]);
    // They go on after a merge, too.
    let merge = k::MergeShardsInput {
        stream_name: Some("events".into()),
        shard_to_merge: "shardId-000000000001".into(),
        adjacent_shard_to_merge: "shardId-000000000002".into(),
        ..Default::default()
    };
    cloud.ok::<kinesis::MergeShards>(merge).await;
    cloud.advance(1).await;
    for number in 20..23 {
        cloud.emit("k", format!("{number},")).await;
    }
    pass(&cloud, 70).await;
    assert_eq!(delivered(&cloud).await, numbers(23));
}

#[tokio::test]
async fn another_life_reads_on_where_the_one_before_stood() {
    let (store, env) = (Store::memory(), Env::simulated(1));
    let blobs = Blobs::memory(&env);
    let mut written = 0;
    let mut now: Option<haneul_kit::Instant> = None;
    for life in 0..4u64 {
        let cloud = Cloud::on(store.clone(), Some(blobs.clone()), 30 + life).await;
        if let Some(now) = now {
            cloud.platform.env.clock.advance(now.since(cloud.platform.env.now()));
        }
        if life == 0 {
            cloud.furnish().await;
            begin(&cloud, 2).await;
        }
        for _ in 0..10 {
            cloud.emit(&format!("k{written}"), format!("{written},")).await;
            written += 1;
            if written % 5 == 3 {
                // Some are read, none is delivered; some are not read.
                pass(&cloud, 2).await;
            }
        }
        now = Some(cloud.platform.env.now());
        cloud.end().await;
    }
    let last = Cloud::on(store, Some(blobs), 40).await;
    last.platform.env.clock.advance(now.unwrap().since(last.platform.env.now()));
    pass(&last, 140).await;
    assert_eq!(delivered(&last).await, numbers(40));
}

#[tokio::test]
async fn who_reads_too_often_waits_and_so_does_who_may_not_read_for_now() {
    let cloud = cloud(1).await;
    cloud.emit("k", "0,").await;
    let input = k::GetShardIteratorInput {
        stream_name: Some("events".into()),
        shard_id: "shardId-000000000000".into(),
        shard_iterator_type: "LATEST".into(),
        ..Default::default()
    };
    let iterator = cloud.ok::<kinesis::GetShardIterator>(input).await.shard_iterator.unwrap();
    // All reads of the shard are taken for a while: five a second.
    for _ in 0..5 {
        cloud.platform.env.clock.advance(std::time::Duration::from_secs(1));
        let input = k::GetRecordsInput { shard_iterator: iterator.clone(), ..Default::default() };
        for _ in 0..6 {
            let _ = cloud.call_as::<kinesis::GetRecords>(&super::cloud::root(), input.clone()).await;
        }
        cloud.settle().await;
    }
    let held = async || cloud.platform.store.scan_keys(&ROWS, Range::all(), 10).await.unwrap().len();
    assert_eq!(held().await, 0);
    pass(&cloud, 2).await;
    assert_eq!(held().await, 1);
    cloud.allow(&["s3:PutObject"]).await;
    cloud.emit("k", "1,").await;
    pass(&cloud, 70).await;
    assert_eq!(delivered(&cloud).await, numbers(1));
    cloud.allow(&RIGHTS).await;
    pass(&cloud, 200).await;
    assert_eq!(delivered(&cloud).await, numbers(2));
    // What cannot be delivered is not thrown away, however long that takes.
    cloud.allow(&RIGHTS[2..]).await;
    cloud.emit("k", "2,").await;
    pass(&cloud, 70).await;
    cloud.emit("k", "3,").await;
    cloud.advance(40 * 3600).await;
    cloud.advance(600).await;
    assert_eq!(delivered(&cloud).await, numbers(2));
    assert_eq!(held().await, 1, "nothing more is read while nothing is delivered");
    cloud.allow(&RIGHTS).await;
    cloud.advance(600).await;
    assert_eq!(delivered(&cloud).await, numbers(3));
}

#[tokio::test]
async fn no_shard_waits_for_ever_behind_busy_ones() {
    let cloud = cloud(4).await;
    let put = |shard: u128, data: Vec<u8>| k::PutRecordInput {
        stream_name: Some("events".into()),
        partition_key: Some("k".into()),
        explicit_hash_key: Some((u128::MAX / 4 * shard + 10).to_string()),
        data: data.into(),
        ..Default::default()
    };
    cloud.ok::<kinesis::PutRecord>(put(3, b"late".to_vec())).await;
    for _ in 0..6 {
        for shard in 0..3 {
            cloud.ok::<kinesis::PutRecord>(put(shard, vec![b'x'; 1_048_000])).await;
        }
        cloud.advance(1).await;
    }
    let positions = cloud.platform.store.scan(&POSITIONS, Range::all(), 10).await.unwrap();
    let read = positions.iter().any(|((_, shard), _)| shard == "shardId-000000000003");
    assert!(read, "{positions:?}");
}

#[tokio::test]
async fn a_shard_that_fails_holds_up_no_other() {
    let cloud = cloud(2).await;
    let put = async |shard: u128, data: &str| {
        let input = k::PutRecordInput {
            stream_name: Some("events".into()),
            partition_key: Some("k".into()),
            explicit_hash_key: Some((u128::MAX / 2 * shard + 10).to_string()),
            data: data.to_owned().into(),
            ..Default::default()
        };
        cloud.ok::<kinesis::PutRecord>(input).await.sequence_number
    };
    let store = &cloud.platform.store;
    let positions = async || store.scan(&POSITIONS, Range::all(), 10).await.unwrap();
    put(0, "0,").await;
    put(1, "1,").await;
    pass(&cloud, 2).await;
    let ((id, shard), before) = positions().await.remove(0);
    assert_eq!(shard, "shardId-000000000000");
    let spoilt = PositionRecord { after: Some("no number".into()), ..before.clone() };
    store.put(&POSITIONS, &(id, shard.clone()), &spoilt).await.unwrap();
    put(0, "2,").await;
    pass(&cloud, 40).await;
    for number in 3..20 {
        let last = put(1, &format!("{number},")).await;
        pass(&cloud, 3).await;
        let positions = positions().await;
        assert_eq!(positions[0].1, spoilt);
        assert_eq!(positions[1].1.after.as_ref(), Some(&last), "{number}");
    }
    store.put(&POSITIONS, &(id, shard), &before).await.unwrap();
    pass(&cloud, 200).await;
    assert_eq!(delivered(&cloud).await, numbers(20));
}

#[tokio::test]
async fn a_deleted_stream_reads_no_more() {
    let cloud = cloud(1).await;
    cloud.emit("k", "0,").await;
    pass(&cloud, 2).await;
    let delete = s::DeleteDeliveryStreamInput { delivery_stream_name: "flow".into(), ..Default::default() };
    cloud.ok::<op::DeleteDeliveryStream>(delete).await;
    cloud.emit("k", "1,").await;
    pass(&cloud, 70).await;
    assert!(cloud.objects().await.is_empty());
    let store = &cloud.platform.store;
    assert!(store.scan_keys(&POSITIONS, Range::all(), 1).await.unwrap().is_empty());
    assert!(store.scan_keys(&ROWS, Range::all(), 1).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_data_stream_that_is_made_anew_is_read_from_its_beginning() {
    let cloud = cloud(1).await;
    cloud.emit("k", "0,").await;
    pass(&cloud, 2).await;
    let delete = k::DeleteStreamInput { stream_name: Some("events".into()), ..Default::default() };
    cloud.ok::<kinesis::DeleteStream>(delete).await;
    pass(&cloud, 10).await;
    cloud.data_stream(1).await;
    cloud.emit("k", "1,").await;
    pass(&cloud, 140).await;
    assert_eq!(delivered(&cloud).await, numbers(2));
}

#[tokio::test]
async fn functions_are_told_where_records_come_from_and_aggregated_ones_are_taken_apart() {
    let cloud = Cloud::new().await;
    cloud.allow(&RIGHTS).await;
    cloud.data_stream(1).await;
    let mut given = configuration();
    given.processing_configuration = Some(processing("Lambda", "LambdaArn", FUNCTION));
    cloud.ok::<op::CreateDeliveryStream>(reading(given)).await;
    cloud.settle().await;
    cloud.emit("whole", "a,").await;
    cloud.emit("outer", crate::source::tests::aggregated(&[("x", "b,"), ("y", "c,")])).await;
    pass(&cloud, 70).await;
    assert_eq!(cloud.text("").await, "A,B,C,");
    let event = cloud.functions.event.lock().clone();
    assert_eq!(event["sourceKinesisStreamArn"], EVENTS);
    let told: Vec<_> = event["records"].as_array().unwrap().iter().collect();
    let of = |i: usize, name: &str| told[i]["kinesisRecordMetadata"][name].clone();
    let keys: Vec<_> = (0..3).map(|i| (of(i, "partitionKey"), of(i, "subsequenceNumber"))).collect();
    assert_eq!(keys, [("whole".into(), 0.into()), ("x".into(), 0.into()), ("y".into(), 1.into())]);
    assert_eq!(of(0, "shardId"), "shardId-000000000000");
    assert_eq!(of(1, "sequenceNumber"), of(2, "sequenceNumber"));
    assert!(of(0, "approximateArrivalTimestamp").is_i64());
}

#[tokio::test]
async fn what_such_a_stream_may_not_be() {
    let cloud = Cloud::new().await;
    cloud.allow(&RIGHTS).await;
    cloud.data_stream(1).await;
    type Spoil = fn(&mut s::CreateDeliveryStreamInput);
    let cases: &[(Spoil, &str)] = &[
        (|i| i.kinesis_stream_source_configuration = None, "KinesisStreamSourceConfig is required"),
        (|i| i.delivery_stream_type = None, "KinesisStreamSourceConfig is only applicable"),
        (
            |i| {
                let hint = s::DirectPutSourceConfiguration { throughput_hint_in_m_bs: 1 };
                i.direct_put_source_configuration = Some(hint);
            },
            "DirectPutSourceConfiguration is only applicable",
        ),
        (
            |i| {
                let source = i.kinesis_stream_source_configuration.as_mut().unwrap();
                source.kinesis_stream_arn = source.kinesis_stream_arn.replace("events", "nothing");
            },
            "Stream nothing under account 111111111111 not found.",
        ),
        (
            |i| {
                let source = i.kinesis_stream_source_configuration.as_mut().unwrap();
                source.kinesis_stream_arn = source.kinesis_stream_arn.replace("us-east-1", "us-west-2");
            },
            "Kinesis stream ARN arn:aws:kinesis:us-west-2",
        ),
        (
            |i| i.kinesis_stream_source_configuration.as_mut().unwrap().role_arn.push('x'),
            "Firehose is unable to assume role",
        ),
        (
            |i| {
                i.delivery_stream_encryption_configuration_input =
                    Some(s::DeliveryStreamEncryptionConfigurationInput {
                        key_type: "AWS_OWNED_CMK".into(),
                        ..Default::default()
                    });
            },
            "Server-side encryption can only be enabled",
        ),
    ];
    for (spoil, expected) in cases {
        let mut given = reading(configuration());
        spoil(&mut given);
        let said = cloud.err::<op::CreateDeliveryStream>(given).await;
        assert!(said.starts_with(&format!("InvalidArgumentException: {expected}")), "{said}");
    }
    cloud.allow(&["s3:PutObject"]).await;
    let said = cloud.err::<op::CreateDeliveryStream>(reading(configuration())).await;
    assert_eq!(
        said,
        format!(
            "InvalidArgumentException: Role {ROLE} is not authorized to perform: kinesis:DescribeStream on resource {EVENTS}."
        )
    );
    cloud.allow(&RIGHTS).await;
    cloud.ok::<op::CreateDeliveryStream>(reading(configuration())).await;
    let refused = "InvalidArgumentException: This operation is not permitted on KinesisStreamAsSource delivery stream type.";
    let record = s::Record { data: "x".into() };
    let input = s::PutRecordInput { delivery_stream_name: "flow".into(), record: record.clone() };
    assert_eq!(cloud.err::<op::PutRecord>(input).await, refused);
    let input = s::PutRecordBatchInput { delivery_stream_name: "flow".into(), records: vec![record] };
    assert_eq!(cloud.err::<op::PutRecordBatch>(input).await, refused);
    let input =
        s::StartDeliveryStreamEncryptionInput { delivery_stream_name: "flow".into(), ..Default::default() };
    assert_eq!(cloud.err::<op::StartDeliveryStreamEncryption>(input).await, refused);
    let input = s::StopDeliveryStreamEncryptionInput { delivery_stream_name: "flow".into() };
    assert_eq!(cloud.err::<op::StopDeliveryStreamEncryption>(input).await, refused);
}
