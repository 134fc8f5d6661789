use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::{Arn, Caller, Instant, Principal, Reconciler, Session};

use super::cloud::{ACCOUNT, ALLOW_ALL, Cloud, trust};

async fn user_with_key(cloud: &Cloud) -> (s::User, s::AccessKey) {
    let input =
        s::CreateUserRequest { user_name: "Ann".into(), path: Some("/a/".into()), ..Default::default() };
    let user = cloud.ok::<op::CreateUser>(input).await.user.unwrap();
    let input = s::CreateAccessKeyRequest { user_name: Some("ann".into()) };
    (user, cloud.ok::<op::CreateAccessKey>(input).await.access_key)
}

#[tokio::test]
async fn keys_are_known_at_once_and_forgotten_at_once() {
    let cloud = Cloud::new().await;
    let (user, access_key) = user_with_key(&cloud).await;
    assert_eq!(access_key.user_name, "Ann");
    let id = &access_key.access_key_id;
    for _ in 0..2 {
        let found = cloud.directory().access_key(id).await.unwrap().unwrap();
        assert_eq!(found.secret, access_key.secret_access_key);
        assert_eq!(found.caller.arn(), "arn:aws:iam::123456789012:user/a/Ann");
        assert_eq!(found.caller.user_id(), user.user_id);
        assert!(found.active);
    }
    let again = cloud.directory().access_key(id).await.unwrap().unwrap();
    let same = cloud.directory().access_key(id).await.unwrap().unwrap();
    assert!(std::sync::Arc::ptr_eq(&again, &same), "from memory");

    let inactive = s::UpdateAccessKeyRequest {
        user_name: Some("Ann".into()),
        access_key_id: id.clone(),
        status: "Inactive".into(),
    };
    cloud.ok::<op::UpdateAccessKey>(inactive).await;
    assert!(!cloud.directory().access_key(id).await.unwrap().unwrap().active);

    let renamed = s::UpdateUserRequest {
        user_name: "Ann".into(),
        new_user_name: Some("Bea".into()),
        new_path: Some("/".into()),
    };
    cloud.ok::<op::UpdateUser>(renamed).await;
    let found = cloud.directory().access_key(id).await.unwrap().unwrap();
    assert_eq!(found.caller.arn(), "arn:aws:iam::123456789012:user/Bea");

    let gone = s::DeleteAccessKeyRequest { user_name: Some("Bea".into()), access_key_id: id.clone() };
    cloud.ok::<op::DeleteAccessKey>(gone).await;
    assert!(cloud.directory().access_key(id).await.unwrap().is_none());
    assert!(cloud.directory().access_key("AKIAUNKNOWN").await.unwrap().is_none());
}

#[tokio::test]
async fn root_keys_of_the_configuration_are_known() {
    let cloud = Cloud::new().await;
    let root = cloud.directory().access_key("test").await.unwrap().unwrap();
    assert_eq!(
        (root.secret.as_str(), root.caller.arn().as_str()),
        ("test", "arn:aws:iam::123456789012:root")
    );
    assert!(cloud.directory().policies(&root.caller).await.unwrap().identity.is_empty());
    let made = cloud.ok::<op::CreateAccessKey>(s::CreateAccessKeyRequest::default()).await.access_key;
    let root = cloud.directory().access_key(&made.access_key_id).await.unwrap().unwrap();
    assert_eq!(root.caller.principal, Principal::Root);
}

async fn names(cloud: &Cloud, caller: &Caller) -> Vec<String> {
    let policies = cloud.directory().policies(caller).await.unwrap();
    policies.identity.iter().map(|policy| policy.name.clone()).collect()
}

#[tokio::test]
async fn policies_of_users_groups_and_boundaries_follow_every_change() {
    let cloud = Cloud::new().await;
    let (user, _) = user_with_key(&cloud).await;
    let caller = cloud.user("/a/", "Ann", &user.user_id);
    assert_eq!(names(&cloud, &caller).await, Vec::<String>::new());

    let inline = s::PutUserPolicyRequest {
        user_name: "Ann".into(),
        policy_name: "own".into(),
        policy_document: ALLOW_ALL.into(),
    };
    cloud.ok::<op::PutUserPolicy>(inline).await;
    assert_eq!(names(&cloud, &caller).await, ["own"]);

    let group = s::CreateGroupRequest { group_name: "Ops".into(), path: None };
    cloud.ok::<op::CreateGroup>(group).await;
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    let attach = s::AttachGroupPolicyRequest { group_name: "ops".into(), policy_arn: admin.into() };
    cloud.ok::<op::AttachGroupPolicy>(attach).await;
    let member = s::AddUserToGroupRequest { group_name: "Ops".into(), user_name: "Ann".into() };
    cloud.ok::<op::AddUserToGroup>(member).await;
    assert_eq!(names(&cloud, &caller).await, ["own", admin]);

    let renamed = s::UpdateGroupRequest {
        group_name: "Ops".into(),
        new_group_name: Some("SRE".into()),
        new_path: None,
    };
    cloud.ok::<op::UpdateGroup>(renamed).await;
    assert_eq!(names(&cloud, &caller).await, ["own", admin]);

    let managed = s::CreatePolicyRequest {
        policy_name: "limit".into(),
        policy_document: ALLOW_ALL.into(),
        ..Default::default()
    };
    let arn = cloud.ok::<op::CreatePolicy>(managed).await.policy.unwrap().arn.unwrap();
    let boundary =
        s::PutUserPermissionsBoundaryRequest { user_name: "Ann".into(), permissions_boundary: arn.clone() };
    cloud.ok::<op::PutUserPermissionsBoundary>(boundary).await;
    let before = cloud.directory().policies(&caller).await.unwrap();
    let boundary = before.boundary.as_ref().unwrap();
    assert_eq!(boundary.name, arn);

    let narrower =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
    let version = s::CreatePolicyVersionRequest {
        policy_arn: arn.clone(),
        policy_document: narrower.into(),
        set_as_default: Some(true),
    };
    cloud.ok::<op::CreatePolicyVersion>(version).await;
    let after = cloud.directory().policies(&caller).await.unwrap();
    assert_ne!(after.boundary.as_ref().unwrap().policy, boundary.policy);

    let leave = s::RemoveUserFromGroupRequest { group_name: "SRE".into(), user_name: "Ann".into() };
    cloud.ok::<op::RemoveUserFromGroup>(leave).await;
    assert_eq!(names(&cloud, &caller).await, ["own"]);

    let other = cloud.user("/a/", "Ann", "AIDASOMEBODYELSE");
    assert_eq!(names(&cloud, &other).await, Vec::<String>::new(), "a later bearer of the name");
}

