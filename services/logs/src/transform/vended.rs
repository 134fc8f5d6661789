//! Parsers of the logs that services of AWS vend. Source: CloudWatch Logs User Guide, "Built-in processors for AWS vended logs".

use std::sync::LazyLock;

use percent_encoding::percent_decode_str;
use regex::Regex;
use serde_json::{Map, Number, Value};

/// Whose logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vended {
    Cloudfront,
    Postgres,
    Route53,
    Vpc,
    Waf,
}

/// Columns, and what their values are.
type Columns = &'static [(&'static str, Kind)];

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Whole,
    Decimal,
}

use Kind::{Decimal, Text, Whole};

const VPC: Columns = &[
    ("version", Whole),
    ("accountId", Text),
    ("interfaceId", Text),
    ("srcAddr", Text),
    ("dstAddr", Text),
    ("srcPort", Whole),
    ("dstPort", Whole),
    ("protocol", Whole),
    ("packets", Whole),
    ("bytes", Whole),
    ("start", Whole),
    ("end", Whole),
    ("action", Text),
    ("logStatus", Text),
];

const ROUTE53: Columns = &[
    ("version", Decimal),
    ("queryTimestamp", Text),
    ("hostZoneId", Text),
    ("queryName", Text),
    ("queryType", Text),
    ("responseCode", Text),
    ("protocol", Text),
    ("edgeLocation", Text),
    ("resolverIp", Text),
    ("ednsClientSubnet", Text),
];

const CLOUDFRONT: Columns = &[
    ("date", Text),
    ("time", Text),
    ("x-edge-location", Text),
    ("sc-bytes", Whole),
    ("c-ip", Text),
    ("cs-method", Text),
    ("cs(Host)", Text),
    ("cs-uri-stem", Text),
    ("sc-status", Whole),
    ("cs(Referer)", Text),
    ("cs(User-Agent)", Text),
    ("cs-uri-query", Text),
    ("cs(Cookie)", Text),
    ("x-edge-result-type", Text),
    ("x-edge-request-id", Text),
    ("x-host-header", Text),
    ("cs-protocol", Text),
    ("cs-bytes", Whole),
    ("time-taken", Decimal),
    ("x-forwarded-for", Text),
    ("ssl-protocol", Text),
    ("ssl-cipher", Text),
    ("x-edge-response-result-type", Text),
    ("cs-protocol-version", Text),
    ("fle-status", Text),
    ("fle-encrypted-fields", Text),
    ("c-port", Whole),
    ("time-to-first-byte", Decimal),
    ("x-edge-detailed-result-type", Text),
    ("sc-content-type", Text),
    ("sc-content-len", Whole),
    ("sc-range-start", Whole),
    ("sc-range-end", Whole),
];

/// `%t:%r:%u@%d:[%p]:`, then the level. Source: Amazon RDS User Guide, "RDS for PostgreSQL database log files".
static POSTGRES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let line = r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [A-Za-z0-9+-]+):(.*?):([^:@]*)@([^:]*):\[(\d+)\]:([A-Z]+[0-9]?):";
    Regex::new(line).ok()
});
const POSTGRES_FIELDS: [&str; 6] = ["logTime", "srcIp", "userName", "dbName", "processId", "logLevel"];

impl Vended {
    /// `None` for a message that is none of theirs.
    pub(super) fn read(self, text: &str) -> Option<Map<String, Value>> {
        match self {
            Vended::Vpc => columns(text, VPC),
            Vended::Route53 => columns(text, ROUTE53),
            Vended::Cloudfront => columns(text, CLOUDFRONT),
            Vended::Postgres => {
                let found = POSTGRES.as_ref()?.captures(text)?;
                let groups = found.iter().skip(1).flatten();
                let pair = |(name, value): (&str, regex::Match<'_>)| (name.to_owned(), value.as_str().into());
                Some(POSTGRES_FIELDS.into_iter().zip(groups).map(pair).collect())
            }
            Vended::Waf => waf(text),
        }
    }
}

/// A value for each column, none too few and none too many; what is no number where one belongs (`-`) stays as it is.
fn columns(text: &str, columns: Columns) -> Option<Map<String, Value>> {
    let mut values = text.split_ascii_whitespace();
    let mut found = Map::new();
    for (name, kind) in columns {
        let text = percent_decode_str(values.next()?).decode_utf8_lossy();
        let number = match kind {
            Text => None,
            Whole => text.parse::<i64>().ok().map(Number::from),
            Decimal => text.parse::<f64>().ok().and_then(Number::from_f64),
        };
        let value = number.map_or_else(|| Value::String(text.into_owned()), Value::Number);
        found.insert((*name).to_owned(), value);
    }
    values.next().is_none().then_some(found)
}

/// The headers of the request, and the labels, become members.
fn waf(text: &str) -> Option<Map<String, Value>> {
    let Ok(Value::Object(mut root)) = serde_json::from_str(text) else { return None };
    if let Some(Value::Object(request)) = root.get_mut("httpRequest") {
        named(request, "headers");
    }
    named(&mut root, "labels");
    Some(root)
}

/// `[{"name":"a","value":"b"}]` becomes `{"a":"b"}`. An element without a value gives its members, as in AWS's example; those of
/// one name are listed, so that none is lost.
fn named(within: &mut Map<String, Value>, name: &str) {
    let Some(Value::Array(list)) = within.get_mut(name) else { return };
    let mut members: Map<String, Value> = Map::new();
    for element in std::mem::take(list) {
        let Value::Object(mut element) = element else { continue };
        let pair = match (element.get("name"), element.contains_key("value")) {
            (Some(Value::String(name)), true) => Some(name.clone()),
            _ => None,
        };
        let pairs: Vec<(String, Value)> = match pair {
            Some(name) => element.remove("value").map(|value| (name, value)).into_iter().collect(),
            None => element.into_iter().collect(),
        };
        for (name, value) in pairs {
            match members.get_mut(&name) {
                None => drop(members.insert(name, value)),
                Some(Value::Array(all)) => all.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
            }
        }
    }
    within.insert(name.to_owned(), Value::Object(members));
}
