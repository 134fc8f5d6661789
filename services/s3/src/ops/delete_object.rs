use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations::DeleteObject;
use haneul_s3_wire::shapes::{DeleteObjectOutput, DeleteObjectRequest};

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
        let mut needed = vec![self.write_access(cx, &bucket, action(named.version), named).await?];
        // A match by tag tells whether the object is as the caller thinks: that is reading.
        if input.if_match.as_deref().is_some_and(|tag| tag != "*") {
            needed.push(bucket.object_access(cx, "s3:GetObject", &input.key));
        }
        Ok(needed)
    }

    async fn call(&self, cx: &Cx, input: DeleteObjectRequest) -> Result<DeleteObjectOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        names::check_key(&input.key)?;
        if input.mfa.is_some() {
            return Err(error::not_implemented("MFA delete"));
        }
        if input.if_match_last_modified_time.is_some() || input.if_match_size.is_some() {
            return Err(error::not_implemented_header("x-amz-if-match-last-modified-time"));
        }
        check_version(input.version_id.as_deref())?;
        let deletion = Deletion {
            key: &input.key,
            version: input.version_id.as_deref(),
            conditions: WriteConditions::new(input.if_match.clone(), None)?,
            random: self.platform.env.rng.bytes(),
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

pub(super) fn action(version: Option<&str>) -> &'static str {
    if version.is_some() { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" }
}

pub(super) fn check_version(version: Option<&str>) -> Result<()> {
    match version {
        Some(id) if id != "null" && parse_version_id(id).is_none() => Err(error::invalid_version_id(id)),
        _ => Ok(()),
    }
}
