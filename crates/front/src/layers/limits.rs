use haneul_kit::{ApiError, RequestHead};

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
