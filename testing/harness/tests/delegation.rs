//! Delegated access from the request to the call: a partner asks, somebody of an account decides, the partner acts. And
//! the roles of templates. `iam_catalog` is what the operator gave.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use haneul_env::Env;
use haneul_harness::client::Failure;
use haneul_harness::{Client, Cloud};
use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::session_token::Credentials;
use haneul_sqs_wire::operations as sqs;
use haneul_sqs_wire::shapes as q;
use haneul_sts_wire::operations as sts;
use haneul_sts_wire::shapes as s;

const TEMPLATE: &str = "arn:aws:iam:::delegation-template/observe.example.com/Onboarding_2026_01_01";
const QUEUE: &str = "arn:aws:sqs:us-east-1:111122223333:delegations";
const BOUNDARY: &str =
    "arn:aws:iam::partner:policy/permissions-boundary/observe.example.com/Reader_2026_01_01";
const ALL: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}]}"#;

async fn cloud(seed: u64) -> Cloud {
    let platform = haneul_harness::cloud::platform(&Env::simulated(seed));
    platform.set_iam_catalog(&Path::new(env!("CARGO_MANIFEST_DIR")).join("iam_catalog"));
    Cloud::over(platform).await
}

fn code<T>(result: Result<T, Failure>) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(failure) => failure.code,
    }
}

fn parameter(name: &str, kind: &str, values: &[&str]) -> i::PolicyParameter {
    i::PolicyParameter {
        name: Some(name.into()),
        values: Some(values.iter().map(|value| (*value).to_owned()).collect()),
        r#type: Some(kind.into()),
    }
}

fn asking(workflow: &str) -> i::CreateDelegationRequestRequest {
    i::CreateDelegationRequestRequest {
        owner_account_id: Some("000000000000".into()),
        description: "Sets up the integration.".into(),
        permissions: i::DelegationPermission {
            policy_template_arn: Some(TEMPLATE.into()),
            parameters: Some(vec![
                parameter("accountId", "string", &["000000000000"]),
                parameter("rolePrefix", "string", &["observe-"]),
                parameter("bucketNames", "stringList", &["photos", "films"]),
            ]),
        },
        request_message: Some("Ann asked for this.".into()),
        requestor_workflow_id: workflow.into(),
        notification_channel: QUEUE.into(),
        session_duration: 3600,
        ..Default::default()
    }
}

/// A user of the default account, with a policy or none.
async fn user(cloud: &Cloud, name: &str, policy: Option<&str>) -> Client {
    let create = i::CreateUserRequest { user_name: name.into(), ..Default::default() };
    cloud.call::<iam::CreateUser>(create).await.unwrap();
    if let Some(policy) = policy {
        let put = i::PutUserPolicyRequest {
            user_name: name.into(),
            policy_name: "own".into(),
            policy_document: policy.into(),
        };
        cloud.call::<iam::PutUserPolicy>(put).await.unwrap();
    }
    let key = i::CreateAccessKeyRequest { user_name: Some(name.into()) };
    let key = cloud.call::<iam::CreateAccessKey>(key).await.unwrap().access_key;
    cloud.with_key(&key.access_key_id, &key.secret_access_key)
}

/// The partner's queue, to which IAM may send.
async fn queue(partner: &Client) -> String {
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"iam.amazonaws.com"}},"Action":"sqs:SendMessage","Resource":"{QUEUE}"}}]}}"#
    );
    let create = q::CreateQueueRequest {
        queue_name: "delegations".into(),
        attributes: Some([("Policy".to_owned(), policy)].into_iter().collect()),
        ..Default::default()
    };
    partner.call::<sqs::CreateQueue>(create).await.unwrap().queue_url.unwrap()
}

/// What has come to the queue, by state.
async fn news(cloud: &Cloud, partner: &Client, url: &str) -> BTreeMap<String, serde_json::Value> {
    cloud.settle().await;
    let mut all = BTreeMap::new();
    for _ in 0..10 {
        let receive = q::ReceiveMessageRequest {
            queue_url: url.into(),
            max_number_of_messages: Some(10),
            ..Default::default()
        };
        for message in
            partner.call::<sqs::ReceiveMessage>(receive).await.unwrap().messages.into_iter().flatten()
        {
            let body: serde_json::Value = serde_json::from_str(&message.body.unwrap()).unwrap();
            all.insert(body["state"].as_str().unwrap().to_owned(), body);
        }
    }
    all
}

