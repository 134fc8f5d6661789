//! Queues that are encrypted with a key of KMS: who may send, who may read, and for how long a data key serves.
//!
//! Source: SQS Developer Guide, "Encryption at rest in Amazon SQS" and "Amazon SQS Key management".

use std::time::Duration;

use haneul_harness::{Client, Cloud};
use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kms_wire::operations as kms;
use haneul_kms_wire::shapes as k;
use haneul_shape::value::Map;
use haneul_sqs_wire::operations as op;
use haneul_sqs_wire::shapes::*;
use haneul_sts_wire::operations as sts;
use haneul_sts_wire::shapes as t;
use haneul_wire::Protocol;
use serde_json::{Value, json};

const SEND: &[&str] = &["kms:GenerateDataKey", "kms:Decrypt"];

struct World(Cloud);

impl World {
    async fn new(seed: u64) -> World {
        World(Cloud::in_process(seed).await)
    }

    async fn key(&self, policy: Option<Value>) -> String {
        let input =
            k::CreateKeyRequest { policy: policy.map(|policy| policy.to_string()), ..Default::default() };
        self.0.call::<kms::CreateKey>(input).await.unwrap().key_metadata.unwrap().key_id
    }

    async fn queue(&self, name: &str, attributes: &[(&str, &str)]) -> String {
        let input = CreateQueueRequest {
            queue_name: name.into(),
            attributes: Some(texts(attributes)),
            ..Default::default()
        };
        self.0.call::<op::CreateQueue>(input).await.unwrap().queue_url.unwrap()
    }

    /// A user who may do everything with queues and these things with keys.
    async fn user(&self, name: &str, actions: &[&str]) -> Client {
        let user_name = name.to_owned();
        let input = i::CreateUserRequest { user_name: user_name.clone(), ..Default::default() };
        self.0.call::<iam::CreateUser>(input).await.unwrap();
        let mut statements = vec![json!({"Effect": "Allow", "Action": "sqs:*", "Resource": "*"})];
        if !actions.is_empty() {
            statements.push(json!({"Effect": "Allow", "Action": actions, "Resource": "*"}));
        }
        let input = i::PutUserPolicyRequest {
            user_name: user_name.clone(),
            policy_name: "p".into(),
            policy_document: json!({"Version": "2012-10-17", "Statement": statements}).to_string(),
        };
        self.0.call::<iam::PutUserPolicy>(input).await.unwrap();
        let input = i::CreateAccessKeyRequest { user_name: Some(user_name) };
        let key = self.0.call::<iam::CreateAccessKey>(input).await.unwrap().access_key;
        self.0.with_key(&key.access_key_id, &key.secret_access_key)
    }

    fn wait(&self, secs: u64) {
        self.0.platform().env.clock.advance(Duration::from_secs(secs));
    }

    async fn set(&self, url: &str, attributes: &[(&str, &str)]) {
        let input = SetQueueAttributesRequest { queue_url: url.into(), attributes: texts(attributes) };
        self.0.call::<op::SetQueueAttributes>(input).await.unwrap();
    }
}

fn texts(pairs: &[(&str, &str)]) -> Map<String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The error's code as of old, which the JSON protocol tells too, or `ok`.
async fn send(client: &Client, url: &str, body: &str) -> String {
    let input = SendMessageRequest { queue_url: url.into(), message_body: body.into(), ..Default::default() };
    client.call::<op::SendMessage>(input).await.map_or_else(|failure| failure.code, |_| "ok".to_owned())
}

/// The bodies, or the error's code.
async fn receive(client: &Client, url: &str) -> String {
    receive_for(client, url, 0).await
}

async fn receive_for(client: &Client, url: &str, visibility: i32) -> String {
    let input = ReceiveMessageRequest {
        queue_url: url.into(),
        max_number_of_messages: Some(10),
        visibility_timeout: Some(visibility),
        attribute_names: Some(vec!["ApproximateReceiveCount".into()]),
        ..Default::default()
    };
    match client.call::<op::ReceiveMessage>(input).await {
        Ok(got) => {
            let told = |message: Message| {
                let times = message.attributes?.get("ApproximateReceiveCount")?.clone();
                Some(if times == "1" { message.body? } else { format!("{}*{times}", message.body?) })
            };
            got.messages.unwrap_or_default().into_iter().filter_map(told).collect::<Vec<_>>().join(",")
        }
        Err(failure) => failure.code,
    }
}

