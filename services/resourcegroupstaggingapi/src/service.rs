use std::sync::Arc;

use haneul_kit::{Platform, Result, Service};
use haneul_resourcegroupstaggingapi_wire as wire;
use wire::operations as op;

use crate::Tagging;

/// The dispatch table.
///
/// # Errors
/// None.
pub async fn service(platform: &Platform) -> Result<Service> {
    let tagging = Arc::new(Tagging { platform: platform.clone() });
    Ok(Service::of(&wire::SERVICE, tagging)
        .op::<op::GetResources>()
        .op::<op::GetTagKeys>()
        .op::<op::GetTagValues>()
        .op::<op::TagResources>()
        .op::<op::UntagResources>()
        .build())
}
