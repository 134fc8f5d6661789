use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;

use super::cloud::Cloud;

pub(super) async fn with_events() -> Cloud {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    let now = cloud.now_ms();
    let events: Vec<(i64, String)> = (0..20)
        .map(|i| {
            (
                now - 60_000 + i * 1000,
                format!(r#"{{"n":{i},"kind":"{}"}}"#, if i % 2 == 0 { "even" } else { "odd" }),
            )
        })
        .collect();
    let events: Vec<(i64, &str)> = events.iter().map(|(at, text)| (*at, text.as_str())).collect();
    cloud.put("g", "s", &events).await.unwrap();
    cloud
}

pub(super) fn start(cloud: &Cloud, text: &str) -> s::StartQueryRequest {
    let now = cloud.now_ms() / 1000;
    s::StartQueryRequest {
        log_group_name: Some("g".into()),
        start_time: now - 3600,
        end_time: now,
        query_string: text.into(),
        ..Default::default()
    }
}

pub(super) async fn results(cloud: &Cloud, id: &str) -> s::GetQueryResultsResponse {
    loop {
        let ask = s::GetQueryResultsRequest { query_id: id.into(), ..Default::default() };
        let found = cloud.ok::<op::GetQueryResults>(ask).await;
        if found.status.as_deref() != Some("Running") {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_query_runs_and_its_rows_point_to_their_events() {
    let cloud = with_events().await;
    let query = start(&cloud, "fields n, kind | filter kind = 'odd' | sort n desc | limit 2");
    let id = cloud.ok::<op::StartQuery>(query).await.query_id.unwrap();
    let found = results(&cloud, &id).await;
    assert_eq!(found.status.as_deref(), Some("Complete"));
    let statistics = found.statistics.unwrap();
    assert_eq!((statistics.records_scanned, statistics.records_matched), (Some(20.0), Some(10.0)));
    let rows = found.results.unwrap();
    let value = |row: &[s::ResultField], name: &str| {
        row.iter().find(|field| field.field.as_deref() == Some(name)).and_then(|field| field.value.clone())
    };
    assert_eq!((value(&rows[0], "n"), value(&rows[1], "n")), (Some("19".into()), Some("17".into())));
    let pointer = value(&rows[0], "@ptr").unwrap();
    let record = cloud
        .ok::<op::GetLogRecord>(s::GetLogRecordRequest { log_record_pointer: pointer, unmask: None })
        .await
        .log_record
        .unwrap();
    assert_eq!(record.get("@message").map(String::as_str), Some(r#"{"n":19,"kind":"odd"}"#));
    assert_eq!(record.get("@logStream").map(String::as_str), Some("s"));
    let listed = cloud.ok::<op::DescribeQueries>(Default::default()).await.queries.unwrap();
    assert_eq!(
        (listed[0].query_id.as_deref(), listed[0].status.as_deref()),
        (Some(id.as_str()), Some("Complete"))
    );
}

#[tokio::test]
async fn a_malformed_query_says_where() {
    let cloud = with_events().await;
    let error = cloud.err::<op::StartQuery>(start(&cloud, "fields n | filtr x")).await;
    assert!(error.starts_with("MalformedQueryException: unexpected symbol found filtr"), "{error}");
    assert!(error.contains("(11, 16)"), "{error}");
    let missing = s::StartQueryRequest { log_group_name: Some("none".into()), ..start(&cloud, "fields n") };
    assert!(cloud.err::<op::StartQuery>(missing).await.starts_with("ResourceNotFoundException"));
    let unknown = s::GetQueryResultsRequest { query_id: "x".into(), ..Default::default() };
    assert!(cloud.err::<op::GetQueryResults>(unknown).await.starts_with("ResourceNotFoundException"));
}

#[tokio::test]
async fn the_fields_of_a_group() {
    let cloud = with_events().await;
    let ask = s::GetLogGroupFieldsRequest { log_group_name: Some("g".into()), ..Default::default() };
    let fields = cloud.ok::<op::GetLogGroupFields>(ask).await.log_group_fields.unwrap();
    let kind = fields.iter().find(|field| field.name.as_deref() == Some("kind")).unwrap();
    assert_eq!(kind.percent, Some(100));
}

#[tokio::test]
async fn saved_queries() {
    let cloud = Cloud::new().await;
    let put = s::PutQueryDefinitionRequest {
        name: "errors/last".into(),
        query_string: "fields @message | filter @message like /ERROR/".into(),
        log_group_names: Some(vec!["g".into()]),
        ..Default::default()
    };
    let id = cloud.ok::<op::PutQueryDefinition>(put.clone()).await.query_definition_id;
    let again = s::PutQueryDefinitionRequest {
        name: "errors/new".into(),
        query_definition_id: id.clone(),
        ..put.clone()
    };
    assert_eq!(cloud.ok::<op::PutQueryDefinition>(again).await.query_definition_id, id);
    let unknown = s::PutQueryDefinitionRequest { query_definition_id: Some("no".into()), ..put };
    assert!(cloud.err::<op::PutQueryDefinition>(unknown).await.starts_with("ResourceNotFoundException"));
    let ask = s::DescribeQueryDefinitionsRequest {
        query_definition_name_prefix: Some("errors/".into()),
        ..Default::default()
    };
    let listed = cloud.ok::<op::DescribeQueryDefinitions>(ask.clone()).await.query_definitions.unwrap();
    assert_eq!(listed[0].name.as_deref(), Some("errors/new"));
    cloud
        .ok::<op::DeleteQueryDefinition>(s::DeleteQueryDefinitionRequest { query_definition_id: id.unwrap() })
        .await;
    assert!(cloud.ok::<op::DescribeQueryDefinitions>(ask).await.query_definitions.unwrap().is_empty());
}

#[tokio::test]
async fn a_metric_filter_is_tested() {
    let cloud = Cloud::new().await;
    let test = s::TestMetricFilterRequest {
        filter_pattern: "[ip, ..., size > 100]".into(),
        log_event_messages: vec!["1.1.1.1 - 200".into(), "1.1.1.2 - 99".into(), "1.1.1.3 x y 101".into()],
    };
    let matches = cloud.ok::<op::TestMetricFilter>(test).await.matches.unwrap();
    let numbers: Vec<_> = matches.iter().filter_map(|found| found.event_number).collect();
    assert_eq!(numbers, [1, 3]);
    assert_eq!(matches[1].extracted_values.as_ref().unwrap().get("$size").map(String::as_str), Some("101"));
}
