//! dynamodb: one sentence on the job it does.
//!
//! What must never happen here: a dependency on another service; calls to others go over the bus.

mod error;
mod ops;

use std::sync::Arc;

use haneul_dynamodb_wire as wire;
use haneul_kit::{Platform, Result, Service};

/// The state of the service.
pub struct Dynamodb {
    #[expect(dead_code, reason = "the first operation that keeps state will read it")]
    platform: Platform,
}

/// The APIs of this state: DynamoDB, and DynamoDB Streams.
pub async fn services(platform: &Platform) -> Result<Vec<Service>> {
    let state = Arc::new(Dynamodb { platform: platform.clone() });
    Ok(vec![
        Service::of(&wire::SERVICE, state.clone()).build(),
        Service::of(&haneul_dynamodbstreams_wire::SERVICE, state).build(),
    ])
}
