//! Grants, their constraints and their end.

use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;

use super::cloud::{Cloud, OURS, THEIRS, context, encrypt, root};

fn grant(key: &str, to: &str, operations: &[&str]) -> s::CreateGrantRequest {
    s::CreateGrantRequest {
        key_id: key.into(),
        grantee_principal: Some(to.into()),
        operations: operations.iter().map(|one| (*one).to_owned()).collect(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_grant_lets_its_grantee_in_and_nobody_else() {
    let cloud = Cloud::new().await;
    let key = cloud.key().await.arn.unwrap();
    let user = cloud.user(OURS, "user", None).await;
    let other = cloud.user(OURS, "other", None).await;
    let stranger = cloud.user(THEIRS, "stranger", None).await;
    for grantee in [&user, &stranger] {
        assert!(cloud.call::<op::Encrypt>(grantee, encrypt(&key, "x")).await.is_err());
        cloud.ok::<op::CreateGrant>(&root(OURS), grant(&key, &grantee.arn(), &["Encrypt"])).await;
        cloud.ok::<op::Encrypt>(grantee, encrypt(&key, "x")).await;
    }
    assert!(cloud.call::<op::Encrypt>(&other, encrypt(&key, "x")).await.is_err());
    let random = s::GenerateDataKeyRequest {
        key_id: key.clone(),
        key_spec: Some("AES_256".into()),
        ..Default::default()
    };
    assert!(cloud.call::<op::GenerateDataKey>(&user, random).await.is_err());
    let list = s::ListGrantsRequest { key_id: key.clone(), ..Default::default() };
    let grants = cloud.ok::<op::ListGrants>(&root(OURS), list).await.grants.unwrap();
    assert_eq!(grants.len(), 2);
    for one in grants {
        let revoke =
            s::RevokeGrantRequest { key_id: key.clone(), grant_id: one.grant_id.unwrap(), dry_run: None };
        cloud.ok::<op::RevokeGrant>(&root(OURS), revoke.clone()).await;
        assert!(cloud.err::<op::RevokeGrant>(&root(OURS), revoke).await.starts_with("NotFoundException"));
    }
    assert!(cloud.call::<op::Encrypt>(&user, encrypt(&key, "x")).await.is_err());
}

#[tokio::test]
async fn an_explicit_deny_beats_a_grant() {
    let cloud = Cloud::new().await;
    let key = cloud.key().await.arn.unwrap();
    let deny = r#""Effect":"Deny","Action":"kms:Encrypt","Resource":"*""#;
    let user = cloud.user(OURS, "user", Some(deny)).await;
    cloud.ok::<op::CreateGrant>(&root(OURS), grant(&key, &user.arn(), &["Encrypt"])).await;
    let said = cloud.err::<op::Encrypt>(&user, encrypt(&key, "x")).await;
    assert!(said.contains("explicit deny"), "{said}");
}

#[tokio::test]
async fn constraints_bind_the_context() {
    let cloud = Cloud::new().await;
    let key = cloud.key().await.arn.unwrap();
    for (name, equals, pairs, goes) in [
        ("a", true, &[("x", "1")][..], true),
        ("b", true, &[("x", "1"), ("y", "2")], false),
        ("c", false, &[("x", "1"), ("y", "2")], true),
        ("d", false, &[("x", "2")], false),
        ("e", false, &[], false),
    ] {
        let user = cloud.user(OURS, name, None).await;
        let wanted = context(&[("x", "1")]);
        let constraints = s::GrantConstraints {
            encryption_context_equals: wanted.clone().filter(|_| equals),
            encryption_context_subset: wanted.filter(|_| !equals),
            source_arn: None,
        };
        let input = s::CreateGrantRequest {
            constraints: Some(constraints),
            ..grant(&key, &user.arn(), &["Encrypt"])
        };
        cloud.ok::<op::CreateGrant>(&root(OURS), input).await;
        let input = s::EncryptRequest { encryption_context: context(pairs), ..encrypt(&key, "x") };
        assert_eq!(cloud.call::<op::Encrypt>(&user, input).await.is_ok(), goes, "{name}");
    }
}

#[tokio::test]
async fn who_may_retire() {
    let cloud = Cloud::new().await;
    let key = cloud.key().await.arn.unwrap();
    let user = cloud.user(OURS, "user", None).await;
    let retiring = cloud.user(OURS, "retiring", None).await;
    let make = || s::CreateGrantRequest {
        retiring_principal: Some(retiring.arn()),
        ..grant(&key, &user.arn(), &["Encrypt"])
    };
    let made = cloud.ok::<op::CreateGrant>(&root(OURS), make()).await;
    let list =
        s::ListRetirableGrantsRequest { retiring_principal: Some(retiring.arn()), ..Default::default() };
    let listed = cloud.ok::<op::ListRetirableGrants>(&root(OURS), list).await.grants.unwrap();
    assert_eq!(listed.len(), 1);
    let by_token = s::RetireGrantRequest { grant_token: made.grant_token.clone(), ..Default::default() };
    assert!(cloud.err::<op::RetireGrant>(&user, by_token.clone()).await.starts_with("AccessDenied"));
    cloud.ok::<op::RetireGrant>(&retiring, by_token).await;
    let made = cloud.ok::<op::CreateGrant>(&root(OURS), grant(&key, &user.arn(), &["RetireGrant"])).await;
    let by_id =
        s::RetireGrantRequest { key_id: Some(key.clone()), grant_id: made.grant_id, ..Default::default() };
    cloud.ok::<op::RetireGrant>(&user, by_id).await;
}

#[tokio::test]
async fn names_make_grants_idempotent_and_delegation_gives_no_more() {
    let cloud = Cloud::new().await;
    let key = cloud.key().await.arn.unwrap();
    let user = cloud.user(OURS, "user", None).await;
    let named = s::CreateGrantRequest {
        name: Some("one".into()),
        ..grant(&key, &user.arn(), &["Encrypt", "CreateGrant"])
    };
    let first = cloud.ok::<op::CreateGrant>(&root(OURS), named.clone()).await;
    let again = cloud.ok::<op::CreateGrant>(&root(OURS), named).await;
    assert_eq!(first.grant_id, again.grant_id);
    let other = cloud.user(OURS, "other", None).await;
    cloud.ok::<op::CreateGrant>(&user, grant(&key, &other.arn(), &["Encrypt"])).await;
    let more = cloud.err::<op::CreateGrant>(&user, grant(&key, &other.arn(), &["Decrypt"])).await;
    assert!(more.starts_with("AccessDeniedException"), "{more}");
    let wrong = cloud.err::<op::CreateGrant>(&root(OURS), grant(&key, &other.arn(), &["Sign"])).await;
    assert!(wrong.starts_with("ValidationException"), "{wrong}");
    let tokens = s::EncryptRequest { grant_tokens: Some(vec!["nonsense".into()]), ..encrypt(&key, "x") };
    assert!(cloud.err::<op::Encrypt>(&user, tokens).await.starts_with("InvalidGrantTokenException"));
}
