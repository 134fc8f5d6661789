use std::borrow::Cow;
use std::net::IpAddr;

use super::record::Record;
use super::value::Value;

macro_rules! functions {
    ($($name:ident $text:literal $least:literal..=$most:literal,)+) => {
        /// A function of the language. `bin(5m)` and `bin(@timestamp, 5m)` are the same.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Function { $($name),+ }

        impl Function {
            pub(super) fn named(name: &str) -> Option<Function> {
                let name = name.to_ascii_lowercase();
                $(if name == $text { return Some(Function::$name); })+
                None
            }

            pub(super) fn takes(self, count: usize) -> bool {
                match self { $(Function::$name => ($least..=$most).contains(&count)),+ }
            }
        }
    };
}

functions! {
    Abs "abs" 1..=1,
    Bin "bin" 1..=2,
    Ceil "ceil" 1..=1,
    Coalesce "coalesce" 1..=20,
    Concat "concat" 1..=20,
    DateCeil "dateceil" 2..=2,
    DateFloor "datefloor" 2..=2,
    Floor "floor" 1..=1,
    FromMillis "frommillis" 1..=1,
    Greatest "greatest" 1..=20,
    IsBlank "isblank" 1..=1,
    IsEmpty "isempty" 1..=1,
    IsIpInSubnet "isipinsubnet" 2..=2,
    IsIpv4InSubnet "isipv4insubnet" 2..=2,
    IsIpv6InSubnet "isipv6insubnet" 2..=2,
    IsPresent "ispresent" 1..=1,
    IsValidIp "isvalidip" 1..=1,
    IsValidIpV4 "isvalidipv4" 1..=1,
    IsValidIpV6 "isvalidipv6" 1..=1,
    JsonParse "jsonparse" 1..=1,
    JsonStringify "jsonstringify" 1..=1,
    Least "least" 1..=20,
    Log "log" 1..=1,
    Ltrim "ltrim" 1..=2,
    Now "now" 0..=0,
    Replace "replace" 3..=3,
    Rtrim "rtrim" 1..=2,
    Sqrt "sqrt" 1..=1,
    StrContains "strcontains" 2..=2,
    StrLen "strlen" 1..=1,
    SubStr "substr" 2..=3,
    ToLower "tolower" 1..=1,
    ToMillis "tomillis" 1..=1,
    ToUpper "toupper" 1..=1,
    Trim "trim" 1..=2,
}

