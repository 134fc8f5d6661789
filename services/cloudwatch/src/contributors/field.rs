use std::borrow::Cow;
use std::cell::OnceCell;

use serde_json::Value;

/// Where a value is in an event.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Field {
    /// `$.users[1].name`
    Json(Vec<Step>),
    /// From 1.
    Column(usize),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Name(String),
    Index(usize),
}

/// Columns that are looked at.
pub(super) const COLUMNS_MAX: usize = 1_000;

impl Field {
    /// `None` for what is no path.
    pub(super) fn json(text: &str) -> Option<Field> {
        let mut rest = text.strip_prefix('$')?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if let Some(after) = rest.strip_prefix('.') {
                let end = after.find(['.', '[']).unwrap_or(after.len());
                let (name, left) = after.split_at(end);
                if name.is_empty() || name.contains(']') {
                    return None;
                }
                steps.push(Step::Name(name.to_owned()));
                rest = left;
            } else {
                let (index, left) = rest.strip_prefix('[')?.split_once(']')?;
                if index.is_empty() || !index.bytes().all(|b| b.is_ascii_digit()) {
                    return None;
                }
                steps.push(Step::Index(index.parse().ok()?));
                rest = left;
            }
        }
        (!steps.is_empty()).then_some(Field::Json(steps))
    }

    /// `"4"`
    pub(super) fn column(text: &str) -> Option<Field> {
        let number = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?;
        number.filter(|column| (1..=COLUMNS_MAX).contains(column)).map(Field::Column)
    }

    /// The value as a text; `None` when the event has none there, or one that has parts.
    pub(super) fn text<'e>(&self, event: &'e Event<'_>) -> Option<Cow<'e, str>> {
        match self {
            Field::Column(number) => event.columns().get(number - 1).map(|column| Cow::Borrowed(*column)),
            Field::Json(steps) => {
                let value = steps.iter().try_fold(event.json()?, |value, step| match step {
                    Step::Name(name) => value.as_object()?.get(name),
                    Step::Index(index) => value.as_array()?.get(*index),
                })?;
                match value {
                    Value::String(text) => Some(Cow::Borrowed(text)),
                    Value::Number(number) => Some(Cow::Owned(number.to_string())),
                    Value::Bool(known) => Some(Cow::Borrowed(if *known { "true" } else { "false" })),
                    Value::Null | Value::Array(_) | Value::Object(_) => None,
                }
            }
        }
    }

    pub(super) fn number(&self, event: &Event<'_>) -> Option<f64> {
        self.text(event)?.trim().parse().ok().filter(|number: &f64| number.is_finite())
    }
}

/// A message, taken apart once for all rules that look at it.
pub(super) struct Event<'m> {
    message: &'m str,
    json: OnceCell<Option<Value>>,
    columns: OnceCell<Vec<&'m str>>,
}

impl<'m> Event<'m> {
    pub(super) fn new(message: &'m str) -> Event<'m> {
        Event { message, json: OnceCell::new(), columns: OnceCell::new() }
    }

    fn json(&self) -> Option<&Value> {
        let parse = || {
            let text = self.message.trim_start();
            text.starts_with(['{', '[']).then(|| serde_json::from_str(text).ok()).flatten()
        };
        self.json.get_or_init(parse).as_ref()
    }

    fn columns(&self) -> &[&'m str] {
        self.columns.get_or_init(|| columns(self.message))
    }
}

/// The fields of Common Log Format: words, and what stands in quotes or brackets, without those.
fn columns(message: &str) -> Vec<&str> {
    let mut columns = Vec::new();
    let mut rest = message.trim();
    while !rest.is_empty() && columns.len() < COLUMNS_MAX {
        let close = match rest.as_bytes().first() {
            Some(b'"') => Some('"'),
            Some(b'[') => Some(']'),
            _ => None,
        };
        let quoted = close.and_then(|close| rest.get(1..)?.split_once(close));
        let (column, left) = match quoted {
            Some(found) => found,
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        columns.push(column);
        rest = left.trim_start();
    }
    columns
}
