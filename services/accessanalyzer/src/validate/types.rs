//! Values by operator, and operators by the type of their key.

use haneul_kit::Region;

use super::principals::is_service;
use super::walk::{At, Report};
use crate::compare::condition::{masked, network};
use crate::document::Value;

/// A condition operator, taken apart.
pub(crate) struct Operator {
    /// `forallvalues` or `foranyvalue`.
    pub quantifier: Option<&'static str>,
    /// As in the guide.
    pub name: &'static str,
    family: &'static str,
    pub if_exists: bool,
}

const OPERATORS: &[(&str, &str)] = &[
    ("StringEquals", "String"),
    ("StringNotEquals", "String"),
    ("StringEqualsIgnoreCase", "String"),
    ("StringNotEqualsIgnoreCase", "String"),
    ("StringLike", "String"),
    ("StringNotLike", "String"),
    ("NumericEquals", "Numeric"),
    ("NumericNotEquals", "Numeric"),
    ("NumericLessThan", "Numeric"),
    ("NumericLessThanEquals", "Numeric"),
    ("NumericGreaterThan", "Numeric"),
    ("NumericGreaterThanEquals", "Numeric"),
    ("DateEquals", "Date"),
    ("DateNotEquals", "Date"),
    ("DateLessThan", "Date"),
    ("DateLessThanEquals", "Date"),
    ("DateGreaterThan", "Date"),
    ("DateGreaterThanEquals", "Date"),
    ("Bool", "Bool"),
    ("BinaryEquals", "Binary"),
    ("IpAddress", "IPAddress"),
    ("NotIpAddress", "IPAddress"),
    ("ArnEquals", "ARN"),
    ("ArnLike", "ARN"),
    ("ArnNotEquals", "ARN"),
    ("ArnNotLike", "ARN"),
    ("Null", "Null"),
];

impl Operator {
    pub(crate) fn parse(text: &str) -> Option<Operator> {
        let (quantifier, rest) = match text.split_once(':') {
            Some((before, rest)) if before.eq_ignore_ascii_case("ForAllValues") => {
                (Some("forallvalues"), rest)
            }
            Some((before, rest)) if before.eq_ignore_ascii_case("ForAnyValue") => (Some("foranyvalue"), rest),
            Some(_) => return None,
            None => (None, text),
        };
        let lower = rest.to_lowercase();
        let (bare, if_exists) = match lower.strip_suffix("ifexists") {
            Some(bare) => (bare, true),
            None => (lower.as_str(), false),
        };
        let (name, family) = OPERATORS.iter().find(|(name, _)| name.eq_ignore_ascii_case(bare))?;
        Some(Operator { quantifier, name, family, if_exists })
    }

    pub(crate) fn is_null(&self) -> bool {
        self.family == "Null"
    }

    pub(crate) fn is_arn(&self) -> bool {
        self.family == "ARN"
    }
}

/// Whether the operator fits the type of its key.
pub(crate) fn operator(report: &mut Report, operator: &Operator, key: &str, kind: &str, at: &At<'_>) {
    let kind = kind.strip_prefix("ArrayOf").unwrap_or(kind);
    let fits = match kind {
        // ARNs are compared as text too, and a date by its seconds.
        "ARN" | "Arn" => matches!(operator.family, "ARN" | "String"),
        "Date" => matches!(operator.family, "Date" | "Numeric"),
        "Bool" | "Boolean" => operator.family == "Bool",
        "Numeric" | "Number" | "Long" | "Integer" => operator.family == "Numeric",
        "IPAddress" | "IpAddress" => operator.family == "IPAddress",
        "String" => matches!(operator.family, "String" | "ARN"),
        _ => true,
    };
    if !fits && !operator.is_null() {
        let _ = key;
        report.add("TYPE_MISMATCH", at, &[kind]);
    }
}

/// The values by themselves.
pub(crate) fn values(report: &mut Report, operator: &Operator, key: &str, written: &str, values: &At<'_>) {
    let items = values.items();
    let kinds: Vec<u8> = items
        .iter()
        .filter_map(|item| match item.node.value {
            Value::Text(_) => Some(0),
            Value::Number(_) => Some(1),
            Value::Bool(_) => Some(2),
            _ => None,
        })
        .collect();
    if kinds.windows(2).any(|pair| pair[0] != pair[1]) {
        report.add("INVALID_CONDITION_DATA_TYPE", values, &[]);
    }
    if operator.family == "Bool" && items.len() > 1 {
        report.add("INVALID_CONDITION_MULTIPLE_BOOLEAN", values, &[]);
    }
    for item in &items {
        let text = match &item.node.value {
            Value::Text(text) => text.clone(),
            Value::Number(text) => text.clone(),
            Value::Bool(value) => value.to_string(),
            Value::List(items) if items.is_empty() => continue,
            _ => {
                report.add("DATA_TYPE_MISMATCH", item, &["String"]);
                continue;
            }
        };
        value(report, operator, key, item, &text);
    }
    addresses(report, operator, key, values, &items);
    numbers(report, operator, written, values, &items);
}

