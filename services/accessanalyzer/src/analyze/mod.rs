//! From the policies of a resource to who outside is let in. Source: IAM User Guide, "IAM Access Analyzer resource types
//! for external access" and "Identify resources shared with an external entity".

use std::collections::BTreeMap;

use haneul_kit::AccountId;

use crate::compare::checks::{is_public, public, restricts};
use crate::compare::condition::Condition;
use crate::compare::statement::{Set, Statement, account, statements};
use crate::model::Access;

/// Who is trusted: an account, or all accounts of an organization.
pub(crate) struct Zone {
    pub accounts: Vec<AccountId>,
    pub organization: Option<String>,
}

impl Zone {
    fn has(&self, number: &str) -> bool {
        number.parse().is_ok_and(|number: AccountId| self.accounts.contains(&number))
    }

    fn has_arn(&self, arn: &str) -> bool {
        account(arn).is_some_and(|number| self.has(number))
    }

    /// Whether a condition lets in only who is trusted.
    fn holds(&self, condition: &Condition) -> bool {
        if !restricts(condition) {
            return false;
        }
        let all = |test: &dyn Fn(&str) -> bool| condition.values.iter().all(|value| test(value));
        match condition.key.as_str() {
            "aws:principalaccount" | "aws:sourceaccount" | "aws:sourceowner" | "kms:calleraccount" => {
                all(&|value| self.has(value))
            }
            "aws:principalarn" | "aws:sourcearn" => all(&|value| self.has_arn(value)),
            "aws:principalorgid" | "aws:sourceorgid" => {
                all(&|value| self.organization.as_deref() == Some(value))
            }
            "aws:principalorgpaths" | "aws:sourceorgpaths" => all(&|value| {
                let organization = value.split('/').next().unwrap_or_default();
                self.organization.as_deref() == Some(organization)
            }),
            _ => false,
        }
    }
}

/// Who outside `zone` is let in by a policy. `private` when nobody can be let in as the public.
pub(crate) fn accesses(policy: &str, zone: &Zone, private: bool) -> Vec<Access> {
    let all = statements(policy);
    let open: Vec<usize> = public(&all).into_iter().map(|reason| reason.index).collect();
    let mut found: Vec<Access> = Vec::new();
    for (index, statement) in all.iter().enumerate().filter(|(_, statement)| statement.allows) {
        if statement.conditions.iter().any(|condition| zone.holds(condition))
            || is_taken_away(statement, &all)
        {
            continue;
        }
        let public = open.contains(&index) && is_public(statement);
        if public && private {
            continue;
        }
        for principal in outside(statement, zone) {
            add(&mut found, statement, principal, public);
        }
    }
    found
}

fn is_taken_away(statement: &Statement, all: &[Statement]) -> bool {
    all.iter().any(|deny| {
        !deny.allows
            && deny.conditions.is_empty()
            && deny.principals.is_everybody()
            && deny.actions.covers(&statement.actions)
            && deny.resources.covers(&statement.resources)
    })
}

fn outside(statement: &Statement, zone: &Zone) -> Vec<(String, String)> {
    if statement.principals.negated {
        return vec![("AWS".to_owned(), "*".to_owned())];
    }
    let is_outside = |(kind, value): &&(String, String)| match kind.as_str() {
        // A service acts for whom its conditions say; AWS makes no findings of services.
        "Service" => false,
        "AWS" => !zone.has_arn(value),
        _ => true,
    };
    statement.principals.names.iter().filter(is_outside).cloned().collect()
}

fn add(found: &mut Vec<Access>, statement: &Statement, principal: (String, String), public: bool) {
    let condition: BTreeMap<String, String> = statement
        .conditions
        .iter()
        .map(|condition| (condition.written_key.clone(), condition.values.join(",")))
        .collect();
    let access = Access {
        principal,
        actions: shown(&statement.actions),
        condition,
        public,
        source: "POLICY".to_owned(),
        unused: None,
    };
    match found.iter_mut().find(|other| other.key() == access.key()) {
        Some(other) => {
            other.actions.extend(access.actions);
            other.actions.sort();
            other.actions.dedup();
            other.public |= access.public;
        }
        None => found.push(access),
    }
}

/// Actions as findings name them: all but some are all.
fn shown(actions: &Set) -> Vec<String> {
    let mut shown = match actions.negated {
        true => vec!["*".to_owned()],
        false => actions.patterns.iter().map(|action| spelled(action)).collect(),
    };
    shown.sort();
    shown.dedup();
    shown
}

/// As the reference spells it.
fn spelled(action: &str) -> String {
    let named = action.split_once(':').and_then(|(prefix, name)| {
        let (prefix, service) = crate::reference::services().get_key_value(prefix)?;
        Some(format!("{prefix}:{}", service.actions.get(name)?.name))
    });
    named.unwrap_or_else(|| action.to_owned())
}
