//! Whole decisions, as data: every group in `tests/cases` names the page it is from, and may hold policies that
//! its cases refer to by name.
//!
//! Shorthands of the files: a principal is `user:bob`, `user:bob@ACCOUNT`, `root`, `role:NAME/SESSION`,
//! `federated:NAME` (made by `user:bob`), `service:NAME`, `idp:NAME` or `anonymous`; an omitted account is
//! 111122223333; a policy is a statement, a list of them, a whole document, or the name of one; its version is
//! 2012-10-17 unless given, and `null` leaves it out.
//!
//! A group with `verified` was compared with the text of its page in that month: the page (and its section) had that
//! name, and its text gives each decision. `retired` says that the text was an earlier edition, of a page or section
//! that newer editions of the guide lack. The decisions of a group without `verified` are ours: the page leaves them open.

use haneul_policy::{
    Attached, Context, Decision, Detail, Inputs, Level, Policy, PolicyType, Principal, Reason, Request,
    ResourceMode, Rules, decide, denial_message, explain,
};
use serde_json::{Value, json};

const ACCOUNT: &str = "111122223333";

#[test]
fn decisions() {
    let (mut count, mut verified) = (0, 0);
    let mut failures = Vec::new();
    let mut names = std::collections::HashSet::new();
    for (file, text) in [
        ("single_account.json", include_str!("cases/single_account.json")),
        ("elements.json", include_str!("cases/elements.json")),
        ("principals.json", include_str!("cases/principals.json")),
        ("cross_account.json", include_str!("cases/cross_account.json")),
        ("ceilings.json", include_str!("cases/ceilings.json")),
        ("global_keys.json", include_str!("cases/global_keys.json")),
        ("global_keys_by_effect.json", include_str!("cases/global_keys_by_effect.json")),
        ("examples_iam.json", include_str!("cases/examples_iam.json")),
        ("examples_services.json", include_str!("cases/examples_services.json")),
        ("examples_organizations.json", include_str!("cases/examples_organizations.json")),
    ] {
        let file_json: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{file}: {e}"));
        for group in file_json["groups"].as_array().unwrap() {
            let page = group["page"].as_str().expect("a page");
            assert!(is_page(page), "{file}: {page} is no page of AWS's documentation");
            let is_verified = is_verified(group).unwrap_or_else(|e| panic!("{file}: {page}: {e}"));
            for case in group["cases"].as_array().unwrap() {
                let name = format!("{file}: {page}: {}", case["name"].as_str().expect("a name"));
                assert!(names.insert(name.clone()), "{name} twice");
                run(&name, &group["shared"], case, &mut failures);
                count += 1;
                verified += usize::from(is_verified);
            }
        }
    }
    assert!(failures.is_empty(), "{} of {count}:\n{}", failures.len(), failures.join("\n"));
    assert!(count >= 1100, "only {count} cases");
    assert!(verified >= 1100, "only {verified} verified cases");
}

/// Whether the group says that it was compared with its page, and when; or what is wrong with how it says so.
fn is_verified(group: &Value) -> Result<bool, String> {
    let members = ["page", "verified", "retired", "shared", "cases"];
    if let Some(other) = group.as_object().unwrap().keys().find(|key| !members.contains(&key.as_str())) {
        return Err(format!("{other} is no member of a group"));
    }
    match (&group["verified"], &group["retired"]) {
        (Value::Null, Value::Null) => Ok(false),
        (Value::String(month), Value::Null | Value::Bool(true)) if is_month(month) => Ok(true),
        (month, retired) => Err(format!("verified {month}, retired {retired}")),
    }
}

/// `2026-11`.
fn is_month(text: &str) -> bool {
    let number = |digits: &str, len: usize| {
        (digits.len() == len && digits.bytes().all(|b| b.is_ascii_digit()))
            .then(|| digits.parse::<u32>().ok())
            .flatten()
    };
    text.split_once('-').is_some_and(|(year, month)| {
        number(year, 4).is_some_and(|y| y >= 2026) && number(month, 2).is_some_and(|m| (1..=12).contains(&m))
    })
}

