//! Scheduled queries: when they run, as whom, what is kept of it, and where the results are.

use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_s3_wire::operations as s3;
use haneul_s3_wire::shapes as b;
use haneul_store::Store;
use serde_json::{Value, json};

use super::cloud::{Cloud, OURS};

const RUNNER: &str = "arn:aws:iam::111111111111:role/runner";
const WRITER: &str = "arn:aws:iam::111111111111:role/writer";

async fn role(cloud: &Cloud, name: &str, actions: &[&str]) {
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "logs.amazonaws.com"}}]});
    let input = i::CreateRoleRequest {
        role_name: name.into(),
        assume_role_policy_document: trust.to_string(),
        ..Default::default()
    };
    cloud.ok::<iam::CreateRole>(input).await;
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]});
    let input = i::PutRolePolicyRequest {
        role_name: name.into(),
        policy_name: "own".into(),
        policy_document: policy.to_string(),
    };
    cloud.ok::<iam::PutRolePolicy>(input).await;
}

/// A group with an event each minute from now on for an hour, a bucket, and both roles. The clock is at a full hour.
async fn prepared(cloud: &Cloud) -> i64 {
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    let hour = 3_600_000;
    let begin = cloud.now_ms().div_euclid(hour) * hour + hour;
    cloud.platform.env.clock.advance(std::time::Duration::from_millis((begin - cloud.now_ms()) as u64));
    let events: Vec<(i64, String)> =
        (0..60).map(|i| (begin + i * 60_000 + 1000, format!(r#"{{"n":{i}}}"#))).collect();
    let events: Vec<(i64, &str)> = events.iter().map(|(at, text)| (*at, text.as_str())).collect();
    cloud.put("g", "s", &events).await.unwrap();
    let create = b::CreateBucketRequest { bucket: "results".into(), ..Default::default() };
    cloud.ok::<s3::CreateBucket>(create).await;
    role(cloud, "runner", &["logs:StartQuery", "logs:GetQueryResults"]).await;
    role(
        cloud,
        "writer",
        &["s3:PutObject", "logs:CreateLookupTable", "logs:UpdateLookupTable", "logs:GetQueryResults"],
    )
    .await;
    begin
}

fn create(name: &str) -> s::CreateScheduledQueryRequest {
    s::CreateScheduledQueryRequest {
        name: name.into(),
        query_language: "CWLI".into(),
        query_string: "fields n, @message | sort n desc".into(),
        log_group_identifiers: Some(vec!["g".into()]),
        schedule_expression: "cron(0/5 * * * ? *)".into(),
        start_time_offset: Some(300),
        execution_role_arn: RUNNER.into(),
        destination_configuration: Some(s::DestinationConfiguration {
            s3_configuration: Some(s::S3Configuration {
                destination_identifier: "s3://results/daily/".into(),
                role_arn: WRITER.into(),
                ..Default::default()
            }),
            ..Default::default()
        }),
        ..Default::default()
    }
}

async fn history(cloud: &Cloud, name: &str) -> Vec<s::TriggerHistoryRecord> {
    let ask = s::GetScheduledQueryHistoryRequest {
        identifier: name.into(),
        start_time: 0,
        end_time: cloud.now_ms() + 1,
        ..Default::default()
    };
    cloud.ok::<op::GetScheduledQueryHistory>(ask).await.trigger_history.unwrap()
}

async fn files(cloud: &Cloud) -> Vec<String> {
    let list = b::ListObjectsV2Request { bucket: "results".into(), ..Default::default() };
    let found = cloud.ok::<s3::ListObjectsV2>(list).await.contents.unwrap_or_default();
    found.into_iter().filter_map(|object| object.key).collect()
}

async fn file(cloud: &Cloud, key: &str) -> Value {
    let get = b::GetObjectRequest { bucket: "results".into(), key: key.into(), ..Default::default() };
    let body = cloud.ok::<s3::GetObject>(get).await.body.collect(1 << 20).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

/// Lets runs end.
async fn settled(cloud: &Cloud, name: &str) -> Vec<s::TriggerHistoryRecord> {
    for _ in 0..200 {
        cloud.settle().await;
        let runs = history(cloud, name).await;
        if !runs.iter().any(|run| run.execution_status.as_deref() == Some("Running")) {
            return runs;
        }
    }
    panic!("the runs do not end");
}

#[tokio::test]
async fn a_query_runs_by_the_clock_and_its_results_are_written() {
    let cloud = Cloud::new().await;
    let begin = prepared(&cloud).await;
    let made = cloud.ok::<op::CreateScheduledQuery>(create("five")).await;
    let arn = made.scheduled_query_arn.unwrap();
    assert!(arn.starts_with(&format!("arn:aws:logs:us-east-1:{OURS}:scheduled-query:")), "{arn}");
    assert_eq!(made.state.as_deref(), Some("ENABLED"));
    cloud.advance(299).await;
    assert!(history(&cloud, "five").await.is_empty());
    cloud.advance(2).await;
    let runs = settled(&cloud, "five").await;
    assert_eq!(runs.len(), 1);
    assert_eq!(
        (runs[0].execution_status.as_deref(), runs[0].triggered_timestamp),
        (Some("Complete"), Some(begin + 300_000))
    );
    let delivered = &runs[0].destinations.as_ref().unwrap()[0];
    assert_eq!(
        (delivered.destination_type.as_deref(), delivered.status.as_deref()),
        (Some("S3"), Some("COMPLETE"))
    );
    let keys = files(&cloud).await;
    assert_eq!(keys.len(), 1);
    assert_eq!(delivered.processed_identifier.as_deref(), Some(format!("s3://results/{}", keys[0]).as_str()));
    assert!(keys[0].starts_with("daily/") && keys[0].ends_with(".json"), "{keys:?}");
    let rows = file(&cloud, &keys[0]).await;
    assert_eq!(
        rows,
        json!([4, 3, 2, 1, 0].map(|n| json!({"n": n.to_string(), "@message": format!("{{\"n\":{n}}}")})))
    );
    // As the role: that is whose query it was.
    let listed = cloud.ok::<op::DescribeQueries>(Default::default()).await.queries.unwrap();
    assert!(
        listed[0].user_identity.as_deref().unwrap().contains("assumed-role/runner/"),
        "{:?}",
        listed[0].user_identity
    );
    let got =
        cloud.ok::<op::GetScheduledQuery>(s::GetScheduledQueryRequest { identifier: arn.clone() }).await;
    assert_eq!(
        (got.last_execution_status.as_deref(), got.last_triggered_time),
        (Some("Complete"), Some(begin + 300_000))
    );
    assert_eq!(got.schedule_type.as_deref(), Some("CUSTOMER_MANAGED"));

    // A change of the schedule counts from then on; a disabled one rests.
    let update = |state: &str| s::UpdateScheduledQueryRequest {
        identifier: "five".into(),
        query_language: "CWLI".into(),
        query_string: "stats count(*) as c".into(),
        log_group_identifiers: Some(vec!["g".into()]),
        schedule_expression: "cron(20 * * * ? *)".into(),
        execution_role_arn: RUNNER.into(),
        state: Some(state.into()),
        ..Default::default()
    };
    let changed = cloud.ok::<op::UpdateScheduledQuery>(update("DISABLED")).await;
    assert_eq!(
        (changed.state.as_deref(), changed.destination_configuration.is_none()),
        (Some("DISABLED"), true)
    );
    cloud.advance(3600).await;
    assert_eq!(settled(&cloud, "five").await.len(), 1);
    cloud.ok::<op::UpdateScheduledQuery>(update("ENABLED")).await;
    cloud.advance(3600).await;
    let runs = settled(&cloud, "five").await;
    assert_eq!((runs.len(), runs[0].destinations.as_ref().unwrap().len()), (2, 0));
    cloud.ok::<op::DeleteScheduledQuery>(s::DeleteScheduledQueryRequest { identifier: arn }).await;
    let gone =
        cloud.err::<op::GetScheduledQuery>(s::GetScheduledQueryRequest { identifier: "five".into() }).await;
    assert!(gone.starts_with("ResourceNotFoundException"), "{gone}");
}

#[tokio::test]
async fn runs_that_were_missed_are_made_up_each_over_its_own_time() {
    let store = Store::memory();
    let first = Cloud::on(store.clone()).await;
    let begin = prepared(&first).await;
    first.ok::<op::CreateScheduledQuery>(create("five")).await;
    first.settle().await;
    let advance_ms = begin + 16 * 60_000 - first.now_ms();
    drop(first);
    let cloud = Cloud::seeded(store, 12).await;
    let ahead_ms = (begin - cloud.now_ms()) + advance_ms;
    cloud.platform.env.clock.advance(std::time::Duration::from_millis(ahead_ms as u64));
    let runs = settled(&cloud, "five").await;
    let times: Vec<_> =
        runs.iter().filter_map(|run| run.triggered_timestamp).map(|at| (at - begin) / 60_000).collect();
    assert_eq!(times, [15, 10, 5]);
    assert!(
        runs.iter().all(|run| run.execution_status.as_deref() == Some("Complete")),
        "{:?}",
        runs[0].error_message
    );
}

#[tokio::test]
async fn what_fails_is_told() {
    let cloud = Cloud::new().await;
    prepared(&cloud).await;
    role(&cloud, "nothing", &["s3:GetObject"]).await;
    let nothing = "arn:aws:iam::111111111111:role/nothing";
    let absent = "arn:aws:iam::111111111111:role/absent";
    let to = |role: &str, bucket: &str| {
        Some(s::DestinationConfiguration {
            s3_configuration: Some(s::S3Configuration {
                destination_identifier: bucket.into(),
                role_arn: role.into(),
                ..Default::default()
            }),
            ..Default::default()
        })
    };
    let cases = [
        (
            "may-not-read",
            s::CreateScheduledQueryRequest { execution_role_arn: nothing.into(), ..create("") },
            "Failed",
            None,
        ),
        (
            "no-role",
            s::CreateScheduledQueryRequest { execution_role_arn: absent.into(), ..create("") },
            "Failed",
            None,
        ),
        (
            "no-group",
            s::CreateScheduledQueryRequest { log_group_identifiers: Some(vec!["none".into()]), ..create("") },
            "Failed",
            None,
        ),
        (
            "may-not-write",
            s::CreateScheduledQueryRequest {
                destination_configuration: to(nothing, "s3://results"),
                ..create("")
            },
            "Complete",
            Some("CLIENT_ERROR"),
        ),
        (
            "no-bucket",
            s::CreateScheduledQueryRequest {
                destination_configuration: to(WRITER, "s3://nobucket/x"),
                ..create("")
            },
            "Complete",
            Some("CLIENT_ERROR"),
        ),
    ];
    for (name, input, ..) in &cases {
        cloud
            .ok::<op::CreateScheduledQuery>(s::CreateScheduledQueryRequest {
                name: (*name).into(),
                ..input.clone()
            })
            .await;
    }
    cloud.advance(301).await;
    for (name, _, status, delivered) in cases {
        let runs = settled(&cloud, name).await;
        assert_eq!(runs[0].execution_status.as_deref(), Some(status), "{name}");
        assert_eq!(runs[0].error_message.is_some(), status == "Failed", "{name}");
        let destination = runs[0].destinations.as_ref().unwrap().first();
        assert_eq!(destination.and_then(|one| one.status.as_deref()), delivered, "{name}");
        assert_eq!(destination.is_some_and(|one| one.error_message.is_some()), delivered.is_some(), "{name}");
    }
    assert!(files(&cloud).await.is_empty());
}

#[tokio::test]
async fn results_become_a_lookup_table() {
    let cloud = Cloud::new().await;
    prepared(&cloud).await;
    let table = s::DestinationConfiguration {
        lookup_table_configuration: Some(s::LookupTableConfiguration {
            table_name: "recent".into(),
            role_arn: WRITER.into(),
            tags: Some([("team".to_owned(), "sky".to_owned())].into_iter().collect()),
            ..Default::default()
        }),
        ..Default::default()
    };
    let input = s::CreateScheduledQueryRequest {
        query_string: "fields n | sort n asc | limit 2".into(),
        destination_configuration: Some(table),
        ..create("table")
    };
    cloud.ok::<op::CreateScheduledQuery>(input).await;
    let arn = format!("arn:aws:logs:us-east-1:{OURS}:lookup-table:recent");
    for (seconds, expected) in [(301, "n\n0\n1\n"), (300, "n\n5\n6\n")] {
        cloud.advance(seconds).await;
        let runs = settled(&cloud, "table").await;
        let delivered = &runs[0].destinations.as_ref().unwrap()[0];
        assert_eq!(
            (delivered.destination_type.as_deref(), delivered.status.as_deref()),
            (Some("LOOKUP_TABLE"), Some("COMPLETE")),
            "{:?}",
            delivered.error_message
        );
        let get = s::GetLookupTableRequest { lookup_table_arn: arn.clone() };
        assert_eq!(cloud.ok::<op::GetLookupTable>(get).await.table_body.as_deref(), Some(expected));
    }
    let tags = s::ListTagsForResourceRequest { resource_arn: arn };
    assert_eq!(
        cloud.ok::<op::ListTagsForResource>(tags).await.tags.unwrap().get("team").map(String::as_str),
        Some("sky")
    );
}

#[tokio::test]
async fn what_cannot_be_kept_is_refused() {
    let cloud = Cloud::new().await;
    prepared(&cloud).await;
    let with = |change: &dyn Fn(&mut s::CreateScheduledQueryRequest)| {
        let mut input = create("x");
        change(&mut input);
        input
    };
    for (why, input) in [
        ("language", with(&|input| input.query_language = "SQL".into())),
        ("query", with(&|input| input.query_string = "nonsense |".into())),
        ("rate", with(&|input| input.schedule_expression = "rate(5 minutes)".into())),
        ("cron", with(&|input| input.schedule_expression = "cron(* * * *)".into())),
        ("zone", with(&|input| input.timezone = Some("Mars/Base".into()))),
        ("role", with(&|input| input.execution_role_arn = "runner".into())),
        ("offset", with(&|input| input.start_time_offset = Some(0))),
        ("offsets", with(&|input| input.end_time_offset = Some(300))),
        (
            "times",
            with(&|input| {
                (input.schedule_start_time, input.schedule_end_time) =
                    (Some(2_000_000_000), Some(1_900_000_000))
            }),
        ),
        (
            "end before the default",
            with(&|input| (input.start_time_offset, input.end_time_offset) = (None, Some(3600))),
        ),
        ("no groups", with(&|input| input.log_group_identifiers = None)),
        ("both groups", with(&|input| input.query_string = "SOURCE 'g' | fields n".into())),
    ] {
        let refused = cloud.err::<op::CreateScheduledQuery>(input).await;
        assert!(refused.starts_with("ValidationException"), "{why}: {refused}");
    }
    // A role of another account is nobody's here to pass.
    let foreign = with(&|input| input.execution_role_arn = "arn:aws:iam::222222222222:role/runner".into());
    assert!(cloud.err::<op::CreateScheduledQuery>(foreign).await.contains("iam:PassRole"));
    cloud.ok::<op::CreateScheduledQuery>(create("x")).await;
    assert!(cloud.err::<op::CreateScheduledQuery>(create("x")).await.starts_with("ConflictException"));
    // By SOURCE, between two times.
    let sourced = with(&|input| {
        input.name = "sourced".into();
        input.log_group_identifiers = None;
        input.query_string = "SOURCE 'g' | fields n".into();
        input.schedule_end_time = Some(cloud.now_ms() / 1000 + 400);
        input.tags = Some([("team".to_owned(), "sky".to_owned())].into_iter().collect());
    });
    let arn = cloud.ok::<op::CreateScheduledQuery>(sourced).await.scheduled_query_arn.unwrap();
    cloud.advance(3600).await;
    assert_eq!(settled(&cloud, "sourced").await.len(), 1, "it ends");
    assert_eq!(settled(&cloud, "x").await.len(), 12);
    let page = s::GetScheduledQueryHistoryRequest {
        identifier: "x".into(),
        start_time: 0,
        end_time: cloud.now_ms(),
        max_results: Some(5),
        ..Default::default()
    };
    let (mut pages, mut token) = (Vec::new(), None);
    loop {
        let ask = s::GetScheduledQueryHistoryRequest { next_token: token, ..page.clone() };
        let answer = cloud.ok::<op::GetScheduledQueryHistory>(ask).await;
        pages.push(answer.trigger_history.unwrap().len());
        token = answer.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(pages, [5, 5, 2]);
    let failed =
        s::GetScheduledQueryHistoryRequest { execution_statuses: Some(vec!["Failed".into()]), ..page };
    assert!(cloud.ok::<op::GetScheduledQueryHistory>(failed).await.trigger_history.unwrap().is_empty());
    let tags = cloud
        .ok::<op::ListTagsForResource>(s::ListTagsForResourceRequest { resource_arn: arn })
        .await
        .tags
        .unwrap();
    assert_eq!(tags.get("team").map(String::as_str), Some("sky"));
    let list =
        |state: &str| s::ListScheduledQueriesRequest { state: Some(state.into()), ..Default::default() };
    let listed = cloud.ok::<op::ListScheduledQueries>(list("ENABLED")).await.scheduled_queries.unwrap();
    assert_eq!(listed.iter().filter_map(|one| one.name.as_deref()).collect::<Vec<_>>(), ["sourced", "x"]);
    assert!(
        cloud.ok::<op::ListScheduledQueries>(list("DISABLED")).await.scheduled_queries.unwrap().is_empty()
    );
}

#[tokio::test]
async fn who_makes_one_hands_over_its_roles() {
    let cloud = Cloud::new().await;
    prepared(&cloud).await;
    let make = r#"{"Effect":"Allow","Action":"logs:CreateScheduledQuery","Resource":"*"}"#;
    let ann = cloud.user("ann", make).await;
    let refused = cloud.call_as::<op::CreateScheduledQuery>(&ann, create("x")).await.err().unwrap();
    assert!(refused.message().contains("iam:PassRole"), "{refused}");
    let one = format!(r#"{make},{{"Effect":"Allow","Action":"iam:PassRole","Resource":"{RUNNER}"}}"#);
    let bob = cloud.user("bob", &one).await;
    let refused = cloud.call_as::<op::CreateScheduledQuery>(&bob, create("x")).await.err().unwrap();
    assert!(refused.message().contains("role/writer"), "{refused}");
    let both = format!(
        r#"{make},{{"Effect":"Allow","Action":"iam:PassRole","Resource":"*","Condition":{{"StringEquals":{{"iam:PassedToService":"logs.amazonaws.com"}}}}}}"#
    );
    let eve = cloud.user("eve", &both).await;
    cloud.call_as::<op::CreateScheduledQuery>(&eve, create("x")).await.unwrap();
}

#[tokio::test]
async fn a_run_is_tried_again_later_each_time_and_not_for_ever() {
    use crate::model::{PENDING_RUNS, RunStatus, SCHEDULED_RUNS};
    use haneul_store::Reads;
    let store = Store::memory();
    let first = Cloud::on(store.clone()).await;
    let begin = prepared(&first).await;
    first.ok::<op::CreateScheduledQuery>(create("five")).await;
    first.settle().await;
    // It is due when the cloud goes down, and was tried so often.
    let interrupted = |attempts: u32, last_ms: i64| {
        let store = store.clone();
        async move {
            let (key, query) = store
                .scan(&crate::model::SCHEDULED_QUERIES, haneul_store::Range::all(), 1)
                .await
                .unwrap()
                .remove(0);
            let due_ms = begin + 300_000;
            let run = crate::model::ScheduledRun {
                query: None,
                status: RunStatus::Running,
                error: None,
                deliveries: Vec::new(),
            };
            store.put(&SCHEDULED_RUNS, &(key.2.as_str(), due_ms), &run).await.unwrap();
            let mut pending = crate::model::PendingRun::new(&key);
            (pending.attempts, pending.first_ms, pending.last_ms) = (attempts, due_ms, last_ms);
            store.put(&PENDING_RUNS, &(due_ms, key.2.as_str()), &pending).await.unwrap();
            let rested = crate::model::ScheduledQuery { next_ms: None, ..query };
            store.put(&crate::model::SCHEDULED_QUERIES, &key, &rested).await.unwrap();
        }
    };
    let ahead = |cloud: &Cloud| {
        let ms = (begin + 301_000 - cloud.now_ms()) as u64;
        cloud.platform.env.clock.advance(std::time::Duration::from_millis(ms));
    };
    drop(first);
    interrupted(3, begin + 300_000).await;
    let cloud = Cloud::seeded(store.clone(), 12).await;
    ahead(&cloud);
    cloud.settle().await;
    assert_eq!(
        history(&cloud, "five").await[0].execution_status.as_deref(),
        Some("Running"),
        "after eight seconds"
    );
    cloud.advance(8).await;
    assert_eq!(settled(&cloud, "five").await[0].execution_status.as_deref(), Some("Complete"));
    drop(cloud);
    interrupted(30, 0).await;
    let cloud = Cloud::seeded(store.clone(), 13).await;
    ahead(&cloud);
    let runs = settled(&cloud, "five").await;
    assert_eq!(runs[0].execution_status.as_deref(), Some("Failed"));
    assert_eq!(runs[0].error_message.as_deref(), Some("The query was interrupted too often."));
}

#[tokio::test]
async fn runs_are_forgotten_after_a_month_though_the_query_rests() {
    let cloud = Cloud::new().await;
    prepared(&cloud).await;
    cloud.ok::<op::CreateScheduledQuery>(create("five")).await;
    cloud.advance(301).await;
    assert_eq!(settled(&cloud, "five").await.len(), 1);
    let rest = s::UpdateScheduledQueryRequest {
        identifier: "five".into(),
        query_language: "CWLI".into(),
        query_string: "fields n".into(),
        log_group_identifiers: Some(vec!["g".into()]),
        schedule_expression: "cron(0/5 * * * ? *)".into(),
        execution_role_arn: RUNNER.into(),
        state: Some("DISABLED".into()),
        ..Default::default()
    };
    cloud.ok::<op::UpdateScheduledQuery>(rest).await;
    cloud.advance(29 * 86_400).await;
    assert_eq!(history(&cloud, "five").await.len(), 1);
    cloud.advance(86_400).await;
    cloud.advance(3600).await;
    assert!(history(&cloud, "five").await.is_empty());
}
