use haneul_lambda_wire::{operations as op, shapes as s};
use serde_json::json;

use super::super::cloud::{ALL, Cloud, answer, create, invocation};

fn config(timeout: Option<i32>, days: Option<i32>) -> Option<s::DurableConfig> {
    Some(s::DurableConfig { execution_timeout: timeout, retention_period_in_days: days, kms_key_arn: None })
}

/// Timeout and retention.
fn shown(config: Option<s::DurableConfig>) -> (i32, i32) {
    let config = config.unwrap();
    (config.execution_timeout.unwrap(), config.retention_period_in_days.unwrap())
}

#[tokio::test]
async fn it_is_given_when_a_function_is_made_and_shown_everywhere() {
    let cloud = Cloud::new().await;
    let role = cloud.role("r", ALL).await;
    let input = s::CreateFunctionRequest { durable_config: config(Some(60), None), ..create("f", &role) };
    let made = cloud.ok::<op::CreateFunction>(input).await;
    assert_eq!(shown(made.durable_config.clone()), (60, 14));
    let update = |durable_config| s::UpdateFunctionConfigurationRequest {
        function_name: "f".into(),
        durable_config,
        ..Default::default()
    };
    cloud.ok::<op::UpdateFunctionConfiguration>(update(config(None, Some(3)))).await;
    let publish = s::PublishVersionRequest { function_name: "f".into(), ..Default::default() };
    let one = cloud.ok::<op::PublishVersion>(publish.clone()).await;
    assert_eq!(shown(one.durable_config.clone()), (60, 3));
    // Another configuration is another version.
    cloud.ok::<op::UpdateFunctionConfiguration>(update(config(Some(70), None))).await;
    assert_eq!(cloud.ok::<op::PublishVersion>(publish).await.version.as_deref(), Some("2"));
    let all = cloud.ok::<op::ListFunctions>(Default::default()).await.functions.unwrap();
    assert_eq!(shown(all[0].durable_config.clone()), (70, 3));
    let get = s::GetFunctionRequest { function_name: "f".into(), qualifier: Some("1".into()) };
    let got = cloud.ok::<op::GetFunction>(get).await.configuration.unwrap();
    assert_eq!(shown(got.durable_config.clone()), (60, 3));
    cloud.function("plain").await;
    let plain = s::UpdateFunctionConfigurationRequest {
        function_name: "plain".into(),
        ..update(config(Some(1), None))
    };
    let refused = cloud.err::<op::UpdateFunctionConfiguration>(plain).await;
    assert!(refused.contains("when it is created"), "{refused}");
    let key = Some(s::DurableConfig {
        kms_key_arn: Some("arn:aws:kms:us-east-1:1:key/k".into()),
        ..Default::default()
    });
    for (wanted, durable_config) in [
        ("durableConfig.executionTimeout", config(Some(0), None)),
        ("durableConfig.executionTimeout", config(Some(31_622_401), None)),
        ("durableConfig.retentionPeriodInDays", config(None, Some(91))),
        ("KMSKeyArn of DurableConfig is not supported", key),
    ] {
        let input = s::CreateFunctionRequest { durable_config, ..create("g", &role) };
        let refused = cloud.err::<op::CreateFunction>(input).await;
        assert!(refused.contains(wanted), "{refused}");
    }
}

#[tokio::test]
async fn calls_that_are_refused() {
    let cloud = Cloud::new().await;
    cloud.durable("short", 60, |_| Box::pin(async { Ok(json!(1)) })).await;
    cloud.durable("long", 901, |_| Box::pin(async { Ok(json!(1)) })).await;
    cloud.function("plain").await;
    let unqualified =
        "InvalidParameterValueException: You cannot invoke a durable function using an unqualified ARN.";
    let named = |name: &str, execution: &str| s::InvocationRequest {
        durable_execution_name: Some(execution.into()),
        ..invocation(name, json!(1))
    };
    let kind = |name: &str, kind: &str| s::InvocationRequest {
        invocation_type: Some(kind.into()),
        ..invocation(name, json!(1))
    };
    for (wanted, input) in [
        (unqualified, invocation("short", json!(1))),
        (unqualified, kind("short", "Event")),
        (unqualified, kind("short", "DryRun")),
        ("executionTimeout greater than 15 minutes", invocation("long:$LATEST", json!(1))),
        ("only supported for durable functions", named("plain", "a")),
        ("'durableExecutionName' failed to satisfy", named("short:$LATEST", "a/b")),
        ("'durableExecutionName' failed to satisfy", named("short:$LATEST", &"a".repeat(65))),
    ] {
        let refused = cloud.err::<op::Invoke>(input).await;
        assert!(refused.contains(wanted), "{refused}");
    }
    let dry = kind("short:$LATEST", "DryRun");
    assert_eq!(cloud.ok::<op::Invoke>(dry).await.status_code, Some(204));
    assert_eq!(cloud.count("short"), 0);
    let stream =
        s::InvokeWithResponseStreamRequest { function_name: "short:$LATEST".into(), ..Default::default() };
    let refused = cloud.err::<op::InvokeWithResponseStream>(stream).await;
    assert!(refused.contains("do not stream"), "{refused}");
    let queue = cloud.queue("q", &[]).await;
    let mapping = |name: &str| s::CreateEventSourceMappingRequest {
        function_name: name.into(),
        event_source_arn: Some(queue.clone()),
        ..Default::default()
    };
    assert_eq!(cloud.err::<op::CreateEventSourceMapping>(mapping("short")).await, unqualified);
    let long = cloud.err::<op::CreateEventSourceMapping>(mapping("long:$LATEST")).await;
    assert!(long.contains("executionTimeout greater than 15 minutes"), "{long}");
    // One that nobody waits for may be as long as it likes, by the old way too.
    let old = |name: &str| s::InvokeAsyncRequest {
        function_name: name.into(),
        invoke_args: haneul_kit::ByteStream::from_bytes(bytes::Bytes::from_static(b"1")),
    };
    assert_eq!(cloud.err::<op::InvokeAsync>(old("long")).await, unqualified);
    assert_eq!(cloud.ok::<op::InvokeAsync>(old("long:$LATEST")).await.status, Some(202));
    cloud.settle().await;
    let list =
        s::ListDurableExecutionsByFunctionRequest { function_name: "long".into(), ..Default::default() };
    let listed = cloud.ok::<op::ListDurableExecutionsByFunction>(list).await.durable_executions.unwrap();
    assert_eq!((listed.len(), listed[0].status.as_str()), (1, "SUCCEEDED"));
    // A queue's messages are done with when the execution is.
    cloud.ok::<op::CreateEventSourceMapping>(mapping("short:$LATEST")).await;
    cloud.send(&queue, "a").await;
    cloud.until("the message is done with", || cloud.count("short") == 1).await;
    cloud.settle().await;
    assert_eq!(cloud.depth(&queue).await, (0, 0));
    let called = cloud.ok::<op::Invoke>(invocation("short:$LATEST", json!({ "a": 1 }))).await;
    assert_eq!((answer(&called), called.status_code), (json!(1), Some(200)));
    assert!(called.durable_execution_arn.unwrap().contains(":function:short:$LATEST/durable-execution/"));
}
