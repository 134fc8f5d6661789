use haneul_lambda_exec::simulated::Answer;
use haneul_lambda_wire::{operations as op, shapes as s};
use haneul_logs_wire::{operations as logs, shapes as l};
use serde_json::json;

use super::cloud::{Cloud, answer, create, fails, invocation};

#[tokio::test]
async fn calls_are_answered() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let called = cloud.invoke("f", json!({ "a": 1 })).await;
    assert_eq!(answer(&called), json!({ "a": 1 }));
    assert_eq!((called.status_code, called.executed_version.as_deref()), (Some(200), Some("$LATEST")));
    assert_eq!((called.function_error, called.log_result), (None, None));
    let nothing = s::InvocationRequest { function_name: "f".into(), ..Default::default() };
    assert_eq!(answer(&cloud.ok::<op::Invoke>(nothing).await), json!({}));
    let tail = s::InvocationRequest { log_type: Some("Tail".into()), ..invocation("f", json!(1)) };
    let tail = cloud.ok::<op::Invoke>(tail).await.log_result.unwrap();
    use base64::Engine;
    let text = base64::engine::general_purpose::STANDARD.decode(tail).unwrap();
    assert!(String::from_utf8(text).unwrap().contains("START RequestId: "));
    cloud.body("f", |_| fails());
    let failed = cloud.invoke("f", json!({})).await;
    assert_eq!((failed.status_code, failed.function_error.as_deref()), (Some(200), Some("Unhandled")));
    assert_eq!(answer(&failed)["errorType"], "ValueError");
    let dry = s::InvocationRequest { invocation_type: Some("DryRun".into()), ..invocation("f", json!({})) };
    assert_eq!(cloud.ok::<op::Invoke>(dry).await.status_code, Some(204));
}

#[tokio::test]
async fn runs_are_metered_by_memory_and_time() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    cloud.platform.meter.counters().take();
    cloud.invoke("f", json!({})).await;
    let used: Vec<_> = cloud.platform.meter.counters().take();
    let run = used.iter().find(|used| used.kind.name == "Lambda-GB-Second").expect("the run");
    assert_eq!(&*run.place.resource, "arn:aws:lambda:us-east-1:111111111111:function:f");
    // At least a millisecond of the 128 MB that it has.
    assert!(run.amount >= 128 && run.amount % 128 == 0, "{}", run.amount);
    assert_eq!(run.kind.unit, "MB-Milliseconds");
}

#[tokio::test]
async fn calls_that_are_refused() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let with = |payload: Vec<u8>, kind: &str| s::InvocationRequest {
        function_name: "f".into(),
        invocation_type: Some(kind.into()),
        payload: Some(payload.into()),
        ..Default::default()
    };
    let quoted = |length: usize| format!("\"{}\"", "x".repeat(length)).into_bytes();
    for (wanted, input) in [
        (
            "InvalidRequestContentException: Could not parse request body into json",
            with(b"{".to_vec(), "RequestResponse"),
        ),
        (
            "RequestTooLargeException: Request must be smaller than 6291456 bytes",
            with(quoted(6_291_456), "RequestResponse"),
        ),
        (
            "RequestTooLargeException: Request must be smaller than 1048576 bytes",
            with(quoted(1_048_576), "Event"),
        ),
        (
            "ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:111111111111:function:g",
            invocation("g", json!(1)),
        ),
        (
            "ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:111111111111:function:f:9",
            invocation("f:9", json!(1)),
        ),
    ] {
        let refused = cloud.err::<op::Invoke>(input).await;
        assert!(refused.starts_with(wanted), "{refused}");
    }
    assert_eq!(cloud.count("f"), 0);
}

#[tokio::test]
async fn answers_can_be_streamed() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    cloud.body("f", |_| Answer::Streams(vec!["one ".into(), "two".into()]));
    let input = s::InvokeWithResponseStreamRequest {
        function_name: "f".into(),
        log_type: Some("Tail".into()),
        ..Default::default()
    };
    let mut output = cloud.ok::<op::InvokeWithResponseStream>(input).await;
    let (mut text, mut ended) = (String::new(), false);
    while let Some(event) = output.event_stream.next().await {
        match event.unwrap() {
            s::InvokeWithResponseStreamResponseEvent::PayloadChunk(chunk) => {
                text.push_str(std::str::from_utf8(&chunk.payload.unwrap()).unwrap());
            }
            s::InvokeWithResponseStreamResponseEvent::InvokeComplete(end) => {
                assert!(end.error_code.is_none() && end.log_result.is_some());
                ended = true;
            }
            _ => panic!("an event of no kind"),
        }
    }
    assert!(ended);
    assert_eq!(text, "one two");
}

#[tokio::test]
async fn what_functions_say_is_logged_as_their_role() {
    let cloud = Cloud::new().await;
    let may = cloud.role("may", r#"{"Effect":"Allow","Action":"logs:*","Resource":"*"}"#).await;
    let may_not = cloud.role("may-not", "").await;
    cloud.ok::<op::CreateFunction>(create("loud", &may)).await;
    cloud.ok::<op::CreateFunction>(create("mute", &may_not)).await;
    cloud.invoke("loud", json!(1)).await;
    cloud.invoke("mute", json!(1)).await;
    cloud.settle().await;
    let groups =
        cloud.ok::<logs::DescribeLogGroups>(l::DescribeLogGroupsRequest::default()).await.log_groups.unwrap();
    let names: Vec<_> = groups.into_iter().filter_map(|group| group.log_group_name).collect();
    assert_eq!(names, ["/aws/lambda/loud"]);
    let filter =
        l::FilterLogEventsRequest { log_group_name: Some("/aws/lambda/loud".into()), ..Default::default() };
    let events = cloud.ok::<logs::FilterLogEvents>(filter).await.events.unwrap();
    assert!(events.iter().any(|event| event.message.as_deref().unwrap_or_default().starts_with("REPORT")));
}

#[tokio::test]
async fn loops_are_broken() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    // What an SDK inside of the function would do: hand the trace header on.
    let entry = std::sync::Arc::new(parking_lot::Mutex::new(None::<String>));
    let kept = entry.clone();
    cloud.body("f", move |call| {
        *kept.lock() = call.trace_header.clone();
        super::cloud::nothing()
    });
    cloud.invoke("f", json!(1)).await;
    let header = entry.lock().clone().unwrap();
    assert!(
        header.contains("Root=1-") && header.contains("Sampled=0") && header.contains("Lineage="),
        "{header}"
    );
}
