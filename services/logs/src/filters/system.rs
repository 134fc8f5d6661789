//! System fields of events: where they come from. Filters select events by them, and pass them on.
//!
//! Source: CloudWatch Logs API Reference, PutMetricFilter and PutSubscriptionFilter: `=`, `!=`, `IN`, `NOT IN`, `AND`, `OR`. Events
//! are not centralised here, so all of a group have its own account, Region and name.

use haneul_kit::{ApiError, Result};

use crate::error;
use crate::names::GroupName;

const ACCOUNT: &str = "@aws.account";
const REGION: &str = "@aws.region";
const SOURCE: &str = "@source.log";

/// What metric filters make dimensions of.
pub(crate) const DIMENSIONS: [&str; 2] = [ACCOUNT, REGION];
/// What subscription filters send along.
pub(crate) const FORWARDED: [&str; 3] = [ACCOUNT, REGION, SOURCE];

/// Nesting of brackets.
const DEPTH_MAX: usize = 20;

/// The value of a field in the events of a group.
pub(crate) fn value(field: &str, group: &GroupName) -> Option<String> {
    match field {
        ACCOUNT => Some(group.account.to_string()),
        REGION => Some(group.region.to_string()),
        SOURCE => Some(group.name.clone()),
        _ => None,
    }
}

/// The fields that a filter emits, with their values.
pub(crate) fn values(fields: &[String], group: &GroupName) -> Vec<(String, String)> {
    fields.iter().filter_map(|field| Some((field.clone(), value(field, group)?))).collect()
}

/// Holds a list of fields against those that there are.
///
/// # Errors
/// AWS's InvalidParameterException for another, or one that is there twice.
pub(crate) fn check(fields: &[String], known: &[&str], parameter: &str) -> Result<()> {
    for (at, field) in fields.iter().enumerate() {
        if !known.contains(&field.as_str()) || fields[..at].contains(field) {
            let known = known.join(", ");
            return Err(error::invalid(format!("{parameter} takes each of {known} once, not {field}.")));
        }
    }
    Ok(())
}

/// Which events a filter looks at.
#[derive(Debug, PartialEq)]
pub(crate) enum Selected {
    /// Field and values; whether it must have none of them.
    Among(&'static str, Vec<String>, bool),
    All(Vec<Selected>),
    Any(Vec<Selected>),
}

impl Selected {
    /// # Errors
    /// AWS's InvalidParameterException for what is no such expression.
    pub(crate) fn parse(text: &str) -> Result<Selected> {
        let mut rest = text;
        let found = any(&mut rest, 0).filter(|_| rest.trim().is_empty());
        found.ok_or_else(|| bad(text))
    }

    /// Whether events of a group are selected by criteria, if there are any.
    pub(crate) fn has(criteria: Option<&str>, group: &GroupName) -> Result<bool> {
        criteria.map_or(Ok(true), |text| Ok(Selected::parse(text)?.holds(group)))
    }

    fn holds(&self, group: &GroupName) -> bool {
        match self {
            Selected::Among(field, values, negated) => {
                value(field, group).is_some_and(|value| values.contains(&value)) != *negated
            }
            Selected::All(parts) => parts.iter().all(|part| part.holds(group)),
            Selected::Any(parts) => parts.iter().any(|part| part.holds(group)),
        }
    }
}

fn bad(text: &str) -> ApiError {
    error::invalid(format!("The fieldSelectionCriteria is not valid: {text}"))
}

/// Takes a word or a sign from the front.
fn take(rest: &mut &str, wanted: &str) -> bool {
    let trimmed = rest.trim_start();
    let Some(after) = trimmed.strip_prefix(wanted) else { return false };
    let is_word = wanted.ends_with(|last: char| last.is_ascii_alphanumeric());
    if is_word && after.starts_with(|next: char| next.is_ascii_alphanumeric() || next == '.') {
        return false;
    }
    *rest = after;
    true
}

fn any(rest: &mut &str, depth: usize) -> Option<Selected> {
    let mut parts = vec![all(rest, depth)?];
    while take(rest, "OR") {
        parts.push(all(rest, depth)?);
    }
    if parts.len() == 1 { parts.pop() } else { Some(Selected::Any(parts)) }
}

fn all(rest: &mut &str, depth: usize) -> Option<Selected> {
    let mut parts = vec![one(rest, depth)?];
    while take(rest, "AND") {
        parts.push(one(rest, depth)?);
    }
    if parts.len() == 1 { parts.pop() } else { Some(Selected::All(parts)) }
}

fn one(rest: &mut &str, depth: usize) -> Option<Selected> {
    if take(rest, "(") {
        let inner = (depth < DEPTH_MAX).then(|| any(rest, depth + 1))?;
        return inner.filter(|_| take(rest, ")"));
    }
    let field = FORWARDED.into_iter().find(|field| take(rest, field))?;
    let (list, negated) = if take(rest, "!=") {
        (false, true)
    } else if take(rest, "=") {
        (false, false)
    } else if take(rest, "NOT") {
        (take(rest, "IN").then_some(true)?, true)
    } else {
        (take(rest, "IN").then_some(true)?, false)
    };
    let values = if list { json::<Vec<String>>(rest)? } else { vec![json::<String>(rest)?] };
    Some(Selected::Among(field, values, negated))
}

/// A string or a list of them from the front.
fn json<T: serde::de::DeserializeOwned>(rest: &mut &str) -> Option<T> {
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<T>();
    let found = values.next()?.ok()?;
    *rest = &rest[values.byte_offset()..];
    Some(found)
}

#[cfg(test)]
mod tests {
    use haneul_kit::{AccountId, Region};

    use super::*;

    #[test]
    fn what_is_selected() {
        let account = AccountId::new(123_456_789_012).unwrap();
        let group = GroupName { account, region: Region::US_EAST_1, name: "g".into() };
        for (text, selected) in [
            (r#"@aws.region = "us-east-1""#, true),
            (r#"@aws.region="eu-west-1""#, false),
            (r#"@aws.region != "eu-west-1""#, true),
            (r#"@aws.account IN ["123456789012", "987654321098"]"#, true),
            (r#"@aws.region NOT IN ["us-east-1"]"#, false),
            (r#"@aws.account = "123456789012" AND @aws.region = "eu-west-1""#, false),
            (r#"@aws.account = "1" AND @aws.region = "x" OR @aws.region = "us-east-1""#, true),
            (r#"@aws.account = "1" AND (@aws.region = "x" OR @aws.region = "us-east-1")"#, false),
            (r#"@source.log = "g""#, true),
        ] {
            assert_eq!(Selected::has(Some(text), &group).unwrap(), selected, "{text}");
        }
        assert!(Selected::has(None, &group).unwrap());
        let deep = format!("{}@aws.region = \"a\"{}", "(".repeat(100), ")".repeat(100));
        for text in [
            "",
            "@aws.region",
            "@aws.region = us-east-1",
            r#"@aws.zone = "a""#,
            r#"@aws.region ~ "a""#,
            r#"@aws.region IN "a""#,
            r#"@aws.region = "a" AND"#,
            r#"@aws.region = "a" XOR @aws.region = "b""#,
            r#"(@aws.region = "a""#,
            r#"@aws.regions = "a""#,
            &deep,
        ] {
            assert!(Selected::parse(text).is_err(), "{text}");
        }
    }
}
