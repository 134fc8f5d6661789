use haneul_kit::{AccountId, Caller};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_shape::value::Map;

use super::cloud::{Cloud, OURS};

fn describe(cloud_prefix: Option<&str>) -> s::DescribeLogGroupsRequest {
    s::DescribeLogGroupsRequest {
        log_group_name_prefix: cloud_prefix.map(str::to_owned),
        ..Default::default()
    }
}

#[tokio::test]
async fn groups_are_made_listed_and_deleted() {
    let cloud = Cloud::new().await;
    for name in ["b", "a/1", "a/2"] {
        cloud.group(name).await;
    }
    let twice = s::CreateLogGroupRequest { log_group_name: "b".into(), ..Default::default() };
    assert_eq!(
        cloud.err::<op::CreateLogGroup>(twice).await,
        "ResourceAlreadyExistsException: The specified log group already exists"
    );
    let listed = cloud.ok::<op::DescribeLogGroups>(describe(Some("a/"))).await.log_groups.unwrap();
    let names: Vec<&str> = listed.iter().filter_map(|group| group.log_group_name.as_deref()).collect();
    assert_eq!(names, ["a/1", "a/2"]);
    assert_eq!(listed[0].arn.as_deref(), Some("arn:aws:logs:us-east-1:111111111111:log-group:a/1:*"));
    assert_eq!(listed[0].log_group_arn.as_deref(), Some("arn:aws:logs:us-east-1:111111111111:log-group:a/1"));
    let page = s::DescribeLogGroupsRequest { limit: Some(2), ..Default::default() };
    let first = cloud.ok::<op::DescribeLogGroups>(page.clone()).await;
    let second = cloud
        .ok::<op::DescribeLogGroups>(s::DescribeLogGroupsRequest { next_token: first.next_token, ..page })
        .await;
    assert_eq!(second.log_groups.unwrap()[0].log_group_name.as_deref(), Some("b"));
    assert_eq!(second.next_token, None);
    cloud.ok::<op::DeleteLogGroup>(s::DeleteLogGroupRequest { log_group_name: "b".into() }).await;
    assert_eq!(
        cloud.err::<op::DeleteLogGroup>(s::DeleteLogGroupRequest { log_group_name: "b".into() }).await,
        "ResourceNotFoundException: The specified log group does not exist."
    );
}

#[tokio::test]
async fn a_protected_group_stays() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    let protect = |on| s::PutLogGroupDeletionProtectionRequest {
        log_group_identifier: "arn:aws:logs:us-east-1:111111111111:log-group:g".into(),
        deletion_protection_enabled: on,
    };
    let delete = s::DeleteLogGroupRequest { log_group_name: "g".into() };
    cloud.ok::<op::PutLogGroupDeletionProtection>(protect(true)).await;
    assert!(cloud.err::<op::DeleteLogGroup>(delete.clone()).await.starts_with("ValidationException"));
    cloud.ok::<op::PutLogGroupDeletionProtection>(protect(false)).await;
    cloud.ok::<op::DeleteLogGroup>(delete).await;
}

#[tokio::test]
async fn a_group_made_anew_is_empty_and_nothing_of_the_old_one_is_left() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    cloud.put("g", "s", &[(cloud.now_ms(), "old")]).await.unwrap();
    cloud.ok::<op::DeleteLogGroup>(s::DeleteLogGroupRequest { log_group_name: "g".into() }).await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    assert!(cloud.messages("g", "s", 10).await.is_empty());
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    use haneul_store::{Range, Reads};
    assert!(
        cloud.platform.store.scan_keys(&crate::model::CHUNKS, Range::all(), 10).await.unwrap().is_empty()
    );
    assert!(
        cloud.platform.store.scan_keys(&crate::model::GARBAGE, Range::all(), 10).await.unwrap().is_empty()
    );
}

#[tokio::test]
async fn retention_takes_only_lengths_that_aws_has_and_hides_what_is_older() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    cloud.stream("g", "s").await;
    let now = cloud.now_ms();
    cloud.put("g", "s", &[(now - 86_400_001, "yesterday"), (now - 1000, "now")]).await.unwrap();
    let keep = |days| s::PutRetentionPolicyRequest { log_group_name: "g".into(), retention_in_days: days };
    assert!(cloud.err::<op::PutRetentionPolicy>(keep(2)).await.starts_with("InvalidParameterException"));
    cloud.ok::<op::PutRetentionPolicy>(keep(1)).await;
    assert_eq!(cloud.messages("g", "s", 10).await, ["now"]);
    assert_eq!(
        cloud.ok::<op::DescribeLogGroups>(describe(None)).await.log_groups.unwrap()[0].retention_in_days,
        Some(1)
    );
    let answer = cloud.put("g", "s", &[(now - 86_400_001, "late"), (now, "fresh")]).await.unwrap();
    assert_eq!(answer.rejected_log_events_info.unwrap().expired_log_event_end_index, Some(1));
    cloud
        .ok::<op::DeleteRetentionPolicy>(s::DeleteRetentionPolicyRequest { log_group_name: "g".into() })
        .await;
}

