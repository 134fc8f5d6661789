use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;

use super::cloud::{ALLOW_ALL, Cloud, trust};

#[tokio::test]
async fn users_are_paged_in_the_order_of_their_names() {
    let cloud = Cloud::new().await;
    for name in ["eve", "Bob", "carl", "ann", "Dan"] {
        let path = if name == "carl" { "/x/" } else { "/" };
        let input =
            s::CreateUserRequest { user_name: name.into(), path: Some(path.into()), ..Default::default() };
        cloud.ok::<op::CreateUser>(input).await;
    }
    for size in 1..=6 {
        let mut marker = None;
        let mut names = Vec::new();
        loop {
            let input = s::ListUsersRequest { marker, max_items: Some(size), ..Default::default() };
            let page = cloud.ok::<op::ListUsers>(input).await;
            assert!(page.users.len() <= size as usize);
            assert_eq!(page.is_truncated, Some(page.marker.is_some()));
            names.extend(page.users.into_iter().filter_map(|user| user.user_name));
            marker = page.marker;
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(names, ["ann", "Bob", "carl", "Dan", "eve"], "pages of {size}");
    }
    let input = s::ListUsersRequest { path_prefix: Some("/x".into()), ..Default::default() };
    assert_eq!(cloud.ok::<op::ListUsers>(input).await.users.len(), 1);

    // A marker is good for its own listing only.
    let input = s::ListUsersRequest { max_items: Some(1), ..Default::default() };
    let marker = cloud.ok::<op::ListUsers>(input).await.marker;
    let input =
        s::ListUsersRequest { marker: marker.clone(), path_prefix: Some("/x".into()), max_items: None };
    assert_eq!(cloud.call::<op::ListUsers>(input).await.err().unwrap().code(), "ValidationError");
    let input = s::ListGroupsRequest { marker, ..Default::default() };
    assert_eq!(cloud.call::<op::ListGroups>(input).await.err().unwrap().code(), "ValidationError");
}

#[tokio::test]
async fn policies_of_aws_are_listed_after_the_own_ones() {
    let cloud = Cloud::new().await;
    let own = s::CreatePolicyRequest {
        policy_name: "zed".into(),
        policy_document: ALLOW_ALL.into(),
        description: Some("all".into()),
        ..Default::default()
    };
    let made = cloud.ok::<op::CreatePolicy>(own).await.policy.unwrap();
    assert_eq!((made.default_version_id.as_deref(), made.description), (Some("v1"), None));
    let mut marker = None;
    let mut arns = Vec::new();
    loop {
        let input = s::ListPoliciesRequest { marker, max_items: Some(1000), ..Default::default() };
        let page = cloud.ok::<op::ListPolicies>(input).await;
        arns.extend(page.policies.unwrap().into_iter().filter_map(|policy| policy.arn));
        marker = page.marker;
        if marker.is_none() {
            break;
        }
    }
    assert!(arns.len() > 1500);
    assert_eq!(arns[0], made.arn.unwrap());
    let mut unique = arns.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), arns.len());

    let local = s::ListPoliciesRequest { scope: Some("Local".into()), ..Default::default() };
    assert_eq!(cloud.ok::<op::ListPolicies>(local).await.policies.unwrap().len(), 1);
    let attached = s::ListPoliciesRequest { only_attached: Some(true), ..Default::default() };
    assert_eq!(cloud.ok::<op::ListPolicies>(attached).await.policies.unwrap().len(), 0);
}

#[tokio::test]
async fn what_terraform_reads_back_is_what_was_given() {
    let cloud = Cloud::new().await;
    let policy = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
    let input = s::CreateRoleRequest {
        role_name: "App".into(),
        path: Some("/svc/".into()),
        assume_role_policy_document: trust("*"),
        description: Some("runs the app".into()),
        permissions_boundary: Some("arn:aws:iam::aws:policy/PowerUserAccess".into()),
        tags: Some(vec![s::Tag { key: "Team".into(), value: "sky".into() }]),
        ..Default::default()
    };
    let made = cloud.ok::<op::CreateRole>(input).await.role;
    assert_eq!(made.arn, "arn:aws:iam::123456789012:role/svc/App");
    assert!(made.role_id.starts_with("AROA") && made.role_id.len() == 21);
    cloud
        .ok::<op::AttachRolePolicy>(s::AttachRolePolicyRequest {
            role_name: "App".into(),
            policy_arn: policy.into(),
        })
        .await;
    let role = cloud.ok::<op::GetRole>(s::GetRoleRequest { role_name: "App".into() }).await.role;
    assert_eq!(role.max_session_duration, Some(3600));
    assert_eq!(role.description.as_deref(), Some("runs the app"));
    assert!(role.assume_role_policy_document.unwrap().starts_with("%7B%22Version%22%3A%222012-10-17%22"));
    assert_eq!(
        role.permissions_boundary.unwrap().permissions_boundary_arn.as_deref(),
        Some("arn:aws:iam::aws:policy/PowerUserAccess")
    );
    assert_eq!(role.tags.unwrap()[0].key, "Team");
    assert!(role.role_last_used.unwrap().last_used_date.is_none());
    let listed = cloud.ok::<op::ListRoles>(s::ListRolesRequest::default()).await.roles.remove(0);
    assert!(
        listed.tags.is_none() && listed.permissions_boundary.is_none() && listed.role_last_used.is_none()
    );

    let users = s::ListEntitiesForPolicyRequest { policy_arn: policy.into(), ..Default::default() };
    let found = cloud.ok::<op::ListEntitiesForPolicy>(users).await.policy_roles.unwrap();
    assert_eq!(found[0].role_id.as_ref(), Some(&made.role_id));
    let shown =
        cloud.ok::<op::GetPolicy>(s::GetPolicyRequest { policy_arn: policy.into() }).await.policy.unwrap();
    assert_eq!(shown.attachment_count, Some(1));

    cloud
        .ok::<op::CreateInstanceProfile>(s::CreateInstanceProfileRequest {
            instance_profile_name: "Web".into(),
            ..Default::default()
        })
        .await;
    let add =
        s::AddRoleToInstanceProfileRequest { instance_profile_name: "Web".into(), role_name: "App".into() };
    cloud.ok::<op::AddRoleToInstanceProfile>(add).await;
    let get = s::GetInstanceProfileRequest { instance_profile_name: "web".into() };
    let profile = cloud.ok::<op::GetInstanceProfile>(get).await.instance_profile;
    assert_eq!(profile.roles[0].role_name, "App");

    let details = cloud.ok::<op::GetAccountAuthorizationDetails>(Default::default()).await;
    assert_eq!(details.role_detail_list.unwrap()[0].instance_profile_list.as_ref().unwrap().len(), 1);
    // The attached one and the boundary.
    assert_eq!(details.policies.unwrap().len(), 2);
    let summary = cloud.ok::<op::GetAccountSummary>(haneul_shape::Empty).await.summary_map.unwrap();
    assert_eq!((summary.get("Roles"), summary.get("AccountAccessKeysPresent")), (Some(&1), Some(&1)));
}

