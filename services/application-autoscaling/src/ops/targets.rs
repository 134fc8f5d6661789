//! RegisterScalableTarget, DescribeScalableTargets and DeregisterScalableTarget.

use haneul_application_autoscaling_wire::operations::{
    DeregisterScalableTarget, DescribeScalableTargets, RegisterScalableTarget,
};
use haneul_application_autoscaling_wire::shapes as s;
use haneul_kit::{Access, Arn, Cx, Handle, Instant, Result};

use super::access::key;
use super::listing::Asked;
use super::tags::checked;
use crate::ApplicationAutoscaling;
use crate::calls::{PRINCIPAL, role_arn};
use crate::error::validation;
use crate::model::{Suspended, TARGETS, TargetKey, TargetRecord};
use crate::target::{self, NAMESPACE, Target};

impl Handle<RegisterScalableTarget> for ApplicationAutoscaling {
    async fn access(&self, cx: &Cx, input: &s::RegisterScalableTargetRequest) -> Result<Vec<Access>> {
        let action = "application-autoscaling:RegisterScalableTarget";
        let tags = input.tags.iter().flat_map(|tags| tags.iter());
        let tags = tags.map(|(key, value)| (key, value.as_str()));
        let access = self
            .on_target(cx, action, &input.service_namespace, &input.resource_id, &input.scalable_dimension)
            .await?
            .request_tags(tags);
        let mut needed = vec![access];
        if let Some(role) = input.role_arn.as_deref().and_then(|role| Arn::parse(role).ok()) {
            needed.push(Access::on("iam:PassRole", &role).key("iam:PassedToService", PRINCIPAL));
        }
        Ok(needed)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::RegisterScalableTargetRequest,
    ) -> Result<s::RegisterScalableTargetResponse> {
        let (resource, dimension) = (&input.resource_id, &input.scalable_dimension);
        let target = Target::parse(&input.service_namespace, resource, dimension)?;
        let key = key(cx, resource, dimension);
        let new = self.target(&key).await?.is_none();
        if new && (input.min_capacity.is_none() || input.max_capacity.is_none()) {
            return Err(validation(
                "MinCapacity and MaxCapacity are required to register a new scalable target.",
            ));
        }
        if !new && input.tags.as_ref().is_some_and(|tags| tags.iter().next().is_some()) {
            return Err(validation(
                "Tags can only be specified for a new scalable target. Use TagResource instead.",
            ));
        }
        bounds(input.min_capacity.unwrap_or(1), input.max_capacity.unwrap_or(i32::MAX))?;
        let arn = target::arn(key.0, key.1, "*").to_string();
        let tags = checked(&arn, input.tags.iter().flat_map(|tags| tags.iter()), &Default::default())?;
        self.need_role(cx).await?;
        if self.capacity(key.0, key.1, &target).await?.is_none() {
            let what = if target.index.is_some() { "index" } else { "table" };
            return Err(validation(format!("DynamoDB {what} does not exist: {resource}")));
        }
        let id = self.platform.env.rng.text(b"0123456789abcdef", 34);
        let (id, tags, now_ms, input) = (&id, &tags, cx.now().millis(), &input);
        let made = self
            .put_target(&key, |before| {
                let mut target = match before {
                    Some(target) => target,
                    None => TargetRecord {
                        id: id.clone(),
                        created_ms: now_ms,
                        min: 1,
                        max: 1,
                        suspended: Suspended::default(),
                        tags: tags.clone(),
                        unsettled: false,
                        out_ms: None,
                        in_ms: None,
                    },
                };
                target.min = input.min_capacity.unwrap_or(target.min);
                target.max = input.max_capacity.unwrap_or(target.max);
                bounds(target.min, target.max)?;
                target.unsettled = true;
                if let Some(given) = &input.suspended_state {
                    let suspended = &mut target.suspended;
                    suspended.scale_in = given.dynamic_scaling_in_suspended.unwrap_or(suspended.scale_in);
                    suspended.scale_out = given.dynamic_scaling_out_suspended.unwrap_or(suspended.scale_out);
                    suspended.scheduled = given.scheduled_scaling_suspended.unwrap_or(suspended.scheduled);
                }
                Ok(target)
            })
            .await?;
        self.due.wake();
        let arn = target::arn(key.0, key.1, &made.id).to_string();
        Ok(s::RegisterScalableTargetResponse { scalable_target_arn: Some(arn) })
    }
}

pub(super) fn bounds(min: i32, max: i32) -> Result<()> {
    if min < 1 {
        return Err(validation(format!("Minimum capacity cannot be less than 1 for dynamodb: {min}")));
    }
    if max < min {
        return Err(validation("Maximum capacity cannot be less than minimum capacity"));
    }
    Ok(())
}

impl Handle<DeregisterScalableTarget> for ApplicationAutoscaling {
    async fn access(&self, cx: &Cx, input: &s::DeregisterScalableTargetRequest) -> Result<Vec<Access>> {
        let action = "application-autoscaling:DeregisterScalableTarget";
        let access = self
            .on_target(cx, action, &input.service_namespace, &input.resource_id, &input.scalable_dimension)
            .await?;
        Ok(vec![access])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeregisterScalableTargetRequest,
    ) -> Result<s::DeregisterScalableTargetResponse> {
        Target::parse(&input.service_namespace, &input.resource_id, &input.scalable_dimension)?;
        let key = key(cx, &input.resource_id, &input.scalable_dimension);
        for (key, policy) in self.drop_target(&key).await? {
            if let Err(error) = self.delete_alarms(&key, &policy).await {
                tracing::warn!(policy = key.4, %error, "the alarms of a policy stay");
            }
        }
        Ok(s::DeregisterScalableTargetResponse {})
    }
}

impl Handle<DescribeScalableTargets> for ApplicationAutoscaling {
    async fn access(&self, _: &Cx, _: &s::DescribeScalableTargetsRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("application-autoscaling:DescribeScalableTargets")])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeScalableTargetsRequest,
    ) -> Result<s::DescribeScalableTargetsResponse> {
        let ids = input.resource_ids.unwrap_or_default();
        let wanted = |key: &TargetKey, _: &TargetRecord| {
            input.service_namespace == NAMESPACE
                && (ids.is_empty() || ids.contains(&key.2))
                && input.scalable_dimension.as_ref().is_none_or(|dimension| *dimension == key.3)
        };
        let asked = Asked {
            operation: "DescribeScalableTargets",
            max_results: input.max_results,
            next_token: input.next_token.as_deref(),
        };
        let page = self.listed(cx, &TARGETS, asked, wanted).await?;
        let targets = page.items.into_iter().map(|(key, target)| described(key, target)).collect();
        Ok(s::DescribeScalableTargetsResponse { scalable_targets: Some(targets), next_token: page.next })
    }
}

fn described(key: TargetKey, target: TargetRecord) -> s::ScalableTarget {
    s::ScalableTarget {
        service_namespace: NAMESPACE.to_owned(),
        role_arn: role_arn(key.0).to_string(),
        scalable_target_arn: Some(target::arn(key.0, key.1, &target.id).to_string()),
        resource_id: key.2,
        scalable_dimension: key.3,
        min_capacity: target.min,
        max_capacity: target.max,
        predicted_capacity: None,
        creation_time: Instant::from_millis(target.created_ms),
        suspended_state: Some(s::SuspendedState {
            dynamic_scaling_in_suspended: Some(target.suspended.scale_in),
            dynamic_scaling_out_suspended: Some(target.suspended.scale_out),
            scheduled_scaling_suspended: Some(target.suspended.scheduled),
        }),
    }
}
