use haneul_kit::{Access, Cx, Handle, Policy, Result, pinned_policy};
use haneul_policy::{ErrorKind, is_public};
use haneul_secretsmanager_wire::operations as op;
use haneul_secretsmanager_wire::shapes as s;

use crate::error;
use crate::secrets::{POLICY, Secrets};
use crate::store::Values;

/// The only policy that a secret has.
const DEFAULT: &str = "default";

impl Handle<op::PutResourcePolicy> for Secrets {
    async fn access(&self, cx: &Cx, input: &s::PutResourcePolicyRequest) -> Result<Vec<Access>> {
        let access = self.ask(cx, "secretsmanager:PutResourcePolicy", &input.secret_id).await?;
        let block = input.block_public_policy.unwrap_or(false);
        Ok(vec![access.key("secretsmanager:BlockPublicPolicy", block.to_string())])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutResourcePolicyRequest,
    ) -> Result<s::PutResourcePolicyResponse> {
        check_name(input.policy_name.as_deref())?;
        let found = self.live(cx, &input.secret_id).await?;
        let policy = parse(&input.resource_policy)?;
        if input.block_public_policy == Some(true) && is_public(&policy) {
            return Err(error::public_policy());
        }
        let text = pinned_policy::pin(&self.platform, &input.resource_policy).await?;
        self.set_policy(&found.name, Some(&text)).await?;
        Ok(s::PutResourcePolicyResponse {
            arn: Some(found.arn.to_string()),
            name: Some(found.name.name),
            policy_name: Some(DEFAULT.into()),
        })
    }
}

impl Handle<op::GetResourcePolicy> for Secrets {
    async fn access(&self, cx: &Cx, input: &s::GetResourcePolicyRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, "secretsmanager:GetResourcePolicy", &input.secret_id).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetResourcePolicyRequest,
    ) -> Result<s::GetResourcePolicyResponse> {
        let found = self.live(cx, &input.secret_id).await?;
        if input.policy_name.is_some_and(|name| name != DEFAULT) {
            return Err(haneul_kit::ApiError::new(
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified resource policy.",
            ));
        }
        let resource_policy = match &found.record.policy {
            Some(policy) => Some(pinned_policy::show(&self.platform, policy).await?),
            None => None,
        };
        Ok(s::GetResourcePolicyResponse {
            arn: Some(found.arn.to_string()),
            name: Some(found.name.name),
            policy_name: resource_policy.as_ref().map(|_| DEFAULT.into()),
            resource_policy,
        })
    }
}

impl Handle<op::DeleteResourcePolicy> for Secrets {
    async fn access(&self, cx: &Cx, input: &s::DeleteResourcePolicyRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, "secretsmanager:DeleteResourcePolicy", &input.secret_id).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteResourcePolicyRequest,
    ) -> Result<s::DeleteResourcePolicyResponse> {
        check_name(input.policy_name.as_deref())?;
        let found = self.live(cx, &input.secret_id).await?;
        self.set_policy(&found.name, None).await?;
        Ok(s::DeleteResourcePolicyResponse {
            arn: Some(found.arn.to_string()),
            name: Some(found.name.name),
            policy_name: None,
        })
    }
}

impl Handle<op::ListResourcePolicies> for Secrets {
    async fn access(&self, cx: &Cx, input: &s::ListResourcePoliciesRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, "secretsmanager:ListResourcePolicies", &input.secret_id).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListResourcePoliciesRequest,
    ) -> Result<s::ListResourcePoliciesResponse> {
        let found = self.live(cx, &input.secret_id).await?;
        if input.next_token.is_some() {
            return Err(error::next_token());
        }
        let shown = s::ResourcePolicySummary { policy_name: Some(DEFAULT.into()) };
        let resource_policies = found.record.policy.map(|_| shown).into_iter().collect();
        Ok(s::ListResourcePoliciesResponse { resource_policies, next_token: None })
    }
}

impl Handle<op::ValidateResourcePolicy> for Secrets {
    async fn access(&self, cx: &Cx, input: &s::ValidateResourcePolicyRequest) -> Result<Vec<Access>> {
        let action = "secretsmanager:ValidateResourcePolicy";
        Ok(vec![match &input.secret_id {
            Some(id) => self.ask(cx, action, id).await?,
            None => Access::to(action),
        }])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ValidateResourcePolicyRequest,
    ) -> Result<s::ValidateResourcePolicyResponse> {
        if let Some(id) = &input.secret_id {
            self.live(cx, id).await?;
        }
        let mut errors = Vec::new();
        let mut found = |check: &str, message: String| {
            errors.push(s::ValidationErrorsEntry {
                check_name: Some(check.into()),
                error_message: Some(message),
            });
        };
        match Policy::parse(&input.resource_policy, &POLICY) {
            Err(refused) if refused.kind == ErrorKind::Json => return Err(error::policy(refused.message)),
            Err(refused) => found("POLICY_SYNTAX", refused.message),
            Ok(policy) if is_public(&policy) => {
                found("BLOCK_PUBLIC_POLICY", "The resource policy grants broad access to the secret.".into())
            }
            Ok(_) => {}
        }
        Ok(s::ValidateResourcePolicyResponse {
            policy_validation_passed: Some(errors.is_empty()),
            validation_errors: Some(errors),
        })
    }
}

impl Secrets {
    async fn set_policy(&self, name: &crate::model::SecretName, policy: Option<&String>) -> Result<()> {
        self.state
            .change(name, |record| {
                record.policy = policy.cloned();
                Ok(((), Values::default()))
            })
            .await
    }
}

fn parse(text: &str) -> Result<Policy> {
    Policy::parse(text, &POLICY).map_err(|refused| match refused.kind {
        ErrorKind::InvalidPrincipal => {
            error::policy("This resource policy contains an unsupported principal.")
        }
        _ => error::policy(refused.message),
    })
}

fn check_name(name: Option<&str>) -> Result<()> {
    match name {
        None | Some(DEFAULT) => Ok(()),
        Some(name) => Err(error::parameter(format!("PolicyName {name} is not valid: only default is."))),
    }
}
