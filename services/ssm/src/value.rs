//! What a value must satisfy: its pattern and its data type.

use std::net::{Ipv4Addr, Ipv6Addr};

use haneul_kit::Result;
use regex::RegexBuilder;

use crate::error;

/// A compiled pattern takes no more than this.
const PATTERN_BYTES_MAX: usize = 1 << 20;

pub(crate) const TEXT: &str = "text";

/// Data types that only advanced parameters may have.
pub(crate) const ADVANCED_TYPES: &[&str] = &["url", "json", "jsonc"];

pub(crate) fn check_pattern(pattern: &str, value: &str) -> Result<()> {
    let built = RegexBuilder::new(pattern).size_limit(PATTERN_BYTES_MAX).build();
    let built = built.map_err(|_| error::invalid_pattern())?;
    if built.is_match(value) { Ok(()) } else { Err(error::pattern(pattern)) }
}

pub(crate) fn check_data_type(data_type: &str, value: &str) -> Result<()> {
    let digits = |text: &str, length: usize| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
    let label = |text: &str| {
        (1..=63).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-')
    };
    let hostname = |text: &str| text.len() <= 253 && text.split('.').all(label);
    let valid = match data_type {
        TEXT | "aws:ssm:integration" => true,
        "aws:ec2:image" => value
            .strip_prefix("ami-")
            .is_some_and(|id| matches!(id.len(), 8 | 17) && id.bytes().all(|b| b.is_ascii_hexdigit())),
        "aws:region" => value.parse::<haneul_kit::Region>().is_ok(),
        "aws:account:id" => digits(value, 12),
        "boolean" => matches!(value, "true" | "false"),
        "integer" => value.parse::<i128>().is_ok(),
        "float" => value.parse::<f64>().is_ok(),
        "hostname" => hostname(value),
        "email" => value.split_once('@').is_some_and(|(local, host)| !local.is_empty() && hostname(host)),
        "ipv4-address" => value.parse::<Ipv4Addr>().is_ok(),
        "ipv6-address" => value.parse::<Ipv6Addr>().is_ok(),
        "json" => serde_json::from_str::<serde::de::IgnoredAny>(value).is_ok(),
        "url" => value.split_once("://").is_some_and(|(scheme, rest)| label(scheme) && !rest.is_empty()),
        _ => {
            return Err(error::validation(format!(
                "The following data type is not supported: {data_type} (Data type names are all lowercase.)"
            )));
        }
    };
    if valid {
        return Ok(());
    }
    Err(error::validation(format!("The value isn't valid for the data type {data_type}.")))
}
