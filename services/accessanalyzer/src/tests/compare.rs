//! The three checks, as data; and against the evaluator, that PASS is never wrong.

use haneul_policy::{Attached, Context, Inputs, Policy, Principal, Request, Rules, decide};
use proptest::prelude::*;

use crate::compare::checks::{Access, granted, new_access, public};
use crate::compare::statement::statements;

fn policy(list: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{list}]}}"#)
}

#[test]
fn new_access_is_found() {
    let a = |action: &str, resource: &str, more: &str| {
        format!(r#"{{"Effect":"Allow","Action":{action},"Resource":{resource}{more}}}"#)
    };
    let d = |action: &str, resource: &str, more: &str| {
        format!(r#"{{"Effect":"Deny","Action":{action},"Resource":{resource}{more}}}"#)
    };
    let (get, all_s3, any, b) = (r#""s3:GetObject""#, r#""s3:*""#, r#""*""#, r#""arn:aws:s3:::b/*""#);
    let mfa = r#","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#;
    let cases = [
        (a(get, any, ""), a(all_s3, any, ""), true),
        (a(all_s3, any, ""), a(get, any, ""), false),
        (a(get, b, ""), a(get, any, ""), true),
        (a(get, any, ""), a(get, b, ""), false),
        (a(get, any, mfa), a(get, any, ""), true),
        (a(get, any, ""), a(get, any, mfa), false),
        (a(get, any, mfa), a(get, any, mfa), true),
        // A deny that goes away is new access.
        (a(get, any, ""), format!("{},{}", a(get, any, ""), d(get, b, "")), false),
        (format!("{},{}", a(get, any, ""), d(get, any, "")), a(get, b, ""), true),
        (
            format!("{},{}", a(get, any, ""), d(all_s3, b, "")),
            format!("{},{}", a(get, any, ""), d(get, b, "")),
            true,
        ),
        (
            a(r#"["s3:GetObject","sqs:SendMessage"]"#, any, ""),
            format!("{},{}", a(get, any, ""), a(r#""sqs:*""#, any, "")),
            true,
        ),
        (
            r#"{"Effect":"Allow","NotAction":["iam:*","s3:*"],"Resource":"*"}"#.to_owned(),
            r#"{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}"#.to_owned(),
            true,
        ),
        (
            r#"{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}"#.to_owned(),
            r#"{"Effect":"Allow","NotAction":["iam:*","s3:*"],"Resource":"*"}"#.to_owned(),
            false,
        ),
        (
            a(r#""s3:GetObject""#, any, ""),
            r#"{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}"#.to_owned(),
            true,
        ),
    ];
    for (new, existing, pass) in cases {
        let reasons = new_access(&statements(&policy(&new)), &statements(&policy(&existing)));
        assert_eq!(reasons.is_empty(), pass, "{new} against {existing}");
    }
}

#[test]
fn granted_access_is_found() {
    let cases = [
        (r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#, "s3:DeleteObject", "", false),
        (r#"{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}"#, "s3:DeleteObject", "", true),
        (
            r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Action":"s3:Delete*","Resource":"*"}"#,
            "s3:DeleteObject",
            "",
            true,
        ),
        (
            r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"},{"Effect":"Deny","Action":"s3:Delete*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}"#,
            "s3:DeleteObject",
            "",
            false,
        ),
        (
            r#"{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::a/*"}"#,
            "s3:DeleteObject",
            "arn:aws:s3:::b/*",
            true,
        ),
        (r#"{"Effect":"Allow","NotAction":"s3:*","Resource":"*"}"#, "s3:DeleteObject", "", true),
        (r#"{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}"#, "s3:DeleteObject", "", false),
        (
            r#"{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::b/*"}"#,
            "s3:DeleteObject",
            "arn:aws:s3:::b/secret",
            true,
        ),
        (r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#, "", "arn:aws:s3:::b", false),
    ];
    for (list, action, resource, pass) in cases {
        let some = |text: &str| if text.is_empty() { Vec::new() } else { vec![text.to_owned()] };
        let access = Access { actions: some(action), resources: some(resource) };
        let reasons = granted(&statements(&policy(list)), &[access]);
        assert_eq!(reasons.is_empty(), pass, "{list} {action} {resource}");
    }
}

#[test]
fn public_access_is_found() {
    let allow = |principal: &str, condition: &str| {
        format!(
            r#"{{"Effect":"Allow","Principal":{principal},"Action":"s3:GetObject","Resource":"*"{condition}}}"#
        )
    };
    let when = |text: &str| format!(r#","Condition":{text}"#);
    let cases = [
        (allow(r#""*""#, ""), false),
        (allow(r#"{"AWS":"*"}"#, ""), false),
        (allow(r#"{"AWS":"123456789012"}"#, ""), true),
        (allow(r#"{"Service":"sns.amazonaws.com"}"#, ""), true),
        (allow(r#""*""#, &when(r#"{"StringEquals":{"aws:PrincipalOrgID":"o-1234567890"}}"#)), true),
        (allow(r#""*""#, &when(r#"{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-1234567890"}}"#)), false),
        (allow(r#""*""#, &when(r#"{"StringNotEquals":{"aws:PrincipalOrgID":"o-1234567890"}}"#)), false),
        (allow(r#""*""#, &when(r#"{"StringLike":{"aws:PrincipalOrgID":"o-*"}}"#)), false),
        (allow(r#""*""#, &when(r#"{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}"#)), false),
        (allow(r#""*""#, &when(r#"{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#)), true),
        (allow(r#""*""#, &when(r#"{"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:123456789012:*"}}"#)), true),
        (allow(r#""*""#, &when(r#"{"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:*"}}"#)), false),
        (allow(r#""*""#, &when(r#"{"Bool":{"aws:SecureTransport":"true"}}"#)), false),
        (
            r#"{"Effect":"Allow","NotPrincipal":{"AWS":"123456789012"},"Action":"s3:*","Resource":"*"}"#
                .to_owned(),
            false,
        ),
        (
            format!(
                r#"{},{{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}}"#,
                allow(r#""*""#, "")
            ),
            true,
        ),
        (
            format!(
                r#"{},{{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{{"StringNotEquals":{{"aws:PrincipalOrgID":"o-1234567890"}}}}}}"#,
                allow(r#""*""#, "")
            ),
            true,
        ),
        (
            format!(
                r#"{},{{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{{"StringNotEqualsIfExists":{{"aws:PrincipalOrgID":"o-1234567890"}}}}}}"#,
                allow(r#""*""#, "")
            ),
            false,
        ),
        (allow(r#"{"Federated":"accounts.google.com"}"#, ""), false),
        (
            allow(
                r#"{"Federated":"accounts.google.com"}"#,
                &when(r#"{"StringEquals":{"accounts.google.com:aud":"app"}}"#),
            ),
            true,
        ),
    ];
    for (list, pass) in cases {
        assert_eq!(public(&statements(&policy(&list))).is_empty(), pass, "{list}");
    }
}

fn statement() -> impl Strategy<Value = String> {
    let actions =
        prop::sample::select(vec!["s3:GetObject", "s3:Get*", "s3:*", "*", "s3:PutObject", "s3:?etObject"]);
    let resources = prop::sample::select(vec![
        "*",
        "arn:aws:s3:::a/*",
        "arn:aws:s3:::b/*",
        "arn:aws:s3:::a/x",
        "arn:aws:s3:::?/x",
    ]);
    let conditions = prop::sample::select(vec![
        "",
        r#","Condition":{"StringEquals":{"aws:username":"ann"}}"#,
        r#","Condition":{"StringEquals":{"aws:username":["ann","bob"]}}"#,
        r#","Condition":{"StringLike":{"aws:username":"a*"}}"#,
        r#","Condition":{"StringNotEquals":{"aws:username":"ann"}}"#,
        r#","Condition":{"StringEqualsIfExists":{"aws:username":"ann"}}"#,
        r#","Condition":{"NumericLessThan":{"aws:MultiFactorAuthAge":"100"}}"#,
        r#","Condition":{"NumericLessThanEquals":{"aws:MultiFactorAuthAge":"50"}}"#,
    ]);
    (any::<bool>(), any::<bool>(), any::<bool>(), actions, resources, conditions).prop_map(
        |(deny, not_action, not_resource, action, resource, condition)| {
            let effect = if deny { "Deny" } else { "Allow" };
            let (a, r) = (
                if not_action { "NotAction" } else { "Action" },
                if not_resource { "NotResource" } else { "Resource" },
            );
            format!(r#"{{"Effect":"{effect}","{a}":"{action}","{r}":"{resource}"{condition}}}"#)
        },
    )
}

fn parsed(document: &str) -> Policy {
    let rules = Rules { strict_arns: false, ..Rules::IDENTITY };
    Policy::parse(document, &rules).unwrap()
}

fn allows(policy: &Policy, action: &str, resource: &str, user: Option<&str>, age: Option<&str>) -> bool {
    let principal = Principal::user("arn:aws:iam::123456789012:user/x");
    let mut context = Context::new();
    if let Some(user) = user {
        context.set("aws:username", user);
    }
    if let Some(age) = age {
        context.set("aws:MultiFactorAuthAge", age);
    }
    let request =
        Request { principal: &principal, action, resource, resource_account: None, context: &context };
    let identity = [Attached { name: "p", arn: None, policy }];
    decide(&request, &Inputs { identity: &identity, ..Inputs::default() }).is_allowed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// When the check passes, no request of many is let in by the new policy that the existing one keeps out.
    #[test]
    fn pass_is_never_wrong(
        new in prop::collection::vec(statement(), 1..4),
        existing in prop::collection::vec(statement(), 1..4),
    ) {
        let (new, existing) = (policy(&new.join(",")), policy(&existing.join(",")));
        let (after, before) = (parsed(&new), parsed(&existing));
        let no_new = new_access(&statements(&new), &statements(&existing)).is_empty();
        for action in ["s3:GetObject", "s3:PutObject", "s3:SetObject", "sqs:SendMessage"] {
            let access = Access { actions: vec![action.to_owned()], resources: Vec::new() };
            let ungranted = granted(&statements(&new), &[access]).is_empty();
            for resource in ["arn:aws:s3:::a/x", "arn:aws:s3:::a/y", "arn:aws:s3:::b/x", "arn:aws:s3:::cc/z"] {
                for user in [None, Some("ann"), Some("bob"), Some("al")] {
                    for age in [None, Some("50"), Some("99"), Some("100")] {
                        let by_new = allows(&after, action, resource, user, age);
                        if no_new && by_new {
                            let known = allows(&before, action, resource, user, age);
                            prop_assert!(known, "{action} {resource} {user:?} {age:?}: {new} against {existing}");
                        }
                        prop_assert!(!(ungranted && by_new), "{action} {resource}: {new}");
                    }
                }
            }
        }
    }
}
