use haneul_lambda_wire::{operations as op, shapes as s};
use serde_json::json;

use super::cloud::{Cloud, OURS, THEIRS, create, root, zip_of};

fn publish(name: &str, text: &str) -> s::PublishLayerVersionRequest {
    s::PublishLayerVersionRequest {
        layer_name: name.into(),
        content: s::LayerVersionContentInput {
            zip_file: Some(zip_of(&[("python/lib.py", text)])),
            ..Default::default()
        },
        compatible_runtimes: Some(vec!["python3.12".into()]),
        ..Default::default()
    }
}

#[tokio::test]
async fn layers_have_versions_and_outlive_their_deletion_in_functions() {
    let cloud = Cloud::new().await;
    let one = cloud.ok::<op::PublishLayerVersion>(publish("l", "1")).await;
    let two = cloud.ok::<op::PublishLayerVersion>(publish("l", "2")).await;
    assert_eq!((one.version, two.version), (Some(1), Some(2)));
    let arn = one.layer_version_arn.unwrap();
    assert_eq!(arn, "arn:aws:lambda:us-east-1:111111111111:layer:l:1");
    let role = cloud.role("r", "").await;
    let input = s::CreateFunctionRequest { layers: Some(vec![arn.clone()]), ..create("f", &role) };
    let made = cloud.ok::<op::CreateFunction>(input).await;
    assert_eq!(made.layers.unwrap()[0].arn.as_deref(), Some(arn.as_str()));
    let both = s::UpdateFunctionConfigurationRequest {
        function_name: "f".into(),
        layers: Some(vec![arn.clone(), two.layer_version_arn.unwrap()]),
        ..Default::default()
    };
    assert!(cloud.err::<op::UpdateFunctionConfiguration>(both).await.contains("Two different versions"));
    let delete = s::DeleteLayerVersionRequest { layer_name: "l".into(), version_number: 1 };
    cloud.ok::<op::DeleteLayerVersion>(delete).await;
    cloud.settle().await;
    assert_eq!(cloud.invoke("f", json!(1)).await.function_error, None);
    let get = s::GetLayerVersionByArnRequest { arn: arn.clone() };
    assert!(cloud.err::<op::GetLayerVersionByArn>(get).await.starts_with("ResourceNotFoundException"));
    let listed = cloud.ok::<op::ListLayers>(Default::default()).await.layers.unwrap();
    assert_eq!(listed[0].latest_matching_version.as_ref().unwrap().version, Some(2));
    let node = s::ListLayersRequest { compatible_runtime: Some("nodejs20.x".into()), ..Default::default() };
    assert!(cloud.ok::<op::ListLayers>(node).await.layers.unwrap().is_empty());
    let three = cloud.ok::<op::PublishLayerVersion>(publish("l", "3")).await;
    assert_eq!(three.version, Some(3));
}

#[tokio::test]
async fn another_account_uses_a_layer_when_its_policy_says_so() {
    let cloud = Cloud::new().await;
    let arn = cloud.ok::<op::PublishLayerVersion>(publish("l", "1")).await.layer_version_arn.unwrap();
    let get = s::GetLayerVersionByArnRequest { arn };
    let refused = cloud.call::<op::GetLayerVersionByArn>(&root(THEIRS), get.clone()).await.err().unwrap();
    assert_eq!(refused.code(), "AccessDeniedException");
    let add = s::AddLayerVersionPermissionRequest {
        layer_name: "l".into(),
        version_number: 1,
        statement_id: "share".into(),
        action: "lambda:GetLayerVersion".into(),
        principal: THEIRS.to_string(),
        ..Default::default()
    };
    cloud.ok::<op::AddLayerVersionPermission>(add.clone()).await;
    assert!(cloud.err::<op::AddLayerVersionPermission>(add).await.starts_with("ResourceConflictException"));
    cloud.call::<op::GetLayerVersionByArn>(&root(THEIRS), get.clone()).await.unwrap();
    let policy = s::GetLayerVersionPolicyRequest { layer_name: "l".into(), version_number: 1 };
    let policy = cloud.ok::<op::GetLayerVersionPolicy>(policy).await.policy.unwrap();
    assert!(policy.contains(&OURS.to_string()) && policy.contains(&THEIRS.to_string()));
    let remove = s::RemoveLayerVersionPermissionRequest {
        layer_name: "l".into(),
        version_number: 1,
        statement_id: "share".into(),
        revision_id: None,
    };
    cloud.ok::<op::RemoveLayerVersionPermission>(remove).await;
    assert!(cloud.call::<op::GetLayerVersionByArn>(&root(THEIRS), get).await.is_err());
}
