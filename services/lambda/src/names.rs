use std::fmt;

use haneul_kit::{AccountId, Arn, Cx, Region, Result};

use crate::error;

/// A function's name alone has at most so many characters. Source: API Reference, "FunctionName".
const NAME_LENGTH_MAX: usize = 64;

pub(crate) const LATEST: &str = "$LATEST";

/// The version of a function on a capacity provider that is published without a number, and the number that stands for it.
pub(crate) const PUBLISHED: &str = "$LATEST.PUBLISHED";
pub(crate) const PUBLISHED_NUMBER: u64 = u64::MAX;

/// Which function of which account and Region.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct FunctionName {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

impl FunctionName {
    pub(crate) fn row(&self) -> (AccountId, Region, &str) {
        (self.account, self.region, &self.name)
    }

    pub(crate) fn arn(&self) -> Arn {
        Arn::new("lambda", self.region, self.account, format_args!("function:{}", self.name))
    }

    /// With a version or alias behind it.
    pub(crate) fn qualified(&self, qualifier: &str) -> Arn {
        Arn::new("lambda", self.region, self.account, format_args!("function:{}:{qualifier}", self.name))
    }

    pub(crate) fn arn_of(&self, qualifier: Option<&str>) -> Arn {
        match qualifier {
            Some(qualifier) => self.qualified(qualifier),
            None => self.arn(),
        }
    }
}

impl fmt::Display for FunctionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.arn().as_str())
    }
}

/// A function as a request names it, perhaps with a version or alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) function: FunctionName,
    pub(crate) qualifier: Option<String>,
}

impl Named {
    pub(crate) fn arn(&self) -> Arn {
        self.function.arn_of(self.qualifier.as_deref())
    }
}

/// Reads `my-function`, `my-function:v1`, `123456789012:function:my-function` and whole ARNs, and joins what they say of
/// a qualifier with the request's own.
///
/// # Errors
/// ResourceNotFoundException for a function of another Region, InvalidParameterValueException for what is no name or
/// two qualifiers that differ.
pub(crate) fn read(cx: &Cx, given: &str, qualifier: Option<&str>) -> Result<Named> {
    let mut named = in_place(cx.account(), cx.region(), given)?;
    match (&named.qualifier, qualifier) {
        (Some(own), Some(asked)) if own != asked => {
            return Err(error::parameter(
                "The derived qualifier from the function name does not match the specified qualifier.",
            ));
        }
        (None, Some(asked)) => named.qualifier = Some(asked.to_owned()),
        _ => {}
    }
    Ok(named)
}

/// As [`read`], for an account and Region.
pub(crate) fn in_place(account: AccountId, region: Region, given: &str) -> Result<Named> {
    let malformed = || {
        error::parameter(format!(
            "1 validation error detected: Value '{given}' at 'functionName' failed to satisfy constraint: Member must \
             satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{{2}}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{{1}}:)?(\\d{{12}}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?"
        ))
    };
    let mut parts: Vec<&str> = given.split(':').collect();
    let mut of = FunctionName { account, region, name: String::new() };
    if parts.first() == Some(&"arn") {
        if parts.len() < 7 || parts[2] != "lambda" || parts[5] != "function" {
            return Err(malformed());
        }
        parts.drain(..3);
    }
    if parts.len() > 2
        && let Ok(named) = parts[0].parse::<Region>()
    {
        if named != region {
            return Err(error::not_found(format!(
                "Functions from '{named}' are not reachable in this region ('{region}')"
            )));
        }
        parts.remove(0);
    }
    if parts.len() > 2
        && let Ok(account) = parts[0].parse::<AccountId>()
    {
        of.account = account;
        parts.remove(0);
    }
    if parts.len() > 1 && parts[0] == "function" {
        parts.remove(0);
    }
    let (name, qualifier) = match parts[..] {
        [name] => (name, None),
        [name, qualifier] => (name, Some(qualifier)),
        _ => return Err(malformed()),
    };
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    if !plain(name) || qualifier.is_some_and(|text| !plain(text) && text != LATEST && text != PUBLISHED) {
        return Err(malformed());
    }
    if name.len() > NAME_LENGTH_MAX {
        return Err(error::parameter(format!(
            "1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint: Member must \
             have length less than or equal to {NAME_LENGTH_MAX}"
        )));
    }
    of.name = name.to_owned();
    Ok(Named { function: of, qualifier: qualifier.map(str::to_owned) })
}

