use std::collections::BTreeMap;

use haneul_lambda_wire::{operations as op, shapes as s};
use serde_json::json;

use super::cloud::{Cloud, invocation};

fn weights(version: &str, share: f64) -> Option<s::AliasRoutingConfiguration> {
    Some(s::AliasRoutingConfiguration {
        additional_version_weights: Some([(version.to_owned(), share)].into_iter().collect()),
    })
}

#[tokio::test]
async fn aliases_point_and_split() {
    let cloud = Cloud::new().await;
    cloud.function("f").await;
    for timeout in [4, 5] {
        cloud
            .ok::<op::UpdateFunctionConfiguration>(s::UpdateFunctionConfigurationRequest {
                function_name: "f".into(),
                timeout: Some(timeout),
                ..Default::default()
            })
            .await;
        let publish = s::PublishVersionRequest { function_name: "f".into(), ..Default::default() };
        cloud.ok::<op::PublishVersion>(publish).await;
    }
    let make = |version: &str, routing| s::CreateAliasRequest {
        function_name: "f".into(),
        name: "live".into(),
        function_version: version.into(),
        routing_config: routing,
        ..Default::default()
    };
    let missing = cloud.err::<op::CreateAlias>(make("7", None)).await;
    assert!(missing.contains("Function not found"), "{missing}");
    let latest = cloud.err::<op::CreateAlias>(make("$LATEST", weights("1", 0.5))).await;
    assert!(latest.contains("$LATEST is not supported"), "{latest}");
    let made = cloud.ok::<op::CreateAlias>(make("1", None)).await;
    assert_eq!(made.alias_arn.as_deref(), Some("arn:aws:lambda:us-east-1:111111111111:function:f:live"));
    let again = cloud.err::<op::CreateAlias>(make("1", None)).await;
    assert!(again.starts_with("ResourceConflictException: Alias already exists"), "{again}");
    let called = cloud.invoke("f:live", json!({})).await;
    assert_eq!(called.executed_version.as_deref(), Some("1"));
    let update = s::UpdateAliasRequest {
        function_name: "f".into(),
        name: "live".into(),
        routing_config: weights("2", 0.5),
        revision_id: made.revision_id.clone(),
        ..Default::default()
    };
    cloud.ok::<op::UpdateAlias>(update.clone()).await;
    let stale = cloud.err::<op::UpdateAlias>(update).await;
    assert!(stale.starts_with("PreconditionFailedException"), "{stale}");
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..200 {
        let called = cloud.ok::<op::Invoke>(s::InvocationRequest {
            qualifier: Some("live".into()),
            ..invocation("f", json!({}))
        });
        *counts.entry(called.await.executed_version.unwrap()).or_default() += 1;
    }
    assert!(counts["1"] > 60 && counts["2"] > 60, "{counts:?}");
    let delete = s::DeleteFunctionRequest { function_name: "f".into(), qualifier: Some("2".into()) };
    let used = cloud.err::<op::DeleteFunction>(delete).await;
    assert!(used.starts_with("ResourceConflictException"), "{used}");
    let list = s::ListAliasesRequest {
        function_name: "f".into(),
        function_version: Some("2".into()),
        ..Default::default()
    };
    assert_eq!(cloud.ok::<op::ListAliases>(list).await.aliases.unwrap().len(), 1);
    let alias = s::DeleteAliasRequest { function_name: "f".into(), name: "live".into() };
    cloud.ok::<op::DeleteAlias>(alias).await;
    let gone = cloud.err::<op::Invoke>(invocation("f:live", json!({}))).await;
    assert!(gone.contains("Function not found"), "{gone}");
}
