//! A function in Rust as users write them, with AWS's own runtime crate: built, put into a zip as `bootstrap`, and run by
//! the tests as `provided.al2023`.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

async fn answer(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let LambdaEvent { payload, context } = event;
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
    lambda_runtime::run(service_fn(answer)).await
}
