//! The users and roles that the policy of a resource names, by their unique ids.
//!
//! As in AWS, an ARN means whoever has it when the policy is stored: what is kept has the unique id in its place, so that
//! another user or role that is made by the same name later is not let in. What is shown has the ARN that the bearer of the
//! id has now, or the id itself when it is gone. Source: IAM User Guide, "AWS JSON policy elements: Principal".
//!
//! A policy that was stored before ids were noted has ARNs, and goes on meaning whoever has them.

use std::collections::BTreeMap;

use haneul_base::{AccountId, Arn};
use haneul_policy::rename_principals;

use crate::{Platform, Result};

/// The policy of a resource as it is to be kept. An ARN that nobody has stays as it is.
pub async fn pin(platform: &Platform, document: &str) -> Result<String> {
    let mut ids = BTreeMap::new();
    for name in principals(document, |name| name.starts_with("arn:")) {
        let Ok(arn) = Arn::parse(&name) else { continue };
        if let Some(id) = platform.directory().unique_id(&arn).await? {
            ids.insert(name, id);
        }
    }
    Ok(rename_principals(document, |name| ids.get(name).cloned()))
}

/// A policy that was kept, as it is to be shown.
pub async fn show(platform: &Platform, document: &str) -> Result<String> {
    let mut arns = BTreeMap::new();
    for id in principals(document, |name| name.starts_with("AIDA") || name.starts_with("AROA")) {
        if let Some(arn) = platform.directory().bearer(&id).await? {
            arns.insert(id, arn.to_string());
        }
    }
    Ok(rename_principals(document, |name| arns.get(name).cloned()))
}

/// The policy with the ARN of an account where only its number is given, which is how S3 and IAM tell it.
pub fn with_account_arns(document: &str) -> String {
    let arn = |account: AccountId| Arn::global("iam", account, "root").to_string();
    rename_principals(document, |name| name.parse().ok().map(arn))
}

fn principals(document: &str, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    rename_principals(document, |name| {
        if wanted(name) {
            found.push(name.to_owned());
        }
        None
    });
    found
}
