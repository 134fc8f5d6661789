//! Queries whose results go to S3, and stores that others may query.

use haneul_cloudtrail_wire::{operations as op, shapes as s};
use haneul_kit::{AccountId, Caller};
use haneul_s3_wire::{operations as s3, shapes as b};
use serde_json::{Value, json};

use super::cloud::{Cloud, OURS};

async fn store(cloud: &Cloud, name: &str) -> String {
    let create = s::CreateEventDataStoreRequest { name: name.into(), ..Default::default() };
    cloud.ok::<op::CreateEventDataStore>(create).await.event_data_store_arn.unwrap()
}

fn start(text: &str, store: &str) -> s::StartQueryRequest {
    let id = store.rsplit('/').next().unwrap();
    s::StartQueryRequest { query_statement: Some(text.replace("EVENTS", id)), ..Default::default() }
}

async fn let_in(cloud: &Cloud, bucket: &str, actions: &[&str]) {
    let statement = json!({
        "Effect": "Allow",
        "Principal": { "Service": "cloudtrail.amazonaws.com" },
        "Action": actions,
        "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")],
        "Condition": {
            "StringEquals": { "aws:SourceAccount": OURS.to_string() },
            "ArnLike": { "aws:SourceArn": format!("arn:aws:cloudtrail:us-east-1:{OURS}:eventdatastore/*") },
        },
    });
    let policy = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
    let put = b::PutBucketPolicyRequest { bucket: bucket.into(), policy, ..Default::default() };
    cloud.ok::<s3::PutBucketPolicy>(put).await;
}

#[tokio::test]
async fn results_are_delivered() {
    let cloud = Cloud::new().await;
    let store = store(&cloud, "lake").await;
    cloud.bucket("results", false).await;
    let query = || s::StartQueryRequest {
        delivery_s3_uri: Some("s3://results/some/where/".into()),
        ..start(
            "SELECT eventName, 'a,\"b' AS odd, NULL AS n FROM EVENTS WHERE eventName = 'CreateBucket'",
            &store,
        )
    };
    assert_eq!(cloud.err::<op::StartQuery>(query()).await, "InsufficientS3BucketPolicyException");
    let nowhere = s::StartQueryRequest { delivery_s3_uri: Some("s3://nowhere-at-all".into()), ..query() };
    assert_eq!(cloud.err::<op::StartQuery>(nowhere).await, "S3BucketDoesNotExistException");
    let_in(&cloud, "results", &["s3:GetBucketAcl", "s3:PutObject"]).await;
    let id = cloud.ok::<op::StartQuery>(query()).await.query_id.unwrap();
    cloud.advance(1).await;
    let describe = || s::DescribeQueryRequest { query_id: Some(id.clone()), ..Default::default() };
    let told = cloud.ok::<op::DescribeQuery>(describe()).await;
    assert_eq!(told.delivery_status.as_deref(), Some("SUCCESS"), "{:?}", told.error_message);
    assert_eq!(told.delivery_s3_uri.as_deref(), Some("s3://results/some/where/"));
    let keys = cloud.keys("results").await;
    assert_eq!(keys.len(), 2, "{keys:?}");
    assert!(keys[0].starts_with(&format!("some/where/AWSLogs/{OURS}/CloudTrail-Lake/Query/")), "{keys:?}");
    assert!(keys[0].ends_with(&format!("/{id}/result_1.csv.gz")) && keys[1].ends_with("/result_sign.json"));
    let text = cloud.text("results", &keys[0]).await;
    assert_eq!(text, "eventName,odd,n\nCreateBucket,\"a,\"\"b\",\n");
    let mut body = cloud.object("results", &keys[1]).await.body;
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        bytes.extend_from_slice(&piece.unwrap());
    }
    let sign: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(sign["files"][0]["fileName"], "result_1.csv.gz");
    assert_eq!(sign["hashSignature"].as_str().unwrap().len(), 512);
}

