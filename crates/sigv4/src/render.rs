//! The words of each family of services for an [`AuthError`].
//!
//! Sources: S3's error responses and the "Troubleshoot signed requests" page of the IAM guide; what no page says, from
//! answers of the services that people published.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

use crate::encode::spaced_hex;
use crate::error::{AuthError, Carrier, ExpiresProblem, SignatureMismatch};

/// Who answers: the services word, code and number the same refusal differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// S3 and its kin: XML with details.
    S3,
    /// The Query protocol and the XML services other than S3 (IAM, STS, SNS, Route 53).
    Query,
    /// EC2's own codes.
    Ec2,
    /// JSON 1.0/1.1 and RPC v2 CBOR (DynamoDB, KMS): every refusal is a 400.
    Json,
    /// JSON over REST (Lambda, API Gateway): refusals are 403.
    RestJson,
}

/// An error as a family of services answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorReply {
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    pub message: String,
    /// Further elements of S3's `<Error>`, in order; empty for the other families.
    pub details: Vec<(&'static str, String)>,
}

impl AuthError {
    /// This error as `family` answers it.
    pub fn render(&self, family: Family) -> ErrorReply {
        match family {
            Family::S3 => render_s3(self),
            _ => render_other(self, family),
        }
    }
}

const MISMATCH_S3: &str = "The request signature we calculated does not match the signature you provided. Check your key and signing method.";
const MISMATCH: &str = "The request signature we calculated does not match the signature you provided. Check your AWS \
                        Secret Access Key and signing method. Consult the service documentation for details.";
const SIGV2: &str =
    "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.";
const SIGV4A: &str = "AWS4-ECDSA-P256-SHA256 (SigV4A) is not supported. Please use AWS4-HMAC-SHA256.";

fn s3(code: &'static str, status: u16, message: impl Into<String>) -> ErrorReply {
    ErrorReply { code, status, message: message.into(), details: Vec::new() }
}

