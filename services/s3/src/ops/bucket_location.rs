use haneul_kit::{Access, Cx, Handle, Region, Result};
use haneul_s3_wire::operations::GetBucketLocation;
use haneul_s3_wire::shapes::{GetBucketLocationOutput, GetBucketLocationRequest};

use crate::S3;

/// Answers from every Region: it is how clients find out where to go.
impl Handle<GetBucketLocation> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketLocationRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket_anywhere(&input.bucket, &input.expected_bucket_owner).await?;
        Ok(vec![bucket.access(cx, "s3:GetBucketLocation")])
    }

    async fn call(&self, _: &Cx, input: GetBucketLocationRequest) -> Result<GetBucketLocationOutput> {
        let bucket = self.bucket_anywhere(&input.bucket, &input.expected_bucket_owner).await?;
        let location_constraint = match bucket.region {
            Region::US_EAST_1 => None,
            _ if bucket.record.features.named_eu => Some("EU".to_owned()),
            region => Some(region.to_string()),
        };
        Ok(GetBucketLocationOutput { location_constraint })
    }
}
