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
    /// Midnight of it.
    Date(Instant),
    Array(Vec<Value>),
    /// In the order in which it was made; no key is there twice.
    Map(Vec<(Value, Value)>),
    /// A row or a map of an event, or a value of the type JSON.
    Json(Json),
}

impl Value {
    /// What is in an event: texts, numbers, truths, arrays; rows and maps stay as they are.
    pub(crate) fn of_json(json: &Json) -> Value {
        match json {
            Json::Null => Value::Null,
            Json::Bool(flag) => Value::Bool(*flag),
            Json::Number(number) => match number.as_i64() {
                Some(int) => Value::Int(int),
                None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Value::Text(text.clone()),
            Json::Array(all) => Value::Array(all.iter().map(Value::of_json).collect()),
            other => Value::Json(other.clone()),
        }
    }

    /// As JSON: times are texts.
    pub(crate) fn json(&self) -> Json {
        match self {
            Value::Null => Json::Null,
            Value::Bool(flag) => Json::Bool(*flag),
            Value::Int(int) => Json::from(*int),
            Value::Float(float) => Json::from(*float),
            Value::Array(all) => Json::Array(all.iter().map(Value::json).collect()),
            Value::Map(all) => {
                let pairs =
                    all.iter().map(|(key, value)| (key.shown().unwrap_or_default(), value.json())).collect();
                Json::Object(pairs)
            }
            Value::Json(json) => json.clone(),
            text => Json::String(text.shown().unwrap_or_default()),
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
            Value::Date(at) => at.iso8601().get(..10)?.to_owned(),
            Value::Array(_) | Value::Map(_) => self.json().to_string(),
            Value::Json(json) => json.to_string(),
        })
    }

    /// Bytes that it takes, about.
    pub(crate) fn weight(&self) -> usize {
        size_of::<Value>()
            + match self {
                Value::Text(text) => text.len(),
                Value::Array(all) => all.iter().map(Value::weight).sum(),
                Value::Map(all) => all.iter().map(|(key, value)| key.weight() + value.weight()).sum(),
                Value::Json(json) => weight(json),
                _ => 0,
            }
    }

    /// The text of a value; of a text of JSON, what is in its quotes.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Value::Json(Json::String(text)) => Some(text.clone()),
            Value::Json(Json::Null) => None,
            _ => self.shown(),
        }
    }

    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Value::Int(int) => Some(*int as f64),
            Value::Float(float) => Some(*float),
            Value::Text(text) => text.trim().parse().ok(),
            Value::Json(Json::Number(number)) => number.as_f64(),
            Value::Json(Json::String(text)) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// A whole number.
    pub(crate) fn whole(&self) -> Option<i64> {
        match self {
            Value::Int(int) => Some(*int),
            Value::Json(Json::Number(number)) => number.as_i64(),
            _ => None,
        }
    }

    pub(crate) fn time(&self) -> Option<Instant> {
        match self {
            Value::Time(at) | Value::Date(at) => Some(*at),
            Value::Text(text) | Value::Json(Json::String(text)) => parse_time(text),
            _ => None,
        }
    }

    /// The truth of a condition; NULL is neither.
    pub(crate) fn truth(&self) -> Option<bool> {
        match self {
            Value::Bool(flag) | Value::Json(Json::Bool(flag)) => Some(*flag),
            Value::Text(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::Text(text) if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// `None` where either is NULL, or they cannot be compared.
    pub(crate) fn compare(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Value::Null, _) | (_, Value::Null) => None,
            (Value::Time(_) | Value::Date(_), _) | (_, Value::Time(_) | Value::Date(_)) => {
                Some(self.time()?.cmp(&other.time()?))
            }
            (Value::Text(one), Value::Text(other)) => Some(one.cmp(other)),
            (Value::Bool(_), _) | (_, Value::Bool(_)) => Some(self.truth()?.cmp(&other.truth()?)),
            (Value::Int(one), Value::Int(other)) => Some(one.cmp(other)),
            (Value::Array(one), Value::Array(other)) => {
                for (one, other) in one.iter().zip(other) {
                    match one.compare(other)? {
                        Ordering::Equal => {}
                        order => return Some(order),
                    }
                }
                Some(one.len().cmp(&other.len()))
            }
            (Value::Array(_) | Value::Map(_), _) | (_, Value::Array(_) | Value::Map(_)) => {
                (self.json() == other.json()).then_some(Ordering::Equal)
            }
            (Value::Json(Json::String(one)), Value::Text(other))
            | (Value::Text(one), Value::Json(Json::String(other)))
            | (Value::Json(Json::String(one)), Value::Json(Json::String(other))) => Some(one.cmp(other)),
            (Value::Json(one), Value::Json(other)) => (one == other).then_some(Ordering::Equal),
            // What is in a map is a text, which it is compared with as one.
            (Value::Json(json @ (Json::Object(_) | Json::Array(_))), Value::Text(text))
            | (Value::Text(text), Value::Json(json @ (Json::Object(_) | Json::Array(_)))) => {
                Some(json.to_string().as_str().cmp(text)).filter(|order| order.is_eq())
            }
            _ => self.number()?.partial_cmp(&other.number()?),
        }
    }

    pub(crate) fn equals(&self, other: &Value) -> bool {
        self.compare(other).is_some_and(Ordering::is_eq)
    }

    /// Whether they are equal, or both NULL.
    pub(crate) fn same(&self, other: &Value) -> bool {
        (*self == Value::Null && *other == Value::Null) || self.equals(other)
    }

    /// An order of all values, NULL last.
    pub(crate) fn order(&self, other: &Value) -> Ordering {
        match (self, other) {
            (Value::Null, Value::Null) => Ordering::Equal,
            (Value::Null, _) => Ordering::Greater,
            (_, Value::Null) => Ordering::Less,
            _ => self.compare(other).unwrap_or_else(|| self.shown().cmp(&other.shown())),
        }
    }
}

/// Values as one key: equal values of one type have equal keys, and NULL is a value of its own.
pub(crate) fn key<'a>(values: impl IntoIterator<Item = &'a Value>) -> Vec<u8> {
    let mut out = Vec::new();
    for value in values {
        match value.text() {
            None => out.push(0),
            Some(text) => {
                out.push(1);
                out.extend_from_slice(&(text.len() as u32).to_be_bytes());
                out.extend_from_slice(text.as_bytes());
            }
        }
    }
    out
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
