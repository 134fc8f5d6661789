use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::{Platform, Session};

use super::cloud::Cloud;

#[tokio::test]
async fn service_toml_names_what_is_dispatched() {
    let cloud = Cloud::new().await;
    let other = Platform::new(
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

#[tokio::test]
async fn what_a_call_asks_permission_for() {
    let mut cloud = Cloud::new().await;
    let input = s::CreateUserRequest {
        user_name: "ann".into(),
        path: Some("/x/".into()),
        permissions_boundary: Some("arn:aws:iam::aws:policy/ReadOnlyAccess".into()),
        tags: Some(vec![s::Tag { key: "Team".into(), value: "sky".into() }]),
    };
    let asked = cloud.access::<op::CreateUser>(&input).await.unwrap();
    let shown: Vec<(&str, &str)> = asked.iter().map(|access| (access.action, &*access.resource)).collect();
    let arn = "arn:aws:iam::123456789012:user/x/ann";
    assert_eq!(shown, [("iam:CreateUser", arn), ("iam:TagUser", arn)]);
    let keys: Vec<&str> = asked[0].keys.iter().map(|(key, _)| &**key).collect();
    assert_eq!(keys, ["aws:RequestTag/Team", "aws:TagKeys", "iam:PermissionsBoundary"]);
    cloud.ok::<op::CreateUser>(input).await;

    let attach = s::AttachUserPolicyRequest {
        user_name: "ANN".into(),
        policy_arn: "arn:aws:iam::aws:policy/AdministratorAccess".into(),
    };
    let asked = cloud.access::<op::AttachUserPolicy>(&attach).await.unwrap().remove(0);
    assert_eq!(asked.resource, arn, "the name and path that it has");
    let mut keys: Vec<&str> = asked.keys.iter().map(|(key, _)| &**key).collect();
    keys.sort_unstable();
    let expected =
        ["aws:ResourceTag/Team", "iam:PermissionsBoundary", "iam:PolicyARN", "iam:ResourceTag/Team"];
    assert_eq!(keys, expected);

    // Whoever has no name asks about itself.
    let user = cloud.iam.state.entity::<crate::model::User>(cloud.caller.account, "ann").await.unwrap();
    cloud.caller = cloud.user("/x/", "ann", &user.entity.id);
    let asked = cloud.access::<op::GetUser>(&s::GetUserRequest::default()).await.unwrap().remove(0);
    assert_eq!((asked.action, &*asked.resource), ("iam:GetUser", arn));

    // A session of a user without MFA may not call IAM.
    cloud.caller.session = Some(Session::default());
    let refused = cloud.access::<op::GetUser>(&s::GetUserRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), "InvalidClientTokenId");
}
