use std::sync::Arc;

use haneul_iam_wire::{operations as iam, shapes as i};
use haneul_kit::{AccountId, BoxFuture, Caller, Membership, Operation, Organization, Result, Standing};
use haneul_logs_wire::{operations as op, shapes as s};
use haneul_shape::value::Map;
use serde_json::{Value, json};

use super::cloud::Cloud;

/// The owner of the destinations; the cloud's own account sends.
const OWNER: u64 = 222_222_222_222;
const STREAM: &str = "arn:aws:kinesis:us-east-1:222222222222:stream/flow";
const ROLE: &str = "arn:aws:iam::222222222222:role/forwarder";
const DESTINATION: &str = "arn:aws:logs:us-east-1:222222222222:destination:central";
const NO_PERMISSION: &str =
    "logs:PutSubscriptionFilter on resource: arn:aws:logs:us-east-1:222222222222:destination:central";

fn owner() -> Caller {
    Caller::root(AccountId::new(OWNER).unwrap())
}

impl Cloud {
    async fn owner_ok<O: Operation>(&self, input: O::Input) -> O::Output {
        self.call_as::<O>(&owner(), input).await.unwrap_or_else(|error| panic!("{}: {error}", O::NAME))
    }

    async fn owner_err<O: Operation>(&self, input: O::Input) -> String {
        match self.call_as::<O>(&owner(), input).await {
            Ok(_) => panic!("{} went through", O::NAME),
            Err(error) => error.to_string(),
        }
    }

    /// A role that Logs may assume for either account, as the User Guide has it.
    async fn forwarder(&self, caller: &Caller, action: &str, resource: &str) {
        let trust = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
            "Condition": {"StringLike": {"aws:SourceArn":
                ["arn:aws:logs:us-east-1:111111111111:*", "arn:aws:logs:us-east-1:222222222222:*"]}}}});
        let input = i::CreateRoleRequest {
            role_name: "forwarder".into(),
            assume_role_policy_document: trust.to_string(),
            ..Default::default()
        };
        self.call_as::<iam::CreateRole>(caller, input).await.unwrap();
        let policy = json!({"Version": "2012-10-17",
            "Statement": {"Effect": "Allow", "Action": action, "Resource": resource}});
        let input = i::PutRolePolicyRequest {
            role_name: "forwarder".into(),
            policy_name: "own".into(),
            policy_document: policy.to_string(),
        };
        self.call_as::<iam::PutRolePolicy>(caller, input).await.unwrap();
    }

    /// With the destination `central` of the owner, and a group `app` of the sender.
    async fn with_destination() -> Cloud {
        let cloud = Cloud::new().await;
        cloud.forwarder(&owner(), "kinesis:PutRecord", STREAM).await;
        cloud.owner_ok::<op::PutDestination>(destination("central", STREAM)).await;
        cloud.group("app").await;
        cloud.stream("app", "web").await;
        cloud.sinks.take();
        cloud
    }

    async fn policy(&self, principal: Value, condition: Value) {
        let input = access_policy(&statement(principal, condition), false);
        self.owner_ok::<op::PutDestinationPolicy>(input).await;
    }

    /// What comes of an event.
    async fn sent(&self) -> Vec<(String, Value)> {
        self.put("app", "web", &[(self.now_ms(), "keep this")]).await.unwrap();
        self.settle().await;
        self.sinks.take()
    }
}

fn destination(name: &str, target: &str) -> s::PutDestinationRequest {
    s::PutDestinationRequest {
        destination_name: name.into(),
        target_arn: target.into(),
        role_arn: ROLE.into(),
        tags: None,
    }
}

fn statement(principal: Value, condition: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Sid": "", "Effect": "Allow", "Principal": principal,
        "Action": "logs:PutSubscriptionFilter", "Resource": DESTINATION, "Condition": condition}]})
}

fn access_policy(policy: &Value, force: bool) -> s::PutDestinationPolicyRequest {
    s::PutDestinationPolicyRequest {
        destination_name: "central".into(),
        access_policy: policy.to_string(),
        force_update: Some(force),
    }
}

