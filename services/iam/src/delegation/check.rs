//! Whether somebody has the permissions that a request asks for: the evaluator is asked for each action and resource as
//! they stand in the policy, wildcards and all. That is approximate, as AWS's answer is, but never too kind: what cannot be
//! told for certain is UNSURE.

use haneul_iam_wire::values::permission_check_result_type as wire;
use haneul_kit::directory::{NamedPolicy, PrincipalPolicies};
use haneul_kit::{Caller, Policy, Principal as KitPrincipal};
use haneul_policy::{
    Attached, Context, Effect, Inputs, Level, PolicyType, Principal, Reason, Request, Statement, explain,
};

/// Pairs of action and resource that are looked at; no policy of a request has more.
const PAIRS_MAX: usize = 2500;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Answer {
    Allowed,
    Unsure,
    Denied,
}

impl Answer {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Answer::Allowed => wire::ALLOWED,
            Answer::Unsure => wire::UNSURE,
            Answer::Denied => wire::DENIED,
        }
    }
}

/// `scps` are the service control policies that bind the caller, level by level.
pub(crate) fn check(
    asked: &Policy,
    caller: &Caller,
    policies: &PrincipalPolicies,
    scps: &[Vec<NamedPolicy>],
) -> Answer {
    let principal = principal(caller);
    let mut context = Context::new();
    principal.describe(&mut context);
    let identity = attached(&policies.identity);
    let session = policies.session.as_deref().map(attached);
    let levels: Vec<Vec<Attached<'_>>> = scps.iter().map(|level| attached(level)).collect();
    let levels: Vec<Level<'_>> = levels.iter().map(Vec::as_slice).collect();
    let inputs = Inputs {
        identity: &identity,
        boundary: policies.boundary.as_ref().map(one),
        session: session.as_deref(),
        delegation: policies.delegation.as_ref().map(one),
        scps: &levels,
        ..Inputs::default()
    };
    let own: Vec<&NamedPolicy> = policies
        .identity
        .iter()
        .chain(&policies.boundary)
        .chain(policies.session.iter().flatten())
        .chain(&policies.delegation)
        .chain(scps.iter().flatten())
        .collect();
    let statements = || own.iter().flat_map(|named| named.policy.statements());
    let mut answer = Answer::Allowed;
    for (action, resource) in pairs(asked) {
        let request = Request {
            principal: &principal,
            action: &action,
            resource: &resource,
            resource_account: None,
            context: &context,
        };
        let decision = explain(&request, &inputs);
        let said = match decision.reason {
            Reason::Allowed => {
                let deny = |of: &Statement| of.effect() == Effect::Deny && touches(of, &action, &resource);
                if statements().any(deny) { Answer::Unsure } else { Answer::Allowed }
            }
            Reason::ExplicitDeny(_) => Answer::Denied,
            Reason::ImplicitDeny(lacking) => {
                let may = |of: &Statement| {
                    of.effect() == Effect::Allow
                        && !of.conditions().is_empty()
                        && touches(of, &action, &resource)
                };
                let lacking: Vec<&NamedPolicy> = match lacking {
                    PolicyType::ServiceControl => scps.iter().flatten().collect(),
                    PolicyType::PermissionsBoundary => policies.boundary.iter().collect(),
                    PolicyType::Session => {
                        policies.session.iter().flatten().chain(&policies.delegation).collect()
                    }
                    _ => policies.identity.iter().collect(),
                };
                let mut lacking = lacking.iter().flat_map(|named| named.policy.statements());
                if lacking.any(may) { Answer::Unsure } else { Answer::Denied }
            }
        };
        answer = answer.max(said);
        if answer == Answer::Denied {
            break;
        }
    }
    answer
}

/// What the policy allows, each action on each resource. What is said by exception counts as everything.
fn pairs(asked: &Policy) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for statement in asked.statements().iter().filter(|of| of.effect() == Effect::Allow) {
        let texts =
            |(inverted, items): (bool, Vec<String>)| if inverted { vec!["*".to_owned()] } else { items };
        let (inverted, actions) = statement.actions();
        let actions = texts((inverted, actions.map(str::to_owned).collect()));
        let (inverted, resources) = statement.resources();
        let resources = texts((inverted, resources.map(str::to_owned).collect()));
        for action in &actions {
            // `*` alone is every service's.
            let action = if action == "*" { "*:*" } else { action };
            all.extend(resources.iter().map(|resource| (action.to_owned(), resource.clone())));
        }
        if all.len() > PAIRS_MAX {
            break;
        }
    }
    all
}

