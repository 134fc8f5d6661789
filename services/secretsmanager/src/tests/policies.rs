//! Who may read: the secret's policy, the key's, and the caller's own.

use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::{Caller, Principal};
use haneul_kms_wire::operations as kms;
use haneul_kms_wire::shapes as k;
use haneul_secretsmanager_wire::operations as op;
use haneul_secretsmanager_wire::shapes as s;

use super::cloud::{Cloud, OURS, THEIRS, create, root};

const ALL: &str = r#""Effect":"Allow","Action":["secretsmanager:*","kms:*"],"Resource":"*""#;

fn get(id: &str) -> s::GetSecretValueRequest {
    s::GetSecretValueRequest { secret_id: id.into(), ..Default::default() }
}

#[tokio::test]
async fn another_account_needs_the_secret_and_the_key() {
    let cloud = Cloud::new().await;
    let stranger = cloud.user(THEIRS, "stranger", ALL).await;
    let shared = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{THEIRS}"}},"Action":"ACTION","Resource":"*"}},
        {{"Effect":"Allow","Principal":{{"AWS":"{OURS}"}},"Action":"kms:*","Resource":"*"}}]}}"#
    );
    let key =
        k::CreateKeyRequest { policy: Some(shared.replace("ACTION", "kms:Decrypt")), ..Default::default() };
    let key = cloud.ok::<kms::CreateKey>(key).await.key_metadata.unwrap().arn.unwrap();
    let policy =
        shared.replace("ACTION", "secretsmanager:GetSecretValue").replace("kms:*", "secretsmanager:*");
    for (name, key) in [("custom", Some(key)), ("default", None)] {
        let input = s::CreateSecretRequest { kms_key_id: key.clone(), ..create(name, "x") };
        let arn = cloud.ok::<op::CreateSecret>(input).await.arn.unwrap();
        assert!(cloud.call::<op::GetSecretValue>(&stranger, get(&arn)).await.is_err());
        let put = s::PutResourcePolicyRequest {
            secret_id: name.into(),
            resource_policy: policy.clone(),
            ..Default::default()
        };
        cloud.ok::<op::PutResourcePolicy>(put).await;
        // The default key is for its own account only.
        let read = cloud.call::<op::GetSecretValue>(&stranger, get(&arn)).await;
        assert_eq!(read.is_ok(), key.is_some(), "{name}");
        if let Err(error) = read {
            assert_eq!(error.to_string(), "AccessDeniedException: Access to KMS is not allowed");
        }
    }
}

#[tokio::test]
async fn policies_are_checked() {
    let cloud = Cloud::new().await;
    cloud.create("db", "x").await;
    let public = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"secretsmanager:GetSecretValue","Resource":"*"}]}"#;
    let put = |policy: &str, block: bool| s::PutResourcePolicyRequest {
        secret_id: "db".into(),
        resource_policy: policy.into(),
        block_public_policy: Some(block),
        ..Default::default()
    };
    assert!(
        cloud.err::<op::PutResourcePolicy>(put("{}", false)).await.starts_with("MalformedPolicyDocument")
    );
    assert!(cloud.err::<op::PutResourcePolicy>(put(public, true)).await.starts_with("PublicPolicyException"));
    cloud.ok::<op::PutResourcePolicy>(put(public, false)).await;
    let validate = |policy: &str| s::ValidateResourcePolicyRequest {
        secret_id: Some("db".into()),
        resource_policy: policy.into(),
    };
    let checked = cloud.ok::<op::ValidateResourcePolicy>(validate(public)).await;
    assert_eq!(checked.policy_validation_passed, Some(false));
    let shown = s::GetResourcePolicyRequest { secret_id: "db".into(), ..Default::default() };
    assert_eq!(cloud.ok::<op::GetResourcePolicy>(shown).await.resource_policy.as_deref(), Some(public));
    let delete = s::DeleteResourcePolicyRequest { secret_id: "db".into(), ..Default::default() };
    cloud.ok::<op::DeleteResourcePolicy>(delete).await;
}

#[tokio::test]
async fn a_new_key_encrypts_what_is_there() {
    let cloud = Cloud::new().await;
    cloud.create("db", "x").await;
    let key = cloud.ok::<kms::CreateKey>(Default::default()).await.key_metadata.unwrap().key_id;
    let update = s::UpdateSecretRequest {
        secret_id: "db".into(),
        kms_key_id: Some(key.clone()),
        ..Default::default()
    };
    cloud.ok::<op::UpdateSecret>(update).await;
    assert_eq!(cloud.text("db", None).await, "x");
    cloud.ok::<kms::DisableKey>(k::DisableKeyRequest { key_id: key }).await;
    let said = cloud.get("db", None).await.err().unwrap().to_string();
    assert!(said.starts_with("DecryptionFailure"), "{said}");
}

#[tokio::test]
async fn nothing_secret_is_stored() {
    let cloud = Cloud::new().await;
    cloud.create("db", "a value to look for").await;
    let mut export = Vec::new();
    export = cloud.platform.store.export(export).await.unwrap();
    let found = |needle: &[u8]| export.windows(needle.len()).any(|window| window == needle);
    assert!(found(b"secretsmanager.values") && !found(b"a value to look for"));
}

#[tokio::test]
async fn a_user_of_the_same_name_is_not_the_one_whom_a_policy_names() {
    let cloud = Cloud::new().await;
    cloud.create("db", "x").await;
    let bob = async || {
        let create = i::CreateUserRequest { user_name: "bob".into(), ..Default::default() };
        let made = cloud.ok::<iam::CreateUser>(create).await.user.unwrap();
        let id = made.user_id.clone();
        let principal = Principal::User { path: "/".into(), name: "bob".into(), id: made.user_id };
        (Caller { principal, ..root(OURS) }, id)
    };
    let (first, id) = bob().await;
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"secretsmanager:DescribeSecret","Resource":"*"}}]}}"#,
        first.arn()
    );
    let put = s::PutResourcePolicyRequest {
        secret_id: "db".into(),
        resource_policy: document.clone(),
        ..Default::default()
    };
    cloud.ok::<op::PutResourcePolicy>(put).await;
    let may = async |caller: &Caller| {
        let describe = s::DescribeSecretRequest { secret_id: "db".into() };
        cloud.call::<op::DescribeSecret>(caller, describe).await.is_ok()
    };
    let shown = async || {
        let get = s::GetResourcePolicyRequest { secret_id: "db".into(), ..Default::default() };
        cloud.ok::<op::GetResourcePolicy>(get).await.resource_policy.unwrap()
    };
    assert!(may(&first).await);
    assert_eq!(shown().await, document);
    cloud.ok::<iam::DeleteUser>(i::DeleteUserRequest { user_name: "bob".into() }).await;
    let (second, _) = bob().await;
    assert!(!may(&second).await);
    assert_eq!(shown().await, document.replace(&first.arn(), &id));
}
