use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::{AuthorizationMessage, Platform};
use haneul_sts_wire::operations as op;
use haneul_sts_wire::shapes as s;

use super::cloud::{Cloud, OURS, THEIRS, policy, root};

#[tokio::test]
async fn service_toml_names_what_is_dispatched() {
    let cloud = Cloud::new().await;
    let platform: &Platform = &cloud.platform;
    let service = crate::service(platform).await.unwrap();
    let toml: toml::Table = include_str!("../../service.toml").parse().unwrap();
    let named: Vec<&str> =
        toml["implemented"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(named, service.implemented().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_session_of_a_user_is_that_user_but_not_to_iam() {
    let cloud = Cloud::new().await;
    let all = r#""Effect":"Allow","Action":"*","Resource":"*""#;
    let user = cloud.user(OURS, "ann", Some(all)).await;
    let made = cloud.ok::<op::GetSessionToken>(&user, Default::default()).await;
    let expiration = made.credentials.as_ref().unwrap().expiration;
    assert_eq!(expiration.since(cloud.platform.env.now()).as_secs(), 43_200);
    let session = cloud.open(made.credentials);
    let identity = cloud.ok::<op::GetCallerIdentity>(&session, Default::default()).await;
    assert_eq!(identity.arn.as_deref(), Some("arn:aws:iam::111111111111:user/ann"));
    let error = cloud.err::<iam::ListUsers>(&session, Default::default()).await;
    assert!(error.starts_with("InvalidClientTokenId"), "{error}");
    let error = cloud.err::<op::GetSessionToken>(&session, Default::default()).await;
    assert_eq!(error, "AccessDenied: Cannot call GetSessionToken with session credentials");

    let long = s::GetSessionTokenRequest { duration_seconds: Some(129_600), ..Default::default() };
    let made = cloud.ok::<op::GetSessionToken>(&root(OURS), long).await.credentials.unwrap();
    assert_eq!(made.expiration.since(cloud.platform.env.now()).as_secs(), 3600, "root's end after an hour");
}

#[tokio::test]
async fn a_federated_user_may_what_both_the_user_and_the_policy_allow() {
    let cloud = Cloud::new().await;
    let own = r#""Effect":"Allow","Action":["sts:GetFederationToken","sts:GetAccessKeyInfo"],"Resource":"*""#;
    let user = cloud.user(OURS, "ann", Some(own)).await;
    let of = |statement: Option<&str>| s::GetFederationTokenRequest {
        name: "bob".into(),
        policy: statement.map(policy),
        ..Default::default()
    };
    let made = cloud
        .ok::<op::GetFederationToken>(&user, of(Some(r#""Effect":"Allow","Action":"*","Resource":"*""#)))
        .await;
    let federated = made.federated_user.unwrap();
    assert_eq!(federated.arn, "arn:aws:sts::111111111111:federated-user/bob");
    assert_eq!(federated.federated_user_id, "111111111111:bob");
    let session = cloud.open(made.credentials);
    let info = || s::GetAccessKeyInfoRequest { access_key_id: "ASIAY34FZKBOKMUTVV7A".into() };
    let told = cloud.ok::<op::GetAccessKeyInfo>(&session, info()).await;
    assert_eq!(told.account.as_deref(), Some("609629065308"));
    let error = cloud
        .err::<op::DecodeAuthorizationMessage>(
            &session,
            s::DecodeAuthorizationMessageRequest { encoded_message: "x".into() },
        )
        .await;
    assert!(error.contains("no identity-based policy allows"), "{error}");

    let without = cloud.open(cloud.ok::<op::GetFederationToken>(&user, of(None)).await.credentials);
    let error = cloud.err::<op::GetAccessKeyInfo>(&without, info()).await;
    assert!(error.contains("no session policy allows"), "{error}");
    assert!(!error.contains(" on resource"), "{error}");
    let error = cloud.err::<op::GetFederationToken>(&without, of(None)).await;
    assert_eq!(error, "AccessDenied: Cannot call GetFederationToken with session credentials");

    // Taken from the user, gone from the session.
    let gone = i::DeleteUserPolicyRequest { user_name: "ann".into(), policy_name: "own".into() };
    cloud.ok::<iam::DeleteUserPolicy>(&root(OURS), gone).await;
    assert!(cloud.call::<op::GetAccessKeyInfo>(&session, info()).await.is_err());

    // The root user's federated users may whatever their policy allows.
    let of_root = of(Some(r#""Effect":"Allow","Action":"sts:GetAccessKeyInfo","Resource":"*""#));
    let session = cloud.open(cloud.ok::<op::GetFederationToken>(&root(OURS), of_root).await.credentials);
    cloud.ok::<op::GetAccessKeyInfo>(&session, info()).await;
    assert!(cloud.call::<iam::ListUsers>(&session, Default::default()).await.is_err());
}

#[tokio::test]
async fn messages_are_decoded_for_their_account_only() {
    let cloud = Cloud::new().await;
    let caller = root(OURS);
    let encoded_message = AuthorizationMessage {
        caller: &caller,
        action: "ec2:RunInstances",
        resource: "arn:aws:ec2:us-east-1:111111111111:instance/*",
        explicit_deny: false,
        matched_statements: Vec::new(),
        conditions: vec![("ec2:Tenancy".into(), vec!["default".into()])],
    }
    .encode(&cloud.platform.seal);
    let input = s::DecodeAuthorizationMessageRequest { encoded_message };
    let decoded =
        cloud.ok::<op::DecodeAuthorizationMessage>(&caller, input.clone()).await.decoded_message.unwrap();
    let decoded: serde_json::Value = serde_json::from_str(&decoded).unwrap();
    assert_eq!(decoded["allowed"], false);
    assert_eq!(decoded["context"]["action"], "ec2:RunInstances");
    assert_eq!(decoded["context"]["conditions"]["items"][0]["values"]["items"][0]["value"], "default");
    let error = cloud.err::<op::DecodeAuthorizationMessage>(&root(THEIRS), input).await;
    assert!(error.starts_with("InvalidAuthorizationMessageException"), "{error}");
}

#[tokio::test]
async fn keys_tell_their_account() {
    let cloud = Cloud::new().await;
    let key = cloud.ok::<iam::CreateAccessKey>(&root(THEIRS), Default::default()).await.access_key;
    let ask = |id: &str| s::GetAccessKeyInfoRequest { access_key_id: id.into() };
    let told = cloud.ok::<op::GetAccessKeyInfo>(&root(OURS), ask(&key.access_key_id)).await;
    assert_eq!(told.account.as_deref(), Some("222222222222"));
    let error = cloud.err::<op::GetAccessKeyInfo>(&root(OURS), ask("NOTAKEYOFAWSATALL000")).await;
    assert_eq!(error, "ValidationError: The access key ID is not valid.");
}
