//! Values from and to the API, with the rules that a value must keep wherever it stands.

use std::collections::HashSet;
use std::fmt::Write;
use std::hash::Hash;

use bytes::Bytes;
use haneul_dynamodb_wire::shapes::AttributeValue;
use haneul_kit::Result;
use haneul_shape::value::Map;

use super::{Attrs, Number, Value};
use crate::error::validation;

/// Lists and maps within one another, above the scalar. Source: "Nested attributes … up to 32 levels deep", of which the
/// scalar is one.
const CONTAINERS_MAX: usize = 31;

const NESTING: &str = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported limit";

const INVALID: &str = "One or more parameter values were invalid:";

pub(crate) fn attrs(map: Map<AttributeValue>) -> Result<Attrs> {
    attrs_at(map, 0)
}

pub(crate) fn value(from: AttributeValue) -> Result<Value> {
    value_at(from, 0)
}

pub(crate) fn to_wire(value: Value) -> AttributeValue {
    match value {
        Value::S(text) => AttributeValue::S(text),
        Value::N(number) => AttributeValue::N(number.to_string()),
        Value::B(bytes) => AttributeValue::B(bytes),
        Value::Bool(value) => AttributeValue::BOOL(value),
        Value::Null => AttributeValue::NULL(true),
        Value::M(map) => AttributeValue::M(attrs_to_wire(map)),
        Value::L(list) => AttributeValue::L(list.into_iter().map(to_wire).collect()),
        Value::Ss(set) => AttributeValue::SS(set),
        Value::Ns(set) => AttributeValue::NS(set.iter().map(Number::to_string).collect()),
        Value::Bs(set) => AttributeValue::BS(set),
    }
}

pub(crate) fn attrs_to_wire(attrs: Attrs) -> Map<AttributeValue> {
    Map(attrs.into_entries().into_iter().map(|(name, value)| (name, to_wire(value))).collect())
}

/// As AWS writes a value in a message: `{S:text}`.
pub(crate) fn shown(value: &Value) -> String {
    let mut out = String::new();
    let list = |items: Vec<String>| items.join(",");
    let _ = match value {
        Value::S(text) => write!(out, "{{S:{text}}}"),
        Value::N(number) => write!(out, "{{N:{number}}}"),
        Value::B(bytes) => {
            write!(out, "{{B:java.nio.HeapByteBuffer[pos=0 lim={0} cap={0}]}}", bytes.len())
        }
        Value::Bool(value) => write!(out, "{{BOOL:{value}}}"),
        Value::Null => write!(out, "{{NULL:true}}"),
        Value::Ss(set) => write!(out, "{{SS:[{}]}}", set.join(",")),
        Value::Ns(set) => write!(out, "{{NS:[{}]}}", list(set.iter().map(Number::to_string).collect())),
        Value::Bs(set) => write!(out, "{{BS:[{} binaries]}}", set.len()),
        Value::L(values) => write!(out, "{{L:[{}]}}", list(values.iter().map(shown).collect())),
        Value::M(map) => {
            let entries = map.iter().map(|(name, value)| format!("{name}={}", shown(value)));
            write!(out, "{{M:{{{}}}}}", entries.collect::<Vec<_>>().join(","))
        }
    };
    out
}

/// The rule for nesting, of an item that an update has made.
pub(crate) fn check_nesting(item: &Attrs) -> Result<()> {
    fn deepest(value: &Value) -> usize {
        match value {
            Value::M(map) => 1 + map.iter().map(|(_, value)| deepest(value)).max().unwrap_or(0),
            Value::L(list) => 1 + list.iter().map(deepest).max().unwrap_or(0),
            _ => 0,
        }
    }
    // What is kept has few levels, and an update adds no more than a request's.
    match item.iter().any(|(_, value)| deepest(value) > CONTAINERS_MAX) {
        true => Err(validation(NESTING)),
        false => Ok(()),
    }
}

fn attrs_at(map: Map<AttributeValue>, depth: usize) -> Result<Attrs> {
    let mut entries = Vec::with_capacity(map.len());
    for (name, value) in map {
        // Of a map within, it may be.
        if depth == 0 && name.is_empty() {
            return Err(validation(format!("{INVALID} An attribute name cannot be empty")));
        }
        entries.push((name, value_at(value, depth)?));
    }
    Ok(Attrs::of(entries))
}

fn value_at(from: AttributeValue, depth: usize) -> Result<Value> {
    if depth > CONTAINERS_MAX {
        return Err(validation(NESTING));
    }
    Ok(match from {
        AttributeValue::S(text) => Value::S(text),
        AttributeValue::N(text) => Value::N(number(&text)?),
        AttributeValue::B(bytes) => Value::B(bytes),
        AttributeValue::BOOL(value) => Value::Bool(value),
        AttributeValue::NULL(true) => Value::Null,
        AttributeValue::NULL(false) => {
            return Err(validation(format!(
                "{INVALID} Null attribute value types must have the value of true"
            )));
        }
        AttributeValue::M(map) => Value::M(attrs_at(map, depth + 1)?),
        AttributeValue::L(list) => {
            Value::L(list.into_iter().map(|value| value_at(value, depth + 1)).collect::<Result<_>>()?)
        }
        AttributeValue::SS(set) => Value::Ss(strings(set)?),
        AttributeValue::NS(set) => Value::Ns(numbers(set)?),
        AttributeValue::BS(set) => Value::Bs(binaries(set)?),
        AttributeValue::Unset => {
            return Err(validation(
                "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes",
            ));
        }
    })
}

pub(crate) fn number(text: &str) -> Result<Number> {
    Number::parse(text).map_err(|error| validation(error.to_string()))
}

fn strings(set: Vec<String>) -> Result<Vec<String>> {
    if set.is_empty() {
        return Err(validation(format!("{INVALID} An string set  may not be empty")));
    }
    if has_duplicates(&set) {
        return Err(validation(format!(
            "{INVALID} Input collection [{}] contains duplicates.",
            set.join(", ")
        )));
    }
    Ok(set)
}

fn numbers(set: Vec<String>) -> Result<Vec<Number>> {
    if set.is_empty() {
        return Err(validation(format!("{INVALID} An number set  may not be empty")));
    }
    let numbers = set.iter().map(|text| number(text)).collect::<Result<Vec<_>>>()?;
    if has_duplicates(&numbers) {
        return Err(validation("Input collection contains duplicates"));
    }
    Ok(numbers)
}

fn binaries(set: Vec<Bytes>) -> Result<Vec<Bytes>> {
    if set.is_empty() {
        return Err(validation(format!("{INVALID} Binary sets should not be empty")));
    }
    if has_duplicates(&set) {
        use base64::Engine;
        let encoded: Vec<_> =
            set.iter().map(|bytes| base64::engine::general_purpose::STANDARD.encode(bytes)).collect();
        let shown = encoded.join(", ");
        return Err(validation(format!(
            "{INVALID} Input collection [{shown}]of type BS contains duplicates."
        )));
    }
    Ok(set)
}

fn has_duplicates<T: Eq + Hash>(set: &[T]) -> bool {
    let mut seen = HashSet::with_capacity(set.len());
    !set.iter().all(|element| seen.insert(element))
}