fn sender() -> Value {
    json!({"AWS": "111111111111"})
}

fn subscribe(destination: &str) -> s::PutSubscriptionFilterRequest {
    s::PutSubscriptionFilterRequest {
        log_group_name: "app".into(),
        filter_name: "forward".into(),
        destination_arn: destination.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn events_go_to_another_account_that_lets_the_sender_in() {
    let cloud = Cloud::with_destination().await;
    let refused = cloud.err::<op::PutSubscriptionFilter>(subscribe(DESTINATION)).await;
    assert!(refused.starts_with("AccessDeniedException") && refused.contains(NO_PERMISSION), "{refused}");
    cloud.policy(json!({"AWS": "333333333333"}), json!({})).await;
    let refused = cloud.err::<op::PutSubscriptionFilter>(subscribe(DESTINATION)).await;
    assert!(refused.starts_with("AccessDeniedException") && refused.contains(NO_PERMISSION), "{refused}");

    cloud.policy(sender(), json!({})).await;
    cloud.ok::<op::PutSubscriptionFilter>(subscribe(DESTINATION)).await;
    let sent = cloud.sent().await;
    assert_eq!(sent.len(), 1);
    assert_eq!((sent[0].0.as_str(), &sent[0].1["owner"]), ("web", &json!("111111111111")));
    assert_eq!(sent[0].1["logGroup"], "app");
    let input = s::DescribeSubscriptionFiltersRequest { log_group_name: "app".into(), ..Default::default() };
    let shown = cloud.ok::<op::DescribeSubscriptionFilters>(input).await.subscription_filters.unwrap();
    assert_eq!((shown[0].destination_arn.as_deref(), &shown[0].role_arn), (Some(DESTINATION), &None));

    // User Guide, "Modify destination membership at runtime".
    cloud.policy(json!({"AWS": "333333333333"}), json!({})).await;
    assert!(cloud.sent().await.is_empty());
    cloud.policy(sender(), json!({})).await;
    assert_eq!(cloud.sent().await.len(), 1);
}

#[tokio::test]
async fn a_deleted_destination_takes_its_subscriptions_along() {
    let cloud = Cloud::with_destination().await;
    cloud.policy(sender(), json!({})).await;
    cloud.ok::<op::PutSubscriptionFilter>(subscribe(DESTINATION)).await;
    let delete = s::DeleteDestinationRequest { destination_name: "central".into() };
    cloud.owner_ok::<op::DeleteDestination>(delete.clone()).await;
    assert!(cloud.sent().await.is_empty());
    let again = cloud.owner_err::<op::DeleteDestination>(delete).await;
    assert_eq!(again, "ResourceNotFoundException: The specified destination does not exist.");
    // One made anew is another.
    cloud.owner_ok::<op::PutDestination>(destination("central", STREAM)).await;
    cloud.policy(sender(), json!({})).await;
    cloud.sinks.take();
    assert!(cloud.sent().await.is_empty());
    cloud.ok::<op::PutSubscriptionFilter>(subscribe(DESTINATION)).await;
    assert_eq!(cloud.sent().await.len(), 1);
    // One that is changed stays.
    cloud.owner_ok::<op::PutDestination>(destination("central", STREAM)).await;
    cloud.sinks.take();
    assert_eq!(cloud.sent().await.len(), 1);
}

#[tokio::test]
async fn a_destination_is_sent_a_test_message_and_leads_to_what_its_role_can_put_into() {
    let cloud = Cloud::new().await;
    let firehose = "arn:aws:firehose:eu-west-1:222222222222:deliverystream/flow";
    let refused = cloud.owner_err::<op::PutDestination>(destination("central", firehose)).await;
    let undeliverable = "InvalidParameterException: Could not deliver test message to specified destination. Check if the \
                         destination is valid.";
    assert_eq!(refused, undeliverable);
    // In another Region.
    cloud.forwarder(&owner(), "firehose:PutRecord", firehose).await;
    for target in [
        STREAM,
        "arn:aws:firehose:us-east-1:222222222222:deliverystream/flow",
        "arn:aws:firehose:eu-west-1:111111111111:deliverystream/flow",
        "arn:aws:lambda:us-east-1:222222222222:function:sink",
    ] {
        let refused = cloud.owner_err::<op::PutDestination>(destination("central", target)).await;
        assert_eq!(refused, undeliverable, "{target}");
    }
    let wrong = s::PutDestinationRequest { role_arn: "forwarder".into(), ..destination("central", firehose) };
    let refused = cloud.owner_err::<op::PutDestination>(wrong).await;
    assert!(refused.starts_with("InvalidParameterException: roleArn"), "{refused}");
    assert!(cloud.sinks.take().is_empty());
    let made =
        cloud.owner_ok::<op::PutDestination>(destination("central", firehose)).await.destination.unwrap();
    assert_eq!((made.arn.as_deref(), made.target_arn.as_deref()), (Some(DESTINATION), Some(firehose)));
    assert_eq!((made.creation_time, made.access_policy), (Some(cloud.now_ms()), None));
    let told = cloud.sinks.take();
    assert_eq!((told.len(), &told[0].1["messageType"]), (1, &json!("CONTROL_MESSAGE")));

    // The destination itself must be in the Region of the groups.
    cloud.policy(sender(), json!({})).await;
    cloud.group("app").await;
    cloud.stream("app", "web").await;
    cloud.ok::<op::PutSubscriptionFilter>(subscribe(DESTINATION)).await;
    assert_eq!(cloud.sent().await.len(), 1);
}

#[tokio::test]
async fn a_destination_of_another_region_or_none_is_refused() {
    let cloud = Cloud::new().await;
    cloud.group("app").await;
    let nowhere = subscribe("arn:aws:logs:us-east-1:111111111111:destination:none");
    let refused = cloud.err::<op::PutSubscriptionFilter>(nowhere).await;
    assert_eq!(refused, "ResourceNotFoundException: The specified destination does not exist.");
    cloud.forwarder(&Cloud::root(), "kinesis:PutRecord", "*").await;
    let input = s::PutDestinationRequest {
        role_arn: "arn:aws:iam::111111111111:role/forwarder".into(),
        ..destination("far", "arn:aws:kinesis:us-east-1:111111111111:stream/flow")
    };
    let region = "eu-west-1".parse().unwrap();
    // Trusted for the other Region too.
    let trust = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "logs.amazonaws.com"}}});
    let update = i::UpdateAssumeRolePolicyRequest {
        role_name: "forwarder".into(),
        policy_document: trust.to_string(),
    };
    cloud.ok::<iam::UpdateAssumeRolePolicy>(update).await;
    cloud.platform.bus.call::<op::PutDestination>(Cloud::root(), region, None, input.clone()).await.unwrap();
    let far = subscribe("arn:aws:logs:eu-west-1:111111111111:destination:far");
    let refused = cloud.err::<op::PutSubscriptionFilter>(far).await;
    assert!(refused.starts_with("InvalidParameterException") && refused.contains("same Region"), "{refused}");
    // The owner itself needs no access policy.
    cloud.ok::<op::PutDestination>(input).await;
    cloud.sinks.take();
    cloud.stream("app", "web").await;
    let near = subscribe("arn:aws:logs:us-east-1:111111111111:destination:far");
    cloud.ok::<op::PutSubscriptionFilter>(near).await;
    assert_eq!(cloud.sent().await.len(), 1);
}

