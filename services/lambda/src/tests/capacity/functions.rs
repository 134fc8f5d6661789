use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use haneul_lambda_exec::simulated::Answer;
use haneul_lambda_wire::{operations as op, shapes as s};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::super::cloud::{Bodies, Cloud, OURS, answer, create, invocation, root, zip_of};
use super::{PROVIDER, PUBLISHED, managed, on, scaling};
use crate::invoke::Call;
use crate::names::{FunctionName, Named};

#[tokio::test]
async fn what_a_function_on_a_provider_cannot_be_is_refused() {
    let cloud = Cloud::new().await;
    let role = cloud.on_provider(None).await;
    let base = || managed("g", &role);
    let with = |concurrency: Option<i32>, ratio: Option<f64>| {
        let mut config = on(PROVIDER);
        let inner = &mut config.lambda_managed_instances_capacity_provider_config;
        inner.per_execution_environment_max_concurrency = concurrency;
        inner.execution_environment_memory_gi_b_per_v_cpu = ratio;
        Some(config)
    };
    let missing = PROVIDER.replace(":cp", ":none");
    let text = s::LoggingConfig { log_format: Some("Text".into()), ..Default::default() };
    for (wanted, input) in [
        (
            "ResourceNotFoundException: Capacity provider not found",
            s::CreateFunctionRequest { capacity_provider_config: Some(on(&missing)), ..base() },
        ),
        ("'MemorySize' value failed", s::CreateFunctionRequest { memory_size: Some(1024), ..base() }),
        (
            "value less than or equal to 32768",
            s::CreateFunctionRequest { memory_size: Some(40_000), ..base() },
        ),
        ("The runtime python3.12", s::CreateFunctionRequest { runtime: Some("python3.12".into()), ..base() }),
        ("The runtime nodejs20.x", s::CreateFunctionRequest { runtime: Some("nodejs20.x".into()), ..base() }),
        ("LogFormat must be JSON", s::CreateFunctionRequest { logging_config: Some(text), ..base() }),
        (
            "ExecutionEnvironmentMemoryGiBPerVCpu",
            s::CreateFunctionRequest { capacity_provider_config: with(None, Some(3.0)), ..base() },
        ),
        (
            "With 2048 MB of memory and 4 GiB for each vCPU",
            s::CreateFunctionRequest { capacity_provider_config: with(None, Some(4.0)), ..base() },
        ),
        (
            "PerExecutionEnvironmentMaxConcurrency must be at most 64 for each vCPU, here 64",
            s::CreateFunctionRequest { capacity_provider_config: with(Some(65), None), ..base() },
        ),
        (
            "PublishTo is only supported",
            s::CreateFunctionRequest {
                capacity_provider_config: None,
                publish_to: Some("LATEST_PUBLISHED".into()),
                ..base()
            },
        ),
    ] {
        let refused = cloud.err::<op::CreateFunction>(input).await;
        assert!(refused.contains(wanted), "{wanted}: {refused}");
    }
    // What only others can have, and what none can be given later.
    let reserve =
        s::PutFunctionConcurrencyRequest { function_name: "f".into(), reserved_concurrent_executions: 1 };
    assert!(cloud.err::<op::PutFunctionConcurrency>(reserve).await.contains("not supported"));
    cloud.ok::<op::CreateFunction>(create("plain", &role)).await;
    let update = |name: &str, config| s::UpdateFunctionConfigurationRequest {
        function_name: name.into(),
        capacity_provider_config: config,
        ..Default::default()
    };
    let code = s::UpdateFunctionCodeRequest {
        function_name: "plain".into(),
        zip_file: Some(zip_of(&[("index.py", "other")])),
        publish_to: Some("LATEST_PUBLISHED".into()),
        ..Default::default()
    };
    let plain = s::GetFunctionConfigurationRequest { function_name: "plain".into(), qualifier: None };
    let before = cloud.ok::<op::GetFunctionConfiguration>(plain.clone()).await;
    let refused = cloud.err::<op::UpdateFunctionCode>(code).await;
    assert!(refused.contains("PublishTo is only supported"), "{refused}");
    assert_eq!(cloud.ok::<op::GetFunctionConfiguration>(plain).await.code_sha256, before.code_sha256);
    let refused = cloud.err::<op::UpdateFunctionConfiguration>(update("plain", with(None, None))).await;
    assert!(refused.contains("when it is created"), "{refused}");
    let refused = cloud.err::<op::UpdateFunctionConfiguration>(update("f", with(Some(70), None))).await;
    assert!(refused.contains("at most 64"), "{refused}");
    let changed = cloud.ok::<op::UpdateFunctionConfiguration>(update("f", with(Some(7), None))).await;
    let shown = changed.capacity_provider_config.unwrap().lambda_managed_instances_capacity_provider_config;
    assert_eq!(shown.per_execution_environment_max_concurrency, Some(7));
    let refused = cloud.err::<op::PutFunctionScalingConfig>(scaling("1", Some(1), None)).await;
    assert!(refused.starts_with("ResourceNotFoundException: "), "{refused}");
    let refused = cloud.err::<op::PutFunctionScalingConfig>(scaling(PUBLISHED, Some(2), Some(1))).await;
    assert!(refused.starts_with("InvalidParameterValueException: MinExecutionEnvironments"), "{refused}");
}

