use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;

use super::cloud::Cloud;
use super::functions::FUNCTION;

fn processors() -> Vec<s::Processor> {
    let json = s::Processor { parse_json: Some(s::ParseJSON::default()), ..Default::default() };
    let entry = s::AddKeyEntry { key: "kind".into(), value: "app".into(), overwrite_if_exists: None };
    let add = s::Processor { add_keys: Some(s::AddKeys { entries: vec![entry] }), ..Default::default() };
    vec![json, add]
}

fn put() -> s::PutTransformerRequest {
    s::PutTransformerRequest { log_group_identifier: "g".into(), transformer_config: processors() }
}

#[tokio::test]
async fn events_that_come_under_a_transformer_are_seen_transformed() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    let subscribe = |transformed| s::PutSubscriptionFilterRequest {
        log_group_name: "g".into(),
        filter_name: "f".into(),
        filter_pattern: "{ $.kind = app }".into(),
        destination_arn: FUNCTION.into(),
        apply_on_transformed_logs: Some(transformed),
        ..Default::default()
    };
    assert_eq!(
        cloud.err::<op::PutSubscriptionFilter>(subscribe(true)).await,
        "InvalidParameterException: applyOnTransformedLogs is valid only for log groups that have an active log transformer."
    );
    let now = cloud.now_ms();
    cloud.put("g", "s", &[(now, r#"{"n":1}"#)]).await.unwrap();
    cloud.ok::<op::PutTransformer>(put()).await;
    cloud.ok::<op::PutSubscriptionFilter>(subscribe(true)).await;
    cloud.put("g", "s", &[(now + 1, r#"{"n":2}"#), (now + 2, "text")]).await.unwrap();
    cloud.ok::<op::DeleteTransformer>(s::DeleteTransformerRequest { log_group_identifier: "g".into() }).await;
    cloud.put("g", "s", &[(now + 3, r#"{"n":4}"#)]).await.unwrap();
    cloud.settle().await;
    let sent = cloud.functions.take();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["logEvents"][0]["message"], r#"{"kind":"app","n":2}"#);
    // What is read is what came.
    let read = cloud.messages("g", "s", 10).await;
    assert_eq!(read, [r#"{"n":1}"#, r#"{"n":2}"#, "text", r#"{"n":4}"#]);
    let query = s::StartQueryRequest {
        log_group_name: Some("g".into()),
        start_time: now / 1000 - 60,
        end_time: now / 1000 + 60,
        query_string: "filter ispresent(kind) | fields n, kind".into(),
        ..Default::default()
    };
    let id = cloud.ok::<op::StartQuery>(query).await.query_id.unwrap();
    cloud.settle().await;
    let groups = s::ListLogGroupsForQueryRequest { query_id: id.clone(), ..Default::default() };
    assert_eq!(cloud.ok::<op::ListLogGroupsForQuery>(groups).await.log_group_identifiers.unwrap(), ["g"]);
    let results = s::GetQueryResultsRequest { query_id: id, ..Default::default() };
    let rows = cloud.ok::<op::GetQueryResults>(results).await.results.unwrap();
    let shown: Vec<&str> = rows[0].iter().filter_map(|field| field.value.as_deref()).take(2).collect();
    assert_eq!((rows.len(), shown), (1, vec!["2", "app"]));
}

/// What a transformer makes of a chunk is sent piece by piece.
#[tokio::test]
async fn events_that_grow_reach_the_function_all_the_same() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    let json = s::Processor { parse_json: Some(s::ParseJSON::default()), ..Default::default() };
    let entry = s::SubstituteStringEntry { source: "t".into(), from: ".+".into(), to: "$0".repeat(60) };
    let grow = s::Processor {
        substitute_string: Some(s::SubstituteString { entries: vec![entry] }),
        ..Default::default()
    };
    let transformer =
        s::PutTransformerRequest { log_group_identifier: "g".into(), transformer_config: vec![json, grow] };
    cloud.ok::<op::PutTransformer>(transformer).await;
    let subscribe = s::PutSubscriptionFilterRequest {
        log_group_name: "g".into(),
        filter_name: "f".into(),
        filter_pattern: String::new(),
        destination_arn: FUNCTION.into(),
        apply_on_transformed_logs: Some(true),
        ..Default::default()
    };
    cloud.ok::<op::PutSubscriptionFilter>(subscribe).await;
    let events: Vec<String> = (0..40).map(|n| format!(r#"{{"n":{n},"t":"{}"}}"#, "x".repeat(3000))).collect();
    let now = cloud.now_ms();
    let events: Vec<(i64, &str)> = events.iter().map(|event| (now, event.as_str())).collect();
    cloud.put("g", "s", &events).await.unwrap();
    cloud.settle().await;
    let sent = cloud.functions.take();
    let all: Vec<usize> = sent.iter().map(|message| message["logEvents"].as_array().unwrap().len()).collect();
    assert!(all.len() > 1 && all.iter().sum::<usize>() == 40, "{all:?}");
    let first = sent[0]["logEvents"][0]["message"].as_str().unwrap();
    let first: serde_json::Value = serde_json::from_str(first).unwrap();
    assert!(first == serde_json::json!({"n": 0, "t": "x".repeat(180_000)}), "not what was sent");
}

#[tokio::test]
async fn transformers_are_put_got_tested_and_deleted() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    let get = s::GetTransformerRequest { log_group_identifier: "g".into() };
    assert!(cloud.err::<op::GetTransformer>(get.clone()).await.starts_with("ResourceNotFoundException"));
    cloud.ok::<op::PutTransformer>(put()).await;
    let created = cloud.ok::<op::GetTransformer>(get.clone()).await;
    cloud.advance(5).await;
    cloud.ok::<op::PutTransformer>(put()).await;
    let got = cloud.ok::<op::GetTransformer>(get).await;
    assert_eq!(got.log_group_identifier.as_deref(), Some("arn:aws:logs:us-east-1:111111111111:log-group:g"));
    assert_eq!(got.creation_time, created.creation_time);
    assert!(got.last_modified_time > created.last_modified_time);
    let config = got.transformer_config.unwrap();
    assert_eq!((config.len(), config[1].add_keys.as_ref().unwrap().entries[0].value.as_str()), (2, "app"));
    let test = s::TestTransformerRequest {
        transformer_config: config,
        log_event_messages: vec![r#"{"n":1}"#.into(), "no".into()],
    };
    let tested = cloud.ok::<op::TestTransformer>(test).await.transformed_logs.unwrap();
    let shown: Vec<_> =
        tested.iter().map(|log| (log.event_number, log.transformed_event_message.as_deref())).collect();
    assert_eq!(shown, [(Some(1), Some(r#"{"kind":"app","n":1}"#)), (Some(2), None)]);
    let delete = s::DeleteTransformerRequest { log_group_identifier: "g".into() };
    cloud.ok::<op::DeleteTransformer>(delete.clone()).await;
    assert!(cloud.err::<op::DeleteTransformer>(delete).await.starts_with("ResourceNotFoundException"));
}
