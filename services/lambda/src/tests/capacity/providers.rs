use haneul_lambda_wire::{operations as op, shapes as s};

use super::super::cloud::{Cloud, OURS};
use super::{PROVIDER, managed, provider};

#[tokio::test]
async fn providers_are_made_changed_and_deleted() {
    let cloud = Cloud::new().await;
    let role = cloud.role("operator", "").await;
    let tags: Vec<(String, String)> = vec![("team".into(), "sky".into())];
    let input = s::CreateCapacityProviderRequest {
        instance_requirements: Some(s::InstanceRequirements {
            allowed_instance_types: Some(vec!["m7a.large".into(), "c7*".into()]),
            ..Default::default()
        }),
        tags: Some(tags.into_iter().collect()),
        ..provider("cp", &role)
    };
    let made = cloud.ok::<op::CreateCapacityProvider>(input.clone()).await.capacity_provider;
    assert_eq!((made.capacity_provider_arn.as_str(), made.state.as_str()), (PROVIDER, "Active"));
    assert_eq!(made.vpc_config.subnet_ids, ["subnet-1", "subnet-2"]);
    assert_eq!(made.instance_requirements.unwrap().allowed_instance_types.unwrap(), ["m7a.large", "c7*"]);
    let again = cloud.err::<op::CreateCapacityProvider>(input).await;
    assert!(again.starts_with("ResourceConflictException: "), "{again}");
    let by = |name: &str| s::GetCapacityProviderRequest { capacity_provider_name: name.into() };
    for name in ["cp", PROVIDER] {
        let found = cloud.ok::<op::GetCapacityProvider>(by(name)).await.capacity_provider;
        assert_eq!(found.permissions_config.capacity_provider_operator_role_arn, role);
        assert!(found.capacity_provider_scaling_config.is_none());
    }
    let policy = s::TargetTrackingScalingPolicy {
        predefined_metric_type: "LambdaCapacityProviderAverageCPUUtilization".into(),
        target_value: 70.0,
    };
    let update = |mode: Option<&str>, cpus: Option<i32>, policies: Vec<s::TargetTrackingScalingPolicy>| {
        s::UpdateCapacityProviderRequest {
            capacity_provider_name: "cp".into(),
            capacity_provider_scaling_config: Some(s::CapacityProviderScalingConfig {
                max_v_cpu_count: cpus,
                scaling_mode: mode.map(str::to_owned),
                scaling_policies: (!policies.is_empty()).then_some(policies),
            }),
            ..Default::default()
        }
    };
    cloud.ok::<op::UpdateCapacityProvider>(update(Some("Manual"), Some(8), vec![policy.clone()])).await;
    // What is not said stays.
    let changed =
        cloud.ok::<op::UpdateCapacityProvider>(update(None, Some(6), vec![])).await.capacity_provider;
    let shown = changed.capacity_provider_scaling_config.unwrap();
    assert_eq!((shown.max_v_cpu_count, shown.scaling_mode.as_deref()), (Some(6), Some("Manual")));
    assert_eq!(shown.scaling_policies.unwrap()[0].target_value, 70.0);
    let other = s::TargetTrackingScalingPolicy { target_value: 40.0, ..policy.clone() };
    for (input, target) in
        [(update(None, None, vec![other]), 40.0), (update(Some("Manual"), Some(5), vec![]), 40.0)]
    {
        let changed = cloud.ok::<op::UpdateCapacityProvider>(input).await.capacity_provider;
        let shown = changed.capacity_provider_scaling_config.unwrap();
        assert_eq!(shown.scaling_mode.as_deref(), Some("Manual"));
        assert_eq!(shown.scaling_policies.unwrap()[0].target_value, target);
    }
    let changed = cloud.ok::<op::UpdateCapacityProvider>(update(Some("Auto"), None, vec![])).await;
    let shown = changed.capacity_provider.capacity_provider_scaling_config.unwrap();
    assert_eq!((shown.max_v_cpu_count, shown.scaling_mode.as_deref()), (Some(5), Some("Auto")));
    assert!(shown.scaling_policies.is_none());
    for (wanted, input) in [
        ("ScalingPolicies are required", update(Some("Manual"), None, vec![])),
        ("ScalingPolicies are only supported", update(None, None, vec![policy.clone()])),
        ("ScalingPolicies are only supported", update(Some("Auto"), None, vec![policy.clone()])),
    ] {
        let refused = cloud.err::<op::UpdateCapacityProvider>(input).await;
        assert!(refused.starts_with(&format!("InvalidParameterValueException: {wanted}")), "{refused}");
    }
    let resource = s::ListTagsRequest { resource: PROVIDER.into() };
    assert_eq!(cloud.ok::<op::ListTags>(resource.clone()).await.tags.unwrap().get("team").unwrap(), "sky");
    let untag = s::UntagResourceRequest { resource: PROVIDER.into(), tag_keys: vec!["team".into()] };
    cloud.ok::<op::UntagResource>(untag).await;
    assert!(cloud.ok::<op::ListTags>(resource).await.tags.unwrap().iter().next().is_none());
    cloud.ok::<op::CreateCapacityProvider>(provider("other", &role)).await;
    let list = |state: Option<&str>, marker: Option<String>| s::ListCapacityProvidersRequest {
        state: state.map(str::to_owned),
        marker,
        max_items: Some(1),
    };
    let first = cloud.ok::<op::ListCapacityProviders>(list(Some("Active"), None)).await;
    let second = cloud.ok::<op::ListCapacityProviders>(list(None, first.next_marker)).await;
    let arns =
        [&first.capacity_providers[0], &second.capacity_providers[0]].map(|one| &one.capacity_provider_arn);
    assert_eq!(arns, [PROVIDER, &PROVIDER.replace(":cp", ":other")]);
    assert!(second.next_marker.is_none());
    let failed = cloud.ok::<op::ListCapacityProviders>(list(Some("Failed"), None)).await;
    assert!(failed.capacity_providers.is_empty());
    let delete = s::DeleteCapacityProviderRequest { capacity_provider_name: "cp".into() };
    let deleted = cloud.ok::<op::DeleteCapacityProvider>(delete.clone()).await.capacity_provider;
    assert_eq!(deleted.state, "Deleting");
    let gone = format!("ResourceNotFoundException: Capacity provider not found: {PROVIDER}");
    assert_eq!(cloud.err::<op::GetCapacityProvider>(by("cp")).await, gone);
    assert_eq!(cloud.err::<op::DeleteCapacityProvider>(delete).await, gone);
}

