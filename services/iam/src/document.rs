//! Policy documents: checked when they come in, compiled when they are evaluated, percent-encoded when they go out.

use haneul_kit::{ApiError, Policy, Result};
use haneul_policy::{Rules, rename_principals};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error;
use crate::model::{Kind, Trust};
use crate::quotas;

/// What RFC 3986 reserves: all but letters, digits and `-._~`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Longer than any document that was accepted, so that quotas are checked on the way in only.
const STORED_SIZE_MAX: usize = 512 * 1024;

/// As IAM's answers have it.
pub(crate) fn encode(document: &str) -> String {
    utf8_percent_encode(document, RESERVED).to_string()
}

pub(crate) fn check_managed(document: &str) -> Result<()> {
    let rules = Rules { size_max: quotas::MANAGED_POLICY_SIZE, ..Rules::MANAGED };
    Policy::parse(document, &rules).map_err(|refused| error::of_document(refused, "PolicySize"))?;
    Ok(())
}

/// `others` are the entity's other inline policies: the quota is for all together.
pub(crate) fn check_inline<'a>(
    kind: Kind,
    name: &str,
    document: &str,
    others: impl Iterator<Item = &'a str>,
) -> Result<()> {
    let size_max = match kind {
        Kind::User => quotas::USER_POLICY_SIZE,
        Kind::Group => quotas::GROUP_POLICY_SIZE,
        Kind::Role => quotas::ROLE_POLICY_SIZE,
    };
    let rules = Rules { size_max: STORED_SIZE_MAX, ..Rules::IDENTITY };
    Policy::parse(document, &rules).map_err(error::malformed)?;
    let total = others.map(size).sum::<usize>() + size(document);
    if total > size_max { Err(error::inline_too_large(kind, name, size_max)) } else { Ok(()) }
}

pub(crate) fn check_trust(document: &str) -> Result<Policy> {
    let rules = Rules { size_max: quotas::TRUST_POLICY_SIZE, ..Rules::TRUST };
    Policy::parse(document, &rules).map_err(|refused| error::of_document(refused, "ACLSizePerRole"))
}

/// Characters that count towards a quota.
fn size(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}

/// A stored identity policy, ours or AWS's.
pub(crate) fn compile(document: &str) -> Result<Policy> {
    // AWS's own do not always keep to the rules that it sets for customers.
    let rules = Rules { strict_arns: false, strict_sids: false, ..Rules::AWS_MANAGED };
    Policy::parse(document, &rules).map_err(unreadable)
}

/// A stored trust policy, its principals replaced by the unique ids that were noted.
pub(crate) fn compile_trust(trust: &Trust) -> Result<Policy> {
    // NotPrincipal was taken once, and any name of a provider or action of STS.
    let rules = Rules {
        size_max: STORED_SIZE_MAX,
        only_sts: false,
        strict_sids: false,
        strict_providers: false,
        not_principal: true,
        ..Rules::TRUST
    };
    Policy::parse(&pinned(trust), &rules).map_err(unreadable)
}

fn unreadable(refused: haneul_policy::PolicyError) -> ApiError {
    ApiError::internal(format_args!("a stored policy is not accepted any more: {refused}"))
}

/// A trust policy with the unique ids that were noted in place of ARNs.
pub(crate) fn pinned(trust: &Trust) -> String {
    rename_principals(&trust.document, |name| trust.pinned.get(name).cloned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn documents_go_out_percent_encoded() {
        assert_eq!(encode(r#"{"a": "é*~"}"#), "%7B%22a%22%3A%20%22%C3%A9%2A~%22%7D");
    }

    #[test]
    fn what_was_accepted_once_goes_on_working() {
        let trust = |principal: &str| {
            format!(
                r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow",{principal},"Action":"sts:AssumeRole"}}}}"#
            )
        };
        let everyone = trust(r#""Principal":"*""#).replace("AssumeRole", "GetCallerIdentity");
        let federated = trust(r#""Principal":{"Federated":"okta"}"#);
        for document in [everyone, federated, trust(r#""NotPrincipal":{"AWS":"111122223333"}"#)] {
            assert!(check_trust(&document).is_err(), "{document}");
            let kept = Trust { document: document.clone(), pinned: BTreeMap::new() };
            assert!(compile_trust(&kept).is_ok(), "{document}");
        }
    }
}
