//! Configurations whose effect is not built: they read as S3's answer for a bucket that has none, and putting one is
//! refused. Taking one away is no lie: afterwards there is none.

use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;

use crate::{S3, error};

/// `Operation(Input) -> Output, "s3:Action": |bucket, input| answer`
macro_rules! unset {
    ($($operation:ident($input:ident) -> $output:ty, $action:literal: |$bucket:ident, $given:ident| $answer:expr;)*) => {$(
        impl Handle<op::$operation> for S3 {
            async fn access(&self, cx: &Cx, input: &s::$input) -> Result<Vec<Access>> {
                self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, $action).await
            }

            async fn call(&self, cx: &Cx, input: s::$input) -> Result<$output> {
                let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
                let ($bucket, $given) = (bucket.name.as_str(), &input);
                $answer
            }
        }
    )*};
}

fn none<T>(code: &'static str, message: &'static str, bucket: &str) -> Result<T> {
    Err(error::not_configured(code, message, bucket))
}

const NO_CONFIGURATION: &str = "The specified configuration does not exist.";

unset! {
    GetBucketAnalyticsConfiguration(GetBucketAnalyticsConfigurationRequest)
        -> s::GetBucketAnalyticsConfigurationOutput, "s3:GetAnalyticsConfiguration": |bucket, _given|
        none("NoSuchConfiguration", NO_CONFIGURATION, bucket);
    ListBucketAnalyticsConfigurations(ListBucketAnalyticsConfigurationsRequest)
        -> s::ListBucketAnalyticsConfigurationsOutput, "s3:GetAnalyticsConfiguration": |_bucket, _given|
        Ok(s::ListBucketAnalyticsConfigurationsOutput { is_truncated: Some(false), ..Default::default() });
    GetBucketIntelligentTieringConfiguration(GetBucketIntelligentTieringConfigurationRequest)
        -> s::GetBucketIntelligentTieringConfigurationOutput, "s3:GetIntelligentTieringConfiguration": |bucket, _given|
        none("NoSuchConfiguration", NO_CONFIGURATION, bucket);
    ListBucketIntelligentTieringConfigurations(ListBucketIntelligentTieringConfigurationsRequest)
        -> s::ListBucketIntelligentTieringConfigurationsOutput, "s3:GetIntelligentTieringConfiguration": |_bucket, _given|
        Ok(s::ListBucketIntelligentTieringConfigurationsOutput { is_truncated: Some(false), ..Default::default() });
    GetBucketMetricsConfiguration(GetBucketMetricsConfigurationRequest)
        -> s::GetBucketMetricsConfigurationOutput, "s3:GetMetricsConfiguration": |bucket, _given|
        none("NoSuchConfiguration", NO_CONFIGURATION, bucket);
    ListBucketMetricsConfigurations(ListBucketMetricsConfigurationsRequest)
        -> s::ListBucketMetricsConfigurationsOutput, "s3:GetMetricsConfiguration": |_bucket, _given|
        Ok(s::ListBucketMetricsConfigurationsOutput { is_truncated: Some(false), ..Default::default() });
}
