use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::Empty;

use crate::iam::Iam;
use crate::page::Wanted;
use crate::store::policies::Managed;
use crate::{document, error, managed, render};

impl Handle<op::CreatePolicyVersion> for Iam {
    async fn access(&self, cx: &Cx, input: &s::CreatePolicyVersionRequest) -> Result<Vec<Access>> {
        self.on_policy(cx, "iam:CreatePolicyVersion", &input.policy_arn).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreatePolicyVersionRequest,
    ) -> Result<s::CreatePolicyVersionResponse> {
        document::check_managed(&input.policy_document)?;
        let is_default = input.set_as_default == Some(true);
        let (arn, text) = (&input.policy_arn, &input.policy_document);
        let version = self.state.create_version(cx.account(), arn, text, is_default, cx.now()).await?;
        let default = if is_default { version.number } else { 0 };
        Ok(s::CreatePolicyVersionResponse { policy_version: Some(render::version(&version, default, false)) })
    }
}

impl Handle<op::GetPolicyVersion> for Iam {
    async fn access(&self, cx: &Cx, input: &s::GetPolicyVersionRequest) -> Result<Vec<Access>> {
        self.on_policy(cx, "iam:GetPolicyVersion", &input.policy_arn).await
    }

    async fn call(&self, cx: &Cx, input: s::GetPolicyVersionRequest) -> Result<s::GetPolicyVersionResponse> {
        let missing = || error::no_such_version(&input.policy_arn, &input.version_id);
        let version = match self.state.policy(cx.account(), &input.policy_arn).await? {
            Managed::Own(policy) => {
                let version = policy.version(&input.version_id).ok_or_else(missing)?;
                render::version(version, policy.default_version, true)
            }
            Managed::Aws(policy) if input.version_id == format!("v{}", policy.version) => {
                render::aws_version(policy, Some(managed::document(policy)))
            }
            Managed::Partner(policy) if input.version_id == "v1" => render::partner_version(&policy, true),
            Managed::Aws(_) | Managed::Partner(_) => return Err(missing()),
        };
        Ok(s::GetPolicyVersionResponse { policy_version: Some(version) })
    }
}

impl Handle<op::ListPolicyVersions> for Iam {
    async fn access(&self, cx: &Cx, input: &s::ListPolicyVersionsRequest) -> Result<Vec<Access>> {
        self.on_policy(cx, "iam:ListPolicyVersions", &input.policy_arn).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListPolicyVersionsRequest,
    ) -> Result<s::ListPolicyVersionsResponse> {
        let versions = match self.state.policy(cx.account(), &input.policy_arn).await? {
            Managed::Own(policy) => {
                let newest_first = policy.versions.iter().rev();
                newest_first.map(|version| render::version(version, policy.default_version, false)).collect()
            }
            Managed::Aws(policy) => vec![render::aws_version(policy, None)],
            Managed::Partner(policy) => vec![render::partner_version(&policy, false)],
        };
        let numbered: Vec<(usize, s::PolicyVersion)> = versions.into_iter().enumerate().collect();
        let wanted = Wanted {
            marker: input.marker.as_deref(),
            max_items: input.max_items,
            listing: format!("ListPolicyVersions {}", input.policy_arn),
        };
        let page = self.page(cx, wanted, numbered, |(at, _)| format!("{at:03}"))?;
        Ok(s::ListPolicyVersionsResponse {
            versions: Some(page.items.into_iter().map(|(_, version)| version).collect()),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

impl Handle<op::SetDefaultPolicyVersion> for Iam {
    async fn access(&self, cx: &Cx, input: &s::SetDefaultPolicyVersionRequest) -> Result<Vec<Access>> {
        self.on_policy(cx, "iam:SetDefaultPolicyVersion", &input.policy_arn).await
    }

    async fn call(&self, cx: &Cx, input: s::SetDefaultPolicyVersionRequest) -> Result<Empty> {
        let (arn, version) = (&input.policy_arn, &input.version_id);
        self.state.set_default_version(cx.account(), arn, version, cx.now()).await?;
        Ok(Empty)
    }
}

impl Handle<op::DeletePolicyVersion> for Iam {
    async fn access(&self, cx: &Cx, input: &s::DeletePolicyVersionRequest) -> Result<Vec<Access>> {
        self.on_policy(cx, "iam:DeletePolicyVersion", &input.policy_arn).await
    }

    async fn call(&self, cx: &Cx, input: s::DeletePolicyVersionRequest) -> Result<Empty> {
        self.state.delete_version(cx.account(), &input.policy_arn, &input.version_id).await?;
        Ok(Empty)
    }
}
