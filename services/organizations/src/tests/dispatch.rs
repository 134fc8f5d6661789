use super::cloud::Cloud;

#[tokio::test]
async fn service_toml_names_what_is_dispatched() {
    let cloud = Cloud::new().await;
    let other = haneul_kit::Platform::new(
        cloud.platform.env.clone(),
        haneul_store::Store::memory(),
        cloud.platform.blobs.clone(),
        None,
        cloud.platform.seal.clone(),
        (*cloud.platform.config).clone(),
    );
    let service = crate::service(&other).await.unwrap();
    let toml: toml::Table = include_str!("../../service.toml").parse().unwrap();
    let named: Vec<&str> =
        toml["implemented"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(named, service.implemented().collect::<Vec<_>>());
}

/// Every action that an operation asks for is one of the Service Authorization Reference.
#[test]
fn actions_are_of_the_reference() {
    let iam = haneul_organizations_wire::IAM;
    for source in [
        include_str!("../ops/accounts.rs"),
        include_str!("../ops/attachments.rs"),
        include_str!("../ops/create_account.rs"),
        include_str!("../ops/delegated_administrators.rs"),
        include_str!("../ops/effective_policies.rs"),
        include_str!("../ops/handshakes.rs"),
        include_str!("../ops/invitations.rs"),
        include_str!("../ops/organization.rs"),
        include_str!("../ops/policies.rs"),
        include_str!("../ops/policy_types.rs"),
        include_str!("../ops/resource_policy.rs"),
        include_str!("../ops/service_access.rs"),
        include_str!("../ops/tags.rs"),
        include_str!("../ops/tree.rs"),
        include_str!("../ops/units.rs"),
    ] {
        for action in source.split("\"organizations:").skip(1) {
            let action = action.split('"').next().unwrap();
            let is_key = matches!(action, "PolicyType" | "ServicePrincipal" | "");
            assert!(is_key || iam.contains(&format!("\"{action}\": {{")), "{action}");
        }
    }
}