#[tokio::test]
async fn who_subscribes_needs_the_permission_on_both() {
    let cloud = Cloud::with_destination().await;
    cloud.policy(sender(), json!({})).await;
    let group = r#"{"Effect":"Allow","Action":"logs:PutSubscriptionFilter","Resource":"arn:aws:logs:us-east-1:111111111111:log-group:*"}"#;
    let user = cloud.user("half", group).await;
    let refused =
        cloud.call_as::<op::PutSubscriptionFilter>(&user, subscribe(DESTINATION)).await.unwrap_err();
    assert_eq!(refused.code(), "AccessDeniedException");
    assert!(refused.message().contains(NO_PERMISSION), "{refused}");
    let both = format!(
        r#"{group},{{"Effect":"Allow","Action":"logs:PutSubscriptionFilter","Resource":"{DESTINATION}"}}"#
    );
    let user = cloud.user("whole", &both).await;
    cloud.call_as::<op::PutSubscriptionFilter>(&user, subscribe(DESTINATION)).await.unwrap();
    // Who makes a destination hands over a role.
    let input = s::PutDestinationRequest {
        role_arn: "arn:aws:iam::111111111111:role/forwarder".into(),
        ..destination("own", "arn:aws:kinesis:us-east-1:111111111111:stream/flow")
    };
    let put = r#"{"Effect":"Allow","Action":"logs:PutDestination","Resource":"*"}"#;
    let user = cloud.user("maker", put).await;
    let refused = cloud.call_as::<op::PutDestination>(&user, input).await.err().unwrap();
    assert!(refused.message().contains("iam:PassRole"), "{refused}");
}

