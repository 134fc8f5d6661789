//! Capacity providers, and functions that run on them.

mod functions;
mod providers;

use haneul_lambda_wire::{operations as op, shapes as s};

use super::cloud::{ALL, Cloud, create};

const PROVIDER: &str = "arn:aws:lambda:us-east-1:111111111111:capacity-provider:cp";
const PUBLISHED: &str = "$LATEST.PUBLISHED";

fn provider(name: &str, role: &str) -> s::CreateCapacityProviderRequest {
    s::CreateCapacityProviderRequest {
        capacity_provider_name: name.into(),
        vpc_config: s::CapacityProviderVpcConfig {
            subnet_ids: vec!["subnet-1".into(), "subnet-2".into()],
            security_group_ids: vec!["sg-1".into()],
        },
        permissions_config: s::CapacityProviderPermissionsConfig {
            capacity_provider_operator_role_arn: role.into(),
        },
        ..Default::default()
    }
}

fn on(provider: &str) -> s::CapacityProviderConfig {
    s::CapacityProviderConfig {
        lambda_managed_instances_capacity_provider_config: s::LambdaManagedInstancesCapacityProviderConfig {
            capacity_provider_arn: provider.into(),
            ..Default::default()
        },
    }
}

fn managed(name: &str, role: &str) -> s::CreateFunctionRequest {
    s::CreateFunctionRequest {
        runtime: Some("python3.13".into()),
        capacity_provider_config: Some(on(PROVIDER)),
        ..create(name, role)
    }
}

fn scaling(qualifier: &str, min: Option<i32>, max: Option<i32>) -> s::PutFunctionScalingConfigRequest {
    s::PutFunctionScalingConfigRequest {
        function_name: "f".into(),
        qualifier: qualifier.into(),
        function_scaling_config: Some(s::FunctionScalingConfig {
            min_execution_environments: min,
            max_execution_environments: max,
        }),
    }
}

impl Cloud {
    /// A provider `cp`, and a function `f` on it that is not published yet. Gives the role.
    async fn on_provider(&self, cpus_max: Option<i32>) -> String {
        let role = self.role("both", ALL).await;
        let config = s::CapacityProviderScalingConfig { max_v_cpu_count: cpus_max, ..Default::default() };
        let input = s::CreateCapacityProviderRequest {
            capacity_provider_scaling_config: cpus_max.map(|_| config),
            ..provider("cp", &role)
        };
        self.ok::<op::CreateCapacityProvider>(input).await;
        self.ok::<op::CreateFunction>(managed("f", &role)).await;
        role
    }

    async fn publish(&self, to: Option<&str>) -> s::FunctionConfiguration {
        let input = s::PublishVersionRequest {
            function_name: "f".into(),
            publish_to: to.map(str::to_owned),
            ..Default::default()
        };
        self.ok::<op::PublishVersion>(input).await
    }

    async fn configuration_of(&self, qualifier: Option<&str>) -> s::FunctionConfiguration {
        let input = s::GetFunctionConfigurationRequest {
            function_name: "f".into(),
            qualifier: qualifier.map(str::to_owned),
        };
        self.ok::<op::GetFunctionConfiguration>(input).await
    }

    async fn state_is(&self, qualifier: &str, wanted: &str) -> s::FunctionConfiguration {
        for _ in 0..50 {
            self.settle().await;
            let found = self.configuration_of(Some(qualifier)).await;
            if found.state.as_deref() == Some(wanted) {
                return found;
            }
        }
        let now = self.configuration_of(Some(qualifier)).await;
        panic!("{qualifier} never became {wanted}: {:?} {:?}", now.state, now.state_reason);
    }

    async fn versions_on(&self) -> Vec<(String, String)> {
        let input = s::ListFunctionVersionsByCapacityProviderRequest {
            capacity_provider_name: "cp".into(),
            ..Default::default()
        };
        let listed = self.ok::<op::ListFunctionVersionsByCapacityProvider>(input).await;
        assert_eq!(listed.capacity_provider_arn, PROVIDER);
        let short = |arn: String| arn.rsplit(':').next().unwrap().to_owned();
        listed.function_versions.into_iter().map(|one| (short(one.function_arn), one.state)).collect()
    }
}
