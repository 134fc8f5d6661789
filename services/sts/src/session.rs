//! What the operations that make sessions share.

use std::time::Duration;

use haneul_kit::{AccountId, Arn, Instant, Platform, Policy, Result};
use haneul_policy::Rules;
use haneul_sts_wire::shapes as s;

use crate::error;

const TAGS_MAX: usize = 50;
/// In characters; the model checks those of a request, nobody those of an assertion.
const TAG_KEY_MAX: usize = 128;
const TAG_VALUE_MAX: usize = 256;
const POLICY_ARNS_MAX: usize = 10;
/// Of an inline session policy and the ARNs of managed ones together, in characters.
const POLICY_SIZE_MAX: usize = 2048;
/// Policies and tags together, in bytes. AWS says only that there is such a limit, after compression; ours counts
/// plain bytes.
const PACKED_SIZE_MAX: usize = 4096;

/// The limits and tags that a request gives a session.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    pub policy: Option<String>,
    pub policy_arns: Vec<String>,
    pub tags: Vec<(String, String)>,
}

impl Limits {
    /// Checks what a request gives; `account` is the session's.
    pub(crate) async fn of_request(
        platform: &Platform,
        account: AccountId,
        policy: Option<String>,
        policy_arns: Option<Vec<s::PolicyDescriptorType>>,
        tags: Option<Vec<s::Tag>>,
    ) -> Result<Limits> {
        let tags = tags.into_iter().flatten().map(|tag| (tag.key, tag.value)).collect();
        Limits::new(platform, account, policy, policy_arns, tags).await
    }

    /// As [`Limits::of_request`], with the tags of an identity provider's assertion.
    pub(crate) async fn new(
        platform: &Platform,
        account: AccountId,
        policy: Option<String>,
        policy_arns: Option<Vec<s::PolicyDescriptorType>>,
        tags: Vec<(String, String)>,
    ) -> Result<Limits> {
        if let Some(text) = &policy {
            Policy::parse(text, &Rules::SESSION).map_err(error::session_policy)?;
        }
        let policy_arns: Vec<String> =
            policy_arns.into_iter().flatten().filter_map(|given| given.arn).collect();
        if policy_arns.len() > POLICY_ARNS_MAX {
            return Err(error::too_many_policy_arns());
        }
        for text in &policy_arns {
            let arn = Arn::parse(text).map_err(|_| error::policy_arn(text))?;
            let reachable = arn.account() == "aws" || arn.account_id() == Some(account);
            if !reachable || platform.directory().managed_policy(&arn).await?.is_none() {
                return Err(error::policy_arn(text));
            }
        }
        check_tags(&tags)?;
        let limits = Limits { policy, policy_arns, tags };
        limits.packed_size()?;
        Ok(limits)
    }

    /// In percent of what is allowed; `None` when there is nothing to pack.
    pub(crate) fn packed_size(&self) -> Result<Option<i32>> {
        let policies = self.policy.as_ref().map_or(0, |text| text.chars().count())
            + self.policy_arns.iter().map(String::len).sum::<usize>();
        if policies > POLICY_SIZE_MAX {
            return Err(error::packed_size((policies * 100).div_ceil(POLICY_SIZE_MAX)));
        }
        let tags: usize = self.tags.iter().map(|(key, value)| key.len() + value.len() + 2).sum();
        let percent = ((policies + tags) * 100).div_ceil(PACKED_SIZE_MAX);
        if percent > 100 {
            return Err(if policies == 0 {
                error::packed_tags(percent)
            } else {
                error::packed_size(percent)
            });
        }
        Ok((percent > 0).then_some(percent as i32))
    }
}

pub(crate) fn check_tags(tags: &[(String, String)]) -> Result<()> {
    if tags.len() > TAGS_MAX {
        return Err(error::too_many_tags());
    }
    for (at, (key, value)) in tags.iter().enumerate() {
        if key.is_empty() || key.chars().count() > TAG_KEY_MAX || value.chars().count() > TAG_VALUE_MAX {
            return Err(error::tag_size());
        }
        if key.len() >= 4 && key.as_bytes()[..4].eq_ignore_ascii_case(b"aws:") {
            return Err(error::reserved_tag());
        }
        if tags[..at].iter().any(|(before, _)| before.eq_ignore_ascii_case(key)) {
            return Err(error::duplicate_tag());
        }
    }
    Ok(())
}

/// For condition keys.
pub(crate) fn borrowed(tags: Option<&Vec<s::Tag>>) -> impl Iterator<Item = (&str, &str)> {
    tags.into_iter().flatten().map(|tag| (tag.key.as_str(), tag.value.as_str()))
}

pub(crate) fn expiry(now: Instant, secs: i32) -> Instant {
    // Whole seconds, as credentials show it.
    Instant::from_secs((now + Duration::from_secs(secs.max(0) as u64)).secs())
}
