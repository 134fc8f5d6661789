//! The three questions. Source: IAM User Guide, "IAM Access Analyzer custom policy checks".

use super::condition::{Condition, all_imply, network};
use super::statement::{Principals, Set, Statement};

/// What an answer is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reason {
    pub index: usize,
    pub sid: Option<String>,
}

fn reason(index: usize, statement: &Statement) -> Reason {
    Reason { index, sid: statement.sid.clone() }
}

/// The statements of `new` by which something may be allowed that `existing` does not allow.
pub(crate) fn new_access(new: &[Statement], existing: &[Statement]) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for (index, statement) in new.iter().enumerate().filter(|(_, statement)| statement.allows) {
        let known = statement.actions.atoms().iter().all(|actions| {
            statement.resources.atoms().iter().all(|resources| {
                let atom =
                    Statement { actions: actions.clone(), resources: resources.clone(), ..statement.clone() };
                is_denied(&atom, new) || is_allowed(&atom, new, existing)
            })
        });
        if !known {
            reasons.push(reason(index, statement));
        }
    }
    reasons
}

/// Whether a deny takes all of `atom` away.
fn is_denied(atom: &Statement, policy: &[Statement]) -> bool {
    policy.iter().any(|deny| !deny.allows && within(atom, deny))
}

/// Whether all of `inner`'s requests are also of `outer`.
fn within(inner: &Statement, outer: &Statement) -> bool {
    outer.actions.covers(&inner.actions)
        && outer.resources.covers(&inner.resources)
        && outer.principals.covers(&inner.principals)
        && all_imply(&inner.conditions, &outer.conditions)
}

fn meet(a: &Statement, b: &Statement) -> bool {
    a.actions.may_meet(&b.actions)
        && a.resources.may_meet(&b.resources)
        && a.principals.may_meet(&b.principals)
}

fn is_allowed(atom: &Statement, new: &[Statement], existing: &[Statement]) -> bool {
    let allowed = existing.iter().any(|allow| allow.allows && within(atom, allow));
    // What the existing policy takes away of it, the new one must take away too.
    allowed
        && existing.iter().filter(|deny| !deny.allows && meet(atom, deny)).all(|deny| is_denied(deny, new))
}

/// One access that must not be granted: any of the actions on any of the resources; an empty list is all.
pub(crate) struct Access {
    pub actions: Vec<String>,
    pub resources: Vec<String>,
}

/// The statements by which some of `access` may be granted.
pub(crate) fn granted(policy: &[Statement], access: &[Access]) -> Vec<Reason> {
    let set = |patterns: &[String]| match patterns.is_empty() {
        true => Set::everything(),
        false => Set::of(patterns.to_vec()),
    };
    let mut reasons = Vec::new();
    for (index, statement) in policy.iter().enumerate().filter(|(_, statement)| statement.allows) {
        let grants = access.iter().any(|access| {
            let actions: Vec<String> = access.actions.iter().map(|action| action.to_lowercase()).collect();
            let (actions, resources) = (set(&actions), set(&access.resources));
            actions.atoms().iter().any(|action| {
                resources.atoms().iter().any(|resource| {
                    action.may_meet(&statement.actions)
                        && resource.may_meet(&statement.resources)
                        && !asked_is_denied(statement, action, resource, policy)
                })
            })
        });
        if grants {
            reasons.push(reason(index, statement));
        }
    }
    reasons
}

/// Whether denies take away what is asked for and allowed by `statement`: what is asked for, or what is allowed.
fn asked_is_denied(statement: &Statement, action: &Set, resource: &Set, policy: &[Statement]) -> bool {
    policy.iter().filter(|deny| !deny.allows).any(|deny| {
        (deny.actions.covers(action) || deny.actions.covers(&statement.actions))
            && (deny.resources.covers(resource) || deny.resources.covers(&statement.resources))
            && deny.principals.covers(&statement.principals)
            && all_imply(&statement.conditions, &deny.conditions)
    })
}

