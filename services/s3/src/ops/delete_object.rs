use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations::DeleteObject;
use haneul_s3_wire::shapes::{DeleteObjectOutput, DeleteObjectRequest};

use crate::bucket::Bucket;
use crate::conditions::WriteConditions;
use crate::facts::Named;
use crate::store::objects::Deletion;
use crate::store::versions::parse_version_id;
use crate::store::watch::By;
use crate::{S3, error, names};

impl Handle<DeleteObject> for S3 {
    async fn access(&self, cx: &Cx, input: &DeleteObjectRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let bypass = input.bypass_governance_retention == Some(true);
        self.deletion_access(cx, &bucket, named, input.if_match.as_deref(), bypass).await
    }

    async fn call(&self, cx: &Cx, input: DeleteObjectRequest) -> Result<DeleteObjectOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        names::check_key(&input.key)?;
        // Both are for directory buckets only.
        if input.if_match_last_modified_time.is_some() {
            return Err(error::not_implemented_header("x-amz-if-match-last-modified-time"));
        }
        if input.if_match_size.is_some() {
            return Err(error::not_implemented_header("x-amz-if-match-size"));
        }
        check_bypass(&bucket, input.bypass_governance_retention)?;
        check_version(input.version_id.as_deref())?;
        if bucket.record.mfa_delete && input.version_id.is_some() {
            self.check_mfa(cx, &bucket, input.mfa.as_deref()).await?;
        }
        let deletion = Deletion {
            key: &input.key,
            version: input.version_id.as_deref(),
            conditions: WriteConditions::of_delete(input.if_match.clone()),
            random: self.platform.env.rng.bytes(),
            bypass_governance: input.bypass_governance_retention == Some(true),
        };
        let watch = self.watch(cx, &bucket, By::Request);
        let (mut results, freed) =
            self.records.delete_objects(bucket.id(), &bucket.name, &[deletion], cx.now(), &watch).await?;
        self.content.free(freed).await;
        let deleted = results.pop().unwrap_or_else(|| Ok(Default::default()))?;
        Ok(DeleteObjectOutput {
            delete_marker: deleted.delete_marker.then_some(true),
            version_id: deleted.version_id,
            request_charged: None,
        })
    }
}

impl S3 {
    /// What deleting one key, or one version of it, needs.
    pub(super) async fn deletion_access(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        named: Named<'_>,
        if_match: Option<&str>,
        bypass: bool,
    ) -> Result<Vec<Access>> {
        let action = if named.version.is_some() { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" };
        let delete = self.write_access(cx, bucket, action, named).await?;
        // The action on versions does not know it (Service Authorization Reference).
        let mut needed = vec![match if_match.filter(|_| named.version.is_none()) {
            Some(tag) => delete.key("s3:if-match", tag),
            None => delete,
        }];
        // A match by tag tells whether the object is as the caller thinks: that is reading.
        if if_match.is_some_and(|tag| tag != "*") {
            needed.push(self.write_access(cx, bucket, "s3:GetObject", named).await?);
        }
        if bypass {
            needed.push(self.write_access(cx, bucket, "s3:BypassGovernanceRetention", named).await?);
        }
        Ok(needed)
    }
}

/// Whatever it says, where nothing is governed.
pub(super) fn check_bypass(bucket: &Bucket, bypass: Option<bool>) -> Result<()> {
    if bypass.is_none() || bucket.record.lock.is_some() {
        return Ok(());
    }
    let header = "x-amz-bypass-governance-retention";
    let message = format!("{header} is only applicable to Object Lock enabled buckets.");
    Err(error::new("InvalidArgument", 400, message).with_field("ArgumentName", header))
}

pub(super) fn check_version(version: Option<&str>) -> Result<()> {
    match version {
        Some(id) if id != "null" && parse_version_id(id).is_none() => Err(error::invalid_version_id(id)),
        _ => Ok(()),
    }
}
