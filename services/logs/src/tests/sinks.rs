//! Streams of Kinesis and Firehose that note what they are given.

use std::io::Read;
use std::sync::Arc;

use flate2::read::GzDecoder;
use haneul_firehose_wire::{operations as fire, shapes as f};
use haneul_iam_wire::{operations as iam, shapes as i};
use haneul_kinesis_wire::{operations as kinesis, shapes as k};
use haneul_kit::{Access, ApiError, Arn, Cx, Handle, Result, Service};
use haneul_logs_wire::{operations as op, shapes as s};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::cloud::Cloud;

const KINESIS: &str = "arn:aws:kinesis:us-east-1:111111111111:stream/flow";
const FIREHOSE: &str = "arn:aws:firehose:us-east-1:111111111111:deliverystream/flow";
const ROLE: &str = "arn:aws:iam::111111111111:role/forwarder";

/// Partition key, and what came, opened.
#[derive(Default)]
pub(super) struct Sinks {
    records: Mutex<Vec<(String, Value)>>,
    throttles: Mutex<bool>,
}

impl Sinks {
    pub(super) fn services(self: &Arc<Sinks>) -> [Service; 2] {
        [
            Service::of(&haneul_kinesis_wire::SERVICE, self.clone()).op::<kinesis::PutRecord>().build(),
            Service::of(&haneul_firehose_wire::SERVICE, self.clone()).op::<fire::PutRecord>().build(),
        ]
    }

    fn note(&self, key: &str, data: &[u8]) {
        let mut text = String::new();
        GzDecoder::new(data).read_to_string(&mut text).unwrap();
        self.records.lock().push((key.to_owned(), serde_json::from_str(&text).unwrap()));
    }

    pub(super) fn take(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut *self.records.lock())
    }
}

impl Handle<kinesis::PutRecord> for Sinks {
    async fn access(&self, _: &Cx, input: &k::PutRecordInput) -> Result<Vec<Access>> {
        Ok(vec![Access::on("kinesis:PutRecord", &Arn::parse(input.stream_arn.as_deref().unwrap()).unwrap())])
    }

    async fn call(&self, _: &Cx, input: k::PutRecordInput) -> Result<k::PutRecordOutput> {
        if *self.throttles.lock() {
            return Err(ApiError::new("ProvisionedThroughputExceededException", "Rate exceeded"));
        }
        self.note(&input.partition_key.unwrap(), &input.data);
        Ok(k::PutRecordOutput::default())
    }
}

impl Handle<fire::PutRecord> for Sinks {
    async fn access(&self, cx: &Cx, input: &f::PutRecordInput) -> Result<Vec<Access>> {
        let arn = cx.arn("firehose", format_args!("deliverystream/{}", input.delivery_stream_name));
        Ok(vec![Access::on("firehose:PutRecord", &arn)])
    }

    async fn call(&self, _: &Cx, input: f::PutRecordInput) -> Result<f::PutRecordOutput> {
        self.note("", &input.record.data);
        Ok(f::PutRecordOutput::default())
    }
}

async fn role(cloud: &Cloud, actions: &[&str]) {
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "logs.amazonaws.com"}}]});
    let input = i::CreateRoleRequest {
        role_name: "forwarder".into(),
        assume_role_policy_document: trust.to_string(),
        ..Default::default()
    };
    cloud.ok::<iam::CreateRole>(input).await;
    let policy = json!({"Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]});
    let input = i::PutRolePolicyRequest {
        role_name: "forwarder".into(),
        policy_name: "own".into(),
        policy_document: policy.to_string(),
    };
    cloud.ok::<iam::PutRolePolicy>(input).await;
}

fn subscribe(destination: &str, pattern: &str) -> s::PutSubscriptionFilterRequest {
    s::PutSubscriptionFilterRequest {
        log_group_name: "app".into(),
        filter_name: "forward".into(),
        filter_pattern: pattern.into(),
        destination_arn: destination.into(),
        role_arn: Some(ROLE.into()),
        ..Default::default()
    }
}

#[tokio::test]
async fn events_go_into_streams_as_the_role() {
    let cloud = Cloud::new().await;
    role(&cloud, &["kinesis:PutRecord", "firehose:PutRecord"]).await;
    cloud.group("app").await;
    cloud.stream("app", "web").await;
    for (destination, key) in [(KINESIS, "web"), (FIREHOSE, "")] {
        cloud.ok::<op::PutSubscriptionFilter>(subscribe(destination, "keep")).await;
        let told = cloud.sinks.take();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].1["messageType"], "CONTROL_MESSAGE");
        let now = cloud.now_ms();
        cloud.put("app", "web", &[(now, "keep this"), (now, "not that"), (now, "keep that")]).await.unwrap();
        cloud.settle().await;
        let sent = cloud.sinks.take();
        assert_eq!(sent.len(), 1, "{destination}");
        assert_eq!(sent[0].0, key);
        let messages: Vec<_> =
            sent[0].1["logEvents"].as_array().unwrap().iter().map(|e| &e["message"]).collect();
        assert_eq!(messages, ["keep this", "keep that"]);
        assert_eq!(sent[0].1["logGroup"], "app");
    }
    let input = s::DescribeSubscriptionFiltersRequest { log_group_name: "app".into(), ..Default::default() };
    let shown = cloud.ok::<op::DescribeSubscriptionFilters>(input).await.subscription_filters.unwrap();
    assert_eq!(shown[0].role_arn.as_deref(), Some(ROLE));
}