#[tokio::test]
async fn sessions_add_their_policies_and_tags() {
    let cloud = Cloud::new().await;
    let input = s::CreateRoleRequest {
        role_name: "app".into(),
        assume_role_policy_document: trust("*"),
        tags: Some(vec![
            s::Tag { key: "Team".into(), value: "sky".into() },
            s::Tag { key: "Stage".into(), value: "prod".into() },
        ]),
        ..Default::default()
    };
    let role = cloud.ok::<op::CreateRole>(input).await.role;
    let mut caller = Caller {
        principal: Principal::Role {
            path: "/".into(),
            name: "app".into(),
            id: role.role_id,
            session_name: "s".into(),
        },
        access_key_id: Some("ASIA1".into()),
        session: Some(Session { tags: vec![("team".into(), "sea".into())], ..Session::default() }),
        ..cloud.caller.clone()
    };
    let plain = cloud.directory().policies(&caller).await.unwrap();
    assert!(plain.session.is_none());
    assert_eq!(plain.tags, [("Stage".into(), "prod".into()), ("team".into(), "sea".into())]);
    let session = caller.session.as_mut().unwrap();
    session.policy = Some(ALLOW_ALL.into());
    session.policy_arns = vec!["arn:aws:iam::aws:policy/ReadOnlyAccess".into()];
    // The same access key id, another session: nothing of the first may show.
    let limited = cloud.directory().policies(&caller).await.unwrap();
    assert_eq!(limited.session.as_ref().map(Vec::len), Some(2));
}

#[tokio::test]
async fn roles_and_managed_policies_are_found() {
    let cloud = Cloud::new().await;
    let account = cloud.caller.account;
    let arn = Arn::parse("arn:aws:iam::aws:policy/ReadOnlyAccess").unwrap();
    assert!(cloud.directory().managed_policy(&arn).await.unwrap().is_some());
    assert!(cloud.directory().role(account, "app").await.unwrap().is_none());
    let input = s::CreateRoleRequest {
        role_name: "App".into(),
        path: Some("/x/".into()),
        assume_role_policy_document: trust("*"),
        max_session_duration: Some(7200),
        ..Default::default()
    };
    cloud.ok::<op::CreateRole>(input).await;
    let role = cloud.directory().role(account, "App").await.unwrap().unwrap();
    assert_eq!(role.arn().as_str(), format!("arn:aws:iam::{ACCOUNT}:role/x/App"));
    assert_eq!(role.max_session_duration_secs, 7200);
}

#[tokio::test]
async fn uses_are_noted_and_written() {
    let cloud = Cloud::new().await;
    let (_, access_key) = user_with_key(&cloud).await;
    let id = access_key.access_key_id;
    let last = async || {
        let input = s::GetAccessKeyLastUsedRequest { access_key_id: id.clone() };
        let output = cloud.ok::<op::GetAccessKeyLastUsed>(input).await;
        assert_eq!(output.user_name.as_deref(), Some("Ann"));
        output.access_key_last_used.unwrap()
    };
    let never = last().await;
    assert_eq!(
        (never.service_name.as_str(), never.region.as_str(), never.last_used_date),
        ("N/A", "N/A", None)
    );
    let caller = cloud.directory().access_key(&id).await.unwrap().unwrap().caller.clone();
    let at = Instant::from_secs(1_800_000_000);
    cloud.directory().note_use(&caller, "s3", "eu-west-1", at);
    assert_eq!(last().await.last_used_date, Some(at), "before it is written");
    let reconciler = cloud.iam.last_used.clone();
    assert_eq!(reconciler.reconcile().await.unwrap(), None);
    let written = last().await;
    assert_eq!((written.service_name.as_str(), written.last_used_date), ("s3", Some(at)));
    // Within a minute nothing is written again, but the reconciler knows when it is due.
    cloud.directory().note_use(&caller, "sqs", "eu-west-1", at);
    let due = reconciler.reconcile().await.unwrap().unwrap();
    cloud.platform.env.clock.advance(due.since(cloud.platform.env.now()));
    assert_eq!(reconciler.reconcile().await.unwrap(), None);
    assert_eq!(last().await.service_name, "sqs");
}
