//! Amazon Kinesis Data Streams: streams of records in shards.
//!
//! What must never happen here: a dependency on another service; calls to others go over the bus.

mod error;
mod ops;

use std::sync::Arc;

use haneul_kinesis_wire as wire;
use haneul_kit::{Platform, Result, Service};

/// The state of the service.
pub struct Kinesis {
    #[expect(dead_code, reason = "the first operation that keeps state will read it")]
    platform: Platform,
}

/// The dispatch table.
pub async fn service(platform: &Platform) -> Result<Service> {
    let state = Arc::new(Kinesis { platform: platform.clone() });
    let service = Service::of(&wire::SERVICE, state);
    Ok(service.build())
}