#[tokio::test]
async fn what_a_provider_cannot_be_is_refused() {
    let cloud = Cloud::new().await;
    let role = cloud.role("operator", "").await;
    let foreign = cloud.role_trusted_by("foreign", r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#, "").await;
    let base = || provider("cp", &role);
    let instances = |allowed: &[&str], excluded: &[&str], architectures: &[&str]| {
        let list =
            |names: &[&str]| (!names.is_empty()).then(|| names.iter().map(ToString::to_string).collect());
        Some(s::InstanceRequirements {
            architectures: list(architectures),
            allowed_instance_types: list(allowed),
            excluded_instance_types: list(excluded),
        })
    };
    let other = if cfg!(target_arch = "aarch64") { "x86_64" } else { "arm64" };
    let mut twice = base();
    twice.vpc_config.subnet_ids = vec!["subnet-1".into(), "subnet-1".into()];
    let mut named = base();
    named.capacity_provider_name = PROVIDER.replace("us-east-1", "eu-west-1");
    for (wanted, input) in [
        ("The operator role", provider("cp", &foreign)),
        ("The subnet subnet-1 is given more than once", twice),
        ("The capacity provider must be of this account and Region", named),
        (
            "KmsKeyArn",
            s::CreateCapacityProviderRequest { kms_key_arn: Some("arn:aws:kms:x".into()), ..base() },
        ),
        (
            "AllowedInstanceTypes and ExcludedInstanceTypes",
            s::CreateCapacityProviderRequest {
                instance_requirements: instances(&["m7a.large"], &["m7a.xlarge"], &[]),
                ..base()
            },
        ),
        (
            "The instance type large is not well formed",
            s::CreateCapacityProviderRequest {
                instance_requirements: instances(&["large"], &[], &[]),
                ..base()
            },
        ),
        (
            "The architecture",
            s::CreateCapacityProviderRequest {
                instance_requirements: instances(&[], &[], &[other]),
                ..base()
            },
        ),
        (
            "TelemetryConfig",
            s::CreateCapacityProviderRequest { telemetry_config: Some(Default::default()), ..base() },
        ),
        (
            "PropagateTags",
            s::CreateCapacityProviderRequest {
                propagate_tags: Some(s::PropagateTags {
                    mode: Some("Explicit".into()),
                    ..Default::default()
                }),
                ..base()
            },
        ),
    ] {
        let refused = cloud.err::<op::CreateCapacityProvider>(input).await;
        assert!(
            refused.starts_with(&format!("InvalidParameterValueException: {wanted}")),
            "{wanted}: {refused}"
        );
    }
}

#[tokio::test]
async fn who_puts_functions_on_a_provider_must_be_let() {
    let cloud = Cloud::new().await;
    let role = cloud.on_provider(None).await;
    let some = r#"{"Effect":"Allow","Action":["lambda:CreateFunction","lambda:CreateCapacityProvider","iam:PassRole"],"Resource":"*"}"#;
    let narrow = cloud.user(OURS, "narrow", some).await;
    let refused = cloud.call::<op::CreateFunction>(&narrow, managed("g", &role)).await.err().unwrap();
    assert!(refused.message().contains("lambda:PassCapacityProvider"), "{refused}");
    let wide = r#"{"Effect":"Allow","Action":["lambda:CreateFunction","lambda:PassCapacityProvider","iam:PassRole"],"Resource":"*"}"#;
    let wide = cloud.user(OURS, "wide", wide).await;
    cloud.call::<op::CreateFunction>(&wide, managed("g", &role)).await.unwrap();
    // By the subnets, and without the role.
    let subnets = r#"{"Effect":"Allow","Action":["lambda:CreateCapacityProvider","iam:PassRole"],"Resource":"*","Condition":{"ForAllValues:StringEqualsIfExists":{"lambda:SubnetIds":["subnet-1"]}}}"#;
    let subnets = cloud.user(OURS, "subnets", subnets).await;
    let refused = cloud.call::<op::CreateCapacityProvider>(&subnets, provider("b", &role)).await;
    assert_eq!(refused.err().unwrap().code(), "AccessDeniedException");
    let mut one = provider("b", &role);
    one.vpc_config.subnet_ids.truncate(1);
    cloud.call::<op::CreateCapacityProvider>(&subnets, one).await.unwrap();
    let alone = r#"{"Effect":"Allow","Action":"lambda:CreateCapacityProvider","Resource":"*"}"#;
    let alone = cloud.user(OURS, "alone", alone).await;
    let refused = cloud.call::<op::CreateCapacityProvider>(&alone, provider("c", &role)).await.err().unwrap();
    assert!(refused.message().contains("iam:PassRole"), "{refused}");
}

#[tokio::test]
async fn all_versions_on_providers_are_found_however_many_there_are() {
    let records = crate::store::Records { store: haneul_store::Store::memory() };
    let account = haneul_kit::AccountId::new(OURS).unwrap();
    let mut batch = haneul_store::Batch::default();
    for number in 0..2500u64 {
        let row = (account, haneul_kit::Region::US_EAST_1, "cp", format!("f{number}"), number % 2);
        batch.put(&crate::model::capacity::ATTACHED, &row, &()).unwrap();
    }
    records.store.write(batch).await.unwrap();
    assert_eq!(records.attached().await.unwrap().len(), 1250);
}