#[tokio::test]
async fn a_trusted_user_that_is_gone_is_shown_by_its_id_and_its_successor_is_not_trusted() {
    let cloud = Cloud::new().await;
    let create = || s::CreateUserRequest { user_name: "ann".into(), ..Default::default() };
    let first = cloud.ok::<op::CreateUser>(create()).await.user.unwrap();
    let input = s::CreateRoleRequest {
        role_name: "app".into(),
        assume_role_policy_document: trust(&first.arn),
        ..Default::default()
    };
    cloud.ok::<op::CreateRole>(input).await;
    let document = async || {
        let get = s::GetRoleRequest { role_name: "app".into() };
        cloud.ok::<op::GetRole>(get).await.role.assume_role_policy_document.unwrap()
    };
    assert!(document().await.contains("user%2Fann"));
    let rename = async |from: &str, to: &str| {
        let input =
            s::UpdateUserRequest { user_name: from.into(), new_user_name: Some(to.into()), new_path: None };
        cloud.ok::<op::UpdateUser>(input).await;
    };
    rename("ann", "bea").await;
    assert!(document().await.contains("user%2Fbea"), "renamed, it is shown by its new name");
    rename("bea", "ann").await;
    cloud.ok::<op::DeleteUser>(s::DeleteUserRequest { user_name: "ann".into() }).await;
    cloud.ok::<op::CreateUser>(create()).await;
    let shown = document().await;
    assert!(shown.contains(&first.user_id) && !shown.contains("user%2Fann"), "{shown}");
    let role = cloud.directory().role(cloud.caller.account, "app").await.unwrap().unwrap();
    let trusted: Vec<&str> = role.trust_policy.principals().map(|principal| principal.value).collect();
    assert_eq!(trusted, [first.user_id.as_str()]);
}

#[tokio::test]
async fn what_is_told_of_a_role_differs_by_operation() {
    let cloud = Cloud::new().await;
    let app = || String::from("app");
    let input = s::CreateRoleRequest {
        role_name: app(),
        assume_role_policy_document: trust("*"),
        description: Some("d".into()),
        max_session_duration: Some(7200),
        ..Default::default()
    };
    let told = |role: &s::Role| (role.description.is_some(), role.max_session_duration);
    let made = cloud.ok::<op::CreateRole>(input).await.role;
    assert_eq!(told(&made), (true, None));
    let read = cloud.ok::<op::GetRole>(s::GetRoleRequest { role_name: app() }).await.role;
    assert_eq!(told(&read), (true, Some(7200)));
    let input = s::UpdateRoleDescriptionRequest { role_name: app(), description: "e".into() };
    let changed = cloud.ok::<op::UpdateRoleDescription>(input).await.role.unwrap();
    assert_eq!(told(&changed), (true, None));

    let web = || String::from("web");
    let input = s::CreateInstanceProfileRequest { instance_profile_name: web(), ..Default::default() };
    cloud.ok::<op::CreateInstanceProfile>(input).await;
    let input = s::AddRoleToInstanceProfileRequest { instance_profile_name: web(), role_name: app() };
    cloud.ok::<op::AddRoleToInstanceProfile>(input).await;
    let input = s::GetInstanceProfileRequest { instance_profile_name: web() };
    let profile = cloud.ok::<op::GetInstanceProfile>(input).await.instance_profile;
    assert_eq!(told(&profile.roles[0]), (false, None));
}

#[tokio::test]
async fn listings_without_a_name_ask_for_the_arn_that_aws_has_for_all() {
    let cloud = Cloud::new().await;
    let devices = cloud.access::<op::ListVirtualMFADevices>(&Default::default()).await.unwrap();
    assert_eq!(devices[0].resource, "arn:aws:iam::123456789012:mfa/");
    let providers = cloud.access::<op::ListOpenIDConnectProviders>(&Default::default()).await.unwrap();
    assert_eq!(providers[0].resource, "arn:aws:iam::123456789012:oidc-provider/*");
}
