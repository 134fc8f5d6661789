//! Whether somebody has the permissions that a request asks for: the evaluator is asked for each action and resource as
//! they stand in the policy, wildcards and all. That is approximate, as AWS's answer is, but never too kind: what cannot be
//! told for certain is UNSURE.

use haneul_iam_wire::values::permission_check_result_type as wire;
use haneul_kit::directory::{NamedPolicy, PrincipalPolicies};
use haneul_kit::{Caller, Policy, Principal, policy_principal};
use haneul_policy::{Attached, Context, Decision, Effect, Inputs, Level, Request, Statement, explain};

/// Pairs of action and resource that are looked at.
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
    let principal = policy_principal(caller);
    let mut context = Context::new();
    principal.describe(&mut context);
    for (key, value) in &policies.tags {
        context.set(&format!("aws:PrincipalTag/{key}"), value);
    }
    let own = attached(&policies.identity);
    let session = policies.session.as_deref().map(attached);
    let levels: Vec<Vec<Attached<'_>>> = scps.iter().map(|level| attached(level)).collect();
    let levels: Vec<Level<'_>> = levels.iter().map(Vec::as_slice).collect();
    let inputs = Inputs {
        identity: &own,
        boundary: policies.boundary.as_ref().map(one),
        session: session.as_deref(),
        delegation: policies.delegation.as_ref().map(one),
        scps: &levels,
        ..Inputs::default()
    };
    // Each of these has to allow. The root user needs no policy of its own.
    let identity = Some(&policies.identity).filter(|_| caller.principal != Principal::Root);
    let limits: Vec<Vec<&NamedPolicy>> = identity
        .into_iter()
        .chain(&policies.session)
        .chain(scps)
        .map(|all| all.iter().collect())
        .chain(policies.boundary.iter().chain(&policies.delegation).map(|one| vec![one]))
        .collect();
    let (pairs, is_whole) = pairs(asked);
    let mut answer = if is_whole { Answer::Allowed } else { Answer::Unsure };
    for (action, resource) in pairs {
        let request = Request {
            principal: &principal,
            action: &action,
            resource: &resource,
            resource_account: None,
            context: &context,
        };
        let decision = explain(&request, &inputs);
        let one = Pair { action: &action, resource: &resource, context: &context, decision: &decision };
        let said = limits.iter().map(|limit| one.allowed_by(limit)).max().unwrap_or(Answer::Allowed);
        let said = said.max(limits.iter().map(|limit| one.denied_by(limit)).max().unwrap_or(Answer::Allowed));
        answer = answer.max(said);
        if answer == Answer::Denied {
            break;
        }
    }
    answer
}

/// An action and a resource, both perhaps with wildcards. The evaluator has matched them as they stand, which tells nothing
/// of what is said by exception, nor of a `?` that met a star.
struct Pair<'a> {
    action: &'a str,
    resource: &'a str,
    /// Who asks. Nothing else is known of the requests.
    context: &'a Context<'a>,
    decision: &'a Decision<'a>,
}

impl Pair<'_> {
    /// Whether policies allow all that it can stand for.
    fn allowed_by(&self, limit: &[&NamedPolicy]) -> Answer {
        let statements = limit.iter().flat_map(|named| named.policy.statements());
        let said = statements.filter(|of| of.effect() == Effect::Allow).map(|of| {
            let (matches, holds) = (self.matches(of), self.holds(of));
            match () {
                () if matches && holds && self.covers(of) => Answer::Allowed,
                () if matches || (self.may_hold(of) && !holds && self.touches(of)) => Answer::Unsure,
                () => Answer::Denied,
            }
        });
        said.min().unwrap_or(Answer::Denied)
    }

    /// Whether they deny some of it.
    fn denied_by(&self, limit: &[&NamedPolicy]) -> Answer {
        let statements = limit.iter().flat_map(|named| named.policy.statements());
        let said = statements.filter(|of| of.effect() == Effect::Deny).map(|of| match () {
            () if self.matches(of) && self.holds(of) => Answer::Denied,
            () if self.may_hold(of) && self.touches(of) => Answer::Unsure,
            () => Answer::Allowed,
        });
        said.max().unwrap_or(Answer::Allowed)
    }

    fn matches(&self, statement: &Statement) -> bool {
        self.decision.matched.iter().any(|matched| std::ptr::eq(matched.statement, statement))
    }

    /// Whether a statement that matches does so whatever the wildcards stand for.
    fn covers(&self, statement: &Statement) -> bool {
        let plain = |pattern: &str, text: &str| !(pattern.contains('?') && text.contains('*'));
        let (not_actions, mut actions) = statement.actions();
        let (not_resources, mut resources) = statement.resources();
        !not_actions
            && !not_resources
            && actions.all(|pattern| plain(pattern, self.action))
            && resources.all(|pattern| plain(pattern, self.resource))
    }

    /// Whether a statement may have to do with some of what it can stand for.
    fn touches(&self, statement: &Statement) -> bool {
        let (inverted, mut actions) = statement.actions();
        let (other, mut resources) = statement.resources();
        let action = self.action.to_lowercase();
        (inverted || actions.any(|pattern| overlap(&pattern.to_lowercase(), &action)))
            && (other || resources.any(|pattern| overlap(pattern, self.resource)))
    }

    /// Whether the conditions hold in every request of the caller's: they ask for nothing else than who it is.
    fn holds(&self, statement: &Statement) -> bool {
        let mut conditions = statement.conditions().iter();
        conditions.all(|of| !self.context.get(of.key()).is_empty() && of.holds(self.context))
    }

    /// Whether they hold in some, as far as can be told.
    fn may_hold(&self, statement: &Statement) -> bool {
        let mut conditions = statement.conditions().iter();
        conditions.all(|of| self.context.get(of.key()).is_empty() || of.holds(self.context))
    }
}

