//! Why a request is not authenticated, as facts. [`render`](crate::ErrorReply) words them as each family of services does.

use std::fmt;

use crate::Timestamp;

/// Why a request's authentication was refused. [`AuthError::render`] gives the code, the status, the message and the
/// details that a family of services answers with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthError {
    /// The request carries no credentials, and the operation needs some. For the caller to raise.
    MissingAuthentication,
    /// Both an `Authorization` header and a signed query, or two of the former.
    SeveralMechanisms,
    /// An `Authorization` header that is none of AWS's.
    UnsupportedScheme { header: String },
    /// Signature version 2 where it is not taken.
    SigV2,
    /// A URL signed with version 2 without `Expires`, or with one that is no time.
    V2ParametersInvalid { expires: Option<String> },
    /// A URL signed with version 2 whose time is over.
    V2Expired { ends_at: Timestamp, now: Timestamp },
    /// `AWS4-ECDSA-P256-SHA256`.
    SigV4A,
    /// `X-Amz-Algorithm` names something else.
    UnsupportedAlgorithm,
    /// A component of the `Authorization` header without `=`.
    NotKeyValue { header: String },
    /// Components that the `Authorization` header lacks.
    MissingComponents { credential: bool, signature: bool, signed_headers: bool, date: bool, header: String },
    /// A presigned query without all of its parameters; those missing, by name.
    MissingParameters { missing: Vec<&'static str> },
    /// The credential is not `AKID/YYYYMMDD/REGION/SERVICE/aws4_request`.
    CredentialMalformed { carrier: Carrier, credential: String },
    /// The scope's last part is not `aws4_request`.
    WrongTerminator { carrier: Carrier, terminator: String },
    /// The scope's date is not eight digits.
    ScopeDateMalformed { carrier: Carrier, date: String },
    /// The scope's date is another day than the request's time.
    ScopeDateMismatch { carrier: Carrier, date: String, timestamp: Timestamp },
    /// The scope's region is not the one that was asked. For the caller: see [`SigV4::expect_region`](crate::SigV4::expect_region).
    WrongRegion { carrier: Carrier, region: String, expected: String },
    /// The scope's service is not the one that was asked.
    WrongService { carrier: Carrier, service: String, expected: String },
    /// Neither `X-Amz-Date` nor `Date`.
    MissingDate,
    /// A time that is not in an allowed format.
    DateMalformed { carrier: Carrier, date: String },
    /// `X-Amz-Expires` is not a number, negative, or more than a week.
    ExpiresInvalid(ExpiresProblem),
    /// Headers that have to be signed (`host`, and all `x-amz-*`) and are not.
    HeadersNotSigned { names: Vec<String> },
    /// The request's time is too far from the server's.
    TimeSkewed { timestamp: Timestamp, now: Timestamp, window_s: i64 },
    /// A presigned request whose time is over.
    PresignedExpired { timestamp: Timestamp, expires_s: i64, now: Timestamp },
    /// A presigned request from the future.
    PresignedNotYetValid { timestamp: Timestamp, expires_s: i64, now: Timestamp },
    /// The signature is another one.
    SignatureMismatch(Box<SignatureMismatch>),
    /// S3: a signed request has to say what its payload hashes to.
    MissingContentSha256,
    /// `x-amz-content-sha256` is neither a hash nor one of the literals.
    ContentSha256Invalid { value: String },
    /// The body hashes to something else than `x-amz-content-sha256` says.
    ContentSha256Mismatch { claimed: String, computed: String },
    /// The caller has to hash the body first: see [`SigV4::needs_body_hash`](crate::SigV4::needs_body_hash). A defect of ours, not of the request.
    BodyHashRequired,
    /// An aws-chunked body without `x-amz-decoded-content-length`, or with one that is no number.
    MissingDecodedLength,
    /// A chunk smaller than 8 KiB that was not the last one. `chunk` is the number, from 1, of the one after it.
    ChunkTooSmall { chunk: u64, size: u64 },
    /// An aws-chunked body that breaks off, is not framed properly, or has another length than it declared.
    IncompleteBody,
    /// Trailers that are malformed, too large, not announced by `x-amz-trailer`, or announced and missing.
    MalformedTrailer,
    /// A POST form lacks a field.
    PostFieldMissing { name: &'static str },
    /// The POST policy is no policy; what is wrong with it.
    PolicyInvalid { problem: String },
    /// The POST policy's `expiration` has passed.
    PolicyExpired,
    /// A condition of the POST policy does not hold; its JSON.
    PolicyConditionFailed { condition: String },
    /// Form fields that no condition of the POST policy covers.
    PolicyExtraFields { names: Vec<String> },
    /// The POST upload is larger than `content-length-range` allows.
    EntityTooLarge { size: u64, size_max: u64 },
    /// The POST upload is smaller than `content-length-range` allows.
    EntityTooSmall { size: u64, size_min: u64 },
}

/// Where a request carries its authentication: it decides the wording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// The `Authorization` header.
    Header,
    /// The query of a presigned URL.
    Query,
    /// The fields of an S3 POST form.
    Form,
}

/// What is wrong with `X-Amz-Expires`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiresProblem {
    NotANumber,
    Negative,
    MoreThanAWeek,
}

/// What was compared when a signature did not match. S3 returns all of it; nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureMismatch {
    pub access_key_id: String,
    pub string_to_sign: String,
    pub signature_provided: String,
    /// Absent for chunks, trailers and POST policies, which have none.
    pub canonical_request: Option<String>,
}

impl fmt::Display for AuthError {
    /// The wording of the JSON services, for logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reply = self.render(crate::Family::Json);
        write!(f, "{}: {}", reply.code, reply.message)
    }
}

impl std::error::Error for AuthError {}
