use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations::AbortMultipartUpload;
use haneul_s3_wire::shapes::{AbortMultipartUploadOutput, AbortMultipartUploadRequest};

use crate::{S3, error};

impl Handle<AbortMultipartUpload> for S3 {
    async fn access(&self, cx: &Cx, input: &AbortMultipartUploadRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket_to_write(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let at = bucket.upload(&input.key, &input.upload_id);
        Ok(vec![self.upload_access(cx, &bucket, "s3:AbortMultipartUpload", at).await?])
    }

    async fn call(&self, cx: &Cx, input: AbortMultipartUploadRequest) -> Result<AbortMultipartUploadOutput> {
        let bucket = self.bucket_to_write(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let at = bucket.upload(&input.key, &input.upload_id);
        if let Some(wanted) = input.if_match_initiated_time {
            let upload = self.records.upload(at).await?;
            if upload.initiated_ms.div_euclid(1000) != wanted.secs() {
                return Err(error::precondition_failed("x-amz-if-match-initiated-time"));
            }
        }
        let freed = self.records.abort_upload(at).await?;
        self.content.free(freed).await;
        Ok(AbortMultipartUploadOutput::default())
    }
}