#[tokio::test]
async fn who_sends_and_who_reads_must_be_allowed_to_use_the_key() {
    let world = World::new(31).await;
    let key = world.key(None).await;
    let url = world.queue("sealed", &[("KmsMasterKeyId", &key)]).await;
    let sender = world.user("sender", SEND).await;
    let reader = world.user("reader", &["kms:Decrypt"]).await;
    let stranger = world.user("stranger", &[]).await;

    assert_eq!(send(&sender, &url, "하늘").await, "ok");
    for (client, expected) in
        [(&reader, "KMS.AccessDeniedException"), (&stranger, "KMS.AccessDeniedException")]
    {
        assert_eq!(send(client, &url, "no").await, expected);
    }
    let query = stranger.speaking(Protocol::AwsQuery);
    assert_eq!(send(&query, &url, "no").await, "KMS.AccessDeniedException");
    let entry =
        SendMessageBatchRequestEntry { id: "a".into(), message_body: "no".into(), ..Default::default() };
    let input = SendMessageBatchRequest { queue_url: url.clone(), entries: vec![entry] };
    let refused = stranger.call::<op::SendMessageBatch>(input).await.err();
    assert_eq!(refused.unwrap().code, "KMS.AccessDeniedException");

    // Who may not read holds nothing up, and has not received it.
    for _ in 0..3 {
        assert_eq!(receive_for(&stranger, &url, 30).await, "KMS.AccessDeniedException");
    }
    assert_eq!(receive(&reader, &url).await, "하늘");

    // It stays sealed when the queue no longer has a key, and plain messages stay plain when it has one again.
    world.set(&url, &[("KmsMasterKeyId", "")]).await;
    assert_eq!(send(&stranger, &url, "plain").await, "ok");
    assert_eq!(receive(&stranger, &url).await, "plain");
    assert_eq!(receive(&reader, &url).await, "하늘*2,plain*2");
}

#[tokio::test]
async fn a_data_key_serves_for_as_long_as_the_queue_says() {
    let world = World::new(32).await;
    let key = world.key(None).await;
    let sealed = [("KmsMasterKeyId", key.as_str()), ("KmsDataKeyReusePeriodSeconds", "60")];
    let url = world.queue("sealed", &sealed).await;
    let sender = world.user("sender", SEND).await;
    assert_eq!(send(&sender, &url, "one").await, "ok");
    assert_eq!(receive(&sender, &url).await, "one");
    let input = k::DisableKeyRequest { key_id: key.clone() };
    world.0.call::<kms::DisableKey>(input).await.unwrap();
    world.wait(59);
    assert_eq!(send(&sender, &url, "two").await, "ok");
    // Nobody else can use it.
    assert_eq!(send(&world.0, &url, "no").await, "KMS.DisabledException");
    world.wait(2);
    assert_eq!(send(&sender, &url, "no").await, "KMS.DisabledException");
    assert_eq!(receive(&sender, &url).await, "KMS.DisabledException");
    let input = k::EnableKeyRequest { key_id: key.clone() };
    world.0.call::<kms::EnableKey>(input).await.unwrap();
    assert_eq!(receive(&sender, &url).await, "one*2,two");
    let input = k::ScheduleKeyDeletionRequest { key_id: key, ..Default::default() };
    world.0.call::<kms::ScheduleKeyDeletion>(input).await.unwrap();
    world.wait(61);
    assert_eq!(receive(&sender, &url).await, "KMS.InvalidStateException");
    world.set(&url, &[("KmsMasterKeyId", "alias/nothing")]).await;
    assert_eq!(send(&sender, &url, "no").await, "KMS.NotFoundException");
}

