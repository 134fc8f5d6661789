use std::sync::Arc;

use haneul_application_autoscaling_wire as wire;
use haneul_kit::{Platform, Result, Service, Signal};
use haneul_roles::Sessions;
use wire::operations as op;

use crate::ApplicationAutoscaling;
use crate::tasks::Scale;

/// The dispatch table.
pub async fn service(platform: &Platform) -> Result<Service> {
    platform.tagged.add("application-autoscaling", crate::resources::KINDS, crate::resources::list);
    let state = Arc::new(ApplicationAutoscaling {
        platform: platform.clone(),
        due: Signal::default(),
        sessions: Sessions::default(),
    });
    Ok(Service::of(&wire::SERVICE, state.clone())
        .op::<op::DeleteScalingPolicy>()
        .op::<op::DeleteScheduledAction>()
        .op::<op::DeregisterScalableTarget>()
        .op::<op::DescribeScalableTargets>()
        .op::<op::DescribeScalingActivities>()
        .op::<op::DescribeScalingPolicies>()
        .op::<op::DescribeScheduledActions>()
        .op::<op::ListTagsForResource>()
        .op::<op::PutScalingPolicy>()
        .op::<op::PutScheduledAction>()
        .op::<op::RegisterScalableTarget>()
        .op::<op::TagResource>()
        .op::<op::UntagResource>()
        .reconciler(Arc::new(Scale::new(state)))
        .build())
}
