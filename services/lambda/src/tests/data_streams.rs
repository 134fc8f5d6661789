use std::time::Duration;

use haneul_kinesis_wire::{operations as kin, shapes as k};
use haneul_kit::Instant;
use haneul_lambda_exec::simulated::Answer;
use haneul_lambda_wire::{operations as op, shapes as s};
use serde_json::{Value, json};

use super::cloud::{Cloud, create, fails, nothing};

async fn stream(cloud: &Cloud, name: &str, shards: i32) -> String {
    let input =
        k::CreateStreamInput { stream_name: name.into(), shard_count: Some(shards), ..Default::default() };
    cloud.ok::<kin::CreateStream>(input).await;
    cloud.pass(60).await;
    format!("arn:aws:kinesis:us-east-1:111111111111:stream/{name}")
}

async fn put(cloud: &Cloud, stream: &str, key: &str, data: &str) {
    let input = k::PutRecordInput {
        stream_arn: Some(stream.into()),
        partition_key: Some(key.into()),
        data: data.as_bytes().to_vec().into(),
        ..Default::default()
    };
    cloud.ok::<kin::PutRecord>(input).await;
}

async fn consumer(cloud: &Cloud, stream: &str) -> String {
    let input = k::RegisterStreamConsumerInput {
        stream_arn: stream.into(),
        consumer_name: "lambda".into(),
        ..Default::default()
    };
    let made = cloud.ok::<kin::RegisterStreamConsumer>(input).await.consumer.consumer_arn;
    cloud.pass(60).await;
    made
}

/// A shard of the whole ring, in its middle.
async fn split(cloud: &Cloud, stream: &str, shard: &str) {
    let input = k::SplitShardInput {
        stream_arn: Some(stream.into()),
        shard_to_split: shard.into(),
        new_starting_hash_key: (1u128 << 127).to_string(),
        ..Default::default()
    };
    cloud.ok::<kin::SplitShard>(input).await;
    cloud.pass(60).await;
}

fn mapping(source: &str, start: &str) -> s::CreateEventSourceMappingRequest {
    s::CreateEventSourceMappingRequest {
        event_source_arn: Some(source.into()),
        function_name: "f".into(),
        starting_position: Some(start.into()),
        ..Default::default()
    }
}

fn data_of(record: &Value) -> String {
    use base64::Engine;
    let text = record["kinesis"]["data"].as_str().unwrap();
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap();
    String::from_utf8(bytes).unwrap()
}

/// The data that the function was given, call by call.
fn batches(cloud: &Cloud) -> Vec<Vec<String>> {
    let seen = cloud.seen.lock();
    let data = |event: &Value| event["Records"].as_array().unwrap().iter().map(data_of).collect();
    seen.iter().map(|(_, event)| data(event)).collect()
}

fn all(cloud: &Cloud) -> Vec<String> {
    batches(cloud).concat()
}

#[tokio::test]
async fn records_arrive_as_documented() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let stream = stream(&cloud, "events", 1).await;
    for data in ["a", "b", "c"] {
        put(&cloud, &stream, "key", data).await;
    }
    let made = cloud.ok::<op::CreateEventSourceMapping>(mapping(&stream, "TRIM_HORIZON")).await;
    assert_eq!((made.batch_size, made.parallelization_factor), (Some(100), Some(1)));
    assert_eq!(
        (made.starting_position.as_deref(), made.starting_position_timestamp),
        (Some("TRIM_HORIZON"), None)
    );
    cloud.until("the records arrive", || cloud.count("f") == 1).await;
    assert_eq!(batches(&cloud), [["a", "b", "c"]]);
    let record = cloud.seen.lock()[0].1["Records"][0].clone();
    let number = record["kinesis"]["sequenceNumber"].as_str().unwrap();
    assert_eq!(record["eventID"], format!("shardId-000000000000:{number}"));
    let mut rest = record.clone();
    for field in ["sequenceNumber", "approximateArrivalTimestamp"] {
        rest["kinesis"].as_object_mut().unwrap().remove(field);
    }
    rest.as_object_mut().unwrap().remove("eventID");
    let role = rest["invokeIdentityArn"].take();
    assert!(role.as_str().unwrap().starts_with("arn:aws:iam::111111111111:role/"), "{role}");
    assert_eq!(
        rest,
        json!({
            "kinesis": { "kinesisSchemaVersion": "1.0", "partitionKey": "key", "data": "YQ==" },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": null,
            "awsRegion": "us-east-1",
            "eventSourceARN": stream,
        })
    );
    put(&cloud, &stream, "key", "d").await;
    cloud.until("the next arrives", || cloud.count("f") == 2).await;
    assert_eq!(batches(&cloud)[1], ["d"]);
}