/// Sessions of one role under one name are not one another.
#[tokio::test]
async fn a_data_key_serves_the_session_it_was_opened_for() {
    let world = World::new(34).await;
    let key = world.key(None).await;
    let url = world.queue("sealed", &[("KmsMasterKeyId", &key)]).await;
    let allow = |actions: Value| json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]});
    let trust = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}}]});
    let input = i::CreateRoleRequest {
        role_name: "worker".into(),
        assume_role_policy_document: trust.to_string(),
        ..Default::default()
    };
    let role_arn = world.0.call::<iam::CreateRole>(input).await.unwrap().role.arn;
    let input = i::PutRolePolicyRequest {
        role_name: "worker".into(),
        policy_name: "p".into(),
        policy_document: allow(json!(["sqs:*", "kms:*"])).to_string(),
    };
    world.0.call::<iam::PutRolePolicy>(input).await.unwrap();
    let user = world.user("user", &["sts:AssumeRole"]).await;
    let mut sessions = Vec::new();
    for policy in [None, Some(allow(json!("sqs:*")).to_string())] {
        let input = t::AssumeRoleRequest {
            role_arn: role_arn.clone(),
            role_session_name: "same".into(),
            policy,
            ..Default::default()
        };
        let made = user.call::<sts::AssumeRole>(input).await.unwrap().credentials.unwrap();
        let mut client = world.0.with_key(&made.access_key_id, &made.secret_access_key);
        client.session_token = Some(made.session_token);
        sessions.push(client);
    }
    assert_eq!(send(&sessions[0], &url, "one").await, "ok");
    assert_eq!(receive(&sessions[0], &url).await, "one");
    assert_eq!(send(&sessions[1], &url, "no").await, "KMS.AccessDeniedException");
    assert_eq!(receive(&sessions[1], &url).await, "KMS.AccessDeniedException");
}

#[tokio::test]
async fn the_key_is_that_of_the_queues_account_and_follows_a_message() {
    let world = World::new(33).await;
    let root = |account: &str| json!({"AWS": format!("arn:aws:iam::{account}:root")});
    let other = world.0.other_account();
    let (mine, theirs) = ("000000000000", haneul_harness::cloud::OTHER_ACCOUNT.to_string());
    let key = world
        .key(Some(json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": root(mine), "Action": "kms:*", "Resource": "*"},
            {"Effect": "Allow", "Principal": root(&theirs), "Action": SEND, "Resource": "*",
             "Condition": {"StringEquals": {"kms:EncryptionContext:aws:sqs:arn": format!("arn:aws:sqs:us-east-1:{mine}:shared"),
                                            "kms:ViaService": "sqs.us-east-1.amazonaws.com"}}},
        ]})))
        .await;
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": root(&theirs), "Action": "sqs:SendMessage", "Resource": "*"}]});
    let dead = world.queue("dead", &[]).await;
    let redrive =
        json!({"deadLetterTargetArn": format!("arn:aws:sqs:us-east-1:{mine}:dead"), "maxReceiveCount": 1});
    let attributes = [
        ("KmsMasterKeyId", key.as_str()),
        ("Policy", &policy.to_string()),
        ("RedrivePolicy", &redrive.to_string()),
    ];
    let url = world.queue("shared", &attributes).await;
    assert_eq!(send(&other, &url, "from afar").await, "ok");
    assert_eq!(receive(&world.0, &url).await, "from afar");
    // Received too often: it moves as it is to a queue that has no key.
    assert_eq!(receive(&world.0, &url).await, "");
    let stranger = world.user("stranger", &[]).await;
    assert_eq!(receive(&stranger, &dead).await, "KMS.AccessDeniedException");
    assert_eq!(receive(&world.0, &dead).await, "from afar*2");

    // AWS's own key for queues is made when it is first used.
    world.set(&url, &[("KmsMasterKeyId", "alias/aws/sqs")]).await;
    assert_eq!(send(&world.0, &url, "managed").await, "ok");
    assert_eq!(receive(&world.0, &url).await, "managed");
}
