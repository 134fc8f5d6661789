//! Policies made from what a user really did.

use std::time::Duration;

use haneul_accessanalyzer_wire::operations as op;
use haneul_accessanalyzer_wire::shapes as s;
use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::{Caller, Instant};
use haneul_s3_wire::operations as s3;
use haneul_s3_wire::shapes as b;
use serde_json::{Value, json};

use super::cloud::Cloud;

const ANN: &str = "arn:aws:iam::111111111111:user/ann";
const DAY: Duration = Duration::from_secs(24 * 3600);

async fn ann(cloud: &Cloud) -> Caller {
    let create = i::CreateUserRequest { user_name: "ann".into(), ..Default::default() };
    cloud.ok::<iam::CreateUser>(create).await;
    let put = i::PutUserPolicyRequest {
        user_name: "ann".into(),
        policy_name: "all".into(),
        policy_document:
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#.into(),
    };
    cloud.ok::<iam::PutUserPolicy>(put).await;
    let key =
        cloud.ok::<iam::CreateAccessKey>(i::CreateAccessKeyRequest { user_name: Some("ann".into()) }).await;
    let id = key.access_key.access_key_id;
    cloud.platform.directory().access_key(&id).await.unwrap().unwrap().caller.clone()
}

async fn role(cloud: &Cloud) -> String {
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"access-analyzer.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let create = i::CreateRoleRequest {
        role_name: "reader".into(),
        assume_role_policy_document: trust.into(),
        ..Default::default()
    };
    cloud.ok::<iam::CreateRole>(create).await.role.arn
}

fn start(principal: &str) -> s::StartPolicyGenerationRequest {
    s::StartPolicyGenerationRequest {
        policy_generation_details: s::PolicyGenerationDetails { principal_arn: principal.into() },
        ..Default::default()
    }
}

fn trail(role: &str, since: Instant, regions: Option<Vec<String>>) -> s::CloudTrailDetails {
    s::CloudTrailDetails {
        trails: vec![s::Trail {
            cloud_trail_arn: "arn:aws:cloudtrail:us-east-1:111111111111:trail/t".into(),
            all_regions: Some(regions.is_none()),
            regions,
        }],
        access_role: role.into(),
        start_time: since,
        end_time: None,
    }
}

async fn result(cloud: &Cloud, input: s::StartPolicyGenerationRequest) -> s::GetGeneratedPolicyResponse {
    let job_id = cloud.ok::<op::StartPolicyGeneration>(input).await.job_id;
    cloud.settle().await;
    let get = s::GetGeneratedPolicyRequest {
        job_id,
        include_resource_placeholders: Some(true),
        ..Default::default()
    };
    cloud.ok::<op::GetGeneratedPolicy>(get).await
}

fn statements(found: &s::GetGeneratedPolicyResponse) -> Value {
    let policies = found.generated_policy_result.generated_policies.as_ref().unwrap();
    let policy = policies.first().map(|policy| serde_json::from_str::<Value>(&policy.policy).unwrap());
    policy.map_or(Value::Null, |policy| policy["Statement"].clone())
}

