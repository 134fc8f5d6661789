//! What is wrong with a request before its input is read: a body that did not come whole, and what the model does not
//! tell of heads. One place for all operations; calls inside the cloud have neither head nor body.

use std::borrow::Cow;

use haneul_kit::{Arriving, RequestHead, Result};
use http::Method;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use percent_encoding::percent_decode_str;

use crate::checksum::{self, ALL, Claim, Digest};
use crate::{error, names};

/// Operations that S3 takes without a checksum of their body, although the model says that they need one: clients make
/// them without since before there was a model.
const NO_CHECKSUM_NEEDED: &[&str] = &[
    "PutBucketAcl",
    "PutBucketLogging",
    "PutBucketNotification",
    "PutBucketPolicy",
    "PutBucketRequestPayment",
    "PutBucketVersioning",
    "PutBucketWebsite",
    "PutObjectAcl",
    "PutObjectTagging",
];

/// Their `x-amz-checksum-…` is of an object, not of the body.
const CHECKSUM_OF_OBJECT: &[&str] =
    &["CompleteMultipartUpload", "CopyObject", "CreateMultipartUpload", "UploadPartCopy"];

/// Parameters of listings that are numbers.
const NUMBERS: &[&str] = &["max-keys", "max-parts", "max-uploads", "part-number-marker"];

pub(crate) fn check(http: &RequestHead, call: &Arriving<'_>) -> Result<()> {
    check_key(http)?;
    check_query(http, call.operation)?;
    let encryption = "x-amz-server-side-encryption";
    if matches!(call.operation, "GetObject" | "HeadObject")
        && let Some(given) = http.header(encryption)
    {
        let message = "x-amz-server-side-encryption header is not supported for this operation";
        return Err(error::invalid_argument(message, encryption, given));
    }
    match call.body {
        Some(body) => check_body(http, call, body),
        None => check_length(http),
    }
}

/// A key that would lead out of its bucket, were it a path.
fn check_key(http: &RequestHead) -> Result<()> {
    let path = http.uri.path().strip_prefix('/').unwrap_or(http.uri.path());
    let key = match http.bucket {
        Some(_) => path,
        None => path.split_once('/').map_or("", |(_, key)| key),
    };
    // One that is not text was refused when the operation was found.
    let key = percent_decode_str(key).decode_utf8_lossy();
    if names::leads_out(&key) { Err(error::invalid_uri()) } else { Ok(()) }
}

fn check_query(http: &RequestHead, operation: &str) -> Result<()> {
    let given = |name: &str| parameter(http, name);
    match operation {
        "PutObject" | "CopyObject" if given("uploadId").is_some() => {
            // With an upload alone one may list, complete and abort.
            let message = "The specified method is not allowed against this resource.";
            return Err(error::new("MethodNotAllowed", 405, message)
                .with_field("Method", http.method.as_str())
                .with_field("ResourceType", "UPLOAD"));
        }
        "PutObject" | "CopyObject" if given("partNumber").is_some() => {
            let message = "This operation does not accept partNumber without uploadId";
            return Err(error::invalid_argument(message, "partNumber", "partNumber"));
        }
        "UploadPart" | "UploadPartCopy" => {
            if let Some(number) = given("partNumber").filter(|number| number.parse::<i32>().is_err()) {
                let message = "Part number must be an integer between 1 and 10000, inclusive";
                return Err(error::invalid_argument(message, "partNumber", number));
            }
        }
        "ListObjects" => {
            if let Some(kind) = given("list-type").filter(|kind| !kind.is_empty()) {
                return Err(error::invalid_argument(
                    "Invalid List Type specified in Request",
                    "list-type",
                    kind,
                ));
            }
        }
        _ => {}
    }
    if http.method != Method::GET {
        return Ok(());
    }
    for name in NUMBERS {
        if let Some(number) = given(name).filter(|number| number.parse::<i32>().is_err()) {
            let message = format!("Provided {name} not an integer or within integer range");
            return Err(error::invalid_argument(message, name, number));
        }
    }
    Ok(())
}

/// The first value that the query has by a name.
fn parameter<'a>(http: &'a RequestHead, name: &str) -> Option<Cow<'a, str>> {
    let mut pairs = http.uri.query()?.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (_, value) = pairs.find(|(key, _)| percent_decode_str(key).decode_utf8_lossy() == name)?;
    Some(percent_decode_str(value).decode_utf8_lossy())
}

/// An upload must say that it has a body, or that it is empty.
fn check_length(http: &RequestHead) -> Result<()> {
    let says = |name: &str| http.headers.contains_key(name);
    if http.method != Method::PUT
        || says(CONTENT_LENGTH.as_str())
        || says(TRANSFER_ENCODING.as_str())
        || says("x-amz-decoded-content-length")
    {
        return Ok(());
    }
    Err(error::missing_content_length())
}

/// Compares a body that is here with whatever was given to check it by.
fn check_body(http: &RequestHead, call: &Arriving<'_>, body: &[u8]) -> Result<()> {
    let mut vouched = false;
    if let Some(given) = http.header("content-md5") {
        let claimed = checksum::parse_content_md5(given)?;
        let computed = Digest::of(checksum::Algorithm::Md5, body);
        if claimed[..] != computed[..] {
            return Err(error::bad_digest(&hex::encode(claimed), &checksum::encode(&computed)));
        }
        vouched = true;
    }
    if CHECKSUM_OF_OBJECT.contains(&call.operation) {
        return Ok(());
    }
    for algorithm in ALL.iter().copied() {
        let name = algorithm.header();
        let announced = announces(http, name);
        let trailer = http.trailers.header(name).filter(|_| announced);
        if announced && trailer.is_none() {
            return Err(error::malformed_trailer());
        }
        for value in http.header(name).into_iter().chain(trailer) {
            let claim = Claim { algorithm, value: value.trim().to_owned() };
            claim.check_form()?;
            claim.compare(&checksum::encode(&Digest::of(algorithm, body)))?;
            vouched = true;
        }
    }
    let unknown = |name: &http::HeaderName| name.as_str().starts_with("x-amz-checksum-xxhash");
    if http.headers.keys().any(unknown) {
        return Err(error::not_implemented("The XXHash family of checksums"));
    }
    let needed = call.checksum_required && !NO_CHECKSUM_NEEDED.contains(&call.operation);
    // Nothing cannot come broken; it is refused for what it lacks.
    if vouched || !needed || body.is_empty() {
        return Ok(());
    }
    Err(error::invalid_request("Missing required header for this request: Content-MD5 OR x-amz-checksum-*"))
}

/// Whether `x-amz-trailer` names it.
fn announces(http: &RequestHead, name: &str) -> bool {
    http.header("x-amz-trailer")
        .is_some_and(|header| header.split(',').any(|one| one.trim().eq_ignore_ascii_case(name)))
}