#[tokio::test]
async fn what_is_published_is_called() {
    let cloud = Cloud::new().await;
    cloud.on_provider(None).await;
    let latest = cloud.state_is("$LATEST", "ActiveNonInvocable").await;
    assert_eq!(
        (latest.memory_size, latest.logging_config.unwrap().log_format),
        (Some(2048), Some("JSON".into()))
    );
    let shown = latest.capacity_provider_config.unwrap().lambda_managed_instances_capacity_provider_config;
    assert_eq!(shown.capacity_provider_arn, PROVIDER);
    assert_eq!(shown.per_execution_environment_max_concurrency, Some(16));
    assert_eq!(shown.execution_environment_memory_gi_b_per_v_cpu, Some(2.0));
    let refused = cloud.err::<op::Invoke>(invocation("f", json!(1))).await;
    assert!(refused.starts_with("NoPublishedVersionException: "), "{refused}");
    let refused = cloud.err::<op::Invoke>(invocation("f:$LATEST", json!(1))).await;
    assert!(refused.ends_with("in the following state: ActiveNonInvocable"), "{refused}");

    let published = cloud.publish(Some("LATEST_PUBLISHED")).await;
    assert_eq!(
        (published.version.as_deref(), published.state.as_deref()),
        (Some(PUBLISHED), Some("Pending"))
    );
    assert!(published.function_arn.unwrap().ends_with(":function:f:$LATEST.PUBLISHED"));
    cloud.state_is(PUBLISHED, "Active").await;
    for name in ["f", "f:$LATEST.PUBLISHED"] {
        let called = cloud.invoke(name, json!({ "a": 1 })).await;
        assert_eq!(called.executed_version.as_deref(), Some(PUBLISHED), "{name}");
        assert_eq!(answer(&called), json!({ "a": 1 }));
    }
    cloud.send_event("f", json!({ "event": true })).await;
    cloud.until("the event comes", || cloud.seen.lock().iter().any(|(_, e)| e["event"] == true)).await;
    let numbered = cloud.publish(None).await;
    assert_eq!(numbered.version.as_deref(), Some("1"));
    cloud.state_is("1", "Active").await;
    assert_eq!(cloud.invoke("f:1", json!(1)).await.executed_version.as_deref(), Some("1"));
    let both = [("1".to_owned(), "Active".to_owned()), (PUBLISHED.to_owned(), "Active".to_owned())];
    assert_eq!(cloud.versions_on().await, both);

    // Again with other code: it is called on, and the setting is another one.
    let code = s::UpdateFunctionCodeRequest {
        function_name: "f".into(),
        zip_file: Some(zip_of(&[("index.py", "other")])),
        publish_to: Some("LATEST_PUBLISHED".into()),
        ..Default::default()
    };
    let again = cloud.ok::<op::UpdateFunctionCode>(code).await;
    assert_eq!((again.version.as_deref(), again.state.as_deref()), (Some(PUBLISHED), Some("Active")));
    assert_eq!(again.last_update_status.as_deref(), Some("InProgress"));
    cloud.invoke("f", json!(2)).await;
    cloud.settle().await;
    let now = cloud.configuration_of(Some(PUBLISHED)).await;
    assert_eq!(now.last_update_status.as_deref(), Some("Successful"));
    assert_ne!(now.code_sha256, numbered.code_sha256);

    // What is used stays.
    let delete = s::DeleteCapacityProviderRequest { capacity_provider_name: "cp".into() };
    let refused = cloud.err::<op::DeleteCapacityProvider>(delete.clone()).await;
    assert!(refused.starts_with("ResourceConflictException: "), "{refused}");
    let one = |qualifier: &str| s::DeleteFunctionRequest {
        function_name: "f".into(),
        qualifier: Some(qualifier.into()),
    };
    cloud.ok::<op::DeleteFunction>(one(PUBLISHED)).await;
    assert_eq!(cloud.versions_on().await.len(), 1);
    let refused = cloud.err::<op::Invoke>(invocation("f", json!(1))).await;
    assert!(refused.starts_with("NoPublishedVersionException: "), "{refused}");
    cloud
        .ok::<op::DeleteFunction>(s::DeleteFunctionRequest { function_name: "f".into(), qualifier: None })
        .await;
    cloud.ok::<op::DeleteCapacityProvider>(delete).await;
}

