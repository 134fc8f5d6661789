use std::sync::Arc;

use haneul_kit::{Platform, Result, Service, Signal};
use haneul_ssm_wire as wire;
use wire::operations as op;

use crate::Parameters;
use crate::store::State;
use crate::tasks::Due;

/// The dispatch table.
pub async fn service(platform: &Platform) -> Result<Service> {
    platform.tagged.add("ssm", crate::resources::KINDS, crate::resources::list);
    let state = State { store: platform.store.clone() };
    let parameters = Arc::new(Parameters { platform: platform.clone(), state, due: Signal::default() });
    platform.meter.holds("ssm", &parameters, crate::metering::held);
    Ok(Service::of(&wire::SERVICE, parameters.clone())
        .op::<op::AddTagsToResource>()
        .op::<op::DeleteParameter>()
        .op::<op::DeleteParameters>()
        .op::<op::DeleteResourcePolicy>()
        .op::<op::DescribeParameters>()
        .op::<op::GetParameter>()
        .op::<op::GetParameterHistory>()
        .op::<op::GetParameters>()
        .op::<op::GetParametersByPath>()
        .op::<op::GetResourcePolicies>()
        .op::<op::GetServiceSetting>()
        .op::<op::LabelParameterVersion>()
        .op::<op::ListTagsForResource>()
        .op::<op::PutParameter>()
        .op::<op::PutResourcePolicy>()
        .op::<op::RemoveTagsFromResource>()
        .op::<op::ResetServiceSetting>()
        .op::<op::UnlabelParameterVersion>()
        .op::<op::UpdateServiceSetting>()
        .reconciler(Arc::new(Due::new(parameters)))
        .build())
}
