//! ACLs. They are disabled in a new bucket; where they are enabled, only those exist that give nobody else anything,
//! so every ACL reads as the owner's full control.

use haneul_kit::{Access, AccountId, Cx, Handle, Result};
use haneul_s3_wire::operations::{GetBucketAcl, GetObjectAcl, PutBucketAcl, PutObjectAcl};
use haneul_s3_wire::shapes::{
    AccessControlPolicy, GetBucketAclOutput, GetBucketAclRequest, GetObjectAclOutput, GetObjectAclRequest,
    PutBucketAclRequest, PutObjectAclOutput, PutObjectAclRequest,
};
use haneul_shape::Empty;

use crate::bucket::Bucket;
use crate::facts::Named;
use crate::model::Ownership;
use crate::owner::{canonical_id, full_control, owner};
use crate::{S3, error, headers};

impl Handle<GetBucketAcl> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketAclRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetBucketAcl").await
    }

    async fn call(&self, cx: &Cx, input: GetBucketAclRequest) -> Result<GetBucketAclOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        Ok(GetBucketAclOutput { owner: Some(owner(bucket.owner)), grants: Some(full_control(bucket.owner)) })
    }
}

impl Handle<PutBucketAcl> for S3 {
    async fn access(&self, cx: &Cx, input: &PutBucketAclRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        Ok(vec![headers::write_keys(bucket.access(cx, "s3:PutBucketAcl"), &[("s3:x-amz-acl", &input.acl)])])
    }

    async fn call(&self, cx: &Cx, input: PutBucketAclRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let grants = input.grant_full_control.is_some()
            || input.grant_read.is_some()
            || input.grant_read_acp.is_some()
            || input.grant_write.is_some()
            || input.grant_write_acp.is_some();
        check(&bucket, bucket.owner, input.acl.as_deref(), grants, input.access_control_policy.as_ref())?;
        Ok(Empty)
    }
}

impl Handle<GetObjectAcl> for S3 {
    async fn access(&self, cx: &Cx, input: &GetObjectAclRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let action = if named.version.is_some() { "s3:GetObjectVersionAcl" } else { "s3:GetObjectAcl" };
        self.object_access(cx, &bucket, action, named).await
    }

    async fn call(&self, cx: &Cx, input: GetObjectAclRequest) -> Result<GetObjectAclOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let account = self.owner_of(cx, &bucket, &input.key, input.version_id.as_deref()).await?;
        Ok(GetObjectAclOutput {
            owner: Some(owner(account)),
            grants: Some(full_control(account)),
            request_charged: None,
        })
    }
}

impl Handle<PutObjectAcl> for S3 {
    async fn access(&self, cx: &Cx, input: &PutObjectAclRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let action = if named.version.is_some() { "s3:PutObjectVersionAcl" } else { "s3:PutObjectAcl" };
        let access = self.write_access(cx, &bucket, action, named).await?;
        Ok(vec![headers::write_keys(access, &[("s3:x-amz-acl", &input.acl)])])
    }

    async fn call(&self, cx: &Cx, input: PutObjectAclRequest) -> Result<PutObjectAclOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let account = self.owner_of(cx, &bucket, &input.key, input.version_id.as_deref()).await?;
        let grants = input.grant_full_control.is_some()
            || input.grant_read.is_some()
            || input.grant_read_acp.is_some()
            || input.grant_write.is_some()
            || input.grant_write_acp.is_some();
        check(&bucket, account, input.acl.as_deref(), grants, input.access_control_policy.as_ref())?;
        Ok(PutObjectAclOutput::default())
    }
}

impl S3 {
    async fn owner_of(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        key: &str,
        version: Option<&str>,
    ) -> Result<AccountId> {
        let found = self.records.find(bucket.id(), key, version).await?;
        let (record, _) = self.readable(cx, found, Named { key, version }).await?;
        let written_by = record.owner.and_then(AccountId::new);
        Ok(match bucket.ownership() {
            Ownership::BucketOwnerEnforced => bucket.owner,
            _ => written_by.unwrap_or(bucket.owner),
        })
    }
}

/// Takes the ACL only if it is the one that there is.
fn check(
    bucket: &Bucket,
    account: AccountId,
    acl: Option<&str>,
    has_grants: bool,
    policy: Option<&AccessControlPolicy>,
) -> Result<()> {
    headers::check_acl(bucket, acl, has_grants)?;
    let Some(policy) = policy.filter(|policy| policy.grants.is_some() || policy.owner.is_some()) else {
        return if acl.is_some() || has_grants {
            Ok(())
        } else {
            let message = "Your request was missing a required header";
            Err(error::new("MissingSecurityHeader", 400, message))
        };
    };
    let id = canonical_id(account);
    let own = |grant: &haneul_s3_wire::shapes::Grant| {
        grant.permission.as_deref() == Some("FULL_CONTROL")
            && grant.grantee.as_ref().is_some_and(|grantee| grantee.id.as_deref() == Some(id.as_str()))
    };
    match policy.grants.as_deref() {
        Some([grant]) if own(grant) => Ok(()),
        _ if bucket.ownership() == Ownership::BucketOwnerEnforced => Err(error::acl_not_supported()),
        _ => Err(error::not_implemented("Granting permissions by ACL")),
    }
}
