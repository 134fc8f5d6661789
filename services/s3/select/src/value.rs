use std::cmp::Ordering;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::timestamp::Timestamp;

/// A value of S3 Select's SQL.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// There is nothing at the path.
    #[default]
    Missing,
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Digits, and how many of them are after the point.
    Decimal(i128, u32),
    Text(String),
    Timestamp(Timestamp),
    List(Vec<Value>),
    /// In the order of the document.
    Struct(Vec<(String, Value)>),
}

/// Largest number of digits after the point of a decimal.
pub const SCALE_MAX: u32 = 18;

impl Value {
    /// A number as it is written; `None` when it is not one.
    pub fn number(text: &str) -> Option<Value> {
        let text = text.trim();
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        // What Rust reads beyond numbers (`inf`, `nan`) begins with a letter.
        if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return None;
        }
        if let Ok(int) = text.parse::<i64>() {
            return Some(Value::Int(int));
        }
        if let Some(decimal) = decimal(text) {
            return Some(decimal);
        }
        text.parse::<f64>().ok().filter(|float| float.is_finite()).map(Value::Float)
    }

    pub fn is_absent(&self) -> bool {
        matches!(self, Value::Missing | Value::Null)
    }

    /// As a number, if it is one or is a text that reads as one: a field of CSV has no type.
    pub fn as_number(&self) -> Option<Value> {
        match self {
            Value::Int(_) | Value::Float(_) | Value::Decimal(..) => Some(self.clone()),
            Value::Text(text) => Value::number(text),
            _ => None,
        }
    }

    /// Of a number.
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Value::Int(int) => Some(*int as f64),
            Value::Float(float) => Some(*float),
            Value::Decimal(digits, scale) => Some(*digits as f64 / 10f64.powi(*scale as i32)),
            _ => None,
        }
    }

    /// Compares values that can be compared; a text with anything else as what the other is.
    pub fn compare(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
            (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            (Value::Timestamp(a), Value::Timestamp(b)) => Some(a.cmp_instant(b)),
            (Value::Text(a), Value::Timestamp(b)) => Some(Timestamp::parse(a)?.cmp_instant(b)),
            (Value::Timestamp(a), Value::Text(b)) => Some(a.cmp_instant(&Timestamp::parse(b)?)),
            (Value::Text(a), Value::Bool(b)) => Some(boolean(a)?.cmp(b)),
            (Value::Bool(a), Value::Text(b)) => Some(a.cmp(&boolean(b)?)),
            _ => compare_numbers(&self.as_number()?, &other.as_number()?),
        }
    }

    /// As CSV and TO_STRING show it.
    pub fn to_text(&self) -> String {
        match self {
            Value::Missing | Value::Null => String::new(),
            Value::Bool(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            Value::Float(value) => float_text(*value),
            Value::Decimal(digits, scale) => decimal_text(*digits, *scale),
            Value::Text(text) => text.clone(),
            Value::Timestamp(at) => at.to_string(),
            Value::List(_) | Value::Struct(_) => {
                let mut text = String::new();
                crate::output::json(self, &mut text);
                text
            }
        }
    }
}

pub fn boolean(text: &str) -> Option<bool> {
    let text = text.trim();
    match () {
        () if text.eq_ignore_ascii_case("true") => Some(true),
        () if text.eq_ignore_ascii_case("false") => Some(false),
        () => None,
    }
}

pub fn compare_numbers(a: &Value, b: &Value) -> Option<Ordering> {
    match (exact(a), exact(b)) {
        (Some((left, from)), Some((right, to))) => {
            let scale = from.max(to);
            match (rescale(left, from, scale), rescale(right, to, scale)) {
                (Some(left), Some(right)) => Some(left.cmp(&right)),
                // More digits than there are, which is far apart.
                _ => a.as_float()?.partial_cmp(&b.as_float()?),
            }
        }
        _ => a.as_float()?.partial_cmp(&b.as_float()?),
    }
}

/// Digits and scale of an exact number.
pub fn exact(value: &Value) -> Option<(i128, u32)> {
    match value {
        Value::Int(int) => Some((i128::from(*int), 0)),
        Value::Decimal(digits, scale) => Some((*digits, *scale)),
        _ => None,
    }
}

pub fn rescale(digits: i128, from: u32, to: u32) -> Option<i128> {
    digits.checked_mul(10i128.checked_pow(to.checked_sub(from)?)?)
}

/// Takes zeros at the end away, and gives an integer where it is one and was to be.
pub fn normal(digits: i128, scale: u32) -> Value {
    let (mut digits, mut scale) = (digits, scale);
    while scale > 0 && digits % 10 == 0 {
        digits /= 10;
        scale -= 1;
    }
    match i64::try_from(digits) {
        Ok(int) if scale == 0 => Value::Int(int),
        _ => Value::Decimal(digits, scale),
    }
}

fn decimal(text: &str) -> Option<Value> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() && part.is_empty() || !is_digits(whole) || !is_digits(part) {
        return None;
    }
    if part.len() > SCALE_MAX as usize || whole.len() + part.len() > 36 {
        return None;
    }
    let digits: i128 = format!("{whole}{part}").parse().ok()?;
    Some(Value::Decimal(sign * digits, part.len() as u32))
}

pub fn decimal_text(digits: i128, scale: u32) -> String {
    let sign = if digits < 0 { "-" } else { "" };
    let text = format!("{:0>width$}", digits.unsigned_abs(), width = scale as usize + 1);
    let (whole, part) = text.split_at(text.len() - scale as usize);
    if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

pub fn float_text(value: f64) -> String {
    match serde_json::Number::from_f64(value) {
        Some(number) => number.to_string(),
        None => value.to_string(),
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Value, D::Error> {
        from.deserialize_any(Json)
    }
}

/// Reads JSON, keeping the order of members. serde_json bounds the depth.
struct Json;

impl<'de> Visitor<'de> for Json {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or(Value::Decimal(i128::from(value), 0), Value::Int))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(member) = members.next_entry()? {
            all.push(member);
        }
        Ok(Value::Struct(all))
    }
}
