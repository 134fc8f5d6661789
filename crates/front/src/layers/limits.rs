use haneul_kit::{ApiError, RequestHead};
use http::{Method, header};

use crate::cors::Cors;

/// AWS documents none; S3's keys take up to 3 KiB encoded, session tokens and query calls some more.
const TARGET_BYTES_MAX: usize = 32 * 1024;

/// What can be refused by the head alone. Its size and the number of headers are the listener's to bound.
pub fn check(head: &RequestHead) -> Result<(), ApiError> {
    let target = head.uri.path_and_query().map_or(0, |target| target.as_str().len());
    if target > TARGET_BYTES_MAX {
        return Err(ApiError::new("RequestURITooLong", "The request's URI is too long.").with_status(414));
    }
    Ok(())
}

/// Where signatures are not checked, nothing else keeps a web page from elsewhere from posting to a cloud on its reader's
/// machine: browsers send such a request without asking, and tell its origin.
pub fn check_origin(head: &RequestHead, cors: &Cors) -> Result<(), ApiError> {
    match head.headers.get(header::ORIGIN) {
        Some(origin)
            if head.method == Method::POST && !origin.to_str().is_ok_and(|origin| cors.allows(origin)) =>
        {
            let message = "This origin may not call a cloud that does not check signatures.";
            Err(ApiError::new("AccessDenied", message).with_status(403))
        }
        _ => Ok(()),
    }
}
