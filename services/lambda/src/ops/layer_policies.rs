use haneul_kit::{Access, Cx, Handle, Result, pinned_policy};
use haneul_lambda_wire::operations as op;
use haneul_lambda_wire::shapes as s;
use haneul_shape::Empty;
use serde_json::json;

use super::layers::number;
use crate::names::LayerName;
use crate::store::layers::no_layer;
use crate::{Lambda, error, policy};

impl Handle<op::AddLayerVersionPermission> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::AddLayerVersionPermissionRequest) -> Result<Vec<Access>> {
        let (name, version) = (LayerName::read(cx, &input.layer_name)?, number(input.version_number)?);
        self.on_layer("lambda:AddLayerVersionPermission", &name, version).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::AddLayerVersionPermissionRequest,
    ) -> Result<s::AddLayerVersionPermissionResponse> {
        let (name, version) = (LayerName::read(cx, &input.layer_name)?, number(input.version_number)?);
        let principal = match input.principal.as_str() {
            "*" => json!("*"),
            given if given.starts_with("arn:") => json!({ "AWS": given }),
            account => json!({ "AWS": format!("arn:aws:iam::{account}:root") }),
        };
        let mut statement = json!({
            "Sid": input.statement_id,
            "Effect": "Allow",
            "Principal": principal,
            "Action": input.action,
            "Resource": name.version_arn(version).as_str(),
        });
        if let Some(organization) = input.organization_id.as_ref().filter(|id| !id.is_empty()) {
            if input.principal != "*" {
                return Err(error::parameter("OrganizationId is only supported with the principal *."));
            }
            statement["Condition"] = json!({ "StringEquals": { "aws:PrincipalOrgID": organization } });
        }
        let pinned = self.pin_statement(&statement).await?;
        let revision = self.revision();
        let edit = self.records.change_layer_policy(&name, version, |held| {
            let is = held.as_ref().map(|held| held.revision.as_str());
            if input.revision_id.is_some() && input.revision_id.as_deref() != is {
                return Err(error::policy_revision());
            }
            policy::add(held, pinned.clone(), revision.clone())
        });
        edit.await?;
        Ok(s::AddLayerVersionPermissionResponse {
            statement: Some(statement.to_string()),
            revision_id: Some(revision),
        })
    }
}

impl Handle<op::RemoveLayerVersionPermission> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::RemoveLayerVersionPermissionRequest) -> Result<Vec<Access>> {
        let (name, version) = (LayerName::read(cx, &input.layer_name)?, number(input.version_number)?);
        self.on_layer("lambda:RemoveLayerVersionPermission", &name, version).await
    }

    async fn call(&self, cx: &Cx, input: s::RemoveLayerVersionPermissionRequest) -> Result<Empty> {
        let (name, version) = (LayerName::read(cx, &input.layer_name)?, number(input.version_number)?);
        let revision = self.revision();
        let edit = self.records.change_layer_policy(&name, version, |held| {
            let is = held.as_ref().map(|held| held.revision.as_str());
            if input.revision_id.is_some() && input.revision_id.as_deref() != is {
                return Err(error::policy_revision());
            }
            policy::remove(held, &input.statement_id, revision.clone())
        });
        edit.await?;
        Ok(Empty)
    }
}

impl Handle<op::GetLayerVersionPolicy> for Lambda {
    async fn access(&self, cx: &Cx, input: &s::GetLayerVersionPolicyRequest) -> Result<Vec<Access>> {
        let (name, version) = (LayerName::read(cx, &input.layer_name)?, number(input.version_number)?);
        self.on_layer("lambda:GetLayerVersionPolicy", &name, version).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetLayerVersionPolicyRequest,
    ) -> Result<s::GetLayerVersionPolicyResponse> {
        let (name, version) = (LayerName::read(cx, &input.layer_name)?, number(input.version_number)?);
        let found = self.records.layer(&name, version).await?;
        let policy = found.ok_or_else(|| no_layer(&name, version))?.policy;
        let policy =
            policy.ok_or_else(|| error::not_found("No policy is associated with the given resource."))?;
        Ok(s::GetLayerVersionPolicyResponse {
            policy: Some(pinned_policy::show(&self.platform, &policy.document).await?),
            revision_id: Some(policy.revision),
        })
    }
}
