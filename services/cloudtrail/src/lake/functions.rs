use regex::RegexBuilder;
use serde_json::Value as Json;

use super::dates;
use super::expr::element;
use super::value::{Value, parse_time};

/// Functions on the values of one row, with the numbers of arguments that they take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    Abs,
    Cardinality,
    Coalesce,
    Concat,
    Contains,
    Date,
    DateAdd,
    DateDiff,
    DateTrunc,
    Day,
    ElementAt,
    DayOfWeek,
    FromIso,
    FromUnixTime,
    Greatest,
    Hour,
    JsonExtractScalar,
    JsonFormat,
    Least,
    Length,
    Lower,
    Minute,
    Month,
    NullIf,
    RegexpLike,
    Replace,
    SplitPart,
    StartsWith,
    Strpos,
    Substr,
    ToIso,
    ToUnixTime,
    Trim,
    Upper,
    Year,
}

const NAMES: &[(&str, Function, usize, usize)] = &[
    ("abs", Function::Abs, 1, 1),
    ("cardinality", Function::Cardinality, 1, 1),
    ("coalesce", Function::Coalesce, 1, 100),
    ("concat", Function::Concat, 1, 100),
    ("contains", Function::Contains, 2, 2),
    ("date", Function::Date, 1, 1),
    ("date_add", Function::DateAdd, 3, 3),
    ("date_diff", Function::DateDiff, 3, 3),
    ("date_trunc", Function::DateTrunc, 2, 2),
    ("day", Function::Day, 1, 1),
    ("day_of_week", Function::DayOfWeek, 1, 1),
    ("element_at", Function::ElementAt, 2, 2),
    ("from_iso8601_timestamp", Function::FromIso, 1, 1),
    ("from_unixtime", Function::FromUnixTime, 1, 1),
    ("greatest", Function::Greatest, 1, 100),
    ("hour", Function::Hour, 1, 1),
    ("json_extract_scalar", Function::JsonExtractScalar, 2, 2),
    ("json_format", Function::JsonFormat, 1, 1),
    ("least", Function::Least, 1, 100),
    ("length", Function::Length, 1, 1),
    ("lower", Function::Lower, 1, 1),
    ("minute", Function::Minute, 1, 1),
    ("month", Function::Month, 1, 1),
    ("nullif", Function::NullIf, 2, 2),
    ("regexp_like", Function::RegexpLike, 2, 2),
    ("replace", Function::Replace, 2, 3),
    ("split_part", Function::SplitPart, 3, 3),
    ("starts_with", Function::StartsWith, 2, 2),
    ("strpos", Function::Strpos, 2, 2),
    ("substr", Function::Substr, 2, 3),
    ("substring", Function::Substr, 2, 3),
    ("to_iso8601", Function::ToIso, 1, 1),
    ("to_unixtime", Function::ToUnixTime, 1, 1),
    ("trim", Function::Trim, 1, 1),
    ("upper", Function::Upper, 1, 1),
    ("year", Function::Year, 1, 1),
];

/// Memory that one regular expression may take.
const REGEX_BYTES_MAX: usize = 1024 * 1024;

