use std::borrow::Cow;

use haneul_kit::{Access, Cx, Handle, Instant, Result};
use haneul_s3control_wire::operations as op;
use haneul_s3control_wire::shapes as s;
use haneul_shape::Empty;

use super::scope::Scope;
use super::{DEFAULT, Named, creating, limit, no_identity_center, own, tag_map};
use crate::model::grant::GrantsInstance;
use crate::store::grants::{InstanceRow, no_such_instance};
use crate::{S3, error};

impl Handle<op::CreateAccessGrantsInstance> for S3 {
    async fn access(&self, cx: &Cx, input: &s::CreateAccessGrantsInstanceRequest) -> Result<Vec<Access>> {
        let of = own(cx, &input.account_id)?;
        Ok(creating(self.on_instance(of, "s3:CreateAccessGrantsInstance").await?, &input.tags))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::CreateAccessGrantsInstanceRequest,
    ) -> Result<s::CreateAccessGrantsInstanceResult> {
        if input.identity_center_arn.is_some() {
            return Err(no_identity_center());
        }
        let of = own(cx, &input.account_id)?;
        let instance = GrantsInstance {
            created_ms: cx.now().millis(),
            tags: tag_map(input.tags)?,
            ..GrantsInstance::default()
        };
        self.records.create_grants_instance(&of, &instance).await?;
        Ok(s::CreateAccessGrantsInstanceResult {
            created_at: Some(Instant::from_millis(instance.created_ms)),
            access_grants_instance_id: Some(DEFAULT.to_owned()),
            access_grants_instance_arn: Some(Named::Instance.arn(of)),
            ..Default::default()
        })
    }
}

impl Handle<op::GetAccessGrantsInstance> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetAccessGrantsInstanceRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_instance(own(cx, &input.account_id)?, "s3:GetAccessGrantsInstance").await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetAccessGrantsInstanceRequest,
    ) -> Result<s::GetAccessGrantsInstanceResult> {
        let of = own(cx, &input.account_id)?;
        let instance = self.instance(of).await?;
        Ok(s::GetAccessGrantsInstanceResult {
            access_grants_instance_arn: Some(Named::Instance.arn(of)),
            access_grants_instance_id: Some(DEFAULT.to_owned()),
            created_at: Some(Instant::from_millis(instance.created_ms)),
            ..Default::default()
        })
    }
}

impl S3 {
    /// The instance in whose account and Region the bucket of a path is.
    async fn instance_for(&self, path: &str) -> Result<Option<InstanceRow>> {
        let scope = Scope::parse(path, false)
            .ok_or_else(|| error::invalid_request("The specified S3 prefix is invalid"))?;
        let Some(bucket) = self.buckets.get(&self.records, &scope.bucket).await? else { return Ok(None) };
        let of = (bucket.owner, bucket.region);
        Ok(self.records.grants_instance(&of).await?.map(|_| of))
    }
}

impl Handle<op::GetAccessGrantsInstanceForPrefix> for S3 {
    /// The caller's account must allow it, and where the data is another's, that account's instance too.
    async fn access(
        &self,
        cx: &Cx,
        input: &s::GetAccessGrantsInstanceForPrefixRequest,
    ) -> Result<Vec<Access>> {
        let own = own(cx, &input.account_id)?;
        let of = self.instance_for(&input.s3_prefix).await?.unwrap_or(own);
        Ok(vec![self.on_instance(of, "s3:GetAccessGrantsInstanceForPrefix").await?])
    }

    async fn call(
        &self,
        _cx: &Cx,
        input: s::GetAccessGrantsInstanceForPrefixRequest,
    ) -> Result<s::GetAccessGrantsInstanceForPrefixResult> {
        let of = self.instance_for(&input.s3_prefix).await?.ok_or_else(no_such_instance)?;
        Ok(s::GetAccessGrantsInstanceForPrefixResult {
            access_grants_instance_arn: Some(Named::Instance.arn(of)),
            access_grants_instance_id: Some(DEFAULT.to_owned()),
        })
    }
}

impl Handle<op::ListAccessGrantsInstances> for S3 {
    async fn access(&self, cx: &Cx, input: &s::ListAccessGrantsInstancesRequest) -> Result<Vec<Access>> {
        let (account, _) = own(cx, &input.account_id)?;
        let mut access = Access::to("s3:ListAccessGrantsInstances").owned_by(account);
        access.resource = Cow::Borrowed("*");
        Ok(vec![access])
    }

    /// The only one there can be in this Region: there is never a second page.
    async fn call(
        &self,
        cx: &Cx,
        input: s::ListAccessGrantsInstancesRequest,
    ) -> Result<s::ListAccessGrantsInstancesResult> {
        if input.next_token.is_some() {
            return Err(super::no_such_token());
        }
        let of = own(cx, &input.account_id)?;
        let found = self.records.grants_instance(&of).await?;
        let shown = found.into_iter().take(limit(input.max_results)).map(|instance| {
            s::ListAccessGrantsInstanceEntry {
                access_grants_instance_id: Some(DEFAULT.to_owned()),
                access_grants_instance_arn: Some(Named::Instance.arn(of)),
                created_at: Some(Instant::from_millis(instance.created_ms)),
                ..Default::default()
            }
        });
        Ok(s::ListAccessGrantsInstancesResult {
            access_grants_instances_list: Some(shown.collect()),
            next_token: None,
        })
    }
}

impl Handle<op::DeleteAccessGrantsInstance> for S3 {
    async fn access(&self, cx: &Cx, input: &s::DeleteAccessGrantsInstanceRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_instance(own(cx, &input.account_id)?, "s3:DeleteAccessGrantsInstance").await?])
    }

    async fn call(&self, cx: &Cx, input: s::DeleteAccessGrantsInstanceRequest) -> Result<Empty> {
        self.records.delete_grants_instance(&own(cx, &input.account_id)?).await?;
        Ok(Empty)
    }
}
