use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations::{GetBucketRequestPayment, PutBucketRequestPayment};
use haneul_s3_wire::shapes::{
    GetBucketRequestPaymentOutput, GetBucketRequestPaymentRequest, PutBucketRequestPaymentRequest,
};
use haneul_shape::Empty;

use crate::model::BucketRecord;
use crate::{S3, error};

impl Handle<GetBucketRequestPayment> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketRequestPaymentRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetBucketRequestPayment")
            .await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: GetBucketRequestPaymentRequest,
    ) -> Result<GetBucketRequestPaymentOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let payer = if bucket.record.requester_pays { "Requester" } else { "BucketOwner" };
        Ok(GetBucketRequestPaymentOutput { payer: Some(payer.to_owned()) })
    }
}

impl Handle<PutBucketRequestPayment> for S3 {
    async fn access(&self, cx: &Cx, input: &PutBucketRequestPaymentRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutBucketRequestPayment")
            .await
    }

    async fn call(&self, cx: &Cx, input: PutBucketRequestPaymentRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let requester_pays = match input.request_payment_configuration.payer.as_str() {
            "Requester" => true,
            "BucketOwner" => false,
            _ => return Err(error::malformed_xml()),
        };
        let set = |record: &mut BucketRecord| {
            record.requester_pays = requester_pays;
            Ok(())
        };
        self.records.change_bucket(&bucket.name, set).await?;
        Ok(Empty)
    }
}
