use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations::{DeleteBucketTagging, GetBucketTagging, PutBucketTagging};
use haneul_s3_wire::shapes::{
    DeleteBucketTaggingRequest, GetBucketTaggingOutput, GetBucketTaggingRequest, PutBucketTaggingRequest,
};
use haneul_shape::Empty;
use http::StatusCode;

use crate::bucket::Bucket;
use crate::model::BucketRecord;
use crate::tagging::{self, TagMap};
use crate::{S3, error};

impl Handle<GetBucketTagging> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketTaggingRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetBucketTagging").await
    }

    async fn call(&self, cx: &Cx, input: GetBucketTaggingRequest) -> Result<GetBucketTaggingOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        if bucket.record.tags.is_empty() {
            return Err(error::not_configured("NoSuchTagSet", "The TagSet does not exist", &bucket.name));
        }
        Ok(GetBucketTaggingOutput { tag_set: tagging::to_wire(&bucket.record.tags) })
    }
}

impl Handle<PutBucketTagging> for S3 {
    async fn access(&self, cx: &Cx, input: &PutBucketTaggingRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        Ok(vec![bucket.access(cx, "s3:PutBucketTagging")])
    }

    async fn call(&self, cx: &Cx, input: PutBucketTaggingRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        check_abac(&bucket)?;
        let tags = tagging::of_bucket(input.tagging.tag_set)?;
        self.set_bucket_tags(&bucket.name, tags).await?;
        // In the model it is 200.
        cx.set_status(StatusCode::NO_CONTENT);
        Ok(Empty)
    }
}

impl Handle<DeleteBucketTagging> for S3 {
    async fn access(&self, cx: &Cx, input: &DeleteBucketTaggingRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutBucketTagging").await
    }

    async fn call(&self, cx: &Cx, input: DeleteBucketTaggingRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        check_abac(&bucket)?;
        self.set_bucket_tags(&bucket.name, TagMap::new()).await
    }
}

/// Where tags decide on access, only TagResource and UntagResource change them.
fn check_abac(bucket: &Bucket) -> Result<()> {
    if bucket.record.features.abac {
        let message = "This operation is not allowed when ABAC is enabled on the bucket. Use TagResource and UntagResource \
                       to manage tags.";
        return Err(error::new("MethodNotAllowed", 405, message));
    }
    Ok(())
}

impl S3 {
    async fn set_bucket_tags(&self, bucket: &str, tags: TagMap) -> Result<Empty> {
        let set = |record: &mut BucketRecord| {
            record.tags = tags.clone();
            Ok(())
        };
        self.records.change_bucket(bucket, set).await?;
        Ok(Empty)
    }
}
