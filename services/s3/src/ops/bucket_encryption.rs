//! Default encryption: SSE-S3, the only one there is, and the one every bucket has.

use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations::{DeleteBucketEncryption, GetBucketEncryption, PutBucketEncryption};
use haneul_s3_wire::shapes::{
    DeleteBucketEncryptionRequest, GetBucketEncryptionOutput, GetBucketEncryptionRequest,
    PutBucketEncryptionRequest, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
    ServerSideEncryptionRule,
};
use haneul_shape::Empty;

use crate::{S3, error};

impl Handle<GetBucketEncryption> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketEncryptionRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetEncryptionConfiguration")
            .await
    }

    async fn call(&self, cx: &Cx, input: GetBucketEncryptionRequest) -> Result<GetBucketEncryptionOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let rule = ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: Some(ServerSideEncryptionByDefault {
                sse_algorithm: "AES256".to_owned(),
                kms_master_key_id: None,
            }),
            bucket_key_enabled: Some(bucket.record.bucket_key),
            blocked_encryption_types: None,
        };
        Ok(GetBucketEncryptionOutput {
            server_side_encryption_configuration: Some(ServerSideEncryptionConfiguration {
                rules: vec![rule],
            }),
        })
    }
}

impl Handle<PutBucketEncryption> for S3 {
    async fn access(&self, cx: &Cx, input: &PutBucketEncryptionRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutEncryptionConfiguration")
            .await
    }

    async fn call(&self, cx: &Cx, input: PutBucketEncryptionRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let [rule] = &input.server_side_encryption_configuration.rules[..] else {
            return Err(error::malformed_xml());
        };
        if let Some(blocked) = &rule.blocked_encryption_types
            && blocked.encryption_type.iter().flatten().any(|blocked| blocked != "NONE" && blocked != "SSE-C")
        {
            return Err(error::malformed_xml());
        }
        // Of the types that can be blocked there is only SSE-C, which is refused anyway.
        let by_default = rule.apply_server_side_encryption_by_default.as_ref();
        match by_default.map(|default| (default.sse_algorithm.as_str(), &default.kms_master_key_id)) {
            None | Some(("AES256", None)) => {}
            Some(("AES256", Some(key))) => {
                let message = "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or \
                               aws:kms:dsse";
                return Err(error::invalid_argument(message, "ApplyServerSideEncryptionByDefault", key));
            }
            Some(("aws:kms" | "aws:kms:dsse", _)) => {
                return Err(error::not_implemented("Server-side encryption with AWS KMS keys"));
            }
            Some(_) => return Err(error::malformed_xml()),
        }
        let bucket_key = rule.bucket_key_enabled == Some(true);
        let set = |record: &mut crate::model::BucketRecord| {
            record.bucket_key = bucket_key;
            Ok(())
        };
        self.records.change_bucket(&bucket.name, set).await?;
        Ok(Empty)
    }
}

impl Handle<DeleteBucketEncryption> for S3 {
    async fn access(&self, cx: &Cx, input: &DeleteBucketEncryptionRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutEncryptionConfiguration")
            .await
    }

    /// Back to the default, which is SSE-S3 too.
    async fn call(&self, cx: &Cx, input: DeleteBucketEncryptionRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let reset = |record: &mut crate::model::BucketRecord| {
            record.bucket_key = false;
            Ok(())
        };
        self.records.change_bucket(&bucket.name, reset).await?;
        Ok(Empty)
    }
}