fn render_s3(error: &AuthError) -> ErrorReply {
    use AuthError as E;
    let mut details = Vec::new();
    let mut reply = match error {
        E::MissingAuthentication => s3("AccessDenied", 403, "Access Denied"),
        E::SeveralMechanisms => s3(
            "InvalidArgument",
            400,
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string \
             parameter or the Authorization header should be specified",
        ),
        E::UnsupportedScheme { header } => {
            details.push(("ArgumentName", "Authorization".to_owned()));
            details.push(("ArgumentValue", header.clone()));
            s3("InvalidArgument", 400, "Unsupported Authorization Type")
        }
        E::SigV2 => s3("InvalidRequest", 400, SIGV2),
        E::V2ParametersInvalid { expires: None } => s3(
            "AccessDenied",
            403,
            "Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters",
        ),
        E::V2ParametersInvalid { expires: Some(given) } => {
            s3("AccessDenied", 403, format!("Invalid date (should be seconds since epoch): {given}"))
        }
        E::V2Expired { ends_at, now } => {
            details.push(("Expires", ends_at.extended()));
            details.push(("ServerTime", now.extended()));
            s3("AccessDenied", 403, "Request has expired")
        }
        E::SigV4A => s3("InvalidRequest", 400, SIGV4A),
        E::UnsupportedAlgorithm => {
            s3("AuthorizationQueryParametersError", 400, "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"")
        }
        E::NotKeyValue { .. } | E::MissingComponents { .. } => malformed(
            Carrier::Header,
            "the authorization header requires three components: Credential, SignedHeaders, and Signature.",
        ),
        E::MissingParameters { .. } => s3(
            "AuthorizationQueryParametersError",
            400,
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, \
             X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
        ),
        E::CredentialMalformed { carrier, .. } => malformed(
            *carrier,
            "the Credential is mal-formed; expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
        ),
        E::WrongTerminator { carrier, terminator } => malformed(
            *carrier,
            &format!("incorrect terminal \"{terminator}\". This endpoint uses \"aws4_request\"."),
        ),
        E::ScopeDateMalformed { carrier, date } => malformed(
            *carrier,
            &format!(
                "incorrect date format \"{date}\". This date in the credential must be in the format \"yyyyMMdd\"."
            ),
        ),
        E::ScopeDateMismatch { carrier, date, timestamp } => malformed(
            *carrier,
            &format!(
                "Invalid credential date \"{date}\". This date is not the same as X-Amz-Date: \"{}\".",
                timestamp.basic().date()
            ),
        ),
        E::WrongRegion { carrier, region, expected } => {
            details.push(("Region", expected.clone()));
            malformed(*carrier, &format!("the region '{region}' is wrong; expecting '{expected}'"))
        }
        E::WrongService { carrier, service, expected } => malformed(
            *carrier,
            &format!("incorrect service \"{service}\". This endpoint belongs to \"{expected}\"."),
        ),
        E::MissingDate => {
            s3("AccessDenied", 403, "AWS authentication requires a valid Date or x-amz-date header")
        }
        E::DateMalformed { carrier: Carrier::Header, .. } => {
            s3("AccessDenied", 403, "AWS authentication requires a valid Date or x-amz-date header")
        }
        E::DateMalformed { .. } => s3(
            "AuthorizationQueryParametersError",
            400,
            "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"",
        ),
        E::ExpiresInvalid(problem) => s3("AuthorizationQueryParametersError", 400, expires_text(*problem)),
        E::HeadersNotSigned { names } => {
            details.push(("HeadersNotSigned", names.join(", ")));
            s3("AccessDenied", 403, "There were headers present in the request which were not signed")
        }
        E::TimeSkewed { timestamp, now, window_s } => {
            details.push(("RequestTime", timestamp.to_string()));
            details.push(("ServerTime", now.extended()));
            details.push(("MaxAllowedSkewMilliseconds", (window_s * 1_000).to_string()));
            s3(
                "RequestTimeTooSkewed",
                403,
                "The difference between the request time and the current time is too large.",
            )
        }
        E::PresignedExpired { timestamp, expires_s, now } => {
            details.push(("X-Amz-Expires", expires_s.to_string()));
            details.push(("Expires", timestamp.plus_s(*expires_s).extended()));
            details.push(("ServerTime", now.extended()));
            s3("AccessDenied", 403, "Request has expired")
        }
        E::PresignedNotYetValid { timestamp, expires_s, now } => {
            // Milliseconds since the epoch: so S3 has it.
            details.push(("X-Amz-Date", (timestamp.unix_s() * 1_000).to_string()));
            details.push(("Expires", timestamp.plus_s(*expires_s).extended()));
            details.push(("ServerTime", now.extended()));
            s3("AccessDenied", 403, "Request is not yet valid")
        }
        E::SignatureMismatch(mismatch) => {
            details = mismatch_details(mismatch);
            s3("SignatureDoesNotMatch", 403, MISMATCH_S3)
        }
        E::MissingContentSha256 => {
            s3("InvalidRequest", 400, "Missing required header for this request: x-amz-content-sha256")
        }
        E::ContentSha256Invalid { value } => {
            details.push(("ArgumentName", "x-amz-content-sha256".to_owned()));
            details.push(("ArgumentValue", value.clone()));
            s3(
                "InvalidArgument",
                400,
                "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, \
                 STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, \
                 STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a \
                 valid sha256 value.",
            )
        }
        E::ContentSha256Mismatch { claimed, computed } => {
            details.push(("ClientComputedContentSHA256", claimed.clone()));
            details.push(("S3ComputedContentSHA256", computed.clone()));
            s3(
                "XAmzContentSHA256Mismatch",
                400,
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
            )
        }
        E::BodyHashRequired => {
            s3("InternalError", 500, "We encountered an internal error. Please try again.")
        }
        E::MissingDecodedLength => {
            s3("MissingContentLength", 411, "You must provide the Content-Length HTTP header.")
        }
        E::ChunkTooSmall { chunk, size } => {
            details.push(("Chunk", chunk.to_string()));
            details.push(("BadChunkSize", size.to_string()));
            s3(
                "InvalidChunkSizeError",
                403,
                "Only the last chunk is allowed to have a size less than 8192 bytes",
            )
        }
        E::IncompleteBody => s3("IncompleteBody", 400, "The request body terminated unexpectedly"),
        E::MalformedTrailer => s3(
            "MalformedTrailerError",
            400,
            "The request contained trailing data that was not well-formed or did not conform to our published schema.",
        ),
        E::PostFieldMissing { name } => {
            details.push(("ArgumentName", (*name).to_owned()));
            details.push(("ArgumentValue", String::new()));
            s3(
                "InvalidArgument",
                400,
                format!(
                    "Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of \
                     the fields."
                ),
            )
        }
        E::PolicyInvalid { problem } => {
            s3("InvalidPolicyDocument", 400, format!("Invalid Policy: {problem}"))
        }
        E::PolicyExpired => s3("AccessDenied", 403, "Invalid according to Policy: Policy expired."),
        E::PolicyConditionFailed { condition } => s3(
            "AccessDenied",
            403,
            format!("Invalid according to Policy: Policy Condition failed: {condition}"),
        ),
        E::PolicyExtraFields { names } => s3(
            "AccessDenied",
            403,
            format!("Invalid according to Policy: Extra input fields: {}", names.join(", ")),
        ),
        E::EntityTooLarge { size, size_max } => {
            details.push(("ProposedSize", size.to_string()));
            details.push(("MaxSizeAllowed", size_max.to_string()));
            s3("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size")
        }
        E::EntityTooSmall { size, size_min } => {
            details.push(("ProposedSize", size.to_string()));
            details.push(("MinSizeAllowed", size_min.to_string()));
            s3("EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed size")
        }
    };
    reply.details = details;
    reply
}

fn malformed(carrier: Carrier, problem: &str) -> ErrorReply {
    match carrier {
        Carrier::Header => s3(
            "AuthorizationHeaderMalformed",
            400,
            format!("The authorization header is malformed; {problem}"),
        ),
        Carrier::Query => s3(
            "AuthorizationQueryParametersError",
            400,
            format!("Error parsing the X-Amz-Credential parameter; {problem}"),
        ),
        Carrier::Form => {
            s3("InvalidArgument", 400, format!("Error parsing the X-Amz-Credential parameter; {problem}"))
        }
    }
}

fn mismatch_details(mismatch: &SignatureMismatch) -> Vec<(&'static str, String)> {
    let mut details = vec![
        ("AWSAccessKeyId", mismatch.access_key_id.clone()),
        ("StringToSign", mismatch.string_to_sign.clone()),
        ("SignatureProvided", mismatch.signature_provided.clone()),
        ("StringToSignBytes", spaced_hex(mismatch.string_to_sign.as_bytes())),
    ];
    if let Some(request) = &mismatch.canonical_request {
        details.push(("CanonicalRequest", request.clone()));
        details.push(("CanonicalRequestBytes", spaced_hex(request.as_bytes())));
    }
    details
}

/// The classes that the services other than S3 sort refusals into.
#[derive(Clone, Copy)]
enum Class {
    Missing,
    Incomplete,
    Mismatch,
    Expired,
    Invalid,
    Internal,
}

fn render_other(error: &AuthError, family: Family) -> ErrorReply {
    use AuthError as E;
    let missing = match family {
        Family::RestJson => "Missing Authentication Token",
        _ => "Request is missing Authentication Token",
    };
    let (class, message) = match error {
        E::MissingAuthentication => (Class::Missing, missing.to_owned()),
        E::SeveralMechanisms => (
            Class::Incomplete,
            "Only one of the Authorization header and the X-Amz-Algorithm query parameter may be specified"
                .to_owned(),
        ),
        E::UnsupportedScheme { header } => {
            (Class::Incomplete, missing_components([true, true, true, false], header))
        }
        E::SigV2 | E::V2ParametersInvalid { .. } | E::V2Expired { .. } => (Class::Invalid, SIGV2.to_owned()),
        E::SigV4A => (Class::Invalid, SIGV4A.to_owned()),
        E::UnsupportedAlgorithm => (Class::Incomplete, "Unsupported AWS 'algorithm'".to_owned()),
        E::NotKeyValue { header } => (
            Class::Incomplete,
            format!(
                "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded \
                 with Base64): '{}'.",
                hashed(header)
            ),
        ),
        E::MissingComponents { credential, signature, signed_headers, date, header } => {
            (Class::Incomplete, missing_components([*credential, *signature, *signed_headers, *date], header))
        }
        E::MissingParameters { missing } => {
            let text: Vec<_> =
                missing.iter().map(|n| format!("AWS query-string parameters must include '{n}'.")).collect();
            (Class::Incomplete, text.join(" ") + " Re-examine the query-string parameters.")
        }
        E::CredentialMalformed { credential, .. } => (
            Class::Incomplete,
            format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got \
                 '{credential}'"
            ),
        ),
        E::WrongTerminator { terminator, .. } => (
            Class::Mismatch,
            format!(
                "Credential should be scoped with a valid terminator: 'aws4_request', not '{terminator}'."
            ),
        ),
        E::ScopeDateMalformed { date, .. } => (
            Class::Mismatch,
            format!("Date in Credential scope must be in the format YYYYMMDD. Got '{date}'."),
        ),
        E::ScopeDateMismatch { date, timestamp, .. } => (
            Class::Mismatch,
            format!(
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{date}' != \
                 '{}', from '{timestamp}'.",
                timestamp.basic().date()
            ),
        ),
        E::WrongRegion { region, .. } => {
            (Class::Mismatch, format!("Credential should be scoped to a valid region, not '{region}'. "))
        }
        E::WrongService { expected, .. } => {
            (Class::Mismatch, format!("Credential should be scoped to correct service: '{expected}'. "))
        }
        E::MissingDate => (
            Class::Incomplete,
            "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.".to_owned(),
        ),
        E::DateMalformed { date, .. } => (
            Class::Incomplete,
            format!(
                "Date must be in ISO-8601 'basic format'. Got '{date}'. See http://en.wikipedia.org/wiki/ISO_8601"
            ),
        ),
        E::ExpiresInvalid(problem) => (Class::Incomplete, expires_text(*problem).to_owned()),
        E::HeadersNotSigned { names } => {
            let name = names.first().map_or("host", String::as_str);
            let name = if name == "host" { "'Host' or ':authority'".to_owned() } else { format!("'{name}'") };
            (Class::Mismatch, format!("{name} must be a 'SignedHeader' in the AWS Authorization."))
        }
        E::TimeSkewed { timestamp, now, window_s } if timestamp < now => (
            Class::Expired,
            format!(
                "Signature expired: {timestamp} is now earlier than {} ({now} - {} min.)",
                now.plus_s(-window_s),
                window_s / 60
            ),
        ),
        E::TimeSkewed { timestamp, now, window_s } => (
            Class::Expired,
            format!(
                "Signature not yet current: {timestamp} is still later than {} ({now} + {} min.)",
                now.plus_s(*window_s),
                window_s / 60
            ),
        ),
        E::PresignedExpired { timestamp, expires_s, now } => (
            Class::Expired,
            format!(
                "Signature expired: {timestamp} is now earlier than {} ({now} - {expires_s} sec.)",
                now.plus_s(-expires_s)
            ),
        ),
        E::PresignedNotYetValid { timestamp, now, .. } => {
            (Class::Expired, format!("Signature not yet current: {timestamp} is still later than {now}"))
        }
        E::SignatureMismatch(_) | E::ContentSha256Mismatch { .. } => (Class::Mismatch, MISMATCH.to_owned()),
        E::BodyHashRequired => (
            Class::Internal,
            "The request processing has failed because of an unknown error, exception or failure.".to_owned(),
        ),
        // What only S3 has; other services never get here, and if they do, S3's words are the best there are.
        _ => (Class::Invalid, render_s3(error).message),
    };
    let (code, status) = code_of(class, family);
    ErrorReply { code, status, message, details: Vec::new() }
}

