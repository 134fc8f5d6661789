//! Values to bytes, as CSV or as JSON.

use std::borrow::Cow;

use crate::csv::too_long;
use crate::error::Result;
use crate::value::{Value, decimal_text, float_text};

#[derive(Clone, Debug)]
pub enum Output {
    Csv(CsvOutput),
    /// What ends a record.
    Json(String),
}

#[derive(Clone, Debug)]
pub struct CsvOutput {
    pub quote_always: bool,
    pub quote: char,
    pub escape: char,
    pub record_delimiter: String,
    pub field_delimiter: String,
}

impl Default for CsvOutput {
    fn default() -> CsvOutput {
        CsvOutput {
            quote_always: false,
            quote: '"',
            escape: '"',
            record_delimiter: "\n".to_owned(),
            field_delimiter: ",".to_owned(),
        }
    }
}

impl Output {
    /// Writes a record of named values, of so many bytes at most: values are made one at a time, and no more of them than that.
    pub fn write<'v>(
        &self,
        values: impl Iterator<Item = Result<(&'v str, Cow<'v, Value>)>>,
        to: &mut String,
        bytes_max: usize,
    ) -> Result<()> {
        let before = to.len();
        let check = |to: &String| if to.len() - before > bytes_max { Err(too_long()) } else { Ok(()) };
        match self {
            Output::Csv(csv) => {
                for (at, value) in values.enumerate() {
                    if at > 0 {
                        to.push_str(&csv.field_delimiter);
                    }
                    csv.field(&value?.1, to);
                    check(to)?;
                }
                to.push_str(&csv.record_delimiter);
            }
            Output::Json(delimiter) => {
                to.push('{');
                let mut first = true;
                for value in values {
                    let (name, value) = value?;
                    if matches!(*value, Value::Missing) {
                        continue;
                    }
                    if !first {
                        to.push(',');
                    }
                    first = false;
                    string(name, to);
                    to.push(':');
                    json(&value, to);
                    check(to)?;
                }
                to.push('}');
                to.push_str(delimiter);
            }
        }
        check(to)
    }
}

impl CsvOutput {
    fn field(&self, value: &Value, to: &mut String) {
        let text: Cow<'_, str> = match value {
            Value::Text(text) => Cow::Borrowed(text),
            other => Cow::Owned(other.to_text()),
        };
        let needs = self.quote_always
            || text.contains(self.quote)
            || (!self.field_delimiter.is_empty() && text.contains(&self.field_delimiter))
            || (!self.record_delimiter.is_empty() && text.contains(&self.record_delimiter))
            || text.contains(['\r', '\n']);
        if !needs {
            to.push_str(&text);
            return;
        }
        to.push(self.quote);
        for c in text.chars() {
            if c == self.quote || (c == self.escape && self.escape != self.quote) {
                to.push(self.escape);
            }
            to.push(c);
        }
        to.push(self.quote);
    }
}

/// As deep as what was read, which is bounded.
pub fn json(value: &Value, to: &mut String) {
    match value {
        Value::Missing | Value::Null => to.push_str("null"),
        // JSON has no infinity, and nothing that is no number.
        Value::Float(float) if !float.is_finite() => to.push_str("null"),
        Value::Bool(truth) => to.push_str(if *truth { "true" } else { "false" }),
        Value::Int(int) => to.push_str(&int.to_string()),
        Value::Float(float) => to.push_str(&float_text(*float)),
        Value::Decimal(digits, scale) => to.push_str(&decimal_text(*digits, *scale)),
        Value::Text(text) => string(text, to),
        Value::Timestamp(at) => string(&at.to_string(), to),
        Value::List(items) => {
            to.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    to.push(',');
                }
                json(item, to);
            }
            to.push(']');
        }
        Value::Struct(members) => {
            to.push('{');
            for (at, (name, member)) in members.iter().enumerate() {
                if at > 0 {
                    to.push(',');
                }
                string(name, to);
                to.push(':');
                json(member, to);
            }
            to.push('}');
        }
    }
}

fn string(text: &str, to: &mut String) {
    to.push('"');
    for c in text.chars() {
        match c {
            '"' => to.push_str("\\\""),
            '\\' => to.push_str("\\\\"),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            '\t' => to.push_str("\\t"),
            c if (c as u32) < 0x20 => to.push_str(&format!("\\u{:04x}", c as u32)),
            c => to.push(c),
        }
    }
    to.push('"');
}
