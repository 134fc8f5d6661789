use haneul_kit::{AccountId, Arn, Cx, Result};

use crate::error;
use crate::model::KeyName;

/// What a KeyId names: a key id, a key's ARN, an alias or an alias's ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    Key(KeyName),
    /// Owner and name, with its `alias/`; in the Region of the request.
    Alias(AccountId, String),
}

impl Reference {
    pub(crate) fn parse(cx: &Cx, text: &str) -> Result<Reference> {
        if text.starts_with("alias/") {
            return Ok(Reference::Alias(cx.account(), text.to_owned()));
        }
        if !text.starts_with("arn:") {
            return match is_key_id(text) {
                true => Ok(Reference::Key(KeyName {
                    account: cx.account(),
                    region: cx.region(),
                    id: text.to_owned(),
                })),
                false => Err(error::invalid_key_id(text)),
            };
        }
        let arn = Arn::parse(text).map_err(|_| error::invalid_arn(text))?;
        let (Some(account), "kms") = (arn.account_id(), arn.service()) else {
            return Err(error::invalid_arn(text));
        };
        if arn.region() != cx.region().as_str() {
            return Err(error::other_region(arn.region()));
        }
        match arn.resource().split_once('/') {
            Some(("key", id)) if is_key_id(id) => {
                Ok(Reference::Key(KeyName { account, region: cx.region(), id: id.to_owned() }))
            }
            Some(("key", id)) => Err(error::invalid_key_id(id)),
            Some(("alias", _)) => Ok(Reference::Alias(account, arn.resource().to_owned())),
            _ => Err(error::invalid_arn(text)),
        }
    }

    pub(crate) fn account(&self) -> AccountId {
        match self {
            Reference::Key(name) => name.account,
            Reference::Alias(account, _) => *account,
        }
    }
}

/// A UUID, or `mrk-` and 32 hex digits.
pub(crate) fn is_key_id(text: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    if let Some(rest) = text.strip_prefix("mrk-") {
        return rest.len() == 32 && hex(rest);
    }
    let groups: Vec<&str> = text.split('-').collect();
    groups.len() == 5
        && groups.iter().zip([8, 4, 4, 4, 12]).all(|(group, length)| group.len() == length && hex(group))
}