/// A function that holds what it is given until the test lets go.
fn holding(cloud: &Cloud) -> (Arc<AtomicUsize>, watch::Sender<bool>) {
    let (held, open) = (Arc::new(AtomicUsize::new(0)), watch::Sender::new(false));
    let (count, gate) = (held.clone(), open.clone());
    cloud.async_body("f", move |_| {
        let (count, mut gate) = (count.clone(), gate.subscribe());
        Box::pin(async move {
            count.fetch_add(1, Ordering::SeqCst);
            let _ = gate.wait_for(|open| *open).await;
            Answer::Value(Value::Null)
        })
    });
    (held, open)
}

#[tokio::test]
async fn who_finds_no_place_is_throttled() {
    let cloud = Arc::new(Cloud::new().await);
    cloud.on_provider(None).await;
    let mut config = on(PROVIDER);
    config.lambda_managed_instances_capacity_provider_config.per_execution_environment_max_concurrency =
        Some(2);
    let update = s::UpdateFunctionConfigurationRequest {
        function_name: "f".into(),
        capacity_provider_config: Some(config),
        ..Default::default()
    };
    cloud.ok::<op::UpdateFunctionConfiguration>(update).await;
    cloud.publish(Some("LATEST_PUBLISHED")).await;
    cloud.state_is(PUBLISHED, "Active").await;
    let state = cloud.ok::<op::PutFunctionScalingConfig>(scaling(PUBLISHED, Some(1), Some(1))).await;
    assert_eq!(state.function_state.as_deref(), Some("Active"));
    cloud.settle().await;
    let (held, open) = holding(&cloud);
    let hold = || {
        let (env, cloud) = (cloud.platform.env.clone(), cloud.clone());
        env.spawn("call", async move { cloud.invoke("f", json!(1)).await })
    };
    let two = [hold(), hold()];
    cloud.until("both are held", || held.load(Ordering::SeqCst) == 2).await;
    let refused = cloud.call::<op::Invoke>(&root(OURS), invocation("f", json!(1))).await;
    let refused = refused.err().unwrap();
    assert_eq!(refused.code(), "TooManyRequestsException");
    // More environments take more.
    cloud.ok::<op::PutFunctionScalingConfig>(scaling(PUBLISHED, Some(2), Some(2))).await;
    cloud.settle().await;
    let third = hold();
    cloud.until("a third is held", || held.load(Ordering::SeqCst) == 3).await;
    open.send_replace(true);
    for one in two.into_iter().chain([third]) {
        one.await.unwrap();
    }
}

