use haneul_cloudtrail_wire::{operations as op, shapes as s};
use haneul_iam_wire::{operations as iam, shapes as i};
use haneul_kit::{Caller, Instant};
use haneul_sqs_wire::{operations as sqs, shapes as q};
use serde_json::Value;

use super::cloud::{Cloud, OURS};

const BOTH: [&str; 2] = ["ApiCallRateInsight", "ApiErrorRateInsight"];

fn selectors(kinds: &[&str], categories: &[&str]) -> Vec<s::InsightSelector> {
    let categories: Vec<String> = categories.iter().map(|one| (*one).to_owned()).collect();
    kinds
        .iter()
        .map(|kind| s::InsightSelector {
            insight_type: Some((*kind).to_owned()),
            event_categories: (!categories.is_empty()).then(|| categories.clone()),
        })
        .collect()
}

fn of_trail(kinds: &[&str], categories: &[&str]) -> s::PutInsightSelectorsRequest {
    s::PutInsightSelectorsRequest {
        trail_name: Some("main".into()),
        insight_selectors: selectors(kinds, categories),
        ..Default::default()
    }
}

async fn tag(cloud: &Cloud, times: u32) {
    for _ in 0..times {
        let tags = vec![i::Tag { key: "n".into(), value: "1".into() }];
        cloud.ok::<iam::TagUser>(i::TagUserRequest { user_name: "ann".into(), tags }).await;
    }
}

async fn fail(cloud: &Cloud, who: &Caller, times: u32) {
    for _ in 0..times {
        let get = i::GetUserRequest { user_name: Some("ann".into()) };
        assert!(cloud.call_as::<iam::GetUser>(who, get).await.is_err());
    }
}

/// Days in which every hour has a few calls, and now and then one is denied.
async fn days(cloud: &Cloud, who: &Caller, days: u32) {
    for hour in 0..days * 24 {
        tag(cloud, 2).await;
        if hour % 12 == 0 {
            fail(cloud, who, 1).await;
        }
        cloud.advance(3600).await;
    }
}

async fn found(cloud: &Cloud, attribute: Option<(&str, &str)>) -> Vec<Value> {
    let input = s::LookupEventsRequest {
        event_category: Some("insight".into()),
        lookup_attributes: attribute.map(|(key, value)| {
            vec![s::LookupAttribute { attribute_key: key.into(), attribute_value: value.into() }]
        }),
        ..Default::default()
    };
    let events = cloud.ok::<op::LookupEvents>(input).await.events.unwrap();
    events
        .into_iter()
        .map(|event| {
            let json: Value = serde_json::from_str(&event.cloud_trail_event.unwrap()).unwrap();
            assert_eq!(json["insightDetails"]["eventName"], event.event_name.unwrap());
            assert_eq!(json["insightDetails"]["eventSource"], event.event_source.unwrap());
            assert_eq!(Instant::parse_iso8601(json["eventTime"].as_str().unwrap()), event.event_time);
            json
        })
        .rev()
        .collect()
}

