//! Names and ARNs of groups, streams and destinations.

use haneul_kit::{AccountId, Arn, Cx, Region, Result};

use crate::error;

/// A group as a request names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct GroupName {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

impl GroupName {
    pub(crate) fn own(cx: &Cx, name: &str) -> GroupName {
        GroupName { account: cx.account(), region: cx.region(), name: name.to_owned() }
    }

    /// By name, or by ARN with or without the final `:*`.
    ///
    /// # Errors
    /// For what is neither, and for a group of another account or Region, which needs cross-account observability.
    pub(crate) fn identified(cx: &Cx, identifier: &str) -> Result<GroupName> {
        if !identifier.starts_with("arn:") {
            return Ok(GroupName::own(cx, identifier));
        }
        let bad = || error::invalid(format!("The specified log group identifier {identifier} is invalid."));
        let arn = Arn::parse(identifier).map_err(|_| bad())?;
        let name = arn.resource().strip_prefix("log-group:").ok_or_else(bad)?;
        let name = name.strip_suffix(":*").unwrap_or(name);
        let ours = arn.service() == "logs"
            && arn.region() == cx.region().as_str()
            && arn.account_id() == Some(cx.account())
            && !name.is_empty()
            && !name.contains(':');
        if ours { Ok(GroupName::own(cx, name)) } else { Err(error::group_not_found()) }
    }

    /// From the two parameters of which one must be given.
    pub(crate) fn either(cx: &Cx, name: Option<&str>, identifier: Option<&str>) -> Result<GroupName> {
        match (name, identifier) {
            (Some(name), None) => Ok(GroupName::own(cx, name)),
            (None, Some(identifier)) => GroupName::identified(cx, identifier),
            _ => Err(error::one_identifier()),
        }
    }

    pub(crate) fn key(&self) -> (AccountId, Region, &str) {
        (self.account, self.region, &self.name)
    }

    /// Without the final `:*`: as IAM's resources and `logGroupArn` have it.
    pub(crate) fn arn(&self) -> Arn {
        Arn::new("logs", self.region, self.account, format_args!("log-group:{}", self.name))
    }

    pub(crate) fn stream_arn(&self, stream: &str) -> Arn {
        Arn::new(
            "logs",
            self.region,
            self.account,
            format_args!("log-group:{}:log-stream:{stream}", self.name),
        )
    }
}

/// A logical destination as a request or an ARN names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DestinationName {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

impl DestinationName {
    pub(crate) fn own(cx: &Cx, name: &str) -> DestinationName {
        DestinationName { account: cx.account(), region: cx.region(), name: name.to_owned() }
    }

    /// `None` when the ARN is that of something else.
    pub(crate) fn of(arn: &Arn) -> Option<DestinationName> {
        let name = arn.resource().strip_prefix("destination:")?;
        if arn.service() != "logs" || name.is_empty() || name.contains([':', '*']) {
            return None;
        }
        let region = arn.region().parse().ok()?;
        Some(DestinationName { account: arn.account_id()?, region, name: name.to_owned() })
    }

    pub(crate) fn key(&self) -> (AccountId, Region, &str) {
        (self.account, self.region, &self.name)
    }

    pub(crate) fn arn(&self) -> Arn {
        Arn::new("logs", self.region, self.account, format_args!("destination:{}", self.name))
    }
}

/// Whether a text is as a pattern has it, in which `*` stands for anything.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(last)
}