/// All accounts are in it.
struct Everywhere;

impl Organization for Everywhere {
    fn in_use(&self) -> bool {
        true
    }

    fn standing(&self, _: AccountId) -> BoxFuture<'_, Result<Option<Arc<Standing>>>> {
        let membership = Membership {
            organization_id: "o-1".into(),
            management_account: AccountId::new(OWNER).unwrap(),
            path: "o-1/r-1/".into(),
            scp_levels: Vec::new(),
            rcp_levels: Vec::new(),
            trusted_services: Vec::new(),
            delegated_services: Vec::new(),
        };
        let standing = Standing { suspended: false, membership: Some(membership) };
        Box::pin(async { Ok(Some(Arc::new(standing))) })
    }
}

#[tokio::test]
async fn an_organization_is_let_in_and_its_accounts_give_a_role() {
    let cloud = Cloud::with_destination().await;
    cloud.platform.set_organization(Arc::new(Everywhere));
    let of = |id: &str| statement(json!("*"), json!({"StringEquals": {"aws:PrincipalOrgID": [id]}}));
    cloud.owner_ok::<op::PutDestinationPolicy>(access_policy(&of("o-2"), false)).await;
    let refused = cloud.err::<op::PutSubscriptionFilter>(subscribe(DESTINATION)).await;
    assert!(refused.contains(NO_PERMISSION), "{refused}");
    cloud.owner_ok::<op::PutDestinationPolicy>(access_policy(&of("o-1"), false)).await;
    assert_eq!(
        cloud.err::<op::PutSubscriptionFilter>(subscribe(DESTINATION)).await,
        "InvalidParameterException: Role ARN is required when creating subscription filter against destination with \
         Organization access policy."
    );
    let with_role = s::PutSubscriptionFilterRequest {
        role_arn: Some("arn:aws:iam::111111111111:role/forwarder".into()),
        ..subscribe(DESTINATION)
    };
    let refused = cloud.err::<op::PutSubscriptionFilter>(with_role.clone()).await;
    assert!(refused.contains("Could not deliver test message"), "{refused}");
    cloud.forwarder(&Cloud::root(), "logs:PutLogEvents", "*").await;
    cloud.ok::<op::PutSubscriptionFilter>(with_role).await;
    assert_eq!(cloud.sent().await.len(), 1);

    // From accounts to an organization only by force.
    cloud.policy(sender(), json!({})).await;
    let refused = cloud.owner_err::<op::PutDestinationPolicy>(access_policy(&of("o-1"), false)).await;
    assert!(refused.starts_with("InvalidParameterException") && refused.contains("forceUpdate"), "{refused}");
    cloud.owner_ok::<op::PutDestinationPolicy>(access_policy(&of("o-1"), true)).await;
    assert_eq!(cloud.sent().await.len(), 1);
}

