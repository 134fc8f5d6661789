use std::time::Duration;

use haneul_lambda_exec::simulated::Answer;
use haneul_lambda_wire::{operations as op, shapes as s};
use serde_json::json;

use super::super::cloud::{Cloud, OURS, THEIRS, answer, invocation, root};
use super::sdk::update;

fn pause(arn: &str, client: &str) -> s::PauseDurableExecutionRequest {
    s::PauseDurableExecutionRequest {
        durable_execution_arn: arn.into(),
        client_token: Some(client.into()),
        reason: Some("look".into()),
        execution_timeout_paused: None,
    }
}

fn resume(arn: &str, client: &str) -> s::ResumeDurableExecutionRequest {
    s::ResumeDurableExecutionRequest {
        durable_execution_arn: arn.into(),
        client_token: Some(client.into()),
        reason: None,
    }
}

#[tokio::test]
async fn paused_executions_wait_on_and_go_on_later() {
    let cloud = Cloud::new().await;
    cloud
        .durable("f", 100, |context| {
            Box::pin(async move {
                context.wait("w", 50).await?;
                Ok(json!("over"))
            })
        })
        .await;
    let arn = cloud.begin("f", "a", json!(null)).await;
    let began = cloud.execution(&arn).await.start_timestamp;
    cloud.ok::<op::PauseDurableExecution>(pause(&arn, "one")).await;
    cloud.ok::<op::PauseDurableExecution>(pause(&arn, "one")).await;
    let twice = cloud.err::<op::PauseDurableExecution>(pause(&arn, "two")).await;
    assert!(twice.starts_with("ResourceConflictException"), "{twice}");
    let got = cloud.execution(&arn).await;
    assert_eq!((got.status.as_str(), got.pause_details.unwrap().reason.as_deref()), ("PAUSED", Some("look")));
    assert_eq!(got.expected_execution_timeout_timestamp, Some(began + Duration::from_secs(31_622_400)));
    // The wait ends, and the function is not run.
    cloud.pass(60).await;
    assert_eq!(cloud.count("f"), 1);
    cloud.pass(60).await;
    cloud.ok::<op::ResumeDurableExecution>(resume(&arn, "one-more")).await;
    cloud.ok::<op::ResumeDurableExecution>(resume(&arn, "one-more")).await;
    cloud.settle().await;
    assert_eq!(cloud.end(&arn).await, ("SUCCEEDED".into(), "\"over\"".into()));
    let told = cloud.told(&arn).await.join(" ");
    let wanted = "ExecutionStarted WaitStarted InvocationCompleted ExecutionPaused WaitSucceeded ExecutionResumed \
                  InvocationCompleted ExecutionSucceeded";
    assert_eq!(told, wanted);
    let over = cloud.err::<op::ResumeDurableExecution>(resume(&arn, "late")).await;
    assert!(over.starts_with("ResourceConflictException"), "{over}");
}

#[tokio::test]
async fn a_pause_comes_at_the_next_checkpoint() {
    let cloud = Cloud::new().await;
    let clock = cloud.platform.env.clock.clone();
    cloud
        .durable("f", 100, move |context| {
            let clock = clock.clone();
            Box::pin(async move {
                if context.seen("s").is_none() {
                    clock.sleep(Duration::from_secs(1)).await;
                }
                let done = context.step("s", None, || Ok("1".into())).await?;
                Ok(json!(done))
            })
        })
        .await;
    let arn = cloud.begin("f", "a", json!(null)).await;
    cloud.ok::<op::PauseDurableExecution>(pause(&arn, "one")).await;
    assert_eq!(cloud.end(&arn).await.0, "PAUSING");
    cloud.pass(1).await;
    assert_eq!(cloud.end(&arn).await.0, "PAUSED");
    cloud.pass(50).await;
    assert_eq!(cloud.count("f"), 1);
    cloud.ok::<op::ResumeDurableExecution>(resume(&arn, "two")).await;
    cloud.settle().await;
    assert_eq!(cloud.end(&arn).await.0, "SUCCEEDED");
    // One that is resumed before that has not been paused.
    let arn = cloud.begin("f", "b", json!(null)).await;
    cloud.ok::<op::PauseDurableExecution>(pause(&arn, "one")).await;
    cloud.ok::<op::ResumeDurableExecution>(resume(&arn, "two")).await;
    cloud.pass(1).await;
    assert_eq!(cloud.end(&arn).await.0, "SUCCEEDED");
    assert_eq!(cloud.count("f"), 3);
}

