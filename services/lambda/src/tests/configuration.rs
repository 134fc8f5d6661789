use haneul_lambda_wire::{operations as op, shapes as s};
use serde_json::json;

use super::cloud::{ALL, Cloud, OURS, create, invocation, root, zip_of};

fn named(name: &str) -> String {
    name.to_owned()
}

#[tokio::test]
async fn reservations_leave_a_hundred() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    cloud.function("g").await;
    let put = |name: &str, reserved| s::PutFunctionConcurrencyRequest {
        function_name: name.into(),
        reserved_concurrent_executions: reserved,
    };
    cloud.ok::<op::PutFunctionConcurrency>(put("f", 600)).await;
    let refused = cloud.err::<op::PutFunctionConcurrency>(put("g", 301)).await;
    assert!(refused.contains("below its minimum value of [100]"), "{refused}");
    cloud.ok::<op::PutFunctionConcurrency>(put("g", 300)).await;
    let limit = cloud.ok::<op::GetAccountSettings>(Default::default()).await.account_limit.unwrap();
    assert_eq!(limit.unreserved_concurrent_executions, Some(100));
    cloud.ok::<op::PutFunctionConcurrency>(put("f", 0)).await;
    let error = cloud.call::<op::Invoke>(&root(OURS), invocation("f", json!({}))).await.err().unwrap();
    assert_eq!((error.code(), error.message()), ("TooManyRequestsException", "Rate Exceeded."));
    let detail = error.detail().unwrap().downcast_ref::<s::TooManyRequestsException>().unwrap();
    assert_eq!(detail.reason.as_deref(), Some("ReservedFunctionConcurrentInvocationLimitExceeded"));
    let delete = s::DeleteFunctionConcurrencyRequest { function_name: "f".into() };
    cloud.ok::<op::DeleteFunctionConcurrency>(delete).await;
    cloud.invoke("f", json!({})).await;
}

#[tokio::test]
async fn provisioned_environments_become_ready() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let publish = s::PublishVersionRequest { function_name: "f".into(), ..Default::default() };
    cloud.ok::<op::PublishVersion>(publish).await;
    let put = |qualifier: &str| s::PutProvisionedConcurrencyConfigRequest {
        function_name: "f".into(),
        qualifier: qualifier.into(),
        provisioned_concurrent_executions: 3,
    };
    let refused = cloud.err::<op::PutProvisionedConcurrencyConfig>(put("$LATEST")).await;
    assert!(refused.contains("unpublished"), "{refused}");
    let made = cloud.ok::<op::PutProvisionedConcurrencyConfig>(put("1")).await;
    assert_eq!(made.status.as_deref(), Some("IN_PROGRESS"));
    cloud.settle().await;
    let get = s::GetProvisionedConcurrencyConfigRequest { function_name: "f".into(), qualifier: "1".into() };
    let got = cloud.ok::<op::GetProvisionedConcurrencyConfig>(get.clone()).await;
    assert_eq!(
        (got.status.as_deref(), got.available_provisioned_concurrent_executions),
        (Some("READY"), Some(3))
    );
    let delete =
        s::DeleteProvisionedConcurrencyConfigRequest { function_name: "f".into(), qualifier: "1".into() };
    cloud.ok::<op::DeleteProvisionedConcurrencyConfig>(delete).await;
    let gone = cloud.err::<op::GetProvisionedConcurrencyConfig>(get).await;
    assert!(gone.starts_with("ProvisionedConcurrencyConfigNotFoundException"), "{gone}");
}

#[tokio::test]
async fn tags_runtimes_and_loops() {
    let cloud = Cloud::new().await;
    let arn = cloud.function("f").await.function_arn.unwrap();
    let tag = s::TagResourceRequest {
        resource: arn.clone(),
        tags: [("team", "a".to_owned()), ("env", "b".to_owned())].into_iter().collect(),
    };
    cloud.ok::<op::TagResource>(tag).await;
    cloud
        .ok::<op::UntagResource>(s::UntagResourceRequest {
            resource: arn.clone(),
            tag_keys: vec![named("env")],
        })
        .await;
    let tags = cloud.ok::<op::ListTags>(s::ListTagsRequest { resource: arn.clone() }).await.tags.unwrap();
    assert_eq!(tags.len(), 1);
    let bad = s::ListTagsRequest { resource: format!("{arn}:1") };
    assert!(cloud.err::<op::ListTags>(bad).await.contains("aliases and versions"));
    let get = s::GetRuntimeManagementConfigRequest { function_name: "f".into(), qualifier: None };
    assert_eq!(
        cloud.ok::<op::GetRuntimeManagementConfig>(get).await.update_runtime_on.as_deref(),
        Some("Auto")
    );
    let manual = s::PutRuntimeManagementConfigRequest {
        function_name: "f".into(),
        update_runtime_on: "Manual".into(),
        ..Default::default()
    };
    assert!(
        cloud.err::<op::PutRuntimeManagementConfig>(manual).await.contains("RuntimeVersionArn is required")
    );
    let put =
        s::PutFunctionRecursionConfigRequest { function_name: "f".into(), recursive_loop: "Allow".into() };
    cloud.ok::<op::PutFunctionRecursionConfig>(put).await;
    let get = s::GetFunctionRecursionConfigRequest { function_name: "f".into() };
    assert_eq!(
        cloud.ok::<op::GetFunctionRecursionConfig>(get).await.recursive_loop.as_deref(),
        Some("Allow")
    );
}