#[tokio::test]
async fn a_burst_of_calls_is_told_at_its_start_and_its_end() {
    let cloud = Cloud::new().await;
    cloud.trail("main").await;
    cloud.ok::<iam::CreateUser>(i::CreateUserRequest { user_name: "ann".into(), ..Default::default() }).await;
    let nobody = cloud.user("nobody", r#""Effect":"Allow","Action":"sqs:*","Resource":"*""#).await;
    let put = cloud.ok::<op::PutInsightSelectors>(of_trail(&BOTH, &[])).await;
    assert_eq!(put.insight_selectors.unwrap()[0].event_categories, Some(vec!["Management".to_owned()]));
    days(&cloud, &nobody, 8).await;
    assert!(found(&cloud, None).await.is_empty(), "a week like any other");

    // Three minutes of 20, 30 and 10 calls.
    cloud.advance(600).await;
    let start = cloud.platform.env.now();
    tag(&cloud, 20).await;
    cloud.advance(60).await;
    tag(&cloud, 30).await;
    let begun = found(&cloud, None).await;
    let [begin] = &begun[..] else { panic!("{begun:?}") };
    cloud.advance(60).await;
    tag(&cloud, 10).await;
    cloud.advance(60).await;
    cloud.advance(180).await;
    assert_eq!(found(&cloud, None).await.len(), 1, "five minutes have to be as usual");
    cloud.advance(300).await;
    let all = found(&cloud, None).await;
    let [_, end] = &all[..] else { panic!("{all:?}") };
    assert_eq!(begin["eventTime"], start.iso8601());
    assert_eq!(end["eventTime"], (start + std::time::Duration::from_secs(180)).iso8601());
    assert_eq!(begin["sharedEventID"], end["sharedEventID"]);
    assert_ne!(begin["eventID"], end["eventID"]);
    for (event, state, average, duration) in [(begin, "Start", 20.0, 1), (end, "End", 20.0, 3)] {
        assert_eq!(event["eventType"], "AwsCloudTrailInsight");
        assert_eq!((&event["eventCategory"], &event["awsRegion"]), (&"Insight".into(), &"us-east-1".into()));
        let details = &event["insightDetails"];
        assert_eq!(details["state"], state);
        assert_eq!(
            (&details["eventSource"], &details["eventName"]),
            (&"iam.amazonaws.com".into(), &"TagUser".into())
        );
        assert_eq!(details["insightType"], "ApiCallRateInsight");
        assert_eq!(details.get("errorCode"), None);
        let statistics = &details["insightContext"]["statistics"];
        assert_eq!(statistics["insight"]["average"], average);
        assert_eq!(
            (&statistics["insightDuration"], &statistics["baselineDuration"]),
            (&duration.into(), &10_080.into())
        );
        let baseline = statistics["baseline"]["average"].as_f64().unwrap();
        assert!((baseline - 2.0 / 60.0).abs() < 1e-9, "{baseline}");
        let attributions = details["insightContext"]["attributions"].as_array().unwrap();
        let names: Vec<&str> = attributions.iter().map(|one| one["attribute"].as_str().unwrap()).collect();
        assert_eq!(names, ["userIdentityArn", "userAgent", "errorCode"]);
        assert_eq!(attributions[0]["insight"][0]["value"], format!("arn:aws:iam::{OURS}:root"));
        assert_eq!(attributions[0]["insight"][0]["average"], average);
        assert_eq!(attributions[0]["baseline"][0]["average"].as_f64(), Some(baseline));
        assert_eq!(attributions[2]["insight"][0]["value"], "null");
    }

    // Files of their own, in no digest.
    let keys = cloud.keys("logs").await;
    let start = format!(
        "AWSLogs/{OURS}/CloudTrail-Insight/us-east-1/2026/01/09/{OURS}_CloudTrail-Insight_us-east-1_"
    );
    let files: Vec<&String> = keys.iter().filter(|key| key.starts_with(&start)).collect();
    let mut delivered = Vec::new();
    for key in &files {
        let file: Value = serde_json::from_str(&cloud.text("logs", key).await).unwrap();
        delivered.extend(file["Records"].as_array().unwrap().clone());
    }
    assert_eq!(delivered, all, "{files:?}");
    cloud.advance(3600).await;
    for key in cloud.keys("logs").await.iter().filter(|key| key.contains("CloudTrail-Digest")) {
        assert!(!cloud.text("logs", key).await.contains("CloudTrail-Insight"), "{key}");
    }

    assert_eq!(found(&cloud, Some(("EventName", "TagUser"))).await.len(), 2);
    assert_eq!(found(&cloud, Some(("EventName", "CreateUser"))).await.len(), 0);
    let by_user = s::LookupEventsRequest {
        event_category: Some("insight".into()),
        lookup_attributes: Some(vec![s::LookupAttribute {
            attribute_key: "Username".into(),
            attribute_value: "ann".into(),
        }]),
        ..Default::default()
    };
    assert_eq!(cloud.err::<op::LookupEvents>(by_user).await, "InvalidLookupAttributesException");
}

#[tokio::test]
async fn a_burst_of_errors_is_told_by_its_code_and_into_the_event_data_store() {
    let cloud = Cloud::new().await;
    cloud.ok::<iam::CreateUser>(i::CreateUserRequest { user_name: "ann".into(), ..Default::default() }).await;
    let nobody = cloud.user("nobody", r#""Effect":"Allow","Action":"sqs:*","Resource":"*""#).await;
    let store = |name: &str, category: Option<&str>| s::CreateEventDataStoreRequest {
        name: name.into(),
        advanced_event_selectors: category.map(|category| {
            let field = s::AdvancedFieldSelector {
                field: "eventCategory".into(),
                equals: Some(vec![category.into()]),
                ..Default::default()
            };
            vec![s::AdvancedEventSelector { name: None, field_selectors: vec![field] }]
        }),
        ..Default::default()
    };
    let source =
        cloud.ok::<op::CreateEventDataStore>(store("source", None)).await.event_data_store_arn.unwrap();
    let insights = cloud
        .ok::<op::CreateEventDataStore>(store("found", Some("Insight")))
        .await
        .event_data_store_arn
        .unwrap();
    let put = |source: &str, destination: Option<&str>, categories: &[&str]| s::PutInsightSelectorsRequest {
        event_data_store: Some(source.to_owned()),
        insights_destination: destination.map(str::to_owned),
        insight_selectors: selectors(&BOTH[1..], categories),
        ..Default::default()
    };
    for (input, code) in [
        (put(&source, None, &[]), "InvalidParameterCombinationException"),
        (put(&source, Some(&source), &[]), "InvalidInsightSelectorsException"),
        (put(&insights, Some(&source), &[]), "InvalidInsightSelectorsException"),
        (put(&source, Some(&insights), &["Data"]), "InvalidInsightSelectorsException"),
    ] {
        assert_eq!(cloud.err::<op::PutInsightSelectors>(input).await, code);
    }
    let get = s::GetInsightSelectorsRequest { event_data_store: Some(source.clone()), ..Default::default() };
    assert_eq!(cloud.err::<op::GetInsightSelectors>(get.clone()).await, "InsightNotEnabledException");
    cloud.ok::<op::PutInsightSelectors>(put(&source, Some(&insights), &[])).await;
    let got = cloud.ok::<op::GetInsightSelectors>(get).await;
    assert_eq!(got.insights_destination.as_deref(), Some(&*insights));

    days(&cloud, &nobody, 2).await;
    fail(&cloud, &nobody, 15).await;
    // Call rates are not looked for here.
    tag(&cloud, 40).await;
    cloud.advance(600).await;
    let all = found(&cloud, None).await;
    let states: Vec<_> = all.iter().map(|event| event["insightDetails"]["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["Start", "End"]);
    let details = &all[0]["insightDetails"];
    assert_eq!(
        (&details["insightType"], &details["errorCode"]),
        (&"ApiErrorRateInsight".into(), &"AccessDenied".into())
    );
    assert_eq!(details["eventName"], "GetUser");
    assert_eq!(
        details["insightContext"]["attributions"][0]["insight"][0]["value"],
        format!("arn:aws:iam::{OURS}:user/nobody")
    );

    let statement = format!(
        "SELECT insightState, insightEventName, insightErrorCode, insightSource, insightContext.insightAverage FROM {} ORDER BY eventTime",
        insights.rsplit('/').next().unwrap()
    );
    let query = s::StartQueryRequest { query_statement: Some(statement), ..Default::default() };
    let id = cloud.ok::<op::StartQuery>(query).await.query_id.unwrap();
    cloud.advance(1).await;
    let results = s::GetQueryResultsRequest { query_id: id, ..Default::default() };
    let rows = cloud.ok::<op::GetQueryResults>(results).await.query_result_rows.unwrap();
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .map(|row| {
            row.into_iter().flat_map(|cell| cell.iter().map(|(_, v)| v.clone()).collect::<Vec<_>>()).collect()
        })
        .collect();
    assert_eq!(rows[0], ["Start", "GetUser", "AccessDenied", &source, "15"]);
    assert_eq!(rows.len(), 2);

    let update = s::UpdateEventDataStoreRequest {
        event_data_store: source.clone(),
        advanced_event_selectors: Some(vec![s::AdvancedEventSelector {
            name: None,
            field_selectors: vec![s::AdvancedFieldSelector {
                field: "eventCategory".into(),
                equals: Some(vec!["Insight".into()]),
                ..Default::default()
            }],
        }]),
        ..Default::default()
    };
    assert_eq!(cloud.err::<op::UpdateEventDataStore>(update).await, "InvalidInsightSelectorsException");
}

#[tokio::test]
async fn data_events_are_counted_for_the_trail_that_selects_them() {
    let cloud = Cloud::new().await;
    cloud.trail("main").await;
    let url = cloud
        .ok::<sqs::CreateQueue>(q::CreateQueueRequest { queue_name: "jobs".into(), ..Default::default() })
        .await
        .queue_url
        .unwrap();
    assert_eq!(
        cloud.err::<op::PutInsightSelectors>(of_trail(&BOTH[..1], &["Data"])).await,
        "InvalidInsightSelectorsException",
        "the trail takes no data events"
    );
    let field = |field: &str, value: &str| s::AdvancedFieldSelector {
        field: field.into(),
        equals: Some(vec![value.into()]),
        ..Default::default()
    };
    let put = s::PutEventSelectorsRequest {
        trail_name: "main".into(),
        advanced_event_selectors: Some(vec![s::AdvancedEventSelector {
            name: None,
            field_selectors: vec![field("eventCategory", "Data"), field("resources.type", "AWS::SQS::Queue")],
        }]),
        ..Default::default()
    };
    cloud.ok::<op::PutEventSelectors>(put).await;
    cloud.ok::<op::PutInsightSelectors>(of_trail(&BOTH[..1], &["Data"])).await;
    let send =
        || q::SendMessageRequest { queue_url: url.clone(), message_body: "x".into(), ..Default::default() };
    for _ in 0..30 {
        cloud.ok::<sqs::SendMessage>(send()).await;
        cloud.advance(3600).await;
    }
    for _ in 0..12 {
        cloud.ok::<sqs::SendMessage>(send()).await;
    }
    cloud.advance(60).await;
    assert!(found(&cloud, None).await.is_empty(), "these are of management events");
    let arn = format!("arn:aws:cloudtrail:us-east-1:{OURS}:trail/main");
    let list = |dimension: Option<(&str, &str)>| s::ListInsightsDataRequest {
        insight_source: arn.clone(),
        data_type: "InsightsEvents".into(),
        dimensions: dimension.map(|(key, value)| [(key.to_owned(), value.to_owned())].into_iter().collect()),
        ..Default::default()
    };
    let events = cloud.ok::<op::ListInsightsData>(list(None)).await.events.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].event_name.as_deref(), Some("SendMessage"));
    for (key, value, count) in [("EventName", "SendMessage", 1), ("EventSource", "s3.amazonaws.com", 0)] {
        let found = cloud.ok::<op::ListInsightsData>(list(Some((key, value)))).await.events.unwrap();
        assert_eq!(found.len(), count, "{key}");
    }

    let metric =
        |name: &str, trail: bool, period: i32, data: &str, limit: Option<i32>, token: Option<String>| {
            s::ListInsightsMetricDataRequest {
                trail_name: trail.then(|| arn.clone()),
                event_source: "sqs.amazonaws.com".into(),
                event_name: name.into(),
                insight_type: BOTH[0].into(),
                period: Some(period),
                data_type: Some(data.into()),
                max_results: limit,
                next_token: token,
                ..Default::default()
            }
        };
    let answer = cloud
        .ok::<op::ListInsightsMetricData>(metric("SendMessage", true, 60, "NonZeroData", None, None))
        .await;
    let values = answer.values.unwrap();
    assert_eq!((values.len(), values.iter().sum::<f64>(), values.last()), (31, 42.0, Some(&12.0)));
    assert_eq!(answer.trail_arn.as_deref(), Some(&*arn));
    let hours = cloud
        .ok::<op::ListInsightsMetricData>(metric("SendMessage", true, 3600, "FillWithZeros", None, None))
        .await;
    assert_eq!(
        (hours.values.as_ref().unwrap().len(), hours.values.unwrap().iter().sum::<f64>()),
        (90 * 24, 42.0)
    );
    assert!(
        cloud
            .ok::<op::ListInsightsMetricData>(metric("SendMessage", false, 60, "NonZeroData", None, None))
            .await
            .values
            .unwrap()
            .is_empty()
    );
    let (mut paged, mut token) = (Vec::new(), None);
    loop {
        let page = cloud
            .ok::<op::ListInsightsMetricData>(metric("SendMessage", true, 60, "NonZeroData", Some(10), token))
            .await;
        paged.extend(page.values.unwrap());
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(paged, values);
    assert_eq!(
        cloud.err::<op::ListInsightsMetricData>(metric("X", false, 90, "NonZeroData", None, None)).await,
        "InvalidParameterException"
    );
    let errors = s::ListInsightsMetricDataRequest {
        insight_type: BOTH[1].into(),
        ..metric("X", false, 60, "NonZeroData", None, None)
    };
    assert_eq!(cloud.err::<op::ListInsightsMetricData>(errors).await, "InvalidParameterException");
}

#[tokio::test]
async fn selectors_are_checked_and_an_empty_list_turns_them_off() {
    let cloud = Cloud::new().await;
    cloud.trail("main").await;
    let get = || s::GetInsightSelectorsRequest { trail_name: Some("main".into()), ..Default::default() };
    assert_eq!(cloud.err::<op::GetInsightSelectors>(get()).await, "InsightNotEnabledException");
    for (input, code) in [
        (of_trail(&["ApiCallRateInsight", "ApiCallRateInsight"], &[]), "InvalidInsightSelectorsException"),
        // The model knows no such category.
        (of_trail(&BOTH, &["Network"]), "ValidationException"),
        (
            s::PutInsightSelectorsRequest { event_data_store: Some("x".repeat(36)), ..of_trail(&BOTH, &[]) },
            "InvalidParameterCombinationException",
        ),
        (
            s::PutInsightSelectorsRequest { trail_name: None, ..of_trail(&BOTH, &[]) },
            "InvalidParameterException",
        ),
        (
            s::PutInsightSelectorsRequest { trail_name: Some("gone".into()), ..of_trail(&BOTH, &[]) },
            "TrailNotFoundException",
        ),
    ] {
        assert_eq!(cloud.err::<op::PutInsightSelectors>(input).await, code);
    }
    cloud.ok::<op::PutInsightSelectors>(of_trail(&BOTH, &["Management", "Data"][..1])).await;
    let kinds = cloud.ok::<op::GetInsightSelectors>(get()).await.insight_selectors.unwrap();
    assert_eq!(kinds.iter().map(|one| one.insight_type.as_deref().unwrap()).collect::<Vec<_>>(), BOTH);
    let trail = || s::GetTrailRequest { name: "main".into() };
    assert_eq!(cloud.ok::<op::GetTrail>(trail()).await.trail.unwrap().has_insight_selectors, Some(true));
    cloud.ok::<op::PutInsightSelectors>(of_trail(&[], &[])).await;
    assert_eq!(cloud.err::<op::GetInsightSelectors>(get()).await, "InsightNotEnabledException");
    assert_eq!(cloud.ok::<op::GetTrail>(trail()).await.trail.unwrap().has_insight_selectors, Some(false));
    // Call rates are of what writes.
    let reads = s::EventSelector {
        read_write_type: Some("ReadOnly".into()),
        include_management_events: Some(true),
        ..Default::default()
    };
    let put = s::PutEventSelectorsRequest {
        trail_name: "main".into(),
        event_selectors: Some(vec![reads]),
        ..Default::default()
    };
    cloud.ok::<op::PutEventSelectors>(put).await;
    assert_eq!(
        cloud.err::<op::PutInsightSelectors>(of_trail(&BOTH[..1], &[])).await,
        "InvalidInsightSelectorsException"
    );
    cloud.ok::<op::PutInsightSelectors>(of_trail(&BOTH[1..], &[])).await;
}

#[tokio::test]
async fn what_has_begun_is_ended_by_another_life_of_the_cloud() {
    let cloud = Cloud::new().await;
    cloud.trail("main").await;
    cloud.ok::<iam::CreateUser>(i::CreateUserRequest { user_name: "ann".into(), ..Default::default() }).await;
    let nobody = cloud.user("nobody", r#""Effect":"Allow","Action":"sqs:*","Resource":"*""#).await;
    cloud.ok::<op::PutInsightSelectors>(of_trail(&BOTH, &[])).await;
    days(&cloud, &nobody, 2).await;
    tag(&cloud, 15).await;
    cloud.advance(90).await;
    let begun = found(&cloud, None).await;
    assert_eq!(begun.len(), 1);
    let cloud = cloud.another_life().await;
    cloud.advance(600).await;
    let all = found(&cloud, None).await;
    let states: Vec<_> = all.iter().map(|event| event["insightDetails"]["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["Start", "End"]);
    assert_eq!((&all[0], &all[1]["sharedEventID"]), (&begun[0], &begun[0]["sharedEventID"]));
    let statistics = &all[1]["insightDetails"]["insightContext"]["statistics"];
    assert_eq!(
        (&statistics["insight"]["average"], &statistics["insightDuration"]),
        (&15.0.into(), &1.into())
    );
}
