use haneul_kit::{Access, Cx, Handle, Result};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_shape::Empty;

use crate::Logs;
use crate::error;
use crate::model::Protection;
use crate::names::GroupName;
use crate::protect::policy::Policy;

impl Handle<op::PutDataProtectionPolicy> for Logs {
    async fn access(&self, cx: &Cx, input: &s::PutDataProtectionPolicyRequest) -> Result<Vec<Access>> {
        let name = GroupName::identified(cx, &input.log_group_identifier)?;
        self.on_group("logs:PutDataProtectionPolicy", &name).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutDataProtectionPolicyRequest,
    ) -> Result<s::PutDataProtectionPolicyResponse> {
        let name = GroupName::identified(cx, &input.log_group_identifier)?;
        let group = self.records.group(&name).await?;
        if group.class != "STANDARD" {
            return Err(error::invalid(format!(
                "Data protection policies are not supported for log groups of the {} class.",
                group.class
            )));
        }
        self.check_protection(cx, &input.policy_document).await?;
        let updated_ms = cx.now().millis();
        let document = &input.policy_document;
        self.records
            .change_group(&name, |group| {
                group.protection = Some(Protection { document: document.clone(), updated_ms });
                Ok(())
            })
            .await?;
        Ok(s::PutDataProtectionPolicyResponse {
            log_group_identifier: Some(input.log_group_identifier),
            policy_document: Some(input.policy_document),
            last_updated_time: Some(updated_ms),
        })
    }
}

impl Handle<op::GetDataProtectionPolicy> for Logs {
    async fn access(&self, cx: &Cx, input: &s::GetDataProtectionPolicyRequest) -> Result<Vec<Access>> {
        let name = GroupName::identified(cx, &input.log_group_identifier)?;
        self.on_group("logs:GetDataProtectionPolicy", &name).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetDataProtectionPolicyRequest,
    ) -> Result<s::GetDataProtectionPolicyResponse> {
        let name = GroupName::identified(cx, &input.log_group_identifier)?;
        let protection = self.records.group(&name).await?.protection;
        Ok(s::GetDataProtectionPolicyResponse {
            log_group_identifier: Some(input.log_group_identifier),
            last_updated_time: protection.as_ref().map(|protection| protection.updated_ms),
            policy_document: protection.map(|protection| protection.document),
        })
    }
}

impl Handle<op::DeleteDataProtectionPolicy> for Logs {
    async fn access(&self, cx: &Cx, input: &s::DeleteDataProtectionPolicyRequest) -> Result<Vec<Access>> {
        let name = GroupName::identified(cx, &input.log_group_identifier)?;
        self.on_group("logs:DeleteDataProtectionPolicy", &name).await
    }

    async fn call(&self, cx: &Cx, input: s::DeleteDataProtectionPolicyRequest) -> Result<Empty> {
        let name = GroupName::identified(cx, &input.log_group_identifier)?;
        self.records
            .change_group(&name, |group| {
                group.protection = None;
                Ok(())
            })
            .await?;
        Ok(Empty {})
    }
}

impl Logs {
    /// Whether a policy is one, and the log group for its findings is there.
    pub(super) async fn check_protection(&self, cx: &Cx, document: &str) -> Result<()> {
        let policy = Policy::parse(document)?;
        if let Some(group) = &policy.findings_group {
            let found = self.records.store_group(&GroupName::own(cx, group)).await?;
            found.ok_or_else(|| error::group_named_not_found(group, cx.account()))?;
        }
        Ok(())
    }
}
