use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_store::{Range, Reads, Store};
use serde_json::json;

use super::cloud::Cloud;
use super::functions::FUNCTION;
use crate::model::{CHUNK_INDEXES, TRANSFORMERS};

const INDEX: &str = "FIELD_INDEX_POLICY";
const TRANSFORMER: &str = "TRANSFORMER_POLICY";

impl Cloud {
    async fn account_policy(
        &self,
        kind: &str,
        name: &str,
        document: &str,
        selection: Option<&str>,
    ) -> String {
        let put = s::PutAccountPolicyRequest {
            policy_name: name.into(),
            policy_document: document.into(),
            policy_type: kind.into(),
            selection_criteria: selection.map(str::to_owned),
            ..Default::default()
        };
        match self.call::<op::PutAccountPolicy>(put).await {
            Ok(put) => put.account_policy.unwrap().policy_type.unwrap(),
            Err(error) => error.code().to_owned(),
        }
    }

    async fn without(&self, kind: &str, name: &str) {
        let delete = s::DeleteAccountPolicyRequest {
            policy_name: name.into(),
            policy_type: kind.into(),
            ..Default::default()
        };
        self.ok::<op::DeleteAccountPolicy>(delete).await;
    }

    /// Document, name and source of the policies that a group is indexed by.
    async fn index_policies(&self, group: &str) -> Vec<(String, Option<String>, String)> {
        let ask =
            s::DescribeIndexPoliciesRequest { log_group_identifiers: vec![group.into()], next_token: None };
        let found = self.ok::<op::DescribeIndexPolicies>(ask).await.index_policies.unwrap();
        found
            .into_iter()
            .map(|one| (one.policy_document.unwrap(), one.policy_name, one.source.unwrap()))
            .collect()
    }

    async fn listed(&self, fields: &[&str]) -> Vec<String> {
        let list = s::ListLogGroupsRequest {
            field_index_names: Some(fields.iter().map(|field| (*field).to_owned()).collect()),
            ..Default::default()
        };
        let found = self.ok::<op::ListLogGroups>(list).await.log_groups.unwrap();
        found.into_iter().filter_map(|group| group.log_group_name).collect()
    }
}

