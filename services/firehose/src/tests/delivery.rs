use std::io::Read;

use haneul_blob::Blobs;
use haneul_env::Env;
use haneul_firehose_wire::{operations as op, shapes as s};
use haneul_logs_wire::{operations as logs, shapes as g};
use haneul_store::{Record, Store, Table};
use serde::{Deserialize, Serialize};

use super::api::processing;
use super::cloud::{Cloud, FUNCTION, configuration};

#[tokio::test]
async fn records_are_delivered_when_they_waited_or_are_many() {
    let cloud = Cloud::new().await;
    cloud.create(configuration()).await;
    let ids = cloud.put(&["one\n", "two\n"]).await;
    assert_ne!(ids[0], ids[1]);
    cloud.advance(59).await;
    assert!(cloud.objects().await.is_empty());
    cloud.put(&["three\n"]).await;
    cloud.advance(1).await;
    let objects = cloud.objects().await;
    assert_eq!(objects.len(), 1);
    assert_eq!(objects[0].1, b"one\ntwo\nthree\n");
    let name = regex_of(&objects[0].0);
    assert_eq!(name, "9999/99/99/99/flow-9-9999-99-99-99-99-99-UUID");
    // A megabyte is delivered at once.
    let big = "x".repeat(600_000);
    cloud.put(&[&big]).await;
    cloud.settle().await;
    assert_eq!(cloud.objects().await.len(), 1);
    cloud.put(&[&big]).await;
    let objects = cloud.arrive(2).await;
    assert!(objects.iter().any(|(_, body)| body.len() == 1_200_000));
    cloud.advance(300).await;
    assert_eq!(cloud.objects().await.len(), 2, "nothing is delivered twice");
}

/// Digits as nines, the UUID as such.
fn regex_of(name: &str) -> String {
    let (before, _) = name.split_at(name.len() - 36);
    before.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect::<String>() + "UUID"
}

