use haneul_kit::{Access, Cx, Handle, Result, pinned_policy};
use haneul_kms_wire::operations as op;
use haneul_kms_wire::shapes as s;
use haneul_shape::Empty;

use crate::access::Ask;
use crate::error;
use crate::kms::{Forms, Kms, check_not_pending_deletion};

/// The only policy that a key has.
const DEFAULT: &str = "default";

impl Handle<op::GetKeyPolicy> for Kms {
    async fn access(&self, cx: &Cx, input: &s::GetKeyPolicyRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, Ask::own("kms:GetKeyPolicy", &input.key_id)).await?])
    }

    async fn call(&self, cx: &Cx, input: s::GetKeyPolicyRequest) -> Result<s::GetKeyPolicyResponse> {
        let key = self.key(cx, &input.key_id, Forms::Key).await?;
        check_name(input.policy_name.as_deref())?;
        Ok(s::GetKeyPolicyResponse {
            policy: Some(pinned_policy::show(&self.platform, &key.record.policy).await?),
            policy_name: Some(DEFAULT.into()),
        })
    }
}

impl Handle<op::PutKeyPolicy> for Kms {
    async fn access(&self, cx: &Cx, input: &s::PutKeyPolicyRequest) -> Result<Vec<Access>> {
        let bypass = input.bypass_policy_lockout_safety_check.unwrap_or(false);
        let access = self.ask(cx, Ask::own("kms:PutKeyPolicy", &input.key_id)).await?;
        Ok(vec![access.key("kms:BypassPolicyLockoutSafetyCheck", bypass.to_string())])
    }

    async fn call(&self, cx: &Cx, input: s::PutKeyPolicyRequest) -> Result<Empty> {
        let name = &self.own_key(cx, &input.key_id, "PutKeyPolicy").await?.name.clone();
        check_name(input.policy_name.as_deref())?;
        let bypass = input.bypass_policy_lockout_safety_check.unwrap_or(false);
        let text = self.check_policy(cx, name, &input.policy, bypass).await?;
        self.state
            .change_key(name, |record| {
                check_not_pending_deletion(record.state(cx.now()), &name.arn())?;
                record.policy.clone_from(&text);
                Ok(())
            })
            .await?;
        Ok(Empty)
    }
}

impl Handle<op::ListKeyPolicies> for Kms {
    async fn access(&self, cx: &Cx, input: &s::ListKeyPoliciesRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, Ask::own("kms:ListKeyPolicies", &input.key_id)).await?])
    }

    async fn call(&self, cx: &Cx, input: s::ListKeyPoliciesRequest) -> Result<s::ListKeyPoliciesResponse> {
        self.key(cx, &input.key_id, Forms::Key).await?;
        if input.marker.is_some() {
            return Err(error::marker());
        }
        Ok(s::ListKeyPoliciesResponse {
            policy_names: Some(vec![DEFAULT.into()]),
            next_marker: None,
            truncated: Some(false),
        })
    }
}

fn check_name(name: Option<&str>) -> Result<()> {
    match name {
        None | Some(DEFAULT) => Ok(()),
        Some(_) => Err(haneul_kit::ApiError::new("NotFoundException", "No such policy exists")),
    }
}
