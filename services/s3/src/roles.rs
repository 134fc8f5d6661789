//! Roles that S3 assumes to act for a bucket: they trust S3, and what they may do decides.

use haneul_kit::{Caller, Result};
use haneul_roles::{By, request};

use crate::S3;
use crate::bucket::Bucket;
use crate::calls::{PRINCIPAL, Source};

/// Assumes a role on the bucket's account.
pub(crate) async fn assume(s3: &S3, bucket: &Bucket, role: &str, session: &str) -> Result<Caller> {
    assume_as(s3, PRINCIPAL, &bucket.source(), role, session).await
}

/// Assumes a role as the service principal `service`, on account of the resource in `source`.
pub(crate) async fn assume_as(
    s3: &S3,
    service: &str,
    source: &Source,
    role: &str,
    session: &str,
) -> Result<Caller> {
    let by = By { service, account: source.owner, region: source.region, source: Some(source.arn.clone()) };
    Ok(haneul_roles::assume(&s3.platform, by, request(role, session)).await?.caller)
}
