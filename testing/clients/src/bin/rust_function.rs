//! A function in Rust as users write them, with AWS's own runtime crate: built, put into a zip as `bootstrap`, and run by
//! the tests as `provided.al2023`.

use std::sync::atomic::{AtomicU64, Ordering};

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// Events that wait for each other.
static MEETING: Semaphore = Semaphore::const_new(0);
static ARRIVED: AtomicU64 = AtomicU64::new(0);

async fn answer(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let LambdaEvent { payload, context } = event;
    if let Some(all) = payload["meet"].as_u64() {
        if ARRIVED.fetch_add(1, Ordering::SeqCst) + 1 == all {
            MEETING.add_permits(usize::try_from(all)?);
        }
        MEETING.acquire().await?.forget();
        return Ok(json!({ "number": payload["number"], "pid": std::process::id() }));
    }
    match payload["name"].as_str() {
        Some(name) => Ok(json!({
            "hello": name,
            "function": context.env_config.function_name,
            "arn": context.invoked_function_arn,
            "left": context.deadline > 0,
        })),
        None => Err("there is no name".into()),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    // One after the other, unless it runs on a capacity provider.
    lambda_runtime::run_concurrent(service_fn(answer)).await
}
