//! Names and ARNs of trails and event data stores.

use haneul_kit::{AccountId, Arn, Cx, Region, Result};

use crate::error;

const NAME_CHARS_MIN: usize = 3;
const NAME_CHARS_MAX: usize = 128;

/// A trail as clients name it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TrailName {
    pub(crate) account: AccountId,
    /// The home Region that an ARN names; a name alone is looked for in the caller's Region, and among the trails of
    /// all Regions.
    pub(crate) region: Region,
    pub(crate) name: String,
    /// As the client gave it.
    pub(crate) given: String,
    pub(crate) is_arn: bool,
}

impl TrailName {
    pub(crate) fn parse(cx: &Cx, given: &str) -> Result<TrailName> {
        if given.is_empty() {
            return Err(error::trail_name("Trail name or ARN can not be blank."));
        }
        if !given.starts_with("arn:") {
            check(given)?;
            let (account, region) = (cx.account(), cx.region());
            return Ok(TrailName {
                account,
                region,
                name: given.to_owned(),
                given: given.to_owned(),
                is_arn: false,
            });
        }
        let parsed = Arn::parse(given).ok().filter(|arn| arn.service() == "cloudtrail");
        let parts = parsed.as_ref().and_then(|arn| {
            let name = arn.resource().strip_prefix("trail/").filter(|name| check(name).is_ok())?;
            Some((arn.account_id()?, arn.region().parse().ok()?, name.to_owned()))
        });
        let (account, region, name) = parts.ok_or_else(|| error::trail_arn(given))?;
        Ok(TrailName { account, region, name, given: given.to_owned(), is_arn: true })
    }

    pub(crate) fn key(&self) -> (AccountId, Region, &str) {
        (self.account, self.region, &self.name)
    }

    pub(crate) fn arn(&self) -> Arn {
        trail_arn(self.account, self.region, &self.name)
    }
}

pub(crate) fn trail_arn(account: AccountId, region: Region, name: &str) -> Arn {
    Arn::new("cloudtrail", region, account, format_args!("trail/{name}"))
}

pub(crate) fn store_arn(account: AccountId, region: Region, id: &str) -> Arn {
    Arn::new("cloudtrail", region, account, format_args!("eventdatastore/{id}"))
}

/// The rules of the User Guide, "Naming requirements for CloudTrail resources".
fn check(name: &str) -> Result<()> {
    let length = name.chars().count();
    if length < NAME_CHARS_MIN {
        return Err(error::trail_name(format!(
            "Trail name too short. Minimum allowed length: {NAME_CHARS_MIN} characters. Specified name length: {length} characters."
        )));
    }
    if length > NAME_CHARS_MAX {
        return Err(error::trail_name(format!(
            "Trail name too long. Maximum allowed length: {NAME_CHARS_MAX} characters. Specified name length: {length} characters."
        )));
    }
    let mark = |c: char| matches!(c, '.' | '_' | '-');
    if !name.chars().all(|c| c.is_ascii_alphanumeric() || mark(c)) {
        return Err(error::trail_name(
            "Trail name or ARN can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), and underscores (_).",
        ));
    }
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err(error::trail_name("Trail name must starts with a letter or number."));
    }
    if !name.ends_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err(error::trail_name("Trail name must ends with a letter or number."));
    }
    let chars: Vec<char> = name.chars().collect();
    if chars.windows(2).any(|pair| mark(pair[0]) && mark(pair[1])) {
        return Err(error::trail_name("Trail name can not have adjacent periods, underscores or hyphens."));
    }
    if name.parse::<std::net::Ipv4Addr>().is_ok() {
        return Err(error::trail_name("Trail name can not be in IP address format."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn names() {
        for good in ["abc", "my-trail", "T.1_a-b", &"a".repeat(128)] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in ["", "ab", "-abc", "abc-", "a..b", "a-_b", "192.168.5.4", "a b", "é-é", &"a".repeat(129)]
        {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}