#[tokio::test]
async fn stopped_executions_are_over() {
    let cloud = Cloud::new().await;
    cloud
        .durable("f", 100, |context| {
            Box::pin(async move {
                context.wait("w", 50).await?;
                Ok(json!("over"))
            })
        })
        .await;
    let arn = cloud.begin("f", "a", json!(null)).await;
    let stop = s::StopDurableExecutionRequest {
        durable_execution_arn: arn.clone(),
        error: Some(s::ErrorObject { error_type: Some("Enough".into()), ..Default::default() }),
    };
    let at = cloud.ok::<op::StopDurableExecution>(stop.clone()).await.stop_timestamp;
    cloud.pass(60).await;
    assert_eq!(cloud.ok::<op::StopDurableExecution>(stop).await.stop_timestamp, at);
    assert_eq!(cloud.end(&arn).await, ("STOPPED".into(), "Enough".into()));
    assert_eq!(cloud.count("f"), 1);
    let got = cloud.execution(&arn).await;
    assert_eq!((got.end_timestamp, got.expected_execution_timeout_timestamp), (Some(at), None));
    for wrong in ["x", &arn.replace("$LATEST", "live"), &format!("{arn}x"), &arn.replace("/a/", "/b/")] {
        let input = s::StopDurableExecutionRequest { durable_execution_arn: wrong.into(), error: None };
        let refused = cloud.err::<op::StopDurableExecution>(input).await;
        let words = ["ValidationException", "ResourceNotFoundException"];
        assert!(words.iter().any(|word| refused.starts_with(word)), "{wrong}: {refused}");
    }
}

#[tokio::test]
async fn a_functions_executions_go_with_it() {
    let cloud = Cloud::new().await;
    let body =
        |context: std::sync::Arc<super::sdk::Context>| -> haneul_kit::BoxFuture<'static, super::sdk::Ends> {
            Box::pin(async move {
                context.wait("w", 50).await?;
                Ok(json!("over"))
            })
        };
    cloud.durable("f", 100, body).await;
    let arn = cloud.begin("f", "a", json!(null)).await;
    let delete = s::DeleteFunctionRequest { function_name: "f".into(), qualifier: None };
    cloud.ok::<op::DeleteFunction>(delete).await;
    // Of the same name, at once.
    let role = "arn:aws:iam::111111111111:role/f-role";
    let config = s::DurableConfig { execution_timeout: Some(100), ..Default::default() };
    let again =
        s::CreateFunctionRequest { durable_config: Some(config), ..super::super::cloud::create("f", role) };
    cloud.ok::<op::CreateFunction>(again).await;
    let new = cloud.begin("f", "a", json!("other")).await;
    assert_ne!(new, arn);
    cloud.pass(50).await;
    assert_eq!(cloud.end(&new).await.0, "SUCCEEDED");
    let get = s::GetDurableExecutionRequest { durable_execution_arn: arn, include_execution_data: None };
    assert!(cloud.err::<op::GetDurableExecution>(get).await.starts_with("ResourceNotFoundException"));
    assert_eq!(cloud.count("f"), 3);
}

async fn remove(cloud: &Cloud, arn: &str) {
    let stop = s::StopDurableExecutionRequest { durable_execution_arn: arn.into(), error: None };
    cloud.ok::<op::StopDurableExecution>(stop).await;
    let delete = s::DeleteDurableExecutionRequest { durable_execution_arn: arn.into() };
    cloud.ok::<op::DeleteDurableExecution>(delete).await;
    cloud.settle().await;
}

#[tokio::test]
async fn deleted_executions_leave_nothing_behind() {
    let cloud = Cloud::new().await;
    cloud
        .durable("f", 600, |context| {
            Box::pin(async move {
                let _ = context.wait("w", 500).await;
                context.callback("c", 400, 300, |_| {}).await.map(|_| json!(1))
            })
        })
        .await;
    let arn = cloud.begin("f", "a", json!(null)).await;
    remove(&cloud, &arn).await;
    assert_eq!(cloud.durable_rows().await, 0);
}

#[tokio::test]
async fn executions_of_one_name_do_not_meet() {
    let cloud = Cloud::new().await;
    let clock = cloud.platform.env.clock.clone();
    let sleep = move |seconds: u64| {
        let clock = clock.clone();
        async move { clock.sleep(Duration::from_secs(seconds)).await }
    };
    let slow = sleep.clone();
    cloud
        .durable("f", 600, move |context| {
            let slow = slow.clone();
            Box::pin(async move {
                if context.input == json!("hangs") {
                    slow(2).await;
                    return Ok(json!("late"));
                }
                context.invoke("call", "plain", context.input.clone()).await.map(|got| json!(got))
            })
        })
        .await;
    cloud.function("plain").await;
    cloud.async_body("plain", move |call| {
        let seconds: u64 = serde_json::from_slice(&call.payload).unwrap();
        let slow = sleep(seconds);
        Box::pin(async move {
            slow.await;
            Answer::Value(json!(seconds))
        })
    });
    // The function of the first still runs.
    let hangs = cloud.begin("f", "a", json!("hangs")).await;
    remove(&cloud, &hangs).await;
    // And here what it called.
    let first = cloud.begin("f", "a", json!(1)).await;
    assert_eq!(cloud.count("plain"), 1);
    remove(&cloud, &first).await;
    let second = cloud.begin("f", "a", json!(2)).await;
    assert_eq!(cloud.count("plain"), 2);
    cloud.pass(1).await;
    assert_eq!(cloud.end(&second).await.0, "RUNNING");
    cloud.pass(1).await;
    assert_eq!(cloud.end(&second).await, ("SUCCEEDED".into(), "\"2\"".into()));
    // Who means the first one does not delete the second.
    let records = crate::store::Records { store: cloud.platform.store.clone() };
    let name = crate::durable::names::ExecutionArn::parse(&first).unwrap();
    let before = cloud.durable_rows().await;
    assert!(records.purge(&name.name, &name.id).await.unwrap());
    assert_eq!(cloud.durable_rows().await, before);
}

