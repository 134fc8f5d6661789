use haneul_kit::{Access, Cx, Handle, Instant, Policy, Result, pinned_policy};
use haneul_s3control_wire::operations as op;
use haneul_s3control_wire::shapes as s;
use haneul_shape::Empty;

use super::{Named, own};
use crate::bucket::POLICY_RULES;
use crate::model::grant::GrantsInstance;
use crate::{S3, error};

impl Handle<op::PutAccessGrantsInstanceResourcePolicy> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::PutAccessGrantsInstanceResourcePolicyRequest,
    ) -> Result<Vec<Access>> {
        let of = own(cx, &input.account_id)?;
        Ok(vec![self.on_instance(of, "s3:PutAccessGrantsInstanceResourcePolicy").await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutAccessGrantsInstanceResourcePolicyRequest,
    ) -> Result<s::PutAccessGrantsInstanceResourcePolicyResult> {
        if input.organization.is_some() {
            return Err(error::not_implemented("The organization of a resource policy"));
        }
        let of = own(cx, &input.account_id)?;
        let invalid = || error::new("InvalidResourcePolicy", 400, "The specified Resource Policy is invalid");
        let policy = Policy::parse(&input.policy, &POLICY_RULES).map_err(|_| invalid())?;
        let instance = Named::Instance.arn(of);
        let within = format!("{instance}/");
        for statement in policy.statements() {
            let (negated, mut resources) = statement.resources();
            if negated || !resources.all(|resource| resource == instance || resource.starts_with(&within)) {
                return Err(invalid());
            }
        }
        let text = pinned_policy::pin(&self.platform, &input.policy).await?;
        let now = cx.now();
        let set = |instance: &mut GrantsInstance| {
            instance.policy = Some(text.clone());
            instance.policy_ms = now.millis();
            Ok(())
        };
        self.records.change_grants_instance(&of, set).await?;
        Ok(s::PutAccessGrantsInstanceResourcePolicyResult {
            policy: Some(input.policy),
            organization: None,
            created_at: Some(now),
        })
    }
}

impl Handle<op::GetAccessGrantsInstanceResourcePolicy> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::GetAccessGrantsInstanceResourcePolicyRequest,
    ) -> Result<Vec<Access>> {
        let of = own(cx, &input.account_id)?;
        Ok(vec![self.on_instance(of, "s3:GetAccessGrantsInstanceResourcePolicy").await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetAccessGrantsInstanceResourcePolicyRequest,
    ) -> Result<s::GetAccessGrantsInstanceResourcePolicyResult> {
        let instance = self.instance(own(cx, &input.account_id)?).await?;
        let policy = instance.policy.ok_or_else(no_policy)?;
        Ok(s::GetAccessGrantsInstanceResourcePolicyResult {
            policy: Some(pinned_policy::show(&self.platform, &policy).await?),
            organization: None,
            created_at: Some(Instant::from_millis(instance.policy_ms)),
        })
    }
}

impl Handle<op::DeleteAccessGrantsInstanceResourcePolicy> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::DeleteAccessGrantsInstanceResourcePolicyRequest,
    ) -> Result<Vec<Access>> {
        let of = own(cx, &input.account_id)?;
        Ok(vec![self.on_instance(of, "s3:DeleteAccessGrantsInstanceResourcePolicy").await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteAccessGrantsInstanceResourcePolicyRequest,
    ) -> Result<Empty> {
        let clear = |instance: &mut GrantsInstance| instance.policy.take().map(drop).ok_or_else(no_policy);
        self.records.change_grants_instance(&own(cx, &input.account_id)?, clear).await?;
        Ok(Empty)
    }
}

fn no_policy() -> haneul_kit::ApiError {
    let message = "Access Grants Instance Resource Policy does not exist";
    error::new("AccessGrantsInstanceResourcePolicyNotExists", 404, message)
}
