use haneul_cloudwatch_wire::operations as cloudwatch;
use haneul_cloudwatch_wire::shapes as c;
use haneul_kit::{ApiError, Instant};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_store::{Range, Reads, Store};
use serde_json::{Value, json};

use super::cloud::Cloud;
use super::functions::FUNCTION;
use crate::model::{DELIVERIES, SUBSCRIPTIONS, Subscription};

fn put(name: &str, pattern: &str, destination: &str) -> s::PutSubscriptionFilterRequest {
    s::PutSubscriptionFilterRequest {
        log_group_name: "g".into(),
        filter_name: name.into(),
        filter_pattern: pattern.into(),
        destination_arn: destination.into(),
        ..Default::default()
    }
}

fn messages(sent: &[Value]) -> Vec<&str> {
    let events = sent.iter().flat_map(|message| message["logEvents"].as_array().unwrap());
    events.map(|event| event["message"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn matching_events_reach_the_function_as_aws_sends_them() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    cloud.ok::<op::PutSubscriptionFilter>(put("f", "[level=ERROR, what]", FUNCTION)).await;
    let now = cloud.now_ms();
    cloud.put("g", "s", &[(now, "ERROR one"), (now, "INFO two"), (now + 1, "ERROR three")]).await.unwrap();
    cloud.settle().await;
    let sent = cloud.functions.take();
    assert_eq!(sent.len(), 1);
    let id = sent[0]["logEvents"][0]["id"].as_str().unwrap();
    assert_eq!(id.len(), 56);
    let second = sent[0]["logEvents"][1]["id"].as_str().unwrap();
    assert_eq!(
        sent[0],
        json!({
            "messageType": "DATA_MESSAGE", "owner": "111111111111", "logGroup": "g", "logStream": "s",
            "subscriptionFilters": ["f"],
            "logEvents": [
                { "id": id, "timestamp": now, "message": "ERROR one",
                  "extractedFields": { "level": "ERROR", "what": "one" } },
                { "id": second, "timestamp": now + 1, "message": "ERROR three",
                  "extractedFields": { "level": "ERROR", "what": "three" } },
            ],
        })
    );
    let found =
        cloud.filter(s::FilterLogEventsRequest { log_group_name: Some("g".into()), ..Default::default() });
    assert_eq!(found.await.len(), 3);
    assert!(cloud.platform.store.scan_keys(&DELIVERIES, Range::all(), 1).await.unwrap().is_empty());
    let delete = s::DeleteSubscriptionFilterRequest { log_group_name: "g".into(), filter_name: "f".into() };
    cloud.ok::<op::DeleteSubscriptionFilter>(delete.clone()).await;
    assert_eq!(
        cloud.err::<op::DeleteSubscriptionFilter>(delete).await,
        "ResourceNotFoundException: The specified subscription filter does not exist."
    );
    cloud.put("g", "s", &[(now, "ERROR four")]).await.unwrap();
    cloud.settle().await;
    assert!(cloud.functions.take().is_empty());
}

impl Cloud {
    /// Of a metric of the filter `f` over the last hour.
    async fn count(&self, metric: &str) -> f64 {
        let dimension = |(name, value): (&str, &str)| c::Dimension { name: name.into(), value: value.into() };
        let input = c::GetMetricStatisticsInput {
            namespace: "AWS/Logs".into(),
            metric_name: metric.into(),
            dimensions: Some(
                [("LogGroupName", "g"), ("DestinationType", "Lambda"), ("FilterName", "f")]
                    .map(dimension)
                    .into(),
            ),
            start_time: Instant::from_millis(self.now_ms() - 3_600_000),
            end_time: Instant::from_millis(self.now_ms()),
            period: 3600,
            statistics: Some(vec!["Sum".into()]),
            ..Default::default()
        };
        let points = self.ok::<cloudwatch::GetMetricStatistics>(input).await.datapoints.unwrap_or_default();
        points.iter().filter_map(|point| point.sum).sum()
    }
}

/// A pattern that was taken when less was refused goes on working.
#[tokio::test]
async fn a_stored_pattern_that_is_refused_now_still_selects() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    cloud.ok::<op::PutSubscriptionFilter>(put("f", "ERROR", FUNCTION)).await;
    let error = cloud.err::<op::PutSubscriptionFilter>(put("f", "%(one|two)!%", FUNCTION)).await;
    assert!(error.contains("unsupported character"), "{error}");
    let filter = s::PutMetricFilterRequest {
        log_group_name: "g".into(),
        filter_name: "m".into(),
        filter_pattern: "%(one|two)!%".into(),
        metric_transformations: vec![s::MetricTransformation {
            metric_name: "m".into(),
            metric_namespace: "App".into(),
            metric_value: "1".into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    let error = cloud.err::<op::PutMetricFilter>(filter).await;
    assert!(error.contains("unsupported character"), "{error}");
    let store = &cloud.platform.store;
    let (key, before) = store.scan(&SUBSCRIPTIONS, Range::all(), 1).await.unwrap().remove(0);
    let stored = Subscription { pattern: "%(one|two)!%".into(), ..before };
    store.put(&SUBSCRIPTIONS, &(key.0, key.1, key.2.as_str(), key.3.as_str()), &stored).await.unwrap();
    let now = cloud.now_ms();
    cloud.put("g", "s", &[(now, "one!"), (now, "three!")]).await.unwrap();
    cloud.settle().await;
    assert_eq!(messages(&cloud.functions.take()), ["one!"]);
}

/// What is too long for a payload is no success.
#[tokio::test]
async fn events_that_fit_in_no_payload_are_counted_as_errors() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    cloud.ok::<op::PutSubscriptionFilter>(put("f", "", FUNCTION)).await;
    let rng = &cloud.platform.env.rng;
    let long: String = (0..1_048_000).map(|_| char::from(b'!' + (rng.u64() % 94) as u8)).collect();
    let now = cloud.now_ms();
    for events in [vec![(now, long.as_str()), (now, "short")], vec![(now, "other")]] {
        cloud.put("g", "s", &events).await.unwrap();
        cloud.settle().await;
    }
    assert_eq!(messages(&cloud.functions.take()), ["short", "other"]);
    // One that the function refuses for good.
    *cloud.functions.refusal.lock() = Some(|| ApiError::new("AccessDeniedException", "no"));
    cloud.put("g", "s", &[(now, "refused"), (now, "refused too")]).await.unwrap();
    cloud.settle().await;
    cloud.advance(120).await;
    let counts = [
        cloud.count("ForwardedLogEvents").await,
        cloud.count("ForwardedBytes").await,
        cloud.count("DeliveryErrors").await,
    ];
    assert_eq!(counts, [2.0, 62.0, 3.0]);
}

#[tokio::test]
async fn what_a_subscription_may_be() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    let role = |request| s::PutSubscriptionFilterRequest {
        role_arn: Some("arn:aws:iam::111111111111:role/r".into()),
        ..request
    };
    let cannot = "InvalidParameterException: Could not execute the lambda function. Make sure you have given CloudWatch Logs \
                  permission to execute your function.";
    for (request, why) in [
        (put("f", "", "arn:aws:lambda:us-east-1:111111111111:function:other"), cannot),
        (put("f", "", "arn:aws:lambda:eu-west-1:111111111111:function:sink"), cannot),
        (put("f", "", "sink"), "InvalidParameterException: destinationArn"),
        (
            put("f", "", "arn:aws:sqs:us-east-1:111111111111:q"),
            "InvalidParameterException: PutSubscriptionFilter operation cannot work with destinationArn for vendor sqs",
        ),
        (
            role(put("f", "", FUNCTION)),
            "InvalidParameterException: destinationArn for vendor lambda cannot be used with roleArn",
        ),
        (
            role(put("f", "", "arn:aws:kinesis:us-east-1:111111111111:stream/s")),
            "InvalidParameterException: Could not deliver test message to specified Kinesis stream.",
        ),
        (put("f", "{ $.a = }", FUNCTION), "InvalidParameterException: Invalid filter pattern"),
    ] {
        let error = cloud.err::<op::PutSubscriptionFilter>(request).await;
        assert!(error.starts_with(why), "{error}");
    }
    for name in ["b", "a"] {
        cloud.ok::<op::PutSubscriptionFilter>(put(name, "", FUNCTION)).await;
    }
    assert_eq!(
        cloud.err::<op::PutSubscriptionFilter>(put("c", "", FUNCTION)).await,
        "LimitExceededException: Resource limit exceeded."
    );
    cloud.ok::<op::PutSubscriptionFilter>(put("a", "changed", FUNCTION)).await;
    let list = s::DescribeSubscriptionFiltersRequest { log_group_name: "g".into(), ..Default::default() };
    let found = cloud.ok::<op::DescribeSubscriptionFilters>(list).await.subscription_filters.unwrap();
    let shown: Vec<_> = found
        .iter()
        .map(|f| {
            (
                f.filter_name.as_deref().unwrap(),
                f.filter_pattern.as_deref().unwrap(),
                f.distribution.as_deref(),
            )
        })
        .collect();
    assert_eq!(shown, [("a", "changed", Some("ByLogStream")), ("b", "", Some("ByLogStream"))]);
    assert_eq!(found[0].role_arn, None);
}

#[tokio::test]
async fn a_subscriber_that_is_away_gets_all_in_order_and_one_that_refuses_loses_it() {
    let store = Store::memory();
    let cloud = Cloud::on(store.clone()).await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    cloud.ok::<op::PutSubscriptionFilter>(put("f", "", FUNCTION)).await;
    *cloud.functions.refusal.lock() = Some(|| ApiError::new("TooManyRequestsException", "Rate Exceeded."));
    for message in ["one", "two", "three"] {
        cloud.put("g", "s", &[(cloud.now_ms(), message)]).await.unwrap();
        cloud.settle().await;
    }
    assert!(cloud.functions.take().is_empty());
    // The program ends and starts again on what is stored.
    drop(cloud);
    let cloud = Cloud::on(store).await;
    cloud.advance(600).await;
    let sent = cloud.functions.take();
    assert_eq!(messages(&sent), ["one", "two", "three"]);
    *cloud.functions.refusal.lock() =
        Some(|| ApiError::new("ResourceNotFoundException", "Function not found"));
    cloud.put("g", "s", &[(cloud.now_ms(), "lost")]).await.unwrap();
    cloud.settle().await;
    *cloud.functions.refusal.lock() = None;
    cloud.put("g", "s", &[(cloud.now_ms(), "kept")]).await.unwrap();
    cloud.settle().await;
    assert_eq!(messages(&cloud.functions.take()), ["kept"]);
}

#[tokio::test]
async fn a_policy_of_the_account_subscribes_all_groups_but_some() {
    let cloud = Cloud::new().await;
    for group in ["g", "loop"] {
        cloud.group(group).await;
        cloud.stream(group, "s").await;
    }
    let policy = |name: &str, document: Value| s::PutAccountPolicyRequest {
        policy_name: name.into(),
        policy_document: document.to_string(),
        policy_type: "SUBSCRIPTION_FILTER_POLICY".into(),
        selection_criteria: Some(r#"LogGroupName NOT IN ["loop"]"#.into()),
        ..Default::default()
    };
    let document = json!({ "DestinationArn": FUNCTION, "FilterPattern": "ERROR", "Distribution": "Random" });
    let made =
        cloud.ok::<op::PutAccountPolicy>(policy("all", document.clone())).await.account_policy.unwrap();
    assert_eq!((made.scope.as_deref(), made.account_id.as_deref()), (Some("ALL"), Some("111111111111")));
    assert_eq!(
        cloud.err::<op::PutAccountPolicy>(policy("second", document.clone())).await,
        "LimitExceededException: Resource limit exceeded."
    );
    for bad in [
        json!({}),
        json!({ "DestinationArn": FUNCTION, "x": 1 }),
        json!([]),
        json!({ "DestinationArn": "a" }),
    ] {
        let error = cloud.err::<op::PutAccountPolicy>(policy("all", bad)).await;
        assert!(error.starts_with("InvalidParameterException"), "{error}");
    }
    // A class that has no subscriptions.
    let rare = s::CreateLogGroupRequest {
        log_group_name: "rare".into(),
        log_group_class: Some("INFREQUENT_ACCESS".into()),
        ..Default::default()
    };
    cloud.ok::<op::CreateLogGroup>(rare).await;
    cloud.stream("rare", "s").await;
    for group in ["rare", "g", "loop"] {
        cloud.put(group, "s", &[(cloud.now_ms(), "ERROR"), (cloud.now_ms(), "fine")]).await.unwrap();
    }
    cloud.settle().await;
    let sent = cloud.functions.take();
    assert_eq!((messages(&sent), &sent[0]["policyLevel"]), (vec!["ERROR"], &json!("ACCOUNT_LEVEL_POLICY")));
    assert_eq!(sent[0]["subscriptionFilters"], json!(["all"]));
    let list = s::DescribeAccountPoliciesRequest {
        policy_type: "SUBSCRIPTION_FILTER_POLICY".into(),
        ..Default::default()
    };
    let found = cloud.ok::<op::DescribeAccountPolicies>(list.clone()).await.account_policies.unwrap();
    assert_eq!(found[0].policy_document, Some(document.to_string()));
    let delete = s::DeleteAccountPolicyRequest {
        policy_name: "all".into(),
        policy_type: "SUBSCRIPTION_FILTER_POLICY".into(),
        ..Default::default()
    };
    cloud.ok::<op::DeleteAccountPolicy>(delete.clone()).await;
    assert!(cloud.err::<op::DeleteAccountPolicy>(delete).await.starts_with("ResourceNotFoundException"));
    cloud.put("g", "s", &[(cloud.now_ms(), "ERROR")]).await.unwrap();
    cloud.settle().await;
    assert!(cloud.functions.take().is_empty());
    let named = s::DescribeAccountPoliciesRequest { policy_name: Some("all".into()), ..list };
    assert!(cloud.err::<op::DescribeAccountPolicies>(named).await.starts_with("ResourceNotFoundException"));
}

#[tokio::test]
async fn system_fields_select_events_and_are_sent_along() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    let system = ["@aws.account", "@aws.region", "@source.log"].map(str::to_owned).to_vec();
    let here = s::PutSubscriptionFilterRequest {
        field_selection_criteria: Some(r#"@aws.region IN ["us-east-1"]"#.into()),
        emit_system_fields: Some(system),
        ..put("here", "[level, what]", FUNCTION)
    };
    let there = s::PutSubscriptionFilterRequest {
        field_selection_criteria: Some(r#"@aws.account != "111111111111""#.into()),
        ..put("there", "", FUNCTION)
    };
    cloud.ok::<op::PutSubscriptionFilter>(here.clone()).await;
    cloud.ok::<op::PutSubscriptionFilter>(there).await;
    cloud.put("g", "s", &[(cloud.now_ms(), "ERROR one")]).await.unwrap();
    cloud.settle().await;
    let sent = cloud.functions.take();
    assert_eq!(sent.len(), 1);
    assert_eq!(
        sent[0]["logEvents"][0]["extractedFields"],
        json!({
            "level": "ERROR", "what": "one", "@aws.account": "111111111111", "@aws.region": "us-east-1",
            "@source.log": "g",
        })
    );
    assert!(cloud.platform.store.scan_keys(&DELIVERIES, Range::all(), 1).await.unwrap().is_empty());
    let describe = s::DescribeSubscriptionFiltersRequest { log_group_name: "g".into(), ..Default::default() };
    let all = cloud.ok::<op::DescribeSubscriptionFilters>(describe).await.subscription_filters.unwrap();
    assert_eq!(all[0].emit_system_fields, here.emit_system_fields);
    assert_eq!(all[0].field_selection_criteria, here.field_selection_criteria);
    let twice = Some(vec!["@aws.region".to_owned(); 2]);
    let refused = s::PutSubscriptionFilterRequest { emit_system_fields: twice, ..here.clone() };
    assert!(cloud.err::<op::PutSubscriptionFilter>(refused).await.starts_with("InvalidParameterException"));
}
