//! Requests by a Multi-Region Access Point: to the bucket of an active Region, under both policies.

use std::sync::Arc;

use haneul_kit::{AccountId, Cx, Region, RequestHead, Result};

use crate::bucket::{Bucket, Via};
use crate::model::multi_region::{MultiRegionRecord, Route};
use crate::store::multi_region::no_such_point;
use crate::{S3, error};

/// How every alias ends. It stands where a bucket's name does, and in the host before `accesspoint.s3-global`.
pub(crate) const ALIAS_ENDING: &str = ".mrap";

pub(crate) fn arn(region: Region, account: AccountId, alias: &str) -> String {
    format!("arn:{}:s3::{account}:accesspoint/{alias}", region.partition())
}

impl S3 {
    /// The bucket that a request is routed to; of an active Region, if possible `near`.
    pub(crate) async fn routed_bucket(&self, alias: &str, near: Option<Region>) -> Result<Arc<Bucket>> {
        let point = self.records.multi_region_by_alias(alias).await?.ok_or_else(no_such_point)?;
        let Some(route) = choose(&point, near) else { return Err(no_such_point()) };
        let bucket = self.bucket_by_name(&route.bucket).await?;
        if bucket.id() != route.bucket_id {
            return Err(error::no_such_bucket(&route.bucket));
        }
        let account = AccountId::new(point.account).unwrap_or_default();
        let block = self.records.account_block(account).await?.unwrap_or_default();
        let via = Via::of_multi_region(arn(bucket.region, account, alias), account, &point, block)?;
        Ok(Arc::new(bucket.behind(via)))
    }
}

/// Without a network there is no latency to go by: the Region that was asked, or the first one.
fn choose(point: &MultiRegionRecord, near: Option<Region>) -> Option<&Route> {
    let active = || point.routes.iter().filter(|route| route.active);
    let near = near.and_then(|near| active().find(|route| route.region == near.as_str()));
    near.or_else(|| active().next())
}

/// What is signed for one Region is not for these.
pub(crate) fn check_signature(cx: &Cx) -> Result<()> {
    match cx.http() {
        Some(http) if is_of_one_region(http) => {
            let message = "Requests to a Multi-Region Access Point must be signed with AWS4-ECDSA-P256-SHA256 (SigV4A).";
            Err(error::invalid_request(message))
        }
        _ => Ok(()),
    }
}

fn is_of_one_region(http: &RequestHead) -> bool {
    let query = http.uri.query().unwrap_or_default();
    http.header("authorization").is_some_and(|header| header.starts_with("AWS4-HMAC-SHA256"))
        || query.contains("X-Amz-Algorithm=AWS4-HMAC-SHA256")
        || query.contains("AWSAccessKeyId=")
}
