//! What a bucket does with objects that say nothing of encryption: SSE-S3, unless it was told to use a key of KMS.

use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations::{DeleteBucketEncryption, GetBucketEncryption, PutBucketEncryption};
use haneul_s3_wire::shapes::{
    BlockedEncryptionTypes, DeleteBucketEncryptionRequest, GetBucketEncryptionOutput,
    GetBucketEncryptionRequest, PutBucketEncryptionRequest, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule,
};
use haneul_shape::Empty;

use crate::model::BucketRecord;
use crate::model::encryption::{BucketEncryption, DefaultAlgorithm};
use crate::{S3, error};

impl Handle<GetBucketEncryption> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketEncryptionRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetEncryptionConfiguration")
            .await
    }

    async fn call(&self, cx: &Cx, input: GetBucketEncryptionRequest) -> Result<GetBucketEncryptionOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let encryption = &bucket.record.encryption;
        let blocked = encryption.blocks_customer_keys.map(|blocks| BlockedEncryptionTypes {
            encryption_type: Some(vec![if blocks { SSE_C } else { NONE }.to_owned()]),
        });
        let rule = ServerSideEncryptionRule {
            apply_server_side_encryption_by_default: Some(ServerSideEncryptionByDefault {
                sse_algorithm: encryption.algorithm.as_str().to_owned(),
                kms_master_key_id: encryption.kms_key.clone(),
            }),
            bucket_key_enabled: Some(bucket.record.bucket_key),
            blocked_encryption_types: blocked,
        };
        Ok(GetBucketEncryptionOutput {
            server_side_encryption_configuration: Some(ServerSideEncryptionConfiguration {
                rules: vec![rule],
            }),
        })
    }
}

const SSE_C: &str = "SSE-C";
const NONE: &str = "NONE";

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
        let new = encryption(rule)?;
        let bucket_key = rule.bucket_key_enabled == Some(true);
        let set = |record: &mut BucketRecord| {
            record.bucket_key = bucket_key;
            record.encryption = new.clone();
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

    /// Back to the default, which is SSE-S3.
    async fn call(&self, cx: &Cx, input: DeleteBucketEncryptionRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let reset = |record: &mut BucketRecord| {
            record.bucket_key = false;
            record.encryption = BucketEncryption::default();
            Ok(())
        };
        self.records.change_bucket(&bucket.name, reset).await?;
        Ok(Empty)
    }
}

fn encryption(rule: &ServerSideEncryptionRule) -> Result<BucketEncryption> {
    let blocks_customer_keys = match &rule.blocked_encryption_types {
        None => None,
        Some(blocked) => match blocked.encryption_type.as_deref() {
            Some([one]) if one == SSE_C => Some(true),
            Some([one]) if one == NONE => Some(false),
            _ => return Err(error::malformed_xml()),
        },
    };
    let Some(default) = &rule.apply_server_side_encryption_by_default else {
        return Ok(BucketEncryption { blocks_customer_keys, ..BucketEncryption::default() });
    };
    let algorithm = DefaultAlgorithm::parse(&default.sse_algorithm).ok_or_else(error::malformed_xml)?;
    if let (DefaultAlgorithm::S3, Some(key)) = (algorithm, &default.kms_master_key_id) {
        let message =
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse";
        return Err(error::invalid_argument(message, "ApplyServerSideEncryptionByDefault", key));
    }
    Ok(BucketEncryption { algorithm, kms_key: default.kms_master_key_id.clone(), blocks_customer_keys })
}
