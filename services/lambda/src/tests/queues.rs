use haneul_lambda_exec::simulated::Answer;
use haneul_lambda_wire::{operations as op, shapes as s};
use serde_json::{Value, json};

use super::cloud::{Cloud, create, fails, is_poison, nothing};

fn mapping(queue: &str) -> s::CreateEventSourceMappingRequest {
    s::CreateEventSourceMappingRequest {
        event_source_arn: Some(queue.into()),
        function_name: "f".into(),
        ..Default::default()
    }
}

async fn state(cloud: &Cloud, uuid: &str) -> String {
    let get = s::GetEventSourceMappingRequest { uuid: uuid.into() };
    cloud.ok::<op::GetEventSourceMapping>(get).await.state.unwrap()
}

#[tokio::test]
async fn messages_reach_the_function_and_are_deleted() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let queue = cloud.queue("q", &[]).await;
    cloud.send(&queue, "before").await;
    let made = cloud.ok::<op::CreateEventSourceMapping>(mapping(&queue)).await;
    let uuid = made.uuid.unwrap();
    assert_eq!((made.state.as_deref(), made.batch_size), (Some("Creating"), Some(10)));
    cloud.until("the message arrives", || cloud.count("f") == 1).await;
    assert_eq!(state(&cloud, &uuid).await, "Enabled");
    let event = cloud.seen.lock()[0].1.clone();
    let record = &event["Records"][0];
    assert_eq!((record["body"].as_str(), record["eventSource"].as_str()), (Some("before"), Some("aws:sqs")));
    assert_eq!(record["eventSourceARN"], queue);
    assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
    cloud.settle().await;
    assert_eq!(cloud.depth(&queue).await, (0, 0));
    let again = cloud.err::<op::CreateEventSourceMapping>(mapping(&queue)).await;
    assert!(again.starts_with("ResourceConflictException") && again.contains(&uuid), "{again}");
    // Disabled, it leaves messages alone; enabled again, it goes on.
    let enable = |enabled| s::UpdateEventSourceMappingRequest {
        uuid: uuid.clone(),
        enabled: Some(enabled),
        ..Default::default()
    };
    assert_eq!(
        cloud.ok::<op::UpdateEventSourceMapping>(enable(false)).await.state.as_deref(),
        Some("Disabling")
    );
    cloud.settle().await;
    assert_eq!(state(&cloud, &uuid).await, "Disabled");
    cloud.send(&queue, "later").await;
    cloud.pass(60).await;
    assert_eq!(cloud.count("f"), 1);
    cloud.ok::<op::UpdateEventSourceMapping>(enable(true)).await;
    cloud.until("the second message arrives", || cloud.count("f") == 2).await;
    let delete = s::DeleteEventSourceMappingRequest { uuid: uuid.clone() };
    assert_eq!(cloud.ok::<op::DeleteEventSourceMapping>(delete).await.state.as_deref(), Some("Deleting"));
    cloud.settle().await;
    let get = s::GetEventSourceMappingRequest { uuid };
    assert!(cloud.err::<op::GetEventSourceMapping>(get).await.starts_with("ResourceNotFoundException"));
}

#[tokio::test]
async fn a_poison_message_ends_in_the_dead_letter_queue() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let dead = cloud.queue("dead", &[]).await;
    let redrive = json!({ "deadLetterTargetArn": dead, "maxReceiveCount": 2 }).to_string();
    let queue = cloud.queue("q", &[("RedrivePolicy", &redrive), ("VisibilityTimeout", "30")]).await;
    cloud.body("f", |call| match is_poison(&serde_json::from_slice(&call.payload).unwrap()) {
        true => fails(),
        false => nothing(),
    });
    let input = s::CreateEventSourceMappingRequest { batch_size: Some(1), ..mapping(&queue) };
    cloud.ok::<op::CreateEventSourceMapping>(input).await;
    for body in ["good", "poison", "fine"] {
        cloud.send(&queue, body).await;
    }
    cloud.until("the poison is tried twice", || cloud.count("f") == 4).await;
    for _ in 0..4 {
        cloud.pass(31).await;
    }
    assert_eq!(cloud.count("f"), 4);
    let letters = cloud.drain(&dead).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].body.as_deref(), Some("poison"));
    assert_eq!(cloud.depth(&queue).await, (0, 0));
}

