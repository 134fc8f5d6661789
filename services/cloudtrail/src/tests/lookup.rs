use haneul_cloudtrail_wire::{operations as op, shapes as s};
use haneul_iam_wire::{operations as iam, shapes as i};
use haneul_sqs_wire::{operations as sqs, shapes as q};
use haneul_sts_wire::{operations as sts, shapes as t};
use serde_json::json;

use super::cloud::{Cloud, OURS, policy};

const ALL: &str = r#""Effect":"Allow","Action":"*","Resource":"*""#;

async fn make_user(cloud: &Cloud, name: &str) {
    let create = i::CreateUserRequest { user_name: name.into(), ..Default::default() };
    cloud.ok::<iam::CreateUser>(create).await;
}

#[tokio::test]
async fn a_change_is_recorded_with_who_what_and_the_answer() {
    let cloud = Cloud::new().await;
    let ann = cloud.user("ann", ALL).await;
    let create =
        i::CreateUserRequest { user_name: "bob".into(), path: Some("/x/".into()), ..Default::default() };
    cloud.call_as::<iam::CreateUser>(&ann, create).await.unwrap();
    let found = cloud.events(Some(("Username", "ann")), 50).await;
    let [event] = &found[..] else { panic!("{found:#?}") };
    assert_eq!(event["eventVersion"], "1.11");
    assert_eq!(event["eventName"], "CreateUser");
    assert_eq!(event["eventSource"], "iam.amazonaws.com");
    assert_eq!(event["awsRegion"], "us-east-1");
    assert_eq!(event["requestParameters"], json!({ "path": "/x/", "userName": "bob" }));
    assert_eq!(event["responseElements"]["user"]["userName"], "bob");
    assert_eq!(event["readOnly"], false);
    assert_eq!(event["managementEvent"], true);
    assert_eq!(event["eventCategory"], "Management");
    assert_eq!(event["eventType"], "AwsApiCall");
    assert_eq!(event["recipientAccountId"], OURS.to_string());
    let who = &event["userIdentity"];
    assert_eq!(who["type"], "IAMUser");
    assert_eq!(who["userName"], "ann");
    assert_eq!(who["arn"], format!("arn:aws:iam::{OURS}:user/ann"));
    assert!(who["principalId"].as_str().unwrap().starts_with("AIDA"));
    assert!(who["accessKeyId"].as_str().unwrap().starts_with("AKIA"));
    assert!(event.get("errorCode").is_none());
}

#[tokio::test]
async fn denials_and_reads_are_recorded_too() {
    let cloud = Cloud::new().await;
    let eve = cloud.user("eve", r#""Effect":"Deny","Action":"iam:*","Resource":"*""#).await;
    let get = i::GetUserRequest { user_name: Some("ann".into()) };
    assert!(cloud.call_as::<iam::GetUser>(&eve, get).await.is_err());
    let found = cloud.events(Some(("Username", "eve")), 50).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["errorCode"], "AccessDenied");
    assert!(found[0]["errorMessage"].as_str().unwrap().contains("iam:GetUser"));
    assert_eq!((&found[0]["readOnly"], &found[0]["responseElements"]), (&json!(true), &json!(null)));
}

#[tokio::test]
async fn every_call_is_found_once_whatever_the_page() {
    let cloud = Cloud::new().await;
    for n in 0..57 {
        make_user(&cloud, &format!("u{n:02}")).await;
        if n % 10 == 3 {
            // Several chunks.
            cloud.events(None, 50).await;
        }
    }
    for page in [1, 7, 50] {
        let names: Vec<String> = cloud
            .events(Some(("EventName", "CreateUser")), page)
            .await
            .iter()
            .map(|event| event["requestParameters"]["userName"].as_str().unwrap().to_owned())
            .collect();
        let expected: Vec<String> = (0..57).rev().map(|n| format!("u{n:02}")).collect();
        assert_eq!(names, expected, "pages of {page}");
    }
}

#[tokio::test]
async fn each_attribute_finds_its_event() {
    let cloud = Cloud::new().await;
    let ann = cloud.user("ann", ALL).await;
    make_user(&cloud, "bob").await;
    let delete = i::DeleteUserRequest { user_name: "bob".into() };
    cloud.call_as::<iam::DeleteUser>(&ann, delete).await.unwrap();
    let id =
        cloud.events(Some(("EventName", "DeleteUser")), 50).await[0]["eventID"].as_str().unwrap().to_owned();
    let key = ann.access_key_id.clone().unwrap();
    for (attribute, value, count) in [
        ("EventId", id.as_str(), 1),
        ("EventName", "DeleteUser", 1),
        ("AccessKeyId", &key, 1),
        ("Username", "ann", 1),
        ("ResourceName", "bob", 2),
        ("EventSource", "nothing.amazonaws.com", 0),
        ("EventName", "deleteuser", 0),
    ] {
        assert_eq!(cloud.events(Some((attribute, value)), 50).await.len(), count, "{attribute} {value}");
    }
    assert!(cloud.events(Some(("ResourceType", "AWS::IAM::User")), 50).await.len() >= 3);
    assert!(cloud.events(Some(("ReadOnly", "false")), 50).await.len() >= 4);
}

