//! The functions of expressions: [`numbers`], [`texts`], [`dates`], [`addresses`], [`json`].
//!
//! Source: CloudWatch Logs User Guide, "Boolean, comparison, numeric, datetime, and other functions" and "Hashing functions".

mod addresses;
mod dates;
mod json;
mod numbers;
mod texts;

use std::borrow::Cow;

use super::eval::Moment;
use super::record::Record;
use super::value::Value;

/// The longest text that a function makes. What would be longer has no value.
const TEXT_MAX: usize = 4 * 1024 * 1024;
/// Elements of a list that a function makes.
const ELEMENTS_MAX: usize = 100_000;

macro_rules! functions {
    ($($name:ident $($text:literal)+ : $least:literal..=$most:literal,)+) => {
        /// A function of the language. `bin(5m)` and `bin(@timestamp, 5m)` are the same.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Function { $($name),+ }

        impl Function {
            pub(super) fn named(name: &str) -> Option<Function> {
                let name = name.to_ascii_lowercase();
                $(if [$($text),+].contains(&name.as_str()) { return Some(Function::$name); })+
                None
            }

            pub(super) fn takes(self, count: usize) -> bool {
                match self { $(Function::$name => ($least..=$most).contains(&count)),+ }
            }
        }
    };
}

functions! {
    Abs "abs": 1..=1,
    Base64Decode "base64decode": 1..=1,
    Base64Encode "base64encode": 1..=1,
    Bin "bin": 1..=2,
    Case "case": 2..=21,
    Ceil "ceil": 1..=1,
    Coalesce "coalesce": 1..=20,
    Concat "concat": 1..=20,
    DateCeil "dateceil": 2..=2,
    DateFloor "datefloor": 2..=2,
    DecToHex "dectohex": 1..=1,
    EndsWith "endswith": 2..=2,
    Floor "floor": 1..=1,
    FormatDate "formatdate" "strftime": 2..=3,
    FromMillis "frommillis": 1..=1,
    Greatest "greatest": 1..=20,
    Haversine "haversine": 4..=4,
    HexToAscii "hextoascii": 1..=1,
    HexToDec "hextodec": 1..=1,
    If "if": 3..=3,
    Ipv4ToNumber "ipv4tonumber": 1..=1,
    IsBlank "isblank": 1..=1,
    IsEmpty "isempty": 1..=1,
    IsIpInSubnet "isipinsubnet": 2..=2,
    IsIpv4InSubnet "isipv4insubnet": 2..=2,
    IsIpv6InSubnet "isipv6insubnet": 2..=2,
    IsNumeric "isnumeric": 1..=1,
    IsPresent "ispresent": 1..=1,
    IsPrivateIp "isprivateip": 1..=1,
    IsPublicIp "ispublicip": 1..=1,
    IsReservedIp "isreservedip": 1..=1,
    IsValidIp "isvalidip": 1..=1,
    IsValidIpV4 "isvalidipv4": 1..=1,
    IsValidIpV6 "isvalidipv6": 1..=1,
    JsonArrayContains "jsonarraycontains": 2..=2,
    JsonArraySize "jsonarraysize": 1..=1,
    JsonParse "jsonparse": 1..=1,
    JsonStringify "jsonstringify": 1..=1,
    Least "least": 1..=20,
    Log "log": 1..=1,
    Ltrim "ltrim": 1..=2,
    Md5 "md5": 1..=1,
    MessageSize "messagesize": 1..=1,
    Now "now": 0..=0,
    ParseDate "parsedate": 2..=3,
    QueryEndTime "queryendtime": 0..=0,
    QueryStartTime "querystarttime": 0..=0,
    QueryTimeRange "querytimerange": 0..=0,
    RegexReplace "regexreplace": 3..=3,
    Replace "replace": 3..=3,
    Round "round": 1..=2,
    Rtrim "rtrim": 1..=2,
    Sha256 "sha256": 1..=1,
    Split "split": 2..=2,
    Sqrt "sqrt": 1..=1,
    StartsWith "startswith": 2..=2,
    StrContains "strcontains": 2..=3,
    StrLen "strlen": 1..=1,
    SubStr "substr": 2..=3,
    ToDouble "todouble": 1..=1,
    ToInt "toint": 1..=1,
    ToLong "tolong": 1..=1,
    ToLower "tolower": 1..=1,
    ToMillis "tomillis": 1..=1,
    ToNumber "tonumber": 1..=1,
    ToUpper "toupper": 1..=1,
    Trim "trim": 1..=2,
    UrlDecode "urldecode": 1..=1,
    UrlEncode "urlencode": 1..=1,
}

