//! Types, and values made into them. A value that cannot be is NULL.

use serde_json::Value as Json;

use super::value::{Value, parse_time};

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Type {
    Text,
    Int,
    Float,
    Bool,
    Time,
    Date,
    Json,
    Array(Box<Type>),
    Map(Box<Type>, Box<Type>),
}

impl Type {
    pub(crate) fn cast(&self, value: Value) -> Value {
        if value == Value::Null {
            return Value::Null;
        }
        let found = match self {
            Type::Text => value.text().map(Value::Text),
            Type::Int => match &value {
                Value::Bool(flag) => Some(Value::Int(i64::from(*flag))),
                Value::Int(int) => Some(Value::Int(*int)),
                Value::Text(text) => text.trim().parse().ok().map(Value::Int),
                _ => value.number().map(|number| Value::Int(number.round() as i64)),
            },
            Type::Float => value.number().map(Value::Float),
            Type::Bool => value.truth().map(Value::Bool),
            Type::Time => value.time().map(Value::Time),
            Type::Date => day(&value),
            Type::Json => Some(Value::Json(value.json())),
            Type::Array(of) => match value {
                Value::Array(all) => Some(Value::Array(all.into_iter().map(|one| of.cast(one)).collect())),
                Value::Json(Json::Array(all)) => {
                    Some(Value::Array(all.into_iter().map(|one| of.cast(part(one))).collect()))
                }
                _ => None,
            },
            Type::Map(keys, values) => match value {
                Value::Map(all) => Some(Value::Map(
                    all.into_iter().map(|(key, value)| (keys.cast(key), values.cast(value))).collect(),
                )),
                Value::Json(Json::Object(all)) => Some(Value::Map(
                    all.into_iter()
                        .map(|(key, value)| (keys.cast(Value::Text(key)), values.cast(part(value))))
                        .collect(),
                )),
                _ => None,
            },
        };
        found.unwrap_or(Value::Null)
    }
}

/// What is in JSON, still JSON.
pub(super) fn part(json: Json) -> Value {
    if json.is_null() { Value::Null } else { Value::Json(json) }
}

/// The day of a time.
pub(super) fn day(value: &Value) -> Option<Value> {
    Some(Value::Date(parse_time(value.time()?.iso8601().get(..10)?)?))
}