#[tokio::test]
async fn groups_are_indexed_by_policies_of_the_account() {
    let cloud = Cloud::new().await;
    for group in ["app-1", "app-2", "other"] {
        cloud.group(group).await;
        cloud.stream(group, "s").await;
    }
    let document = r#"{"Fields":["id"],"FieldsV2":{"kind":{"type":"FACET"}}}"#;
    let app = Some(r#"LogGroupNamePrefix="app""#);
    assert_eq!(cloud.account_policy(INDEX, "app", document, app).await, INDEX);
    let now = cloud.now_ms();
    for group in ["app-1", "app-2", "other"] {
        for id in ["a", "b"] {
            cloud.put(group, "s", &[(now, &format!(r#"{{"id":"{id}"}}"#))]).await.unwrap();
        }
    }
    // Groups that were there before are indexed from now on.
    let (found, counts) = cloud.ask(&["app-1", "app-2", "other"], "filter id = 'a'").await;
    assert_eq!((found.len(), counts), (3, [4.0, 2.0, 3.0]));
    assert_eq!(cloud.ask(&["app-1", "app-2", "other"], "filterIndex id = 'a'").await.0.len(), 2);
    assert_eq!(
        cloud.index_policies("app-1").await,
        [(document.into(), Some("app".into()), "ACCOUNT".into())]
    );
    assert_eq!(cloud.index_policies("other").await, []);
    let kinds: Vec<_> = cloud
        .fields("app-1")
        .await
        .into_iter()
        .map(|field| (field.field_index_name.unwrap(), field.r#type.unwrap(), field.last_event_time))
        .filter(|(name, ..)| ["id", "kind"].contains(&name.as_str()))
        .collect();
    assert_eq!(
        kinds,
        [("id".into(), "FIELD_INDEX".into(), Some(now)), ("kind".into(), "FACET".to_owned(), None)]
    );
    assert_eq!(cloud.listed(&["id", "kind"]).await, ["app-1", "app-2"]);
    // A group's own policy takes their place, but not that of those for its data source.
    cloud.index("app-1", r#"["own"]"#).await;
    let tags = [("cw:datasource:name", "shop"), ("cw:datasource:type", "access")];
    let tags = s::TagLogGroupRequest {
        log_group_name: "app-1".into(),
        tags: tags.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
    };
    cloud.ok::<op::TagLogGroup>(tags).await;
    let shop = Some(r#"DataSourceName = "shop" AND DataSourceType = "access""#);
    assert_eq!(cloud.account_policy(INDEX, "shop", r#"{"Fields":["status"]}"#, shop).await, INDEX);
    let sources: Vec<_> =
        cloud.index_policies("app-1").await.into_iter().map(|(_, name, source)| (name, source)).collect();
    assert_eq!(sources, [(None, "LOG_GROUP".into()), (Some("shop".into()), "ACCOUNT".to_owned())]);
    assert_eq!(cloud.listed(&["own", "status"]).await, ["app-1"]);
    cloud.put("app-1", "s", &[(now, r#"{"id":"c","own":1,"status":200}"#)]).await.unwrap();
    for (query, found) in [
        ("filterIndex own = 1", 1),
        ("filterIndex status = 200", 1),
        ("filterIndex id = 'c'", 0),
        ("filterIndex @data_source_name = 'shop'", 3),
    ] {
        assert_eq!(cloud.ask(&["app-1", "app-2"], query).await.0.len(), found, "{query}");
    }
    // What is refused.
    for (name, document, selection, refused) in [
        ("one", document, None, "LimitExceededException"),
        ("two", document, Some(r#"LogGroupNamePrefix="app-1""#), "InvalidParameterException"),
        ("three", document, shop, "InvalidParameterException"),
        ("app", r#"{"Fields":[]}"#, app, "InvalidParameterException"),
        ("AWS/app", document, app, "InvalidParameterException"),
        ("app", document, Some(r#"LogGroupName="app""#), "InvalidParameterException"),
    ] {
        assert_eq!(cloud.account_policy(INDEX, name, document, selection).await, refused, "{name}");
    }
    cloud.without(INDEX, "app").await;
    assert_eq!(cloud.index_policies("app-2").await, []);
    assert_eq!(cloud.ask(&["app-2"], "filterIndex id = 'a'").await.0.len(), 1);
}

#[tokio::test]
async fn every_group_is_indexed_by_some_fields() {
    let cloud = Cloud::new().await;
    for group in ["g", "h"] {
        cloud.group(group).await;
        cloud.stream(group, "s").await;
    }
    let now = cloud.now_ms();
    let (first, second) = (r#"{"traceId":"1"}"#, r#"{"traceId":"2","attributes":{"session":{"id":7}}}"#);
    for event in [first, second, "plain", r#"{"other":1}"#] {
        cloud.put("g", "s", &[(now, event)]).await.unwrap();
    }
    cloud.put("h", "s", &[(now, first)]).await.unwrap();
    // Those without a trace cost nothing.
    let chunks = cloud.platform.store.scan_keys(&CHUNK_INDEXES, Range::all(), 10).await.unwrap();
    assert_eq!(chunks.len(), 3);
    let (account, region) = ("111111111111", "us-east-1");
    for (query, messages, groups) in [
        ("filterIndex traceId = '2'".to_owned(), vec![second], 2.0),
        ("filterIndex attributes.session.id = 7".into(), vec![second], 2.0),
        ("filterIndex severityText = 'x'".into(), vec![], 2.0),
        ("filter traceId = '1' and @source.log = 'h'".into(), vec![first], 1.0),
        (
            format!("filterIndex @aws.account = '{account}' and @aws.region = '{region}'"),
            vec!["plain", first, first, r#"{"other":1}"#, second],
            2.0,
        ),
        ("filterIndex @aws.region = 'eu-west-1'".into(), vec![], 0.0),
        ("filterIndex @data_source_name in ['shop']".into(), vec![], 0.0),
        ("filter @aws.region = 'eu-west-1' or @message = 'plain'".into(), vec!["plain"], 2.0),
    ] {
        let (mut found, counts) = cloud.ask(&["g", "h"], &query).await;
        let mut messages: Vec<String> = messages.into_iter().map(str::to_owned).collect();
        found.sort();
        messages.sort();
        assert_eq!((found, counts[2]), (messages, groups), "{query}");
    }
    let ask =
        s::DescribeFieldIndexesRequest { log_group_identifiers: vec!["g".into()], ..Default::default() };
    let found = cloud.ok::<op::DescribeFieldIndexes>(ask).await.field_indexes.unwrap();
    let shown: Vec<_> =
        found.iter().map(|one| (one.field_index_name.as_deref().unwrap(), one.last_event_time)).collect();
    assert_eq!(
        shown,
        [
            ("@aws.account", Some(now)),
            ("@aws.region", Some(now)),
            ("@logStream", Some(now)),
            ("@source.log", Some(now)),
            ("attributes.session.id", Some(now)),
            ("severityText", None),
            ("traceId", Some(now)),
        ]
    );
    assert!(found.iter().all(|one| one.index_category.as_deref() == Some("DEFAULT")));
}

#[tokio::test]
async fn groups_are_transformed_by_policies_of_the_account() {
    let store = Store::memory();
    let cloud = Cloud::on(store.clone()).await;
    for group in ["app", "own", "other"] {
        cloud.group(group).await;
        cloud.stream(group, "s").await;
    }
    let document = |value: &str| {
        let entry = json!({ "key": "kind", "value": value });
        json!([{ "parseJSON": {} }, { "addKeys": { "entries": [entry] } }]).to_string()
    };
    let subscribe = |group: &str| s::PutSubscriptionFilterRequest {
        log_group_name: group.into(),
        filter_name: "f".into(),
        filter_pattern: "{ $.kind = account }".into(),
        destination_arn: FUNCTION.into(),
        apply_on_transformed_logs: Some(true),
        ..Default::default()
    };
    assert!(cloud.err::<op::PutSubscriptionFilter>(subscribe("app")).await.contains("log transformer"));
    let app = Some(r#"LogGroupNamePrefix = "app""#);
    assert_eq!(cloud.account_policy(TRANSFORMER, "t", &document("account"), app).await, TRANSFORMER);
    assert_eq!(
        cloud
            .account_policy(TRANSFORMER, "u", &document("account"), Some(r#"LogGroupNamePrefix = "o""#))
            .await,
        TRANSFORMER
    );
    let own = s::PutTransformerRequest {
        log_group_identifier: "own".into(),
        transformer_config: vec![s::Processor {
            parse_json: Some(s::ParseJSON { destination: Some("own".into()), ..Default::default() }),
            ..Default::default()
        }],
    };
    cloud.ok::<op::PutTransformer>(own).await;
    cloud.ok::<op::PutSubscriptionFilter>(subscribe("app")).await;
    let now = cloud.now_ms();
    for group in ["app", "own", "other"] {
        cloud.put(group, "s", &[(now, r#"{"n":1}"#)]).await.unwrap();
    }
    cloud.settle().await;
    assert_eq!(cloud.functions.take()[0]["logEvents"][0]["message"], r#"{"kind":"account","n":1}"#);
    let all = ["app", "own", "other"];
    assert_eq!(cloud.ask(&all, "filter kind = 'account' and n = 1").await.0.len(), 2);
    assert_eq!(cloud.ask(&all, "filter own.n = 1").await.0.len(), 1);
    // GetTransformer tells of the group's own alone.
    let get = s::GetTransformerRequest { log_group_identifier: "app".into() };
    assert!(cloud.err::<op::GetTransformer>(get).await.starts_with("ResourceNotFoundException"));
    // What came under a policy stays as that one made it; the group's own gone, the account's takes its place.
    assert_eq!(cloud.account_policy(TRANSFORMER, "t", &document("new"), app).await, TRANSFORMER);
    cloud.put("app", "s", &[(now, r#"{"n":1}"#)]).await.unwrap();
    cloud
        .ok::<op::DeleteTransformer>(s::DeleteTransformerRequest { log_group_identifier: "own".into() })
        .await;
    cloud.put("own", "s", &[(now, r#"{"n":1}"#)]).await.unwrap();
    cloud.without(TRANSFORMER, "t").await;
    cloud.put("app", "s", &[(now, r#"{"n":1}"#)]).await.unwrap();
    drop(cloud);
    let cloud = Cloud::seeded(store, 12).await;
    for (query, found) in [("filter kind = 'new'", 1), ("filter kind = 'account'", 3), ("filter n = 1", 5)] {
        assert_eq!(cloud.ask(&all, query).await.0.len(), found, "{query}");
    }
    // A deleted group leaves the account's transformers to the others.
    cloud.ok::<op::DeleteLogGroup>(s::DeleteLogGroupRequest { log_group_name: "own".into() }).await;
    cloud.settle().await;
    assert_eq!(cloud.platform.store.scan_keys(&TRANSFORMERS, Range::all(), 10).await.unwrap().len(), 3);
    // Other classes are not transformed.
    let rare = s::CreateLogGroupRequest {
        log_group_name: "orare".into(),
        log_group_class: Some("INFREQUENT_ACCESS".into()),
        ..Default::default()
    };
    cloud.ok::<op::CreateLogGroup>(rare).await;
    cloud.stream("orare", "s").await;
    cloud.put("orare", "s", &[(now, r#"{"n":1}"#)]).await.unwrap();
    assert_eq!(cloud.ask(&["orare"], "filter kind = 'account'").await.0.len(), 0);
    for (name, document) in [("t", "[]"), ("t", "{}"), ("t", r#"[{"parseJson":{}}]"#)] {
        assert_eq!(
            cloud.account_policy(TRANSFORMER, name, document, app).await,
            "InvalidParameterException",
            "{document}"
        );
    }
}

#[tokio::test]
async fn policies_say_which_events_are_metrics() {
    let cloud = Cloud::new().await;
    for group in ["app", "quiet"] {
        cloud.group(group).await;
        cloud.stream(group, "s").await;
    }
    let kind = "METRIC_EXTRACTION_POLICY";
    let off = r#"{"EmbeddedMetricFormat":{"Status":"Disabled"}}"#;
    assert_eq!(
        cloud.account_policy(kind, "off", off, Some(r#"LogGroupNamePrefix NOT IN ["app"]"#)).await,
        kind
    );
    assert_eq!(cloud.account_policy(kind, "all", off, None).await, "LimitExceededException");
    assert_eq!(cloud.account_policy(kind, "off", "{}", None).await, "InvalidParameterException");
    let now = cloud.now_ms();
    // A metric filter looks at the events all the same.
    let filter = s::PutMetricFilterRequest {
        log_group_name: "quiet".into(),
        filter_name: "f".into(),
        filter_pattern: String::new(),
        metric_transformations: vec![s::MetricTransformation {
            metric_name: "looked".into(),
            metric_namespace: "quiet".into(),
            metric_value: "1".into(),
            ..Default::default()
        }],
        ..Default::default()
    };
    cloud.ok::<op::PutMetricFilter>(filter).await;
    for group in ["app", "quiet"] {
        let event = format!(
            r#"{{"_aws":{{"Timestamp":{now},"CloudWatchMetrics":[{{"Namespace":"{group}","Metrics":[{{"Name":"m"}}]}}]}},"m":1}}"#
        );
        cloud.put(group, "s", &[(now, &event)]).await.unwrap();
        // What came under the policy stays without metrics, whenever it is looked at.
        if group == "quiet" {
            cloud.without(kind, "off").await;
        }
    }
    cloud.settle().await;
    cloud.advance(60).await;
    let list = |namespace: &str| haneul_cloudwatch_wire::shapes::ListMetricsInput {
        namespace: Some(namespace.into()),
        ..Default::default()
    };
    for (group, metrics) in [("app", vec!["m"]), ("quiet", vec!["looked"])] {
        let found = cloud.ok::<haneul_cloudwatch_wire::operations::ListMetrics>(list(group)).await;
        let found: Vec<_> = found.metrics.unwrap().into_iter().filter_map(|m| m.metric_name).collect();
        assert_eq!(found, metrics, "{group}");
    }
}

/// Besides PutAccountPolicy itself, what the type of the policy asks for.
#[tokio::test]
async fn policies_ask_for_what_they_do() {
    let cloud = Cloud::new().await;
    let statement =
        |actions: &[&str]| json!({ "Effect": "Allow", "Action": actions, "Resource": "*" }).to_string();
    let some =
        cloud.user("some", &statement(&["logs:PutAccountPolicy", "logs:DescribeAccountPolicies"])).await;
    let all = cloud
        .user(
            "all",
            &statement(&["logs:PutAccountPolicy", "logs:PutIndexPolicy", "logs:PutMetricExtractionPolicy"]),
        )
        .await;
    let put = |kind: &str, document: &str| s::PutAccountPolicyRequest {
        policy_name: "p".into(),
        policy_document: document.into(),
        policy_type: kind.into(),
        ..Default::default()
    };
    let index = put("FIELD_INDEX_POLICY", r#"{"Fields":["a"]}"#);
    let extraction = put("METRIC_EXTRACTION_POLICY", r#"{"EmbeddedMetricFormat":{"Status":"Disabled"}}"#);
    for put in [index, extraction] {
        let refused = cloud.call_as::<op::PutAccountPolicy>(&some, put.clone()).await.err();
        assert_eq!(refused.unwrap().code(), "AccessDeniedException");
        cloud.call_as::<op::PutAccountPolicy>(&all, put).await.unwrap();
    }
    let describe =
        |kind: &str| s::DescribeAccountPoliciesRequest { policy_type: kind.into(), ..Default::default() };
    let refused = cloud.call_as::<op::DescribeAccountPolicies>(&some, describe("FIELD_INDEX_POLICY")).await;
    assert_eq!(refused.err().unwrap().code(), "AccessDeniedException");
    let extraction = describe("METRIC_EXTRACTION_POLICY");
    let found = cloud.call_as::<op::DescribeAccountPolicies>(&some, extraction).await.unwrap();
    assert_eq!(found.account_policies.unwrap().len(), 1);
}