#[tokio::test]
async fn a_policy_of_the_account_goes_through_a_destination() {
    let cloud = Cloud::with_destination().await;
    let policy = s::PutAccountPolicyRequest {
        policy_name: "all".into(),
        policy_document: json!({ "DestinationArn": DESTINATION, "FilterPattern": "keep" }).to_string(),
        policy_type: "SUBSCRIPTION_FILTER_POLICY".into(),
        ..Default::default()
    };
    let refused = cloud.err::<op::PutAccountPolicy>(policy.clone()).await;
    assert!(refused.starts_with("AccessDeniedException") && refused.contains(NO_PERMISSION), "{refused}");
    cloud.policy(sender(), json!({})).await;
    cloud.ok::<op::PutAccountPolicy>(policy).await;
    let sent = cloud.sent().await;
    assert_eq!(sent.len(), 1);
    assert_eq!(
        (&sent[0].1["owner"], &sent[0].1["policyLevel"]),
        (&json!("111111111111"), &json!("ACCOUNT_LEVEL_POLICY"))
    );
}

#[tokio::test]
async fn destinations_are_listed_by_name_and_have_tags() {
    let cloud = Cloud::with_destination().await;
    for name in ["b", "a2", "a1", "a3"] {
        let tags: Map<String> = [("team", name.to_owned())].into_iter().collect();
        let input = s::PutDestinationRequest { tags: Some(tags), ..destination(name, STREAM) };
        cloud.owner_ok::<op::PutDestination>(input).await;
    }
    let (mut names, mut token) = (Vec::new(), None);
    loop {
        let input = s::DescribeDestinationsRequest {
            destination_name_prefix: Some("a".into()),
            next_token: token,
            limit: Some(2),
        };
        let page = cloud.owner_ok::<op::DescribeDestinations>(input).await;
        names.push(
            page.destinations.unwrap().into_iter().filter_map(|one| one.destination_name).collect::<Vec<_>>(),
        );
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    assert_eq!(names, [vec!["a1", "a2"], vec!["a3"]]);
    let all = cloud.owner_ok::<op::DescribeDestinations>(Default::default()).await.destinations.unwrap();
    assert_eq!(all.len(), 5);
    assert!(cloud.ok::<op::DescribeDestinations>(Default::default()).await.destinations.unwrap().is_empty());
    let bad = s::DescribeDestinationsRequest { next_token: Some("x".into()), ..Default::default() };
    assert!(cloud.owner_err::<op::DescribeDestinations>(bad).await.contains("nextToken"));

    let arn = String::from("arn:aws:logs:us-east-1:222222222222:destination:b");
    let more: Map<String> = [("stage", String::from("test"))].into_iter().collect();
    cloud.owner_ok::<op::TagResource>(s::TagResourceRequest { resource_arn: arn.clone(), tags: more }).await;
    // Changing it leaves them.
    cloud.owner_ok::<op::PutDestination>(destination("b", STREAM)).await;
    let input = s::ListTagsForResourceRequest { resource_arn: arn };
    let tags = cloud.owner_ok::<op::ListTagsForResource>(input).await.tags.unwrap();
    let mut tags: Vec<_> = tags.iter().map(|(key, value)| (key.to_owned(), value.clone())).collect();
    tags.sort();
    assert_eq!(tags, [("stage", "test"), ("team", "b")].map(|(k, v)| (k.to_owned(), v.to_owned())));
}

#[tokio::test]
async fn an_access_policy_must_be_one() {
    let cloud = Cloud::with_destination().await;
    let long = statement(sender(), json!({"StringEquals": {"aws:PrincipalTag/a": "x".repeat(5120)}}));
    for policy in [json!({}), json!("no"), json!({"Version": "2012-10-17", "Statement": []}), long] {
        let refused = cloud.owner_err::<op::PutDestinationPolicy>(access_policy(&policy, false)).await;
        assert!(refused.starts_with("InvalidParameterException: The access policy"), "{refused}");
    }
    let nowhere = s::PutDestinationPolicyRequest {
        destination_name: "none".into(),
        ..access_policy(&statement(sender(), json!({})), false)
    };
    let refused = cloud.owner_err::<op::PutDestinationPolicy>(nowhere).await;
    assert_eq!(refused, "InvalidParameterException: The specified destination does not exist.");
    cloud.policy(sender(), json!({})).await;
    let shown = cloud.owner_ok::<op::DescribeDestinations>(Default::default()).await.destinations.unwrap();
    assert_eq!(shown[0].access_policy, Some(statement(sender(), json!({})).to_string()));
}
