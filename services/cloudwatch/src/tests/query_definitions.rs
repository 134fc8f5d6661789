//! Queries that are saved under a path.

use haneul_cloudwatch_wire::operations as op;
use haneul_cloudwatch_wire::shapes as s;

use super::cloud::Cloud;

fn definition(path: &str) -> s::PutMetricDataQueryDefinitionInput {
    s::PutMetricDataQueryDefinitionInput {
        path: path.into(),
        expression: "SELECT AVG(load) FROM Test".into(),
        r#type: "SQL".into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn saved_queries_are_found_by_id_and_have_a_path_of_their_own() {
    let cloud = Cloud::new().await;
    let tags = vec![s::Tag { key: "team".into(), value: "sky".into() }];
    let input = s::PutMetricDataQueryDefinitionInput { tags: Some(tags), ..definition("team/web/load") };
    let made = cloud.ok::<op::PutMetricDataQueryDefinition>(input).await;
    let arn = format!("arn:aws:cloudwatch:us-east-1:111111111111:metric-query-definition/{}", made.id);
    assert_eq!((&made.arn, made.created_at), (&arn, made.updated_at));
    let other = cloud.ok::<op::PutMetricDataQueryDefinition>(definition("other")).await;
    let taken = cloud.err::<op::PutMetricDataQueryDefinition>(definition("other")).await;
    assert!(taken.starts_with("ConflictException: "), "{taken}");

    cloud.advance(5).await;
    let update = s::PutMetricDataQueryDefinitionInput {
        id: Some(made.id.clone()),
        expression: "m1 * 2".into(),
        r#type: "METRIC_MATH".into(),
        ..definition("team/load")
    };
    let tags = Some(vec![s::Tag { key: "team".into(), value: "sea".into() }]);
    let tagged = s::PutMetricDataQueryDefinitionInput { tags, ..update.clone() };
    let said = cloud.err::<op::PutMetricDataQueryDefinition>(tagged).await;
    assert!(said.starts_with("ValidationException: Tags "), "{said}");
    let updated = cloud.ok::<op::PutMetricDataQueryDefinition>(update.clone()).await;
    assert!(updated.created_at == made.created_at && updated.updated_at > made.updated_at);
    let get = |id: &str| s::GetMetricDataQueryDefinitionInput { id: id.into() };
    let found = cloud.ok::<op::GetMetricDataQueryDefinition>(get(&made.id)).await;
    assert_eq!((&*found.path, &*found.expression, &*found.r#type), ("team/load", "m1 * 2", "METRIC_MATH"));
    // The old path is free again, that of another one is not.
    let freed = cloud.ok::<op::PutMetricDataQueryDefinition>(definition("team/web/load")).await;
    let clash = s::PutMetricDataQueryDefinitionInput { path: "other".into(), ..update.clone() };
    assert!(cloud.err::<op::PutMetricDataQueryDefinition>(clash).await.starts_with("ConflictException: "));
    let unknown = s::PutMetricDataQueryDefinitionInput { id: Some("none".into()), ..update };
    let said = cloud.err::<op::PutMetricDataQueryDefinition>(unknown).await;
    assert!(said.starts_with("ResourceNotFoundException: "), "{said}");

    let mut listed = Vec::new();
    let mut next = None;
    loop {
        let input = s::ListMetricDataQueryDefinitionsInput { max_results: Some(2), next_token: next };
        let page = cloud.ok::<op::ListMetricDataQueryDefinitions>(input).await;
        assert!(page.items.len() <= 2);
        listed.extend(page.items.into_iter().map(|item| item.path));
        next = page.next_token;
        if next.is_none() {
            break;
        }
    }
    listed.sort();
    assert_eq!(listed, ["other", "team/load", "team/web/load"]);

    let of = s::ListTagsForResourceInput { resource_arn: arn.clone() };
    let tags = cloud.ok::<op::ListTagsForResource>(of.clone()).await.tags.unwrap();
    assert_eq!((tags.len(), &*tags[0].value), (1, "sky"), "an update leaves them");
    let more = s::TagResourceInput {
        resource_arn: arn.clone(),
        tags: vec![s::Tag { key: "stage".into(), value: "dev".into() }],
    };
    cloud.ok::<op::TagResource>(more).await;
    assert_eq!(cloud.ok::<op::ListTagsForResource>(of).await.tags.unwrap().len(), 2);

    for id in [&made.id, &made.id, &other.id, &freed.id] {
        let input = s::DeleteMetricDataQueryDefinitionInput { id: id.clone() };
        cloud.ok::<op::DeleteMetricDataQueryDefinition>(input).await;
    }
    assert!(
        cloud
            .err::<op::GetMetricDataQueryDefinition>(get(&made.id))
            .await
            .starts_with("ResourceNotFoundException")
    );
    cloud.ok::<op::PutMetricDataQueryDefinition>(definition("other")).await;
}

#[tokio::test]
async fn what_a_path_may_not_be() {
    let cloud = Cloud::new().await;
    for path in ["/a", "a/", "a//b", "/", &"x".repeat(1016), "a\u{7}"] {
        let said = cloud.err::<op::PutMetricDataQueryDefinition>(definition(path)).await;
        assert!(said.starts_with("Validation"), "{path}: {said}");
    }
    cloud.ok::<op::PutMetricDataQueryDefinition>(definition(&"x".repeat(1015))).await;
    let odd = s::PutMetricDataQueryDefinitionInput { r#type: "XPATH".into(), ..definition("a") };
    assert!(cloud.err::<op::PutMetricDataQueryDefinition>(odd).await.starts_with("Validation"));
}
