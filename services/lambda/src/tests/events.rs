use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use haneul_lambda_exec::simulated::Answer;
use haneul_lambda_wire::{operations as op, shapes as s};
use serde_json::{Value, json};

use super::cloud::{Cloud, fails, is_poison};

fn config(
    name: &str,
    success: Option<&str>,
    failure: Option<&str>,
) -> s::PutFunctionEventInvokeConfigRequest {
    s::PutFunctionEventInvokeConfigRequest {
        function_name: name.into(),
        destination_config: Some(s::DestinationConfig {
            on_success: Some(s::OnSuccess { destination: success.map(str::to_owned) }),
            on_failure: Some(s::OnFailure { destination: failure.map(str::to_owned) }),
        }),
        ..Default::default()
    }
}

#[tokio::test]
async fn failures_are_tried_again_after_one_and_two_minutes() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let dead = cloud.queue("dead", &[]).await;
    let failed = cloud.queue("failed", &[]).await;
    cloud
        .ok::<op::UpdateFunctionConfiguration>(s::UpdateFunctionConfigurationRequest {
            function_name: "f".into(),
            dead_letter_config: Some(s::DeadLetterConfig { target_arn: Some(dead.clone()) }),
            ..Default::default()
        })
        .await;
    cloud.ok::<op::PutFunctionEventInvokeConfig>(config("f", None, Some(&failed))).await;
    cloud.body("f", |_| fails());
    cloud.send_event("f", json!({ "n": 1 })).await;
    cloud.settle().await;
    assert_eq!(cloud.count("f"), 1);
    cloud.pass(59).await;
    assert_eq!(cloud.count("f"), 1);
    cloud.pass(1).await;
    assert_eq!(cloud.count("f"), 2);
    cloud.pass(119).await;
    assert_eq!(cloud.count("f"), 2);
    cloud.pass(1).await;
    assert_eq!(cloud.count("f"), 3);
    cloud.pass(3600).await;
    assert_eq!(cloud.count("f"), 3);
    let letters = cloud.drain(&dead).await;
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].body.as_deref(), Some(r#"{"n":1}"#));
    let attributes = letters[0].message_attributes.as_ref().unwrap();
    assert_eq!(attributes.get("ErrorCode").unwrap().string_value.as_deref(), Some("200"));
    assert_eq!(attributes.get("ErrorMessage").unwrap().string_value.as_deref(), Some("no"));
    let records = cloud.drain(&failed).await;
    assert_eq!(records.len(), 1);
    let record: Value = serde_json::from_str(records[0].body.as_deref().unwrap()).unwrap();
    assert_eq!(record["requestContext"]["condition"], "RetriesExhausted");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 3);
    assert_eq!(
        record["requestContext"]["functionArn"],
        "arn:aws:lambda:us-east-1:111111111111:function:f:$LATEST"
    );
    assert_eq!(record["requestPayload"], json!({ "n": 1 }));
    assert_eq!(record["responseContext"]["functionError"], "Unhandled");
    assert_eq!(record["responsePayload"]["errorType"], "ValueError");
}

#[tokio::test]
async fn success_is_told_to_a_queue_and_to_a_function() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    cloud.function("next").await;
    let done = cloud.queue("done", &[]).await;
    cloud.ok::<op::PutFunctionEventInvokeConfig>(config("f", Some(&done), None)).await;
    cloud.send_event("f", json!("a")).await;
    cloud.settle().await;
    let record: Value = serde_json::from_str(cloud.drain(&done).await[0].body.as_deref().unwrap()).unwrap();
    assert_eq!(record["requestContext"]["condition"], "Success");
    assert_eq!(record["responsePayload"], "a");
    let next = "arn:aws:lambda:us-east-1:111111111111:function:next";
    cloud.ok::<op::PutFunctionEventInvokeConfig>(config("f", Some(next), None)).await;
    cloud.send_event("f", json!("b")).await;
    cloud.settle().await;
    assert_eq!(cloud.count("next"), 1);
}

