//! Key policies decide; AWS managed keys are used through their service.

use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::{Caller, Principal, Region};
use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;

use super::cloud::{Cloud, OURS, THEIRS, context, decrypt, encrypt, policy, root};

const ALL: &str = r#""Effect":"Allow","Action":"kms:*","Resource":"*""#;

#[tokio::test]
async fn the_default_policy_leaves_it_to_the_account() {
    let cloud = Cloud::new().await;
    let key = cloud.key().await.arn.unwrap();
    let nobody = cloud.user(OURS, "nobody", None).await;
    let somebody = cloud.user(OURS, "somebody", Some(ALL)).await;
    let stranger = cloud.user(THEIRS, "stranger", Some(ALL)).await;
    let said = cloud.err::<op::Encrypt>(&nobody, encrypt(&key, "x")).await;
    assert_eq!(
        said,
        format!(
            "AccessDeniedException: User: {} is not authorized to perform: kms:Encrypt on resource: {key} because no \
             identity-based policy allows the kms:Encrypt action",
            nobody.arn()
        )
    );
    cloud.ok::<op::Encrypt>(&somebody, encrypt(&key, "x")).await;
    assert!(
        cloud.err::<op::Encrypt>(&stranger, encrypt(&key, "x")).await.starts_with("AccessDeniedException")
    );
}

#[tokio::test]
async fn a_key_policy_without_the_account_shuts_out_even_administrators() {
    let cloud = Cloud::new().await;
    let user = cloud.user(OURS, "owner", Some(ALL)).await;
    let admin = cloud.user(OURS, "admin", Some(ALL)).await;
    let own = policy(&format!(
        r#""Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"kms:*","Resource":"*""#,
        user.arn()
    ));
    let create = s::CreateKeyRequest { policy: Some(own.clone()), ..Default::default() };
    let said = cloud.err::<op::CreateKey>(&admin, create.clone()).await;
    assert_eq!(
        said,
        "MalformedPolicyDocumentException: The new key policy will not allow you to update the key policy in the \
         future."
    );
    let key = cloud.ok::<op::CreateKey>(&user, create).await.key_metadata.unwrap().key_id;
    for other in [&admin, &root(OURS)] {
        assert!(
            cloud.err::<op::Encrypt>(other, encrypt(&key, "x")).await.starts_with("AccessDeniedException")
        );
    }
    cloud.ok::<op::Encrypt>(&user, encrypt(&key, "x")).await;
    let open = policy(r#""Effect":"Allow","Principal":"*","Action":"kms:Encrypt","Resource":"*""#);
    let put = s::PutKeyPolicyRequest { key_id: key.clone(), policy: open, ..Default::default() };
    assert!(cloud.err::<op::PutKeyPolicy>(&user, put.clone()).await.starts_with("MalformedPolicyDocument"));
    let put = s::PutKeyPolicyRequest { bypass_policy_lockout_safety_check: Some(true), ..put };
    cloud.ok::<op::PutKeyPolicy>(&user, put).await;
    cloud.ok::<op::Encrypt>(&admin, encrypt(&key, "x")).await;
    let get = s::GetKeyPolicyRequest { key_id: key, ..Default::default() };
    assert!(cloud.err::<op::GetKeyPolicy>(&user, get).await.starts_with("AccessDeniedException"));
}

#[tokio::test]
async fn another_account_needs_both() {
    let cloud = Cloud::new().await;
    let shared = format!(
        r#"{{"Version":"2012-10-17","Statement":[
            {{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{OURS}:root"}},"Action":"kms:*","Resource":"*"}},
            {{"Effect":"Allow","Principal":{{"AWS":"{THEIRS}"}},"Action":["kms:Encrypt","kms:EnableKey"],"Resource":"*"}}]}}"#
    );
    let input = s::CreateKeyRequest { policy: Some(shared), ..Default::default() };
    let key = cloud.make(input).await.arn.unwrap();
    let may = cloud.user(THEIRS, "may", Some(ALL)).await;
    let may_not = cloud.user(THEIRS, "may-not", None).await;
    cloud.ok::<op::Encrypt>(&may, encrypt(&key, "x")).await;
    assert!(
        cloud.err::<op::Encrypt>(&may_not, encrypt(&key, "x")).await.starts_with("AccessDeniedException")
    );
    // Not every operation is for other accounts, whatever the policy says.
    let enable = s::EnableKeyRequest { key_id: key };
    assert!(cloud.err::<op::EnableKey>(&may, enable).await.starts_with("AccessDeniedException"));
}

