//! DescribeTableReplicaAutoScaling and UpdateTableReplicaAutoScaling: targets and policies of Application Auto Scaling for
//! all replicas of a table at once, on the caller's behalf.

use haneul_application_autoscaling_wire::operations as scaling;
use haneul_application_autoscaling_wire::shapes as a;
use haneul_dynamodb_wire::operations::{DescribeTableReplicaAutoScaling, UpdateTableReplicaAutoScaling};
use haneul_dynamodb_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Region, Result};

use super::Dynamodb;
use super::global_tables::members;
use super::replicas::region_of;
use crate::error::{invalid, validation};
use crate::table::TableInfo;
use crate::table::name::{self, TableId};

/// One capacity of one table or index in one Region.
struct Scaled<'a> {
    id: TableId,
    index: Option<&'a str>,
    writes: bool,
}

impl Handle<DescribeTableReplicaAutoScaling> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::DescribeTableReplicaAutoScalingInput) -> Result<Vec<Access>> {
        self.on_table(cx, "dynamodb:DescribeTableReplicaAutoScaling", &input.table_name).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeTableReplicaAutoScalingInput,
    ) -> Result<s::DescribeTableReplicaAutoScalingOutput> {
        let info = self.db.named_table(&name::of(cx, &input.table_name)?).await?;
        Ok(s::DescribeTableReplicaAutoScalingOutput {
            table_auto_scaling_description: Some(self.scaling_of(cx, &info, "ACTIVE").await?),
        })
    }
}

impl Handle<UpdateTableReplicaAutoScaling> for Dynamodb {
    async fn access(&self, cx: &Cx, input: &s::UpdateTableReplicaAutoScalingInput) -> Result<Vec<Access>> {
        self.on_table(cx, "dynamodb:UpdateTableReplicaAutoScaling", &input.table_name).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateTableReplicaAutoScalingInput,
    ) -> Result<s::UpdateTableReplicaAutoScalingOutput> {
        let info = self.db.named_table(&name::of(cx, &input.table_name)?).await?;
        let group = members(&info);
        let at = |region: Region| (info.account, region, info.name.clone());
        let mut asked: Vec<(Scaled<'_>, &s::AutoScalingSettingsUpdate)> = Vec::new();
        // Writing is the same everywhere.
        for region in &group {
            if let Some(update) = &input.provisioned_write_capacity_auto_scaling_update {
                asked.push((Scaled { id: at(*region), index: None, writes: true }, update));
            }
            for index in input.global_secondary_index_updates.iter().flatten() {
                let name = index_name(&info, index.index_name.as_deref())?;
                if let Some(update) = &index.provisioned_write_capacity_auto_scaling_update {
                    asked.push((Scaled { id: at(*region), index: Some(name), writes: true }, update));
                }
            }
        }
        for replica in input.replica_updates.iter().flatten() {
            let region = region_of(&replica.region_name)?;
            if !group.contains(&region) {
                return Err(validation(format!("The table has no replica in Region {}", region.as_str())));
            }
            if let Some(update) = &replica.replica_provisioned_read_capacity_auto_scaling_update {
                asked.push((Scaled { id: at(region), index: None, writes: false }, update));
            }
            for index in replica.replica_global_secondary_index_updates.iter().flatten() {
                let name = index_name(&info, index.index_name.as_deref())?;
                if let Some(update) = &index.provisioned_read_capacity_auto_scaling_update {
                    asked.push((Scaled { id: at(region), index: Some(name), writes: false }, update));
                }
            }
        }
        if asked.is_empty() {
            return Err(invalid("At least one auto scaling update is required"));
        }
        for (scaled, update) in asked {
            self.scale(cx, &scaled, update).await?;
        }
        Ok(s::UpdateTableReplicaAutoScalingOutput {
            table_auto_scaling_description: Some(self.scaling_of(cx, &info, "UPDATING").await?),
        })
    }
}

fn index_name<'a>(info: &TableInfo, given: Option<&'a str>) -> Result<&'a str> {
    let given = given.ok_or_else(|| invalid("IndexName is required in each index update"))?;
    let known = info.record.indexes.iter().any(|index| index.global && index.name == given);
    if known {
        Ok(given)
    } else {
        Err(validation(format!("The table does not have the specified index: {given}")))
    }
}

impl Scaled<'_> {
    fn resource(&self) -> String {
        match self.index {
            None => format!("table/{}", self.id.2),
            Some(index) => format!("table/{}/index/{index}", self.id.2),
        }
    }

    fn dimension(&self) -> String {
        let kind = if self.index.is_some() { "index" } else { "table" };
        format!("dynamodb:{kind}:{}CapacityUnits", self.direction())
    }

    fn direction(&self) -> &'static str {
        if self.writes { "Write" } else { "Read" }
    }
}

const NAMESPACE: &str = "dynamodb";

