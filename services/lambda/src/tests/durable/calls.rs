use haneul_lambda_wire::{operations as op, shapes as s};
use serde_json::{Value, json};

use super::super::cloud::{Cloud, answer, fails, invocation};
use super::sdk::Stop;

/// A durable function that calls what its input says, with the rest of its input.
async fn caller(cloud: &Cloud) {
    cloud
        .durable("parent", 600, |context| {
            Box::pin(async move {
                let function = context.input[0].as_str().unwrap().to_owned();
                let got = context.invoke("call", &function, context.input[1].clone()).await?;
                Ok(json!(got))
            })
        })
        .await;
}

async fn call(cloud: &Cloud, function: &str, input: Value) -> (String, Value) {
    let called = cloud.ok::<op::Invoke>(invocation("parent:$LATEST", json!([function, input]))).await;
    let told = answer(&called);
    match called.function_error {
        None => ("SUCCEEDED".to_owned(), told),
        Some(_) => ("FAILED".to_owned(), told["errorType"].clone()),
    }
}

#[tokio::test]
async fn executions_call_functions_and_wait_for_them() {
    let cloud = Cloud::new().await;
    caller(&cloud).await;
    cloud.function("plain").await;
    cloud
        .durable("child", 600, |context| {
            Box::pin(async move {
                match context.input.as_str() {
                    Some("fails") => Err(Stop::Failed("Child".into())),
                    _ => Ok(json!(["child", context.input])),
                }
            })
        })
        .await;
    let done = |value: Value| ("SUCCEEDED".to_owned(), json!(value.to_string()));
    let failed = |kind: &str| ("FAILED".to_owned(), json!(kind));
    assert_eq!(call(&cloud, "plain", json!({ "a": 1 })).await, done(json!({ "a": 1 })));
    assert_eq!(call(&cloud, "child:$LATEST", json!(2)).await, done(json!(["child", 2])));
    assert_eq!(call(&cloud, "child:$LATEST", json!("fails")).await, failed("FAILED Child"));
    cloud.body("plain", |_| fails());
    assert_eq!(call(&cloud, "plain", json!(1)).await, failed("FAILED ValueError"));
    assert_eq!(call(&cloud, "nothing", json!(1)).await, failed("FAILED ResourceNotFoundException"));
    assert_eq!(call(&cloud, "child", json!(1)).await, failed("FAILED InvalidParameterValueException"));
    let arn = cloud.begin("parent", "told", json!(["child:$LATEST", 5])).await;
    let history = cloud.history(&arn).await;
    let began = history.iter().find_map(|event| event.chained_invoke_started_details.as_ref()).unwrap();
    assert_eq!(
        (began.executed_version.as_deref(), began.function_name.as_str()),
        (Some("$LATEST"), "child:$LATEST")
    );
    let child = cloud.execution(began.durable_execution_arn.as_ref().unwrap()).await;
    assert_eq!((child.status.as_str(), child.input_payload.as_deref()), ("SUCCEEDED", Some("5")));
    // The trace is the parent's.
    let root = |trace: Option<s::TraceHeader>| {
        let header = trace.unwrap().x_amzn_trace_id.unwrap();
        header.split(';').next().unwrap().to_owned()
    };
    assert_eq!(root(child.trace_header), root(cloud.execution(&arn).await.trace_header));
}

