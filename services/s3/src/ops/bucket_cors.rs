use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations::{DeleteBucketCors, GetBucketCors, PutBucketCors};
use haneul_s3_wire::shapes::{
    CORSRule, DeleteBucketCorsRequest, GetBucketCorsOutput, GetBucketCorsRequest, PutBucketCorsRequest,
};
use haneul_shape::Empty;

use crate::model::BucketRecord;
use crate::model::configuration::CorsRule;
use crate::{S3, cors, error};

impl Handle<GetBucketCors> for S3 {
    async fn access(&self, cx: &Cx, input: &GetBucketCorsRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetBucketCORS").await
    }

    async fn call(&self, cx: &Cx, input: GetBucketCorsRequest) -> Result<GetBucketCorsOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        if bucket.record.cors.is_empty() {
            let message = "The CORS configuration does not exist";
            return Err(error::not_configured("NoSuchCORSConfiguration", message, &bucket.name));
        }
        let some = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
        let rules = bucket.record.cors.iter().map(|rule| CORSRule {
            id: rule.id.clone(),
            allowed_headers: some(&rule.allowed_headers),
            allowed_methods: rule.allowed_methods.clone(),
            allowed_origins: rule.allowed_origins.clone(),
            expose_headers: some(&rule.expose_headers),
            max_age_seconds: rule.max_age_s,
        });
        Ok(GetBucketCorsOutput { cors_rules: Some(rules.collect()) })
    }
}

impl Handle<PutBucketCors> for S3 {
    async fn access(&self, cx: &Cx, input: &PutBucketCorsRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutBucketCORS").await
    }

    async fn call(&self, cx: &Cx, input: PutBucketCorsRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let rules: Vec<CorsRule> = input
            .cors_configuration
            .cors_rules
            .into_iter()
            .map(|rule| CorsRule {
                id: rule.id,
                allowed_headers: rule.allowed_headers.unwrap_or_default(),
                allowed_methods: rule.allowed_methods,
                allowed_origins: rule.allowed_origins,
                expose_headers: rule.expose_headers.unwrap_or_default(),
                max_age_s: rule.max_age_seconds,
            })
            .collect();
        cors::check(&rules)?;
        self.set_cors(&bucket.name, rules).await
    }
}

impl Handle<DeleteBucketCors> for S3 {
    async fn access(&self, cx: &Cx, input: &DeleteBucketCorsRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutBucketCORS").await
    }

    async fn call(&self, cx: &Cx, input: DeleteBucketCorsRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        self.set_cors(&bucket.name, Vec::new()).await
    }
}

impl S3 {
    async fn set_cors(&self, bucket: &str, rules: Vec<CorsRule>) -> Result<Empty> {
        let set = |record: &mut BucketRecord| {
            record.cors = rules.clone();
            Ok(())
        };
        self.records.change_bucket(bucket, set).await?;
        Ok(Empty)
    }
}
