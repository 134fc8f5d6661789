//! Grants: who holds one, what it allows, and the tokens that name it.

use std::collections::BTreeMap;

use haneul_kit::{Arn, Cx, Principal, Seal};
use serde::{Deserialize, Serialize};

use crate::crypto::blob::Context;
use crate::model::{GrantRecord, KeyName};

/// How a grant names the caller, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Holder {
    /// Through its account.
    Account,
    /// Itself, or the role of its session.
    Caller,
}

/// Whether a principal of a grant is the caller.
pub(crate) fn held_by(cx: &Cx, principal: &str, is_service: bool) -> Option<Holder> {
    let caller = cx.caller();
    if let Principal::Service { name } = &caller.principal {
        return (is_service && name == principal).then_some(Holder::Caller);
    }
    if is_service || caller.principal == Principal::Anonymous {
        return None;
    }
    if caller.arn() == principal || caller.role_arn().is_some_and(|role| role.as_str() == principal) {
        return Some(Holder::Caller);
    }
    let root = Arn::global("iam", cx.account(), "root");
    (root.as_str() == principal || cx.account().to_string() == principal).then_some(Holder::Account)
}

/// Whether a grant is one for this operation with this context, whoever holds it.
pub(crate) fn allows(cx: &Cx, grant: &GrantRecord, operation: &str, context: Option<&Context>) -> bool {
    if !grant.operations.iter().any(|allowed| allowed == operation) {
        return false;
    }
    if grant.source_arn.is_some()
        && operation != "RetireGrant"
        && grant.source_arn.as_deref() != cx.source_arn()
    {
        return false;
    }
    // Constraints on the context do not concern operations without one.
    if matches!(operation, "DescribeKey" | "RetireGrant" | "CreateGrant") {
        return true;
    }
    let value = |name: &str| context.and_then(|context| context.get(name));
    let has_all =
        |wanted: &BTreeMap<String, String>| wanted.iter().all(|(name, text)| value(name) == Some(text));
    if let Some(wanted) = &grant.context_equals {
        return has_all(wanted) && context.map_or(0, Context::len) == wanted.len();
    }
    grant.context_subset.as_ref().is_none_or(has_all)
}

#[derive(Serialize, Deserialize)]
struct Token {
    account: String,
    region: String,
    key: String,
    grant: String,
}

const PURPOSE: &str = "kms.grant";

pub(crate) fn token(seal: &Seal, key: &KeyName, grant: &str) -> String {
    let token = Token {
        account: key.account.to_string(),
        region: key.region.as_str().to_owned(),
        key: key.id.clone(),
        grant: grant.to_owned(),
    };
    let content = serde_json::to_vec(&token).unwrap_or_default();
    seal.seal(PURPOSE, &content)
}

/// The key and grant that a token of ours names.
pub(crate) fn open_token(seal: &Seal, text: &str) -> Option<(KeyName, String)> {
    let token: Token = serde_json::from_slice(&seal.open(PURPOSE, text)?).ok()?;
    let name =
        KeyName { account: token.account.parse().ok()?, region: token.region.parse().ok()?, id: token.key };
    Some((name, token.grant))
}