#[tokio::test]
async fn children_that_sleep_stop_or_time_out() {
    let cloud = Cloud::new().await;
    caller(&cloud).await;
    cloud
        .durable("child", 50, |context| {
            Box::pin(async move {
                context.wait("w", context.input.as_i64().unwrap() as i32).await?;
                Ok(json!("slept"))
            })
        })
        .await;
    let child_of = async |arn: &str| {
        let history = cloud.history(arn).await;
        let began = history.iter().find_map(|event| event.chained_invoke_started_details.clone()).unwrap();
        began.durable_execution_arn.unwrap()
    };
    let sleeps = cloud.begin("parent", "sleeps", json!(["child:$LATEST", 40])).await;
    let late = cloud.begin("parent", "late", json!(["child:$LATEST", 60])).await;
    let stopped = cloud.begin("parent", "stopped", json!(["child:$LATEST", 40])).await;
    let stop =
        s::StopDurableExecutionRequest { durable_execution_arn: child_of(&stopped).await, error: None };
    cloud.ok::<op::StopDurableExecution>(stop).await;
    cloud.settle().await;
    assert_eq!(cloud.end(&stopped).await, ("FAILED".into(), "STOPPED ExecutionStopped".into()));
    cloud.pass(40).await;
    assert_eq!(cloud.end(&sleeps).await, ("SUCCEEDED".into(), r#""\"slept\"""#.into()));
    cloud.pass(10).await;
    assert_eq!(cloud.end(&late).await, ("FAILED".into(), "TIMED_OUT ExecutionTimedOut".into()));
    assert!(cloud.told(&late).await.contains(&"ChainedInvokeTimedOut".to_owned()));
}

#[tokio::test]
async fn functions_are_called_with_the_roles_rights() {
    let cloud = Cloud::new().await;
    caller(&cloud).await;
    cloud.function("allowed").await;
    cloud.function("other").await;
    let only = r#"{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:111111111111:function:allowed"}"#;
    let role = cloud.role("weak", only).await;
    let weak = s::UpdateFunctionConfigurationRequest {
        function_name: "parent".into(),
        role: Some(role),
        ..Default::default()
    };
    cloud.ok::<op::UpdateFunctionConfiguration>(weak).await;
    assert_eq!(call(&cloud, "allowed", json!(1)).await, ("SUCCEEDED".into(), json!("1")));
    let (status, kind) = call(&cloud, "other", json!(1)).await;
    assert_eq!((status.as_str(), kind), ("FAILED", json!("FAILED AccessDeniedException")));
    assert_eq!(cloud.count("other"), 0);
    // The history tells of it.
    let arn = cloud.begin("parent", "denied", json!(["other", 1])).await;
    let told = cloud.told(&arn).await.join(" ");
    assert!(told.contains("ChainedInvokeStarted ChainedInvokeFailed"), "{told}");
    // Rights are asked for when the function is called, which may be later.
    let reserve = |reserved| s::PutFunctionConcurrencyRequest {
        function_name: "allowed".into(),
        reserved_concurrent_executions: reserved,
    };
    cloud.ok::<op::PutFunctionConcurrency>(reserve(0)).await;
    let arn = cloud.begin("parent", "late", json!(["allowed", 1])).await;
    assert_eq!((cloud.end(&arn).await.0.as_str(), cloud.count("allowed")), ("RUNNING", 1));
    let none = haneul_iam_wire::shapes::DeleteRolePolicyRequest {
        role_name: "weak".into(),
        policy_name: "own".into(),
    };
    cloud.ok::<haneul_iam_wire::operations::DeleteRolePolicy>(none).await;
    cloud.ok::<op::PutFunctionConcurrency>(reserve(1)).await;
    for _ in 0..5 {
        cloud.pass(1).await;
    }
    assert_eq!(cloud.end(&arn).await, ("FAILED".into(), "FAILED AccessDeniedException".into()));
    assert_eq!(cloud.count("allowed"), 1);
}

#[tokio::test]
async fn throttled_functions_are_called_later() {
    let cloud = Cloud::new().await;
    caller(&cloud).await;
    cloud.function("plain").await;
    let reserve = |reserved| s::PutFunctionConcurrencyRequest {
        function_name: "plain".into(),
        reserved_concurrent_executions: reserved,
    };
    cloud.ok::<op::PutFunctionConcurrency>(reserve(0)).await;
    let arn = cloud.begin("parent", "a", json!(["plain", 1])).await;
    cloud.pass(5).await;
    assert_eq!((cloud.end(&arn).await.0.as_str(), cloud.count("plain")), ("RUNNING", 0));
    cloud.ok::<op::PutFunctionConcurrency>(reserve(1)).await;
    for _ in 0..10 {
        cloud.pass(1).await;
    }
    assert_eq!(cloud.end(&arn).await.0, "SUCCEEDED");
    let told = cloud.told(&arn).await;
    assert_eq!(told.iter().filter(|event| *event == "ChainedInvokeStarted").count(), 1);
}

#[tokio::test]
async fn executions_that_call_themselves_are_broken() {
    let cloud = Cloud::new().await;
    cloud
        .durable("loop", 600, |context| {
            Box::pin(async move {
                let got = context.invoke("call", "loop:$LATEST", json!(1)).await?;
                Ok(json!(got))
            })
        })
        .await;
    let arn = cloud.begin("loop", "a", json!(1)).await;
    for _ in 0..30 {
        cloud.pass(1).await;
    }
    let (status, error) = cloud.end(&arn).await;
    assert_eq!(status, "FAILED");
    assert!(error.ends_with("RecursiveInvocationException"), "{error}");
    assert!(cloud.count("loop") < 60, "{}", cloud.count("loop"));
}