impl Function {
    pub(super) fn call(self, values: &[Cow<'_, Value>], record: &Record, now_ms: i64) -> Value {
        let number = |i: usize| values.get(i).and_then(|value| value.number());
        let text = |i: usize| values.get(i).and_then(|value| value.text());
        let numeric = |f: fn(f64) -> f64| {
            let result = number(0).map(f).filter(|result| result.is_finite());
            result.map_or(Value::Missing, Value::Number)
        };
        let words = |f: &dyn Fn(String) -> String| text(0).map_or(Value::Missing, |t| Value::Text(f(t)));
        match self {
            Function::Abs => numeric(f64::abs),
            Function::Ceil => numeric(f64::ceil),
            Function::Floor => numeric(f64::floor),
            Function::Log => numeric(f64::ln),
            Function::Sqrt => numeric(f64::sqrt),
            Function::Greatest => values
                .iter()
                .filter_map(|v| v.number())
                .reduce(f64::max)
                .map_or(Value::Missing, Value::Number),
            Function::Least => values
                .iter()
                .filter_map(|v| v.number())
                .reduce(f64::min)
                .map_or(Value::Missing, Value::Number),
            Function::Bin => match values {
                [span] => floor(record.time(), span.number()),
                _ => floor(number(0), number(1)),
            },
            Function::DateFloor => floor(number(0), number(1)),
            Function::DateCeil => match (number(0), number(1)) {
                (Some(at), Some(span)) if span >= 1.0 => Value::Time(((at / span).ceil() * span) as i64),
                _ => Value::Missing,
            },
            Function::FromMillis => number(0).map_or(Value::Missing, |ms| Value::Time(ms as i64)),
            Function::ToMillis => number(0).map_or(Value::Missing, Value::Number),
            Function::Now => Value::Number((now_ms.div_euclid(1000)) as f64),
            Function::IsPresent => Value::Bool(values.iter().all(|value| !value.is_missing())),
            Function::IsEmpty => Value::Bool(text(0).is_none_or(|text| text.is_empty())),
            Function::IsBlank => Value::Bool(text(0).is_none_or(|text| text.trim().is_empty())),
            Function::Coalesce => {
                let first = values.iter().find(|value| !value.is_missing());
                first.map_or(Value::Missing, |value| value.clone().into_owned())
            }
            Function::JsonParse => json(text(0)),
            Function::JsonStringify => match values.first().map(|value| &**value) {
                Some(structure @ Value::Structure(_)) => structure.text().map_or(Value::Missing, Value::Text),
                Some(Value::Text(text)) => Value::Text(serde_json::json!(text).to_string()),
                Some(value) => value.text().map_or(Value::Missing, Value::Text),
                None => Value::Missing,
            },
            Function::Concat => Value::Text(values.iter().filter_map(|value| value.text()).collect()),
            Function::StrContains => match (text(0), text(1)) {
                (Some(text), Some(part)) => Value::Bool(text.contains(&part)),
                _ => Value::Bool(false),
            },
            Function::StrLen => text(0).map_or(Value::Missing, |t| Value::Number(t.chars().count() as f64)),
            Function::ToLower => words(&|text| text.to_lowercase()),
            Function::ToUpper => words(&|text| text.to_uppercase()),
            Function::Trim => {
                let of = text(1);
                words(&|text| text.trim_matches(|c| trims(of.as_deref(), c)).to_owned())
            }
            Function::Ltrim => {
                let of = text(1);
                words(&|text| text.trim_start_matches(|c| trims(of.as_deref(), c)).to_owned())
            }
            Function::Rtrim => {
                let of = text(1);
                words(&|text| text.trim_end_matches(|c| trims(of.as_deref(), c)).to_owned())
            }
            Function::Replace => match (text(0), text(1), text(2)) {
                (Some(text), Some(from), Some(to)) if !from.is_empty() => {
                    Value::Text(text.replace(&from, &to))
                }
                (Some(text), ..) => Value::Text(text),
                _ => Value::Missing,
            },
            Function::SubStr => match (text(0), number(1)) {
                (Some(text), Some(from)) => {
                    let rest = text.chars().skip(from.max(0.0) as usize);
                    Value::Text(match number(2) {
                        Some(length) => rest.take(length.max(0.0) as usize).collect(),
                        None => rest.collect(),
                    })
                }
                _ => Value::Missing,
            },
            Function::IsValidIp => Value::Bool(ip(text(0)).is_some()),
            Function::IsValidIpV4 => Value::Bool(ip(text(0)).is_some_and(|ip| ip.is_ipv4())),
            Function::IsValidIpV6 => Value::Bool(ip(text(0)).is_some_and(|ip| ip.is_ipv6())),
            Function::IsIpInSubnet => Value::Bool(in_subnet(text(0), text(1), |_| true)),
            Function::IsIpv4InSubnet => Value::Bool(in_subnet(text(0), text(1), |ip| ip.is_ipv4())),
            Function::IsIpv6InSubnet => Value::Bool(in_subnet(text(0), text(1), |ip| ip.is_ipv6())),
        }
    }
}

/// The map or list that a text is; nothing of what is no JSON.
fn json(text: Option<String>) -> Value {
    let parsed = text.and_then(|text| serde_json::from_str(&text).ok());
    parsed.map_or(Value::Missing, |json| Value::of_json(&json))
}

fn floor(at: Option<f64>, span: Option<f64>) -> Value {
    match (at, span) {
        (Some(at), Some(span)) if span >= 1.0 => Value::Time(((at / span).floor() * span) as i64),
        _ => Value::Missing,
    }
}

fn trims(of: Option<&str>, c: char) -> bool {
    of.map_or(c.is_whitespace(), |of| of.contains(c))
}

fn ip(text: Option<String>) -> Option<IpAddr> {
    text?.parse().ok()
}

fn in_subnet(address: Option<String>, subnet: Option<String>, kind: impl Fn(&IpAddr) -> bool) -> bool {
    let (Some(address), Some(subnet)) = (ip(address), subnet) else { return false };
    let Some((network, length)) = subnet.split_once('/') else { return false };
    let (Ok(network), Ok(length)) = (network.parse::<IpAddr>(), length.parse::<u32>()) else { return false };
    if !kind(&address) {
        return false;
    }
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) if length <= 32 => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            a.to_bits() & mask == n.to_bits() & mask
        }
        (IpAddr::V6(a), IpAddr::V6(n)) if length <= 128 => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            a.to_bits() & mask == n.to_bits() & mask
        }
        _ => false,
    }
}
