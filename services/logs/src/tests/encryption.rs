use std::collections::HashSet;

use haneul_cloudwatch_wire::operations as cloudwatch;
use haneul_cloudwatch_wire::shapes as c;
use haneul_kit::Instant;
use haneul_kms_wire::operations as kms;
use haneul_kms_wire::shapes as k;
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_store::{Range, Reads};

use super::cloud::{Cloud, OURS};
use super::functions::FUNCTION;
use crate::model::{CHUNK_INDEXES, CHUNKS, Chunk, DELIVERIES, HELD_DELIVERIES, POSTPONED};

const GROUP_ARN: &str = "arn:aws:logs:us-east-1:111111111111:log-group:g";
const REFUSED: &str = "AccessDeniedException: The specified KMS key does not exist or is not allowed to be used with Arn \
                       'arn:aws:logs:us-east-1:111111111111:log-group:g'";

impl Cloud {
    /// A key whose policy lets the service use it for the group `g`, as AWS's page says.
    async fn key(&self, lets_in: bool) -> String {
        let logs = format!(
            r#",{{"Effect":"Allow","Principal":{{"Service":"logs.us-east-1.amazonaws.com"}},
               "Action":["kms:Encrypt","kms:Decrypt","kms:ReEncrypt*","kms:GenerateDataKey*","kms:Describe*"],"Resource":"*",
               "Condition":{{"ArnEquals":{{"kms:EncryptionContext:aws:logs:arn":"{GROUP_ARN}"}}}}}}"#
        );
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{OURS}:root"}},
               "Action":"kms:*","Resource":"*"}}{}]}}"#,
            if lets_in { &logs } else { "" }
        );
        let made = self
            .ok::<kms::CreateKey>(k::CreateKeyRequest { policy: Some(policy), ..Default::default() })
            .await;
        made.key_metadata.unwrap().arn.unwrap()
    }

    async fn disable(&self, key: &str) {
        self.ok::<kms::DisableKey>(k::DisableKeyRequest { key_id: key.into() }).await;
    }

    /// How many chunks have the text in the clear.
    async fn in_the_clear(&self, text: &str) -> usize {
        let chunks = self.platform.store.scan(&CHUNKS, Range::all(), usize::MAX).await.unwrap();
        let has = |bytes: &[u8]| bytes.windows(text.len()).any(|window| window == text.as_bytes());
        chunks.iter().filter(|(_, chunk)| has(&chunk.0)).count()
    }

    /// Of a metric over the last hour.
    async fn sum(&self, metric: &str) -> f64 {
        let now = self.now_ms();
        let input = c::GetMetricStatisticsInput {
            namespace: "App".into(),
            metric_name: metric.into(),
            start_time: Instant::from_millis(now - 3_600_000),
            end_time: Instant::from_millis(now + 3_600_000),
            period: 3600,
            statistics: Some(vec!["Sum".into()]),
            ..Default::default()
        };
        let points = self.ok::<cloudwatch::GetMetricStatistics>(input).await.datapoints.unwrap_or_default();
        points.iter().filter_map(|point| point.sum).sum()
    }

    async fn describe_key(&self) -> Option<String> {
        let groups = self.ok::<op::DescribeLogGroups>(Default::default()).await.log_groups.unwrap();
        groups[0].kms_key_id.clone()
    }

    async fn read_all(&self) -> String {
        let input = s::GetLogEventsRequest {
            log_group_name: Some("g".into()),
            log_stream_name: "s".into(),
            ..Default::default()
        };
        match self.call::<op::GetLogEvents>(input).await {
            Ok(page) => page.events.unwrap().into_iter().filter_map(|event| event.message).collect(),
            Err(error) => error.to_string(),
        }
    }
}

