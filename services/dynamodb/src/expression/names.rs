//! Placeholders: what `#name` and `:value` stand for, and which of them an expression used.

use std::cell::RefCell;
use std::collections::HashSet;

use haneul_dynamodb_wire::shapes::AttributeValue;
use haneul_kit::Result;
use haneul_shape::value::Map;

use super::path::{Path, Step};
use super::raw::RawStep;
use super::reserved::is_reserved;
use crate::error::validation;
use crate::value::{Value, size, wire};

/// The placeholders of one request, which all of its expressions share.
pub(crate) struct Placeholders {
    names: Vec<(String, String)>,
    values: Vec<(String, Value)>,
    used: RefCell<HashSet<String>>,
}

/// Source: "Quotas", "the maximum length of any single expression attribute name or value".
const LENGTH_MAX: usize = 255;

/// Source: "Quotas", "the sum of the lengths of all ExpressionAttributeNames and ExpressionAttributeValues".
const BYTES_MAX: usize = 2 * 1024 * 1024;

/// Steps of a path. Source: "Quotas", "nested attributes … up to 32 levels deep".
const NESTING_MAX: usize = 32;

impl Placeholders {
    /// `expressions` are the expressions that the request could have, each with whether it has it.
    pub(crate) fn of(
        names: Option<Map<String>>,
        values: Option<Map<AttributeValue>>,
        expressions: &[(&str, bool)],
    ) -> Result<Placeholders> {
        check_takers(names.is_some(), values.is_some(), expressions)?;
        if let Some(names) = &names {
            if names.is_empty() {
                return Err(validation("ExpressionAttributeNames must not be empty"));
            }
            for (key, _) in names.iter() {
                check_key("ExpressionAttributeNames", key, '#')?;
            }
        }
        if let Some(values) = &values {
            if values.is_empty() {
                return Err(validation("ExpressionAttributeValues must not be empty"));
            }
            for (key, _) in values.iter() {
                check_key("ExpressionAttributeValues", key, ':')?;
            }
        }
        let mut own_values = Vec::new();
        for (key, value) in values.into_iter().flatten() {
            let value = wire::value(value).and_then(|value| size::check_value(&value).map(|()| value));
            let value = value.map_err(|error| {
                let why = error.message();
                validation(format!("ExpressionAttributeValues contains invalid value: {why} for key {key}"))
            })?;
            own_values.push((key, value));
        }
        for (key, value) in names.iter().flat_map(Map::iter) {
            if value.is_empty() {
                return Err(validation(format!(
                    "ExpressionAttributeNames contains invalid value: Syntax error; key: {key}"
                )));
            }
        }
        let names = names.map(|names| names.0).unwrap_or_default();
        check_sizes(&names, &own_values)?;
        Ok(Placeholders { names, values: own_values, used: RefCell::default() })
    }

