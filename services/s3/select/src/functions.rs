//! The functions of S3 Select.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::ast::{Function, Side};
use crate::error::{Result, SelectError, invalid_arguments};
use crate::timestamp::{Precision, Timestamp, offset};
use crate::value::Value;

pub fn call(function: Function, arguments: &[Cow<'_, Value>], now: Timestamp) -> Result<Value> {
    let argument = |at: usize| arguments.get(at).map_or(&Value::Missing, |value| &**value);
    let is_absent = arguments.iter().any(|value| value.is_absent());
    match function {
        Function::Coalesce => {
            let first = arguments.iter().find(|value| !value.is_absent());
            return Ok(first.map_or(Value::Null, |value| value.clone().into_owned()));
        }
        Function::NullIf => {
            let same = argument(0).compare(argument(1)) == Some(Ordering::Equal);
            return Ok(if same { Value::Null } else { argument(0).clone() });
        }
        Function::UtcNow => return Ok(Value::Timestamp(now)),
        _ if is_absent => return Ok(Value::Null),
        _ => {}
    }
    match function {
        Function::CharLength => Ok(Value::Int(text(argument(0), "CHAR_LENGTH")?.chars().count() as i64)),
        Function::Lower => Ok(Value::Text(text(argument(0), "LOWER")?.to_lowercase())),
        Function::Upper => Ok(Value::Text(text(argument(0), "UPPER")?.to_uppercase())),
        Function::Substring => {
            let start = int(argument(1), "SUBSTRING")?;
            let count = match arguments.get(2) {
                Some(count) => Some(int(count, "SUBSTRING")?),
                None => None,
            };
            substring(text(argument(0), "SUBSTRING")?, start, count).map(Value::Text)
        }
        Function::Trim(side) => {
            let characters: Vec<char> = text(argument(1), "TRIM")?.chars().collect();
            let whole = text(argument(0), "TRIM")?;
            let is_one = |c: char| characters.contains(&c);
            Ok(Value::Text(
                match side {
                    Side::Leading => whole.trim_start_matches(is_one),
                    Side::Trailing => whole.trim_end_matches(is_one),
                    Side::Both => whole.trim_matches(is_one),
                }
                .to_owned(),
            ))
        }
        Function::DateAdd(part) => {
            let count = int(argument(0), "DATE_ADD")?;
            let at = timestamp(argument(1), "DATE_ADD")?;
            at.add(part, count).map(Value::Timestamp).ok_or_else(|| invalid_arguments("DATE_ADD"))
        }
        Function::DateDiff(part) => {
            let (from, to) = (timestamp(argument(0), "DATE_DIFF")?, timestamp(argument(1), "DATE_DIFF")?);
            from.until(part, &to).map(Value::Int).ok_or_else(|| invalid_arguments("DATE_DIFF"))
        }
        Function::Extract(part) => Ok(Value::Int(timestamp(argument(0), "EXTRACT")?.part(part))),
        Function::ToString => {
            let at = timestamp(argument(0), "TO_STRING")?;
            format(&at, text(argument(1), "TO_STRING")?).map(Value::Text)
        }
        Function::ToTimestamp => timestamp(argument(0), "TO_TIMESTAMP").map(Value::Timestamp),
        Function::Coalesce | Function::NullIf | Function::UtcNow => Ok(Value::Null),
    }
}

fn text<'v>(value: &'v Value, function: &str) -> Result<&'v str> {
    match value {
        Value::Text(text) => Ok(text),
        _ => Err(invalid_arguments(function)),
    }
}

fn int(value: &Value, function: &str) -> Result<i64> {
    match value.as_number() {
        Some(Value::Int(int)) => Ok(int),
        _ => Err(invalid_arguments(function)),
    }
}

fn timestamp(value: &Value, function: &str) -> Result<Timestamp> {
    match value {
        Value::Timestamp(at) => Ok(*at),
        Value::Text(text) => Timestamp::parse(text).ok_or_else(|| {
            SelectError::new("ValueParseFailure", "Time stamp parse failure in the SQL expression.")
        }),
        _ => Err(invalid_arguments(function)),
    }
}

/// Positions count from 1; what is before the text counts, too, and is not there.
fn substring(text: &str, start: i64, count: Option<i64>) -> Result<String> {
    let end = match count {
        Some(count) if count < 0 => return Err(invalid_arguments("SUBSTRING")),
        Some(count) => start.saturating_add(count),
        None => i64::MAX,
    };
    let from = start.max(1);
    let taken = end.saturating_sub(from).max(0);
    Ok(text.chars().skip((from - 1) as usize).take(usize::try_from(taken).unwrap_or(usize::MAX)).collect())
}