/// Whether a statement may have to do with an action and a resource, both perhaps with wildcards.
fn touches(statement: &Statement, action: &str, resource: &str) -> bool {
    let (inverted, mut actions) = statement.actions();
    let (other, mut resources) = statement.resources();
    let action = action.to_lowercase();
    (inverted || actions.any(|pattern| overlap(&pattern.to_lowercase(), &action)))
        && (other || resources.any(|pattern| overlap(pattern, resource)))
}

/// Whether two patterns may have something in common, by what they begin with: yes more often than it is so.
fn overlap(one: &str, other: &str) -> bool {
    let stem = |text: &str| text[..text.find(['*', '?', '$']).unwrap_or(text.len())].to_owned();
    let (a, b) = (stem(one), stem(other));
    let whole = |text: &str, stem: &str| text.len() == stem.len();
    match (whole(one, &a), whole(other, &b)) {
        (true, true) => a == b,
        (true, false) => a.starts_with(&b),
        (false, true) => b.starts_with(&a),
        (false, false) => a.starts_with(&b) || b.starts_with(&a),
    }
}

fn principal(caller: &Caller) -> Principal {
    match &caller.principal {
        KitPrincipal::Root => Principal::root(&caller.account.to_string()),
        KitPrincipal::Role { session_name, .. } => {
            let role = caller.role_arn().map(|arn| arn.to_string()).unwrap_or_default();
            Principal::role_session(&role, session_name)
        }
        KitPrincipal::FederatedUser { name } => {
            let issuer = caller.session.as_ref().and_then(|session| session.issuer.as_deref());
            let issuer = Caller {
                principal: issuer.cloned().unwrap_or(KitPrincipal::Root),
                session: None,
                ..caller.clone()
            };
            Principal::federated_user(&issuer.arn(), name)
        }
        _ => Principal::user(&caller.arn()),
    }
}

fn attached(policies: &[NamedPolicy]) -> Vec<Attached<'_>> {
    policies.iter().map(one).collect()
}

fn one(named: &NamedPolicy) -> Attached<'_> {
    Attached { name: &named.name, arn: None, policy: &named.policy }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use haneul_kit::AccountId;

    use super::*;
    use crate::document;

    fn policy(statements: &str) -> Policy {
        document::compile(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).unwrap()
    }

    #[test]
    fn what_somebody_may_is_compared_with_what_is_asked() {
        let asked = policy(
            r#"{"Effect":"Allow","Action":["s3:Get*","s3:PutObject"],"Resource":"arn:aws:s3:::b/*"},
               {"Effect":"Deny","Action":"s3:GetObjectAcl","Resource":"*"}"#,
        );
        let allow = |action: &str, resource: &str| {
            format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}"#)
        };
        let when = r#""Condition":{"Bool":{"aws:SecureTransport":"true"}}"#;
        let conditional = format!(r#"{{"Effect":"Allow","Action":"s3:*","Resource":"*",{when}}}"#);
        let deny = |action: &str| {
            format!(r#"{},{{"Effect":"Deny","Action":"{action}","Resource":"*"}}"#, allow("*", "*"))
        };
        for (own, expected) in [
            (allow("*", "*"), Answer::Allowed),
            (allow("s3:*", "arn:aws:s3:::*"), Answer::Allowed),
            (format!("{},{}", allow("s3:Get*", "*"), allow("s3:Put*", "arn:aws:s3:::b/*")), Answer::Allowed),
            (allow("s3:GetObject", "*"), Answer::Denied),
            (allow("s3:*", "arn:aws:s3:::other/*"), Answer::Denied),
            (conditional, Answer::Unsure),
            (deny("s3:*"), Answer::Denied),
            (deny("s3:GetObjectTagging"), Answer::Unsure),
            (deny("sqs:*"), Answer::Allowed),
        ] {
            let caller = Caller {
                principal: KitPrincipal::User { path: "/".into(), name: "ann".into(), id: "AIDA1".into() },
                ..Caller::root(AccountId::DEFAULT)
            };
            let named = NamedPolicy { name: "own".into(), policy: Arc::new(policy(&own)) };
            let policies = PrincipalPolicies { identity: vec![named], ..Default::default() };
            assert_eq!(check(&asked, &caller, &policies, &[]), expected, "{own}");
            let limit = NamedPolicy { name: "scp".into(), policy: Arc::new(policy(&allow("ec2:*", "*"))) };
            assert_eq!(check(&asked, &caller, &policies, &[vec![limit]]), Answer::Denied, "{own}");
        }
        let root = Caller::root(AccountId::DEFAULT);
        assert_eq!(check(&asked, &root, &PrincipalPolicies::default(), &[]), Answer::Allowed);
    }
}