#[tokio::test]
async fn environments_are_scaled_and_switched_off() {
    let cloud = Cloud::new().await;
    // Three environments of a processor each do not fit.
    cloud.on_provider(Some(2)).await;
    cloud.publish(Some("LATEST_PUBLISHED")).await;
    let failed = cloud.state_is(PUBLISHED, "Failed").await;
    assert_eq!(failed.state_reason_code.as_deref(), Some("CapacityProviderScalingLimitExceeded"));
    let refused = cloud.err::<op::Invoke>(invocation("f", json!(1))).await;
    assert!(refused.ends_with("in the following state: Failed"), "{refused}");
    let get =
        || s::GetFunctionScalingConfigRequest { function_name: "f".into(), qualifier: PUBLISHED.into() };
    let shown = cloud.ok::<op::GetFunctionScalingConfig>(get()).await;
    assert!(shown.function_arn.unwrap().ends_with(":f:$LATEST.PUBLISHED"));
    assert_eq!(shown.requested_function_scaling_config.unwrap().min_execution_environments, Some(3));
    assert!(shown.applied_function_scaling_config.is_none());
    let state = cloud.ok::<op::PutFunctionScalingConfig>(scaling(PUBLISHED, Some(2), Some(4))).await;
    assert_eq!(state.function_state.as_deref(), Some("Pending"));
    cloud.state_is(PUBLISHED, "Active").await;
    let applied =
        cloud.ok::<op::GetFunctionScalingConfig>(get()).await.applied_function_scaling_config.unwrap();
    assert_eq!((applied.min_execution_environments, applied.max_execution_environments), (Some(2), Some(4)));
    cloud.invoke("f", json!(1)).await;
    // What does not fit is said, and what is there goes on.
    cloud.ok::<op::PutFunctionScalingConfig>(scaling(PUBLISHED, Some(4), Some(4))).await;
    cloud.settle().await;
    let now = cloud.configuration_of(Some(PUBLISHED)).await;
    assert_eq!((now.state.as_deref(), now.last_update_status.as_deref()), (Some("Active"), Some("Failed")));
    let applied =
        cloud.ok::<op::GetFunctionScalingConfig>(get()).await.applied_function_scaling_config.unwrap();
    assert_eq!(applied.min_execution_environments, Some(2));
    cpus_max(&cloud, 10).await;
    cloud.settle().await;
    let now = cloud.configuration_of(Some(PUBLISHED)).await;
    assert_eq!(now.last_update_status.as_deref(), Some("Successful"));
    // None at all.
    let state = cloud.ok::<op::PutFunctionScalingConfig>(scaling(PUBLISHED, Some(0), Some(0))).await;
    assert_eq!(state.function_state.as_deref(), Some("Deactivating"));
    cloud.state_is(PUBLISHED, "Deactivated").await;
    let refused = cloud.err::<op::Invoke>(invocation("f", json!(1))).await;
    assert!(refused.ends_with("in the following state: Deactivated"), "{refused}");
    cloud.ok::<op::PutFunctionScalingConfig>(scaling(PUBLISHED, Some(1), None)).await;
    cloud.state_is(PUBLISHED, "Active").await;
    cloud.invoke("f", json!(1)).await;
}

#[tokio::test]
async fn a_scaling_that_comes_to_the_same_is_applied() {
    let cloud = Cloud::new().await;
    cloud.on_provider(None).await;
    cloud.publish(Some("LATEST_PUBLISHED")).await;
    cloud.state_is(PUBLISHED, "Active").await;
    let get =
        || s::GetFunctionScalingConfigRequest { function_name: "f".into(), qualifier: PUBLISHED.into() };
    let (usual, off) = ((None, None), (Some(0), Some(0)));
    // Three are the least anyway; and what was switched off for a moment is asked for again.
    for puts in [vec![(Some(3), None)], vec![off, (Some(3), None)], vec![usual], vec![off, usual]] {
        for (min, max) in puts {
            cloud.ok::<op::PutFunctionScalingConfig>(scaling(PUBLISHED, min, max)).await;
        }
        cloud.state_is(PUBLISHED, "Active").await;
        let applied = cloud.ok::<op::GetFunctionScalingConfig>(get()).await.applied_function_scaling_config;
        assert_eq!(applied.unwrap().min_execution_environments, Some(3));
        assert_eq!(cloud.executor.fleets().into_values().collect::<Vec<_>>(), [3]);
    }
}

#[tokio::test]
async fn what_failed_is_tried_again_when_the_same_is_asked_for_again() {
    let cloud = Cloud::new().await;
    cloud.on_provider(Some(2)).await;
    cloud.publish(Some("LATEST_PUBLISHED")).await;
    cloud.state_is(PUBLISHED, "Failed").await;
    cloud.settle().await;
    assert!(cloud.executor.fleets().is_empty());
    for _ in 0..2 {
        let state = cloud.ok::<op::PutFunctionScalingConfig>(scaling(PUBLISHED, None, None)).await;
        assert_eq!(state.function_state.as_deref(), Some("Pending"));
        cloud.state_is(PUBLISHED, "Failed").await;
    }
    cloud.settle().await;
    assert!(cloud.executor.fleets().is_empty());
}

/// The function is another one than what was published, with which nothing is wrong.
async fn changed(cloud: &Cloud, timeout: i32) {
    let update = s::UpdateFunctionConfigurationRequest {
        function_name: "f".into(),
        timeout: Some(timeout),
        ..Default::default()
    };
    cloud.ok::<op::UpdateFunctionConfiguration>(update).await;
}