#[tokio::test]
async fn parents_come_before_their_children() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let stream = stream(&cloud, "events", 2).await;
    let put_all = async |from: u32| {
        for n in from..from + 8 {
            put(&cloud, &stream, &format!("key {}", n % 4), &format!("{} {n}", n % 4)).await;
        }
    };
    put_all(0).await;
    let merge = k::MergeShardsInput {
        stream_arn: Some(stream.clone()),
        shard_to_merge: "shardId-000000000000".into(),
        adjacent_shard_to_merge: "shardId-000000000001".into(),
        ..Default::default()
    };
    cloud.ok::<kin::MergeShards>(merge).await;
    cloud.pass(60).await;
    put_all(8).await;
    split(&cloud, &stream, "shardId-000000000002").await;
    put_all(16).await;
    cloud.ok::<op::CreateEventSourceMapping>(mapping(&stream, "TRIM_HORIZON")).await;
    cloud.until("all arrive", || all(&cloud).len() == 24).await;
    cloud.pass(30).await;
    let seen = all(&cloud);
    assert_eq!(seen.len(), 24);
    for key in 0..4 {
        let of_key: Vec<&String> = seen.iter().filter(|data| data.starts_with(&format!("{key} "))).collect();
        let wanted: Vec<String> = (0..6).map(|n| format!("{key} {}", key + 4 * n)).collect();
        assert_eq!(of_key, wanted.iter().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn where_a_mapping_begins() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let stream = stream(&cloud, "events", 1).await;
    put(&cloud, &stream, "k", "old").await;
    cloud.pass(60).await;
    let from = cloud.platform.env.now();
    put(&cloud, &stream, "k", "middle").await;
    cloud.pass(60).await;
    let latest = cloud.ok::<op::CreateEventSourceMapping>(mapping(&stream, "LATEST")).await;
    cloud.settle().await;
    put(&cloud, &stream, "k", "new").await;
    cloud.until("the new record arrives", || cloud.count("f") == 1).await;
    assert_eq!(all(&cloud), ["new"]);
    let gone = s::DeleteEventSourceMappingRequest { uuid: latest.uuid.unwrap() };
    cloud.ok::<op::DeleteEventSourceMapping>(gone).await;
    cloud.pass(10).await;
    cloud.seen.lock().clear();
    let at = |at: Option<Instant>, start: &str| s::CreateEventSourceMappingRequest {
        starting_position_timestamp: at,
        ..mapping(&stream, start)
    };
    let made = cloud.ok::<op::CreateEventSourceMapping>(at(Some(from), "AT_TIMESTAMP")).await;
    assert_eq!(made.starting_position_timestamp, Some(from));
    cloud.until("later records arrive", || all(&cloud).len() == 2).await;
    assert_eq!(all(&cloud), ["middle", "new"]);
    for (input, wanted) in [
        (at(None, "AT_TIMESTAMP"), "StartingPositionTimestamp is required"),
        (at(Some(from), "LATEST"), "only valid with StartingPosition AT_TIMESTAMP"),
        (at(Some(from + Duration::from_secs(3600)), "AT_TIMESTAMP"), "cannot be in the future"),
    ] {
        let refused = cloud.err::<op::CreateEventSourceMapping>(input).await;
        assert!(refused.contains(wanted), "{refused}");
    }
}

#[tokio::test]
async fn filters_look_into_data_and_failures_are_told() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let lost = cloud.queue("lost", &[]).await;
    let stream = stream(&cloud, "events", 1).await;
    for data in [r#"{"kind":"buy","n":1}"#, "text", r#"{"kind":"sell"}"#, r#"{"kind":"buy","n":2}"#] {
        put(&cloud, &stream, "k", data).await;
    }
    cloud.body("f", |call| {
        let event: Value = serde_json::from_slice(&call.payload).unwrap();
        let poison = event["Records"].as_array().unwrap().iter().any(|one| data_of(one).contains(r#""n":2"#));
        if poison { fails() } else { nothing() }
    });
    let input = s::CreateEventSourceMappingRequest {
        batch_size: Some(1),
        maximum_retry_attempts: Some(0),
        filter_criteria: Some(s::FilterCriteria {
            filters: Some(vec![s::Filter { pattern: Some(r#"{"data":{"kind":["buy"]}}"#.into()) }]),
        }),
        destination_config: Some(s::DestinationConfig {
            on_failure: Some(s::OnFailure { destination: Some(lost.clone()) }),
            on_success: None,
        }),
        ..mapping(&stream, "TRIM_HORIZON")
    };
    cloud.ok::<op::CreateEventSourceMapping>(input).await;
    cloud.until("both arrive", || cloud.count("f") == 2).await;
    cloud.pass(5).await;
    assert_eq!(all(&cloud), [r#"{"kind":"buy","n":1}"#, r#"{"kind":"buy","n":2}"#]);
    let told = cloud.drain(&lost).await;
    let record: Value = serde_json::from_str(told[0].body.as_deref().unwrap()).unwrap();
    let info = &record["KinesisBatchInfo"];
    assert_eq!(
        (info["batchSize"].as_u64(), info["shardId"].as_str()),
        (Some(1), Some("shardId-000000000000"))
    );
    assert_eq!(info["streamArn"], stream);
}

#[tokio::test]
async fn a_consumer_is_pushed_to() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let stream = stream(&cloud, "events", 1).await;
    let consumer = consumer(&cloud, &stream).await;
    put(&cloud, &stream, "k", "a").await;
    cloud.ok::<op::CreateEventSourceMapping>(mapping(&consumer, "TRIM_HORIZON")).await;
    cloud.until("the first arrives", || cloud.count("f") == 1).await;
    // Longer than a subscription lasts.
    for n in 0..3 {
        cloud.pass(200).await;
        put(&cloud, &stream, "k", &format!("{n}")).await;
    }
    cloud.until("the rest arrives", || all(&cloud).len() >= 4).await;
    cloud.pass(10).await;
    assert_eq!(all(&cloud), ["a", "0", "1", "2"]);
    assert_eq!(cloud.seen.lock()[0].1["Records"][0]["eventSourceARN"], consumer);
    split(&cloud, &stream, "shardId-000000000000").await;
    put(&cloud, &stream, "k", "after the split").await;
    cloud.until("the children are read", || all(&cloud).len() == 5).await;
}

#[tokio::test]
async fn a_function_that_fails_sees_its_records_again() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let stream = stream(&cloud, "events", 1).await;
    put(&cloud, &stream, "k", "a").await;
    put(&cloud, &stream, "k", "b").await;
    let calls = std::sync::atomic::AtomicU32::new(0);
    cloud.body("f", move |call| {
        let event: Value = serde_json::from_slice(&call.payload).unwrap();
        match calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            0 => fails(),
            1 => {
                let second = &event["Records"][1]["kinesis"]["sequenceNumber"];
                Answer::Value(json!({ "batchItemFailures": [{ "itemIdentifier": second }] }))
            }
            _ => nothing(),
        }
    });
    let input = s::CreateEventSourceMappingRequest {
        function_response_types: Some(vec!["ReportBatchItemFailures".into()]),
        ..mapping(&stream, "TRIM_HORIZON")
    };
    cloud.ok::<op::CreateEventSourceMapping>(input).await;
    cloud.until("all is dealt with", || cloud.count("f") == 3).await;
    cloud.pass(5).await;
    assert_eq!(batches(&cloud), [vec!["a", "b"], vec!["a", "b"], vec!["b"]]);
}

#[tokio::test]
async fn the_role_must_read_the_stream() {
    let cloud = Cloud::new().await;
    let stream = stream(&cloud, "events", 1).await;
    let weak = cloud.role("weak", "").await;
    cloud.ok::<op::CreateFunction>(create("f", &weak)).await;
    let refused = cloud.err::<op::CreateEventSourceMapping>(mapping(&stream, "LATEST")).await;
    assert!(
        refused.contains("does not have permissions to call DescribeStreamSummary on Kinesis"),
        "{refused}"
    );
    let refused =
        cloud.err::<op::CreateEventSourceMapping>(mapping(&format!("{stream}-none"), "LATEST")).await;
    assert!(refused.starts_with("InvalidParameterValueException"), "{refused}");
}

#[tokio::test]
async fn what_is_pushed_is_handed_on_at_once() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let stream = stream(&cloud, "events", 1).await;
    let consumer = consumer(&cloud, &stream).await;
    cloud.ok::<op::CreateEventSourceMapping>(mapping(&consumer, "TRIM_HORIZON")).await;
    cloud.pass(5).await;
    // No second passes without a record.
    for n in 0..10 {
        put(&cloud, &stream, "k", &format!("{n}")).await;
        for _ in 0..10 {
            cloud.platform.env.clock.advance(Duration::from_millis(50));
            cloud.settle().await;
        }
    }
    assert!(cloud.count("f") >= 9, "{:?}", batches(&cloud));
    assert_eq!(all(&cloud), (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_shard_that_others_take_disturbs_no_other_shard() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let stream = stream(&cloud, "events", 2).await;
    let consumer = consumer(&cloud, &stream).await;
    cloud.ok::<op::CreateEventSourceMapping>(mapping(&consumer, "TRIM_HORIZON")).await;
    cloud.pass(5).await;
    for n in 0..30 {
        put(&cloud, &stream, &format!("key {n}"), &format!("{n}")).await;
        if n % 6 == 5 {
            let input = k::SubscribeToShardInput {
                consumer_arn: consumer.clone(),
                shard_id: "shardId-000000000000".into(),
                starting_position: k::StartingPosition { r#type: "LATEST".into(), ..Default::default() },
                ..Default::default()
            };
            cloud.ok::<kin::SubscribeToShard>(input).await;
        }
        cloud.pass(2).await;
    }
    cloud.until("all arrive", || all(&cloud).len() >= 30).await;
    cloud.pass(60).await;
    let mut seen: Vec<u32> = all(&cloud).iter().map(|data| data.parse().unwrap()).collect();
    seen.sort_unstable();
    assert_eq!(seen, (0..30).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stream_made_anew_is_read_from_its_beginning() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let arn = stream(&cloud, "events", 1).await;
    cloud.ok::<op::CreateEventSourceMapping>(mapping(&arn, "TRIM_HORIZON")).await;
    put(&cloud, &arn, "k", "before").await;
    cloud.until("the first arrives", || cloud.count("f") == 1).await;
    split(&cloud, &arn, "shardId-000000000000").await;
    let gone = k::DeleteStreamInput { stream_arn: Some(arn.clone()), ..Default::default() };
    cloud.ok::<kin::DeleteStream>(gone).await;
    cloud.pass(60).await;
    let arn = stream(&cloud, "events", 2).await;
    put(&cloud, &arn, "k", "after").await;
    put(&cloud, &arn, "other", "after too").await;
    cloud.until("what is new arrives", || all(&cloud).len() == 3).await;
}
