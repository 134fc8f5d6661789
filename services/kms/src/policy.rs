//! Key policies: the default, and what a new one must satisfy.

use std::sync::Arc;

use haneul_kit::{AccountId, Arn, Cx, Policy, Result, pinned_policy};
use haneul_policy::{PrincipalKind, ResourceMode};
use serde_json::json;

use crate::error;
use crate::kms::Kms;
use crate::live::KEY_POLICY;
use crate::model::KeyName;

/// What a key has that was made without a policy by API: the account decides.
pub(crate) fn default(account: AccountId) -> String {
    let document = json!({
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [{
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": { "AWS": Arn::global("iam", account, "root").to_string() },
            "Action": "kms:*",
            "Resource": "*",
        }],
    });
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

impl Kms {
    /// Checks a policy that a key is to have: its form, its principals, and unless `bypass`, that the caller could
    /// change it again. Gives it as it is to be kept.
    pub(crate) async fn check_policy(
        &self,
        cx: &Cx,
        key: &KeyName,
        text: &str,
        bypass: bool,
    ) -> Result<String> {
        let policy = Policy::parse(text, &KEY_POLICY).map_err(|refused| match refused.kind {
            haneul_policy::ErrorKind::TooLong { .. } => {
                error::limit("The key policy is larger than the maximum of 32768 bytes.")
            }
            haneul_policy::ErrorKind::InvalidPrincipal => {
                error::policy("Policy contains a statement with one or more invalid principals.")
            }
            _ => error::policy(refused.message),
        })?;
        self.check_principals(&policy).await?;
        let kept = pinned_policy::pin(&self.platform, text).await?;
        if bypass {
            return Ok(kept);
        }
        let mut access = haneul_kit::Access::on("kms:PutKeyPolicy", &key.arn())
            .with_policy(Some(Arc::new(policy)))
            .key("kms:CallerAccount", cx.account().to_string());
        access.resource_mode = ResourceMode::Required;
        let allowed = self.platform.authorize(cx, "kms", &[access]).await;
        allowed.map_err(|refused| match refused.fault() {
            haneul_kit::Fault::Client => {
                error::policy("The new key policy will not allow you to update the key policy in the future.")
            }
            haneul_kit::Fault::Server => refused,
        })?;
        Ok(kept)
    }

    /// Roles that a policy names must exist, as AWS checks.
    async fn check_principals(&self, policy: &Policy) -> Result<()> {
        for principal in policy.principals().filter(|principal| principal.kind == PrincipalKind::Aws) {
            let Ok(arn) = Arn::parse(principal.value) else { continue };
            let (Some(account), Some(role)) = (arn.account_id(), arn.resource().strip_prefix("role/")) else {
                continue;
            };
            // Roles of services' own path may be made later by the service.
            if arn.service() != "iam" || role.starts_with("aws-service-role/") {
                continue;
            }
            let name = role.rsplit('/').next().unwrap_or_default();
            let known = self.platform.directory().role(account, name).await?;
            if known.is_none_or(|known| known.arn() != arn) {
                return Err(error::policy(
                    "Policy contains a statement with one or more invalid principals.",
                ));
            }
        }
        Ok(())
    }
}
