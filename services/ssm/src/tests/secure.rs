//! SecureStrings and sharing.

use haneul_kms_wire::operations as kms;
use haneul_kms_wire::shapes as k;
use haneul_ssm_wire::operations as op;
use haneul_ssm_wire::shapes as s;

use super::cloud::{Cloud, OURS, THEIRS, put, root};

fn secure(name: &str, text: &str) -> s::PutParameterRequest {
    s::PutParameterRequest { r#type: Some("SecureString".into()), ..put(name, text) }
}

#[tokio::test]
async fn secure_strings_are_ciphertexts_unless_decrypted() {
    let cloud = Cloud::new().await;
    let long = "a value to look for ".repeat(300);
    for (name, tier, text) in
        [("standard", "Standard", "a value to look for"), ("advanced", "Advanced", long.as_str())]
    {
        let input = s::PutParameterRequest { tier: Some(tier.into()), ..secure(name, text) };
        cloud.ok::<op::PutParameter>(input).await;
        assert_eq!(cloud.text(name).await, text);
        let sealed = s::GetParameterRequest { name: name.into(), with_decryption: None };
        let sealed = cloud.ok::<op::GetParameter>(sealed).await.parameter.unwrap().value.unwrap();
        assert!(!sealed.contains("a value"));
    }
    let export = cloud.platform.store.export(Vec::new()).await.unwrap();
    let found = |needle: &[u8]| export.windows(needle.len()).any(|window| window == needle);
    assert!(found(b"ssm.parameters") && !found(b"a value to look for"));
    let shown = s::DescribeParametersRequest::default();
    let shown = cloud.ok::<op::DescribeParameters>(shown).await.parameters.unwrap();
    assert_eq!(shown[0].key_id.as_deref(), Some("alias/aws/ssm"));
}

/// Errors are in the trail, where nothing is that should be secret.
#[tokio::test]
async fn what_is_refused_is_not_told() {
    let cloud = Cloud::new().await;
    let refused = cloud.err::<op::PutParameter>(secure("nested", "hidden {{ssm:other}}")).await;
    assert!(refused.starts_with("ValidationException") && !refused.contains("hidden"), "{refused}");
    let refused = cloud.err::<op::PutParameter>(put("nested", "shown {{ssm:other}}")).await;
    assert!(refused.contains("shown"), "{refused}");
}

#[tokio::test]
async fn the_key_decides_who_reads() {
    let cloud = Cloud::new().await;
    let user = cloud.user(OURS, "user", r#""Effect":"Allow","Action":"ssm:*","Resource":"*""#).await;
    let key = cloud.ok::<kms::CreateKey>(Default::default()).await.key_metadata.unwrap().key_id;
    let input = s::PutParameterRequest { key_id: Some(key.clone()), ..secure("own", "x") };
    cloud.ok::<op::PutParameter>(input).await;
    cloud.ok::<op::PutParameter>(secure("default", "x")).await;
    let read = |name: &str| s::GetParameterRequest { name: name.into(), with_decryption: Some(true) };
    // The default key lets in whoever may use Parameter Store.
    assert!(cloud.call::<op::GetParameter>(&user, read("default")).await.is_ok());
    let refused = cloud.call::<op::GetParameter>(&user, read("own")).await.err().unwrap();
    assert_eq!(refused.code(), "AccessDeniedException");
    cloud.ok::<kms::DisableKey>(k::DisableKeyRequest { key_id: key }).await;
    let refused = cloud.call::<op::GetParameter>(&root(OURS), read("own")).await.err().unwrap();
    assert_eq!(refused.code(), "InvalidKeyId");
    let input = s::PutParameterRequest { key_id: Some("alias/none".into()), ..secure("none", "x") };
    assert!(cloud.err::<op::PutParameter>(input).await.starts_with("InvalidKeyId"));
}

#[tokio::test]
async fn a_resource_policy_shares_with_another_account() {
    let cloud = Cloud::new().await;
    let stranger =
        cloud.user(THEIRS, "stranger", r#""Effect":"Allow","Action":"ssm:*","Resource":"*""#).await;
    let arn = "arn:aws:ssm:us-east-1:111111111111:parameter/shared";
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{THEIRS}"}},"Action":["ssm:GetParameter","ssm:GetParameters"],"Resource":"{arn}"}}]}}"#
    );
    let share =
        s::PutResourcePolicyRequest { resource_arn: arn.into(), policy, policy_id: None, policy_hash: None };
    cloud.put("shared", "x").await;
    assert!(
        cloud.err::<op::PutResourcePolicy>(share.clone()).await.starts_with("ResourcePolicyInvalidParameter")
    );
    cloud
        .ok::<op::PutParameter>(s::PutParameterRequest {
            tier: Some("Advanced".into()),
            ..put("shared", "x")
        })
        .await;
    let read = s::GetParameterRequest { name: arn.into(), with_decryption: None };
    assert!(cloud.call::<op::GetParameter>(&stranger, read.clone()).await.is_err());
    let made = cloud.ok::<op::PutResourcePolicy>(share.clone()).await;
    assert_eq!(
        cloud
            .call::<op::GetParameter>(&stranger, read.clone())
            .await
            .unwrap()
            .parameter
            .unwrap()
            .value
            .as_deref(),
        Some("x")
    );
    assert!(cloud.err::<op::PutResourcePolicy>(share).await.starts_with("ResourcePolicyLimitExceeded"));
    let delete = |hash: &str| s::DeleteResourcePolicyRequest {
        resource_arn: arn.into(),
        policy_id: made.policy_id.clone().unwrap(),
        policy_hash: hash.into(),
        deletion_mode: None,
    };
    assert!(cloud.err::<op::DeleteResourcePolicy>(delete("x")).await.starts_with("ResourcePolicyConflict"));
    cloud.ok::<op::DeleteResourcePolicy>(delete(&made.policy_hash.clone().unwrap())).await;
    assert!(cloud.call::<op::GetParameter>(&stranger, read).await.is_err());
}

#[tokio::test]
async fn parameters_are_described_by_whoever_may_on_all_of_them() {
    let cloud = Cloud::new().await;
    let statement = r#""Effect":"Allow","Action":"ssm:DescribeParameters","Resource":"RESOURCE""#;
    for (name, resource, is_let) in [
        ("ours", "arn:aws:ssm:us-east-1:111111111111:*", true),
        ("one", "arn:aws:ssm:us-east-1:111111111111:parameter/a", false),
    ] {
        let user = cloud.user(OURS, name, &statement.replace("RESOURCE", resource)).await;
        let described = cloud.call::<op::DescribeParameters>(&user, Default::default()).await;
        assert_eq!(described.is_ok(), is_let, "{resource}");
    }
}