fn value(report: &mut Report, operator: &Operator, key: &str, at: &At<'_>, text: &str) {
    let variable = text.contains("${") && !matches!(text, "${*}" | "${?}" | "${$}");
    if variable && !matches!(operator.family, "String" | "ARN") {
        report.add("INVALID_VARIABLE_FOR_OPERATOR", at, &[]);
        return;
    }
    match operator.family {
        "Bool" | "Null" if !matches!(text.to_lowercase().as_str(), "true" | "false") => {
            report.add("TYPE_MISMATCH_BOOLEAN", at, &[operator.name]);
        }
        "Numeric" if text.parse::<f64>().is_err() => report.add("TYPE_MISMATCH_NUMBER", at, &[operator.name]),
        "Date" if text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() && text.len() != 4 => {
            report.add("INVALID_DATE_VALUE", at, &[text]);
        }
        "Date" if !is_date(text) => report.add("TYPE_MISMATCH_DATE", at, &[]),
        "IPAddress" => match network(text) {
            None => report.add("TYPE_MISMATCH_IP_RANGE", at, &[operator.name]),
            Some((address, bits)) => {
                let whole = masked(address, if address.is_ipv4() { 32 } else { 128 });
                let kept = masked(address, bits);
                if whole != kept {
                    let better = match address {
                        std::net::IpAddr::V4(_) => std::net::Ipv4Addr::from(kept as u32).to_string(),
                        std::net::IpAddr::V6(_) => std::net::Ipv6Addr::from(kept).to_string(),
                    };
                    report.add("IMPROVE_IP_RANGE", at, &[&format!("{better}/{bits}")]);
                }
            }
        },
        "Binary" if !is_base64(text) => report.add("TYPE_MISMATCH_STRING", at, &[operator.name]),
        "String" => {
            let literal = operator.name.contains("Equals");
            if literal && !variable && text.contains(['*', '?']) {
                report.add("WILDCARD_WITHOUT_LIKE_OPERATOR", at, &[]);
            }
            let fixed = !variable && !text.contains(['*', '?']);
            if key == "aws:requestedregion" && fixed && text.parse::<Region>().is_err() {
                report.add("INVALID_REGION", at, &[text]);
            }
            let names_service =
                matches!(key, "iam:passedtoservice" | "iam:awsservicename" | "aws:principalservicename");
            if names_service && fixed && !is_service(text) {
                report.add("INVALID_SERVICE_PRINCIPAL_FORMAT", at, &[text]);
            }
        }
        _ => {}
    }
}

/// Addresses that `aws:SourceIp` never is.
fn addresses(report: &mut Report, operator: &Operator, key: &str, values: &At<'_>, items: &[At<'_>]) {
    if key != "aws:sourceip" || operator.family != "IPAddress" {
        return;
    }
    let networks: Vec<_> = items.iter().filter_map(|item| network(item.node.text()?)).collect();
    let private = networks.iter().filter(|(address, _)| is_private(*address)).count();
    if private == 0 {
        return;
    }
    let code = match (operator.name, private == networks.len()) {
        ("IpAddress", true) => "PRIVATE_IP_ADDRESS",
        ("IpAddress", false) => "PRIVATE_IP_ADDRESS_SUBSET",
        (_, true) => "PRIVATE_NOT_IP_ADDRESS",
        (_, false) => "PRIVATE_NOT_IP_ADDRESS_SUBSET",
    };
    report.add(code, values, &[]);
}

fn is_private(address: std::net::IpAddr) -> bool {
    match address {
        std::net::IpAddr::V4(address) => {
            address.is_private() || address.is_loopback() || address.is_link_local()
        }
        std::net::IpAddr::V6(address) => address.is_loopback() || address.segments()[0] & 0xfe00 == 0xfc00,
    }
}

/// Of several bounds on one side only the widest counts.
fn numbers(report: &mut Report, operator: &Operator, key: &str, values: &At<'_>, items: &[At<'_>]) {
    let bounds = operator.name.contains("LessThan") || operator.name.contains("GreaterThan");
    if bounds && matches!(operator.family, "Numeric" | "Date") && items.len() > 1 {
        report.add("REDUNDANT_CONDITION_VALUE_NUM", values, &[key]);
    }
}

/// `YYYY`, `YYYY-MM`, `YYYY-MM-DD`, and with a time behind `T`.
fn is_date(text: &str) -> bool {
    let (day, time) = text.split_once('T').map_or((text, None), |(day, time)| (day, Some(time)));
    let parts: Vec<&str> = day.split('-').collect();
    let is_number =
        |text: &str, length: usize| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
    let in_range = |text: &str, max: u32| text.parse::<u32>().is_ok_and(|number| (1..=max).contains(&number));
    let day = match parts.as_slice() {
        [year] => is_number(year, 4),
        [year, month] => is_number(year, 4) && is_number(month, 2) && in_range(month, 12),
        [year, month, day] => {
            is_number(year, 4)
                && is_number(month, 2)
                && is_number(day, 2)
                && in_range(month, 12)
                && in_range(day, 31)
        }
        _ => false,
    };
    let clock = time.is_none_or(|time| {
        time.len() >= 5
            && time.bytes().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.' | b'Z' | b'+' | b'-'))
    });
    day && clock
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    text.len().is_multiple_of(4)
        && text.len() - body.len() <= 2
        && body.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
}