fn code_of(class: Class, family: Family) -> (&'static str, u16) {
    let status = if family == Family::Json { 400 } else { 403 };
    match (class, family) {
        (Class::Missing, Family::Json | Family::RestJson) => ("MissingAuthenticationTokenException", status),
        (Class::Missing, Family::Ec2) => ("MissingAuthenticationToken", 401),
        (Class::Missing, _) => ("MissingAuthenticationToken", 403),
        (Class::Incomplete, Family::Json | Family::RestJson) => ("IncompleteSignatureException", status),
        (Class::Incomplete, _) => ("IncompleteSignature", 400),
        (Class::Mismatch | Class::Expired, Family::Json | Family::RestJson) => {
            ("InvalidSignatureException", status)
        }
        (Class::Mismatch, Family::Ec2) => ("AuthFailure", 401),
        (Class::Expired, Family::Ec2) => ("RequestExpired", 400),
        (Class::Mismatch | Class::Expired, _) => ("SignatureDoesNotMatch", 403),
        (Class::Invalid, _) => ("InvalidRequest", 400),
        (Class::Internal, _) => ("InternalFailure", 500),
    }
}

fn missing_components([credential, signature, signed_headers, date]: [bool; 4], header: &str) -> String {
    let mut text = String::new();
    for (missing, name) in
        [(credential, "Credential"), (signature, "Signature"), (signed_headers, "SignedHeaders")]
    {
        if missing {
            text += &format!("Authorization header requires '{name}' parameter. ");
        }
    }
    if date {
        text += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ";
    }
    text + "(Hashed with SHA-256 and encoded with Base64) Authorization=" + &hashed(header)
}

/// A header may hold a bearer token, so AWS's messages quote its hash.
fn hashed(header: &str) -> String {
    BASE64.encode(Sha256::digest(header.as_bytes()))
}

fn expires_text(problem: ExpiresProblem) -> &'static str {
    match problem {
        ExpiresProblem::NotANumber => "X-Amz-Expires should be a number",
        ExpiresProblem::Negative => "X-Amz-Expires must be non-negative",
        ExpiresProblem::MoreThanAWeek => {
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than \
             604800 seconds"
        }
    }
}