#[tokio::test]
async fn events_of_a_group_with_a_key_are_sealed_and_a_disabled_key_hides_them() {
    let cloud = Cloud::new().await;
    let key = cloud.key(true).await;
    let create = s::CreateLogGroupRequest {
        log_group_name: "g".into(),
        kms_key_id: Some(key.clone()),
        ..Default::default()
    };
    cloud.ok::<op::CreateLogGroup>(create).await;
    assert_eq!(cloud.describe_key().await.as_deref(), Some(key.as_str()));
    cloud.stream("g", "s").await;
    let secret = "the secret that is looked for";
    cloud.put("g", "s", &[(cloud.now_ms(), secret)]).await.unwrap();
    assert_eq!((cloud.read_all().await.as_str(), cloud.in_the_clear("secret").await), (secret, 0));
    cloud.disable(&key).await;
    assert_eq!(cloud.read_all().await, REFUSED);
    let filter = s::FilterLogEventsRequest { log_group_name: Some("g".into()), ..Default::default() };
    assert_eq!(cloud.err::<op::FilterLogEvents>(filter).await, REFUSED);
    // What is open serves for five minutes to write; then it is refused too.
    cloud.advance(301).await;
    let refused = cloud.put("g", "s", &[(cloud.now_ms(), "more")]).await.err().unwrap().to_string();
    assert_eq!(refused, REFUSED);
    cloud.ok::<kms::EnableKey>(k::EnableKeyRequest { key_id: key.clone() }).await;
    assert_eq!(cloud.read_all().await, secret);
    // Without the key new events are stored as they are, and old ones stay sealed.
    let off = s::DisassociateKmsKeyRequest { log_group_name: Some("g".into()), ..Default::default() };
    cloud.ok::<op::DisassociateKmsKey>(off).await;
    cloud.put("g", "s", &[(cloud.now_ms(), "plain")]).await.unwrap();
    assert_eq!((cloud.describe_key().await, cloud.in_the_clear("plain").await), (None, 1));
    assert_eq!(cloud.read_all().await, format!("{secret}plain"));
    // A second key for what comes now; both are needed to read all.
    let other = cloud.key(true).await;
    let on = s::AssociateKmsKeyRequest {
        resource_identifier: Some(GROUP_ARN.into()),
        kms_key_id: other.clone(),
        ..Default::default()
    };
    cloud.ok::<op::AssociateKmsKey>(on).await;
    cloud.put("g", "s", &[(cloud.now_ms(), "third")]).await.unwrap();
    assert_eq!(
        (cloud.read_all().await, cloud.in_the_clear("third").await),
        (format!("{secret}plainthird"), 0)
    );
    cloud.disable(&other).await;
    assert_eq!(cloud.read_all().await, REFUSED);
}

#[tokio::test]
async fn keys_that_cannot_be_associated() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    let locked = cloud.key(false).await;
    let disabled = cloud.key(true).await;
    cloud.disable(&disabled).await;
    let associate = |key: &str| s::AssociateKmsKeyRequest {
        log_group_name: Some("g".into()),
        kms_key_id: key.into(),
        ..Default::default()
    };
    let unknown = "arn:aws:kms:us-east-1:111111111111:key/11111111-2222-3333-4444-555555555555";
    assert_eq!(cloud.err::<op::AssociateKmsKey>(associate(&locked)).await, REFUSED);
    assert_eq!(cloud.err::<op::AssociateKmsKey>(associate(unknown)).await, REFUSED);
    let error = cloud.err::<op::AssociateKmsKey>(associate(&disabled)).await;
    assert!(error.starts_with("InvalidParameterException"), "{error}");
    let error = cloud.err::<op::AssociateKmsKey>(associate("alias/mine")).await;
    assert!(error.starts_with("InvalidParameterException"), "{error}");
    let both =
        s::AssociateKmsKeyRequest { resource_identifier: Some(GROUP_ARN.into()), ..associate(&locked) };
    assert!(cloud.err::<op::AssociateKmsKey>(both).await.starts_with("InvalidParameterException"));
    let create = s::CreateLogGroupRequest {
        log_group_name: "h".into(),
        kms_key_id: Some(cloud.key(true).await),
        ..Default::default()
    };
    // Its policy is for another group.
    assert!(cloud.err::<op::CreateLogGroup>(create).await.starts_with("AccessDeniedException"));
}

