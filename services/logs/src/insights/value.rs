use std::cmp::Ordering;
use std::sync::Arc;

use haneul_kit::Instant;
use serde_json::Value as Json;

/// What a field or an expression is worth. Fields come as text; text that reads as a number counts as one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Missing,
    Bool(bool),
    Number(f64),
    /// Milliseconds since the epoch, shown as a date.
    Time(i64),
    Text(String),
    /// A map or a list, as `jsonParse` makes it; what is neither is one of the others.
    Structure(Arc<Json>),
}

impl Value {
    /// What a member or an element of a JSON document is worth.
    pub(super) fn of_json(json: &Json) -> Value {
        match json {
            Json::Null => Value::Missing,
            Json::Bool(yes) => Value::Bool(*yes),
            Json::Number(number) => Value::Text(number.to_string()),
            Json::String(text) => Value::Text(text.clone()),
            Json::Array(_) | Json::Object(_) => Value::Structure(Arc::new(json.clone())),
        }
    }

    /// What lies at the end of a path of members and elements, such as `accounts.0.id`; a name may have points in it.
    pub(super) fn below(&self, path: &str) -> Value {
        let Value::Structure(json) = self else { return Value::Missing };
        below(json, path, PATH_MAX).map_or(Value::Missing, Value::of_json)
    }

    /// About how many bytes of memory it takes beside itself.
    pub(super) fn weight(&self) -> usize {
        match self {
            Value::Text(text) => text.len(),
            Value::Structure(json) => size(json),
            _ => 0,
        }
    }

    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Value::Number(number) => Some(*number),
            Value::Time(ms) => Some(*ms as f64),
            Value::Text(text) => text.trim().parse().ok().filter(|number: &f64| number.is_finite()),
            Value::Bool(_) | Value::Missing | Value::Structure(_) => None,
        }
    }

    pub(crate) fn truth(&self) -> bool {
        match self {
            Value::Bool(yes) => *yes,
            Value::Number(number) => *number != 0.0,
            Value::Text(text) => text == "true" || text == "1",
            Value::Time(_) | Value::Structure(_) => true,
            Value::Missing => false,
        }
    }

    pub(crate) fn is_missing(&self) -> bool {
        *self == Value::Missing
    }

    /// As a result shows it; `None` when there is nothing to show.
    pub(crate) fn text(&self) -> Option<String> {
        Some(match self {
            Value::Missing => return None,
            Value::Bool(yes) => if *yes { "1" } else { "0" }.to_owned(),
            Value::Number(number) => number_text(*number),
            Value::Time(ms) => time_text(*ms),
            Value::Text(text) => text.clone(),
            Value::Structure(json) => json.to_string(),
        })
    }

    /// Numbers by size, else texts by their letters; what is missing comes first.
    pub(crate) fn order(&self, other: &Value) -> Ordering {
        match (self.is_missing(), other.is_missing()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        match (self.number(), other.number()) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => self.text().cmp(&other.text()),
        }
    }

    /// Whether `=` holds; numbers by size.
    pub(crate) fn same(&self, other: &Value) -> bool {
        match (self.number(), other.number()) {
            (Some(a), Some(b)) => a == b,
            _ => self.text() == other.text(),
        }
    }
}

/// About how many bytes of memory a document takes; the readers of JSON bound how deep it is.
fn size(json: &Json) -> usize {
    const NODE: usize = 40;
    NODE + match json {
        Json::String(text) => text.len(),
        Json::Array(elements) => elements.iter().map(size).sum(),
        Json::Object(members) => members.iter().map(|(name, member)| NODE + name.len() + size(member)).sum(),
        _ => 0,
    }
}

/// Points in a path.
const PATH_MAX: usize = 32;

fn below<'j>(json: &'j Json, path: &str, left: usize) -> Option<&'j Json> {
    let left = left.checked_sub(1)?;
    let step = |name: &str| match json {
        Json::Object(members) => members.get(name),
        Json::Array(elements) => elements.get(name.parse::<usize>().ok()?),
        _ => None,
    };
    if let Some(found) = step(path) {
        return Some(found);
    }
    // The longest name that there is counts. Each try makes the path shorter, so there are few.
    let ends: Vec<usize> = path.match_indices('.').map(|(at, _)| at).take(left).collect();
    let (end, next) = ends.into_iter().rev().find_map(|end| Some((end, step(&path[..end])?)))?;
    below(next, &path[end + 1..], left)
}

/// Whole numbers without a point, others with up to four digits behind it.
fn number_text(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return format!("{number:.0}");
    }
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `2026-11-25 13:20:51.000`
pub(crate) fn time_text(ms: i64) -> String {
    let text = Instant::from_millis(ms).iso8601_millis();
    text.trim_end_matches('Z').replacen('T', " ", 1)
}