#[tokio::test]
async fn a_mapping_tells_what_became_of_its_events() {
    let cloud = Cloud::new().await;
    cloud.platform.metrics.open();
    cloud.function("f").await;
    let queue = cloud.queue("q", &[("VisibilityTimeout", "3000")]).await;
    cloud.body("f", |call| match is_poison(&serde_json::from_slice(&call.payload).unwrap()) {
        true => fails(),
        false => nothing(),
    });
    let filter = json!({ "body": { "wanted": [true] } }).to_string();
    let input = s::CreateEventSourceMappingRequest {
        batch_size: Some(1),
        metrics_config: Some(s::EventSourceMappingMetricsConfig { metrics: Some(vec!["EventCount".into()]) }),
        filter_criteria: Some(s::FilterCriteria { filters: Some(vec![s::Filter { pattern: Some(filter) }]) }),
        ..mapping(&queue)
    };
    let uuid = cloud.ok::<op::CreateEventSourceMapping>(input).await.uuid.unwrap();
    for body in [r#"{"wanted": true}"#, r#"{"wanted": false}"#, r#"{"wanted": true, "n": 2}"#] {
        cloud.send(&queue, body).await;
    }
    cloud.until("both are handed over", || cloud.count("f") == 2).await;
    cloud.pass(120).await;
    let mut told = std::collections::BTreeMap::new();
    for reading in cloud.platform.metrics.take(cloud.platform.env.now()) {
        if reading.dimensions == [("EventSourceMappingUUID", uuid.clone())] {
            *told.entry(reading.name).or_insert(0.0) += reading.summary.sum;
        }
    }
    let expected = [
        ("DeletedEventCount", 3.0),
        ("FilteredOutEventCount", 1.0),
        ("InvokedEventCount", 2.0),
        ("PolledEventCount", 3.0),
    ];
    assert_eq!(told.into_iter().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn what_of_a_batch_failed_comes_back_alone() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let queue = cloud.queue("q", &[]).await;
    cloud.body("f", |call| {
        let event: Value = serde_json::from_slice(&call.payload).unwrap();
        let failed: Vec<Value> = event["Records"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|record| record["body"] == "poison")
            .map(|record| json!({ "itemIdentifier": record["messageId"] }))
            .collect();
        Answer::Value(json!({ "batchItemFailures": failed }))
    });
    for body in ["a", "poison", "b"] {
        cloud.send(&queue, body).await;
    }
    let input = s::CreateEventSourceMappingRequest {
        function_response_types: Some(vec!["ReportBatchItemFailures".into()]),
        ..mapping(&queue)
    };
    cloud.ok::<op::CreateEventSourceMapping>(input).await;
    cloud.until("the batch arrives", || cloud.count("f") >= 1).await;
    cloud.settle().await;
    assert_eq!(cloud.depth(&queue).await, (0, 1));
}

#[tokio::test]
async fn filters_delete_what_nobody_wants_and_windows_gather() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let queue = cloud.queue("q", &[]).await;
    let input = s::CreateEventSourceMappingRequest {
        batch_size: Some(100),
        maximum_batching_window_in_seconds: Some(5),
        filter_criteria: Some(s::FilterCriteria {
            filters: Some(vec![s::Filter { pattern: Some(r#"{"body":{"kind":["a"]}}"#.into()) }]),
        }),
        ..mapping(&queue)
    };
    cloud.ok::<op::CreateEventSourceMapping>(input).await;
    for n in 0..25 {
        let kind = if n % 5 == 0 { "a" } else { "b" };
        cloud.send(&queue, &json!({ "kind": kind, "n": n }).to_string()).await;
    }
    cloud.until("the batch arrives", || cloud.count("f") >= 1).await;
    cloud.settle().await;
    assert_eq!(cloud.count("f"), 1);
    assert_eq!(cloud.seen.lock()[0].1["Records"].as_array().unwrap().len(), 5);
    assert_eq!(cloud.depth(&queue).await, (0, 0));
}

#[tokio::test]
async fn mappings_that_are_refused() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let queue = cloud.queue("q", &[]).await;
    let fifo = cloud.queue("q.fifo", &[("FifoQueue", "true")]).await;
    let short = cloud.queue("short", &[("VisibilityTimeout", "1")]).await;
    let weak = cloud.role("weak", "").await;
    cloud.ok::<op::CreateFunction>(create("weak", &weak)).await;
    let cases: Vec<(&str, s::CreateEventSourceMappingRequest)> = vec![
        ("Unrecognized event source", mapping("arn:aws:s3:::b")),
        ("This event source is not supported", mapping("arn:aws:kafka:us-east-1:111111111111:cluster/c/1")),
        ("SQS Error Code", mapping("arn:aws:sqs:us-east-1:111111111111:none")),
        (
            "does not have permissions to call",
            s::CreateEventSourceMappingRequest { function_name: "weak".into(), ..mapping(&queue) },
        ),
        ("Queue visibility timeout: 1 seconds is less than Function timeout: 3 seconds", mapping(&short)),
        (
            "batch window in seconds must be greater than 0",
            s::CreateEventSourceMappingRequest { batch_size: Some(11), ..mapping(&queue) },
        ),
        (
            "larger than the maximum",
            s::CreateEventSourceMappingRequest { batch_size: Some(11), ..mapping(&fifo) },
        ),
        (
            "Unsupported BisectBatchOnFunctionError",
            s::CreateEventSourceMappingRequest {
                bisect_batch_on_function_error: Some(true),
                ..mapping(&queue)
            },
        ),
        (
            "Invalid filter pattern",
            s::CreateEventSourceMappingRequest {
                filter_criteria: Some(s::FilterCriteria {
                    filters: Some(vec![s::Filter { pattern: Some(r#"{"a":1}"#.into()) }]),
                }),
                ..mapping(&queue)
            },
        ),
        (
            "Function not found",
            s::CreateEventSourceMappingRequest { function_name: "none".into(), ..mapping(&queue) },
        ),
        (
            "StartingPosition is not valid",
            s::CreateEventSourceMappingRequest {
                starting_position: Some("LATEST".into()),
                ..mapping(&queue)
            },
        ),
    ];
    for (wanted, input) in cases {
        let refused = cloud.err::<op::CreateEventSourceMapping>(input).await;
        assert!(refused.contains(wanted), "{wanted}: {refused}");
    }
}