#[test]
fn how_a_group_says_that_it_is_verified() {
    for (group, expected) in [
        (json!({"page": "p"}), Some(false)),
        (json!({"page": "p", "verified": "2026-11"}), Some(true)),
        (json!({"page": "p", "verified": "2026-11", "retired": true}), Some(true)),
        (json!({"page": "p", "retired": true}), None),
        (json!({"page": "p", "verified": "2026-11", "retired": false}), None),
        (json!({"page": "p", "verified": "2026-13"}), None),
        (json!({"page": "p", "verified": "26-11"}), None),
        (json!({"page": "p", "verified": "2026-1"}), None),
        (json!({"page": "p", "verified": true}), None),
        (json!({"page": "p", "verifed": "2026-11"}), None),
    ] {
        assert_eq!(is_verified(&group).ok(), expected, "{group}");
    }
}

/// `guide/version/userguide/page.html#section`, under docs.aws.amazon.com; of the IAM User Guide the page alone.
fn is_page(page: &str) -> bool {
    let (path, section) = page.split_once('#').unwrap_or((page, "x"));
    let named = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    path.ends_with(".html")
        && named(section)
        && path.split('/').all(named)
        && matches!(path.split('/').count(), 1 | 3 | 4)
}

fn run(name: &str, shared: &Value, case: &Value, failures: &mut Vec<String>) {
    let field = |key: &str| if case[key].is_null() { &shared[key] } else { &case[key] };
    let principal = principal(field("principal").as_str().unwrap_or("user:bob"));
    let mut context = Context::new();
    principal.describe(&mut context);
    for (key, value) in field("context").as_object().into_iter().flatten() {
        match value {
            Value::String(one) => context.set(key, one.as_str()),
            Value::Array(many) => context.set_many(key, many.iter().map(|v| v.as_str().unwrap())),
            _ => panic!("{name}: context {key}"),
        };
    }
    let request = Request {
        principal: &principal,
        action: field("action").as_str().unwrap_or("s3:GetObject"),
        resource: field("resource").as_str().unwrap_or("arn:aws:s3:::bucket/key"),
        resource_account: Some(field("resource_account").as_str().unwrap_or(ACCOUNT)),
        context: &context,
    };
    let mode = match field("mode").as_str() {
        None | Some("union") => ResourceMode::Union,
        Some("required") => ResourceMode::Required,
        Some("trust") => ResourceMode::RoleTrust,
        Some(other) => panic!("{name}: mode {other}"),
    };
    let resource_rules = match mode {
        ResourceMode::RoleTrust => Rules::TRUST,
        _ => Rules::RESOURCE,
    };
    let list = |key: &str, rules: &Rules| policies(name, shared, field(key), rules);
    let identity = list("identity", &Rules::IDENTITY);
    let resource = list("resource_policy", &resource_rules);
    let boundary = list("boundary", &Rules::PERMISSIONS_BOUNDARY);
    let session = list("session", &Rules::SESSION);
    let delegation = list("delegation", &Rules::SESSION);
    let endpoint = list("vpc_endpoint", &Rules::VPC_ENDPOINT);
    let levels = |key: &str, rules: &Rules| -> Vec<Vec<(String, Policy)>> {
        field(key)
            .as_array()
            .into_iter()
            .flatten()
            .map(|level| policies(name, shared, level, rules))
            .collect()
    };
    let scps = levels("scps", &Rules::SCP);
    // As a resource policy, so that AWS's own `Allow` can be among them.
    let rcps = levels("rcps", &Rules::RESOURCE);
    let (identity, resource, session) = (attach(&identity), attach(&resource), attach(&session));
    let scps: Vec<Vec<Attached<'_>>> = scps.iter().map(|l| attach(l)).collect();
    let rcps: Vec<Vec<Attached<'_>>> = rcps.iter().map(|l| attach(l)).collect();
    let scps: Vec<Level<'_>> = scps.iter().map(Vec::as_slice).collect();
    let rcps: Vec<Level<'_>> = rcps.iter().map(Vec::as_slice).collect();
    let inputs = Inputs {
        identity: &identity,
        resource: &resource,
        resource_mode: mode,
        boundary: attach(&boundary).first().copied(),
        session: (!field("session").is_null()).then_some(session.as_slice()),
        delegation: attach(&delegation).first().copied(),
        scps: &scps,
        rcps: &rcps,
        vpc_endpoint: attach(&endpoint).first().copied(),
    };
    let decision = decide(&request, &inputs);
    let expected = field("expect").as_str().unwrap_or_else(|| panic!("{name}: no expectation"));
    let mut check = |what: &str, found: String, expected: &str| {
        if found != expected {
            failures.push(format!("{name}: {what} is {found}, expected {expected}"));
        }
    };
    check("decision", summary(&decision), expected);
    let explained = explain(&request, &inputs);
    check("explained effect", explained.effect.as_str().into(), decision.effect.as_str());
    if !case["matched"].is_null() {
        let sids: Vec<_> = explained.matched.iter().map(|m| json!(m.statement.sid())).collect();
        check("matched", json!(sids).to_string(), &case["matched"].to_string());
    }
    if let Some(message) = case["message"].as_str() {
        check("message", denial_message(&request, &decision, Detail::PolicyType), message);
    }
}

