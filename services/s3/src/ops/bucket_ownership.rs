use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations::{
    DeleteBucketOwnershipControls, GetBucketOwnershipControls, PutBucketOwnershipControls,
};
use haneul_s3_wire::shapes::{
    DeleteBucketOwnershipControlsRequest, GetBucketOwnershipControlsOutput,
    GetBucketOwnershipControlsRequest, OwnershipControls, OwnershipControlsRule,
    PutBucketOwnershipControlsRequest,
};
use haneul_shape::Empty;

use crate::model::{BucketRecord, Ownership};
use crate::{S3, error};

impl Handle<GetBucketOwnershipControls> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketOwnershipControlsRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetBucketOwnershipControls")
            .await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: GetBucketOwnershipControlsRequest,
    ) -> Result<GetBucketOwnershipControlsOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let ownership = bucket.record.ownership.ok_or_else(|| {
            let message = "The bucket ownership controls were not found";
            error::not_configured("OwnershipControlsNotFoundError", message, &bucket.name)
        })?;
        let rule = OwnershipControlsRule { object_ownership: ownership.as_str().to_owned() };
        Ok(GetBucketOwnershipControlsOutput {
            ownership_controls: Some(OwnershipControls { rules: vec![rule] }),
        })
    }
}

impl Handle<PutBucketOwnershipControls> for S3 {
    async fn access(&self, cx: &Cx, input: &PutBucketOwnershipControlsRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutBucketOwnershipControls")
            .await
    }

    async fn call(&self, cx: &Cx, input: PutBucketOwnershipControlsRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let [rule] = &input.ownership_controls.rules[..] else { return Err(error::malformed_xml()) };
        let ownership = Ownership::parse(&rule.object_ownership).ok_or_else(error::malformed_xml)?;
        let set = |record: &mut BucketRecord| {
            if ownership == Ownership::BucketOwnerEnforced && record.acl.is_some() {
                return Err(error::acl_with_ownership());
            }
            record.ownership = Some(ownership);
            Ok(())
        };
        self.records.change_bucket(&bucket.name, set).await?;
        Ok(Empty)
    }
}

impl Handle<DeleteBucketOwnershipControls> for S3 {
    async fn access(&self, cx: &Cx, input: &DeleteBucketOwnershipControlsRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutBucketOwnershipControls")
            .await
    }

    async fn call(&self, cx: &Cx, input: DeleteBucketOwnershipControlsRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let clear = |record: &mut BucketRecord| {
            record.ownership = None;
            Ok(())
        };
        self.records.change_bucket(&bucket.name, clear).await?;
        Ok(Empty)
    }
}
