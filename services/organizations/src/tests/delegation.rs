use haneul_kit::Caller;
use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;
use haneul_shape::Empty;

use super::cloud::{Cloud, NOT_IN_THE_WEST, master};

const CONFIG: &str = "config.amazonaws.com";

#[tokio::test]
async fn a_delegated_administrator_may_read() {
    let cloud = Cloud::organized().await;
    let account = cloud.account("one").await;
    let member = Caller::root(account);
    let register = |account: &str, service: &str| s::RegisterDelegatedAdministratorRequest {
        account_id: account.into(),
        service_principal: service.into(),
    };
    let id = account.to_string();
    let early = cloud.err::<op::RegisterDelegatedAdministrator>(&master(), register(&id, CONFIG)).await;
    assert_eq!(early, "ConstraintViolationException SERVICE_ACCESS_NOT_ENABLED");
    let unknown = s::EnableAWSServiceAccessRequest { service_principal: "nothing.amazonaws.com".into() };
    let unknown = cloud.err::<op::EnableAWSServiceAccess>(&master(), unknown).await;
    assert_eq!(unknown, "InvalidInputException UNRECOGNIZED_SERVICE_PRINCIPAL");
    let enable = s::EnableAWSServiceAccessRequest { service_principal: CONFIG.into() };
    cloud.ok::<op::EnableAWSServiceAccess>(&master(), enable).await;
    let own = register(&master().account.to_string(), CONFIG);
    let own = cloud.err::<op::RegisterDelegatedAdministrator>(&master(), own).await;
    assert_eq!(own, "ConstraintViolationException CANNOT_REGISTER_MASTER_AS_DELEGATED_ADMINISTRATOR");

    cloud.err::<op::ListAccounts>(&member, Default::default()).await;
    cloud.ok::<op::RegisterDelegatedAdministrator>(&master(), register(&id, CONFIG)).await;
    let twice = cloud.err::<op::RegisterDelegatedAdministrator>(&master(), register(&id, CONFIG)).await;
    assert!(twice.starts_with("AccountAlreadyRegisteredException"), "{twice}");
    assert_eq!(cloud.ok::<op::ListAccounts>(&member, Default::default()).await.accounts.unwrap().len(), 2);
    let describe = s::DescribeAccountRequest { account_id: "111111111111".into() };
    cloud.ok::<op::DescribeAccount>(&member, describe).await;
    let manage = s::DeletePolicyRequest { policy_id: "p-1234567890".into() };
    let refused = cloud.err::<op::DeletePolicy>(&member, manage).await;
    assert!(refused.starts_with("AccessDeniedException"), "{refused}");

    let disable = s::DisableAWSServiceAccessRequest { service_principal: CONFIG.into() };
    let kept = cloud.err::<op::DisableAWSServiceAccess>(&master(), disable.clone()).await;
    assert_eq!(kept, "ConstraintViolationException DELEGATED_ADMINISTRATOR_EXISTS_FOR_THIS_SERVICE");
    let remove = s::RemoveAccountFromOrganizationRequest { account_id: id.clone() };
    let kept = cloud.err::<op::RemoveAccountFromOrganization>(&master(), remove).await;
    assert_eq!(kept, "ConstraintViolationException CANNOT_REMOVE_DELEGATED_ADMINISTRATOR_FROM_ORG");
    let list = s::ListDelegatedServicesForAccountRequest { account_id: id.clone(), ..Default::default() };
    let services = cloud.ok::<op::ListDelegatedServicesForAccount>(&master(), list.clone()).await;
    assert_eq!(services.delegated_services.unwrap()[0].service_principal.as_deref(), Some(CONFIG));
    let deregister = s::DeregisterDelegatedAdministratorRequest {
        account_id: id.clone(),
        service_principal: CONFIG.into(),
    };
    cloud.ok::<op::DeregisterDelegatedAdministrator>(&master(), deregister).await;
    let none = cloud.err::<op::ListDelegatedServicesForAccount>(&master(), list).await;
    assert!(none.starts_with("AccountNotRegisteredException"), "{none}");
    cloud.ok::<op::DisableAWSServiceAccess>(&master(), disable).await;
}

#[tokio::test]
async fn the_resource_policy_delegates_policies() {
    let cloud = Cloud::organized().await;
    let account = cloud.account("one").await;
    let member = Caller::root(account);
    let put = |statement: &str| s::PutResourcePolicyRequest {
        content: super::cloud::policy(statement),
        tags: None,
    };
    let none = cloud.err::<op::DescribeResourcePolicy>(&master(), Empty).await;
    assert!(none.starts_with("ResourcePolicyNotFoundException"), "{none}");
    let allow = |action: &str, principal: &str| {
        put(&format!(
            r#""Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":["{action}"],"Resource":"*""#
        ))
    };
    for (input, reason) in [
        (allow("organizations:MoveAccount", &account.to_string()), "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY"),
        (allow("organizations:ListRoots", "nobody"), "INVALID_PRINCIPAL"),
        (s::PutResourcePolicyRequest { content: "{".into(), tags: None }, "INVALID_RESOURCE_POLICY_JSON"),
    ] {
        let refused = cloud.err::<op::PutResourcePolicy>(&master(), input).await;
        assert_eq!(refused, format!("InvalidInputException {reason}"));
    }
    let tag = s::CreatePolicyRequest {
        content: r#"{"tags":{"c":{"tag_key":{"@@assign":"C"}}}}"#.into(),
        description: String::new(),
        name: "t".into(),
        r#type: "TAG_POLICY".into(),
        tags: None,
    };
    let scp = s::CreatePolicyRequest {
        content: NOT_IN_THE_WEST.into(),
        r#type: "SERVICE_CONTROL_POLICY".into(),
        ..tag.clone()
    };
    cloud.err::<op::CreatePolicy>(&member, tag.clone()).await;
    let statement = format!(
        r#""Effect":"Allow","Principal":{{"AWS":"{account}"}},"Action":["organizations:CreatePolicy","organizations:DescribePolicy"],"Resource":"*","Condition":{{"StringLikeIfExists":{{"organizations:PolicyType":["TAG_POLICY"]}}}}"#
    );
    let made = cloud.ok::<op::PutResourcePolicy>(&master(), put(&statement)).await.resource_policy.unwrap();
    let arn = made.resource_policy_summary.unwrap().arn.unwrap();
    assert!(arn.contains(":resourcepolicy/o-") && arn.contains("/rp-"), "{arn}");
    let own = cloud.ok::<op::CreatePolicy>(&member, tag).await.policy.unwrap().policy_summary.unwrap();
    assert!(own.arn.unwrap().starts_with("arn:aws:organizations::111111111111:policy/"));
    let refused = cloud.err::<op::CreatePolicy>(&member, scp).await;
    assert!(refused.starts_with("AccessDeniedException"), "only tag policies: {refused}");
    let refused =
        cloud.err::<op::DeletePolicy>(&member, s::DeletePolicyRequest { policy_id: own.id.unwrap() }).await;
    assert!(refused.starts_with("AccessDeniedException"), "{refused}");
    cloud.ok::<op::DeleteResourcePolicy>(&master(), Empty).await;
    let none = cloud.err::<op::DeleteResourcePolicy>(&master(), Empty).await;
    assert!(none.starts_with("ResourcePolicyNotFoundException"), "{none}");
}
