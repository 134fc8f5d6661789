use haneul_kit::{Access, ApiError, Cx, Handle, Region, Result};
use haneul_s3_wire::operations::{GetBucketLogging, PutBucketLogging};
use haneul_s3_wire::shapes as s;
use haneul_shape::Empty;

use crate::bucket::Bucket;
use crate::model::BucketRecord;
use crate::model::features::{LogKeys, Logging};
use crate::{S3, error};

impl Handle<GetBucketLogging> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetBucketLoggingRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:GetBucketLogging").await
    }

    async fn call(&self, cx: &Cx, input: s::GetBucketLoggingRequest) -> Result<s::GetBucketLoggingOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let logging = bucket.record.features.logging.clone();
        Ok(s::GetBucketLoggingOutput {
            logging_enabled: logging.map(|logging| s::LoggingEnabled {
                target_bucket: logging.bucket,
                target_prefix: logging.prefix,
                target_grants: None,
                target_object_key_format: format_to_wire(logging.format),
            }),
        })
    }
}

impl Handle<PutBucketLogging> for S3 {
    async fn access(&self, cx: &Cx, input: &s::PutBucketLoggingRequest) -> Result<Vec<Access>> {
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, "s3:PutBucketLogging").await
    }

    async fn call(&self, cx: &Cx, input: s::PutBucketLoggingRequest) -> Result<Empty> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let logging = match input.bucket_logging_status.logging_enabled {
            None => None,
            Some(wanted) => Some(self.target(&bucket, wanted).await?),
        };
        let set = |record: &mut BucketRecord| {
            record.features.logging = logging.clone();
            Ok(())
        };
        self.records.change_bucket(&bucket.name, set).await?;
        Ok(Empty)
    }
}

impl S3 {
    async fn target(&self, bucket: &Bucket, wanted: s::LoggingEnabled) -> Result<Logging> {
        if wanted.target_grants.as_ref().is_some_and(|grants| !grants.is_empty()) {
            return Err(error::not_implemented("Granting access to log objects"));
        }
        let target = self.bucket_anywhere(&wanted.target_bucket, &None).await.map_err(|refused| {
            if refused.code() == "NoSuchBucket" {
                return invalid("The target bucket for logging does not exist", &wanted.target_bucket);
            }
            refused
        })?;
        if target.owner != bucket.owner {
            let message = "The owner for the bucket to be logged and the target bucket must be the same.";
            return Err(invalid(message, &wanted.target_bucket));
        }
        if target.region != bucket.region {
            let message = "Cross S3 location logging not allowed. ";
            // The reference spells it with one t, the service with two.
            let refused = error::new("CrossLocationLoggingProhibitted", 403, message)
                .with_field("TargetBucketLocation", target.region.as_str());
            return Err(match bucket.region {
                Region::US_EAST_1 => refused,
                elsewhere => refused.with_field("SourceBucketLocation", elsewhere.as_str()),
            });
        }
        Ok(Logging {
            bucket: wanted.target_bucket,
            prefix: wanted.target_prefix,
            format: format_from_wire(wanted.target_object_key_format)?,
        })
    }
}

fn invalid(message: &str, target: &str) -> ApiError {
    error::new("InvalidTargetBucketForLogging", 400, message).with_field("TargetBucket", target)
}

fn format_from_wire(format: Option<s::TargetObjectKeyFormat>) -> Result<LogKeys> {
    let Some(format) = format else { return Ok(LogKeys::Unsaid) };
    match (format.simple_prefix, format.partitioned_prefix) {
        (Some(_), None) => Ok(LogKeys::Simple),
        (None, Some(partitioned)) => match partitioned.partition_date_source.as_deref() {
            Some("EventTime") => Ok(LogKeys::ByEventTime),
            Some("DeliveryTime") => Ok(LogKeys::ByDeliveryTime),
            _ => Err(error::malformed_xml()),
        },
        _ => Err(error::malformed_xml()),
    }
}

fn format_to_wire(format: LogKeys) -> Option<s::TargetObjectKeyFormat> {
    let by = |source: &str| s::TargetObjectKeyFormat {
        partitioned_prefix: Some(s::PartitionedPrefix { partition_date_source: Some(source.to_owned()) }),
        simple_prefix: None,
    };
    match format {
        LogKeys::Unsaid => None,
        LogKeys::Simple => Some(s::TargetObjectKeyFormat {
            simple_prefix: Some(s::SimplePrefix {}),
            partitioned_prefix: None,
        }),
        LogKeys::ByEventTime => Some(by("EventTime")),
        LogKeys::ByDeliveryTime => Some(by("DeliveryTime")),
    }
}
