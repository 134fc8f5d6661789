use std::cmp::Ordering;

use haneul_kit::Instant;
use serde_json::Value as Json;

/// A value of a query.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Time(Instant),
    /// A row, a map or an array.
    Json(Json),
}

impl Value {
    pub(crate) fn of_json(json: &Json) -> Value {
        match json {
            Json::Null => Value::Null,
            Json::Bool(flag) => Value::Bool(*flag),
            Json::Number(number) => match number.as_i64() {
                Some(int) => Value::Int(int),
                None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Value::Text(text.clone()),
            other => Value::Json(other.clone()),
        }
    }

    /// As results show it; `None` is NULL.
    pub(crate) fn shown(&self) -> Option<String> {
        Some(match self {
            Value::Null => return None,
            Value::Bool(flag) => flag.to_string(),
            Value::Int(int) => int.to_string(),
            Value::Float(float) => float.to_string(),
            Value::Text(text) => text.clone(),
            Value::Time(at) => at.iso8601_millis().replace('T', " ").trim_end_matches('Z').to_owned(),
            Value::Json(json) => json.to_string(),
        })
    }

    /// Bytes that it takes, about.
    pub(crate) fn weight(&self) -> usize {
        size_of::<Value>()
            + match self {
                Value::Text(text) => text.len(),
                Value::Json(json) => weight(json),
                _ => 0,
            }
    }

    pub(crate) fn text(&self) -> Option<String> {
        self.shown()
    }

    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Value::Int(int) => Some(*int as f64),
            Value::Float(float) => Some(*float),
            Value::Text(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    pub(crate) fn time(&self) -> Option<Instant> {
        match self {
            Value::Time(at) => Some(*at),
            Value::Text(text) => parse_time(text),
            _ => None,
        }
    }

    /// The truth of a condition; NULL is neither.
    pub(crate) fn truth(&self) -> Option<bool> {
        match self {
            Value::Bool(flag) => Some(*flag),
            Value::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// `None` where either is NULL, or they cannot be compared.
    pub(crate) fn compare(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Value::Null, _) | (_, Value::Null) => None,
            (Value::Time(_), _) | (_, Value::Time(_)) => Some(self.time()?.cmp(&other.time()?)),
            (Value::Text(one), Value::Text(other)) => Some(one.cmp(other)),
            (Value::Bool(_), _) | (_, Value::Bool(_)) => Some(self.truth()?.cmp(&other.truth()?)),
            (Value::Int(one), Value::Int(other)) => Some(one.cmp(other)),
            (Value::Json(one), Value::Json(other)) => (one == other).then_some(Ordering::Equal),
            _ => self.number()?.partial_cmp(&other.number()?),
        }
    }

    /// An order of all values, NULL last, for sorting and grouping.
    pub(crate) fn order(&self, other: &Value) -> Ordering {
        match (self, other) {
            (Value::Null, Value::Null) => Ordering::Equal,
            (Value::Null, _) => Ordering::Greater,
            (_, Value::Null) => Ordering::Less,
            _ => self.compare(other).unwrap_or_else(|| self.shown().cmp(&other.shown())),
        }
    }
}

fn weight(json: &Json) -> usize {
    size_of::<Json>()
        + match json {
            Json::String(text) => text.len(),
            Json::Array(all) => all.iter().map(weight).sum(),
            Json::Object(all) => all.iter().map(|(name, value)| name.len() + weight(value)).sum(),
            _ => 0,
        }
}

/// `2026-11-24`, `2026-11-24 02:35:48`, with or without a fraction, or ISO 8601.
pub(crate) fn parse_time(text: &str) -> Option<Instant> {
    let text = text.trim();
    if text.len() > 40 || !text.is_ascii() {
        return None;
    }
    if text.len() == 10 {
        return Instant::parse_iso8601(text);
    }
    let joined = match text.as_bytes().get(10) {
        Some(b' ') => format!("{}T{}", &text[..10], &text[11..]),
        _ => text.to_owned(),
    };
    let joined = joined.trim_end_matches(" UTC");
    let zone = joined.ends_with('Z') || joined[11.min(joined.len())..].contains(['+', '-']);
    let full = if joined.len() == 16 { format!("{joined}:00") } else { joined.to_owned() };
    Instant::parse_iso8601(&if zone { full } else { format!("{full}Z") })
}
