//! MFA delete: a bucket whose versions only the root user may delete, with a code of its device.
//!
//! Source: S3 User Guide, "Configuring MFA delete".

use haneul_kit::{ApiError, Cx, Result};

use crate::bucket::Bucket;
use crate::{S3, error};

impl S3 {
    /// Refuses a request that needs a code of the root user's device and has none, or a wrong one. `header` is
    /// `x-amz-mfa`: the device's serial number or ARN, a space, and the code.
    pub(crate) async fn check_mfa(&self, cx: &Cx, bucket: &Bucket, header: Option<&str>) -> Result<()> {
        let is_owner = cx.caller().is_root() && cx.account() == bucket.owner;
        let Some(header) = header.filter(|_| is_owner) else { return Err(missing()) };
        let Some((serial, code)) = header.trim().rsplit_once(' ') else {
            return Err(error::invalid_argument("Invalid x-amz-mfa header", "x-amz-mfa", header));
        };
        match self.platform.directory().verify_mfa(cx.caller(), serial.trim(), code).await? {
            true => Ok(()),
            false => Err(error::access_denied("Mfa Authentication failed for this request")),
        }
    }
}

fn missing() -> ApiError {
    error::access_denied("Mfa Authentication must be used for this request")
}