#[tokio::test]
async fn a_success_that_is_deleted_at_once_was_one() {
    let cloud = Cloud::new().await;
    cloud
        .durable("f", 600, |context| {
            Box::pin(async move {
                let end =
                    s::OperationUpdate { payload: Some("1".into()), ..update("EXECUTION", "end", "SUCCEED") };
                let _ = context.checkpoint(vec![end]).await;
                let delete = s::DeleteDurableExecutionRequest { durable_execution_arn: context.arn.clone() };
                context.call::<op::DeleteDurableExecution>(delete).await.unwrap();
                let get = s::GetDurableExecutionRequest {
                    durable_execution_arn: context.arn.clone(),
                    include_execution_data: None,
                };
                let shown = context.call::<op::GetDurableExecution>(get).await.unwrap();
                assert_eq!(shown.status, "DELETING");
                Ok(json!(null))
            })
        })
        .await;
    let called = cloud.ok::<op::Invoke>(invocation("f:$LATEST", json!(null))).await;
    assert_eq!((called.function_error.as_deref(), answer(&called)), (None, json!(1)));
}

#[tokio::test]
async fn rights_are_asked_for_on_the_execution() {
    let cloud = Cloud::new().await;
    let id = std::sync::Arc::new(parking_lot::Mutex::new(String::new()));
    let told = id.clone();
    cloud
        .durable("f", 100, move |context| {
            let told = told.clone();
            Box::pin(async move {
                context.callback("c", 0, 0, |id| id.clone_into(&mut told.lock())).await.map(|_| json!(1))
            })
        })
        .await;
    let arn = cloud.begin("f", "a", json!(null)).await;
    let allow = |action: &str| {
        format!(
            r#"{{"Effect":"Allow","Action":"lambda:{action}","Resource":"arn:aws:lambda:us-east-1:{OURS}:function:f:$LATEST/durable-execution/a/*"}}"#
        )
    };
    let answers = cloud.user(OURS, "answers", &allow("SendDurableExecutionCallbackSuccess")).await;
    let reads = cloud.user(OURS, "reads", &allow("GetDurableExecution")).await;
    let get =
        s::GetDurableExecutionRequest { durable_execution_arn: arn.clone(), include_execution_data: None };
    let success =
        s::SendDurableExecutionCallbackSuccessRequest { callback_id: id.lock().clone(), result: None };
    let denied = |error: haneul_kit::ApiError| assert_eq!(error.code(), "AccessDeniedException");
    cloud.call::<op::GetDurableExecution>(&answers, get.clone()).await.map(drop).map_err(denied).unwrap_err();
    let failed = cloud.call::<op::SendDurableExecutionCallbackSuccess>(&reads, success.clone()).await;
    failed.map(drop).map_err(denied).unwrap_err();
    let theirs = root(THEIRS);
    cloud.call::<op::GetDurableExecution>(&theirs, get.clone()).await.map(drop).map_err(denied).unwrap_err();
    assert_eq!(cloud.call::<op::GetDurableExecution>(&reads, get).await.unwrap().status, "RUNNING");
    cloud.call::<op::SendDurableExecutionCallbackSuccess>(&answers, success).await.unwrap();
    cloud.settle().await;
    assert_eq!(cloud.end(&arn).await.0, "SUCCEEDED");
    // It is where its ARN says, and nowhere else.
    let abroad: haneul_kit::Region = "eu-west-1".parse().unwrap();
    let get =
        s::GetDurableExecutionRequest { durable_execution_arn: arn.clone(), include_execution_data: None };
    let heartbeat = s::SendDurableExecutionCallbackHeartbeatRequest { callback_id: id.lock().clone() };
    let bus = &cloud.platform.bus;
    let found = bus.call::<op::GetDurableExecution>(root(OURS), abroad, None, get).await.map(drop);
    let heard = bus.call::<op::SendDurableExecutionCallbackHeartbeat>(root(OURS), abroad, None, heartbeat);
    for refused in [found, heard.await.map(drop)] {
        assert_eq!(refused.unwrap_err().code(), "ResourceNotFoundException");
    }
    // Who may checkpoint still needs the token.
    let forged = s::CheckpointDurableExecutionRequest {
        durable_execution_arn: arn,
        checkpoint_token: "AAAA".into(),
        updates: Some(vec![update("STEP", "s", "START")]),
        client_token: None,
    };
    let refused = cloud.err::<op::CheckpointDurableExecution>(forged).await;
    assert_eq!(refused, "InvalidParameterValueException: Invalid checkpoint token");
}
