//! The lock of one version: its retention, and its legal hold.

use haneul_kit::{Access, Cx, Handle, Instant, Result};
use haneul_s3_wire::operations::{
    GetObjectLegalHold, GetObjectRetention, PutObjectLegalHold, PutObjectRetention,
};
use haneul_s3_wire::shapes::{
    GetObjectLegalHoldOutput, GetObjectLegalHoldRequest, GetObjectRetentionOutput, GetObjectRetentionRequest,
    ObjectLockLegalHold, ObjectLockRetention, PutObjectLegalHoldOutput, PutObjectLegalHoldRequest,
    PutObjectRetentionOutput, PutObjectRetentionRequest,
};

use crate::bucket::Bucket;
use crate::facts::Named;
use crate::model::lock::{LockMode, Retention};
use crate::model::{ObjectLock, ObjectRecord};
use crate::object_lock::{check_change, check_future};
use crate::{S3, error};

impl Handle<GetObjectRetention> for S3 {
    async fn access(&self, cx: &Cx, input: &GetObjectRetentionRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        self.object_access(cx, &bucket, "s3:GetObjectRetention", named).await
    }

    async fn call(&self, cx: &Cx, input: GetObjectRetentionRequest) -> Result<GetObjectRetentionOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let lock = self.lock_of(cx, &bucket, named).await?;
        let retention = lock.retention.ok_or_else(|| none(named.key))?;
        Ok(GetObjectRetentionOutput {
            retention: Some(ObjectLockRetention {
                mode: Some(retention.mode.as_str().to_owned()),
                retain_until_date: Some(Instant::from_millis(retention.until_ms)),
                ..ObjectLockRetention::default()
            }),
        })
    }
}

impl Handle<PutObjectRetention> for S3 {
    async fn access(&self, cx: &Cx, input: &PutObjectRetentionRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let mut put = self.write_access(cx, &bucket, "s3:PutObjectRetention", named).await?;
        if let Some(retention) = &input.retention {
            put = crate::headers::retention_keys(put, cx, &retention.mode, retention.retain_until_date);
        }
        let mut needed = vec![put];
        if input.bypass_governance_retention == Some(true) {
            needed.push(self.write_access(cx, &bucket, "s3:BypassGovernanceRetention", named).await?);
        }
        Ok(needed)
    }

    async fn call(&self, cx: &Cx, input: PutObjectRetentionRequest) -> Result<PutObjectRetentionOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        if bucket.record.lock.is_none() {
            return Err(error::no_object_lock());
        }
        let new = wanted(input.retention.unwrap_or_default(), cx.now())?;
        let bypass = input.bypass_governance_retention == Some(true);
        let change = |lock: &mut ObjectLock| {
            check_change(lock.retention, new, cx.now(), bypass)?;
            lock.retention = new;
            Ok(())
        };
        self.change_lock(cx, &bucket, named, change).await?;
        Ok(PutObjectRetentionOutput::default())
    }
}

impl Handle<GetObjectLegalHold> for S3 {
    async fn access(&self, cx: &Cx, input: &GetObjectLegalHoldRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        self.object_access(cx, &bucket, "s3:GetObjectLegalHold", named).await
    }

    async fn call(&self, cx: &Cx, input: GetObjectLegalHoldRequest) -> Result<GetObjectLegalHoldOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let lock = self.lock_of(cx, &bucket, named).await?;
        let hold = lock.legal_hold.ok_or_else(|| none(named.key))?;
        let status = Some(shown_hold(hold));
        Ok(GetObjectLegalHoldOutput { legal_hold: Some(ObjectLockLegalHold { status }) })
    }
}

impl Handle<PutObjectLegalHold> for S3 {
    async fn access(&self, cx: &Cx, input: &PutObjectLegalHoldRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let put = self.write_access(cx, &bucket, "s3:PutObjectLegalHold", named).await?;
        let status = input.legal_hold.as_ref().and_then(|hold| hold.status.clone());
        Ok(vec![crate::headers::write_keys(put, &[("s3:object-lock-legal-hold", &status)])])
    }

    async fn call(&self, cx: &Cx, input: PutObjectLegalHoldRequest) -> Result<PutObjectLegalHoldOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        if bucket.record.lock.is_none() {
            return Err(error::no_object_lock());
        }
        let hold = match input.legal_hold.and_then(|hold| hold.status).as_deref() {
            Some("ON") => true,
            Some("OFF") => false,
            _ => return Err(error::malformed_xml()),
        };
        let change = |lock: &mut ObjectLock| {
            lock.legal_hold = Some(hold);
            Ok(())
        };
        self.change_lock(cx, &bucket, named, change).await?;
        Ok(PutObjectLegalHoldOutput::default())
    }
}

impl S3 {
    async fn lock_of(&self, cx: &Cx, bucket: &Bucket, named: Named<'_>) -> Result<ObjectLock> {
        if bucket.record.lock.is_none() {
            return Err(error::no_object_lock());
        }
        let found = self.records.find(bucket.id(), named.key, named.version).await?;
        let (_, body) = self.readable(cx, found, named).await?;
        Ok(body.lock)
    }

    async fn change_lock(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        named: Named<'_>,
        change: impl Fn(&mut ObjectLock) -> Result<()> + Sync,
    ) -> Result<()> {
        let set = |record: &mut ObjectRecord| match &mut record.body {
            Some(body) => change(&mut body.lock).map(|()| true),
            None => Ok(false),
        };
        let changed = self.records.change_object(bucket.id(), named.key, named.version, set, None).await?;
        // A delete marker was not changed by that, and has no lock.
        self.changeable(cx, changed, named).await?;
        Ok(())
    }
}

pub(super) fn shown_hold(hold: bool) -> String {
    if hold { "ON" } else { "OFF" }.to_owned()
}

fn none(key: &str) -> haneul_kit::ApiError {
    let message = "The specified object does not have a ObjectLock configuration";
    error::new("NoSuchObjectLockConfiguration", 404, message).with_field("Key", key)
}

/// Neither mode nor date takes the retention away.
fn wanted(given: ObjectLockRetention, now: Instant) -> Result<Option<Retention>> {
    if given.event_hold.is_some() || given.event_hold_duration.is_some() {
        return Err(error::not_implemented("An event hold"));
    }
    match (given.mode.as_deref(), given.retain_until_date) {
        (None, None) => Ok(None),
        (Some(mode), Some(until)) => {
            let mode = LockMode::parse(mode).ok_or_else(error::malformed_xml)?;
            check_future(until, now)?;
            Ok(Some(Retention { mode, until_ms: until.millis() }))
        }
        _ => Err(error::malformed_xml()),
    }
}
