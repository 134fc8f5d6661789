//! PutScalingPolicy, DescribeScalingPolicies and DeleteScalingPolicy.

use haneul_application_autoscaling_wire::operations::{
    DeleteScalingPolicy, DescribeScalingPolicies, PutScalingPolicy,
};
use haneul_application_autoscaling_wire::shapes as s;
use haneul_application_autoscaling_wire::values::policy_type as kind;
use haneul_kit::{Access, Arn, Cx, Handle, Instant, Result};

use super::access::key;
use super::listing::Asked;
use crate::ApplicationAutoscaling;
use crate::error::{self, validation};
use crate::model::{NamedKey, POLICIES, PolicyRecord};
use crate::policy::{self, KINDS, TARGET_MAX, TARGET_MIN};
use crate::store::named;
use crate::target::{NAMESPACE, Target};

impl Handle<PutScalingPolicy> for ApplicationAutoscaling {
    async fn access(&self, cx: &Cx, input: &s::PutScalingPolicyRequest) -> Result<Vec<Access>> {
        let action = "application-autoscaling:PutScalingPolicy";
        let access = self
            .on_target(cx, action, &input.service_namespace, &input.resource_id, &input.scalable_dimension)
            .await?;
        Ok(vec![access])
    }

    async fn call(&self, cx: &Cx, input: s::PutScalingPolicyRequest) -> Result<s::PutScalingPolicyResponse> {
        let target = Target::parse(&input.service_namespace, &input.resource_id, &input.scalable_dimension)?;
        let target_key = key(cx, &input.resource_id, &input.scalable_dimension);
        if self.target(&target_key).await?.is_none() {
            return Err(error::no_target(&target_key));
        }
        let key = named(&target_key, &input.policy_name);
        let capacity = self.capacity(key.0, key.1, &target).await?;
        let units = capacity.map_or(0, |capacity| capacity.units(&target));
        let rng = &self.platform.env.rng;
        let new = (rng.uuid(), cx.now().millis(), KINDS.map(|_| rng.uuid()).to_vec());
        let (input, target, new) = (&input, &target, &new);
        let edit = |before: Option<PolicyRecord>| {
            let configuration = configuration(input, before.is_some())?;
            let record = match (configuration, before) {
                (None, Some(before)) => before,
                (None, None) => {
                    return Err(validation(
                        "TargetTrackingScalingPolicyConfiguration is required to create a TargetTrackingScaling policy.",
                    ));
                }
                (Some(given), before) => {
                    check(given, target)?;
                    // Whoever put it first has named it, and its alarms.
                    let (id, created_ms, alarms) = match before {
                        Some(before) => (before.id, before.created_ms, before.alarms),
                        None => new.clone(),
                    };
                    PolicyRecord {
                        id,
                        created_ms,
                        target: given.target_value,
                        out_cooldown_s: given.scale_out_cooldown,
                        in_cooldown_s: given.scale_in_cooldown,
                        disable_scale_in: given.disable_scale_in,
                        alarms,
                        units,
                    }
                }
            };
            Ok(PolicyRecord { units, ..record })
        };
        let record = self.put_policy(&key, edit).await?;
        self.put_alarms(&key, &record, units).await?;
        self.due.wake();
        Ok(s::PutScalingPolicyResponse {
            policy_arn: policy::arn(&key, &record),
            alarms: Some(alarms(&key, &record)),
        })
    }
}

/// What is asked for; none where an existing policy is put again as it is.
fn configuration(
    input: &s::PutScalingPolicyRequest,
    exists: bool,
) -> Result<Option<&s::TargetTrackingScalingPolicyConfiguration>> {
    match input.policy_type.as_deref() {
        Some(kind::TARGET_TRACKING_SCALING) => {}
        // What AWS takes a new policy for that names no type.
        None if exists || input.target_tracking_scaling_policy_configuration.is_some() => {}
        None | Some(kind::STEP_SCALING) => {
            return Err(validation("StepScaling is not supported for dynamodb."));
        }
        Some(kind::PREDICTIVE_SCALING) => {
            return Err(validation("PredictiveScaling is not supported for dynamodb."));
        }
        Some(other) => return Err(validation(format!("Unknown policy type {other}"))),
    }
    if input.step_scaling_policy_configuration.is_some()
        || input.predictive_scaling_policy_configuration.is_some()
    {
        return Err(validation(
            "Only TargetTrackingScalingPolicyConfiguration can be specified for a TargetTrackingScaling policy.",
        ));
    }
    Ok(input.target_tracking_scaling_policy_configuration.as_ref())
}

