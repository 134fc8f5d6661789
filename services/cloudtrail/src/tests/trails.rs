use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use haneul_cloudtrail_wire::{operations as op, shapes as s};
use haneul_iam_wire::{operations as iam, shapes as i};
use haneul_kit::Instant;
use haneul_logs_wire::{operations as logs, shapes as l};
use haneul_s3_wire::{operations as s3, shapes as b};
use haneul_sqs_wire::{operations as sqs, shapes as q};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::cloud::{Cloud, OURS, policy};

async fn make_user(cloud: &Cloud, name: &str) {
    let create = i::CreateUserRequest { user_name: name.into(), ..Default::default() };
    cloud.ok::<iam::CreateUser>(create).await;
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["eventName"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_trail_needs_a_bucket_that_lets_it_in() {
    let cloud = Cloud::new().await;
    let create = |name: &str, bucket: &str| s::CreateTrailRequest {
        name: name.into(),
        s3_bucket_name: bucket.into(),
        ..Default::default()
    };
    assert_eq!(cloud.err::<op::CreateTrail>(create("main", "gone")).await, "S3BucketDoesNotExistException");
    cloud.bucket("shut", false).await;
    assert_eq!(
        cloud.err::<op::CreateTrail>(create("main", "shut")).await,
        "InsufficientS3BucketPolicyException"
    );
    cloud.bucket("open", true).await;
    // The policy names the trail.
    assert_eq!(
        cloud.err::<op::CreateTrail>(create("other", "open")).await,
        "InsufficientS3BucketPolicyException"
    );
    cloud.ok::<op::CreateTrail>(create("main", "open")).await;
    assert!(cloud.keys("open").await.is_empty(), "the check leaves nothing behind");
    assert_eq!(cloud.err::<op::CreateTrail>(create("main", "open")).await, "TrailAlreadyExistsException");
    assert_eq!(cloud.err::<op::CreateTrail>(create("-", "open")).await, "InvalidTrailNameException");
    let trail = cloud.ok::<op::GetTrail>(s::GetTrailRequest { name: "main".into() }).await.trail.unwrap();
    assert_eq!(trail.trail_arn.unwrap(), format!("arn:aws:cloudtrail:us-east-1:{OURS}:trail/main"));
    assert_eq!((trail.include_global_service_events, trail.is_multi_region_trail), (Some(true), Some(false)));
    cloud.ok::<op::DeleteTrail>(s::DeleteTrailRequest { name: "main".into() }).await;
    let get = s::GetTrailRequest { name: "main".into() };
    assert_eq!(cloud.err::<op::GetTrail>(get).await, "TrailNotFoundException");
}

#[tokio::test]
async fn files_come_every_five_minutes_with_every_event_once() {
    let cloud = Cloud::new().await;
    make_user(&cloud, "before").await;
    cloud.trail("main").await;
    for n in 0..5 {
        make_user(&cloud, &format!("u{n}")).await;
    }
    cloud.advance(301).await;
    let keys = cloud.keys("logs").await;
    let [key] = &keys[..] else { panic!("{keys:?}") };
    let start =
        format!("AWSLogs/{OURS}/CloudTrail/us-east-1/2026/01/01/{OURS}_CloudTrail_us-east-1_20260101T0005Z_");
    let unique = key
        .strip_prefix(&start)
        .and_then(|rest| rest.strip_suffix(".json.gz"))
        .unwrap_or_else(|| panic!("{key}"));
    assert!(unique.len() == 16 && unique.bytes().all(|b| b.is_ascii_alphanumeric()));
    let object = cloud.object("logs", key).await;
    assert_eq!(
        (object.content_type.as_deref(), object.content_encoding.as_deref()),
        (Some("application/json"), Some("gzip"))
    );
    let events = cloud.delivered("logs").await;
    assert_eq!(names(&events).iter().filter(|name| **name == "CreateUser").count(), 5);
    for n in 5..8 {
        make_user(&cloud, &format!("u{n}")).await;
    }
    cloud.advance(300).await;
    let events = cloud.delivered("logs").await;
    let mut users: Vec<&str> = events
        .iter()
        .filter(|event| event["eventName"] == "CreateUser")
        .map(|event| event["requestParameters"]["userName"].as_str().unwrap())
        .collect();
    users.sort_unstable();
    assert_eq!(users, ["u0", "u1", "u2", "u3", "u4", "u5", "u6", "u7"]);
    let status = cloud.ok::<op::GetTrailStatus>(s::GetTrailStatusRequest { name: "main".into() }).await;
    assert_eq!(status.is_logging, Some(true));
    assert_eq!(status.latest_delivery_time, Some(cloud.platform.env.now()));
    assert_eq!(status.latest_delivery_error, None);

    cloud.ok::<op::StopLogging>(s::StopLoggingRequest { name: "main".into() }).await;
    make_user(&cloud, "after").await;
    cloud.advance(600).await;
    assert!(
        !cloud.delivered("logs").await.iter().any(|event| event["requestParameters"]["userName"] == "after")
    );
}

#[tokio::test]
async fn what_a_bucket_refused_is_delivered_when_it_lets_in_again() {
    let cloud = Cloud::new().await;
    cloud.trail("main").await;
    let delete = b::DeleteBucketPolicyRequest { bucket: "logs".into(), ..Default::default() };
    cloud.ok::<s3::DeleteBucketPolicy>(delete).await;
    make_user(&cloud, "ann").await;
    cloud.advance(301).await;
    let status = cloud.ok::<op::GetTrailStatus>(s::GetTrailStatusRequest { name: "main".into() }).await;
    assert_eq!(status.latest_delivery_error.as_deref(), Some("AccessDenied"));
    assert!(cloud.keys("logs").await.is_empty());
    let put = b::PutBucketPolicyRequest {
        bucket: "logs".into(),
        policy: policy(
            r#""Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::logs/*""#,
        ),
        ..Default::default()
    };
    cloud.ok::<s3::PutBucketPolicy>(put).await;
    cloud.advance(300).await;
    let events = cloud.delivered("logs").await;
    assert_eq!(names(&events).iter().filter(|name| **name == "CreateUser").count(), 1);
}

/// Checks a chain of digests as AWS's page describes it, from the newest back. The number of digests and log files.
async fn validate(cloud: &Cloud, bucket: &str) -> Result<(usize, usize), String> {
    let list = s::ListPublicKeysRequest { start_time: Some(Instant::EPOCH), ..Default::default() };
    let keys = cloud.ok::<op::ListPublicKeys>(list).await.public_key_list.unwrap();
    let mut digests: Vec<String> =
        cloud.keys(bucket).await.into_iter().filter(|key| key.contains("CloudTrail-Digest")).collect();
    digests.sort();
    let mut next = digests.last().cloned();
    let (mut count, mut files) = (0, 0);
    while let Some(key) = next {
        let text = cloud.text(bucket, &key).await;
        let digest: Value = serde_json::from_str(&text).unwrap();
        let metadata = cloud.object(bucket, &key).await.metadata.unwrap();
        let signature = hex::decode(metadata.get("signature").unwrap()).unwrap();
        assert_eq!(metadata.get("signature-algorithm").unwrap(), "SHA256withRSA");
        let fingerprint = digest["digestPublicKeyFingerprint"].as_str();
        let public = keys.iter().find(|key| key.fingerprint.as_deref() == fingerprint).unwrap();
        let signed = format!(
            "{}\n{bucket}/{key}\n{}\n{}",
            digest["digestEndTime"].as_str().unwrap(),
            hex::encode(Sha256::digest(text.as_bytes())),
            digest["previousDigestSignature"].as_str().unwrap_or("null")
        );
        let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public.value.clone().unwrap());
        public.verify(signed.as_bytes(), &signature).map_err(|_| format!("{key} has a wrong signature"))?;
        for file in digest["logFiles"].as_array().unwrap() {
            let text = cloud.text(bucket, file["s3Object"].as_str().unwrap()).await;
            if file["hashValue"] != hex::encode(Sha256::digest(text.as_bytes())) {
                return Err(format!("{} has changed", file["s3Object"]));
            }
            files += 1;
        }
        count += 1;
        next = digest["previousDigestS3Object"].as_str().map(str::to_owned);
    }
    assert_eq!(count, digests.len(), "the chain has every digest");
    Ok((count, files))
}

#[tokio::test]
async fn digests_make_a_chain_that_finds_tampering() {
    let cloud = Cloud::new().await;
    cloud.trail("main").await;
    for hour in 0..3 {
        make_user(&cloud, &format!("u{hour}")).await;
        cloud.advance(1800).await;
        make_user(&cloud, &format!("v{hour}")).await;
        cloud.advance(1800).await;
    }
    cloud.advance(1).await;
    let (digests, files) = validate(&cloud, "logs").await.unwrap();
    assert_eq!(digests, 3);
    assert!(files >= 5, "{files}");
    let delivered = cloud.keys("logs").await.into_iter().find(|key| key.contains("/CloudTrail/")).unwrap();
    let text = cloud.text("logs", &delivered).await.replace("CreateUser", "DeleteUser");
    let forged = b::PutObjectRequest {
        bucket: "logs".into(),
        key: delivered,
        body: haneul_kit::ByteStream::from_bytes(crate::tasks::deliver::gzip(text.as_bytes()).unwrap()),
        ..Default::default()
    };
    cloud.ok::<s3::PutObject>(forged).await;
    assert!(validate(&cloud, "logs").await.unwrap_err().contains("has changed"));
}

#[tokio::test]
async fn a_long_quiet_time_is_made_up_for_by_one_digest() {
    let cloud = Cloud::new().await;
    cloud.trail("main").await;
    cloud.advance(3601).await;
    cloud.advance(40 * 86_400).await;
    let (digests, _) = validate(&cloud, "logs").await.unwrap();
    assert!((2..=4).contains(&digests), "{digests}");
}

#[tokio::test]
async fn selectors_choose_data_events() {
    let cloud = Cloud::new().await;
    cloud.trail("main").await;
    let create = q::CreateQueueRequest { queue_name: "q".into(), ..Default::default() };
    let url = cloud.ok::<sqs::CreateQueue>(create).await.queue_url.unwrap();
    let field = |name: &str, values: &[&str]| s::AdvancedFieldSelector {
        field: name.into(),
        equals: Some(values.iter().map(|value| (*value).to_owned()).collect()),
        ..Default::default()
    };
    let put = s::PutEventSelectorsRequest {
        trail_name: "main".into(),
        advanced_event_selectors: Some(vec![s::AdvancedEventSelector {
            name: Some("sends".into()),
            field_selectors: vec![
                field("eventCategory", &["Data"]),
                field("resources.type", &["AWS::SQS::Queue"]),
                field("eventName", &["SendMessage"]),
            ],
        }]),
        ..Default::default()
    };
    cloud.ok::<op::PutEventSelectors>(put).await;
    let before = cloud.delivered("logs").await.len();
    let send =
        q::SendMessageRequest { queue_url: url.clone(), message_body: "x".into(), ..Default::default() };
    cloud.ok::<sqs::SendMessage>(send).await;
    let receive = q::ReceiveMessageRequest { queue_url: url, ..Default::default() };
    cloud.ok::<sqs::ReceiveMessage>(receive).await;
    make_user(&cloud, "ann").await;
    cloud.advance(301).await;
    let events = cloud.delivered("logs").await;
    let new: Vec<&Value> = events.iter().filter(|event| event["managementEvent"] == false).collect();
    assert_eq!(new.len(), 1, "{events:#?}");
    assert_eq!(events.len(), before + 1);
    assert_eq!(new[0]["eventName"], "SendMessage");
    assert_eq!(new[0]["eventCategory"], "Data");
    assert_eq!(new[0]["requestParameters"]["messageBody"], "HIDDEN_DUE_TO_SECURITY_REASONS");
    assert_eq!(new[0]["resources"][0]["ARN"], format!("arn:aws:sqs:us-east-1:{OURS}:q"));
    // Lookups show management events alone.
    assert!(cloud.events(Some(("EventName", "SendMessage")), 50).await.is_empty());
    let bad = s::PutEventSelectorsRequest {
        trail_name: "main".into(),
        advanced_event_selectors: Some(vec![s::AdvancedEventSelector {
            name: None,
            field_selectors: vec![field("eventCategory", &["Data"])],
        }]),
        ..Default::default()
    };
    assert_eq!(cloud.err::<op::PutEventSelectors>(bad).await, "InvalidEventSelectorsException");
}

#[tokio::test]
async fn a_trail_sends_events_to_its_log_group() {
    let cloud = Cloud::new().await;
    cloud.bucket("logs", true).await;
    let group = l::CreateLogGroupRequest { log_group_name: "trail".into(), ..Default::default() };
    cloud.ok::<logs::CreateLogGroup>(group).await;
    let role = i::CreateRoleRequest {
        role_name: "to-logs".into(),
        assume_role_policy_document: policy(
            r#""Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},"Action":"sts:AssumeRole""#,
        ),
        ..Default::default()
    };
    let role = cloud.ok::<iam::CreateRole>(role).await.role.arn;
    let create = || s::CreateTrailRequest {
        name: "main".into(),
        s3_bucket_name: "logs".into(),
        cloud_watch_logs_log_group_arn: Some(format!("arn:aws:logs:us-east-1:{OURS}:log-group:trail:*")),
        cloud_watch_logs_role_arn: Some(role.clone()),
        ..Default::default()
    };
    assert_eq!(cloud.err::<op::CreateTrail>(create()).await, "InvalidCloudWatchLogsRoleArnException");
    let put = i::PutRolePolicyRequest {
        role_name: "to-logs".into(),
        policy_name: "logs".into(),
        policy_document: policy(
            r#""Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"*""#,
        ),
    };
    cloud.ok::<iam::PutRolePolicy>(put).await;
    cloud.ok::<op::CreateTrail>(create()).await;
    cloud.ok::<op::StartLogging>(s::StartLoggingRequest { name: "main".into() }).await;
    make_user(&cloud, "ann").await;
    cloud.advance(301).await;
    let get = l::GetLogEventsRequest {
        log_group_name: Some("trail".into()),
        log_stream_name: format!("{OURS}_CloudTrail_us-east-1"),
        start_from_head: Some(true),
        ..Default::default()
    };
    let events = cloud.ok::<logs::GetLogEvents>(get).await.events.unwrap();
    let texts: Vec<Value> =
        events.iter().map(|event| serde_json::from_str(event.message.as_ref().unwrap()).unwrap()).collect();
    assert_eq!(names(&texts).iter().filter(|name| **name == "CreateUser").count(), 1, "{texts:#?}");
}

#[tokio::test]
async fn tags_and_event_data_stores() {
    let cloud = Cloud::new().await;
    cloud.trail("main").await;
    let arn = format!("arn:aws:cloudtrail:us-east-1:{OURS}:trail/main");
    let tag = |key: &str, value: &str| s::Tag { key: key.into(), value: Some(value.into()) };
    let add = s::AddTagsRequest { resource_id: arn.clone(), tags_list: vec![tag("a", "1"), tag("b", "2")] };
    cloud.ok::<op::AddTags>(add).await;
    let remove = s::RemoveTagsRequest { resource_id: arn.clone(), tags_list: vec![tag("a", "1")] };
    cloud.ok::<op::RemoveTags>(remove).await;
    let list = s::ListTagsRequest { resource_id_list: vec![arn], next_token: None };
    let tags = cloud.ok::<op::ListTags>(list).await.resource_tag_list.unwrap();
    let tags: Vec<_> = tags[0].tags_list.as_ref().unwrap().iter().map(|tag| tag.key.as_str()).collect();
    assert_eq!(tags, ["b"]);

    let create = s::CreateEventDataStoreRequest { name: "lake".into(), ..Default::default() };
    let made = cloud.ok::<op::CreateEventDataStore>(create).await;
    assert_eq!((made.retention_period, made.multi_region_enabled), (Some(366), Some(true)));
    let store = made.event_data_store_arn.unwrap();
    let delete = || s::DeleteEventDataStoreRequest { event_data_store: store.clone() };
    assert_eq!(
        cloud.err::<op::DeleteEventDataStore>(delete()).await,
        "EventDataStoreTerminationProtectedException"
    );
    let update = s::UpdateEventDataStoreRequest {
        event_data_store: store.clone(),
        termination_protection_enabled: Some(false),
        ..Default::default()
    };
    cloud.ok::<op::UpdateEventDataStore>(update).await;
    cloud.ok::<op::DeleteEventDataStore>(delete()).await;
    let get = || s::GetEventDataStoreRequest { event_data_store: store.clone() };
    assert_eq!(cloud.ok::<op::GetEventDataStore>(get()).await.status.as_deref(), Some("PENDING_DELETION"));
    cloud.advance(8 * 86_400).await;
    assert_eq!(cloud.err::<op::GetEventDataStore>(get()).await, "EventDataStoreNotFoundException");
}

#[tokio::test]
async fn an_event_data_store_is_queried() {
    let cloud = Cloud::new().await;
    make_user(&cloud, "before").await;
    let create = s::CreateEventDataStoreRequest { name: "lake".into(), ..Default::default() };
    let store = cloud.ok::<op::CreateEventDataStore>(create).await.event_data_store_arn.unwrap();
    let id = store.rsplit('/').next().unwrap().to_owned();
    for n in 0..5 {
        make_user(&cloud, &format!("u{n}")).await;
    }
    let start = |text: &str| s::StartQueryRequest {
        query_statement: Some(text.replace("EVENTS", &id)),
        ..Default::default()
    };
    let wrong = start("SELECT nothing FROM EVENTS");
    assert_eq!(cloud.err::<op::StartQuery>(wrong).await, "InvalidQueryStatementException");
    let query = "SELECT eventName, element_at(requestParameters, 'userName') AS who FROM EVENTS WHERE eventName = 'CreateUser' ORDER BY who";
    let started = cloud.ok::<op::StartQuery>(start(query)).await.query_id.unwrap();
    cloud.advance(1).await;
    let mut names = Vec::new();
    let mut token = None;
    loop {
        let get = s::GetQueryResultsRequest {
            query_id: started.clone(),
            max_query_results: Some(2),
            next_token: token,
            ..Default::default()
        };
        let page = cloud.ok::<op::GetQueryResults>(get).await;
        assert_eq!(page.query_status.as_deref(), Some("FINISHED"), "{:?}", page.error_message);
        for row in page.query_result_rows.unwrap() {
            assert_eq!(row[0].get("eventName").unwrap(), "CreateUser");
            names.push(row[1].get("who").unwrap().clone());
        }
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(names, ["u0", "u1", "u2", "u3", "u4"], "what came before the store is not in it");
    let describe = s::DescribeQueryRequest { query_id: Some(started.clone()), ..Default::default() };
    let told = cloud.ok::<op::DescribeQuery>(describe).await.query_statistics.unwrap();
    assert_eq!(told.events_matched, Some(5));
    let cancel = s::CancelQueryRequest { query_id: started, ..Default::default() };
    assert_eq!(cloud.err::<op::CancelQuery>(cancel).await, "InactiveQueryException");
    let list = s::ListQueriesRequest { event_data_store: store, ..Default::default() };
    assert_eq!(cloud.ok::<op::ListQueries>(list).await.queries.unwrap().len(), 1);
}
