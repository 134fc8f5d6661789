//! The documents of management policies: one tree of settings, whose leaves are set by operators. Source: AWS
//! Organizations User Guide, "Policy syntax and inheritance for management policy types".

use serde_json::{Map, Value};

use super::schema::{self, Schema};
use crate::kinds::Kind;

pub(crate) const ASSIGN: &str = "@@assign";
pub(crate) const APPEND: &str = "@@append";
pub(crate) const REMOVE: &str = "@@remove";
pub(crate) const CONTROL: &str = "@@operators_allowed_for_child_policies";
const ALL: &str = "@@all";
const NONE: &str = "@@none";

/// Levels of a document; no type has as many.
const DEPTH_MAX: usize = 20;

/// Why a document was refused: for tests, as AWS does not tell.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    Json,
    TopLevel,
    Depth,
    Operator,
    /// A leaf without operators, or settings beside operators.
    Mixed,
    /// A setting that the type does not have.
    Unknown,
    Value,
}

pub(crate) fn check(kind: &Kind, key: &str, content: &str) -> Result<(), Refused> {
    let document: Value = serde_json::from_str(content).map_err(|_| Refused::Json)?;
    let Value::Object(top) = &document else { return Err(Refused::TopLevel) };
    let Some(settings) = top.get(key).filter(|_| top.len() == 1) else { return Err(Refused::TopLevel) };
    let Value::Object(settings) = settings else { return Err(Refused::TopLevel) };
    walk(settings, schema::of(kind.name), 1)
}

fn walk(object: &Map<String, Value>, schema: &Schema, depth: usize) -> Result<(), Refused> {
    if depth > DEPTH_MAX {
        return Err(Refused::Depth);
    }
    let sets = object.keys().any(|key| is_value_operator(key));
    for (key, value) in object {
        if key == CONTROL {
            control(value)?;
            continue;
        }
        if is_value_operator(key) {
            leaf(key, value, schema)?;
            continue;
        }
        if key.starts_with("@@") {
            return Err(Refused::Operator);
        }
        if sets {
            return Err(Refused::Mixed);
        }
        let below = schema.below(key).ok_or(Refused::Unknown)?;
        match value {
            Value::Object(object) => walk(object, below, depth + 1)?,
            _ => return Err(Refused::Mixed),
        }
    }
    Ok(())
}

fn is_value_operator(key: &str) -> bool {
    matches!(key, ASSIGN | APPEND | REMOVE)
}

fn control(value: &Value) -> Result<(), Refused> {
    let Value::Array(names) = value else { return Err(Refused::Operator) };
    let known = |name: &Value| matches!(name.as_str(), Some(ALL | NONE | ASSIGN | APPEND | REMOVE));
    let alone = |special: &str| names.iter().any(|name| name == special) && names.len() > 1;
    if names.is_empty() || !names.iter().all(known) || alone(ALL) || alone(NONE) {
        return Err(Refused::Operator);
    }
    Ok(())
}

fn leaf(operator: &str, value: &Value, schema: &Schema) -> Result<(), Refused> {
    if !schema.takes(operator == ASSIGN, value) {
        return Err(Refused::Value);
    }
    Ok(())
}

/// The operators that a control leaves to the levels below.
pub(crate) fn allowed(control: Option<&Value>) -> Option<Vec<&str>> {
    let names: Vec<&str> = control?.as_array()?.iter().filter_map(Value::as_str).collect();
    if names.contains(&ALL) {
        return None;
    }
    Some(names.into_iter().filter(|name| *name != NONE).collect())
}