#[tokio::test]
async fn code_signing_refuses_what_nobody_signed() {
    let cloud = Cloud::new().await;
    let publisher = format!("arn:aws:signer:us-east-1:{OURS}:/signing-profiles/p/abc");
    let make = |policy: &str| s::CreateCodeSigningConfigRequest {
        allowed_publishers: s::AllowedPublishers { signing_profile_version_arns: vec![publisher.clone()] },
        code_signing_policies: Some(s::CodeSigningPolicies {
            untrusted_artifact_on_deployment: Some(policy.into()),
        }),
        ..Default::default()
    };
    let enforce = cloud.ok::<op::CreateCodeSigningConfig>(make("Enforce")).await.code_signing_config;
    let warn = cloud.ok::<op::CreateCodeSigningConfig>(make("Warn")).await.code_signing_config;
    let role = cloud.role("r", ALL).await;
    let with = |config: &str| s::CreateFunctionRequest {
        code_signing_config_arn: Some(config.to_owned()),
        ..create("f", &role)
    };
    let refused = cloud.err::<op::CreateFunction>(with(&enforce.code_signing_config_arn)).await;
    assert!(refused.starts_with("CodeVerificationFailedException"), "{refused}");
    cloud.ok::<op::CreateFunction>(with(&warn.code_signing_config_arn)).await;
    let listed = s::ListFunctionsByCodeSigningConfigRequest {
        code_signing_config_arn: warn.code_signing_config_arn.clone(),
        ..Default::default()
    };
    assert_eq!(
        cloud.ok::<op::ListFunctionsByCodeSigningConfig>(listed).await.function_arns.unwrap().len(),
        1
    );
    let delete = s::DeleteCodeSigningConfigRequest { code_signing_config_arn: warn.code_signing_config_arn };
    assert!(cloud.err::<op::DeleteCodeSigningConfig>(delete.clone()).await.contains("used by functions"));
    cloud
        .ok::<op::DeleteFunctionCodeSigningConfig>(s::DeleteFunctionCodeSigningConfigRequest {
            function_name: "f".into(),
        })
        .await;
    cloud.ok::<op::DeleteCodeSigningConfig>(delete).await;
}

#[tokio::test]
async fn environments_need_the_key_of_who_reads_them() {
    let cloud = Cloud::new().await;
    let role = cloud.role("r", "").await;
    let key = cloud.ok::<haneul_kms_wire::operations::CreateKey>(Default::default()).await;
    let key = key.key_metadata.unwrap().arn.unwrap();
    let input = s::CreateFunctionRequest {
        kms_key_arn: Some(key.clone()),
        environment: Some(s::Environment {
            variables: Some([("SECRET", "x".to_owned())].into_iter().collect()),
        }),
        ..create("f", &role)
    };
    let made = cloud.ok::<op::CreateFunction>(input).await;
    assert_eq!(made.environment.unwrap().variables.unwrap().get("SECRET").map(String::as_str), Some("x"));
    let user = cloud.user(OURS, "reader", r#"{"Effect":"Allow","Action":"lambda:*","Resource":"*"}"#).await;
    let get = s::GetFunctionConfigurationRequest { function_name: "f".into(), qualifier: None };
    let got = cloud.call::<op::GetFunctionConfiguration>(&user, get).await.unwrap();
    let environment = got.environment.unwrap();
    assert!(environment.variables.is_none());
    assert_eq!(environment.error.unwrap().error_code.as_deref(), Some("KMSAccessDeniedException"));
    // The role has a grant and needs no permission of its own.
    assert_eq!(cloud.invoke("f", json!(1)).await.function_error, None);
}

#[tokio::test]
async fn code_comes_from_buckets_that_the_caller_may_read() {
    use haneul_s3_wire::{operations as s3, shapes as o};
    let cloud = Cloud::new().await;
    let role = cloud.role("r", "").await;
    cloud
        .ok::<s3::CreateBucket>(o::CreateBucketRequest { bucket: "code".into(), ..Default::default() })
        .await;
    let put = o::PutObjectRequest {
        bucket: "code".into(),
        key: "f.zip".into(),
        body: haneul_kit::ByteStream::from_bytes(zip_of(&[("index.py", "x")])),
        ..Default::default()
    };
    cloud.ok::<s3::PutObject>(put).await;
    let from = |key: &str| s::CreateFunctionRequest {
        code: s::FunctionCode {
            s3_bucket: Some("code".into()),
            s3_key: Some(key.into()),
            ..Default::default()
        },
        ..create("f", &role)
    };
    let missing = cloud.err::<op::CreateFunction>(from("none.zip")).await;
    assert!(missing.contains("S3 Error Code: NoSuchKey"), "{missing}");
    let user = cloud
        .user(OURS, "deployer", r#"{"Effect":"Allow","Action":["lambda:*","iam:PassRole"],"Resource":"*"}"#)
        .await;
    let denied = cloud.call::<op::CreateFunction>(&user, from("f.zip")).await.err().unwrap();
    assert_eq!(denied.code(), "AccessDeniedException");
    assert!(denied.message().contains("denied by S3"), "{denied}");
    cloud.ok::<op::CreateFunction>(from("f.zip")).await;
}
