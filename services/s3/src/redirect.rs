//! A request for a bucket that is in another Region than the request was signed for.

use haneul_kit::{ApiError, Cx, Region, Result};
use http::{HeaderName, HeaderValue};

use crate::bucket::Bucket;
use crate::error;

pub(crate) const BUCKET_REGION: HeaderName = HeaderName::from_static("x-amz-bucket-region");

/// Refuses the request as S3 does, and tells the right Region, which SDKs then use by themselves.
///
/// By path, the endpoint is the wrong Region's: 301. By virtual host, the name already leads to the bucket's Region,
/// and it is the signature that is for another: 400.
pub(crate) fn check_region(cx: &Cx, bucket: &Bucket) -> Result<()> {
    if cx.region() == bucket.region || bucket.multi_region {
        return Ok(());
    }
    show_region(cx, bucket.region);
    Err(if is_virtual_host(cx) { malformed(cx.region(), bucket.region) } else { redirect(cx, bucket) })
}

/// Adds the bucket's Region to the answer.
pub(crate) fn show_region(cx: &Cx, region: Region) {
    cx.add_header(BUCKET_REGION, HeaderValue::from_static(region.as_str()));
}

fn is_virtual_host(cx: &Cx) -> bool {
    cx.http().is_some_and(|http| http.bucket.is_some())
}

fn redirect(cx: &Cx, bucket: &Bucket) -> ApiError {
    let message = "The bucket you are attempting to access must be addressed using the specified endpoint. Please send \
                   all future requests to this endpoint.";
    let endpoint = cx.endpoint();
    let endpoint = endpoint.split_once("://").map_or(endpoint.as_str(), |(_, host)| host);
    error::new("PermanentRedirect", 301, message)
        .with_field("Endpoint", endpoint)
        .with_field("Bucket", bucket.name.clone())
}

pub(crate) fn malformed(given: Region, expected: Region) -> ApiError {
    let message = format!(
        "The authorization header is malformed; the region '{given}' is wrong; expecting '{expected}'"
    );
    error::new("AuthorizationHeaderMalformed", 400, message).with_field("Region", expected.as_str())
}
