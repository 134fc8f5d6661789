//! Which fault IAM names when a policy of permissions has several: it looks at the whole document for one sort of fault after
//! another, and not at one statement after another. What is refused here would be refused by `parse` too, in other words
//! or with another fault first.

use std::collections::HashSet;

use crate::action::ActionPattern;
use crate::arn;
use crate::condition::{Comparison, Operator, date};
use crate::error::PolicyError;
use crate::json::Json;
use crate::parse::{Object, either, get, known, optional_string, scalars, strings, version};
use crate::rules::{Presence, Rules};

/// A statement and its path.
type Placed<'a> = (&'a Object, String);

pub(crate) fn check(document: &Object, rules: &Rules) -> Result<(), PolicyError> {
    let statements = syntax(document)?;
    version(get(document, "Version"), rules)?;
    for (fields, path) in &statements {
        if let Some((_, name, _)) = either(fields, "Principal", "NotPrincipal", path)? {
            return Err(PolicyError::principal_given(format!("{path}.{name}")));
        }
    }
    for (fields, path) in &statements {
        legacy(fields, path)?;
    }
    if rules.strict_sids {
        sids(&statements)?;
    }
    for (fields, path) in &statements {
        let element = either(fields, "Action", "NotAction", path)?;
        if element.is_none_or(|(_, _, json)| is_empty(json)) {
            return Err(PolicyError::no_actions(path));
        }
    }
    for (fields, path) in &statements {
        let element = either(fields, "Resource", "NotResource", path)?;
        if rules.resource == Presence::Required && element.is_none_or(|(_, _, json)| is_empty(json)) {
            return Err(PolicyError::no_resources(path));
        }
    }
    for (fields, path) in &statements {
        let Some((_, name, json)) = either(fields, "Resource", "NotResource", path)? else { continue };
        let path = format!("{path}.{name}");
        // Of several the first in order is named.
        if let Some(message) = sorted(json, &path)?.into_iter().find_map(arn::fault) {
            return Err(PolicyError::malformed(path, message));
        }
    }
    for (fields, path) in &statements {
        let Some((_, name, json)) = either(fields, "Action", "NotAction", path)? else { continue };
        let path = format!("{path}.{name}");
        // And of actions the last.
        for value in sorted(json, &path)?.into_iter().rev() {
            ActionPattern::parse(value, &path)?;
        }
    }
    Ok(())
}

/// The shape of all that is there.
fn syntax(document: &Object) -> Result<Vec<Placed<'_>>, PolicyError> {
    known(document, &["Version", "Id", "Statement"], "")?;
    version(get(document, "Version"), &Rules::IDENTITY)?;
    optional_string(document, "Id", "Id")?;
    let statements = match get(document, "Statement") {
        Some(Json::Array(items)) => items.as_slice(),
        Some(one @ Json::Object(_)) => std::slice::from_ref(one),
        _ => return Err(PolicyError::syntax("Statement")),
    };
    let mut placed = Vec::with_capacity(statements.len());
    for (at, statement) in statements.iter().enumerate() {
        let path = format!("Statement[{at}]");
        let Json::Object(fields) = statement else { return Err(PolicyError::syntax(path)) };
        statement_syntax(fields, &path)?;
        placed.push((fields, path));
    }
    Ok(placed)
}

fn statement_syntax(fields: &Object, path: &str) -> Result<(), PolicyError> {
    known(fields, crate::parse::STATEMENT, path)?;
    optional_string(fields, "Sid", &format!("{path}.Sid"))?;
    match get(fields, "Effect") {
        Some(Json::String(text))
            if text.eq_ignore_ascii_case("Allow") || text.eq_ignore_ascii_case("Deny") => {}
        _ => return Err(PolicyError::syntax(format!("{path}.Effect"))),
    }
    for (plain, negated) in [("Action", "NotAction"), ("Resource", "NotResource")] {
        if let Some((_, name, json)) = either(fields, plain, negated, path)? {
            strings(json, &format!("{path}.{name}"))?;
        }
    }
    conditions(fields, path, &mut |_, _, _| Ok(()))
}

/// Refuses conditions that are none, and shows each operator's values.
fn conditions(
    fields: &Object,
    path: &str,
    each: &mut impl FnMut(Operator, &[Box<str>], &str) -> Result<(), PolicyError>,
) -> Result<(), PolicyError> {
    let path = format!("{path}.Condition");
    let operators = match get(fields, "Condition") {
        None => return Ok(()),
        Some(Json::Object(operators)) => operators,
        Some(_) => return Err(PolicyError::syntax(path)),
    };
    for (name, keys) in operators {
        let path = format!("{path}.{name}");
        let (Json::Object(keys), Some(operator)) = (keys, Operator::parse(name)) else {
            return Err(PolicyError::syntax(path));
        };
        for (key, values) in keys {
            let path = format!("{path}.{key}");
            each(operator, &scalars(values, &path)?, &path)?;
        }
    }
    Ok(())
}

/// What only the parser refuses that IAM had first.
fn legacy(fields: &Object, path: &str) -> Result<(), PolicyError> {
    match get(fields, "Effect") {
        Some(Json::String(text)) if text == "Allow" || text == "Deny" => {}
        _ => return Err(PolicyError::legacy(format!("{path}.Effect"))),
    }
    conditions(fields, path, &mut |operator, values, path| {
        let dates = matches!(
            operator.comparison,
            Comparison::DateEquals
                | Comparison::DateNotEquals
                | Comparison::DateLessThan
                | Comparison::DateLessThanEquals
                | Comparison::DateGreaterThan
                | Comparison::DateGreaterThanEquals
        );
        if dates && values.iter().any(|value| date::parse(value).is_none()) {
            return Err(PolicyError::legacy(path));
        }
        Ok(())
    })?;
    if let Some((_, name, json)) = either(fields, "Resource", "NotResource", path)? {
        let path = format!("{path}.{name}");
        let values = strings(json, &path)?;
        // What the ARNs are refused for by themselves is said later.
        if values.iter().all(|value| arn::fault(value).is_none())
            && values.iter().any(|value| arn::is_legacy_fault(value))
        {
            return Err(PolicyError::legacy(path));
        }
    }
    Ok(())
}

fn sids(statements: &[Placed<'_>]) -> Result<(), PolicyError> {
    let mut seen = HashSet::new();
    for (fields, path) in statements {
        let path = format!("{path}.Sid");
        let Some(sid) = optional_string(fields, "Sid", &path)? else { continue };
        if !sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(PolicyError::sid(path));
        }
        if !sid.is_empty() && !seen.insert(sid) {
            return Err(PolicyError::sid_twice());
        }
    }
    Ok(())
}

fn is_empty(json: &Json) -> bool {
    matches!(json, Json::Array(items) if items.is_empty())
}

fn sorted<'a>(json: &'a Json, path: &str) -> Result<Vec<&'a str>, PolicyError> {
    let mut values = strings(json, path)?;
    values.sort_unstable();
    Ok(values)
}