#[tokio::test]
async fn of_what_was_done_in_the_time() {
    let cloud = Cloud::new().await;
    let (ann, role) = (ann(&cloud).await, role(&cloud).await);
    let nothing = result(&cloud, start(ANN)).await;
    assert_eq!((nothing.job_details.status.as_str(), statements(&nothing)), ("SUCCEEDED", Value::Null));
    let create = b::CreateBucketRequest { bucket: "bkt".into(), ..Default::default() };
    cloud.call::<s3::CreateBucket>(&ann, create).await.unwrap();
    cloud.platform.env.clock.advance(DAY * 3);
    let since = cloud.platform.env.now();
    let put = b::PutObjectRequest { bucket: "bkt".into(), key: "k".into(), ..Default::default() };
    cloud.call::<s3::PutObject>(&ann, put).await.unwrap();
    // Refused, it is nothing that a policy should allow.
    let other = b::GetObjectRequest { bucket: "none".into(), key: "k".into(), ..Default::default() };
    assert!(cloud.call::<s3::GetObject>(&ann, other).await.is_err());
    let all = result(&cloud, start(ANN)).await;
    let bucket =
        json!({ "Effect": "Allow", "Action": "s3:CreateBucket", "Resource": "arn:aws:s3:::${BucketName}" });
    let object = json!({ "Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::${BucketName}/${ObjectName}" });
    assert_eq!(statements(&all), json!([bucket, object]));
    let of = |since: Instant, regions: Option<Vec<String>>| s::StartPolicyGenerationRequest {
        cloud_trail_details: Some(trail(&role, since, regions)),
        ..start(ANN)
    };
    let late = result(&cloud, of(since, None)).await;
    assert_eq!(statements(&late), json!([object]));
    let properties = late.generated_policy_result.properties;
    assert_eq!(properties.cloud_trail_properties.unwrap().start_time, since);
    // An account's own buckets have no Region in their ARN, so they are of every Region.
    let elsewhere = result(&cloud, of(since, Some(vec!["eu-west-1".into()]))).await;
    assert_eq!(statements(&elsewhere), json!([object]));
    // Done again, it counts again.
    let create = b::CreateBucketRequest { bucket: "bkt".into(), ..Default::default() };
    let _ = cloud.call::<s3::CreateBucket>(&ann, create).await;
    assert_eq!(statements(&result(&cloud, of(since, None)).await), json!([bucket, object]));
}

#[tokio::test]
async fn jobs() {
    let cloud = Cloud::new().await;
    ann(&cloud).await;
    let input = || s::StartPolicyGenerationRequest { client_token: Some("t".into()), ..start(ANN) };
    let first = cloud.ok::<op::StartPolicyGeneration>(input()).await.job_id;
    assert_eq!(cloud.ok::<op::StartPolicyGeneration>(input()).await.job_id, first, "the same request");
    let refused = cloud.err::<op::StartPolicyGeneration>(start(ANN)).await;
    assert!(refused.starts_with("ServiceQuotaExceededException: "), "{refused}");
    let cancel = s::CancelPolicyGenerationRequest { job_id: first.clone() };
    cloud.ok::<op::CancelPolicyGeneration>(cancel).await;
    cloud.settle().await;
    let get = s::GetGeneratedPolicyRequest { job_id: first.clone(), ..Default::default() };
    let canceled = cloud.ok::<op::GetGeneratedPolicy>(get.clone()).await;
    assert_eq!(canceled.job_details.status, "CANCELED");
    assert!(canceled.generated_policy_result.generated_policies.is_none());
    let nobody = result(&cloud, start("arn:aws:iam::111111111111:role/nobody")).await;
    assert_eq!(nobody.job_details.status, "FAILED");
    assert_eq!(nobody.job_details.job_error.unwrap().code, "RESOURCE_NOT_FOUND_ERROR");
    for bad in
        ["arn:aws:iam::222222222222:user/ann", "arn:aws:iam::111111111111:root", "arn:aws:s3:::x", "ann"]
    {
        let refused = cloud.err::<op::StartPolicyGeneration>(start(bad)).await;
        assert!(refused.starts_with("ValidationException: "), "{bad}: {refused}");
    }
    let list = s::ListPolicyGenerationsRequest { principal_arn: Some(ANN.into()), ..Default::default() };
    assert_eq!(cloud.ok::<op::ListPolicyGenerations>(list).await.policy_generations.len(), 1);
    cloud.platform.env.clock.advance(DAY * 7);
    cloud.settle().await;
    let all = cloud.ok::<op::ListPolicyGenerations>(Default::default()).await;
    assert!(all.policy_generations.is_empty(), "of the last seven days");
    assert!(cloud.err::<op::GetGeneratedPolicy>(get).await.starts_with("ValidationException: "));
}