/// Waits until the last update of what is published came to this.
async fn update_is(cloud: &Cloud, wanted: &str) -> s::FunctionConfiguration {
    for _ in 0..50 {
        cloud.settle().await;
        let found = cloud.configuration_of(Some(PUBLISHED)).await;
        if found.last_update_status.as_deref() == Some(wanted) {
            return found;
        }
    }
    panic!("the update was never {wanted}");
}

async fn cpus_max(cloud: &Cloud, most: i32) {
    let update = s::UpdateCapacityProviderRequest {
        capacity_provider_name: "cp".into(),
        capacity_provider_scaling_config: Some(s::CapacityProviderScalingConfig {
            max_v_cpu_count: Some(most),
            ..Default::default()
        }),
        ..Default::default()
    };
    cloud.ok::<op::UpdateCapacityProvider>(update).await;
}

#[tokio::test]
async fn what_worked_answers_until_what_replaces_it_does() {
    let cloud = Cloud::new().await;
    cloud.on_provider(None).await;
    cloud.publish(Some("LATEST_PUBLISHED")).await;
    cloud.state_is(PUBLISHED, "Active").await;
    let first: Vec<_> = cloud.executor.fleets().into_keys().collect();
    cloud.executor.hold(true);
    for timeout in [11, 12] {
        changed(&cloud, timeout).await;
        cloud.publish(Some("LATEST_PUBLISHED")).await;
        let now = update_is(&cloud, "InProgress").await;
        assert_eq!((now.state.as_deref(), now.timeout), (Some("Active"), Some(timeout)));
        cloud.until("both are kept", || cloud.executor.fleets().len() == 2).await;
        cloud.invoke("f", json!(1)).await;
        let kept = cloud.executor.fleets();
        assert_eq!((kept.len(), kept.get(&first[0])), (2, Some(&3)), "{kept:?}");
    }
    cloud.executor.hold(false);
    assert_eq!(update_is(&cloud, "Successful").await.state.as_deref(), Some("Active"));
    cloud.until("one is kept", || cloud.executor.fleets().len() == 1).await;
    cloud.invoke("f", json!(1)).await;
    let kept = cloud.executor.fleets();
    assert!(kept.len() == 1 && !kept.contains_key(&first[0]), "{kept:?}");
}

#[tokio::test]
async fn what_cannot_replace_what_worked_leaves_it_as_it_was() {
    let env = haneul_env::Env::simulated(9);
    let (store, blobs) = (haneul_store::Store::memory(), haneul_blob::Blobs::memory(&env));
    let dir = std::path::Path::new("/data");
    let cloud = Cloud::over(env.clone(), store.clone(), blobs.clone(), Some(dir), Bodies::default()).await;
    cloud.on_provider(Some(4)).await;
    cloud.publish(Some("LATEST_PUBLISHED")).await;
    cloud.state_is(PUBLISHED, "Active").await;
    let before = cloud.executor.fleets();
    // Three of two processors each do not fit.
    let update = s::UpdateFunctionConfigurationRequest {
        function_name: "f".into(),
        memory_size: Some(4096),
        ..Default::default()
    };
    cloud.ok::<op::UpdateFunctionConfiguration>(update).await;
    for _ in 0..2 {
        cloud.publish(Some("LATEST_PUBLISHED")).await;
        let now = update_is(&cloud, "Failed").await;
        assert_eq!((now.state.as_deref(), now.memory_size), (Some("Active"), Some(2048)));
        let code = now.last_update_status_reason_code.as_deref();
        assert_eq!(code, Some("CapacityProviderScalingLimitExceeded"));
        cloud.invoke("f", json!(1)).await;
        assert_eq!(cloud.executor.fleets(), before);
    }
    // What was to be replaced is known after a restart too.
    cloud.executor.hold(true);
    cloud.publish(Some("LATEST_PUBLISHED")).await;
    cloud.platform.env.tasks.begin_stop();
    cloud.settle().await;
    drop(cloud);
    let env = haneul_env::Env { tasks: Default::default(), ..env };
    let cloud = Cloud::over(env, store, blobs, Some(dir), Bodies::default()).await;
    cloud.invoke("f", json!(1)).await;
    let now = update_is(&cloud, "Failed").await;
    assert_eq!((now.state.as_deref(), now.memory_size), (Some("Active"), Some(2048)));
    cloud.until("what worked is kept alone", || cloud.executor.fleets() == before).await;
    cpus_max(&cloud, 10).await;
    cloud.publish(Some("LATEST_PUBLISHED")).await;
    let now = update_is(&cloud, "Successful").await;
    assert_eq!((now.state.as_deref(), now.memory_size), (Some("Active"), Some(4096)));
    assert_ne!(cloud.executor.fleets(), before);
}

