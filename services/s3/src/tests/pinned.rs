//! Policies mean the users and roles that there were when they were put, of buckets and of what is beside them.

use haneul_iam_wire::{operations as iam, shapes as i};
use haneul_kit::{Caller, Principal};
use haneul_s3_wire::{operations as op, shapes as s};
use haneul_s3control_wire::{operations as control, shapes as c};
use haneul_sqs_wire::{operations as sqs, shapes as q};

use super::cloud::{Cloud, OURS, root};

/// A new user `bob`, who may do what resources let him.
async fn bob(cloud: &Cloud) -> Caller {
    let create = i::CreateUserRequest { user_name: "bob".into(), ..Default::default() };
    let made = cloud.ok::<iam::CreateUser>(create).await.user.unwrap();
    let principal = Principal::User { path: "/".into(), name: "bob".into(), id: made.user_id };
    Caller { principal, ..root(OURS) }
}

async fn rename(cloud: &Cloud, from: &str, to: &str) {
    let input =
        i::UpdateUserRequest { user_name: from.into(), new_user_name: Some(to.into()), ..Default::default() };
    cloud.ok::<iam::UpdateUser>(input).await;
}

async fn delete_bob(cloud: &Cloud) {
    cloud.ok::<iam::DeleteUser>(i::DeleteUserRequest { user_name: "bob".into() }).await;
}

fn id_of(caller: &Caller) -> String {
    match &caller.principal {
        Principal::User { id, .. } => id.clone(),
        _ => String::new(),
    }
}

/// With white space that nobody else would put there.
fn for_bob(action: &str, resource: &str) -> String {
    format!(
        "{{ \"Version\":\"2012-10-17\",\n \"Statement\" :{{\"Effect\":\"Allow\",\"Principal\":{{\"AWS\": \
         [\"arn:aws:iam::{OURS}:user/bob\"]}},\"Action\":\"{action}\",\"Resource\":\"{resource}\"}} }}"
    )
}

#[tokio::test]
async fn a_bucket_lets_in_nobody_who_only_has_the_name() {
    let cloud = Cloud::new().await;
    let first = bob(&cloud).await;
    cloud.bucket("bkt").await;
    let policy = for_bob("s3:ListBucket", "arn:aws:s3:::bkt");
    let put =
        s::PutBucketPolicyRequest { bucket: "bkt".into(), policy: policy.clone(), ..Default::default() };
    cloud.ok::<op::PutBucketPolicy>(put).await;
    let shown = async || {
        let get = s::GetBucketPolicyRequest { bucket: "bkt".into(), ..Default::default() };
        cloud.ok::<op::GetBucketPolicy>(get).await.policy.unwrap()
    };
    let may = async |caller: &Caller| {
        let list = s::ListObjectsV2Request { bucket: "bkt".into(), ..Default::default() };
        cloud.call::<op::ListObjectsV2>(caller, list).await.is_ok()
    };
    assert_eq!(shown().await, policy);
    assert!(may(&first).await);
    rename(&cloud, "bob", "bea").await;
    assert_eq!(shown().await, policy.replace("user/bob", "user/bea"));
    rename(&cloud, "bea", "bob").await;
    delete_bob(&cloud).await;
    let second = bob(&cloud).await;
    assert_eq!(shown().await, policy.replace(&second.arn(), &id_of(&first)));
    assert!(!may(&second).await);

    let own = format!("arn:aws:s3:us-east-1:{OURS}:accesspoint/point");
    let point = c::CreateAccessPointRequest {
        account_id: OURS.to_string(),
        name: "point".into(),
        bucket: "bkt".into(),
        ..Default::default()
    };
    cloud.ok::<control::CreateAccessPoint>(point).await;
    let policy = for_bob("s3:ListBucket", &own);
    let put = c::PutAccessPointPolicyRequest {
        account_id: OURS.to_string(),
        name: "point".into(),
        policy: policy.clone(),
    };
    cloud.ok::<control::PutAccessPointPolicy>(put).await;
    delete_bob(&cloud).await;
    let get = c::GetAccessPointPolicyRequest { account_id: OURS.to_string(), name: "point".into() };
    let shown = cloud.ok::<control::GetAccessPointPolicy>(get).await.policy.unwrap();
    assert_eq!(shown, policy.replace(&second.arn(), &id_of(&second)));
}

#[tokio::test]
async fn a_bucket_tells_an_account_by_its_arn() {
    let cloud = Cloud::new().await;
    cloud.bucket("bkt").await;
    let root = format!("arn:aws:iam::{OURS}:root");
    let policy = for_bob("s3:ListBucket", "arn:aws:s3:::bkt")
        .replace(&format!("arn:aws:iam::{OURS}:user/bob"), &OURS.to_string());
    let put =
        s::PutBucketPolicyRequest { bucket: "bkt".into(), policy: policy.clone(), ..Default::default() };
    cloud.ok::<op::PutBucketPolicy>(put).await;
    let get = s::GetBucketPolicyRequest { bucket: "bkt".into(), ..Default::default() };
    let shown = cloud.ok::<op::GetBucketPolicy>(get).await.policy.unwrap();
    assert_eq!(shown, policy.replace(&format!("[\"{OURS}\"]"), &format!("[\"{root}\"]")));
}

#[tokio::test]
async fn a_queue_lets_in_nobody_who_only_has_the_name() {
    let cloud = Cloud::new().await;
    let first = bob(&cloud).await;
    let policy = for_bob("sqs:SendMessage", "*");
    let attributes = || [("Policy".to_owned(), policy.clone())].into_iter().collect();
    let create = || q::CreateQueueRequest {
        queue_name: "q".into(),
        attributes: Some(attributes()),
        ..Default::default()
    };
    let url = cloud.ok::<sqs::CreateQueue>(create()).await.queue_url.unwrap();
    cloud.ok::<sqs::CreateQueue>(create()).await;
    let shown = async || {
        let get = q::GetQueueAttributesRequest {
            queue_url: url.clone(),
            attribute_names: Some(vec!["Policy".into()]),
        };
        let attributes = cloud.ok::<sqs::GetQueueAttributes>(get).await.attributes.unwrap();
        attributes.get("Policy").cloned().unwrap()
    };
    let may = async |caller: &Caller| {
        let send =
            q::SendMessageRequest { queue_url: url.clone(), message_body: "m".into(), ..Default::default() };
        cloud.call::<sqs::SendMessage>(caller, send).await.is_ok()
    };
    assert_eq!(shown().await, policy);
    assert!(may(&first).await);
    delete_bob(&cloud).await;
    assert_eq!(shown().await, policy.replace(&first.arn(), &id_of(&first)));
    let second = bob(&cloud).await;
    assert!(!may(&second).await);
    let set = q::SetQueueAttributesRequest { queue_url: url.clone(), attributes: attributes() };
    cloud.ok::<sqs::SetQueueAttributes>(set).await;
    assert_eq!(shown().await, policy);
    assert!(may(&second).await && !may(&first).await);
}
