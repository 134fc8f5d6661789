//! The text of a policy of S3's resources, and S3's words for what is wrong with it. What it may say of a bucket is
//! [`crate::policy_check`]'s.

use haneul_kit::{Policy, Result};
use haneul_policy::ErrorKind;

use crate::bucket::POLICY_RULES;
use crate::policy_check::malformed;

const NO_JSON: &str = "Policies must be valid JSON and the first byte must be '{'";

pub(crate) fn parse(text: &str) -> Result<Policy> {
    // Not even a space before it.
    if !text.starts_with('{') {
        return Err(malformed(NO_JSON));
    }
    Policy::parse(text, &POLICY_RULES).map_err(|refused| match refused.kind {
        ErrorKind::Json => malformed(NO_JSON),
        ErrorKind::InvalidPrincipal => malformed("Invalid principal in policy"),
        ErrorKind::TooLong { .. } => {
            malformed("Normalized policy document exceeds the maximum allowed size of 20480 bytes.")
        }
        ErrorKind::Malformed => match missing_field(text) {
            Some(field) => malformed(format!("Missing required field {field}")),
            None => malformed(own_words(text).unwrap_or(refused.message)),
        },
    })
}

/// What S3 says of a mistake that IAM has other words for.
fn own_words(text: &str) -> Option<String> {
    let document: serde_json::Value = serde_json::from_str(text).ok()?;
    let version = document.get("Version").and_then(serde_json::Value::as_str);
    if version.is_some_and(|version| !["2008-10-17", "2012-10-17"].contains(&version)) {
        return Some("The policy must contain a valid version string".to_owned());
    }
    let statements = document.get("Statement")?;
    let statements = statements.as_array().map_or(std::slice::from_ref(statements), Vec::as_slice);
    let no_vendor = |name: &str| name != "*" && !name.contains(':');
    for statement in statements {
        let effect = statement.get("Effect").and_then(serde_json::Value::as_str);
        if let Some(effect) = effect.filter(|effect| !["Allow", "Deny"].contains(effect)) {
            return Some(format!("Invalid effect: {effect}"));
        }
        let actions = statement.get("Action").or_else(|| statement.get("NotAction"));
        let actions = actions.map_or(&[][..], |actions| match actions.as_array() {
            Some(several) => several.as_slice(),
            None => std::slice::from_ref(actions),
        });
        if actions.iter().filter_map(serde_json::Value::as_str).any(no_vendor) {
            return Some("Policy has invalid action".to_owned());
        }
        let conditions = statement.get("Condition").and_then(serde_json::Value::as_object);
        let keys = conditions.into_iter().flat_map(|map| map.values()).filter_map(|of| of.as_object());
        if keys.flat_map(|of| of.keys()).any(|key| no_vendor(key)) {
            return Some("Policy has an invalid condition key".to_owned());
        }
    }
    None
}

/// The element that S3 would miss first.
fn missing_field(text: &str) -> Option<&'static str> {
    let document: serde_json::Value = serde_json::from_str(text).ok()?;
    let statements = match document.get("Statement") {
        None => return Some("Statement"),
        Some(serde_json::Value::Array(statements)) => statements.iter().collect(),
        Some(statement) => vec![statement],
    };
    let has = |statement: &serde_json::Value, name: &str| {
        statement.get(name).is_some() || statement.get(format!("Not{name}")).is_some()
    };
    let needed = ["Effect", "Principal", "Action", "Resource"];
    statements.into_iter().find_map(|statement| needed.into_iter().find(|name| !has(statement, name)))
}