/// Behind the calls, a group whose key is disabled holds up nobody but itself, and what cannot be read for a day is passed over.
#[tokio::test]
async fn a_disabled_key_stops_no_other_group() {
    let cloud = Cloud::new().await;
    let key = cloud.key(true).await;
    let create = s::CreateLogGroupRequest {
        log_group_name: "g".into(),
        kms_key_id: Some(key.clone()),
        ..Default::default()
    };
    cloud.ok::<op::CreateLogGroup>(create).await;
    cloud.group("h").await;
    for group in ["g", "h"] {
        cloud.stream(group, "s").await;
        let filter = s::PutMetricFilterRequest {
            log_group_name: group.into(),
            filter_name: "all".into(),
            metric_transformations: vec![s::MetricTransformation {
                metric_name: group.into(),
                metric_namespace: "App".into(),
                metric_value: "1".into(),
                ..Default::default()
            }],
            ..Default::default()
        };
        cloud.ok::<op::PutMetricFilter>(filter).await;
    }
    let all = s::PutAccountPolicyRequest {
        policy_name: "all".into(),
        policy_document: format!(r#"{{"DestinationArn":"{FUNCTION}"}}"#),
        policy_type: "SUBSCRIPTION_FILTER_POLICY".into(),
        ..Default::default()
    };
    cloud.ok::<op::PutAccountPolicy>(all).await;
    let sent = || -> Vec<String> {
        let sent = cloud.functions.take();
        let events = sent.iter().flat_map(|message| message["logEvents"].as_array().unwrap());
        events.map(|event| event["message"].as_str().unwrap().to_owned()).collect()
    };
    // Written while the key is open for five minutes, and looked at when that is over.
    cloud.put("g", "s", &[(cloud.now_ms(), "first")]).await.unwrap();
    cloud.settle().await;
    assert_eq!(sent(), ["first"]);
    cloud.disable(&key).await;
    cloud.platform.env.clock.advance(std::time::Duration::from_secs(299));
    for message in ["sealed", "sealed too"] {
        cloud.put("g", "s", &[(cloud.now_ms(), message)]).await.unwrap();
    }
    cloud.platform.env.clock.advance(std::time::Duration::from_secs(2));
    cloud.put("h", "s", &[(cloud.now_ms(), "free")]).await.unwrap();
    cloud.settle().await;
    assert_eq!((sent(), cloud.sum("g").await, cloud.sum("h").await), (vec!["free".into()], 1.0, 1.0));
    // Nobody looks at them again to find others.
    let store = &cloud.platform.store;
    let waiting = store.scan_keys(&DELIVERIES, Range::all(), 10).await.unwrap().len();
    let held = store.scan_keys(&HELD_DELIVERIES, Range::all(), 10).await.unwrap().len();
    assert_eq!((waiting, held), (0, 2));
    // When the key is back they come, in their order, and what has come since behind them.
    cloud.put("h", "s", &[(cloud.now_ms(), "free too")]).await.unwrap();
    cloud.settle().await;
    assert_eq!(sent(), ["free too"]);
    cloud.ok::<kms::EnableKey>(k::EnableKeyRequest { key_id: key.clone() }).await;
    cloud.advance(600).await;
    assert_eq!((sent(), cloud.sum("g").await), (vec!["sealed".into(), "sealed too".into()], 3.0));
    // Not after a day.
    cloud.put("g", "s", &[(cloud.now_ms(), "late")]).await.unwrap();
    cloud.platform.env.clock.advance(std::time::Duration::from_secs(301));
    cloud.disable(&key).await;
    for _ in 0..300 {
        cloud.advance(300).await;
    }
    let left = cloud.platform.store.scan_keys(&DELIVERIES, Range::all(), 10).await.unwrap().len()
        + cloud.platform.store.scan_keys(&HELD_DELIVERIES, Range::all(), 10).await.unwrap().len();
    let postponed = cloud.platform.store.scan_keys(&POSTPONED, Range::all(), 10).await.unwrap().len();
    assert_eq!((sent(), left, postponed), (Vec::<String>::new(), 0, 0));
}

/// What is damaged is passed over at once.
#[tokio::test]
async fn a_damaged_chunk_stops_nothing() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    let all = s::PutAccountPolicyRequest {
        policy_name: "all".into(),
        policy_document: format!(r#"{{"DestinationArn":"{FUNCTION}"}}"#),
        policy_type: "SUBSCRIPTION_FILTER_POLICY".into(),
        ..Default::default()
    };
    cloud.ok::<op::PutAccountPolicy>(all).await;
    cloud.put("g", "s", &[(cloud.now_ms(), "damaged")]).await.unwrap();
    let keys = cloud.platform.store.scan_keys(&CHUNKS, Range::all(), 2).await.unwrap();
    cloud.platform.store.put(&CHUNKS, &keys[0], &Chunk(vec![2, 0, 1])).await.unwrap();
    cloud.put("g", "s", &[(cloud.now_ms(), "whole")]).await.unwrap();
    cloud.settle().await;
    let sent = cloud.functions.take();
    assert_eq!((sent.len(), sent[0]["logEvents"][0]["message"].as_str()), (1, Some("whole")));
}

/// The index of a sealed chunk tells who reads the disk nothing, and queries all the same.
#[tokio::test]
async fn indexes_of_a_group_with_a_key_are_hashed_with_it() {
    let cloud = Cloud::new().await;
    let key = cloud.key(true).await;
    for (group, key) in [("g", Some(key)), ("plain", None)] {
        let create =
            s::CreateLogGroupRequest { log_group_name: group.into(), kms_key_id: key, ..Default::default() };
        cloud.ok::<op::CreateLogGroup>(create).await;
        cloud.stream(group, "s").await;
        let put = s::PutIndexPolicyRequest {
            log_group_identifier: group.into(),
            policy_document: r#"{"Fields":["id"]}"#.into(),
        };
        cloud.ok::<op::PutIndexPolicy>(put).await;
        for id in 0..3 {
            cloud.put(group, "s", &[(cloud.now_ms(), &format!(r#"{{"id":{id}}}"#))]).await.unwrap();
        }
    }
    let found = cloud.platform.store.scan(&CHUNK_INDEXES, Range::all(), 10).await.unwrap();
    let filters: HashSet<Vec<u8>> =
        found.into_iter().map(|(_, index)| index.0[index.0.len() - 16..].to_vec()).collect();
    assert_eq!(filters.len(), 6);
    let now = cloud.now_ms() / 1000;
    let start = s::StartQueryRequest {
        log_group_name: Some("g".into()),
        start_time: now - 60,
        end_time: now + 60,
        query_string: "filter id = 2".into(),
        ..Default::default()
    };
    let query_id = cloud.ok::<op::StartQuery>(start).await.query_id.unwrap();
    cloud.settle().await;
    let results = s::GetQueryResultsRequest { query_id, ..Default::default() };
    let found = cloud.ok::<op::GetQueryResults>(results).await;
    assert_eq!(found.results.unwrap().len(), 1);
    assert_eq!(found.statistics.unwrap().estimated_records_skipped, Some(2.0));
}