impl Dynamodb {
    async fn scale(&self, cx: &Cx, scaled: &Scaled<'_>, update: &s::AutoScalingSettingsUpdate) -> Result<()> {
        let (resource, dimension) = (scaled.resource(), scaled.dimension());
        if update.auto_scaling_disabled == Some(true) {
            let input = a::DeregisterScalableTargetRequest {
                service_namespace: NAMESPACE.to_owned(),
                resource_id: resource,
                scalable_dimension: dimension,
            };
            let gone = self.db.forward::<scaling::DeregisterScalableTarget>(cx, &scaled.id, input).await;
            return match gone {
                Err(error) if error.code() != "ObjectNotFoundException" => Err(error),
                _ => Ok(()),
            };
        }
        let units = |units: Option<i64>| units.map(|units| i32::try_from(units).unwrap_or(i32::MAX));
        let input = a::RegisterScalableTargetRequest {
            service_namespace: NAMESPACE.to_owned(),
            resource_id: resource.clone(),
            scalable_dimension: dimension.clone(),
            min_capacity: units(update.minimum_units),
            max_capacity: units(update.maximum_units),
            role_arn: update.auto_scaling_role_arn.clone(),
            ..Default::default()
        };
        self.db.forward::<scaling::RegisterScalableTarget>(cx, &scaled.id, input).await?;
        let Some(policy) = &update.scaling_policy_update else { return Ok(()) };
        let given = &policy.target_tracking_scaling_policy_configuration;
        let direction = scaled.direction();
        let input = a::PutScalingPolicyRequest {
            // The name that the console and the SDKs find it by.
            policy_name: policy
                .policy_name
                .clone()
                .unwrap_or_else(|| format!("DynamoDB{direction}CapacityUtilization:{resource}")),
            service_namespace: NAMESPACE.to_owned(),
            resource_id: resource,
            scalable_dimension: dimension,
            policy_type: Some("TargetTrackingScaling".to_owned()),
            target_tracking_scaling_policy_configuration: Some(a::TargetTrackingScalingPolicyConfiguration {
                target_value: given.target_value,
                predefined_metric_specification: Some(a::PredefinedMetricSpecification {
                    predefined_metric_type: format!("DynamoDB{direction}CapacityUtilization"),
                    resource_label: None,
                }),
                scale_out_cooldown: given.scale_out_cooldown,
                scale_in_cooldown: given.scale_in_cooldown,
                disable_scale_in: given.disable_scale_in,
                ..Default::default()
            }),
            ..Default::default()
        };
        self.db.forward::<scaling::PutScalingPolicy>(cx, &scaled.id, input).await?;
        Ok(())
    }

    async fn scaling_of(
        &self,
        cx: &Cx,
        info: &TableInfo,
        status: &str,
    ) -> Result<s::TableAutoScalingDescription> {
        let mut regions = members(info);
        regions.sort_unstable_by_key(|region| region.as_str());
        let mut replicas = Vec::with_capacity(regions.len());
        for region in regions {
            let id = (info.account, region, info.name.clone());
            let Some(replica) = self.db.find_table(&id).await? else { continue };
            let mut indexes = Vec::new();
            for index in replica.record.indexes.iter().filter(|index| index.global) {
                let of = |writes| Scaled { id: id.clone(), index: Some(&index.name), writes };
                indexes.push(s::ReplicaGlobalSecondaryIndexAutoScalingDescription {
                    index_name: Some(index.name.clone()),
                    index_status: Some(if index.ready { "ACTIVE" } else { "CREATING" }.to_owned()),
                    provisioned_read_capacity_auto_scaling_settings: self.settings_of(cx, &of(false)).await?,
                    provisioned_write_capacity_auto_scaling_settings: self.settings_of(cx, &of(true)).await?,
                });
            }
            let of = |writes| Scaled { id: id.clone(), index: None, writes };
            replicas.push(s::ReplicaAutoScalingDescription {
                region_name: Some(region.as_str().to_owned()),
                global_secondary_indexes: (!indexes.is_empty()).then_some(indexes),
                replica_provisioned_read_capacity_auto_scaling_settings: self
                    .settings_of(cx, &of(false))
                    .await?,
                replica_provisioned_write_capacity_auto_scaling_settings: self
                    .settings_of(cx, &of(true))
                    .await?,
                replica_status: Some(if replica.record.is_made() { "ACTIVE" } else { "CREATING" }.to_owned()),
            });
        }
        Ok(s::TableAutoScalingDescription {
            table_name: Some(info.name.clone()),
            table_status: Some(status.to_owned()),
            replicas: Some(replicas),
        })
    }

    /// `None` when it is not scaled.
    async fn settings_of(
        &self,
        cx: &Cx,
        scaled: &Scaled<'_>,
    ) -> Result<Option<s::AutoScalingSettingsDescription>> {
        let input = a::DescribeScalableTargetsRequest {
            service_namespace: NAMESPACE.to_owned(),
            resource_ids: Some(vec![scaled.resource()]),
            scalable_dimension: Some(scaled.dimension()),
            ..Default::default()
        };
        let found = self.db.forward::<scaling::DescribeScalableTargets>(cx, &scaled.id, input).await?;
        let Some(target) = found.scalable_targets.and_then(|mut targets| targets.pop()) else {
            return Ok(None);
        };
        let input = a::DescribeScalingPoliciesRequest {
            service_namespace: NAMESPACE.to_owned(),
            resource_id: Some(scaled.resource()),
            scalable_dimension: Some(scaled.dimension()),
            ..Default::default()
        };
        let found = self.db.forward::<scaling::DescribeScalingPolicies>(cx, &scaled.id, input).await?;
        let described = |policy: a::ScalingPolicy| s::AutoScalingPolicyDescription {
            policy_name: Some(policy.policy_name),
            target_tracking_scaling_policy_configuration: policy
                .target_tracking_scaling_policy_configuration
                .map(|given| s::AutoScalingTargetTrackingScalingPolicyConfigurationDescription {
                    disable_scale_in: given.disable_scale_in,
                    scale_in_cooldown: given.scale_in_cooldown,
                    scale_out_cooldown: given.scale_out_cooldown,
                    target_value: given.target_value,
                }),
        };
        let policies = found.scaling_policies.unwrap_or_default().into_iter().map(described).collect();
        Ok(Some(s::AutoScalingSettingsDescription {
            minimum_units: Some(i64::from(target.min_capacity)),
            maximum_units: Some(i64::from(target.max_capacity)),
            auto_scaling_disabled: Some(false),
            auto_scaling_role_arn: Some(target.role_arn),
            scaling_policies: Some(policies),
        }))
    }
}
