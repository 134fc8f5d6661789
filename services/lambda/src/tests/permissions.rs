use haneul_iam_wire::{operations as iam, shapes as i};
use haneul_kit::{Caller, Principal, Region};
use haneul_lambda_wire::{operations as op, shapes as s};
use serde_json::{Value, json};

use super::cloud::{Cloud, OURS, THEIRS, invocation, root};

const ARN: &str = "arn:aws:lambda:us-east-1:111111111111:function:f";

fn add(id: &str, principal: &str) -> s::AddPermissionRequest {
    s::AddPermissionRequest {
        function_name: "f".into(),
        statement_id: id.into(),
        action: "lambda:InvokeFunction".into(),
        principal: principal.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn other_accounts_and_services_need_a_permission() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let foreign = root(THEIRS);
    let refused = cloud.call::<op::Invoke>(&foreign, invocation(ARN, json!(1))).await.err().unwrap();
    assert_eq!(refused.code(), "AccessDeniedException");
    let statement =
        cloud.ok::<op::AddPermission>(add("theirs", &THEIRS.to_string())).await.statement.unwrap();
    let statement: Value = serde_json::from_str(&statement).unwrap();
    assert_eq!(statement["Principal"]["AWS"], format!("arn:aws:iam::{THEIRS}:root"));
    assert_eq!(statement["Resource"], ARN);
    cloud.call::<op::Invoke>(&foreign, invocation(ARN, json!(1))).await.unwrap();
    let event = s::InvocationRequest { invocation_type: Some("Event".into()), ..invocation(ARN, json!(1)) };
    let s3 = Caller::service("s3.amazonaws.com", root(OURS).account);
    let from = |bucket: &str| {
        let source = Some(format!("arn:aws:s3:::{bucket}"));
        cloud.platform.bus.call::<op::Invoke>(s3.clone(), Region::US_EAST_1, source, event.clone())
    };
    assert!(from("b").await.is_err());
    let narrow = s::AddPermissionRequest {
        source_arn: Some("arn:aws:s3:::b".into()),
        source_account: Some(OURS.to_string()),
        ..add("s3", "s3.amazonaws.com")
    };
    cloud.ok::<op::AddPermission>(narrow).await;
    assert_eq!(from("b").await.unwrap().status_code, Some(202));
    assert!(from("other").await.is_err());
}

#[tokio::test]
async fn policies_have_statements_and_revisions() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let get = || s::GetPolicyRequest { function_name: "f".into(), qualifier: None };
    assert!(cloud.err::<op::GetPolicy>(get()).await.starts_with("ResourceNotFoundException"));
    let wrong = cloud.err::<op::AddPermission>(add("x", "nobody")).await;
    assert!(wrong.contains("provided principal was invalid"), "{wrong}");
    cloud.ok::<op::AddPermission>(add("one", "*")).await;
    let twice = cloud.err::<op::AddPermission>(add("one", "*")).await;
    assert!(twice.contains("already exists"), "{twice}");
    let first = cloud.ok::<op::GetPolicy>(get()).await;
    cloud.ok::<op::AddPermission>(add("two", "sns.amazonaws.com")).await;
    let stale = s::RemovePermissionRequest {
        function_name: "f".into(),
        statement_id: "one".into(),
        revision_id: first.revision_id,
        qualifier: None,
    };
    assert!(
        cloud.err::<op::RemovePermission>(stale.clone()).await.starts_with("PreconditionFailedException")
    );
    let fresh = s::RemovePermissionRequest { revision_id: None, ..stale };
    cloud.ok::<op::RemovePermission>(fresh.clone()).await;
    assert!(cloud.err::<op::RemovePermission>(fresh).await.starts_with("ResourceNotFoundException"));
    let latest = s::AddPermissionRequest { qualifier: Some("$LATEST".into()), ..add("x", "*") };
    assert!(cloud.err::<op::AddPermission>(latest).await.contains("$LATEST"));
    let document = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "AWS": THEIRS.to_string() }, "Action": "lambda:*", "Resource": ARN,
    }]});
    let put = s::PutResourcePolicyRequest {
        resource_arn: ARN.into(),
        policy: document.to_string(),
        revision_id: None,
    };
    let put = cloud.ok::<op::PutResourcePolicy>(put).await;
    cloud.call::<op::Invoke>(&root(THEIRS), invocation(ARN, json!(1))).await.unwrap();
    let delete = s::DeleteResourcePolicyRequest { resource_arn: ARN.into(), revision_id: put.revision_id };
    cloud.ok::<op::DeleteResourcePolicy>(delete).await;
    assert!(cloud.call::<op::Invoke>(&root(THEIRS), invocation(ARN, json!(1))).await.is_err());
}