async fn state(client: &Client, id: &str) -> String {
    let get = i::GetDelegationRequestRequest { delegation_request_id: id.into(), ..Default::default() };
    match client.call::<iam::GetDelegationRequest>(get).await {
        Ok(found) => found.delegation_request.unwrap().state.unwrap(),
        Err(failure) => failure.code,
    }
}

macro_rules! step {
    ($client:expr, $operation:ident, $input:ident, $id:expr) => {{
        // Some of the inputs have more members.
        let mut input = i::$input::default();
        input.delegation_request_id = $id.to_owned();
        code($client.call::<iam::$operation>(input).await)
    }};
}

async fn trade_in(client: &Client, token: &str) -> Result<Client, Failure> {
    let input = s::GetDelegatedAccessTokenRequest { trade_in_token: token.into() };
    let made = client.call::<sts::GetDelegatedAccessToken>(input).await?.credentials.unwrap();
    Ok(client.with_credentials(&Credentials {
        access_key_id: made.access_key_id,
        secret_access_key: made.secret_access_key,
        session_token: made.session_token,
        expiration: made.expiration,
    }))
}

fn role(name: &str, boundary: Option<&str>) -> i::CreateRoleRequest {
    i::CreateRoleRequest {
        role_name: name.into(),
        assume_role_policy_document: TRUST.into(),
        permissions_boundary: boundary.map(str::to_owned),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_partner_acts_with_what_was_delegated_and_no_longer_than_that() {
    let cloud = cloud(1).await;
    let partner = cloud.other_account();
    let url = queue(&partner).await;
    let (owner, admin) = (user(&cloud, "owner", None).await, user(&cloud, "admin", Some(ALL)).await);
    let made = partner.call::<iam::CreateDelegationRequest>(asking("workflow-1")).await.unwrap();
    let id = made.delegation_request_id.unwrap();
    assert_eq!(
        code(partner.call::<iam::CreateDelegationRequest>(asking("workflow-1")).await),
        "EntityAlreadyExists"
    );
    assert_eq!(code(cloud.call::<iam::CreateDelegationRequest>(asking("workflow-2")).await), "NoSuchEntity");

    // Unassigned: of the account that was named, anybody may look and take it.
    assert_eq!(state(&partner, &id).await, "AccessDenied");
    assert_eq!(state(&owner, &id).await, "UNASSIGNED");
    assert_eq!(step!(admin, AcceptDelegationRequest, AcceptDelegationRequestRequest, &id), "InvalidInput");
    assert_eq!(step!(owner, AssociateDelegationRequest, AssociateDelegationRequestRequest, &id), "ok");
    assert_eq!(
        step!(admin, AssociateDelegationRequest, AssociateDelegationRequestRequest, &id),
        "InvalidInput"
    );

    // Its owner has no permission of its own, and may look, forward and reject, but not accept.
    let get = i::GetDelegationRequestRequest {
        delegation_request_id: id.clone(),
        delegation_permission_check: Some(true),
    };
    let found = owner.call::<iam::GetDelegationRequest>(get.clone()).await.unwrap();
    assert_eq!(found.permission_check_result.as_deref(), Some("DENIED"));
    let request = found.delegation_request.unwrap();
    assert_eq!(request.owner_id.as_deref(), Some("arn:aws:iam::000000000000:user/owner"));
    assert_eq!(request.requestor_name.as_deref(), Some("Example Observability"));
    assert_eq!(request.role_permission_restriction_arns, Some(vec![BOUNDARY.to_owned()]));
    let policy: serde_json::Value = serde_json::from_str(&request.permission_policy.unwrap()).unwrap();
    assert_eq!(policy["Statement"][0]["Resource"], "arn:aws:iam::000000000000:role/observe-*");
    assert_eq!(
        policy["Statement"][1]["Resource"],
        serde_json::json!([
            "arn:aws:s3:::photos",
            "arn:aws:s3:::films",
            "arn:aws:s3:::photos/*",
            "arn:aws:s3:::films/*"
        ])
    );
    let checked = admin.call::<iam::GetDelegationRequest>(get).await.unwrap();
    assert_eq!(checked.permission_check_result.as_deref(), Some("ALLOWED"));
    let list = |owner: Option<&str>| i::ListDelegationRequestsRequest {
        owner_id: owner.map(str::to_owned),
        ..Default::default()
    };
    let own = Some("arn:aws:iam::000000000000:user/owner");
    let listed = owner.call::<iam::ListDelegationRequests>(list(own)).await.unwrap();
    assert_eq!(listed.delegation_requests.map(|all| all.len()), Some(1));
    assert_eq!(code(owner.call::<iam::ListDelegationRequests>(list(None)).await), "AccessDenied");
    let listed = admin.call::<iam::ListDelegationRequests>(list(None)).await.unwrap();
    assert_eq!(listed.delegation_requests.map(|all| all.len()), Some(1));
    assert_eq!(step!(owner, AcceptDelegationRequest, AcceptDelegationRequestRequest, &id), "AccessDenied");
    assert_eq!(step!(owner, UpdateDelegationRequest, UpdateDelegationRequestRequest, &id), "ok");
    assert_eq!(state(&owner, &id).await, "PENDING_APPROVAL");
    assert_eq!(step!(owner, SendDelegationToken, SendDelegationTokenRequest, &id), "InvalidInput");
    assert_eq!(step!(admin, AcceptDelegationRequest, AcceptDelegationRequestRequest, &id), "ok");
    assert_eq!(step!(owner, SendDelegationToken, SendDelegationTokenRequest, &id), "ok");
    assert_eq!(step!(admin, RejectDelegationRequest, RejectDelegationRequestRequest, &id), "InvalidInput");
    let news = news(&cloud, &partner, &url).await;
    assert_eq!(news.keys().collect::<Vec<_>>(), ["ACCEPTED", "ASSIGNED", "FINALIZED", "PENDING_APPROVAL"]);
    let token = news["FINALIZED"]["exchangeToken"].as_str().unwrap();
    assert!(news["ACCEPTED"].get("exchangeToken").is_none());

    // The token is the partner's alone, and gives the admin's permissions as far as the policy goes.
    assert_eq!(code(trade_in(&cloud, token).await), "AccessDenied");
    let mut changed = token.to_owned();
    changed.replace_range(20..21, if &token[20..21] == "A" { "B" } else { "A" });
    assert_eq!(code(trade_in(&partner, &changed).await), "AccessDenied");
    let delegate = trade_in(&partner, token).await.unwrap();
    let who = delegate.call::<sts::GetCallerIdentity>(Default::default()).await.unwrap();
    assert_eq!(who.arn.as_deref(), Some("arn:aws:iam::000000000000:user/admin"));
    let limited = role("observe-reader", Some(BOUNDARY));
    for (what, input, expected) in [
        ("without the boundary", role("observe-reader", None), "AccessDenied"),
        ("of another name", role("other", Some(BOUNDARY)), "AccessDenied"),
        ("as it was asked", limited, "ok"),
    ] {
        assert_eq!(code(delegate.call::<iam::CreateRole>(input).await), expected, "{what}");
    }
    assert_eq!(code(delegate.call::<iam::ListUsers>(Default::default()).await), "AccessDenied");
    assert_eq!(step!(delegate, GetDelegationRequest, GetDelegationRequestRequest, &id), "AccessDenied");

    // What the admin loses, the delegate loses at once.
    let put = i::PutUserPolicyRequest {
        user_name: "admin".into(),
        policy_name: "own".into(),
        policy_document: ALL.replace(r#""Allow""#, r#""Deny""#),
    };
    cloud.call::<iam::PutUserPolicy>(put.clone()).await.unwrap();
    let again = role("observe-second", Some(BOUNDARY));
    assert_eq!(code(delegate.call::<iam::CreateRole>(again.clone()).await), "AccessDenied");
    cloud
        .call::<iam::PutUserPolicy>(i::PutUserPolicyRequest { policy_document: ALL.into(), ..put })
        .await
        .unwrap();
    assert_eq!(code(delegate.call::<iam::CreateRole>(again.clone()).await), "ok");

    // An hour from the sending, both end, whenever the token was traded in.
    cloud.env.clock.advance(Duration::from_secs(1800));
    let late = trade_in(&partner, token).await.unwrap();
    cloud.env.clock.advance(Duration::from_secs(1801));
    for client in [&delegate, &late] {
        assert_eq!(code(client.call::<iam::CreateRole>(again.clone()).await), "ExpiredToken");
    }
    assert_eq!(code(trade_in(&partner, token).await), "ExpiredTradeInTokenException");
    assert_eq!(state(&admin, &id).await, "FINALIZED");
    cloud.env.clock.advance(Duration::from_secs(7 * 24 * 3600));
    assert_eq!(state(&admin, &id).await, "EXPIRED");
}

#[tokio::test]
async fn requests_are_made_of_what_was_registered() {
    let cloud = cloud(2).await;
    let partner = cloud.other_account();
    let with = |change: fn(&mut i::CreateDelegationRequestRequest)| {
        let mut input = asking("workflow-1");
        change(&mut input);
        input
    };
    fn parameters(input: &mut i::CreateDelegationRequestRequest) -> &mut Vec<i::PolicyParameter> {
        input.permissions.parameters.as_mut().unwrap()
    }
    for (what, input, expected) in [
        (
            "an unknown template",
            with(|of| of.permissions.policy_template_arn = Some(TEMPLATE.replace("2026", "2027"))),
            "NoSuchEntity",
        ),
        ("no template", with(|of| of.permissions.policy_template_arn = None), "NoSuchEntity"),
        (
            "another queue",
            with(|of| of.notification_channel = QUEUE.replace("delegations", "other")),
            "InvalidInput",
        ),
        ("a topic", with(|of| of.notification_channel = QUEUE.replace("sqs", "sns")), "InvalidInput"),
        ("a parameter too few", with(|of| drop(parameters(of).pop())), "InvalidInput"),
        (
            "a parameter too many",
            with(|of| parameters(of).push(parameter("other", "string", &["x"]))),
            "InvalidInput",
        ),
        (
            "a parameter twice",
            with(|of| parameters(of).push(parameter("rolePrefix", "string", &["x"]))),
            "InvalidInput",
        ),
        ("of another type", with(|of| parameters(of)[0].r#type = Some("stringList".into())), "InvalidInput"),
        (
            "two values",
            with(|of| parameters(of)[0].values = Some(vec!["1".into(), "2".into()])),
            "InvalidInput",
        ),
        ("an empty list", with(|of| parameters(of)[2].values = Some(vec![])), "InvalidInput"),
        ("too long", with(|of| parameters(of)[2].values = Some(vec!["b".repeat(60); 30])), "InvalidInput"),
        ("no policy", with(|of| parameters(of)[0].values = Some(vec![":".into()])), "InvalidInput"),
        ("too short a session", with(|of| of.session_duration = 299), "ValidationError"),
        ("too long a session", with(|of| of.session_duration = 43_201), "ValidationError"),
        ("as it should be", with(|_| {}), "ok"),
    ] {
        assert_eq!(code(partner.call::<iam::CreateDelegationRequest>(input).await), expected, "{what}");
    }
}

#[tokio::test]
async fn the_ways_of_a_request() {
    let cloud = cloud(3).await;
    let partner = cloud.other_account();
    let (owner, admin) = (user(&cloud, "owner", None).await, user(&cloud, "admin", Some(ALL)).await);
    let ask = async |input: i::CreateDelegationRequestRequest| {
        partner.call::<iam::CreateDelegationRequest>(input).await.unwrap().delegation_request_id.unwrap()
    };
    // Of nobody: whoever comes first has it, of whatever account.
    let open =
        ask(i::CreateDelegationRequestRequest { owner_account_id: None, ..asking("any-account") }).await;
    assert_eq!(state(&partner, &open).await, "UNASSIGNED");
    assert_eq!(step!(owner, AssociateDelegationRequest, AssociateDelegationRequestRequest, &open), "ok");
    assert_eq!(state(&partner, &open).await, "AccessDenied");
    // Taken back after it was accepted, before it was sent.
    assert_eq!(step!(admin, AcceptDelegationRequest, AcceptDelegationRequestRequest, &open), "ok");
    assert_eq!(step!(owner, RejectDelegationRequest, RejectDelegationRequestRequest, &open), "ok");
    assert_eq!(step!(admin, SendDelegationToken, SendDelegationTokenRequest, &open), "InvalidInput");
    assert_eq!(step!(owner, UpdateDelegationRequest, UpdateDelegationRequestRequest, &open), "InvalidInput");
    assert_eq!(step!(admin, AcceptDelegationRequest, AcceptDelegationRequestRequest, &open), "InvalidInput");

    // Only the owner sends, where the partner wants that.
    let own =
        ask(i::CreateDelegationRequestRequest { only_send_by_owner: Some(true), ..asking("by-owner") }).await;
    assert_eq!(step!(owner, AssociateDelegationRequest, AssociateDelegationRequestRequest, &own), "ok");
    assert_eq!(step!(admin, AcceptDelegationRequest, AcceptDelegationRequestRequest, &own), "ok");
    assert_eq!(step!(admin, SendDelegationToken, SendDelegationTokenRequest, &own), "AccessDenied");
    assert_eq!(step!(owner, SendDelegationToken, SendDelegationTokenRequest, &own), "ok");

    // Root accepts four hours, not five.
    for (secs, expected) in [(4 * 3600, "ok"), (5 * 3600, "AccessDenied")] {
        let workflow = format!("root-{secs}");
        let id = ask(i::CreateDelegationRequestRequest { session_duration: secs, ..asking(&workflow) }).await;
        assert_eq!(step!(cloud, AssociateDelegationRequest, AssociateDelegationRequestRequest, &id), "ok");
        assert_eq!(step!(cloud, AcceptDelegationRequest, AcceptDelegationRequestRequest, &id), expected);
    }

    // By the clock.
    let waits = ask(asking("waits")).await;
    cloud.env.clock.advance(Duration::from_secs(24 * 3600));
    assert_eq!(state(&owner, &waits).await, "EXPIRED");
    assert_eq!(
        step!(owner, AssociateDelegationRequest, AssociateDelegationRequestRequest, &waits),
        "InvalidInput"
    );
    assert_eq!(
        step!(owner, GetDelegationRequest, GetDelegationRequestRequest, "0000000000000000"),
        "NoSuchEntity"
    );
    let again = asking("waits");
    assert_eq!(
        code(partner.call::<iam::CreateDelegationRequest>(again.clone()).await),
        "EntityAlreadyExists"
    );
    cloud.env.clock.advance(Duration::from_secs(31 * 24 * 3600));
    assert_eq!(code(partner.call::<iam::CreateDelegationRequest>(again).await), "ok");
    assert_eq!(state(&owner, &waits).await, "NoSuchEntity");
}

#[tokio::test]
async fn a_request_in_words() {
    let cloud = cloud(4).await;
    let partner = cloud.other_account();
    let made = partner.call::<iam::CreateDelegationRequest>(asking("workflow-1")).await.unwrap();
    let arn = format!("arn:aws:iam::000000000000:delegation-request/{}", made.delegation_request_id.unwrap());
    let ask = |locale: Option<&str>, arn: &str| i::GetHumanReadableSummaryRequest {
        entity_arn: arn.into(),
        locale: locale.map(str::to_owned),
    };
    for (locale, has) in
        [(None, "May use s3:ListBucket, s3:GetObject"), (Some("ko-KR"), "허용"), (Some("en_US"), "1 h 0 min")]
    {
        let found = cloud.call::<iam::GetHumanReadableSummary>(ask(locale, &arn)).await.unwrap();
        assert_eq!(found.summary_state.as_deref(), Some("AVAILABLE"));
        let text = found.summary_content.unwrap();
        assert!(text.contains(has) && text.contains(BOUNDARY), "{text}");
    }
    let found = cloud.call::<iam::GetHumanReadableSummary>(ask(Some("fr"), &arn)).await.unwrap();
    assert_eq!((found.summary_state.as_deref(), found.summary_content), (Some("NOT_SUPPORTED"), None));
    for (arn, expected) in [
        ("arn:aws:iam::000000000000:role/some", "InvalidInput"),
        ("arn:aws:iam::000000000000:delegation-request/none-of-that-name", "NoSuchEntity"),
    ] {
        assert_eq!(code(cloud.call::<iam::GetHumanReadableSummary>(ask(None, arn)).await), expected);
    }
    assert_eq!(code(partner.call::<iam::GetHumanReadableSummary>(ask(None, &arn)).await), "AccessDenied");
}

#[tokio::test]
async fn roles_of_templates() {
    let cloud = cloud(5).await;
    let template = "arn:aws:iam::aws:role-template/example/Logger";
    let acquire = |values: &[(&str, &[&str])]| i::AcquireRoleRequest {
        template_arn: template.into(),
        template_minor_version: None,
        replacement_values: Some(
            values
                .iter()
                .map(|(name, texts)| {
                    let values = texts.iter().map(|text| (*text).to_owned()).collect();
                    ((*name).to_owned(), i::ReplacementValueEntry { values })
                })
                .collect(),
        ),
    };
    let version = i::GetRoleTemplateVersionRequest { template_arn: template.into(), minor_version: None };
    let version = cloud.call::<iam::GetRoleTemplateVersion>(version).await.unwrap().role_template_version;
    assert_eq!((version.minor_version, version.role_name_pattern.as_deref()), (Some(1), Some("@{RoleName}")));
    assert_eq!(version.parameters_definition.map(|all| all.len()), Some(3));

    let named = acquire(&[("RoleName", &["logger"]), ("Buckets", &["a", "b"])]);
    let made = cloud.call::<iam::AcquireRole>(named.clone()).await.unwrap().role;
    assert_eq!(made.arn, "arn:aws:iam::000000000000:role/service-role/logger");
    assert_eq!(
        (made.max_session_duration, made.description.as_deref()),
        (Some(7200), Some("Writes the log of logger."))
    );
    assert_eq!(made.source_role_template.as_ref().map(|of| of.template_minor_version), Some(1));
    assert_eq!(made.tags.as_ref().map(|tags| tags[0].value.as_str()), Some("30"));
    let again = cloud.call::<iam::AcquireRole>(named.clone()).await.unwrap().role;
    assert_eq!(again.role_id, made.role_id, "the same again");
    let inline = i::GetRolePolicyRequest { role_name: "logger".into(), policy_name: "read".into() };
    let inline = cloud.call::<iam::GetRolePolicy>(inline).await.unwrap().policy_document;
    assert!(inline.contains("a%2F%2A%22%2C%22arn%3Aaws%3As3%3A%3A%3Ab"), "{inline}");
    let attached = i::ListAttachedRolePoliciesRequest { role_name: "logger".into(), ..Default::default() };
    let attached = cloud.call::<iam::ListAttachedRolePolicies>(attached).await.unwrap().attached_policies;
    assert_eq!(attached.map(|all| all.len()), Some(1));
    cloud.call::<iam::CreateRole>(role("taken", None)).await.unwrap();

    for (what, input, expected) in [
        ("other values", acquire(&[("RoleName", &["logger"])]), "EntityAlreadyExists"),
        ("a role of somebody else's", acquire(&[("RoleName", &["taken"])]), "NameConflict"),
        ("nothing where something is required", acquire(&[]), "InvalidInput"),
        ("an unknown parameter", acquire(&[("RoleName", &["a"]), ("Other", &["b"])]), "InvalidInput"),
        ("no number", acquire(&[("RoleName", &["a"]), ("Retention", &["long"])]), "InvalidInput"),
        ("a bad name", acquire(&[("RoleName", &["a b"])]), "InvalidInput"),
        ("two names", acquire(&[("RoleName", &["a", "b"])]), "InvalidInput"),
        (
            "a disabled version",
            i::AcquireRoleRequest { template_minor_version: Some(0), ..acquire(&[("RoleName", &["a"])]) },
            "RoleTemplateDisabled",
        ),
        (
            "an unknown version",
            i::AcquireRoleRequest { template_minor_version: Some(7), ..named.clone() },
            "NoSuchEntity",
        ),
        (
            "an unknown template",
            i::AcquireRoleRequest { template_arn: format!("{template}2"), ..named.clone() },
            "NoSuchEntity",
        ),
    ] {
        assert_eq!(code(cloud.call::<iam::AcquireRole>(input).await), expected, "{what}");
    }

    // Each underlying action is asked for.
    let allow = |actions: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":[{actions}],"Resource":"*"}}]}}"#
        )
    };
    let made_by = |name: &'static str| acquire(&[("RoleName", &[name])]);
    for (who, actions, new, old) in [
        ("none", r#""s3:*""#, "AccessDenied", "AccessDenied"),
        ("reader", r#""iam:GetRole""#, "AccessDenied", "ok"),
        ("half", r#""iam:CreateRole","iam:TagRole","iam:PutRolePolicy""#, "AccessDenied", "AccessDenied"),
        (
            "maker",
            r#""iam:CreateRole","iam:TagRole","iam:PutRolePolicy","iam:AttachRolePolicy""#,
            "ok",
            "AccessDenied",
        ),
    ] {
        let client = user(&cloud, who, Some(&allow(actions))).await;
        assert_eq!(code(client.call::<iam::AcquireRole>(made_by("fresh")).await), new, "{who}");
        assert_eq!(code(client.call::<iam::AcquireRole>(named.clone()).await), old, "{who}");
    }
}
