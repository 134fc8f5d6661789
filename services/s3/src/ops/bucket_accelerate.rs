use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;
use haneul_shape::Empty;

use crate::model::BucketRecord;
use crate::{S3, error};

impl Handle<op::GetBucketAccelerateConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::GetBucketAccelerateConfigurationRequest,
    ) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetAccelerateConfiguration")
            .await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetBucketAccelerateConfigurationRequest,
    ) -> Result<s::GetBucketAccelerateConfigurationOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let status = bucket.record.features.accelerate.map(|on| if on { "Enabled" } else { "Suspended" });
        Ok(s::GetBucketAccelerateConfigurationOutput {
            status: status.map(str::to_owned),
            request_charged: None,
        })
    }
}

impl Handle<op::PutBucketAccelerateConfiguration> for S3 {
    async fn access(
        &self,
        cx: &Cx,
        input: &s::PutBucketAccelerateConfigurationRequest,
    ) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutAccelerateConfiguration")
            .await
    }

    async fn call(&self, cx: &Cx, input: s::PutBucketAccelerateConfigurationRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let on = match input.accelerate_configuration.status.as_deref() {
            Some("Enabled") => true,
            Some("Suspended") => false,
            _ => return Err(error::malformed_xml()),
        };
        if bucket.name.contains('.') {
            let message =
                "S3 Transfer Acceleration is not supported for buckets with periods (.) in their names";
            return Err(error::invalid_request(message));
        }
        let set = |record: &mut BucketRecord| {
            record.features.accelerate = Some(on);
            Ok(())
        };
        self.records.change_bucket(&bucket.name, set).await?;
        Ok(Empty)
    }
}