    /// Whether a word of the path is reserved, or an index beyond what any list could have.
    pub(super) fn check_path(&self, steps: &[RawStep<'_>]) -> std::result::Result<(), String> {
        for step in steps {
            match step {
                RawStep::Word(word) if is_reserved(word) => {
                    return Err(format!("Attribute name is a reserved keyword; reserved keyword: {word}"));
                }
                RawStep::Index(digits) if digits.parse().is_ok_and(|index: i32| index >= 0) => {}
                RawStep::Index(digits) => {
                    return Err(format!("List index is not within the allowable range; index: [{digits}]"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn path(&self, steps: &[RawStep<'_>]) -> std::result::Result<Path, String> {
        self.check_path(steps)?;
        if steps.len() > NESTING_MAX {
            return Err(format!(
                "The document path has too many nesting levels; nesting levels: {}",
                steps.len()
            ));
        }
        let step = |step: &RawStep<'_>| match step {
            RawStep::Word(word) => Ok(Step::Name((*word).to_owned())),
            RawStep::Name(name) => match self.names.iter().rev().find(|(key, _)| key == name) {
                Some((key, value)) => {
                    self.mark(key);
                    Ok(Step::Name(value.clone()))
                }
                None => Err(format!(
                    "An expression attribute name used in the document path is not defined; attribute name: {name}"
                )),
            },
            RawStep::Index(digits) => Ok(Step::Index(digits.parse().unwrap_or(usize::MAX))),
        };
        steps.iter().map(step).collect::<std::result::Result<_, _>>().map(Path)
    }

    pub(super) fn value(&self, name: &str) -> std::result::Result<Value, String> {
        match self.values.iter().rev().find(|(key, _)| key == name) {
            Some((key, value)) => {
                self.mark(key);
                Ok(value.clone())
            }
            None => Err(format!(
                "An expression attribute value used in expression is not defined; attribute value: {name}"
            )),
        }
    }

    /// Every placeholder must have been used by some expression.
    pub(crate) fn check_used(&self) -> Result<()> {
        let used = self.used.borrow();
        let unused = |keys: &mut dyn Iterator<Item = &String>| -> Vec<String> {
            keys.filter(|key| !used.contains(key.as_str())).cloned().collect()
        };
        for (what, keys) in [
            ("ExpressionAttributeNames", unused(&mut self.names.iter().map(|(key, _)| key))),
            ("ExpressionAttributeValues", unused(&mut self.values.iter().map(|(key, _)| key))),
        ] {
            if !keys.is_empty() {
                let keys = keys.join(", ");
                return Err(validation(format!(
                    "Value provided in {what} unused in expressions: keys: {{{keys}}}"
                )));
            }
        }
        Ok(())
    }

    fn mark(&self, key: &str) {
        let mut used = self.used.borrow_mut();
        if !used.contains(key) {
            used.insert(key.to_owned());
        }
    }
}

/// Whether there is an expression that takes the placeholders that are given. AWS says this before it looks at any of them.
pub(crate) fn check_takers(names: bool, values: bool, expressions: &[(&str, bool)]) -> Result<()> {
    if names && !expressions.iter().any(|(_, given)| *given) {
        return Err(validation("ExpressionAttributeNames can only be specified when using expressions"));
    }
    if !values {
        return Ok(());
    }
    let takers: Vec<_> = expressions.iter().filter(|(name, _)| *name != "ProjectionExpression").collect();
    if takers.iter().any(|(_, given)| *given) {
        return Ok(());
    }
    let names: Vec<_> = takers.iter().map(|(name, _)| *name).collect();
    let (list, verb) = (names.join(" and "), if names.len() > 1 { "are" } else { "is" });
    Err(validation(format!(
        "ExpressionAttributeValues can only be specified when using expressions: {list} {verb} null"
    )))
}

fn check_key(what: &str, key: &str, sigil: char) -> Result<()> {
    let mut chars = key.chars();
    let begins = chars.next() == Some(sigil);
    let rest = chars.as_str();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if !begins || rest.is_empty() || !rest.chars().all(plain) || key.len() > LENGTH_MAX {
        let shown: String = key.chars().take(LENGTH_MAX).collect();
        return Err(validation(format!("{what} contains invalid key: Syntax error; key: \"{shown}\"")));
    }
    Ok(())
}

/// Whether all of them together are small enough.
fn check_sizes(names: &[(String, String)], values: &[(String, Value)]) -> Result<()> {
    let names: usize = names.iter().map(|(key, name)| key.len() + name.len()).sum();
    let values: usize = values.iter().map(|(key, value)| key.len() + size::of_value(value)).sum();
    for (what, bytes) in [
        ("ExpressionAttributeNames", names),
        ("ExpressionAttributeValues", values),
        ("Combined size of ExpressionAttributeNames and ExpressionAttributeValues", names + values),
    ] {
        if bytes > BYTES_MAX {
            return Err(validation(format!("{what} exceeds max size")));
        }
    }
    Ok(())
}
