use haneul_kit::{Access, Cx, Handle, Policy, Result, pinned_policy};
use haneul_ssm_wire::operations as op;
use haneul_ssm_wire::shapes as s;

use crate::error;
use crate::model::{ADVANCED, FullName, ResourcePolicy};
use crate::name::reference;
use crate::parameters::{Parameters, RESOURCE_POLICY};

impl Handle<op::PutResourcePolicy> for Parameters {
    async fn access(&self, cx: &Cx, input: &s::PutResourcePolicyRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, "ssm:PutResourcePolicy", &input.resource_arn).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutResourcePolicyRequest,
    ) -> Result<s::PutResourcePolicyResponse> {
        let name = self.shared(cx, &input.resource_arn).await?;
        Policy::parse(&input.policy, &RESOURCE_POLICY)
            .map_err(|refused| error::resource_policy_document(refused.message))?;
        let text = pinned_policy::pin(&self.platform, &input.policy).await?;
        let id = self.platform.env.rng.uuid();
        let hash = self.platform.env.rng.uuid();
        let (policy_id, policy_hash) = self
            .state
            .change(&name, |record| {
                if record.latest.tier != ADVANCED {
                    return Err(error::resource_policy(
                        "Only parameters of the advanced-parameter tier can be shared.",
                    ));
                }
                let id = match (&record.resource_policy, &input.policy_id) {
                    (None, None) => id.clone(),
                    (None, Some(_)) => return Err(error::resource_policy_not_found()),
                    (Some(_), None) => return Err(error::resource_policy_limit()),
                    (Some(before), Some(given)) if before.id != *given => {
                        return Err(error::resource_policy_not_found());
                    }
                    (Some(before), Some(_)) if input.policy_hash.as_ref() != Some(&before.hash) => {
                        return Err(error::resource_policy_conflict());
                    }
                    (Some(before), Some(_)) => before.id.clone(),
                };
                let policy = ResourcePolicy { id, hash: hash.clone(), policy: text.clone() };
                let shown = (policy.id.clone(), policy.hash.clone());
                record.resource_policy = Some(policy);
                Ok(shown)
            })
            .await?;
        Ok(s::PutResourcePolicyResponse { policy_id: Some(policy_id), policy_hash: Some(policy_hash) })
    }
}

impl Handle<op::GetResourcePolicies> for Parameters {
    async fn access(&self, cx: &Cx, input: &s::GetResourcePoliciesRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, "ssm:GetResourcePolicies", &input.resource_arn).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetResourcePoliciesRequest,
    ) -> Result<s::GetResourcePoliciesResponse> {
        let name = self.shared(cx, &input.resource_arn).await?;
        let policy = self.get(cx, &name).await?.resource_policy;
        let mut policies = Vec::new();
        if let Some(policy) = policy {
            policies.push(s::GetResourcePoliciesResponseEntry {
                policy_id: Some(policy.id),
                policy_hash: Some(policy.hash),
                policy: Some(pinned_policy::show(&self.platform, &policy.policy).await?),
            });
        }
        Ok(s::GetResourcePoliciesResponse { next_token: None, policies: Some(policies) })
    }
}

impl Handle<op::DeleteResourcePolicy> for Parameters {
    async fn access(&self, cx: &Cx, input: &s::DeleteResourcePolicyRequest) -> Result<Vec<Access>> {
        Ok(vec![self.ask(cx, "ssm:DeleteResourcePolicy", &input.resource_arn).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteResourcePolicyRequest,
    ) -> Result<s::DeleteResourcePolicyResponse> {
        let name = self.shared(cx, &input.resource_arn).await?;
        self.state
            .change(&name, |record| {
                match &record.resource_policy {
                    Some(policy) if policy.id == input.policy_id && policy.hash == input.policy_hash => {}
                    Some(policy) if policy.id == input.policy_id => {
                        return Err(error::resource_policy_conflict());
                    }
                    _ => return Err(error::resource_policy_not_found()),
                }
                record.resource_policy = None;
                Ok(())
            })
            .await?;
        Ok(s::DeleteResourcePolicyResponse {})
    }
}

impl Parameters {
    /// The parameter of an ARN, which must be the caller's.
    async fn shared(&self, cx: &Cx, arn: &str) -> Result<FullName> {
        let name = reference(cx, arn)?.name;
        match self.find(cx, &name).await? {
            Some(_) if arn.starts_with("arn:") && name.account == cx.account() => Ok(name),
            _ => Err(error::resource_not_found()),
        }
    }
}
