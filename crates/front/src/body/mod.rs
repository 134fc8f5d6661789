//! Bodies of requests: read whole up to a limit ([`collect`]), or checked and decoded while they stream ([`Checked`]);
//! unpacked when they came compressed.

mod checked;
mod packed;

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use haneul_kit::ApiError;
use haneul_shape::BoxError;
use http_body::Body;
use http_body_util::BodyExt;

pub use checked::{Checked, Leftover};
pub(crate) use packed::unpacked;

use crate::catalog::Entry;
use crate::serve::Stalled;

/// A body that did not come whole.
#[derive(Debug)]
pub enum BodyError {
    TooLarge,
    Stalled,
    /// The connection broke off, or the body is not framed as HTTP has it.
    Incomplete,
}

/// Reads a body of at most `limit` bytes.
pub async fn collect<B>(body: &mut B, limit: u64) -> Result<Bytes, BodyError>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    if body.size_hint().lower() > limit {
        return Err(BodyError::TooLarge);
    }
    // Nearly every body is one piece, which then is not copied.
    let (mut first, mut all) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| BodyError::of(error.into()))?;
        let Ok(data) = frame.into_data() else { continue };
        if (first.len() + all.len() + data.len()) as u64 > limit {
            return Err(BodyError::TooLarge);
        }
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            if all.is_empty() {
                all.extend_from_slice(&first);
                first = Bytes::new();
            }
            all.extend_from_slice(&data);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

/// Reads on for a while after an answer is certain, so that a client that writes before it reads can read it.
pub async fn drain<B>(mut body: B)
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    let mut left = DRAIN_BYTES_MAX;
    if body.size_hint().lower() > left {
        return;
    }
    while let Some(Ok(frame)) = body.frame().await {
        left = left.saturating_sub(frame.data_ref().map_or(0, |data| data.len() as u64));
        if left == 0 {
            return;
        }
    }
}

const DRAIN_BYTES_MAX: u64 = 1 << 20;

/// A client that waits for our answer before it sends on gets it after this.
pub const DRAIN_TIME_MAX: Duration = Duration::from_secs(2);

impl BodyError {
    fn of(error: BoxError) -> BodyError {
        if error.is::<Stalled>() { BodyError::Stalled } else { BodyError::Incomplete }
    }

    /// In the words of the service that was asked.
    pub fn into_api(self, s3: bool) -> ApiError {
        match (self, s3) {
            (BodyError::TooLarge, true) => {
                ApiError::new("MaxMessageLengthExceeded", "Your request was too big.")
            }
            (BodyError::TooLarge, false) => {
                ApiError::new("RequestEntityTooLarge", "The request is larger than this service accepts.")
                    .with_status(413)
            }
            (BodyError::Stalled, true) => ApiError::new(
                "RequestTimeout",
                "Your socket connection to the server was not read from or written to within the timeout period. Idle \
                 connections will be closed.",
            ),
            (BodyError::Stalled, false) => {
                ApiError::new("RequestTimeout", "The body of the request did not come in time.")
                    .with_status(408)
            }
            (BodyError::Incomplete, _) => {
                ApiError::new("IncompleteBody", "The request body terminated unexpectedly")
            }
        }
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BodyError::TooLarge => "the body is too large",
            BodyError::Stalled => "the body stopped coming",
            BodyError::Incomplete => "the body broke off",
        })
    }
}

const MIB: u64 = 1 << 20;

/// The largest body that an operation takes into memory, in bytes. AWS's own limits, with room for base64 and framing:
/// 16 MiB for DynamoDB's requests, 10 MiB of records for Kinesis, 50 MiB of zip for Lambda, 1 MiB of template for CloudFormation, 10,000 parts for S3.
pub fn limit_of(entry: Option<&Entry>) -> u64 {
    match entry.map(Entry::name) {
        Some("lambda") => 72 * MIB,
        Some("dynamodb") => 16 * MIB,
        Some("kinesis") => 24 * MIB,
        Some("iam" | "sts" | "organizations" | "kms" | "sns") => 2 * MIB,
        Some("sqs") => 8 * MIB,
        _ => 10 * MIB,
    }
}

/// The largest object that one request to S3 brings: PutObject and UploadPart.
pub const S3_UPLOAD_BYTES_MAX: u64 = 5 * 1024 * MIB;

#[cfg(test)]
mod tests {
    use http_body_util::{Full, StreamBody};

    use super::*;

    #[tokio::test]
    async fn bodies_are_bounded() {
        let mut body = Full::new(Bytes::from_static(b"12345"));
        assert!(matches!(collect(&mut body, 4).await, Err(BodyError::TooLarge)));
        let pieces = |n: usize| {
            let frames =
                (0..n).map(|_| Ok::<_, BoxError>(http_body::Frame::data(Bytes::from_static(b"abc"))));
            StreamBody::new(futures_util::stream::iter(frames))
        };
        assert_eq!(&collect(&mut pieces(2), 6).await.unwrap()[..], b"abcabc");
        assert!(matches!(collect(&mut pieces(3), 8).await, Err(BodyError::TooLarge)));
        assert_eq!(&collect(&mut pieces(0), 0).await.unwrap()[..], b"");
    }
}
