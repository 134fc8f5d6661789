use haneul_cloudwatch_wire::operations as cloudwatch;
use haneul_cloudwatch_wire::shapes as c;
use haneul_kit::{Caller, Instant};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_store::{Range, Reads};
use serde_json::{Value, json};

use super::cloud::Cloud;
use super::functions::FUNCTION;
use crate::model::CHUNKS;

fn document(identifiers: &[&str], destination: Value) -> String {
    json!({
        "Name": "policy", "Version": "2021-06-01",
        "Statement": [
            { "DataIdentifier": identifiers, "Operation": { "Audit": { "FindingsDestination": destination } } },
            { "DataIdentifier": identifiers, "Operation": { "Deidentify": { "MaskConfig": {} } } },
        ],
    })
    .to_string()
}

const EMAIL: &str = "arn:aws:dataprotection::aws:data-identifier/EmailAddress";
const CARD: &str = "arn:aws:dataprotection::aws:data-identifier/CreditCardNumber";

impl Cloud {
    async fn protect(&self, document: String) {
        let input =
            s::PutDataProtectionPolicyRequest { log_group_identifier: "g".into(), policy_document: document };
        self.ok::<op::PutDataProtectionPolicy>(input).await;
    }

    async fn read(&self, caller: &Caller, unmask: bool) -> Result<Vec<String>, String> {
        let input = s::GetLogEventsRequest {
            log_group_name: Some("g".into()),
            log_stream_name: "s".into(),
            unmask: Some(unmask),
            ..Default::default()
        };
        let page =
            self.call_as::<op::GetLogEvents>(caller, input).await.map_err(|error| error.code().to_owned())?;
        Ok(page.events.unwrap().into_iter().filter_map(|event| event.message).collect())
    }
}

#[tokio::test]
async fn what_is_sensitive_is_masked_wherever_events_are_read() {
    let cloud = Cloud::new().await;
    for group in ["g", "/aws/vendedlogs/findings"] {
        cloud.group(group).await;
    }
    cloud.stream("g", "s").await;
    let now = cloud.now_ms();
    cloud.put("g", "s", &[(now - 2, "before a@example.com")]).await.unwrap();
    let destination = json!({ "CloudWatchLogs": { "LogGroup": "/aws/vendedlogs/findings" } });
    cloud.protect(document(&[EMAIL], destination)).await;
    let subscribe = s::PutSubscriptionFilterRequest {
        log_group_name: "g".into(),
        filter_name: "f".into(),
        destination_arn: FUNCTION.into(),
        ..Default::default()
    };
    cloud.ok::<op::PutSubscriptionFilter>(subscribe).await;
    cloud.put("g", "s", &[(now - 1, "to b@example.com"), (now, "nobody")]).await.unwrap();
    let (root, masked) = (Cloud::root(), ["before a@example.com", "to *************", "nobody"]);
    assert_eq!(cloud.read(&root, false).await.unwrap(), masked);
    assert_eq!(cloud.read(&root, true).await.unwrap()[1], "to b@example.com");
    let may_read = r#"{"Effect":"Allow","Action":"logs:GetLogEvents","Resource":"*"}"#;
    let reader = cloud.user("reader", may_read).await;
    assert_eq!(cloud.read(&reader, false).await.unwrap(), masked);
    assert_eq!(cloud.read(&reader, true).await, Err("AccessDeniedException".into()));
    let filter = |pattern: &str| s::FilterLogEventsRequest {
        log_group_name: Some("g".into()),
        filter_pattern: Some(pattern.into()),
        ..Default::default()
    };
    assert!(cloud.filter(filter("\"b@example.com\"")).await.is_empty());
    assert_eq!(cloud.filter(filter("nobody")).await, ["nobody"]);
    cloud.settle().await;
    let sent = cloud.functions.take();
    assert_eq!(sent[0]["logEvents"][0]["message"], "to *************");
    let findings = cloud.messages("/aws/vendedlogs/findings", "g", 10).await;
    let finding: Value = serde_json::from_str(&findings[0]).unwrap();
    assert_eq!(finding["resourceArn"], "arn:aws:logs:us-east-1:111111111111:log-group:g:*");
    assert_eq!(
        finding["dataIdentifiers"],
        json!([{ "name": "EmailAddress", "count": 1, "detections": [{ "start": 4, "end": 16 }] }])
    );
}

/// All that was found, in chunks that can be read again.
#[tokio::test]
async fn findings_of_a_batch_are_written_in_slices() {
    let cloud = Cloud::new().await;
    for group in ["g", "/aws/vendedlogs/findings"] {
        cloud.group(group).await;
    }
    cloud.stream("g", "s").await;
    let destination = json!({ "CloudWatchLogs": { "LogGroup": "/aws/vendedlogs/findings" } });
    cloud.protect(document(&[EMAIL], destination)).await;
    let now = cloud.now_ms();
    let message = "a@b.co ".repeat(1000);
    let events = [(now, message.as_str()); 140];
    cloud.put("g", "s", &events).await.unwrap();
    let chunks = cloud.platform.store.scan_keys(&CHUNKS, Range::all(), usize::MAX).await.unwrap();
    assert!(chunks.len() > 4, "{} chunks", chunks.len());
    let findings = cloud.messages("/aws/vendedlogs/findings", "g", 100).await;
    let count = |text: &String| {
        let finding: Value = serde_json::from_str(text).unwrap();
        finding["dataIdentifiers"][0]["count"].as_u64().unwrap()
    };
    assert_eq!((findings.len(), findings.iter().map(count).sum::<u64>()), (140, 100_040));
}

