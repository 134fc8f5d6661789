//! What a request says of its payload: the value of `x-amz-content-sha256`.

use crate::encode::unhex_32;

/// SHA-256 of nothing.
pub const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// The payload's hash, or what stands in for it in the canonical request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadHash {
    /// Not said: the body has to be hashed (or, in a presigned S3 request, is not signed).
    Absent,
    /// `UNSIGNED-PAYLOAD`.
    Unsigned,
    /// The SHA-256 of the whole body.
    Sha256([u8; 32]),
    /// `STREAMING-AWS4-HMAC-SHA256-PAYLOAD`: aws-chunked, each chunk signed.
    StreamingSigned,
    /// `STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER`: so, with signed trailers.
    StreamingSignedTrailer,
    /// `STREAMING-UNSIGNED-PAYLOAD-TRAILER`: aws-chunked, nothing signed, with trailers.
    StreamingUnsignedTrailer,
    /// `STREAMING-AWS4-HMAC-SHA256-EVENTS`: an event stream, each message signed.
    StreamingEvents,
    /// The forms of SigV4A.
    StreamingSigV4A,
    /// None of these.
    Invalid,
}

impl PayloadHash {
    /// Reads a value of `x-amz-content-sha256`.
    pub fn parse(value: &str) -> Self {
        match value {
            "UNSIGNED-PAYLOAD" => Self::Unsigned,
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => Self::StreamingSigned,
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => Self::StreamingSignedTrailer,
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Self::StreamingUnsignedTrailer,
            "STREAMING-AWS4-HMAC-SHA256-EVENTS" => Self::StreamingEvents,
            "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"
            | "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER" => Self::StreamingSigV4A,
            _ => unhex_32(value).map_or(Self::Invalid, Self::Sha256),
        }
    }

    /// Whether the body is aws-chunked and has to go through a [`ChunkedDecoder`](crate::ChunkedDecoder).
    pub fn is_chunked(self) -> bool {
        matches!(self, Self::StreamingSigned | Self::StreamingSignedTrailer | Self::StreamingUnsignedTrailer)
    }
}
