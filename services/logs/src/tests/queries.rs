use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;

use super::cloud::Cloud;
use crate::insights::memory::BYTES_MAX;

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

#[tokio::test]
async fn queries_are_told_by_pages_the_newest_first_for_a_week() {
    let cloud = with_events().await;
    let mut asked = Vec::new();
    for _ in 0..7 {
        let id = cloud.ok::<op::StartQuery>(start(&cloud, "fields n")).await.query_id.unwrap();
        results(&cloud, &id).await;
        asked.insert(0, id);
        cloud.platform.env.clock.advance(std::time::Duration::from_secs(60));
    }
    let (mut told, mut token) = (Vec::new(), None);
    loop {
        let ask = s::DescribeQueriesRequest { max_results: Some(3), next_token: token, ..Default::default() };
        let page = cloud.ok::<op::DescribeQueries>(ask).await;
        let queries = page.queries.unwrap();
        assert!(queries.len() <= 3);
        told.extend(queries.into_iter().filter_map(|query| query.query_id));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(told, asked);
    // All but the last three are older than a week.
    cloud.advance(7 * 86_400 - 3 * 60 - 30).await;
    let left = cloud.ok::<op::DescribeQueries>(Default::default()).await.queries.unwrap();
    assert_eq!(left.len(), 3);
    for _ in 0..10 {
        cloud.advance(3600).await;
    }
    let get = |id: &str| s::GetQueryResultsRequest { query_id: id.into(), ..Default::default() };
    let gone = cloud.err::<op::GetQueryResults>(get(&asked[0])).await;
    assert!(gone.starts_with("ResourceNotFoundException"), "{gone}");
}

#[tokio::test]
async fn a_query_that_a_stop_interrupts_is_worked_out_after_it() {
    let store = haneul_store::Store::memory();
    let cloud = Cloud::on(store.clone()).await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    let now = cloud.now_ms();
    let events: Vec<(i64, &str)> = (0..3000).map(|i| (now - 60_000 + i, "x")).collect();
    cloud.put("g", "s", &events).await.unwrap();
    let asked = start(&cloud, "stats count(*) as c");
    let id = cloud.ok::<op::StartQuery>(asked).await.query_id.unwrap();
    cloud.platform.env.tasks.begin_stop();
    cloud.settle().await;
    let kept = || async {
        let key = (haneul_kit::AccountId::new(super::cloud::OURS).unwrap(), haneul_kit::Region::US_EAST_1);
        let key = (key.0, key.1, id.as_str());
        haneul_store::Reads::get(&store, &crate::model::QUERIES, &key).await.unwrap().unwrap().status
    };
    assert_eq!(kept().await, crate::model::Status::Running);
    drop(cloud);
    let cloud = Cloud::seeded(store.clone(), 12).await;
    let found = results(&cloud, &id).await;
    assert_eq!(found.status.as_deref(), Some("Complete"));
    assert_eq!(found.results.unwrap()[0][0].value.as_deref(), Some("3000"));
}

#[tokio::test]
async fn a_query_that_finds_no_room_beside_others_fails() {
    let cloud = with_events().await;
    let large = "x".repeat(200_000);
    for n in 0..4 {
        cloud.put("g", "s", &[(cloud.now_ms() - n, &large)]).await.unwrap();
    }
    let run = async |text: &str| {
        let id = cloud.ok::<op::StartQuery>(start(&cloud, text)).await.query_id.unwrap();
        results(&cloud, &id).await
    };
    let text = "fields @message, @timestamp | sort @timestamp desc | limit 100";
    let others = cloud.logs.queries.memory.share();
    others.hold(BYTES_MAX).unwrap();
    assert_eq!(run(text).await.status.as_deref(), Some("Failed"));
    // What is small has room beside others.
    let counted = run("stats count(*)").await;
    assert_eq!((counted.status.as_deref(), counted.results.unwrap().len()), (Some("Complete"), 1));
    drop(others);
    let found = run(text).await;
    assert_eq!((found.status.as_deref(), found.results.unwrap().len()), (Some("Complete"), 24));
    assert_eq!(cloud.logs.queries.memory.used(), 0);
}
