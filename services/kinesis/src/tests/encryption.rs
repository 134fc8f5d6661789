//! Streams that are encrypted with keys of KMS.

use haneul_kinesis_wire::operations as op;
use haneul_kinesis_wire::shapes as s;
use haneul_kms_wire::operations as kms;
use haneul_kms_wire::shapes as k;
use haneul_store::{Range, Reads};

use super::cloud::{Cloud, OURS, record, text};

const SHARD: &str = "shardId-000000000000";

fn start(key: &str) -> s::StartStreamEncryptionInput {
    s::StartStreamEncryptionInput {
        stream_name: Some("a".into()),
        encryption_type: "KMS".into(),
        key_id: key.to_owned(),
        ..Default::default()
    }
}

async fn key(cloud: &Cloud) -> String {
    cloud.ok::<kms::CreateKey>(k::CreateKeyRequest::default()).await.key_metadata.unwrap().key_id
}

#[tokio::test]
async fn records_are_sealed_with_a_key_of_kms() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    let key = key(&cloud).await;
    cloud.put("a", "k", "open words").await;
    cloud.ok::<op::StartStreamEncryption>(start(&key)).await;
    cloud.pass(500);
    let summary = cloud.summary("a").await;
    assert_eq!((summary.encryption_type.as_deref(), summary.key_id), (Some("KMS"), Some(key.clone())));
    let put = cloud.ok::<op::PutRecord>(record("a", "secret key", "sealed words")).await;
    assert_eq!(put.encryption_type.as_deref(), Some("KMS"));
    let rows = cloud.platform.store.scan(&crate::model::ROWS, Range::all(), 10).await.unwrap();
    let bodies: Vec<u8> =
        rows.into_iter().flat_map(|(_, row)| row.parcels).flat_map(|parcel| parcel.body).collect();
    let holds = |words: &str| bodies.windows(words.len()).any(|part| part == words.as_bytes());
    assert!(holds("open words") && !holds("sealed words") && !holds("secret key"));
    let iterator = cloud.iterator("a", SHARD, "TRIM_HORIZON").await;
    let page = cloud.get(&iterator, None).await;
    assert_eq!(page.records.iter().map(text).collect::<Vec<_>>(), ["open words", "sealed words"]);
    assert_eq!(page.records[0].encryption_type, None);
    assert_eq!(page.records[1].encryption_type.as_deref(), Some("KMS"));
    assert_eq!(page.records[1].partition_key.as_deref(), Some("secret key"));
    let stop = s::StopStreamEncryptionInput {
        stream_name: Some("a".into()),
        encryption_type: "KMS".into(),
        key_id: key,
        ..Default::default()
    };
    cloud.ok::<op::StopStreamEncryption>(stop).await;
    cloud.pass(500);
    assert_eq!(cloud.ok::<op::PutRecord>(record("a", "k", "open again")).await.encryption_type, None);
    assert_eq!(cloud.all("a", SHARD).await, ["open words", "sealed words", "open again"]);
}

#[tokio::test]
async fn what_kms_refuses_is_said() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    for (input, code) in [
        (start("11111111-1111-1111-1111-111111111111"), "KMSNotFoundException"),
        (start("alias/nothing"), "KMSNotFoundException"),
        (
            s::StartStreamEncryptionInput { encryption_type: "NONE".into(), ..start("x") },
            "InvalidArgumentException",
        ),
        (start(""), "ValidationException"),
    ] {
        let error = cloud.err::<op::StartStreamEncryption>(input).await;
        assert!(error.starts_with(code), "{error}");
    }
    let key = key(&cloud).await;
    cloud.ok::<op::StartStreamEncryption>(start(&key)).await;
    cloud.pass(500);
    cloud.put("a", "k", "x").await;
    cloud.ok::<kms::DisableKey>(k::DisableKeyRequest { key_id: key.clone() }).await;
    // The data key serves for five minutes.
    cloud.put("a", "k", "y").await;
    cloud.pass(300_000);
    let error = cloud.err::<op::PutRecord>(record("a", "k", "z")).await;
    assert!(error.starts_with("KMSDisabledException"), "{error}");
    let iterator = cloud.iterator("a", SHARD, "TRIM_HORIZON").await;
    let input = s::GetRecordsInput { shard_iterator: iterator.clone(), ..Default::default() };
    let error = cloud.err::<op::GetRecords>(input).await;
    assert!(error.starts_with("KMSDisabledException"), "{error}");
    cloud.ok::<kms::EnableKey>(k::EnableKeyRequest { key_id: key }).await;
    assert_eq!(cloud.all("a", SHARD).await, ["x", "y"]);
    // Who may not use the key reads nothing.
    let all = r#""Effect":"Allow","Action":"kinesis:*","Resource":"*""#;
    let user = cloud.user(OURS, "ann", all).await;
    let error = cloud.call_as::<op::PutRecord>(&user, record("a", "k", "z")).await.err().unwrap();
    assert_eq!(error.code(), "KMSAccessDeniedException");
    let input = s::GetRecordsInput { shard_iterator: iterator, ..Default::default() };
    let error = cloud.call_as::<op::GetRecords>(&user, input).await.err().unwrap();
    assert_eq!(error.code(), "KMSAccessDeniedException");
}

#[tokio::test]
async fn the_key_that_aws_manages_serves() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    cloud.ok::<op::StartStreamEncryption>(start("alias/aws/kinesis")).await;
    cloud.pass(500);
    cloud.put("a", "k", "x").await;
    assert_eq!(cloud.all("a", SHARD).await, ["x"]);
    assert_eq!(cloud.summary("a").await.key_id.as_deref(), Some("alias/aws/kinesis"));
}

#[tokio::test]
async fn no_record_gets_in_unsealed_once_a_stream_is_encrypted() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    let key = key(&cloud).await;
    cloud.settle().await;
    let stream = cloud.held("a");
    // The key is another one before the record finds its shard, and after it was looked at.
    let routing = stream.routing.write().await;
    let changing = async {
        cloud.settle().await;
        let state = stream.state();
        let record = crate::model::StreamRecord { kms_key: Some(key.clone()), ..state.record.clone() };
        stream.set_state(state.with_record(record));
        drop(routing);
    };
    let (put, ()) = tokio::join!(cloud.ok::<op::PutRecord>(record("a", "k", "words")), changing);
    assert_eq!(put.encryption_type.as_deref(), Some("KMS"));
    let rows = cloud.platform.store.scan(&crate::model::ROWS, Range::all(), 10).await.unwrap();
    assert!(rows.iter().flat_map(|(_, row)| &row.parcels).all(|parcel| parcel.seal.is_some()));
    // No key takes effect while a record is between its key and its place.
    let other = self::key(&cloud).await;
    let routing = stream.routing.read().await;
    cloud.ok::<op::StartStreamEncryption>(start(&other)).await;
    cloud.pass(500);
    cloud.settle().await;
    assert_eq!(stream.state().record.kms_key, Some(key));
    drop(routing);
    cloud.settle().await;
    assert_eq!(stream.state().record.kms_key, Some(other));
}
