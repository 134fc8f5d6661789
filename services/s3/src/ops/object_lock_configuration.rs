use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations::{GetObjectLockConfiguration, PutObjectLockConfiguration};
use haneul_s3_wire::shapes::{
    DefaultRetention as WireRetention, GetObjectLockConfigurationOutput, GetObjectLockConfigurationRequest,
    ObjectLockConfiguration, ObjectLockRule, PutObjectLockConfigurationOutput,
    PutObjectLockConfigurationRequest,
};

use crate::model::lock::{DefaultRetention, LockMode, Period};
use crate::model::{BucketLock, BucketRecord, Versioning};
use crate::object_lock::{DAYS_MAX, YEARS_MAX};
use crate::{S3, error};

impl Handle<GetObjectLockConfiguration> for S3 {
    async fn access(&self, cx: &Cx, input: &GetObjectLockConfigurationRequest) -> Result<Vec<Access>> {
        let action = "s3:GetBucketObjectLockConfiguration";
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, action).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: GetObjectLockConfigurationRequest,
    ) -> Result<GetObjectLockConfigurationOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let lock = bucket.record.lock.ok_or_else(|| {
            let message = "Object Lock configuration does not exist for this bucket";
            error::not_configured("ObjectLockConfigurationNotFoundError", message, &bucket.name)
        })?;
        let rule = lock.default.map(|default| {
            let (days, years) = match default.period {
                Period::Days(days) => (Some(days as i32), None),
                Period::Years(years) => (None, Some(years as i32)),
            };
            let mode = Some(default.mode.as_str().to_owned());
            let retention = WireRetention { mode, days, years, ..WireRetention::default() };
            ObjectLockRule { default_retention: Some(retention) }
        });
        let enabled = Some("Enabled".to_owned());
        let configuration = ObjectLockConfiguration { object_lock_enabled: enabled, rule };
        Ok(GetObjectLockConfigurationOutput { object_lock_configuration: Some(configuration) })
    }
}

impl Handle<PutObjectLockConfiguration> for S3 {
    async fn access(&self, cx: &Cx, input: &PutObjectLockConfigurationRequest) -> Result<Vec<Access>> {
        let action = "s3:PutBucketObjectLockConfiguration";
        self.bucket_access(cx, &input.bucket, &input.expected_bucket_owner, action).await
    }

    /// It also enables Object Lock in a bucket that was made without, as S3 allows since November 2023.
    async fn call(
        &self,
        cx: &Cx,
        input: PutObjectLockConfigurationRequest,
    ) -> Result<PutObjectLockConfigurationOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let given = input.object_lock_configuration.ok_or_else(error::malformed_xml)?;
        if given.object_lock_enabled.as_deref() != Some("Enabled") {
            return Err(error::malformed_xml());
        }
        let default = match given.rule {
            None => None,
            Some(rule) => Some(retention(&rule.default_retention.ok_or_else(error::malformed_xml)?)?),
        };
        let set = |record: &mut BucketRecord| {
            if record.versioning != Versioning::Enabled {
                let message =
                    "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration";
                return Err(error::new("InvalidBucketState", 409, message));
            }
            record.lock = Some(BucketLock { default });
            Ok(())
        };
        self.records.change_bucket(&bucket.name, set).await?;
        Ok(PutObjectLockConfigurationOutput::default())
    }
}

fn retention(given: &WireRetention) -> Result<DefaultRetention> {
    if given.default_event_hold.is_some() {
        return Err(error::not_implemented("An event hold"));
    }
    let mode = given.mode.as_deref().and_then(LockMode::parse).ok_or_else(error::malformed_xml)?;
    let (number, max, what) = match (given.days, given.years) {
        (Some(days), None) => (days, DAYS_MAX, "days"),
        (None, Some(years)) => (years, YEARS_MAX, "years"),
        _ => return Err(error::malformed_xml()),
    };
    if number <= 0 {
        let message = "Default retention period must be a positive integer value.";
        return Err(error::new("InvalidRetentionPeriod", 400, message));
    }
    if number > max {
        let message = format!("Default retention period in {what} must not exceed {max}.");
        return Err(error::new("InvalidRetentionPeriod", 400, message));
    }
    let number = number as u32;
    let period = if given.days.is_some() { Period::Days(number) } else { Period::Years(number) };
    Ok(DefaultRetention { mode, period })
}
