//! Roles that S3 assumes to act for a bucket: they trust S3, and what they may do decides.

use haneul_kit::{ApiError, Caller, Result, session_token};
use haneul_sts_wire::{operations as sts, shapes as t};

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
    let input = t::AssumeRoleRequest {
        role_arn: role.to_owned(),
        role_session_name: session.to_owned(),
        ..Default::default()
    };
    let platform = &s3.platform;
    let caller = Caller::service(service, source.owner);
    let made =
        platform.bus.call::<sts::AssumeRole>(caller, source.region, Some(source.arn.clone()), input).await?;
    let made =
        made.credentials.ok_or_else(|| ApiError::internal("a role was assumed without credentials"))?;
    let now = platform.env.now();
    let opened = session_token::open(&platform.seal, &made.session_token, &made.access_key_id, now);
    let opened = opened.map_err(|_| ApiError::internal("a session's token does not open"))?;
    Ok(opened.caller)
}