/// The statements by which anybody may be let in.
pub(crate) fn public(policy: &[Statement]) -> Vec<Reason> {
    let mut reasons = Vec::new();
    for (index, statement) in policy.iter().enumerate() {
        if statement.allows
            && is_public(statement)
            && !is_denied(statement, policy)
            && !is_fenced(statement, policy)
        {
            reasons.push(reason(index, statement));
        }
    }
    reasons
}

pub(crate) fn is_public(statement: &Statement) -> bool {
    let Principals { negated, names } = &statement.principals;
    let open = *negated
        || names.iter().any(|(kind, value)| match kind.as_str() {
            "AWS" | "Federated" if value == "*" => true,
            // Whoever has an account there.
            "Federated" => !names_somebody(statement, value),
            _ => false,
        });
    open && !statement.conditions.iter().any(restricts)
}

/// Providers of identities that everybody can have need a condition on whom they name; those of an account's own, on what
/// they say of them. SAML providers are an account's own.
fn names_somebody(statement: &Statement, provider: &str) -> bool {
    provider.contains(":saml-provider/")
        || statement.conditions.iter().any(|condition| {
            let about = condition.key.ends_with(":aud")
                || condition.key.ends_with(":sub")
                || condition.key.ends_with(":app_id")
                || condition.key.ends_with(":amr");
            about && is_fixed(condition)
        })
}

/// A deny for everybody who is not somebody certain does what a condition of the statement itself would.
fn is_fenced(statement: &Statement, policy: &[Statement]) -> bool {
    policy.iter().filter(|deny| !deny.allows).any(|deny| {
        let [condition] = deny.conditions.as_slice() else { return false };
        let positive = match condition.operator.as_str() {
            "stringnotequals" => "stringequals",
            "stringnotequalsignorecase" => "stringequalsignorecase",
            "stringnotlike" => "stringlike",
            "arnnotequals" | "arnnotlike" => "arnlike",
            "notipaddress" => "ipaddress",
            _ => return false,
        };
        // With IfExists, or with a quantifier, there are requests that it lets pass.
        let turned = Condition { operator: positive.to_owned(), ..condition.clone() };
        !condition.if_exists
            && condition.quantifier.is_empty()
            && deny.actions.covers(&statement.actions)
            && deny.resources.covers(&statement.resources)
            && deny.principals.is_everybody()
            && restricts(&turned)
    })
}

/// Keys of which a fixed value is somebody certain. Source: S3 User Guide, "The meaning of public", and the keys of
/// organizations and services.
const FIXED_KEYS: &[&str] = &[
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceorgid",
    "aws:sourceorgpaths",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "kms:calleraccount",
    "s3:dataaccesspointaccount",
];

/// Whether it lets in only who is certain. A key that may be missing, a negation, a wildcard let in others.
pub(crate) fn restricts(condition: &Condition) -> bool {
    if condition.key == "aws:sourceip" || condition.key == "aws:vpcsourceip" {
        return condition.operator == "ipaddress"
            && !condition.if_exists
            && condition.quantifier.is_empty()
            && !condition.values.is_empty()
            && condition.values.iter().all(|value| match network(value) {
                Some((address, bits)) => bits >= if address.is_ipv4() { 8 } else { 32 },
                None => false,
            });
    }
    FIXED_KEYS.contains(&condition.key.as_str()) && is_fixed(condition)
}

fn is_fixed(condition: &Condition) -> bool {
    let operator = condition.operator.as_str();
    if condition.if_exists || condition.quantifier == "forallvalues" || condition.values.is_empty() {
        return false;
    }
    match operator {
        "stringequals" | "stringequalsignorecase" => {
            condition.values.iter().all(|value| !value.contains("${"))
        }
        "stringlike" | "arnequals" | "arnlike" => condition.values.iter().all(|value| {
            let is_path =
                condition.key.ends_with("orgpaths") && value.starts_with("o-") && !value.starts_with("o-*");
            // An ARN is certain when its account is.
            let of_account = condition.key.ends_with("arn") && super::statement::account(value).is_some();
            !value.contains("${") && (is_path || of_account || !value.contains(['*', '?']))
        }),
        _ => false,
    }
}