/// A published version's number; `None` for `$LATEST` and aliases.
pub(crate) fn version_number(qualifier: &str) -> Option<u64> {
    if qualifier == PUBLISHED {
        return Some(PUBLISHED_NUMBER);
    }
    let digits = qualifier.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| qualifier.parse().ok()).flatten().filter(|number| *number != PUBLISHED_NUMBER)
}

/// As a qualifier says it.
pub(crate) fn version_text(number: u64) -> String {
    if number == PUBLISHED_NUMBER { PUBLISHED.to_owned() } else { number.to_string() }
}

/// Which layer of which account and Region, perhaps in which version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LayerName {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

impl LayerName {
    /// A name, or a layer's ARN.
    pub(crate) fn read(cx: &Cx, given: &str) -> Result<LayerName> {
        if !given.starts_with("arn:") {
            return Ok(LayerName { account: cx.account(), region: cx.region(), name: given.to_owned() });
        }
        let arn = Arn::parse(given).map_err(|_| error::parameter("The layer's ARN is not well formed."))?;
        let account = arn.account_id().unwrap_or(cx.account());
        let name = arn.resource().strip_prefix("layer:").unwrap_or_default();
        if arn.service() != "lambda" || name.is_empty() || name.contains(':') {
            return Err(error::parameter("The layer's ARN is not well formed."));
        }
        Ok(LayerName { account, region: cx.region(), name: name.to_owned() })
    }

    /// `arn:aws:lambda:us-east-1:123456789012:layer:name:3`
    pub(crate) fn read_version(region: Region, given: &str) -> Result<(LayerName, u64)> {
        let wrong = || error::parameter(format!("Layer version ARN is invalid: {given}"));
        let arn = Arn::parse(given).map_err(|_| wrong())?;
        let account = arn.account_id().ok_or_else(wrong)?;
        let text = arn.resource().strip_prefix("layer:").ok_or_else(wrong)?;
        let (name, version) = text.split_once(':').ok_or_else(wrong)?;
        let version = version.parse().map_err(|_| wrong())?;
        if arn.service() != "lambda" || name.is_empty() || arn.region() != region.as_str() {
            return Err(wrong());
        }
        Ok((LayerName { account, region, name: name.to_owned() }, version))
    }

    pub(crate) fn row(&self) -> (AccountId, Region, &str) {
        (self.account, self.region, &self.name)
    }

    pub(crate) fn arn(&self) -> Arn {
        Arn::new("lambda", self.region, self.account, format_args!("layer:{}", self.name))
    }

    pub(crate) fn version_arn(&self, version: u64) -> Arn {
        Arn::new("lambda", self.region, self.account, format_args!("layer:{}:{version}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_named_in_many_ways() {
        let account = AccountId::new(123_456_789_012).unwrap();
        let read = |given: &str| {
            let named = in_place(account, Region::US_EAST_1, given);
            named.map(|named| format!("{}", named.arn())).map_err(|error| error.code().to_owned())
        };
        let own = "arn:aws:lambda:us-east-1:123456789012:function:f".to_owned();
        for (given, wanted) in [
            ("f", Ok(own.clone())),
            ("f:live", Ok(format!("{own}:live"))),
            ("f:$LATEST", Ok(format!("{own}:$LATEST"))),
            ("f:$LATEST.PUBLISHED", Ok(format!("{own}:$LATEST.PUBLISHED"))),
            ("f:$LATEST.OTHER", Err("InvalidParameterValueException".into())),
            ("function:f", Ok(own.clone())),
            ("123456789012:function:f", Ok(own.clone())),
            ("us-east-1:123456789012:function:f", Ok(own.clone())),
            (&own, Ok(own.clone())),
            (&format!("{own}:7"), Ok(format!("{own}:7"))),
            ("arn:aws:lambda:eu-west-1:123456789012:function:f", Err("ResourceNotFoundException".into())),
            ("arn:aws:sqs:us-east-1:123456789012:f", Err("InvalidParameterValueException".into())),
            ("a:b:c:d", Err("InvalidParameterValueException".into())),
            ("", Err("InvalidParameterValueException".into())),
            (&"f".repeat(65), Err("InvalidParameterValueException".into())),
        ] {
            assert_eq!(read(given), wanted, "{given}");
        }
        assert_eq!(version_number("12"), Some(12));
        assert_eq!(version_number("$LATEST"), None);
        assert_eq!(version_number("v1"), None);
        assert_eq!(version_number(PUBLISHED).map(version_text).as_deref(), Some(PUBLISHED));
        assert_eq!(version_number(&u64::MAX.to_string()), None);
    }
}
