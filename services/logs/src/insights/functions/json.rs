use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value as Json;

use super::{Arguments, ELEMENTS_MAX, Function, number};
use crate::insights::value::Value;

pub(super) fn call(function: Function, of: &Arguments<'_, '_>) -> Option<Value> {
    Some(match function {
        Function::JsonParse => parsed(of).map_or(Value::Missing, |json| Value::of_json(&json)),
        Function::JsonStringify => match of.value(0) {
            structure @ Value::Structure(_) => structure.text().map_or(Value::Missing, Value::Text),
            Value::Text(text) => Value::Text(Json::from(text.as_str()).to_string()),
            value => value.text().map_or(Value::Missing, Value::Text),
        },
        Function::JsonArraySize => {
            let size = |json: Cow<'_, Json>| Some(json.as_array()?.len() as f64);
            number(array(of).and_then(size))
        }
        Function::JsonArrayContains => {
            let wanted = of.text(1);
            let is_wanted = |one: &Json| match one {
                Json::String(text) => Some(text.as_str()) == wanted.as_deref(),
                Json::Null => false,
                other => Some(other.to_string().as_str()) == wanted.as_deref(),
            };
            let has = |json: Cow<'_, Json>| json.as_array().is_some_and(|all| all.iter().any(is_wanted));
            Value::Bool(array(of).is_some_and(has))
        }
        Function::Split => split(of).unwrap_or(Value::Missing),
        _ => return None,
    })
}

/// The document that a text is; nothing of what is no JSON.
fn parsed(of: &Arguments<'_, '_>) -> Option<Json> {
    serde_json::from_str(&of.text(0)?).ok()
}

/// The first argument: a list, or a text that is one.
fn array<'a>(of: &'a Arguments<'_, '_>) -> Option<Cow<'a, Json>> {
    match of.value(0) {
        Value::Structure(json) => Some(Cow::Borrowed(&**json)),
        _ => parsed(of).map(Cow::Owned),
    }
}

fn split(of: &Arguments<'_, '_>) -> Option<Value> {
    let (text, delimiter) = (of.text(0)?, of.text(1)?);
    if delimiter.is_empty() {
        return Some(Value::Structure(Arc::new(Json::from(vec![text.as_ref()]))));
    }
    let parts: Vec<Json> = text.split(&*delimiter).take(ELEMENTS_MAX + 1).map(Json::from).collect();
    (parts.len() <= ELEMENTS_MAX).then(|| Value::Structure(Arc::new(Json::Array(parts))))
}
