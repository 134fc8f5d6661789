use haneul_kit::{Access, Cx, Handle, Result};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;

use super::paging::limit;
use super::render::{state_of, time};
use crate::capacity::{ProviderName, settings as limits};
use crate::model::capacity::{ProviderRecord, ProviderScaling};
use crate::names::version_text;
use crate::{Lambda, error, settings};

impl Lambda {
    pub(super) async fn on_provider(&self, action: &'static str, name: &ProviderName) -> Result<Access> {
        let tags = self.records.find_provider(name).await?.map(|record| record.tags).unwrap_or_default();
        let pairs = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        Ok(Access::on(action, &name.arn()).resource_tags(pairs))
    }

    async fn on_named_provider(&self, cx: &Cx, action: &'static str, given: &str) -> Result<Vec<Access>> {
        Ok(vec![self.on_provider(action, &ProviderName::read(cx, given)?).await?])
    }

    /// What naming a provider for a function needs.
    pub(super) async fn passes_provider(
        &self,
        cx: &Cx,
        given: Option<&s::CapacityProviderConfig>,
    ) -> Result<Option<Access>> {
        let Some(given) = given else { return Ok(None) };
        let arn = &given.lambda_managed_instances_capacity_provider_config.capacity_provider_arn;
        let name = ProviderName::read(cx, arn)?;
        Ok(Some(self.on_provider("lambda:PassCapacityProvider", &name).await?))
    }
}

fn shown(name: &ProviderName, record: &ProviderRecord, state: &str) -> s::CapacityProvider {
    let some = record.architectures.is_some() || record.allowed.is_some() || record.excluded.is_some();
    s::CapacityProvider {
        capacity_provider_arn: name.arn().to_string(),
        state: state.to_owned(),
        vpc_config: s::CapacityProviderVpcConfig {
            subnet_ids: record.subnets.clone(),
            security_group_ids: record.security_groups.clone(),
        },
        permissions_config: s::CapacityProviderPermissionsConfig {
            capacity_provider_operator_role_arn: record.operator_role.clone(),
        },
        instance_requirements: some.then(|| s::InstanceRequirements {
            architectures: record.architectures.clone(),
            allowed_instance_types: record.allowed.clone(),
            excluded_instance_types: record.excluded.clone(),
        }),
        capacity_provider_scaling_config: show_scaling(&record.scaling),
        last_modified: Some(time(record.modified_ms)),
        ..Default::default()
    }
}

fn show_scaling(scaling: &ProviderScaling) -> Option<s::CapacityProviderScalingConfig> {
    if *scaling == ProviderScaling::default() {
        return None;
    }
    let policies = scaling.policies.iter().map(|(metric, target)| s::TargetTrackingScalingPolicy {
        predefined_metric_type: metric.clone(),
        target_value: *target,
    });
    let policies: Vec<_> = policies.collect();
    Some(s::CapacityProviderScalingConfig {
        max_v_cpu_count: scaling.cpus_max.and_then(|most| i32::try_from(most).ok()),
        scaling_mode: scaling.manual.map(|manual| String::from(if manual { "Manual" } else { "Auto" })),
        scaling_policies: (!policies.is_empty()).then_some(policies),
    })
}

/// Tags for instances and what the log of instances says: there are none.
fn check_instances(
    tags: Option<&s::PropagateTags>,
    telemetry: Option<&s::CapacityProviderTelemetryConfig>,
) -> Result<()> {
    if tags.is_some_and(|tags| tags.mode.as_deref() == Some("Explicit") || tags.explicit_tags.is_some()) {
        return Err(error::unsupported("PropagateTags"));
    }
    match telemetry {
        Some(_) => Err(error::unsupported("TelemetryConfig of a capacity provider")),
        None => Ok(()),
    }
}

impl Handle<op::CreateCapacityProvider> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::CreateCapacityProviderRequest) -> Result<Vec<Access>> {
        let name = ProviderName::read(cx, &input.capacity_provider_name)?;
        let tags = input.tags.iter().flat_map(|tags| tags.iter());
        let create = Access::on("lambda:CreateCapacityProvider", &name.arn())
            .request_tags(tags.map(|(key, value)| (key, value.as_str())))
            .keys("lambda:SubnetIds", input.vpc_config.subnet_ids.clone())
            .keys("lambda:SecurityGroupIds", input.vpc_config.security_group_ids.clone());
        let mut all = vec![create];
        all.extend(Lambda::passes_role(&input.permissions_config.capacity_provider_operator_role_arn));
        Ok(all)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateCapacityProviderRequest,
    ) -> Result<s::CreateCapacityProviderResponse> {
        let name = ProviderName::read(cx, &input.capacity_provider_name)?;
        if (name.account, name.region) != (cx.account(), cx.region()) {
            return Err(error::parameter("The capacity provider must be of this account and Region."));
        }
        if input.kms_key_arn.as_ref().is_some_and(|key| !key.is_empty()) {
            return Err(error::unsupported("KmsKeyArn of a capacity provider"));
        }
        check_instances(input.propagate_tags.as_ref(), input.telemetry_config.as_ref())?;
        settings::tags(&input.tags)?;
        let mut record = ProviderRecord {
            subnets: distinct(input.vpc_config.subnet_ids, "subnet")?,
            security_groups: distinct(input.vpc_config.security_group_ids, "security group")?,
            operator_role: input.permissions_config.capacity_provider_operator_role_arn,
            architectures: None,
            allowed: None,
            excluded: None,
            scaling: limits::scaling(
                input.capacity_provider_scaling_config.unwrap_or_default(),
                &ProviderScaling::default(),
            )?,
            tags: input.tags.unwrap_or_default().into_iter().collect(),
            modified_ms: cx.now().millis(),
        };
        limits::requirements(input.instance_requirements, &mut record)?;
        self.check_operator(&name, &record.operator_role).await?;
        self.records.create_provider(&name, &record).await?;
        Ok(s::CreateCapacityProviderResponse { capacity_provider: shown(&name, &record, "Active") })
    }
}