#[tokio::test]
async fn what_is_replaced_makes_room() {
    let cloud = Cloud::new().await;
    cloud.on_provider(Some(3)).await;
    cloud.publish(Some("LATEST_PUBLISHED")).await;
    cloud.state_is(PUBLISHED, "Active").await;
    changed(&cloud, 11).await;
    cloud.publish(Some("LATEST_PUBLISHED")).await;
    let mut seen = Vec::new();
    for _ in 0..3 {
        cloud.settle().await;
        cloud.invoke("f", json!(1)).await;
        let mut kept: Vec<_> = cloud.executor.fleets().into_values().collect();
        kept.sort_unstable();
        seen.push(kept);
        cloud.pass(10).await;
    }
    assert_eq!(seen, [vec![0, 1], vec![2], vec![3]]);
    assert_eq!(update_is(&cloud, "Successful").await.state.as_deref(), Some("Active"));
}

#[tokio::test]
async fn more_processors_revive_what_had_too_few() {
    let cloud = Cloud::new().await;
    cloud.on_provider(Some(2)).await;
    cloud.publish(Some("LATEST_PUBLISHED")).await;
    cloud.state_is(PUBLISHED, "Failed").await;
    cpus_max(&cloud, 3).await;
    cloud.state_is(PUBLISHED, "Active").await;
    cloud.invoke("f", json!(1)).await;
}

#[tokio::test]
async fn who_calls_what_was_replaced_meanwhile_brings_nothing_back() {
    let cloud = Cloud::new().await;
    cloud.on_provider(None).await;
    cloud.publish(Some("LATEST_PUBLISHED")).await;
    cloud.state_is(PUBLISHED, "Active").await;
    let account = haneul_kit::AccountId::new(OURS).unwrap();
    let function = FunctionName { account, region: haneul_kit::Region::US_EAST_1, name: "f".into() };
    let named = Named { function, qualifier: Some(PUBLISHED.into()) };
    let late = cloud.lambda.target(&named).await.unwrap();
    changed(&cloud, 11).await;
    cloud.publish(Some("LATEST_PUBLISHED")).await;
    update_is(&cloud, "Successful").await;
    cloud.until("one is kept", || cloud.executor.fleets().len() == 1).await;
    let now = cloud.executor.fleets();
    let refused = cloud.lambda.run(late.clone(), Call::default()).await.err().unwrap();
    assert_eq!(refused.code(), "TooManyRequestsException", "{refused}");
    assert_eq!(cloud.executor.fleets(), now);
    // Nor when it was switched off.
    cloud.ok::<op::PutFunctionScalingConfig>(scaling(PUBLISHED, Some(0), Some(0))).await;
    cloud.state_is(PUBLISHED, "Deactivated").await;
    assert!(cloud.lambda.run(late, Call::default()).await.is_err());
    assert!(cloud.executor.fleets().is_empty());
}

#[tokio::test]
async fn providers_and_versions_outlive_the_cloud() {
    let env = haneul_env::Env::simulated(9);
    let (store, blobs) = (haneul_store::Store::memory(), haneul_blob::Blobs::memory(&env));
    let dir = std::path::Path::new("/data");
    let first = Cloud::over(env.clone(), store.clone(), blobs.clone(), Some(dir), Bodies::default()).await;
    first.on_provider(None).await;
    first.publish(Some("LATEST_PUBLISHED")).await;
    first.state_is(PUBLISHED, "Active").await;
    first.platform.env.tasks.begin_stop();
    first.settle().await;
    drop(first);
    let env = haneul_env::Env { tasks: Default::default(), ..env };
    let again = Cloud::over(env, store, blobs, Some(dir), Bodies::default()).await;
    // Nobody has called.
    again.until("environments are there", || again.executor.fleets().into_values().eq([3])).await;
    assert_eq!(again.versions_on().await, [(PUBLISHED.to_owned(), "Active".to_owned())]);
    assert_eq!(answer(&again.invoke("f", json!({ "a": 2 })).await), json!({ "a": 2 }));
}