fn check(given: &s::TargetTrackingScalingPolicyConfiguration, target: &Target) -> Result<()> {
    if given.customized_metric_specification.is_some() {
        return Err(validation(
            "Haneul does not support customized metrics for target tracking yet, so that it refuses them.",
        ));
    }
    let Some(metric) = &given.predefined_metric_specification else {
        return Err(validation(
            "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be specified.",
        ));
    };
    if metric.predefined_metric_type != target.predefined_metric() || metric.resource_label.is_some() {
        return Err(validation(format!(
            "The predefined metric {} is not supported for this scalable dimension.",
            metric.predefined_metric_type
        )));
    }
    if !(TARGET_MIN..=TARGET_MAX).contains(&given.target_value) {
        return Err(validation(format!("TargetValue must be between {TARGET_MIN} and {TARGET_MAX}.")));
    }
    if [given.scale_in_cooldown, given.scale_out_cooldown].into_iter().flatten().any(|seconds| seconds < 0) {
        return Err(validation("Cooldown must not be negative."));
    }
    Ok(())
}

impl Handle<DeleteScalingPolicy> for ApplicationAutoscaling {
    async fn access(&self, cx: &Cx, input: &s::DeleteScalingPolicyRequest) -> Result<Vec<Access>> {
        let action = "application-autoscaling:DeleteScalingPolicy";
        let access = self
            .on_target(cx, action, &input.service_namespace, &input.resource_id, &input.scalable_dimension)
            .await?;
        Ok(vec![access])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteScalingPolicyRequest,
    ) -> Result<s::DeleteScalingPolicyResponse> {
        Target::parse(&input.service_namespace, &input.resource_id, &input.scalable_dimension)?;
        let target = key(cx, &input.resource_id, &input.scalable_dimension);
        let key = named(&target, &input.policy_name);
        let gone = self.drop_policy(&key).await?;
        if let Err(error) = self.delete_alarms(&key, &gone).await {
            tracing::warn!(policy = key.4, %error, "the alarms of a policy stay");
        }
        Ok(s::DeleteScalingPolicyResponse {})
    }
}

impl Handle<DescribeScalingPolicies> for ApplicationAutoscaling {
    async fn access(&self, _: &Cx, _: &s::DescribeScalingPoliciesRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("application-autoscaling:DescribeScalingPolicies")])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeScalingPoliciesRequest,
    ) -> Result<s::DescribeScalingPoliciesResponse> {
        let names = input.policy_names.unwrap_or_default();
        let wanted = |key: &NamedKey, _: &PolicyRecord| {
            input.service_namespace == NAMESPACE
                && (names.is_empty() || names.contains(&key.4))
                && input.resource_id.as_ref().is_none_or(|resource| *resource == key.2)
                && input.scalable_dimension.as_ref().is_none_or(|dimension| *dimension == key.3)
        };
        let asked = Asked {
            operation: "DescribeScalingPolicies",
            max_results: input.max_results,
            next_token: input.next_token.as_deref(),
        };
        let page = self.listed(cx, &POLICIES, asked, wanted).await?;
        let policies = page.items.into_iter().map(|(key, policy)| described(&key, policy));
        let policies = policies.collect::<Result<_>>()?;
        Ok(s::DescribeScalingPoliciesResponse { scaling_policies: Some(policies), next_token: page.next })
    }
}

fn described(key: &NamedKey, record: PolicyRecord) -> Result<s::ScalingPolicy> {
    let target = Target::parse(NAMESPACE, &key.2, &key.3)?;
    Ok(s::ScalingPolicy {
        policy_arn: policy::arn(key, &record),
        policy_name: key.4.clone(),
        service_namespace: NAMESPACE.to_owned(),
        resource_id: key.2.clone(),
        scalable_dimension: key.3.clone(),
        policy_type: kind::TARGET_TRACKING_SCALING.to_owned(),
        target_tracking_scaling_policy_configuration: Some(s::TargetTrackingScalingPolicyConfiguration {
            target_value: record.target,
            predefined_metric_specification: Some(s::PredefinedMetricSpecification {
                predefined_metric_type: target.predefined_metric().to_owned(),
                resource_label: None,
            }),
            scale_out_cooldown: record.out_cooldown_s,
            scale_in_cooldown: record.in_cooldown_s,
            disable_scale_in: record.disable_scale_in,
            ..Default::default()
        }),
        alarms: Some(alarms(key, &record)),
        creation_time: Instant::from_millis(record.created_ms),
        ..Default::default()
    })
}

fn alarms(key: &NamedKey, record: &PolicyRecord) -> Vec<s::Alarm> {
    let alarm = |(kind, id): (policy::Kind, &String)| {
        let name = kind.name(key, id);
        let arn = Arn::new("cloudwatch", key.1, key.0, format_args!("alarm:{name}"));
        s::Alarm { alarm_arn: arn.to_string(), alarm_name: name }
    };
    KINDS.into_iter().zip(&record.alarms).map(alarm).collect()
}
