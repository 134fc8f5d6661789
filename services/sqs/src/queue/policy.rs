use haneul_kit::{AccountId, Platform, Policy, Result};
use haneul_policy::{ErrorKind, Rules};
use haneul_sqs_wire::values::queue_attribute_name::POLICY;
use serde_json::Value;

use super::permission;
use crate::error;

const RULES: Rules = Rules { size_max: 8192, ..Rules::RESOURCE };

/// Source: SQS Developer Guide, "Amazon SQS policy quotas".
pub(super) const STATEMENTS_MAX: usize = 20;
const ACTIONS_MAX: usize = 7;

/// Reads a policy that a queue has. One from before it was held against the quotas is a policy still.
pub(super) fn read(text: &str) -> Result<Policy> {
    Policy::parse(text, &RULES).map_err(|_| error::invalid_attribute_value(POLICY))
}

/// Checks a policy that a request brings, beyond its form: actions that a queue's policy can name, and users and roles that
/// exist. What AddPermission leaves as it was has been checked before.
pub(crate) async fn check_given(platform: &Platform, owner: AccountId, text: &str) -> Result<()> {
    check(text)?;
    let policy = read(text)?;
    for statement in policy.statements() {
        let (_, mut actions) = statement.actions();
        if let Some(unknown) = actions.find(|action| !permission::is_of_policies(action)) {
            return Err(permission::unknown_action(unknown));
        }
    }
    match platform.has_principals(&policy, owner).await? {
        true => Ok(()),
        false => Err(error::invalid_attribute_value(POLICY)),
    }
}

/// Checks the form of a policy that a queue is to have. The sentences about quotas are on record in
/// ministryofjustice/cloud-platform-environments pull request 9082 and BishopFox/cloudfoxable issue 29.
pub(super) fn check(text: &str) -> Result<()> {
    Policy::parse(text, &RULES).map_err(|refused| match refused.kind {
        ErrorKind::TooLong { .. } => error::over_limit("Submitted policy is over max allowed size."),
        _ => error::invalid_attribute_value(POLICY),
    })?;
    let document: Value = serde_json::from_str(text).map_err(|_| error::invalid_attribute_value(POLICY))?;
    let statements = document.get("Statement").map(all).unwrap_or_default();
    if statements.len() > STATEMENTS_MAX {
        let count = statements.len();
        return Err(error::over_limit(format!(
            "{count} statements were found in the submitted policy, max allowed is {STATEMENTS_MAX}"
        )));
    }
    for statement in statements {
        let actions = statement.get("Action").or_else(|| statement.get("NotAction"));
        let count = actions.map(all).unwrap_or_default().len();
        if count > ACTIONS_MAX {
            return Err(error::over_limit(format!(
                "{count} actions were found in a statement from the submitted policy, max allowed is {ACTIONS_MAX}"
            )));
        }
    }
    Ok(())
}

/// A list's elements, or the value that stands for a list of one.
fn all(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(statements: usize, actions: usize, sid: usize) -> String {
        let actions = vec![r#""sqs:SendMessage""#; actions].join(",");
        let sid = "x".repeat(sid);
        let statement = format!(
            r#"{{"Sid":"{sid}","Effect":"Allow","Principal":"*","Action":[{actions}],"Resource":"*"}}"#
        );
        format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, vec![statement; statements].join(","))
    }

    #[test]
    fn quotas() {
        for (statements, actions, sid, outcome) in [
            (1, 7, 1, ""),
            (20, 1, 1, ""),
            (
                1,
                8,
                1,
                "OverLimit: 8 actions were found in a statement from the submitted policy, max allowed is 7",
            ),
            (21, 1, 1, "OverLimit: 21 statements were found in the submitted policy, max allowed is 20"),
            (1, 1, 8192, "OverLimit: Submitted policy is over max allowed size."),
        ] {
            let text = policy(statements, actions, sid);
            let said =
                check(&text).err().map_or_else(String::new, |e| format!("{}: {}", e.code(), e.message()));
            assert_eq!(said, outcome, "{statements} {actions} {sid}");
            assert!(sid > 8000 || read(&text).is_ok(), "a queue may have it already");
        }
        assert_eq!(check("{").unwrap_err().code(), "InvalidAttributeValue");
    }
}
