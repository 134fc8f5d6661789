//! The transfer acceleration host, which a bucket must have opened.
//!
//! Source: S3 User Guide, "Configuring fast, secure file transfers using Amazon S3 Transfer Acceleration".

use haneul_kit::{Cx, RequestHead, Result};

use crate::bucket::Bucket;
use crate::error;

pub(crate) fn check(cx: &Cx, bucket: &Bucket) -> Result<()> {
    // Calls inside the cloud have no host.
    let accelerate = bucket.record.features.accelerate;
    if accelerate == Some(true) || !cx.http().is_some_and(is_accelerated) {
        return Ok(());
    }
    Err(error::invalid_request(match accelerate {
        Some(_) => "S3 Transfer Acceleration is disabled on this bucket",
        None => "S3 Transfer Acceleration is not configured on this bucket",
    }))
}

/// `bucket.s3-accelerate.…`
fn is_accelerated(http: &RequestHead) -> bool {
    let (Some(bucket), Some(host)) = (&http.bucket, http.host()) else { return false };
    host.get(bucket.len()..).is_some_and(|rest| rest.starts_with(".s3-accelerate."))
}