#[tokio::test]
async fn users_need_actions_and_pass_role() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let invoker = cloud
        .user(
            OURS,
            "invoker",
            &format!(r#"{{"Effect":"Allow","Action":"lambda:InvokeFunction","Resource":"{ARN}"}}"#),
        )
        .await;
    cloud.call::<op::Invoke>(&invoker, invocation("f", json!(1))).await.unwrap();
    let refused = cloud.call::<op::Invoke>(&invoker, invocation("f:1", json!(1))).await.err().unwrap();
    assert!(refused.message().contains("is not authorized to perform: lambda:InvokeFunction on resource: arn:aws:lambda:us-east-1:111111111111:function:f:1"), "{refused}");
    let maker = cloud.user(OURS, "maker", r#"{"Effect":"Allow","Action":"lambda:*","Resource":"*"}"#).await;
    let role = cloud.role("handed", "").await;
    let refused =
        cloud.call::<op::CreateFunction>(&maker, super::cloud::create("g", &role)).await.err().unwrap();
    assert!(refused.message().contains("iam:PassRole"), "{refused}");
}

#[tokio::test]
async fn rotation_runs_through_the_function() {
    use haneul_secretsmanager_wire::{operations as sm, shapes as m};
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    cloud.body("f", |_| super::cloud::nothing());
    let create = m::CreateSecretRequest {
        name: "secret".into(),
        secret_string: Some("x".into()),
        ..Default::default()
    };
    cloud.ok::<sm::CreateSecret>(create).await;
    let rotate = m::RotateSecretRequest {
        secret_id: "secret".into(),
        rotation_lambda_arn: Some(ARN.into()),
        rotation_rules: Some(m::RotationRulesType {
            automatically_after_days: Some(30),
            ..Default::default()
        }),
        ..Default::default()
    };
    let refused = cloud.err::<sm::RotateSecret>(rotate.clone()).await;
    assert!(refused.contains("cannot invoke the specified Lambda function"), "{refused}");
    cloud.ok::<op::AddPermission>(add("sm", "secretsmanager.amazonaws.com")).await;
    cloud.ok::<sm::RotateSecret>(rotate).await;
    cloud.until("the four steps are called", || cloud.count("f") >= 4).await;
    let steps: Vec<String> = cloud
        .seen
        .lock()
        .iter()
        .map(|(_, event)| event["Step"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(steps, ["createSecret", "setSecret", "testSecret", "finishSecret"]);
}

#[tokio::test]
async fn buckets_tell_functions() {
    use haneul_s3_wire::{operations as s3, shapes as o};
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    cloud
        .ok::<s3::CreateBucket>(o::CreateBucketRequest { bucket: "bucket".into(), ..Default::default() })
        .await;
    let configure = || o::PutBucketNotificationConfigurationRequest {
        bucket: "bucket".into(),
        notification_configuration: o::NotificationConfiguration {
            lambda_function_configurations: Some(vec![o::LambdaFunctionConfiguration {
                lambda_function_arn: ARN.into(),
                events: vec!["s3:ObjectCreated:*".into()],
                ..Default::default()
            }]),
            ..Default::default()
        },
        ..Default::default()
    };
    let refused = cloud.err::<s3::PutBucketNotificationConfiguration>(configure()).await;
    assert!(refused.contains("Unable to validate"), "{refused}");
    let narrow = s::AddPermissionRequest {
        source_arn: Some("arn:aws:s3:::bucket".into()),
        ..add("s3", "s3.amazonaws.com")
    };
    cloud.ok::<op::AddPermission>(narrow).await;
    cloud.ok::<s3::PutBucketNotificationConfiguration>(configure()).await;
    let put = o::PutObjectRequest {
        bucket: "bucket".into(),
        key: "k".into(),
        body: haneul_kit::ByteStream::from_bytes("x"),
        ..Default::default()
    };
    cloud.ok::<s3::PutObject>(put).await;
    cloud.until("the function hears of the object", || cloud.count("f") == 1).await;
    let event = cloud.seen.lock()[0].1.clone();
    assert_eq!(event["Records"][0]["s3"]["object"]["key"], "k");
}

#[tokio::test]
async fn a_user_of_the_same_name_is_not_the_one_whom_a_policy_names() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    let bob = async || {
        let create = i::CreateUserRequest { user_name: "bob".into(), ..Default::default() };
        let made = cloud.ok::<iam::CreateUser>(create).await.user.unwrap();
        let id = made.user_id.clone();
        let principal = Principal::User { path: "/".into(), name: "bob".into(), id: made.user_id };
        (Caller { principal, ..root(OURS) }, id)
    };
    let (first, id) = bob().await;
    let told = cloud.ok::<op::AddPermission>(add("bob", &first.arn())).await.statement.unwrap();
    assert!(told.contains(&first.arn()), "{told}");
    let shown = async || {
        let get = s::GetPolicyRequest { function_name: "f".into(), qualifier: None };
        cloud.ok::<op::GetPolicy>(get).await.policy.unwrap()
    };
    assert!(shown().await.contains(&first.arn()));
    cloud.call::<op::Invoke>(&first, invocation(ARN, json!(1))).await.unwrap();
    cloud.ok::<iam::DeleteUser>(i::DeleteUserRequest { user_name: "bob".into() }).await;
    let (second, _) = bob().await;
    assert!(cloud.call::<op::Invoke>(&second, invocation(ARN, json!(1))).await.is_err());
    let shown = shown().await;
    assert!(shown.contains(&id) && !shown.contains(&first.arn()), "{shown}");
}