/// What the policy allows, each action on each resource, and whether that is all of it. What is said by exception counts as
/// everything.
fn pairs(asked: &Policy) -> (Vec<(String, String)>, bool) {
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
            for resource in &resources {
                if all.len() >= PAIRS_MAX {
                    return (all, false);
                }
                all.push((action.to_owned(), resource.clone()));
            }
        }
    }
    (all, true)
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
        let secure = r#""Condition":{"Bool":{"aws:SecureTransport":"true"}}"#;
        let conditional = format!(r#"{{"Effect":"Allow","Action":"s3:*","Resource":"*",{secure}}}"#);
        let deny = |action: &str| {
            format!(r#"{},{{"Effect":"Deny","Action":"{action}","Resource":"*"}}"#, allow("*", "*"))
        };
        let all_but = |element: &str, but: &str| {
            let (one, other) = match element {
                "NotAction" => (but, "*"),
                _ => ("*", but),
            };
            let statement = allow(one, other);
            match element {
                "NotAction" => statement.replace(r#""Action""#, r#""NotAction""#),
                _ => statement.replace(r#""Resource""#, r#""NotResource""#),
            }
        };
        let when = |statement: String, condition: &str| {
            statement.replace(r#""Resource":"*""#, &format!(r#""Resource":"*","Condition":{{{condition}}}"#))
        };
        let allow_when = |condition: &str| when(allow("*", "*"), condition);
        let deny_when = |condition: &str| {
            let statement = allow("s3:*", "*").replace("Allow", "Deny");
            format!("{},{}", allow("*", "*"), when(statement, condition))
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
            // By exception, and one character where many are asked for.
            (all_but("NotAction", "iam:*"), Answer::Unsure),
            (all_but("NotResource", "arn:aws:s3:::b/secret"), Answer::Unsure),
            (format!("{},{}", allow("s3:Get?", "*"), allow("s3:PutObject", "*")), Answer::Unsure),
            (allow("s3:*", "arn:aws:s3:::b/?"), Answer::Unsure),
            // Conditions that hold because nothing is known of the request, or because of who asks.
            (allow_when(r#""StringNotEquals":{"aws:SourceVpc":"vpc-1"}"#), Answer::Unsure),
            (allow_when(r#""StringEqualsIfExists":{"aws:SourceVpc":"vpc-1"}"#), Answer::Unsure),
            (allow_when(r#""StringEquals":{"aws:PrincipalTag/team":"red"}"#), Answer::Allowed),
            (allow_when(r#""StringEquals":{"aws:PrincipalTag/team":"blue"}"#), Answer::Denied),
            (deny_when(r#""StringNotEquals":{"aws:SourceVpc":"vpc-1"}"#), Answer::Unsure),
            (deny_when(r#""StringEquals":{"aws:PrincipalTag/team":"red"}"#), Answer::Denied),
            (deny_when(r#""StringEquals":{"aws:PrincipalTag/team":"blue"}"#), Answer::Allowed),
            (deny_when(r#""StringNotLike":{"aws:PrincipalTag/none":"x"}"#), Answer::Unsure),
        ] {
            let caller = Caller {
                principal: Principal::User { path: "/".into(), name: "ann".into(), id: "AIDA1".into() },
                ..Caller::root(AccountId::DEFAULT)
            };
            let named = NamedPolicy { name: "own".into(), policy: Arc::new(policy(&own)) };
            let tags = vec![("team".to_owned(), "red".to_owned())];
            let policies = PrincipalPolicies { identity: vec![named], tags, ..Default::default() };
            assert_eq!(check(&asked, &caller, &policies, &[]), expected, "{own}");
            let limit = NamedPolicy { name: "scp".into(), policy: Arc::new(policy(&allow("ec2:*", "*"))) };
            assert_eq!(check(&asked, &caller, &policies, &[vec![limit]]), Answer::Denied, "{own}");
        }
        let root = Caller::root(AccountId::DEFAULT);
        assert_eq!(check(&asked, &root, &PrincipalPolicies::default(), &[]), Answer::Allowed);
        let many: Vec<String> = (0..60).map(|of| format!(r#""s3:a{of}""#)).collect();
        let many = many.join(",");
        let resources = many.replace("s3:a", "arn:aws:s3:::a");
        let much = policy(&format!(r#"{{"Effect":"Allow","Action":[{many}],"Resource":[{resources}]}}"#));
        assert_eq!(check(&much, &root, &PrincipalPolicies::default(), &[]), Answer::Unsure);
    }
}