#[tokio::test]
async fn times_bound_and_ninety_days_end_it() {
    let cloud = Cloud::new().await;
    make_user(&cloud, "old").await;
    cloud.advance(3600).await;
    let between = cloud.platform.env.now();
    cloud.advance(3600).await;
    make_user(&cloud, "new").await;
    let names = |answer: s::LookupEventsResponse| -> Vec<String> {
        let named = answer
            .events
            .unwrap()
            .into_iter()
            .filter(|event| event.event_name.as_deref() == Some("CreateUser"));
        named.flat_map(|event| event.resources.unwrap()).filter_map(|one| one.resource_name).collect()
    };
    let after = s::LookupEventsRequest { start_time: Some(between), ..Default::default() };
    assert!(names(cloud.ok::<op::LookupEvents>(after).await).contains(&"new".to_owned()));
    let before = s::LookupEventsRequest { end_time: Some(between), ..Default::default() };
    let found = names(cloud.ok::<op::LookupEvents>(before).await);
    assert!(found.contains(&"old".to_owned()) && !found.contains(&"new".to_owned()));
    let wrong = s::LookupEventsRequest {
        start_time: Some(cloud.platform.env.now()),
        end_time: Some(between),
        ..Default::default()
    };
    assert_eq!(cloud.err::<op::LookupEvents>(wrong).await, "InvalidTimeRangeException");
    cloud.advance(90 * 86_400 + 2).await;
    assert!(cloud.events(Some(("EventName", "CreateUser")), 50).await.is_empty());
}

#[tokio::test]
async fn data_events_are_not_recorded_for_nobody() {
    let cloud = Cloud::new().await;
    let create = q::CreateQueueRequest { queue_name: "q".into(), ..Default::default() };
    let url = cloud.ok::<sqs::CreateQueue>(create).await.queue_url.unwrap();
    let send = q::SendMessageRequest { queue_url: url, message_body: "x".into(), ..Default::default() };
    cloud.ok::<sqs::SendMessage>(send).await;
    let names: Vec<_> = cloud.events(Some(("EventSource", "sqs.amazonaws.com")), 50).await;
    assert_eq!(names.len(), 1, "{names:#?}");
    assert_eq!(names[0]["eventName"], "CreateQueue");
}

#[tokio::test]
async fn sessions_say_whose_they_are() {
    let cloud = Cloud::new().await;
    let ann = cloud.user("ann", ALL).await;
    let create = i::CreateRoleRequest {
        role_name: "deploy".into(),
        assume_role_policy_document: policy(&format!(
            r#""Effect":"Allow","Principal":{{"AWS":"{OURS}"}},"Action":"sts:AssumeRole""#
        )),
        ..Default::default()
    };
    let arn = cloud.ok::<iam::CreateRole>(create).await.role.arn;
    let put = i::PutRolePolicyRequest {
        role_name: "deploy".into(),
        policy_name: "all".into(),
        policy_document: policy(ALL),
    };
    cloud.ok::<iam::PutRolePolicy>(put).await;
    let assume = t::AssumeRoleRequest {
        role_arn: arn.clone(),
        role_session_name: "work".into(),
        ..Default::default()
    };
    let made = cloud.call_as::<sts::AssumeRole>(&ann, assume).await.unwrap().credentials.unwrap();
    let now = cloud.platform.env.now();
    let opened =
        haneul_kit::session_token::open(&cloud.platform.seal, &made.session_token, &made.access_key_id, now);
    let session = opened.unwrap().caller;
    let list = i::ListUsersRequest::default();
    cloud.call_as::<iam::ListUsers>(&session, list).await.unwrap();

    let assumed = &cloud.events(Some(("EventName", "AssumeRole")), 50).await[0];
    assert_eq!(assumed["readOnly"], true);
    assert_eq!(assumed["requestParameters"]["roleArn"], arn);
    assert_eq!(assumed["responseElements"]["credentials"]["accessKeyId"], made.access_key_id);
    assert_eq!(assumed["resources"][0]["ARN"], arn);
    let text = assumed.to_string();
    assert!(!text.contains(&made.session_token) && !text.contains(&made.secret_access_key));

    let listed = &cloud.events(Some(("EventName", "ListUsers")), 50).await[0];
    let who = &listed["userIdentity"];
    assert_eq!(who["type"], "AssumedRole");
    assert_eq!(who["arn"], format!("arn:aws:sts::{OURS}:assumed-role/deploy/work"));
    assert_eq!(who["sessionContext"]["sessionIssuer"]["arn"], arn);
    assert_eq!(who["sessionContext"]["sessionIssuer"]["userName"], "deploy");
    assert_eq!(who["sessionContext"]["attributes"]["mfaAuthenticated"], "false");
    assert_eq!(cloud.events(Some(("Username", "work")), 50).await.len(), 1);
}