#[tokio::test]
async fn a_function_changes_records_and_those_it_fails_with_are_told() {
    let cloud = Cloud::new().await;
    let mut given = configuration();
    let mut steps = processing("Lambda", "LambdaArn", FUNCTION);
    let append = s::Processor { r#type: "AppendDelimiterToRecord".into(), parameters: None };
    steps.processors.as_mut().unwrap().push(append);
    given.processing_configuration = Some(steps);
    given.prefix = Some("good/".into());
    given.error_output_prefix = Some("bad/!{firehose:error-output-type}/".into());
    given.s3_backup_mode = Some("Enabled".into());
    given.s3_backup_configuration = Some(s::S3DestinationConfiguration {
        role_arn: given.role_arn.clone(),
        bucket_arn: given.bucket_arn.clone(),
        prefix: Some("source/".into()),
        ..Default::default()
    });
    cloud.create(given).await;
    *cloud.functions.failing.lock() = 2;
    cloud.put(&["a", "drop", "fail", "b"]).await;
    cloud.advance(60).await;
    assert_eq!(cloud.text("good/").await, "A\nB\n");
    assert_eq!(cloud.text("source/").await, "adropfailb");
    let told: serde_json::Value = serde_json::from_str(&cloud.text("bad/processing-failed/").await).unwrap();
    assert_eq!(
        (told["errorCode"].as_str(), told["rawData"].as_str()),
        (Some("Lambda.ProcessingFailedStatus"), Some("ZmFpbA=="))
    );
    assert_eq!(told["lambdaArn"], FUNCTION);
    assert_eq!(*cloud.functions.calls.lock(), 3, "two failed, one went well");
    // More failures than retries: all records are told.
    *cloud.functions.failing.lock() = 4;
    cloud.put(&["c"]).await;
    cloud.advance(60).await;
    assert_eq!(cloud.text("good/").await, "A\nB\n");
    assert!(cloud.text("bad/").await.contains("Lambda.FunctionError"));
}

#[tokio::test]
async fn what_cannot_be_put_waits_and_is_logged() {
    let cloud = Cloud::new().await;
    for input in [g::CreateLogGroupRequest { log_group_name: "fire".into(), ..Default::default() }] {
        cloud.ok::<logs::CreateLogGroup>(input).await;
    }
    let stream = g::CreateLogStreamRequest { log_group_name: "fire".into(), log_stream_name: "s3".into() };
    cloud.ok::<logs::CreateLogStream>(stream).await;
    let mut given = configuration();
    given.cloud_watch_logging_options = Some(s::CloudWatchLoggingOptions {
        enabled: Some(true),
        log_group_name: Some("fire".into()),
        log_stream_name: Some("s3".into()),
    });
    given.compression_format = Some("GZIP".into());
    cloud.create(given).await;
    cloud.allow(&["logs:PutLogEvents"]).await;
    cloud.put(&["kept"]).await;
    cloud.advance(60).await;
    assert!(cloud.objects().await.is_empty());
    let input = g::GetLogEventsRequest {
        log_group_name: Some("fire".into()),
        log_stream_name: "s3".into(),
        ..Default::default()
    };
    let events = cloud.ok::<logs::GetLogEvents>(input).await.events.unwrap();
    assert!(events[0].message.as_ref().unwrap().contains("S3.AccessDenied"));
    cloud.allow(&["s3:PutObject"]).await;
    cloud.advance(600).await;
    let objects = cloud.objects().await;
    assert_eq!(objects.len(), 1);
    assert!(objects[0].0.ends_with(".gz"));
    let mut text = String::new();
    flate2::read::GzDecoder::new(&objects[0].1[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text, "kept");
    // What cannot be delivered for a day is given up.
    cloud.allow(&["logs:PutLogEvents"]).await;
    cloud.put(&["lost"]).await;
    cloud.advance(10).await;
    cloud.put(&["younger"]).await;
    cloud.advance(86_390).await;
    cloud.allow(&["s3:PutObject"]).await;
    cloud.advance(600).await;
    let objects = cloud.objects().await;
    assert_eq!(objects.len(), 2);
    assert!(!objects.iter().any(|(_, body)| body == b"lost" || body == b"lostyounger"));
}

#[tokio::test]
async fn encrypted_records_are_nowhere_in_the_store_and_arrive_all_the_same() {
    let store = Store::memory();
    let cloud = Cloud::on(store.clone(), None, 9).await;
    cloud.furnish().await;
    cloud.create(configuration()).await;
    let start =
        s::StartDeliveryStreamEncryptionInput { delivery_stream_name: "flow".into(), ..Default::default() };
    cloud.put(&["plain,"]).await;
    cloud.ok::<op::StartDeliveryStreamEncryption>(start).await;
    cloud.put(&["a secret,"]).await;
    let stop = s::StopDeliveryStreamEncryptionInput { delivery_stream_name: "flow".into() };
    let rows = crate::store::Records { store: store.clone() };
    let stream = rows
        .there(&("111111111111".parse().unwrap(), haneul_kit::Region::US_EAST_1, "flow".into()))
        .await
        .unwrap();
    let kept = rows.oldest(stream.id, u64::MAX).await.unwrap();
    assert_eq!(kept.len(), 2);
    assert!(!kept.iter().any(|(_, row)| row.windows(6).any(|part| part == b"secret")));
    cloud.ok::<op::StopDeliveryStreamEncryption>(stop).await;
    cloud.put(&["plain again"]).await;
    cloud.advance(60).await;
    let text = cloud.text("").await;
    for part in ["plain,", "a secret,", "plain again"] {
        assert!(text.contains(part), "{text}");
    }
}

/// A program that ends between the object and the forgetting of its records writes the same object again.
#[tokio::test]
async fn another_life_delivers_what_waited_once() {
    let (store, env) = (Store::memory(), Env::simulated(1));
    let blobs = Blobs::memory(&env);
    let first = Cloud::on(store.clone(), Some(blobs.clone()), 21).await;
    first.furnish().await;
    let mut given = configuration();
    given.prefix = Some("!{firehose:random-string}/".into());
    given.error_output_prefix = Some("bad/!{firehose:error-output-type}/".into());
    given.s3_backup_mode = Some("Enabled".into());
    given.s3_backup_configuration = Some(s::S3DestinationConfiguration {
        role_arn: given.role_arn.clone(),
        bucket_arn: given.bucket_arn.clone(),
        prefix: given.prefix.clone(),
        error_output_prefix: given.error_output_prefix.clone(),
        ..Default::default()
    });
    first.create(given).await;
    first.put(&["waits,"]).await;
    first.put(&["too,"]).await;
    let records = crate::store::Records { store: store.clone() };
    let key = ("111111111111".parse().unwrap(), haneul_kit::Region::US_EAST_1, "flow".to_owned());
    let stream = records.there(&key).await.unwrap();
    let rows = records.oldest(stream.id, u64::MAX).await.unwrap();
    let (from, to) = (rows[0].0, rows[rows.len() - 1].0);
    let delivery = crate::model::DeliveryRecord {
        from: (from.1, from.2),
        to: (to.1, to.2),
        named_ms: first.platform.env.now().millis(),
        version: 1,
        seed: 77,
        uuid: None,
    };
    records.begin(stream.id, &delivery).await.unwrap();
    first.advance(60).await;
    let before = first.objects().await;
    assert_eq!(before.len(), 2, "the records and their source, with names of their own");
    assert!(before.iter().all(|(_, body)| body == b"waits,too,"));
    // As a crash leaves it: the objects put, the records still there, and the stream of another version.
    records.accept(rows.clone()).await.unwrap();
    records.begin(stream.id, &delivery).await.unwrap();
    let change = |stream: &mut crate::model::StreamRecord| {
        stream.version += 1;
        Ok(())
    };
    records.change(&key, change).await.unwrap();
    first.end().await;
    let second = Cloud::on(store, Some(blobs), 22).await;
    second.advance(3600).await;
    assert_eq!(second.objects().await, before);
    assert!(records.oldest(stream.id, u64::MAX).await.unwrap().is_empty());
}

/// As the first version wrote it.
#[derive(Serialize, Deserialize)]
struct FirstDelivery {
    from: (i64, u64),
    to: (i64, u64),
    uuid: String,
    named_ms: i64,
}

impl Record for FirstDelivery {}

/// One that the first version named and put, and did not forget any more.
#[tokio::test]
async fn an_object_of_the_first_version_keeps_its_name() {
    const UUID: &str = "12345678-1234-4234-8234-123456789abc";
    static DELIVERIES: Table<u64, FirstDelivery> = Table::new("firehose.deliveries");
    let store = Store::memory();
    let cloud = Cloud::on(store.clone(), None, 5).await;
    cloud.furnish().await;
    cloud.create(configuration()).await;
    cloud.put(&["waits"]).await;
    let records = crate::store::Records { store: store.clone() };
    let key = ("111111111111".parse().unwrap(), haneul_kit::Region::US_EAST_1, "flow".to_owned());
    let id = records.there(&key).await.unwrap().id;
    let (_, arrived_ms, number) = records.oldest(id, u64::MAX).await.unwrap()[0].0;
    let row = (arrived_ms, number);
    let stored = FirstDelivery { from: row, to: row, uuid: UUID.to_owned(), named_ms: 5 };
    store.put(&DELIVERIES, &id, &stored).await.unwrap();
    let change = |stream: &mut crate::model::StreamRecord| {
        stream.version = 4;
        Ok(())
    };
    records.change(&key, change).await.unwrap();
    cloud.advance(60).await;
    let objects = cloud.objects().await;
    assert_eq!(objects.len(), 1);
    assert!(objects[0].0.ends_with(&format!("flow-4-1970-01-01-00-00-00-{UUID}")), "{}", objects[0].0);
}

#[tokio::test]
async fn the_records_of_a_deleted_stream_go() {
    let store = Store::memory();
    let cloud = Cloud::on(store.clone(), None, 5).await;
    cloud.furnish().await;
    cloud.create(configuration()).await;
    cloud.put(&["x"]).await;
    let records = crate::store::Records { store };
    let key = ("111111111111".parse().unwrap(), haneul_kit::Region::US_EAST_1, "flow".to_owned());
    let id = records.there(&key).await.unwrap().id;
    let delete = s::DeleteDeliveryStreamInput { delivery_stream_name: "flow".into(), ..Default::default() };
    cloud.ok::<op::DeleteDeliveryStream>(delete).await;
    cloud.advance(1).await;
    assert!(records.oldest(id, u64::MAX).await.unwrap().is_empty());
    // One of the same name is another stream.
    cloud.create(configuration()).await;
    cloud.put(&["y"]).await;
    cloud.advance(60).await;
    assert_eq!(cloud.text("").await, "y");
}