/// Whether a text is like a pattern: `%` is any text, `_` any character.
pub fn like(value: &Value, pattern: &Value, escape: Option<&Value>) -> Result<Option<bool>> {
    if value.is_absent() || pattern.is_absent() {
        return Ok(None);
    }
    let (Value::Text(value), Value::Text(pattern)) = (value, pattern) else {
        let message = "Invalid argument given to the LIKE clause in the SQL expression.";
        return Err(SelectError::new("LikeInvalidInputs", message));
    };
    let escape = match escape {
        None => None,
        Some(Value::Text(text)) if text.chars().count() == 1 => text.chars().next(),
        Some(_) => {
            let message = "The escape of the LIKE clause in the SQL expression is not one character.";
            return Err(SelectError::new("LikeInvalidInputs", message));
        }
    };
    let mut pieces = Vec::new();
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        pieces.push(match c {
            c if Some(c) == escape => match characters.next() {
                Some(next) if next == '%' || next == '_' || Some(next) == escape => Piece::One(next),
                _ => {
                    let message = "An invalid escape sequence is in the LIKE pattern of the SQL expression.";
                    return Err(SelectError::new("EvaluatorLikePatternInvalidEscapeSequence", message));
                }
            },
            '%' => Piece::Any,
            '_' => Piece::AnyOne,
            c => Piece::One(c),
        });
    }
    let value: Vec<char> = value.chars().collect();
    Ok(Some(matches(&value, &pieces)))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Piece {
    One(char),
    AnyOne,
    Any,
}

/// Goes back to the last `%` only: the product of both lengths at worst.
fn matches(value: &[char], pattern: &[Piece]) -> bool {
    let (mut v, mut p) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while v < value.len() {
        match pattern.get(p) {
            Some(Piece::Any) => {
                back = Some((p + 1, v));
                p += 1;
                continue;
            }
            Some(Piece::AnyOne) => {
                (v, p) = (v + 1, p + 1);
                continue;
            }
            Some(Piece::One(c)) if *c == value[v] => {
                (v, p) = (v + 1, p + 1);
                continue;
            }
            _ => {}
        }
        let Some((after, from)) = back else { return false };
        back = Some((after, from + 1));
        (p, v) = (after, from + 1);
    }
    pattern[p..].iter().all(|piece| *piece == Piece::Any)
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A moment by a pattern of TO_STRING.
fn format(at: &Timestamp, pattern: &str) -> Result<String> {
    let civil = at.civil();
    let invalid = || {
        let message = "The time stamp format pattern in the SQL expression is invalid.";
        SelectError::new("EvaluatorInvalidTimestampFormatPattern", message)
    };
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        if c == '\'' {
            let end = rest[1..].find('\'').ok_or_else(invalid)?;
            out.push_str(if end == 0 { "'" } else { &rest[1..=end] });
            rest = &rest[end + 2..];
            continue;
        }
        let count = rest.chars().take_while(|other| *other == c).count();
        rest = &rest[count * c.len_utf8()..];
        let padded = |out: &mut String, value: i64| out.push_str(&format!("{value:0count$}"));
        let month = MONTHS[(civil.month - 1).clamp(0, 11) as usize];
        match (c, count) {
            ('y', 2) => out.push_str(&format!("{:02}", civil.year % 100)),
            ('y', 1) => out.push_str(&civil.year.to_string()),
            ('y', 4) => padded(&mut out, civil.year),
            ('M', 1 | 2) => padded(&mut out, civil.month),
            ('M', 3) => out.push_str(&month[..3]),
            ('M', 4) => out.push_str(month),
            ('M', 5) => out.push_str(&month[..1]),
            ('d', 1 | 2) => padded(&mut out, civil.day),
            ('a', 1) => out.push_str(if civil.hour < 12 { "AM" } else { "PM" }),
            ('h', 1 | 2) => padded(&mut out, (civil.hour + 11) % 12 + 1),
            ('H', 1 | 2) => padded(&mut out, civil.hour),
            ('m', 1 | 2) => padded(&mut out, civil.minute),
            ('s', 1 | 2) => padded(&mut out, civil.second),
            ('S', 1..=9) => out.push_str(&format!("{:09}", at.nanos)[..count]),
            ('n', 1) => out.push_str(&at.nanos.to_string()),
            ('X', 1) if at.offset_min % 60 == 0 && at.offset_min != 0 => {
                out.push_str(&offset(at.offset_min, true, false)[..3]);
            }
            ('X', 1 | 2 | 4) => out.push_str(&offset(at.offset_min, true, false)),
            ('X', 3 | 5) => out.push_str(&offset(at.offset_min, true, true)),
            ('x', 1) if at.offset_min % 60 == 0 => out.push_str(&offset(at.offset_min, false, false)[..3]),
            ('x', 1 | 2 | 4) => out.push_str(&offset(at.offset_min, false, false)),
            ('x', 3 | 5) => out.push_str(&offset(at.offset_min, false, true)),
            (c, _) if c.is_ascii_alphabetic() => return Err(invalid()),
            (c, count) => out.extend(std::iter::repeat_n(c, count)),
        }
    }
    Ok(out)
}

/// The moment that a query is carried out at.
pub fn now(secs: i64, nanos: u32) -> Timestamp {
    Timestamp { secs, nanos: nanos / 1_000_000 * 1_000_000, offset_min: 0, precision: Precision::Fraction(3) }
}