#[tokio::test]
async fn a_stream_that_is_full_gets_events_later_and_one_that_refuses_is_none() {
    let cloud = Cloud::new().await;
    role(&cloud, &["kinesis:PutRecord"]).await;
    cloud.group("app").await;
    cloud.stream("app", "web").await;
    let refused = cloud.err::<op::PutSubscriptionFilter>(subscribe(FIREHOSE, "")).await;
    assert!(refused.contains("Could not deliver test message to specified Firehose stream"), "{refused}");
    cloud.ok::<op::PutSubscriptionFilter>(subscribe(KINESIS, "")).await;
    cloud.sinks.take();
    *cloud.sinks.throttles.lock() = true;
    cloud.put("app", "web", &[(cloud.now_ms(), "one")]).await.unwrap();
    cloud.settle().await;
    assert!(cloud.sinks.take().is_empty());
    *cloud.sinks.throttles.lock() = false;
    for _ in 0..5 {
        cloud.advance(60).await;
    }
    assert_eq!(cloud.sinks.take().len(), 1);
}

#[tokio::test]
async fn a_role_that_was_made_anew_loses_no_event() {
    let cloud = Cloud::new().await;
    role(&cloud, &["kinesis:PutRecord"]).await;
    cloud.group("app").await;
    cloud.stream("app", "web").await;
    cloud.ok::<op::PutSubscriptionFilter>(subscribe(KINESIS, "")).await;
    cloud.sinks.take();
    let (role_name, policy_name) = (String::from("forwarder"), String::from("own"));
    let gone = i::DeleteRolePolicyRequest { role_name: role_name.clone(), policy_name };
    cloud.ok::<iam::DeleteRolePolicy>(gone).await;
    cloud.ok::<iam::DeleteRole>(i::DeleteRoleRequest { role_name }).await;
    role(&cloud, &["kinesis:PutRecord"]).await;
    cloud.put("app", "web", &[(cloud.now_ms(), "one")]).await.unwrap();
    cloud.settle().await;
    assert_eq!(cloud.sinks.take().len(), 1);
}

/// Groups of the Delivery class are there for it: their events are kept for a day, and go nowhere else.
#[tokio::test]
async fn groups_of_the_delivery_class_are_delivered_to_firehose() {
    let cloud = Cloud::new().await;
    role(&cloud, &["kinesis:PutRecord", "firehose:PutRecord"]).await;
    let create = s::CreateLogGroupRequest {
        log_group_name: "app".into(),
        log_group_class: Some("DELIVERY".into()),
        ..Default::default()
    };
    cloud.ok::<op::CreateLogGroup>(create).await;
    cloud.stream("app", "web").await;
    let refused = cloud.err::<op::PutSubscriptionFilter>(subscribe(KINESIS, "")).await;
    assert!(refused.starts_with("InvalidOperationException"), "{refused}");
    cloud.ok::<op::PutSubscriptionFilter>(subscribe(FIREHOSE, "")).await;
    cloud.sinks.take();
    cloud.put("app", "web", &[(cloud.now_ms(), "one")]).await.unwrap();
    cloud.settle().await;
    let sent = cloud.sinks.take();
    assert_eq!((sent.len(), &sent[0].1["logEvents"][0]["message"]), (1, &json!("one")));
}
