//! The cloud goes down in the middle of things and comes up again: nothing is repeated that was checkpointed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use haneul_kit::Env;
use serde_json::json;

use super::super::cloud::{Bodies, Cloud};
use super::sdk::Context;

#[derive(Clone, Default)]
struct Runs {
    first: Arc<AtomicU32>,
    second: Arc<AtomicU32>,
    /// Where the function stops for ever.
    hangs: Arc<AtomicU32>,
}

async fn body(context: Arc<Context>, runs: Runs) -> super::sdk::Ends {
    let one = context.step("one", None, || {
        runs.first.fetch_add(1, Ordering::SeqCst);
        Ok("1".into())
    });
    let one = one.await?;
    if runs.hangs.load(Ordering::SeqCst) == 1 {
        std::future::pending::<()>().await;
    }
    let called = context.invoke("call", "plain", json!("sent")).await?;
    context.wait("w", 3600).await?;
    let two = context.step("two", Some(10), || match runs.second.fetch_add(1, Ordering::SeqCst) {
        0 => Err("Flaky".into()),
        _ => Ok("2".into()),
    });
    Ok(json!([one, called, two.await?]))
}

/// Nothing of it goes on when time does.
async fn stopped(cloud: &Cloud) {
    cloud.platform.env.tasks.begin_stop();
    cloud.settle().await;
}

#[tokio::test]
async fn executions_outlive_the_cloud() {
    let env = haneul_env::Env::simulated(9);
    let (store, blobs) = (haneul_store::Store::memory(), haneul_blob::Blobs::memory(&env));
    let dir = std::path::Path::new("/data");
    let (runs, bodies) = (Runs::default(), Bodies::default());
    runs.hangs.store(1, Ordering::SeqCst);
    let started = async |env: Env, first: bool| {
        let cloud = Cloud::over(env, store.clone(), blobs.clone(), Some(dir), bodies.clone()).await;
        let own = runs.clone();
        let work = move |context| -> haneul_kit::BoxFuture<'static, super::sdk::Ends> {
            Box::pin(body(context, own.clone()))
        };
        if first {
            cloud.durable("f", 100_000, work).await;
            cloud.function("plain").await;
        } else {
            cloud.durable_body("f", work);
        }
        cloud
    };
    let restarted = async |cloud: Cloud| {
        stopped(&cloud).await;
        let env = Env { tasks: Default::default(), ..cloud.platform.env.clone() };
        started(env, false).await
    };
    // Down while the function runs, after its first step.
    let cloud = started(env, true).await;
    let arn = cloud.begin("f", "a", json!(null)).await;
    assert_eq!(runs.first.load(Ordering::SeqCst), 1);
    runs.hangs.store(0, Ordering::SeqCst);
    let cloud = restarted(cloud).await;
    cloud.until("it waits", || cloud.count("f") == 2).await;
    assert_eq!(cloud.count("plain"), 1);
    // Down during the wait, and beyond its end.
    let cloud = restarted(cloud).await;
    cloud.pass(3500).await;
    assert_eq!(cloud.count("f"), 0);
    stopped(&cloud).await;
    cloud.platform.env.clock.advance(std::time::Duration::from_secs(200));
    let cloud = restarted(cloud).await;
    // Its code has to be unpacked first, on another thread.
    cloud.until("it goes on", || runs.second.load(Ordering::SeqCst) == 1).await;
    cloud.settle().await;
    assert_eq!(cloud.count("f"), 1);
    // Down before the second attempt.
    let cloud = restarted(cloud).await;
    cloud.pass(10).await;
    cloud.until("it is tried again", || runs.second.load(Ordering::SeqCst) == 2).await;
    cloud.settle().await;
    assert_eq!(cloud.end(&arn).await, ("SUCCEEDED".into(), r#"["1","\"sent\"","2"]"#.into()));
    assert_eq!((runs.first.load(Ordering::SeqCst), runs.second.load(Ordering::SeqCst)), (1, 2));
    assert_eq!(cloud.count("plain"), 0);
}

#[tokio::test]
async fn a_function_that_is_called_again_can_tell() {
    let env = haneul_env::Env::simulated(9);
    let (store, blobs) = (haneul_store::Store::memory(), haneul_blob::Blobs::memory(&env));
    let dir = std::path::Path::new("/data");
    let requests: Arc<parking_lot::Mutex<Vec<String>>> = Arc::default();
    let bodies = Bodies::default();
    let cloud = Cloud::over(env, store.clone(), blobs.clone(), Some(dir), bodies.clone()).await;
    cloud
        .durable("f", 600, |context| {
            Box::pin(async move { context.invoke("call", "plain", json!(1)).await.map(|got| json!(got)) })
        })
        .await;
    cloud.function("plain").await;
    let noted = requests.clone();
    cloud.async_body("plain", move |call| {
        let mut noted = noted.lock();
        noted.push(call.request_id.clone());
        let first = noted.len() == 1;
        Box::pin(async move {
            if first {
                std::future::pending::<()>().await;
            }
            haneul_lambda_exec::simulated::Answer::Value(json!(2))
        })
    });
    let arn = cloud.begin("f", "a", json!(null)).await;
    stopped(&cloud).await;
    let env = Env { tasks: Default::default(), ..cloud.platform.env.clone() };
    let cloud = Cloud::over(env, store, blobs, Some(dir), bodies).await;
    cloud.until("it is called again", || requests.lock().len() == 2).await;
    cloud.settle().await;
    let requests = requests.lock().clone();
    assert_eq!(requests[0], requests[1]);
    assert_eq!(requests[0].len(), 36);
    drop((cloud, arn));
}
