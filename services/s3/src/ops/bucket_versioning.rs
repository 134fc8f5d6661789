use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations::{GetBucketVersioning, PutBucketVersioning};
use haneul_s3_wire::shapes::{
    GetBucketVersioningOutput, GetBucketVersioningRequest, PutBucketVersioningRequest,
};
use haneul_shape::Empty;

use crate::model::Versioning;
use crate::{S3, error};

impl Handle<GetBucketVersioning> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketVersioningRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetBucketVersioning").await
    }

    async fn call(&self, cx: &Cx, input: GetBucketVersioningRequest) -> Result<GetBucketVersioningOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let status = match bucket.record.versioning {
            Versioning::Off => None,
            Versioning::Enabled => Some("Enabled".to_owned()),
            Versioning::Suspended => Some("Suspended".to_owned()),
        };
        // Shown once it was ever spoken of, which here is while it is on.
        let mfa_delete = bucket.record.mfa_delete.then(|| "Enabled".to_owned());
        Ok(GetBucketVersioningOutput { status, mfa_delete })
    }
}

impl Handle<PutBucketVersioning> for S3 {
    async fn access(&self, cx: &Cx, input: &PutBucketVersioningRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutBucketVersioning").await
    }

    async fn call(&self, cx: &Cx, input: PutBucketVersioningRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let wanted = input.versioning_configuration;
        let mfa_delete = match wanted.mfa_delete.as_deref() {
            None => bucket.record.mfa_delete,
            Some("Enabled") => true,
            Some("Disabled") => false,
            Some(_) => return Err(error::malformed_xml()),
        };
        if bucket.record.mfa_delete || mfa_delete {
            self.check_mfa(cx, &bucket, input.mfa.as_deref()).await?;
        }
        let status = match wanted.status.as_deref() {
            Some("Enabled") => Versioning::Enabled,
            Some("Suspended") => Versioning::Suspended,
            None => {
                let message = "The Versioning element must be specified";
                return Err(error::new("IllegalVersioningConfigurationException", 400, message));
            }
            Some(_) => return Err(error::malformed_xml()),
        };
        let set = |record: &mut crate::model::BucketRecord| {
            if record.features.replication.is_some() && status != Versioning::Enabled {
                let message = "A replication configuration is present on this bucket, so the versioning state cannot be changed.";
                return Err(error::new("InvalidBucketState", 409, message));
            }
            if record.lock.is_some() && status != Versioning::Enabled {
                let message = "An Object Lock configuration is present on this bucket, so the versioning state cannot be \
                               changed.";
                return Err(error::new("InvalidBucketState", 409, message));
            }
            record.versioning = status;
            record.mfa_delete = mfa_delete;
            Ok(())
        };
        self.records.change_bucket(&bucket.name, set).await?;
        Ok(Empty)
    }
}
