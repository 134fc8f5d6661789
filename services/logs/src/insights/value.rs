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

    /// What lies at the end of a path of members and elements, such as `accounts.0.id`.
    pub(super) fn below(&self, path: &str) -> Value {
        let Value::Structure(json) = self else { return Value::Missing };
        let mut at: &Json = json;
        for name in path.split('.') {
            let next = match at {
                Json::Object(members) => members.get(name),
                Json::Array(elements) => name.parse::<usize>().ok().and_then(|i| elements.get(i)),
                _ => None,
            };
            let Some(next) = next else { return Value::Missing };
            at = next;
        }
        Value::of_json(at)
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