impl Function {
    /// The function of that name; an error tells why not.
    pub(crate) fn named(name: &str, arguments: usize) -> Result<Function, String> {
        let found = NAMES.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name));
        let (_, function, least, most) = found.ok_or_else(|| format!("Function '{name}' not registered"))?;
        if (*least..=*most).contains(&arguments) {
            return Ok(*function);
        }
        Err(format!("Unexpected number of parameters ({arguments}) for function {name}"))
    }

    pub(crate) fn call(self, arguments: &[Value]) -> Value {
        match self {
            Function::Coalesce => {
                return arguments.iter().find(|value| **value != Value::Null).cloned().unwrap_or(Value::Null);
            }
            Function::NullIf => {
                let equal = arguments[0].compare(&arguments[1]).is_some_and(std::cmp::Ordering::is_eq);
                return if equal { Value::Null } else { arguments[0].clone() };
            }
            _ => {}
        }
        if arguments.contains(&Value::Null) {
            return Value::Null;
        }
        self.of_values(arguments).unwrap_or(Value::Null)
    }

    fn of_values(self, arguments: &[Value]) -> Option<Value> {
        let first = &arguments[0];
        let text = |at: usize| arguments.get(at).and_then(Value::text);
        let part = |range: std::ops::Range<usize>| {
            let iso = first.time()?.iso8601();
            iso.get(range)?.parse().ok().map(Value::Int)
        };
        Some(match self {
            Function::Abs => match first {
                Value::Int(int) => Value::Int(int.checked_abs()?),
                other => Value::Float(other.number()?.abs()),
            },
            Function::Cardinality => match first {
                Value::Json(Json::Array(all)) => Value::Int(all.len() as i64),
                Value::Json(Json::Object(all)) => Value::Int(all.len() as i64),
                _ => return None,
            },
            Function::Concat => Value::Text(arguments.iter().filter_map(Value::text).collect()),
            Function::Contains => match first {
                Value::Json(Json::Array(all)) => {
                    let is = |json: &Json| {
                        Value::of_json(json).compare(&arguments[1]).is_some_and(|order| order.is_eq())
                    };
                    Value::Bool(all.iter().any(is))
                }
                _ => return None,
            },
            Function::Date => Value::Time(parse_time(first.time()?.iso8601().get(..10)?)?),
            Function::DateAdd => {
                Value::Time(dates::add(&text(0)?, whole(&arguments[1])?, arguments[2].time()?)?)
            }
            Function::DateDiff => {
                Value::Int(dates::between(&text(0)?, arguments[1].time()?, arguments[2].time()?)?)
            }
            Function::DayOfWeek => Value::Int(dates::day_of_week(first.time()?)),
            Function::FromUnixTime => {
                let ms = first.number()? * 1000.0;
                Value::Time(dates::within(ms as i64)?)
            }
            Function::ToUnixTime => Value::Float(first.time()?.millis() as f64 / 1000.0),
            Function::Greatest => arguments.iter().max_by(|one, other| one.order(other))?.clone(),
            Function::Least => arguments.iter().min_by(|one, other| one.order(other))?.clone(),
            Function::DateTrunc => {
                let iso = arguments[1].time()?.iso8601();
                let (keep, rest) = match &*text(0)?.to_ascii_lowercase() {
                    "year" => (4, "-01-01T00:00:00Z"),
                    "month" => (7, "-01T00:00:00Z"),
                    "day" => (10, "T00:00:00Z"),
                    "hour" => (13, ":00:00Z"),
                    "minute" => (16, ":00Z"),
                    "second" => (19, "Z"),
                    _ => return None,
                };
                Value::Time(parse_time(&format!("{}{rest}", iso.get(..keep)?))?)
            }
            Function::Year => part(0..4)?,
            Function::Month => part(5..7)?,
            Function::Day => part(8..10)?,
            Function::Hour => part(11..13)?,
            Function::Minute => part(14..16)?,
            Function::ElementAt => element(first, &arguments[1]),
            Function::FromIso => Value::Time(first.time()?),
            Function::ToIso => Value::Text(first.time()?.iso8601_millis()),
            Function::JsonExtractScalar => {
                let json = match first {
                    Value::Json(json) => json.clone(),
                    other => serde_json::from_str(&other.text()?).ok()?,
                };
                let path = text(1)?;
                let path = path
                    .strip_prefix('$')?
                    .replace(['.', '['], "/")
                    .replace(']', "")
                    .replace(['"', '\''], "");
                match json.pointer(&path)? {
                    Json::Object(_) | Json::Array(_) => return None,
                    scalar => Value::Text(Value::of_json(scalar).text()?),
                }
            }
            Function::JsonFormat => Value::Text(first.text()?),
            Function::Length => Value::Int(text(0)?.chars().count() as i64),
            Function::Lower => Value::Text(text(0)?.to_lowercase()),
            Function::Upper => Value::Text(text(0)?.to_uppercase()),
            Function::Trim => Value::Text(text(0)?.trim().to_owned()),
            Function::RegexpLike => {
                let pattern = text(1)?;
                let regex = RegexBuilder::new(&pattern).size_limit(REGEX_BYTES_MAX).build().ok()?;
                Value::Bool(regex.is_match(&text(0)?))
            }
            Function::Replace => Value::Text(text(0)?.replace(&text(1)?, &text(2).unwrap_or_default())),
            Function::SplitPart => {
                let (whole, at) = (text(0)?, usize::try_from(arguments[2].number()? as i64 - 1).ok()?);
                let found = whole.split(text(1)?.as_str()).nth(at).map(str::to_owned);
                Value::Text(found?)
            }
            Function::StartsWith => Value::Bool(text(0)?.starts_with(&text(1)?)),
            Function::Strpos => {
                let whole = text(0)?;
                let at = whole.find(&text(1)?);
                Value::Int(at.map_or(0, |at| whole[..at].chars().count() as i64 + 1))
            }
            Function::Substr => {
                let whole: Vec<char> = text(0)?.chars().collect();
                let from = arguments[1].number()? as i64;
                let from = if from < 0 { whole.len() as i64 + from } else { from - 1 };
                let from = usize::try_from(from).ok().filter(|from| *from <= whole.len());
                let length = match arguments.get(2) {
                    Some(length) => usize::try_from(length.number()? as i64).ok()?,
                    None => usize::MAX,
                };
                let found = from.map(|from| whole[from..].iter().take(length).collect::<String>());
                Value::Text(found.unwrap_or_default())
            }
            Function::Coalesce | Function::NullIf => return None,
        })
    }
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Int(int) => Some(*int),
        _ => None,
    }
}