/// Findings are events like others: subscriptions of the account and metrics see them.
#[tokio::test]
async fn findings_go_the_way_of_all_events() {
    let cloud = Cloud::new().await;
    for group in ["g", "/aws/vendedlogs/findings"] {
        cloud.group(group).await;
    }
    cloud.stream("g", "s").await;
    let destination = json!({ "CloudWatchLogs": { "LogGroup": "/aws/vendedlogs/findings" } });
    cloud.protect(document(&[EMAIL], destination)).await;
    let all = s::PutAccountPolicyRequest {
        policy_name: "all".into(),
        policy_document: json!({ "DestinationArn": FUNCTION }).to_string(),
        policy_type: "SUBSCRIPTION_FILTER_POLICY".into(),
        selection_criteria: Some(r#"LogGroupName NOT IN ["g"]"#.into()),
        ..Default::default()
    };
    cloud.ok::<op::PutAccountPolicy>(all).await;
    cloud.put("g", "s", &[(cloud.now_ms(), "to b@example.com")]).await.unwrap();
    cloud.settle().await;
    let sent = cloud.functions.take();
    assert_eq!((sent.len(), &sent[0]["logGroup"]), (1, &json!("/aws/vendedlogs/findings")));
    cloud.advance(120).await;
    let incoming = c::GetMetricStatisticsInput {
        namespace: "AWS/Logs".into(),
        metric_name: "IncomingLogEvents".into(),
        dimensions: Some(vec![c::Dimension {
            name: "LogGroupName".into(),
            value: "/aws/vendedlogs/findings".into(),
        }]),
        start_time: Instant::from_millis(cloud.now_ms() - 3_600_000),
        end_time: Instant::from_millis(cloud.now_ms()),
        period: 3600,
        statistics: Some(vec!["Sum".into()]),
        ..Default::default()
    };
    let points = cloud.ok::<cloudwatch::GetMetricStatistics>(incoming).await.datapoints.unwrap_or_default();
    assert_eq!(points.iter().filter_map(|point| point.sum).sum::<f64>(), 1.0);
}

#[tokio::test]
async fn policies_of_group_and_account_add_up() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    let get = s::GetDataProtectionPolicyRequest { log_group_identifier: "g".into() };
    let none = cloud.ok::<op::GetDataProtectionPolicy>(get.clone()).await;
    assert_eq!((none.policy_document, none.log_group_identifier.as_deref()), (None, Some("g")));
    let account = s::PutAccountPolicyRequest {
        policy_name: "cards".into(),
        policy_document: document(&[CARD], json!({})),
        policy_type: "DATA_PROTECTION_POLICY".into(),
        ..Default::default()
    };
    cloud.ok::<op::PutAccountPolicy>(account).await;
    cloud.protect(document(&[EMAIL], json!({}))).await;
    let got = cloud.ok::<op::GetDataProtectionPolicy>(get).await;
    assert_eq!(got.policy_document, Some(document(&[EMAIL], json!({}))));
    let groups = cloud.ok::<op::DescribeLogGroups>(Default::default()).await.log_groups.unwrap();
    assert_eq!(groups[0].data_protection_status.as_deref(), Some("ACTIVATED"));
    let now = cloud.now_ms();
    cloud.put("g", "s", &[(now, "4111111111111111 a@example.com")]).await.unwrap();
    let delete = s::DeleteDataProtectionPolicyRequest { log_group_identifier: "g".into() };
    cloud.ok::<op::DeleteDataProtectionPolicy>(delete).await;
    cloud.put("g", "s", &[(now, "4111111111111111 a@example.com")]).await.unwrap();
    // What was masked when it came stays masked.
    let read = cloud.read(&Cloud::root(), false).await.unwrap();
    assert_eq!(read, ["**************** *************", "**************** a@example.com"]);
    let groups = cloud.ok::<op::DescribeLogGroups>(Default::default()).await.log_groups.unwrap();
    assert_eq!(groups[0].data_protection_status.as_deref(), None);
    let bad = s::PutDataProtectionPolicyRequest {
        log_group_identifier: "g".into(),
        policy_document: document(
            &[EMAIL],
            json!({ "CloudWatchLogs": { "LogGroup": "/aws/vendedlogs/none" } }),
        ),
    };
    assert!(cloud.err::<op::PutDataProtectionPolicy>(bad).await.starts_with("ResourceNotFoundException"));
}

#[tokio::test]
async fn queries_unmask_only_for_who_may() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    cloud.protect(document(&[EMAIL], json!({}))).await;
    cloud.put("g", "s", &[(cloud.now_ms(), "a@example.com")]).await.unwrap();
    let start = |text: &str| s::StartQueryRequest {
        log_group_name: Some("g".into()),
        start_time: cloud.now_ms() / 1000 - 60,
        end_time: cloud.now_ms() / 1000 + 60,
        query_string: text.into(),
        ..Default::default()
    };
    for (text, shown) in [("fields @message", "*************"), ("unmask @message", "a@example.com")] {
        let id = cloud.ok::<op::StartQuery>(start(text)).await.query_id.unwrap();
        cloud.settle().await;
        let results =
            cloud.ok::<op::GetQueryResults>(s::GetQueryResultsRequest { query_id: id, ..Default::default() });
        let rows = results.await.results.unwrap();
        let message = rows[0].iter().find(|field| field.field.as_deref() == Some("@message")).unwrap();
        assert_eq!(message.value.as_deref(), Some(shown));
    }
    let may_query = r#"{"Effect":"Allow","Action":"logs:StartQuery","Resource":"*"}"#;
    let reader = cloud.user("reader", may_query).await;
    cloud.call_as::<op::StartQuery>(&reader, start("fields @message")).await.unwrap();
    let refused = cloud.call_as::<op::StartQuery>(&reader, start("unmask @message")).await.err().unwrap();
    assert_eq!(refused.code(), "AccessDeniedException");
}
