//! Whether a bucket's tags decide who may do what with it.
//!
//! Source: S3 User Guide, "Enabling ABAC in general purpose buckets".

use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations::{GetBucketAbac, PutBucketAbac};
use haneul_s3_wire::shapes::{AbacStatus, GetBucketAbacOutput, GetBucketAbacRequest, PutBucketAbacRequest};
use haneul_shape::Empty;

use crate::model::BucketRecord;
use crate::{S3, error};

impl Handle<GetBucketAbac> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketAbacRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetBucketAbac").await
    }

    async fn call(&self, cx: &Cx, input: GetBucketAbacRequest) -> Result<GetBucketAbacOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let status = if bucket.record.features.abac { "Enabled" } else { "Disabled" };
        Ok(GetBucketAbacOutput { abac_status: Some(AbacStatus { status: Some(status.to_owned()) }) })
    }
}

impl Handle<PutBucketAbac> for S3 {
    async fn access(&self, cx: &Cx, input: &PutBucketAbacRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutBucketAbac").await
    }

    async fn call(&self, cx: &Cx, input: PutBucketAbacRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let on = match input.abac_status.status.as_deref() {
            Some("Enabled") => true,
            Some("Disabled") => false,
            _ => return Err(error::malformed_xml()),
        };
        let set = |record: &mut BucketRecord| {
            record.features.abac = on;
            Ok(())
        };
        self.records.change_bucket(&bucket.name, set).await?;
        Ok(Empty)
    }
}
