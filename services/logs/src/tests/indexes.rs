use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_store::{Range, Reads};

use super::cloud::Cloud;
use crate::model::{CHUNK_INDEXES, INDEXED_FIELDS, IndexedField};

impl Cloud {
    pub(super) async fn index(&self, group: &str, fields: &str) -> s::IndexPolicy {
        let put = s::PutIndexPolicyRequest {
            log_group_identifier: group.into(),
            policy_document: format!(r#"{{"Fields":{fields}}}"#),
        };
        self.ok::<op::PutIndexPolicy>(put).await.index_policy.unwrap()
    }

    /// The messages that a query finds, sorted, with what it looked at and passed over.
    pub(super) async fn ask(&self, groups: &[&str], query: &str) -> (Vec<String>, [f64; 3]) {
        let now = self.now_ms() / 1000;
        let start = s::StartQueryRequest {
            log_group_names: Some(groups.iter().map(|group| (*group).to_owned()).collect()),
            start_time: now - 3600,
            end_time: now + 3600,
            query_string: query.into(),
            ..Default::default()
        };
        let id = self.ok::<op::StartQuery>(start).await.query_id.unwrap();
        self.settle().await;
        let results = s::GetQueryResultsRequest { query_id: id, ..Default::default() };
        let found = self.ok::<op::GetQueryResults>(results).await;
        assert_eq!(found.status.as_deref(), Some("Complete"), "{query}");
        let statistics = found.statistics.unwrap();
        let rows = found.results.unwrap().into_iter();
        let message = |row: Vec<s::ResultField>| {
            row.into_iter()
                .find(|field| field.field.as_deref() == Some("@message"))
                .and_then(|field| field.value)
        };
        let mut messages: Vec<String> = rows.filter_map(message).collect();
        messages.sort();
        let counts = [
            statistics.records_scanned.unwrap(),
            statistics.estimated_records_skipped.unwrap(),
            statistics.log_groups_scanned.unwrap(),
        ];
        (messages, counts)
    }

    /// Without those that every group has by default.
    pub(super) async fn fields(&self, group: &str) -> Vec<s::FieldIndex> {
        let ask = s::DescribeFieldIndexesRequest {
            log_group_identifiers: vec![group.into()],
            index_categories: Some(vec!["CUSTOM".into(), "INACTIVE".into()]),
            ..Default::default()
        };
        self.ok::<op::DescribeFieldIndexes>(ask).await.field_indexes.unwrap()
    }

    async fn index_rows(&self) -> (usize, usize) {
        let store = &self.platform.store;
        let chunks = store.scan_keys(&CHUNK_INDEXES, Range::all(), 100).await.unwrap().len();
        (chunks, store.scan_keys(&INDEXED_FIELDS, Range::all(), 100).await.unwrap().len())
    }
}

#[tokio::test]
async fn queries_pass_over_chunks_that_cannot_match() {
    let cloud = Cloud::new().await;
    for group in ["g", "plain"] {
        cloud.group(group).await;
        cloud.stream(group, "s").await;
    }
    let now = cloud.now_ms();
    let before = r#"{"id":"a","old":true}"#;
    cloud.put("g", "s", &[(now, before)]).await.unwrap();
    cloud.put("plain", "s", &[(now, r#"{"id":"a","plain":true}"#)]).await.unwrap();
    cloud.index("g", r#"["id","status"]"#).await;
    let events: Vec<String> = (0..10).map(|n| format!(r#"{{"id":"{n}","status":{}}}"#, 200 + n)).collect();
    for event in &events {
        cloud.put("g", "s", &[(now + 1, event), (now + 2, "no JSON")]).await.unwrap();
    }
    let (a, seven) = (r#"{"id":"a","new":true}"#, &events[7]);
    cloud.put("g", "s", &[(now + 3, a)]).await.unwrap();
    // Without an index there is nothing to pass over; with one, what came before it is looked at.
    assert_eq!(cloud.ask(&["g"], "filter new = true").await, (vec![a.into()], [22.0, 0.0, 1.0]));
    let (found, counts) = cloud.ask(&["g"], "filter id = 'a'").await;
    assert_eq!((found, counts), (vec![a.into(), before.into()], [2.0, 20.0, 1.0]));
    let (found, counts) = cloud.ask(&["g"], "filter status = 207 or id in ['7']").await;
    assert_eq!((found, counts), (vec![seven.clone()], [3.0, 19.0, 1.0]));
    let (found, _) = cloud.ask(&["g", "plain"], "filter id = 'a'").await;
    assert_eq!(found.len(), 3);
    // filterIndex looks at indexed events alone.
    let (found, counts) = cloud.ask(&["g", "plain"], "filterIndex id = 'a'").await;
    assert_eq!((found, counts), (vec![a.into()], [1.0, 20.0, 1.0]));
    assert_eq!(cloud.ask(&["plain"], "filterIndex id = 'a'").await, (vec![], [0.0, 0.0, 0.0]));
    // Streams are known without a policy, and no message pretends to be in another one.
    cloud.stream("plain", "t").await;
    let forged = r#"{"@logStream":"s","forged":true}"#;
    cloud.put("plain", "t", &[(now, forged)]).await.unwrap();
    for (query, found, looked_at) in [
        ("filter @logStream = 't'", vec![forged], 1.0),
        ("filterIndex @logStream in ['t', 'x']", vec![forged], 1.0),
        ("filter @logStream = 's' and forged = true", vec![], 1.0),
        ("filter @@logStream = 's'", vec![forged], 2.0),
        ("filter @logStream = 't' or forged = true", vec![forged], 2.0),
    ] {
        let (messages, [scanned, ..]) = cloud.ask(&["plain"], query).await;
        assert_eq!(
            (messages, scanned),
            (found.into_iter().map(str::to_owned).collect(), looked_at),
            "{query}"
        );
    }
    // A field that the query makes itself is not the one that is indexed.
    assert_eq!(cloud.ask(&["g"], "fields 'x' as id | filter id = 'x' | fields @message").await.0.len(), 22);
    // What was indexed stays so, and new events are not.
    let delete = s::DeleteIndexPolicyRequest { log_group_identifier: "g".into() };
    cloud.ok::<op::DeleteIndexPolicy>(delete.clone()).await;
    assert!(cloud.err::<op::DeleteIndexPolicy>(delete).await.starts_with("ResourceNotFoundException"));
    let late = r#"{"id":"a","late":true}"#;
    cloud.put("g", "s", &[(now + 4, late)]).await.unwrap();
    assert_eq!(
        cloud.ask(&["g"], "filter id = 'a'").await,
        (vec![late.into(), a.into(), before.into()], [3.0, 20.0, 1.0])
    );
    assert_eq!(cloud.ask(&["g"], "filterIndex id = 'a'").await.0, [a]);
}

#[tokio::test]
async fn policies_and_fields_are_described_and_swept_away() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    for stream in ["s", "t"] {
        cloud.stream("g", stream).await;
    }
    let arn = "arn:aws:logs:us-east-1:111111111111:log-group:g";
    let describe =
        s::DescribeIndexPoliciesRequest { log_group_identifiers: vec![arn.into()], next_token: None };
    let policies = cloud.ok::<op::DescribeIndexPolicies>(describe.clone()).await.index_policies;
    assert!(policies.unwrap().is_empty());
    assert!(cloud.fields("g").await.is_empty());
    let put = cloud.index("g", r#"["id","never"]"#).await;
    let policies = cloud.ok::<op::DescribeIndexPolicies>(describe).await.index_policies.unwrap();
    let documents: Vec<_> = policies.iter().map(|policy| policy.policy_document.as_deref()).collect();
    assert_eq!(documents, [Some(r#"{"Fields":["id","never"]}"#)]);
    assert_eq!(
        (put.log_group_identifier.as_deref(), put.last_update_time, put.source.as_deref(), put.policy_name),
        (Some(arn), Some(cloud.now_ms()), Some("LOG_GROUP"), None)
    );
    let now = cloud.now_ms();
    cloud.put("g", "s", &[(now + 1, r#"{"id":1}"#), (now + 5, "x")]).await.unwrap();
    cloud.put("g", "t", &[(now + 3, r#"{"id":1}"#)]).await.unwrap();
    cloud.index("g", r#"["never","later"]"#).await;
    let shown: Vec<_> = cloud
        .fields("g")
        .await
        .into_iter()
        .map(|one| {
            let times = (one.first_event_time, one.last_event_time, one.last_scan_time);
            (one.field_index_name.unwrap(), one.index_category.unwrap(), times)
        })
        .collect();
    let of = |name: &str, kind: &str, times| (name.to_owned(), kind.to_owned(), times);
    assert_eq!(
        shown,
        [
            of("id", "INACTIVE", (Some(now + 1), Some(now + 3), Some(now))),
            of("later", "CUSTOM", (None, None, None)),
            of("never", "CUSTOM", (None, None, Some(now))),
        ]
    );
    let only = s::DescribeFieldIndexesRequest {
        log_group_identifiers: vec!["g".into()],
        index_categories: Some(vec!["INACTIVE".into()]),
        ..Default::default()
    };
    assert_eq!(cloud.ok::<op::DescribeFieldIndexes>(only).await.field_indexes.unwrap().len(), 1);
    assert_eq!(cloud.index_rows().await.0, 2);
    let stream = s::DeleteLogStreamRequest { log_group_name: "g".into(), log_stream_name: "s".into() };
    cloud.ok::<op::DeleteLogStream>(stream).await;
    cloud.settle().await;
    assert_eq!(cloud.index_rows().await.0, 1);
    cloud.ok::<op::DeleteLogGroup>(s::DeleteLogGroupRequest { log_group_name: "g".into() }).await;
    cloud.settle().await;
    assert_eq!(cloud.index_rows().await, (0, 0));
    // Where there are none.
    let rare = s::CreateLogGroupRequest {
        log_group_name: "rare".into(),
        log_group_class: Some("INFREQUENT_ACCESS".into()),
        ..Default::default()
    };
    cloud.ok::<op::CreateLogGroup>(rare).await;
    for (group, document, why) in [
        ("rare", r#"{"Fields":["a"]}"#, "InvalidParameterException"),
        ("none", r#"{"Fields":["a"]}"#, "ResourceNotFoundException"),
    ] {
        let put =
            s::PutIndexPolicyRequest { log_group_identifier: group.into(), policy_document: document.into() };
        assert!(cloud.err::<op::PutIndexPolicy>(put).await.starts_with(why), "{group}");
    }
}

/// Queries see transformed events, and what is hidden as it is hidden: so do indexes.
#[tokio::test]
async fn events_are_indexed_as_queries_see_them() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    let json = s::Processor { parse_json: Some(s::ParseJSON::default()), ..Default::default() };
    let entry = s::RenameKeyEntry { key: "who".into(), rename_to: "mail".into(), overwrite_if_exists: None };
    let rename =
        s::Processor { rename_keys: Some(s::RenameKeys { entries: vec![entry] }), ..Default::default() };
    let transformer =
        s::PutTransformerRequest { log_group_identifier: "g".into(), transformer_config: vec![json, rename] };
    cloud.ok::<op::PutTransformer>(transformer).await;
    cloud.index("g", r#"["mail"]"#).await;
    let now = cloud.now_ms();
    for who in ["ann", "b@example.com", "cat"] {
        let event = format!(r#"{{"who":"{who}"}}"#);
        cloud.put("g", "s", &[(now, &event)]).await.unwrap();
    }
    let (found, counts) = cloud.ask(&["g"], "filter mail = 'ann'").await;
    assert_eq!((found.len(), counts), (1, [1.0, 2.0, 1.0]));
    // From now on it is hidden.
    let policy = r#"{"Name":"p","Version":"2021-06-01","Statement":[
        {"Sid":"a","DataIdentifier":["arn:aws:dataprotection::aws:data-identifier/EmailAddress"],"Operation":{"Audit":{"FindingsDestination":{}}}},
        {"Sid":"r","DataIdentifier":["arn:aws:dataprotection::aws:data-identifier/EmailAddress"],"Operation":{"Deidentify":{"MaskConfig":{}}}}]}"#;
    let protect = s::PutDataProtectionPolicyRequest {
        log_group_identifier: "g".into(),
        policy_document: policy.into(),
    };
    cloud.ok::<op::PutDataProtectionPolicy>(protect).await;
    cloud.put("g", "s", &[(now, r#"{"who":"z@example.com"}"#)]).await.unwrap();
    let (found, counts) = cloud.ask(&["g"], "filter mail = 'z@example.com'").await;
    assert_eq!((found.len(), counts), (0, [0.0, 4.0, 1.0]));
    let (found, counts) = cloud.ask(&["g"], "filter mail = '*************'").await;
    assert_eq!((found.len(), counts), (1, [1.0, 3.0, 1.0]));
    // Who may see it finds it.
    let (found, counts) = cloud.ask(&["g"], "unmask @message | filter mail = 'z@example.com'").await;
    assert_eq!((found.len(), counts), (1, [1.0, 3.0, 1.0]));
}

/// A batch that a transformer would need minutes for is taken at once, and found without an index.
#[tokio::test]
async fn a_batch_that_is_too_much_work_is_not_indexed() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    let json = s::Processor { parse_json: Some(s::ParseJSON::default()), ..Default::default() };
    let entry = s::SubstituteStringEntry { source: "t".into(), from: "(y+)".into(), to: "$1".into() };
    let same = s::Processor {
        substitute_string: Some(s::SubstituteString { entries: vec![entry; 10] }),
        ..Default::default()
    };
    let mut config = vec![json];
    config.extend(vec![same; 19]);
    let put = s::PutTransformerRequest { log_group_identifier: "g".into(), transformer_config: config };
    cloud.ok::<op::PutTransformer>(put).await;
    cloud.index("g", r#"["id"]"#).await;
    let now = cloud.now_ms();
    let long = format!(r#"{{"id":"long","t":"{}"}}"#, "y".repeat(500_000));
    cloud.put("g", "s", &[(now, r#"{"id":"short","t":"y"}"#)]).await.unwrap();
    cloud.put("g", "s", &[(now, r#"{"id":"beside","t":"y"}"#), (now, &long)]).await.unwrap();
    assert_eq!(cloud.index_rows().await, (1, 1));
    for (query, found) in [("filter id = 'short'", 1), ("filter id = 'beside'", 1), ("filter id = 'long'", 1)]
    {
        assert_eq!(cloud.ask(&["g"], query).await.0.len(), found, "{query}");
    }
}

/// However many streams a group has, and however many fields it was ever indexed by, little is kept of them, and not for ever.
#[tokio::test]
async fn few_fields_are_remembered() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    let now = cloud.now_ms();
    cloud.index("g", r#"["id"]"#).await;
    for stream in 0..40 {
        let stream = format!("s{stream}");
        cloud.stream("g", &stream).await;
        cloud.put("g", &stream, &[(now, r#"{"id":1}"#)]).await.unwrap();
    }
    let (chunks, rows) = cloud.index_rows().await;
    assert!(chunks == 40 && (1..=16).contains(&rows), "{rows}");
    assert_eq!(cloud.fields("g").await[0].first_event_time, Some(now));
    // Rows of streams, as they once were, are joined.
    let store = &cloud.platform.store;
    let group = store.scan_keys(&INDEXED_FIELDS, Range::all(), 1).await.unwrap()[0].0;
    let seen =
        IndexedField { first_event_ms: Some(now - 9), last_event_ms: Some(now - 9), last_scan_ms: Some(now) };
    for stream in 1000..1030_u64 {
        store.put(&INDEXED_FIELDS, &(group, stream, "id"), &seen).await.unwrap();
    }
    cloud.advance(3601).await;
    assert!(cloud.index_rows().await.1 <= 16);
    assert_eq!(cloud.fields("g").await[0].first_event_time, Some(now - 9));
    // The fields that were looked for last.
    for round in 0..8 {
        let fields: Vec<String> = (0..20).map(|n| format!("f{}", round * 20 + n)).collect();
        cloud.index("g", &serde_json::json!(fields).to_string()).await;
        cloud.advance(1).await;
        cloud.put("g", "s0", &[(cloud.now_ms(), r#"{"id":1}"#)]).await.unwrap();
    }
    let shown = cloud.fields("g").await;
    assert!(shown.len() <= 101 && shown.iter().any(|one| one.field_index_name.as_deref() == Some("f159")));
    assert!(shown.iter().all(|one| one.field_index_name.as_deref() != Some("id")));
    // And none whose events are gone.
    let keep = s::PutRetentionPolicyRequest { log_group_name: "g".into(), retention_in_days: 1 };
    cloud.ok::<op::PutRetentionPolicy>(keep).await;
    for _ in 0..3 {
        cloud.advance(86_400).await;
    }
    assert_eq!(cloud.index_rows().await, (0, 0));
}

/// A query that finds nothing to read is stopped all the same.
#[tokio::test]
async fn a_query_that_only_passes_over_chunks_can_be_stopped() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    cloud.index("g", r#"["id"]"#).await;
    let now = cloud.now_ms();
    for _ in 0..600 {
        cloud.put("g", "s", &[(now, r#"{"id":1}"#)]).await.unwrap();
    }
    let start = s::StartQueryRequest {
        log_group_name: Some("g".into()),
        start_time: now / 1000 - 60,
        end_time: now / 1000 + 60,
        query_string: "filter id = 2".into(),
        ..Default::default()
    };
    let id = cloud.ok::<op::StartQuery>(start).await.query_id.unwrap();
    cloud.ok::<op::StopQuery>(s::StopQueryRequest { query_id: id.clone() }).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let all = cloud.ok::<op::DescribeQueries>(Default::default()).await.queries.unwrap();
    assert_eq!(all[0].status.as_deref(), Some("Cancelled"));
}
