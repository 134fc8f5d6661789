use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations::DeleteBucket;
use haneul_s3_wire::shapes::DeleteBucketRequest;
use haneul_shape::Empty;

use crate::S3;

impl Handle<DeleteBucket> for S3 {
    async fn access(&self, cx: &Cx, input: &DeleteBucketRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:DeleteBucket").await
    }

    async fn call(&self, cx: &Cx, input: DeleteBucketRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        // Whose they were is known as long as the bucket is there.
        self.meter_early_deletions().await?;
        self.records.delete_bucket(&bucket.name).await?;
        Ok(Empty)
    }
}
