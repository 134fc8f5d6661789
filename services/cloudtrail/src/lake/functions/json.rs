//! Source: Trino, "JSON functions and operators". Paths are those of `json_extract`: names, places, and no wildcards.

use serde_json::Value as Json;

use super::{Entry, entry, fits, text};
use crate::lake::cast::part;
use crate::lake::value::Value;

pub(super) const TABLE: &[Entry] = &[
    entry("is_json_scalar", 1, 1, |all| {
        Some(Value::Bool(!matches!(parsed(&all[0])?, Json::Object(_) | Json::Array(_))))
    }),
    entry("json_array_contains", 2, 2, |all| {
        let json = parsed(&all[0])?;
        Some(Value::Bool(json.as_array()?.iter().any(|one| Value::of_json(one).equals(&all[1]))))
    }),
    entry("json_array_get", 2, 2, |all| {
        let (json, at) = (parsed(&all[0])?, all[1].whole()?);
        let array = json.as_array()?;
        let at = if at < 0 { array.len() as i64 + at } else { at };
        Some(part(array.get(usize::try_from(at).ok()?)?.clone()))
    }),
    entry("json_array_length", 1, 1, |all| Some(Value::Int(parsed(&all[0])?.as_array()?.len() as i64))),
    entry("json_extract", 2, 2, |all| Some(part(at(&parsed(&all[0])?, &text(all, 1)?)?.clone()))),
    entry("json_extract_scalar", 2, 2, |all| {
        let json = parsed(&all[0])?;
        match at(&json, &text(all, 1)?)? {
            Json::Object(_) | Json::Array(_) => None,
            scalar => Some(Value::Text(Value::of_json(scalar).text()?)),
        }
    }),
    entry("json_format", 1, 1, |all| fits(all[0].json().to_string())),
    entry("json_parse", 1, 1, |all| Some(Value::Json(parsed(&all[0])?))),
    entry("json_size", 2, 2, |all| {
        let json = parsed(&all[0])?;
        Some(Value::Int(match at(&json, &text(all, 1)?)? {
            Json::Object(all) => all.len() as i64,
            Json::Array(all) => all.len() as i64,
            _ => 0,
        }))
    }),
];

/// What is JSON already, or a text of it.
fn parsed(value: &Value) -> Option<Json> {
    match value {
        Value::Json(json) => Some(json.clone()),
        Value::Array(_) | Value::Map(_) => Some(value.json()),
        other => serde_json::from_str(&other.text()?).ok(),
    }
}

/// `$.a.b[0]["c d"]`; a name ends at a dot or a bracket.
fn at<'a>(json: &'a Json, path: &str) -> Option<&'a Json> {
    let mut rest = path.trim().strip_prefix('$')?;
    let mut found = json;
    while !rest.is_empty() {
        let name;
        if let Some(after) = rest.strip_prefix('[') {
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
            (name, rest) = match quote {
                Some(quote) => {
                    let (name, after) = after.get(1..)?.split_once(quote)?;
                    (name, after.strip_prefix(']')?)
                }
                None => after.split_once(']')?,
            };
        } else {
            let after = rest.strip_prefix('.')?;
            let end = after.find(['.', '[']).unwrap_or(after.len());
            (name, rest) = after.split_at(end);
        }
        found = match found {
            Json::Array(all) => all.get(name.trim().parse::<usize>().ok()?)?,
            other => other.get(name)?,
        };
    }
    Some(found)
}