#[tokio::test]
async fn another_account_queries_what_it_is_let_to() {
    let cloud = Cloud::new().await;
    let store = store(&cloud, "lake").await;
    cloud.bucket("some-bucket", false).await;
    let other = Caller::root(AccountId::new(222_222_222_222).unwrap());
    let query = || s::StartQueryRequest {
        event_data_store_owner_account_id: Some(OURS.to_string()),
        ..start("SELECT eventName FROM EVENTS WHERE eventName = 'CreateBucket'", &store)
    };
    let denied = cloud.call_as::<op::StartQuery>(&other, query()).await.err().unwrap();
    assert_eq!(denied.code(), "AccessDeniedException");
    let get = || s::GetResourcePolicyRequest { resource_arn: store.clone() };
    assert_eq!(cloud.err::<op::GetResourcePolicy>(get()).await, "ResourcePolicyNotFoundException");
    let policy = |actions: Value, resource: &str| {
        let statement = json!({
            "Effect": "Allow", "Principal": { "AWS": "222222222222" }, "Action": actions, "Resource": resource,
        });
        s::PutResourcePolicyRequest {
            resource_arn: store.clone(),
            resource_policy: json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string(),
        }
    };
    for wrong in [
        policy(json!("cloudtrail:DeleteEventDataStore"), &store),
        policy(json!("cloudtrail:StartQuery"), "*"),
        s::PutResourcePolicyRequest { resource_policy: "{".into(), ..policy(json!([]), &store) },
    ] {
        assert_eq!(cloud.err::<op::PutResourcePolicy>(wrong).await, "ResourcePolicyNotValidException");
    }
    let lets = json!(["cloudtrail:StartQuery", "cloudtrail:GetQueryResults", "cloudtrail:GetEventDataStore"]);
    cloud.ok::<op::PutResourcePolicy>(policy(lets, &store)).await;
    assert!(cloud.ok::<op::GetResourcePolicy>(get()).await.resource_policy.unwrap().contains("StartQuery"));
    let id = cloud.call_as::<op::StartQuery>(&other, query()).await.unwrap().query_id.unwrap();
    cloud.advance(1).await;
    let results = || s::GetQueryResultsRequest {
        query_id: id.clone(),
        event_data_store_owner_account_id: Some(OURS.to_string()),
        ..Default::default()
    };
    let found = cloud.call_as::<op::GetQueryResults>(&other, results()).await.unwrap();
    assert_eq!(found.query_result_rows.unwrap().len(), 1);
    let describe = s::DescribeQueryRequest {
        query_id: Some(id.clone()),
        event_data_store_owner_account_id: Some(OURS.to_string()),
        ..Default::default()
    };
    let denied = cloud.call_as::<op::DescribeQuery>(&other, describe).await.err().unwrap();
    assert_eq!(denied.code(), "AccessDeniedException", "that is not in the policy");
    let delete = || s::DeleteResourcePolicyRequest { resource_arn: store.clone() };
    cloud.ok::<op::DeleteResourcePolicy>(delete()).await;
    let denied = cloud.call_as::<op::GetQueryResults>(&other, results()).await.err().unwrap();
    assert_eq!(denied.code(), "AccessDeniedException");
    assert_eq!(cloud.err::<op::DeleteResourcePolicy>(delete()).await, "ResourcePolicyNotFoundException");
}

#[tokio::test]
async fn a_query_of_two_stores_needs_both() {
    let cloud = Cloud::new().await;
    let (one, two) = (store(&cloud, "one").await, store(&cloud, "two").await);
    let other = two.rsplit('/').next().unwrap().to_owned();
    let text = format!("SELECT a.eventName FROM EVENTS a JOIN {other} b ON a.eventID = b.eventID");
    let statement = format!(r#""Effect":"Allow","Action":"cloudtrail:StartQuery","Resource":"{one}""#);
    let user = cloud.user("half", &statement).await;
    let denied = cloud.call_as::<op::StartQuery>(&user, start(&text, &one)).await.err().unwrap();
    assert_eq!(denied.code(), "AccessDeniedException");
    let single = start("SELECT eventName FROM EVENTS", &one);
    cloud.call_as::<op::StartQuery>(&user, single).await.unwrap();
    let id = cloud.ok::<op::StartQuery>(start(&text, &one)).await.query_id.unwrap();
    cloud.advance(1).await;
    let get = s::GetQueryResultsRequest { query_id: id.clone(), ..Default::default() };
    let found = cloud.ok::<op::GetQueryResults>(get).await;
    assert!(found.query_result_rows.unwrap().len() > 1, "{:?}", found.error_message);
    for store in [one, two] {
        let list = s::ListQueriesRequest { event_data_store: store, ..Default::default() };
        let all = cloud.ok::<op::ListQueries>(list).await.queries.unwrap();
        assert!(all.iter().any(|query| query.query_id.as_ref() == Some(&id)));
    }
}

#[tokio::test]
async fn samples_are_found() {
    let cloud = Cloud::new().await;
    let search = |phrase: &str| s::SearchSampleQueriesRequest {
        search_phrase: phrase.into(),
        max_results: Some(1),
        next_token: None,
    };
    let found = cloud.ok::<op::SearchSampleQueries>(search("deleted objects")).await;
    let best = &found.search_results.unwrap()[0];
    assert_eq!(best.name.as_deref(), Some("S3 objects that were deleted"));
    assert!(best.relevance.unwrap() > 0.9 && found.next_token.is_some());
}