#[tokio::test]
async fn tags_by_both_families() {
    let cloud = Cloud::new().await;
    cloud.group("g").await;
    let arn = String::from("arn:aws:logs:us-east-1:111111111111:log-group:g");
    let tags: Map<String> = [("a", String::from("1"))].into_iter().collect();
    cloud.ok::<op::TagResource>(s::TagResourceRequest { resource_arn: arn.clone(), tags }).await;
    let tags: Map<String> = [("b", String::from("2"))].into_iter().collect();
    cloud.ok::<op::TagLogGroup>(s::TagLogGroupRequest { log_group_name: "g".into(), tags }).await;
    let untag = s::UntagResourceRequest { resource_arn: arn.clone(), tag_keys: vec!["a".into()] };
    cloud.ok::<op::UntagResource>(untag).await;
    let listed =
        cloud.ok::<op::ListTagsForResource>(s::ListTagsForResourceRequest { resource_arn: arn }).await;
    assert_eq!(listed.tags.unwrap().0, [("b".to_owned(), "2".to_owned())]);
}

#[tokio::test]
async fn a_resource_policy_lets_a_service_write() {
    let cloud = Cloud::new().await;
    cloud.group("/g").await;
    let service = Caller::service("route53.amazonaws.com", AccountId::new(OURS).unwrap());
    let create = s::CreateLogStreamRequest { log_group_name: "/g".into(), log_stream_name: "s".into() };
    assert!(cloud.call_as::<op::CreateLogStream>(&service, create.clone()).await.is_err());
    let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"route53.amazonaws.com"},
        "Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"arn:aws:logs:us-east-1:111111111111:log-group:/g:*"}]}"#;
    let put = s::PutResourcePolicyRequest {
        policy_name: Some("dns".into()),
        policy_document: Some(document.into()),
        ..Default::default()
    };
    cloud.ok::<op::PutResourcePolicy>(put).await;
    cloud.call_as::<op::CreateLogStream>(&service, create).await.unwrap();
    let other = Caller::service("es.amazonaws.com", AccountId::new(OURS).unwrap());
    let create = s::CreateLogStreamRequest { log_group_name: "/g".into(), log_stream_name: "t".into() };
    assert!(cloud.call_as::<op::CreateLogStream>(&other, create).await.is_err());
    let described =
        cloud.ok::<op::DescribeResourcePolicies>(Default::default()).await.resource_policies.unwrap();
    assert_eq!(described[0].policy_document.as_deref(), Some(document));
}

#[tokio::test]
async fn resource_policies_deny_to_anybody_and_have_no_length_together() {
    let cloud = Cloud::new().await;
    for group in ["g", "h"] {
        cloud.group(group).await;
    }
    let put = async |name: &str, statement: String| {
        let put = s::PutResourcePolicyRequest {
            policy_name: Some(name.into()),
            policy_document: Some(format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#)),
            ..Default::default()
        };
        cloud.ok::<op::PutResourcePolicy>(put).await;
    };
    let stream = async |caller: &Caller, group: &str, name: &str| {
        let create = s::CreateLogStreamRequest { log_group_name: group.into(), log_stream_name: name.into() };
        cloud.call_as::<op::CreateLogStream>(caller, create).await.map_err(|error| error.code().to_owned())
    };
    let own = r#"{"Effect":"Allow","Action":"logs:CreateLogStream","Resource":"*"}"#;
    let user = cloud.user("writer", own).await;
    stream(&user, "g", "before").await.unwrap();
    // An Allow says nothing to users, a Deny does, however it names them.
    let refused = Err("AccessDeniedException".to_owned());
    for (at, principal) in [
        r#""Principal":"*""#,
        r#""Principal":{"AWS":"*"}"#,
        r#""NotPrincipal":{"Service":"es.amazonaws.com"}"#,
    ]
    .into_iter()
    .enumerate()
    {
        let deny = format!(
            r#"{{"Effect":"Deny",{principal},"Action":"logs:CreateLogStream","Resource":"arn:aws:logs:*:*:log-group:g:*"}}"#
        );
        put("deny", deny).await;
        assert_eq!(stream(&user, "g", &format!("denied-{at}")).await, refused, "{principal}");
        stream(&user, "h", &format!("other-{at}")).await.unwrap();
    }
    let idle = cloud.user("idle", r#"{"Effect":"Allow","Action":"sts:*","Resource":"*"}"#).await;
    let allow = |principal: &str| {
        format!(
            r#"{{"Effect":"Allow","Principal":{principal},"Action":"logs:CreateLogStream","Resource":"*"}}"#
        )
    };
    put("deny", allow(r#"{"AWS":"*"}"#)).await;
    assert_eq!(stream(&idle, "g", "x").await, refused);
    // Together longer than one may be.
    let service = Caller::service("route53.amazonaws.com", AccountId::new(OURS).unwrap());
    let grant = allow(r#"{"Service":"route53.amazonaws.com"}"#);
    put("deny", vec![grant.clone(); 35].join(",")).await;
    put("more", vec![grant.clone(); 35].join(",")).await;
    stream(&service, "g", "after").await.unwrap();
    // What changes counts at once.
    for name in ["deny", "more"] {
        let delete = s::DeleteResourcePolicyRequest { policy_name: Some(name.into()), ..Default::default() };
        cloud.ok::<op::DeleteResourcePolicy>(delete).await;
    }
    assert!(stream(&service, "g", "late").await.is_err());
}