#[tokio::test]
async fn conditions_see_the_request() {
    let cloud = Cloud::new().await;
    let key = cloud.key().await.arn.unwrap();
    cloud
        .ok::<op::CreateAlias>(
            &root(OURS),
            s::CreateAliasRequest { alias_name: "alias/app".into(), target_key_id: key.clone() },
        )
        .await;
    let user = |name: &'static str, condition: &'static str| {
        let cloud = &cloud;
        async move { cloud.user(OURS, name, Some(&format!(r#"{ALL},"Condition":{condition}"#))).await }
    };
    let by_context = user("c", r#"{"StringEquals":{"kms:EncryptionContext:app":"x"}}"#).await;
    let by_alias = user("a", r#"{"ForAnyValue:StringEquals":{"kms:ResourceAliases":"alias/app"}}"#).await;
    let by_request = user("r", r#"{"StringEquals":{"kms:RequestAlias":"alias/app"}}"#).await;
    let with =
        |key: &str| s::EncryptRequest { encryption_context: context(&[("app", "x")]), ..encrypt(key, "x") };
    cloud.ok::<op::Encrypt>(&by_context, with(&key)).await;
    assert!(cloud.call::<op::Encrypt>(&by_context, encrypt(&key, "x")).await.is_err());
    cloud.ok::<op::Encrypt>(&by_alias, encrypt(&key, "x")).await;
    cloud.ok::<op::Encrypt>(&by_request, encrypt("alias/app", "x")).await;
    assert!(cloud.call::<op::Encrypt>(&by_request, encrypt(&key, "x")).await.is_err());
}

#[tokio::test]
async fn aws_managed_keys_work_through_their_service_only() {
    let cloud = Cloud::new().await;
    let user = cloud.user(OURS, "somebody", Some(ALL)).await;
    let via = |service: &str, input: s::EncryptRequest| {
        let bus = cloud.platform.bus.clone();
        let (user, service) = (user.clone(), service.to_owned());
        async move { bus.call_via::<op::Encrypt>(user, Region::US_EAST_1, None, vec![service], input).await }
    };
    let refused = cloud.err::<op::Encrypt>(&user, encrypt("alias/aws/s3", "x")).await;
    assert!(refused.starts_with("AccessDeniedException"), "{refused}");
    let made = via("s3.amazonaws.com", encrypt("alias/aws/s3", "x")).await.unwrap();
    assert!(via("sqs.amazonaws.com", encrypt("alias/aws/s3", "x")).await.is_err());
    let shown = cloud.describe("alias/aws/s3").await;
    assert_eq!((shown.arn, shown.key_manager.as_deref()), (made.key_id, Some("AWS")));
    let blob = made.ciphertext_blob.unwrap();
    assert!(cloud.call::<op::Decrypt>(&user, decrypt(&blob)).await.is_err());
    // It belongs to the service: nobody deletes it.
    let schedule = s::ScheduleKeyDeletionRequest { key_id: shown.key_id, ..Default::default() };
    assert!(cloud.err::<op::ScheduleKeyDeletion>(&root(OURS), schedule).await.starts_with("AccessDenied"));
}

#[tokio::test]
async fn nothing_secret_is_stored() {
    let cloud = Cloud::new().await;
    let key = cloud.key().await;
    let name = crate::model::KeyName {
        account: haneul_kit::AccountId::new(OURS).unwrap(),
        region: Region::US_EAST_1,
        id: key.key_id.clone(),
    };
    cloud.encrypt(&key.key_id, "a plaintext to look for").await;
    let mut export = Vec::new();
    let store = &cloud.platform.store;
    let record = haneul_store::Reads::get(store, &crate::model::KEYS, &name.row()).await.unwrap().unwrap();
    let sealed = record.materials[0].sealed.clone().unwrap();
    let secret =
        crate::store::open(&cloud.platform.seal, &name, &record.materials[0].id, &sealed).unwrap().to_vec();
    export = store.export(export).await.unwrap();
    let hex = crate::crypto::blob::hex(&secret);
    let found = |needle: &[u8]| export.windows(needle.len()).any(|window| window == needle);
    assert!(found(key.key_id.as_bytes()) && found(sealed.as_bytes()));
    assert!(!found(&secret) && !found(hex.as_bytes()) && !found(b"a plaintext to look for"));
}

#[tokio::test]
async fn a_user_of_the_same_name_is_not_the_one_whom_a_policy_names() {
    let cloud = Cloud::new().await;
    let bob = async || {
        let create = i::CreateUserRequest { user_name: "bob".into(), ..Default::default() };
        let made = cloud.ok::<iam::CreateUser>(&root(OURS), create).await.user.unwrap();
        let id = made.user_id.clone();
        let principal = Principal::User { path: "/".into(), name: "bob".into(), id: made.user_id };
        (Caller { principal, ..root(OURS) }, id)
    };
    let (first, id) = bob().await;
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":[
            {{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{OURS}:root"}},"Action":"kms:*","Resource":"*"}},
            {{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"kms:Encrypt","Resource":"*"}}]}}"#,
        first.arn()
    );
    let key = cloud.make(s::CreateKeyRequest { policy: Some(document.clone()), ..Default::default() }).await;
    let key = key.arn.unwrap();
    let shown = async || {
        let get = s::GetKeyPolicyRequest { key_id: key.clone(), ..Default::default() };
        cloud.ok::<op::GetKeyPolicy>(&root(OURS), get).await.policy.unwrap()
    };
    assert_eq!(shown().await, document);
    cloud.ok::<op::Encrypt>(&first, encrypt(&key, "x")).await;
    cloud.ok::<iam::DeleteUser>(&root(OURS), i::DeleteUserRequest { user_name: "bob".into() }).await;
    let (second, _) = bob().await;
    let refused = cloud.err::<op::Encrypt>(&second, encrypt(&key, "x")).await;
    assert!(refused.starts_with("AccessDeniedException"), "{refused}");
    assert_eq!(shown().await, document.replace(&first.arn(), &id));
    let put = s::PutKeyPolicyRequest { key_id: key.clone(), policy: document.clone(), ..Default::default() };
    cloud.ok::<op::PutKeyPolicy>(&root(OURS), put).await;
    assert_eq!(shown().await, document);
    cloud.ok::<op::Encrypt>(&second, encrypt(&key, "x")).await;
}
