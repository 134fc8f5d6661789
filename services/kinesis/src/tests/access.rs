//! Who may do what: policies of users, of streams and of consumers.

use haneul_kinesis_wire::operations as op;
use haneul_kinesis_wire::shapes as s;
use haneul_kit::Caller;

use super::cloud::{Cloud, OURS, THEIRS, arn, policy, record, root};

fn put_by_arn() -> s::PutRecordInput {
    s::PutRecordInput { stream_name: None, stream_arn: Some(arn("a")), ..record("a", "k", "x") }
}

async fn denied(cloud: &Cloud, caller: &Caller, input: s::PutRecordInput) -> String {
    cloud.call_as::<op::PutRecord>(caller, input).await.err().unwrap().code().to_owned()
}

#[tokio::test]
async fn a_streams_policy_lets_others_put_and_read() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    let them = root(THEIRS);
    assert_eq!(denied(&cloud, &them, put_by_arn()).await, "AccessDeniedException");
    // A name is a stream of the caller's own.
    assert_eq!(denied(&cloud, &them, record("a", "k", "x")).await, "ResourceNotFoundException");
    let document = policy(&format!(
        r#""Effect":"Allow","Principal":{{"AWS":"{THEIRS}"}},"Action":["kinesis:PutRecord","kinesis:ListShards","kinesis:DeleteStream","kinesis:UpdateShardCount"],"Resource":"{}""#,
        arn("a")
    ));
    let put = s::PutResourcePolicyInput { resource_arn: arn("a"), policy: document.clone(), stream_id: None };
    cloud.ok::<op::PutResourcePolicy>(put).await;
    let got = s::GetResourcePolicyInput { resource_arn: arn("a"), stream_id: None };
    assert_eq!(cloud.ok::<op::GetResourcePolicy>(got).await.policy, document);
    cloud.call_as::<op::PutRecord>(&them, put_by_arn()).await.unwrap();
    let list = s::ListShardsInput { stream_arn: Some(arn("a")), max_results: Some(1), ..Default::default() };
    cloud.call_as::<op::ListShards>(&them, list).await.unwrap();
    // What cannot be shared is not, and what was not given is not either.
    let delete = s::DeleteStreamInput { stream_arn: Some(arn("a")), ..Default::default() };
    let error = cloud.call_as::<op::DeleteStream>(&them, delete).await.err().unwrap();
    assert_eq!(error.code(), "AccessDeniedException");
    let scale = s::UpdateShardCountInput {
        stream_arn: Some(arn("a")),
        target_shard_count: 2,
        scaling_type: "UNIFORM_SCALING".into(),
        ..Default::default()
    };
    let error = cloud.call_as::<op::UpdateShardCount>(&them, scale).await.err().unwrap();
    assert_eq!(error.code(), "AccessDeniedException");
    let iterator = cloud.iterator("a", "shardId-000000000000", "TRIM_HORIZON").await;
    let get = s::GetRecordsInput { shard_iterator: iterator, ..Default::default() };
    let error = cloud.call_as::<op::GetRecords>(&them, get).await.err().unwrap();
    assert_eq!(error.code(), "AccessDeniedException");
    let delete = s::DeleteResourcePolicyInput { resource_arn: arn("a"), stream_id: None };
    cloud.ok::<op::DeleteResourcePolicy>(delete).await;
    assert_eq!(denied(&cloud, &them, put_by_arn()).await, "AccessDeniedException");
    let got = s::GetResourcePolicyInput { resource_arn: arn("a"), stream_id: None };
    assert!(cloud.err::<op::GetResourcePolicy>(got).await.starts_with("ResourceNotFoundException"));
    for bad in ["", "x", "{}", r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow"}]}"#] {
        let put = s::PutResourcePolicyInput { resource_arn: arn("a"), policy: bad.into(), stream_id: None };
        let error = cloud.err::<op::PutResourcePolicy>(put).await;
        assert!(error.starts_with("InvalidArgumentException"), "{bad}: {error}");
    }
}

#[tokio::test]
async fn a_consumers_policy_lets_others_subscribe() {
    let cloud = Cloud::new().await;
    cloud.stream("a", 1).await;
    let register = s::RegisterStreamConsumerInput {
        stream_arn: arn("a"),
        consumer_name: "c".into(),
        tags: Some([("team", "sky".to_owned())].into_iter().collect()),
        ..Default::default()
    };
    let consumer = cloud.ok::<op::RegisterStreamConsumer>(register).await.consumer.consumer_arn;
    cloud.pass(500);
    let them = root(THEIRS);
    let subscribe = || s::SubscribeToShardInput {
        consumer_arn: consumer.clone(),
        shard_id: "shardId-000000000000".into(),
        starting_position: s::StartingPosition { r#type: "LATEST".into(), ..Default::default() },
        ..Default::default()
    };
    let error = cloud.call_as::<op::SubscribeToShard>(&them, subscribe()).await.err().unwrap();
    assert_eq!(error.code(), "AccessDeniedException");
    let document = policy(&format!(
        r#""Effect":"Allow","Principal":{{"AWS":"{THEIRS}"}},"Action":"kinesis:SubscribeToShard","Resource":"{consumer}""#
    ));
    let put = s::PutResourcePolicyInput { resource_arn: consumer.clone(), policy: document, stream_id: None };
    cloud.ok::<op::PutResourcePolicy>(put).await;
    cloud.call_as::<op::SubscribeToShard>(&them, subscribe()).await.unwrap();
    // Tags of a consumer count.
    let tagged = r#""Effect":"Allow","Action":"kinesis:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"sky"}}"#;
    let user = cloud.user(OURS, "ann", tagged).await;
    let describe =
        || s::DescribeStreamConsumerInput { consumer_arn: Some(consumer.clone()), ..Default::default() };
    cloud.call_as::<op::DescribeStreamConsumer>(&user, describe()).await.unwrap();
    let untag = s::UntagResourceInput {
        resource_arn: consumer.clone(),
        tag_keys: vec!["team".into()],
        stream_id: None,
    };
    cloud.ok::<op::UntagResource>(untag).await;
    let error = cloud.call_as::<op::DescribeStreamConsumer>(&user, describe()).await.err().unwrap();
    assert_eq!(error.code(), "AccessDeniedException");
}
