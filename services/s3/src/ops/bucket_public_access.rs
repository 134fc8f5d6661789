use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations::{DeletePublicAccessBlock, GetPublicAccessBlock, PutPublicAccessBlock};
use haneul_s3_wire::shapes::{
    DeletePublicAccessBlockRequest, GetPublicAccessBlockOutput, GetPublicAccessBlockRequest,
    PublicAccessBlockConfiguration, PutPublicAccessBlockRequest,
};
use haneul_shape::Empty;

use crate::model::{BucketRecord, PublicAccessBlock};
use crate::{S3, error};

impl Handle<GetPublicAccessBlock> for S3 {
    async fn access(&self, cx: &Cx, input: &GetPublicAccessBlockRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetBucketPublicAccessBlock")
            .await
    }

    async fn call(&self, cx: &Cx, input: GetPublicAccessBlockRequest) -> Result<GetPublicAccessBlockOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let block = bucket.record.public_access_block.ok_or_else(|| {
            let message = "The public access block configuration was not found";
            error::not_configured("NoSuchPublicAccessBlockConfiguration", message, &bucket.name)
        })?;
        Ok(GetPublicAccessBlockOutput {
            public_access_block_configuration: Some(PublicAccessBlockConfiguration {
                block_public_acls: Some(block.block_public_acls),
                ignore_public_acls: Some(block.ignore_public_acls),
                block_public_policy: Some(block.block_public_policy),
                restrict_public_buckets: Some(block.restrict_public_buckets),
            }),
        })
    }
}

impl Handle<PutPublicAccessBlock> for S3 {
    async fn access(&self, cx: &Cx, input: &PutPublicAccessBlockRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutBucketPublicAccessBlock")
            .await
    }

    async fn call(&self, cx: &Cx, input: PutPublicAccessBlockRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let given = input.public_access_block_configuration;
        let block = PublicAccessBlock {
            block_public_acls: given.block_public_acls == Some(true),
            ignore_public_acls: given.ignore_public_acls == Some(true),
            block_public_policy: given.block_public_policy == Some(true),
            restrict_public_buckets: given.restrict_public_buckets == Some(true),
        };
        self.set_public_access_block(&bucket.name, Some(block)).await
    }
}

impl Handle<DeletePublicAccessBlock> for S3 {
    async fn access(&self, cx: &Cx, input: &DeletePublicAccessBlockRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutBucketPublicAccessBlock")
            .await
    }

    async fn call(&self, cx: &Cx, input: DeletePublicAccessBlockRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        self.set_public_access_block(&bucket.name, None).await
    }
}

impl S3 {
    async fn set_public_access_block(&self, bucket: &str, block: Option<PublicAccessBlock>) -> Result<Empty> {
        let set = |record: &mut BucketRecord| {
            record.public_access_block = block;
            Ok(())
        };
        self.records.change_bucket(bucket, set).await?;
        Ok(Empty)
    }
}
