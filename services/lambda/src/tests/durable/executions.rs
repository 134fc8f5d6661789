use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use haneul_lambda_exec::simulated::Answer;
use haneul_lambda_wire::{operations as op, shapes as s};
use parking_lot::Mutex;
use serde_json::json;

use super::super::cloud::{Cloud, OURS, answer, fails, invocation, root};
use super::sdk::{Stop, update};

const DAY: u64 = 24 * 60 * 60;
const YEAR: i32 = 31_622_400;

/// Lets days pass.
async fn days(cloud: &Cloud, days: u64) {
    for _ in 0..days {
        cloud.pass(DAY).await;
    }
}

#[tokio::test]
async fn steps_run_once_and_are_tried_again() {
    let cloud = Cloud::new().await;
    let runs: [Arc<AtomicU32>; 2] = Default::default();
    let counted = runs.clone();
    cloud
        .durable("f", 600, move |context| {
            let [first, second] = counted.clone();
            Box::pin(async move {
                let one = context.step("one", None, || {
                    first.fetch_add(1, Ordering::SeqCst);
                    Ok("1".into())
                });
                let one = one.await?;
                let two = context.step("two", Some(30), || match second.fetch_add(1, Ordering::SeqCst) {
                    0 => Err("Flaky".into()),
                    _ => Ok("2".into()),
                });
                Ok(json!([one, two.await?, context.input]))
            })
        })
        .await;
    let arn = cloud.begin("f", "a", json!({ "x": 1 })).await;
    assert_eq!(cloud.end(&arn).await.0, "RUNNING");
    cloud.pass(29).await;
    assert_eq!(cloud.count("f"), 1);
    cloud.pass(1).await;
    assert_eq!(cloud.end(&arn).await, ("SUCCEEDED".into(), r#"["1","2",{"x":1}]"#.into()));
    assert_eq!((runs[0].load(Ordering::SeqCst), runs[1].load(Ordering::SeqCst)), (1, 2));
    let history = cloud.history(&arn).await;
    let told: Vec<&str> = history.iter().map(|event| event.event_type.as_deref().unwrap()).collect();
    let wanted = "ExecutionStarted StepStarted StepSucceeded StepStarted StepFailed InvocationCompleted StepStarted \
                  StepSucceeded InvocationCompleted ExecutionSucceeded";
    assert_eq!(told.join(" "), wanted);
    let numbers: Vec<i32> = history.iter().map(|event| event.event_id.unwrap()).collect();
    assert_eq!(numbers, (1..=10).collect::<Vec<i32>>());
    let retried = history[4].step_failed_details.as_ref().unwrap();
    assert_eq!(retried.retry_details.next_attempt_delay_seconds, Some(30));
    assert_eq!(retried.error.payload.as_ref().unwrap().error_type.as_deref(), Some("Flaky"));
    let input = &history[0].execution_started_details.as_ref().unwrap().input;
    assert_eq!(input.payload.as_deref(), Some(r#"{"x":1}"#));
    let bare = s::GetDurableExecutionHistoryRequest {
        durable_execution_arn: arn.clone(),
        include_execution_data: Some(false),
        reverse_order: Some(true),
        max_items: Some(1),
        ..Default::default()
    };
    let page = cloud.ok::<op::GetDurableExecutionHistory>(bare.clone()).await;
    let result = &page.events[0].execution_succeeded_details.as_ref().unwrap().result;
    assert_eq!((page.events[0].event_id, result.payload.as_ref()), (Some(10), None));
    let next = s::GetDurableExecutionHistoryRequest { marker: page.next_marker, ..bare.clone() };
    assert_eq!(cloud.ok::<op::GetDurableExecutionHistory>(next).await.events[0].event_id, Some(9));
    let foreign = s::GetDurableExecutionHistoryRequest { marker: Some("x".into()), ..bare };
    assert!(cloud.err::<op::GetDurableExecutionHistory>(foreign).await.contains("Invalid marker"));
}

#[tokio::test]
async fn waits_of_months_and_many_at_once() {
    let cloud = Cloud::new().await;
    cloud
        .durable("f", YEAR, |context| {
            Box::pin(async move {
                let mut sleeps = false;
                for (id, seconds) in [("a", 10), ("b", 20), ("c", 90 * DAY as i32)] {
                    sleeps |= context.wait(id, seconds).await.is_err();
                }
                if sleeps { Err(Stop::Sleeps) } else { Ok(json!(context.updated)) }
            })
        })
        .await;
    let arn = cloud.begin("f", "a", json!(null)).await;
    assert_eq!(cloud.count("f"), 1);
    cloud.pass(10).await;
    cloud.pass(10).await;
    assert_eq!(cloud.count("f"), 3);
    days(&cloud, 89).await;
    assert_eq!(cloud.end(&arn).await.0, "RUNNING");
    days(&cloud, 1).await;
    assert_eq!(cloud.end(&arn).await, ("SUCCEEDED".into(), r#"["c"]"#.into()));
    assert_eq!(cloud.count("f"), 4);
}

#[tokio::test]
async fn what_comes_while_the_function_runs_is_not_lost() {
    let cloud = Cloud::new().await;
    let clock = cloud.platform.env.clock.clone();
    cloud
        .durable("f", 600, move |context| {
            let clock = clock.clone();
            Box::pin(async move {
                let first = context.wait("w", 5).await;
                // It works on for longer than the wait takes, and hears of its end when it has gone to sleep.
                if first.is_err() {
                    clock.sleep(std::time::Duration::from_secs(2)).await;
                }
                first.map(|()| json!("over"))
            })
        })
        .await;
    let arn = cloud.begin("f", "a", json!(null)).await;
    for _ in 0..10 {
        cloud.pass(1).await;
    }
    assert_eq!(cloud.end(&arn).await.0, "SUCCEEDED");
    assert_eq!(cloud.count("f"), 2);
}

#[tokio::test]
async fn a_checkpoint_tells_of_what_happened_meanwhile() {
    let cloud = Cloud::new().await;
    let clock = cloud.platform.env.clock.clone();
    cloud
        .durable("f", 600, move |context| {
            let clock = clock.clone();
            Box::pin(async move {
                let _ = context.wait("w", 1).await;
                clock.sleep(std::time::Duration::from_millis(1500)).await;
                context.checkpoint(Vec::new()).await?;
                Ok(json!(context.seen("w").unwrap().status))
            })
        })
        .await;
    let arn = cloud.begin("f", "a", json!(null)).await;
    cloud.pass(1).await;
    cloud.pass(1).await;
    assert_eq!(cloud.end(&arn).await, ("SUCCEEDED".into(), r#""SUCCEEDED""#.into()));
    assert_eq!(cloud.count("f"), 1);
}

#[tokio::test]
async fn callbacks_are_answered_or_time_out() {
    let cloud = Cloud::new().await;
    let ids: Arc<Mutex<Vec<String>>> = Arc::default();
    let told = ids.clone();
    cloud
        .durable("f", 600, move |context| {
            let told = told.clone();
            Box::pin(async move {
                let got = context.callback("c", 100, 10, |id| told.lock().push(id.to_owned())).await?;
                Ok(json!(got))
            })
        })
        .await;
    let success = |id: &str, result: &str| s::SendDurableExecutionCallbackSuccessRequest {
        callback_id: id.into(),
        result: Some(result.to_owned().into_bytes().into()),
    };
    let failure = |id: &str, kind: &str| s::SendDurableExecutionCallbackFailureRequest {
        callback_id: id.into(),
        error: Some(s::ErrorObject { error_type: Some(kind.into()), ..Default::default() }),
    };
    let heartbeat = |id: &str| s::SendDurableExecutionCallbackHeartbeatRequest { callback_id: id.into() };
    let closed = "CallbackTimeoutException: The callback ID token has either expired";
    let arns = [
        cloud.begin("f", "well", json!(null)).await,
        cloud.begin("f", "badly", json!(null)).await,
        cloud.begin("f", "alive", json!(null)).await,
        cloud.begin("f", "dead", json!(null)).await,
    ];
    let all = ids.lock().clone();
    assert!(all[0].bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b)));
    cloud.ok::<op::SendDurableExecutionCallbackSuccess>(success(&all[0], "\"yes\"")).await;
    cloud.ok::<op::SendDurableExecutionCallbackFailure>(failure(&all[1], "Refused")).await;
    for _ in 0..12 {
        cloud.pass(9).await;
        let _ =
            cloud.call::<op::SendDurableExecutionCallbackHeartbeat>(&root(OURS), heartbeat(&all[2])).await;
    }
    assert_eq!(cloud.end(&arns[0]).await, ("SUCCEEDED".into(), r#""\"yes\"""#.into()));
    assert_eq!(cloud.end(&arns[1]).await, ("FAILED".into(), "FAILED Refused".into()));
    assert_eq!(cloud.end(&arns[2]).await, ("FAILED".into(), "TIMED_OUT Callback.Timeout".into()));
    assert_eq!(cloud.end(&arns[3]).await, ("FAILED".into(), "TIMED_OUT Callback.Heartbeat".into()));
    for id in &all {
        assert!(
            cloud.err::<op::SendDurableExecutionCallbackSuccess>(success(id, "1")).await.starts_with(closed)
        );
        assert!(
            cloud.err::<op::SendDurableExecutionCallbackFailure>(failure(id, "X")).await.starts_with(closed)
        );
        assert!(
            cloud.err::<op::SendDurableExecutionCallbackHeartbeat>(heartbeat(id)).await.starts_with(closed)
        );
    }
    let invalid = cloud.err::<op::SendDurableExecutionCallbackSuccess>(success("AAAA", "1")).await;
    assert!(invalid.starts_with("InvalidParameterValueException"), "{invalid}");
    let bytes = s::SendDurableExecutionCallbackSuccessRequest {
        callback_id: all[0].clone(),
        result: Some(vec![0xff].into()),
    };
    assert!(cloud.err::<op::SendDurableExecutionCallbackSuccess>(bytes).await.contains("UTF-8"));
}

#[tokio::test]
async fn contexts_hide_what_was_in_them() {
    let cloud = Cloud::new().await;
    let seen: Arc<Mutex<Vec<Vec<String>>>> = Arc::default();
    let noted = seen.clone();
    cloud
        .durable("f", 600, move |context| {
            let noted = noted.clone();
            Box::pin(async move {
                noted.lock().push(context.known());
                if context.known().is_empty() {
                    let inside = |id: &str, parent: &str, mut own: s::OperationUpdate| {
                        own.id = id.into();
                        own.parent_id = Some(parent.into());
                        own
                    };
                    let end = |id: &str, replay: bool| s::OperationUpdate {
                        payload: Some("1".into()),
                        context_options: Some(s::ContextOptions { replay_children: Some(replay) }),
                        ..update("CONTEXT", id, "SUCCEED")
                    };
                    let step = update("STEP", "", "SUCCEED");
                    let waits = s::OperationUpdate {
                        wait_options: Some(s::WaitOptions { wait_seconds: Some(3) }),
                        ..update("WAIT", "", "START")
                    };
                    context
                        .checkpoint(vec![
                            update("CONTEXT", "hides", "START"),
                            inside("hidden", "hides", step.clone()),
                            inside("inner", "hides", update("CONTEXT", "", "START")),
                            inside("deep", "inner", step.clone()),
                            // Nobody waits for it when the context is over.
                            inside("orphan", "hides", waits),
                            update("CONTEXT", "shows", "START"),
                            inside("shown", "shows", step),
                        ])
                        .await?;
                    context.checkpoint(vec![end("hides", false), end("shows", true)]).await?;
                }
                context.wait("w", 5).await?;
                Ok(json!(context.seen("shows").unwrap().replay_children))
            })
        })
        .await;
    let arn = cloud.begin("f", "a", json!(null)).await;
    cloud.pass(4).await;
    assert_eq!(cloud.count("f"), 1);
    cloud.pass(1).await;
    assert_eq!(cloud.end(&arn).await, ("SUCCEEDED".into(), "true".into()));
    assert_eq!(*seen.lock(), [vec![], vec!["hides".to_owned(), "shown".into(), "shows".into(), "w".into()]]);
}

#[tokio::test]
async fn pages_of_state() {
    let cloud = Cloud::new().await;
    let big = "x".repeat(600_000);
    cloud
        .durable("f", 600, move |context| {
            let big = big.clone();
            Box::pin(async move {
                if context.known().is_empty() {
                    let step = |n: usize, payload: &str| s::OperationUpdate {
                        payload: Some(payload.to_owned()),
                        ..update("STEP", &format!("s{n:04}"), "SUCCEED")
                    };
                    // More than an invocation is given at once, by size and by count.
                    for n in 0..9 {
                        context.checkpoint(vec![step(n, &big)]).await?;
                    }
                    context.checkpoint((9..1500).map(|n| step(n, "1")).collect()).await?;
                    for (max_items, wanted) in [(None, 100), (Some(0), 100), (Some(7), 7)] {
                        let input = s::GetDurableExecutionStateRequest {
                            durable_execution_arn: context.arn.clone(),
                            checkpoint_token: context.token(),
                            marker: None,
                            max_items,
                        };
                        let page = context.call::<op::GetDurableExecutionState>(input).await.unwrap();
                        assert!(page.operations.len() <= wanted && page.next_marker.is_some());
                        assert_eq!(page.operations[0].r#type, "EXECUTION");
                    }
                    for (token, marker) in [("x", None), (context.token().as_str(), Some("x".to_owned()))] {
                        let input = s::GetDurableExecutionStateRequest {
                            durable_execution_arn: context.arn.clone(),
                            checkpoint_token: token.to_owned(),
                            marker,
                            max_items: None,
                        };
                        assert!(context.call::<op::GetDurableExecutionState>(input).await.is_err());
                    }
                }
                context.wait("w", 1).await?;
                assert_eq!(context.seen("s0008").unwrap().result.unwrap().len(), 600_000);
                Ok(json!(context.known().len()))
            })
        })
        .await;
    let arn = cloud.begin("f", "a", json!(null)).await;
    cloud.pass(1).await;
    assert_eq!(cloud.end(&arn).await, ("SUCCEEDED".into(), "1501".into()));
    assert_eq!(cloud.history(&arn).await.len(), 1500 + 2 + 2 + 2);
}

#[tokio::test]
async fn invocations_that_break_are_repeated_until_the_time_is_over() {
    let cloud = Cloud::new().await;
    cloud.durable("f", 60, |_| Box::pin(async { Ok(json!(1)) })).await;
    let dead = cloud.queue("dead", &[]).await;
    let letters = s::UpdateFunctionConfigurationRequest {
        function_name: "f".into(),
        dead_letter_config: Some(s::DeadLetterConfig { target_arn: Some(dead.clone()) }),
        ..Default::default()
    };
    cloud.ok::<op::UpdateFunctionConfiguration>(letters).await;
    cloud.body("f", |_| fails());
    let arn = cloud.begin("f", "a", json!("input")).await;
    for (passes, runs) in [(1, 2), (1, 2), (1, 3), (4, 4), (8, 5), (16, 6), (28, 6)] {
        cloud.pass(passes).await;
        assert_eq!(cloud.count("f"), runs);
    }
    assert_eq!(cloud.end(&arn).await.0, "RUNNING");
    cloud.pass(1).await;
    assert_eq!(cloud.end(&arn).await, ("TIMED_OUT".into(), String::new()));
    let told = cloud.history(&arn).await;
    assert_eq!(told.len(), 8);
    let broke = told[1].invocation_completed_details.as_ref().unwrap();
    let error = broke.error.as_ref().unwrap().payload.as_ref().unwrap();
    assert_eq!(error.error_type.as_deref(), Some("ValueError"));
    cloud.pass(3600).await;
    assert_eq!(cloud.count("f"), 6);
    let letter = &cloud.drain(&dead).await[0];
    assert_eq!(letter.body.as_deref(), Some(r#""input""#));
    // One that runs while its time ends writes nothing more.
    let refused: Arc<Mutex<Option<String>>> = Arc::default();
    let (noted, clock) = (refused.clone(), cloud.platform.env.clock.clone());
    cloud.durable_body("f", move |context| {
        let (noted, clock) = (noted.clone(), clock.clone());
        Box::pin(async move {
            context.checkpoint(vec![update("STEP", "s", "START")]).await?;
            clock.sleep(std::time::Duration::from_millis(2500)).await;
            let late = context.try_checkpoint(Vec::new()).await;
            *noted.lock() = late.err().map(|error| error.to_string());
            Ok(json!(1))
        })
    });
    let one_second = s::UpdateFunctionConfigurationRequest {
        function_name: "f".into(),
        durable_config: Some(s::DurableConfig { execution_timeout: Some(2), ..Default::default() }),
        ..Default::default()
    };
    cloud.ok::<op::UpdateFunctionConfiguration>(one_second).await;
    let arn = cloud.begin("f", "b", json!(null)).await;
    cloud.pass(2).await;
    cloud.platform.env.clock.advance(std::time::Duration::from_millis(600));
    cloud.settle().await;
    assert_eq!(refused.lock().as_deref(), Some("InvalidParameterValueException: Invalid checkpoint token"));
    assert_eq!(cloud.end(&arn).await.0, "TIMED_OUT");
    assert_eq!(cloud.told(&arn).await.last().map(String::as_str), Some("InvocationCompleted"));
}

#[tokio::test]
async fn answers_that_make_no_sense_end_the_execution() {
    let cloud = Cloud::new().await;
    cloud.durable("f", 60, |_| Box::pin(async { Ok(json!(1)) })).await;
    for (n, (said, wanted)) in [
        (json!({ "statusCode": 200 }), "Invalid Status in invocation output."),
        (json!({ "Status": "MAYBE" }), "Invalid Status in invocation output."),
        (json!("text"), "Invalid Status in invocation output."),
        (json!({ "Status": "PENDING" }), "Cannot return PENDING status with no pending operations."),
        (
            json!({ "Status": "PENDING", "Result": "1" }),
            "Cannot provide a Result or an Error for PENDING status.",
        ),
        (json!({ "Status": "SUCCEEDED", "Error": {} }), "Cannot provide an Error for SUCCEEDED status."),
        (json!({ "Status": "FAILED", "Result": "1" }), "Cannot provide a Result for FAILED status."),
    ]
    .into_iter()
    .enumerate()
    {
        let answered = said.clone();
        cloud.body("f", move |_| Answer::Value(answered.clone()));
        let called = cloud.ok::<op::Invoke>(s::InvocationRequest {
            durable_execution_name: Some(format!("n{n}")),
            ..invocation("f:$LATEST", json!(1))
        });
        let called = called.await;
        assert_eq!(called.function_error.as_deref(), Some("Unhandled"), "{said}");
        let told = answer(&called);
        assert_eq!(
            (&told["errorType"], &told["errorMessage"]),
            (&json!("InvalidParameterValueException"), &json!(wanted))
        );
    }
    // An execution may end by a checkpoint; what the answer says then is no longer of interest.
    cloud.durable_body("f", |context| {
        Box::pin(async move {
            let end = s::OperationUpdate {
                payload: Some("\"long\"".into()),
                ..update("EXECUTION", "end", "SUCCEED")
            };
            assert!(context.checkpoint(vec![end]).await.is_err());
            Ok(json!("short"))
        })
    });
    assert_eq!(answer(&cloud.ok::<op::Invoke>(invocation("f:$LATEST", json!(1))).await), "long");
}

#[tokio::test]
async fn a_name_stands_for_one_execution() {
    let cloud = Cloud::new().await;
    cloud
        .durable("f", 600, |context| {
            Box::pin(async move {
                context.wait("w", 30).await?;
                Ok(json!(context.input))
            })
        })
        .await;
    let named = |payload: serde_json::Value| s::InvocationRequest {
        durable_execution_name: Some("order-1".into()),
        ..invocation("f:$LATEST", payload)
    };
    let arn = cloud.begin("f", "order-1", json!(1)).await;
    assert_eq!(cloud.begin("f", "order-1", json!(1)).await, arn);
    let other = cloud.err::<op::Invoke>(named(json!(2))).await;
    assert!(other.starts_with("DurableExecutionAlreadyStartedException"), "{other}");
    // Who asks for it again waits for its end.
    let (front, clock) = (cloud.platform.bus.clone(), cloud.platform.env.clock.clone());
    let input = named(json!(1));
    let waiting = cloud.platform.env.spawn("test", async move {
        front.call::<op::Invoke>(root(OURS), haneul_kit::Region::US_EAST_1, None, input).await
    });
    cloud.settle().await;
    assert!(!waiting.is_finished());
    clock.advance(std::time::Duration::from_secs(30));
    cloud.settle().await;
    let answered = waiting.await.unwrap().unwrap();
    assert_eq!((answer(&answered), answered.durable_execution_arn), (json!(1), Some(arn)));
    assert_eq!(answer(&cloud.ok::<op::Invoke>(named(json!(1))).await), json!(1));
    assert_eq!(cloud.count("f"), 2);
}

#[tokio::test]
async fn executions_are_listed_and_go_after_their_time() {
    let cloud = Cloud::new().await;
    cloud
        .durable("f", 600, |context| {
            Box::pin(async move {
                match context.input.as_str() {
                    Some("waits") => context.wait("w", 500).await.map(|()| json!(1)),
                    Some("fails") => Err(Stop::Failed("X".into())),
                    _ => Ok(json!(1)),
                }
            })
        })
        .await;
    cloud
        .ok::<op::PublishVersion>(s::PublishVersionRequest {
            function_name: "f".into(),
            ..Default::default()
        })
        .await;
    let mut arns = Vec::new();
    for (name, input) in [("a", ""), ("b", "fails"), ("c", "waits"), ("d", "")] {
        arns.push(cloud.begin("f", name, json!(input)).await);
        cloud.pass(10).await;
    }
    let one = s::InvocationRequest {
        durable_execution_name: Some("e".into()),
        invocation_type: Some("Event".into()),
        ..invocation("f:1", json!(""))
    };
    cloud.ok::<op::Invoke>(one).await;
    cloud.settle().await;
    let all = s::ListDurableExecutionsByFunctionRequest { function_name: "f".into(), ..Default::default() };
    let list = async |input: s::ListDurableExecutionsByFunctionRequest| {
        let page = cloud.ok::<op::ListDurableExecutionsByFunction>(input).await;
        let names: Vec<String> =
            page.durable_executions.unwrap().into_iter().map(|own| own.durable_execution_name).collect();
        (names.concat(), page.next_marker)
    };
    assert_eq!(list(all.clone()).await.0, "edcba");
    let oldest = s::ListDurableExecutionsByFunctionRequest { reverse_order: Some(true), ..all.clone() };
    assert_eq!(list(oldest.clone()).await.0, "abcde");
    let page = s::ListDurableExecutionsByFunctionRequest { max_items: Some(2), ..oldest };
    let (names, marker) = list(page.clone()).await;
    assert_eq!(names, "ab");
    assert_eq!(list(s::ListDurableExecutionsByFunctionRequest { marker, ..page }).await.0, "cd");
    let with = |change: &dyn Fn(&mut s::ListDurableExecutionsByFunctionRequest)| {
        let mut input = all.clone();
        change(&mut input);
        input
    };
    let began = cloud.execution(&arns[1]).await.start_timestamp;
    for (wanted, input) in [
        ("b", with(&|own| own.statuses = Some(vec!["FAILED".into()]))),
        ("cb", with(&|own| own.statuses = Some(vec!["FAILED".into(), "RUNNING".into()]))),
        ("d", with(&|own| own.durable_execution_name = Some("d".into()))),
        ("e", with(&|own| own.qualifier = Some("1".into()))),
        ("dcba", with(&|own| own.qualifier = Some("$LATEST".into()))),
        ("a", with(&|own| own.started_before = Some(began))),
        ("edc", with(&|own| own.started_after = Some(began))),
    ] {
        assert_eq!(list(input).await.0, wanted);
    }
    let get = |arn: &str| s::GetDurableExecutionRequest {
        durable_execution_arn: arn.into(),
        include_execution_data: None,
    };
    let delete = |arn: &str| s::DeleteDurableExecutionRequest { durable_execution_arn: arn.into() };
    let busy = cloud.err::<op::DeleteDurableExecution>(delete(&arns[2])).await;
    assert!(busy.starts_with("ResourceConflictException"), "{busy}");
    cloud.ok::<op::DeleteDurableExecution>(delete(&arns[0])).await;
    cloud.settle().await;
    let gone = "ResourceNotFoundException: Durable execution not found";
    assert!(cloud.err::<op::GetDurableExecution>(get(&arns[0])).await.starts_with(gone));
    assert_eq!(list(all.clone()).await.0, "edcb");
    // The name is free again, for another execution.
    let again = cloud.begin("f", "a", json!("other")).await;
    assert_ne!(again, arns[0]);
    assert!(cloud.err::<op::GetDurableExecution>(get(&arns[0])).await.starts_with(gone));
    days(&cloud, 13).await;
    assert_eq!(list(all.clone()).await.0.len(), 5);
    days(&cloud, 2).await;
    assert_eq!(list(all.clone()).await.0, "");
    assert_eq!(cloud.durable_rows().await, 0, "rows of executions that are gone");
}

#[tokio::test]
async fn a_row_that_fails_keeps_no_other_waiting() {
    use haneul_kit::{AccountId, Region};

    use crate::model::durable::TIMERS;
    type Row = (AccountId, Region, String, String);
    static BROKEN: haneul_store::Table<Row, Vec<u8>> = haneul_store::Table::new("lambda.durable-executions");
    let cloud = Cloud::new().await;
    cloud
        .durable("f", 600, |context| {
            Box::pin(async move { context.wait("w", 5).await.map(|()| json!("over")) })
        })
        .await;
    let arn = cloud.begin("f", "a", json!(null)).await;
    let (account, region) = (AccountId::new(OURS).unwrap(), Region::US_EAST_1);
    let store = &cloud.platform.store;
    store.put(&BROKEN, &(account, region, "f", "broken"), &b"?".to_vec()).await.unwrap();
    store.put(&TIMERS, &(1, account, region, "f", "broken", "w"), &()).await.unwrap();
    cloud.pass(5).await;
    assert_eq!(cloud.end(&arn).await.0, "SUCCEEDED");
}

#[tokio::test]
async fn executions_that_wait_for_executions_do_not_keep_them_waiting() {
    let cloud = Cloud::new().await;
    let clock = cloud.platform.env.clock.clone();
    cloud
        .durable("f", 600, move |context| {
            let clock = clock.clone();
            Box::pin(async move {
                if context.input == json!("inner") {
                    return Ok(json!("in"));
                }
                clock.sleep(std::time::Duration::from_secs(1)).await;
                let inner = context.call::<op::Invoke>(invocation("f:$LATEST", json!("inner"))).await;
                Ok(answer(&inner.unwrap()))
            })
        })
        .await;
    let mut arns = Vec::new();
    for n in 0..70 {
        arns.push(cloud.begin("f", &format!("n{n}"), json!("outer")).await);
    }
    cloud.pass(1).await;
    cloud.settle().await;
    for arn in &arns {
        assert_eq!(cloud.end(arn).await, ("SUCCEEDED".into(), "\"in\"".into()));
    }
}