/// `allow`, `deny TYPE` (explicit) or `no TYPE` (implicit).
fn summary(decision: &Decision<'_>) -> String {
    let word = |policy_type| match policy_type {
        PolicyType::ResourceControl => "rcp",
        PolicyType::ServiceControl => "scp",
        PolicyType::VpcEndpoint => "endpoint",
        PolicyType::Resource => "resource",
        PolicyType::RoleTrust => "trust",
        PolicyType::Identity => "identity",
        PolicyType::PermissionsBoundary => "boundary",
        PolicyType::Session => "session",
    };
    match decision.reason {
        Reason::Allowed => "allow".into(),
        Reason::ExplicitDeny(matched) => format!("deny {}", word(matched.policy_type)),
        Reason::ImplicitDeny(policy_type) => format!("no {}", word(policy_type)),
    }
}

fn principal(text: &str) -> Principal {
    let (kind, name) = text.split_once(':').unwrap_or((text, ""));
    let (name, account) = name.split_once('@').unwrap_or((name, ACCOUNT));
    match kind {
        "root" => Principal::root(if name.is_empty() { account } else { name }),
        "user" => {
            let mut user = Principal::user(&format!("arn:aws:iam::{account}:user/{name}"));
            user.unique_id = Some("AIDAEXAMPLE0000000001".into());
            user.canonical_user_id = Some(format!("canonical{account}"));
            user
        }
        "role" => {
            let (role, session) = name.rsplit_once('/').unwrap();
            let mut role = Principal::role_session(&format!("arn:aws:iam::{account}:role/{role}"), session);
            role.unique_id = Some("AROAEXAMPLE0000000001".into());
            role
        }
        "federated" => Principal::federated_user(&format!("arn:aws:iam::{account}:user/bob"), name),
        "federated-root" => Principal::federated_user(&format!("arn:aws:iam::{account}:root"), name),
        "service" => Principal::service(name),
        "idp" => Principal::federated(name),
        "anonymous" => Principal::anonymous(),
        _ => panic!("principal {text}"),
    }
}

fn attach(policies: &[(String, Policy)]) -> Vec<Attached<'_>> {
    policies.iter().map(|(name, policy)| Attached { name, arn: None, policy }).collect()
}

/// One policy, or several: a list whose items are names or documents is several policies, a list of statements
/// is one.
fn policies(name: &str, shared: &Value, value: &Value, rules: &Rules) -> Vec<(String, Policy)> {
    let many = match value {
        Value::Null => return Vec::new(),
        Value::Array(items) if items.is_empty() => return Vec::new(),
        Value::Array(items) if items.iter().all(|i| i.is_string() || !i["Statement"].is_null()) => {
            items.clone()
        }
        one => vec![one.clone()],
    };
    many.iter()
        .enumerate()
        .map(|(at, value)| {
            let value = match value {
                Value::String(reference) => &shared["policies"][reference],
                value => value,
            };
            assert!(!value.is_null(), "{name}: no such policy");
            let document = match (value.get("Statement"), value.get("Version")) {
                (None, _) => json!({"Version": "2012-10-17", "Statement": value}),
                (Some(statement), None) => json!({"Version": "2012-10-17", "Statement": statement}),
                // To leave the version out.
                (Some(statement), Some(Value::Null)) => json!({ "Statement": statement }),
                (Some(_), Some(_)) => value.clone(),
            };
            let policy = Policy::parse(&document.to_string(), rules)
                .unwrap_or_else(|e| panic!("{name}: {document}: {} at {}", e, e.path));
            (format!("p{at}"), policy)
        })
        .collect()
}