fn distinct(ids: Vec<String>, what: &str) -> Result<Vec<String>> {
    let twice = ids.iter().enumerate().find(|(at, id)| ids[..*at].contains(id));
    match twice {
        Some((_, id)) => Err(error::parameter(format!("The {what} {id} is given more than once."))),
        None => Ok(ids),
    }
}

impl Handle<op::GetCapacityProvider> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::GetCapacityProviderRequest) -> Result<Vec<Access>> {
        self.on_named_provider(cx, "lambda:GetCapacityProvider", &input.capacity_provider_name).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetCapacityProviderRequest,
    ) -> Result<s::GetCapacityProviderResponse> {
        let name = ProviderName::of_caller(cx, &input.capacity_provider_name)?;
        let record = self.records.provider(&name).await?;
        Ok(s::GetCapacityProviderResponse { capacity_provider: shown(&name, &record, "Active") })
    }
}

impl Handle<op::UpdateCapacityProvider> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::UpdateCapacityProviderRequest) -> Result<Vec<Access>> {
        self.on_named_provider(cx, "lambda:UpdateCapacityProvider", &input.capacity_provider_name).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateCapacityProviderRequest,
    ) -> Result<s::UpdateCapacityProviderResponse> {
        let name = ProviderName::of_caller(cx, &input.capacity_provider_name)?;
        check_instances(input.propagate_tags.as_ref(), input.telemetry_config.as_ref())?;
        let given = input.capacity_provider_scaling_config.unwrap_or_default();
        let now_ms = cx.now().millis();
        let record = self.records.change_provider(&name, |record| {
            record.scaling = limits::scaling(given.clone(), &record.scaling)?;
            record.modified_ms = now_ms;
            Ok(record.clone())
        });
        let record = record.await?;
        self.wake.capacity.wake();
        Ok(s::UpdateCapacityProviderResponse { capacity_provider: shown(&name, &record, "Active") })
    }
}

impl Handle<op::DeleteCapacityProvider> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::DeleteCapacityProviderRequest) -> Result<Vec<Access>> {
        self.on_named_provider(cx, "lambda:DeleteCapacityProvider", &input.capacity_provider_name).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteCapacityProviderRequest,
    ) -> Result<s::DeleteCapacityProviderResponse> {
        let name = ProviderName::of_caller(cx, &input.capacity_provider_name)?;
        let record = self.records.delete_provider(&name).await?;
        Ok(s::DeleteCapacityProviderResponse { capacity_provider: shown(&name, &record, "Deleting") })
    }
}

impl Handle<op::ListCapacityProviders> for Lambda {
    async fn access(&self, _: &Cx, _: &s::ListCapacityProvidersRequest) -> Result<Vec<Access>> {
        Ok(vec![Access::to("lambda:ListCapacityProviders")])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListCapacityProvidersRequest,
    ) -> Result<s::ListCapacityProvidersResponse> {
        let begin: Option<String> = self.begin(cx, "capacity providers", input.marker.as_deref())?;
        let mut all = self.records.providers(cx.account(), cx.region()).await?;
        all.retain(|(name, _)| begin.as_ref().is_none_or(|begin| name.name > *begin));
        // There is nothing that a provider would wait for: all are active.
        if input.state.as_deref().is_some_and(|state| state != "Active") {
            all.clear();
        }
        let page =
            self.page(cx, "capacity providers", all, limit(input.max_items), |(name, _)| name.name.clone());
        let capacity_providers = page.items.iter().map(|(name, record)| shown(name, record, "Active"));
        Ok(s::ListCapacityProvidersResponse {
            capacity_providers: capacity_providers.collect(),
            next_marker: page.next,
        })
    }
}

impl Handle<op::ListFunctionVersionsByCapacityProvider> for Lambda {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::ListFunctionVersionsByCapacityProviderRequest,
    ) -> Result<Vec<Access>> {
        let action = "lambda:ListFunctionVersionsByCapacityProvider";
        self.on_named_provider(cx, action, &input.capacity_provider_name).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListFunctionVersionsByCapacityProviderRequest,
    ) -> Result<s::ListFunctionVersionsByCapacityProviderResponse> {
        let name = ProviderName::of_caller(cx, &input.capacity_provider_name)?;
        self.records.provider(&name).await?;
        let listing = format!("versions on {}", name.name);
        let begin: Option<(String, u64)> = self.begin(cx, &listing, input.marker.as_deref())?;
        let mut all = self.records.attached_to(&name).await?;
        let at = |function: &str, number: u64| (function.to_owned(), number);
        all.retain(|one| begin.as_ref().is_none_or(|begin| at(&one.function.name, one.number) > *begin));
        let page =
            self.page(cx, &listing, all, limit(input.max_items), |one| at(&one.function.name, one.number));
        let mut function_versions = Vec::with_capacity(page.items.len());
        for one in &page.items {
            let Some(version) = self.records.version(&one.function, one.number).await? else { continue };
            function_versions.push(s::FunctionVersionsByCapacityProviderListItem {
                function_arn: one.function.qualified(&version_text(one.number)).to_string(),
                state: state_of(&version).to_owned(),
            });
        }
        Ok(s::ListFunctionVersionsByCapacityProviderResponse {
            capacity_provider_arn: name.arn().to_string(),
            function_versions,
            next_marker: page.next,
        })
    }
}