#[tokio::test]
async fn configurations_are_checked_kept_and_listed() {
    let cloud = Cloud::new().await;
    let role = cloud.role("weak", "").await;
    cloud.ok::<op::CreateFunction>(super::cloud::create("f", &role)).await;
    let queue = cloud.queue("q", &[]).await;
    for (wanted, input) in [
        ("does not have permissions to call SendMessage on arn:aws:sqs:", config("f", Some(&queue), None)),
        (
            "as a destination for itself",
            config("f", None, Some("arn:aws:lambda:us-east-1:111111111111:function:f")),
        ),
        (
            "at least one error handling or destination setting",
            s::PutFunctionEventInvokeConfigRequest { function_name: "f".into(), ..Default::default() },
        ),
        ("SNS topic", config("f", Some("arn:aws:sns:us-east-1:111111111111:t"), None)),
        ("event bus", config("f", None, Some("arn:aws:events:us-east-1:111111111111:event-bus/default"))),
        ("is invalid", config("f", Some("arn:aws:s3:::bucket"), None)),
    ] {
        let refused = cloud.err::<op::PutFunctionEventInvokeConfig>(input).await;
        assert!(refused.contains(wanted), "{refused}");
    }
    let get = s::GetFunctionEventInvokeConfigRequest { function_name: "f".into(), qualifier: None };
    assert!(
        cloud
            .err::<op::GetFunctionEventInvokeConfig>(get.clone())
            .await
            .contains("doesn't have an EventInvokeConfig")
    );
    let put = s::PutFunctionEventInvokeConfigRequest {
        function_name: "f".into(),
        maximum_retry_attempts: Some(0),
        maximum_event_age_in_seconds: Some(60),
        ..Default::default()
    };
    cloud.ok::<op::PutFunctionEventInvokeConfig>(put).await;
    let update = s::UpdateFunctionEventInvokeConfigRequest {
        function_name: "f".into(),
        maximum_event_age_in_seconds: Some(90),
        ..Default::default()
    };
    cloud.ok::<op::UpdateFunctionEventInvokeConfig>(update).await;
    let got = cloud.ok::<op::GetFunctionEventInvokeConfig>(get).await;
    assert_eq!((got.maximum_retry_attempts, got.maximum_event_age_in_seconds), (Some(0), Some(90)));
    let list = s::ListFunctionEventInvokeConfigsRequest { function_name: "f".into(), ..Default::default() };
    assert_eq!(
        cloud
            .ok::<op::ListFunctionEventInvokeConfigs>(list)
            .await
            .function_event_invoke_configs
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn throttled_events_wait_and_then_run_or_grow_too_old() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let failed = cloud.queue("failed", &[]).await;
    let reserve = |reserved| s::PutFunctionConcurrencyRequest {
        function_name: "f".into(),
        reserved_concurrent_executions: reserved,
    };
    cloud.ok::<op::PutFunctionConcurrency>(reserve(0)).await;
    cloud.send_event("f", json!(1)).await;
    cloud.pass(30).await;
    assert_eq!(cloud.count("f"), 0);
    cloud.ok::<op::PutFunctionConcurrency>(reserve(1)).await;
    cloud.pass(300).await;
    assert_eq!(cloud.count("f"), 1);
    cloud.ok::<op::PutFunctionConcurrency>(reserve(0)).await;
    let age = s::PutFunctionEventInvokeConfigRequest {
        maximum_event_age_in_seconds: Some(60),
        ..config("f", None, Some(&failed))
    };
    cloud.ok::<op::PutFunctionEventInvokeConfig>(age).await;
    cloud.send_event("f", json!(2)).await;
    for _ in 0..10 {
        cloud.pass(20).await;
    }
    let record: Value = serde_json::from_str(cloud.drain(&failed).await[0].body.as_deref().unwrap()).unwrap();
    assert_eq!(record["requestContext"]["condition"], "EventAgeExceeded");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 0);
    assert!(record.get("responsePayload").is_none());
    assert_eq!(cloud.count("f"), 1);
}

#[tokio::test]
async fn a_busy_function_keeps_no_other_waiting() {
    let cloud = Cloud::new().await;
    cloud.function("slow").await;
    cloud.function("quick").await;
    cloud.body("slow", |_| Answer::Hangs);
    for n in 0..300 {
        cloud.send_event("slow", json!(n)).await;
    }
    cloud.send_event("quick", json!("here")).await;
    cloud.settle().await;
    assert_eq!(cloud.count("quick"), 1);
    assert!(cloud.count("slow") <= 64, "{}", cloud.count("slow"));
}

#[tokio::test]
async fn events_outlive_the_cloud() {
    let env = haneul_env::Env::simulated(9);
    let store = haneul_store::Store::memory();
    let blobs = haneul_blob::Blobs::memory(&env);
    let dir = std::path::Path::new("/data");
    let runs = Arc::new(AtomicU32::new(0));
    let bodies = super::cloud::Bodies::default();
    let first = Cloud::over(env.clone(), store.clone(), blobs.clone(), Some(dir), bodies.clone()).await;
    first.function("f").await;
    first.settle().await;
    // It crashes while the function runs: nothing was said of the event's end.
    first.body("f", |_| Answer::Hangs);
    first.send_event("f", json!("kept")).await;
    first.settle().await;
    assert_eq!(first.count("f"), 1);
    first.platform.env.tasks.begin_stop();
    let env = haneul_env::Env { tasks: Default::default(), ..env };
    let second = Cloud::over(env, store, blobs, Some(dir), bodies).await;
    let counted = runs.clone();
    second.body("f", move |call| {
        counted.fetch_add(1, Ordering::SeqCst);
        assert!(!is_poison(&json!(String::from_utf8_lossy(&call.payload))));
        super::cloud::nothing()
    });
    second.until("it runs once more", || runs.load(Ordering::SeqCst) == 1).await;
    second.pass(7200).await;
    assert_eq!(runs.load(Ordering::SeqCst), 1);
}
