use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations::HeadBucket;
use haneul_s3_wire::shapes::{HeadBucketOutput, HeadBucketRequest};

use crate::S3;

impl Handle<HeadBucket> for S3 {
    async fn access(&self, cx: &Cx, input: &HeadBucketRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        // A refused HEAD tells the Region too.
        crate::redirect::show_region(cx, bucket.region);
        Ok(vec![bucket.access(cx, "s3:ListBucket")])
    }

    async fn call(&self, cx: &Cx, input: HeadBucketRequest) -> Result<HeadBucketOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        Ok(HeadBucketOutput {
            bucket_arn: Some(bucket.arn()),
            // Set in `access`, for refusals too.
            bucket_region: None,
            access_point_alias: Some(bucket.via.is_some()),
            ..HeadBucketOutput::default()
        })
    }
}