/// What a function is called with. Maps and lists are nothing to functions of texts, numbers and dates.
struct Arguments<'a, 'v> {
    values: &'a [Cow<'v, Value>],
    at: &'a Moment,
}

impl Arguments<'_, '_> {
    fn value(&self, i: usize) -> &Value {
        self.values.get(i).map_or(&Value::Missing, |value| value)
    }

    fn number(&self, i: usize) -> Option<f64> {
        self.value(i).number()
    }

    /// Counts what is looked at; nothing when the record has had its share of work.
    fn text(&self, i: usize) -> Option<Cow<'_, str>> {
        let text = match self.value(i) {
            Value::Structure(_) => return None,
            Value::Text(text) => Cow::Borrowed(text.as_str()),
            other => Cow::Owned(other.text()?),
        };
        self.at.spend(text.len()).then_some(text)
    }

    fn zone(&self, i: usize) -> Option<jiff::tz::TimeZone> {
        match self.values.get(i) {
            None => Some(jiff::tz::TimeZone::UTC),
            Some(_) => jiff::tz::TimeZone::get(&self.text(i)?).ok(),
        }
    }
}

impl Function {
    pub(super) fn call(self, values: &[Cow<'_, Value>], record: &Record, at: &Moment) -> Value {
        let arguments = Arguments { values, at };
        if let Some(value) = self.general(&arguments) {
            return value;
        }
        let value = numbers::call(self, &arguments)
            .or_else(|| dates::call(self, &arguments, record))
            .or_else(|| addresses::call(self, &arguments))
            .or_else(|| json::call(self, &arguments))
            .or_else(|| texts::call(self, &arguments));
        match value {
            Some(Value::Text(text)) if text.len() > TEXT_MAX || !at.spend(text.len()) => Value::Missing,
            value => value.unwrap_or(Value::Missing),
        }
    }

    /// `None` for a function of another kind.
    fn general(self, of: &Arguments<'_, '_>) -> Option<Value> {
        let range_ms = |at: &Moment| at.end_ms.saturating_sub(at.start_ms) as f64;
        Some(match self {
            Function::IsPresent => Value::Bool(of.values.iter().all(|value| !value.is_missing())),
            Function::Coalesce => {
                let first = of.values.iter().find(|value| !value.is_missing());
                first.map_or(Value::Missing, |value| value.clone().into_owned())
            }
            Function::If => of.value(if of.value(0).truth() { 1 } else { 2 }).clone(),
            Function::Case => {
                let (pairs, rest) = of.values.as_chunks::<2>();
                let found = pairs.iter().find(|pair| pair[0].truth()).map(|pair| &pair[1]);
                found.or(rest.first()).map_or(Value::Missing, |value| value.clone().into_owned())
            }
            Function::IsNumeric => Value::Bool(of.number(0).is_some()),
            Function::Now => Value::Number(of.at.now_ms.div_euclid(1000) as f64),
            Function::QueryStartTime => Value::Number(of.at.start_ms as f64),
            Function::QueryEndTime => Value::Number(of.at.end_ms as f64),
            Function::QueryTimeRange => Value::Number(range_ms(of.at)),
            _ => return None,
        })
    }
}

fn number(number: Option<f64>) -> Value {
    number.filter(|number| number.is_finite()).map_or(Value::Missing, Value::Number)
}

fn text(text: Option<String>) -> Value {
    text.map_or(Value::Missing, Value::Text)
}
