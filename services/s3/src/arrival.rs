//! What is wrong with a request before its input is read: a body that did not come whole, and what the model does not
//! tell of heads. One place for all operations; calls inside the cloud have neither head nor body.

use std::borrow::Cow;

use haneul_kit::{Arriving, Instant, RequestHead, Result};
use http::Method;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use percent_encoding::percent_decode_str;

use crate::checksum::{self, ALL, Claim, Digest};
use crate::{acl, error, names, subresource};

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

/// What a read may ask to be answered with in place of what is kept.
const OVERRIDES: &[&str] = &[
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
];

/// Parameters of listings that are numbers.
const NUMBERS: &[&str] = &["max-keys", "max-parts", "max-uploads", "part-number-marker"];

/// S3 User Guide, "Common Request Headers": names and values of all headers, in bytes. The token of a session is left out:
/// ours has the session's policies in it, so that it can be longer than AWS's.
const HEADER_BYTES_MAX: usize = 8 * 1024;

pub(crate) fn check(http: &RequestHead, call: &Arriving<'_>) -> Result<()> {
    check_header_section(http)?;
    check_key(http)?;
    check_query(http, call.operation)?;
    subresource::check(http, call.operation)?;
    check_headers(http, call.operation)?;
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

fn check_header_section(http: &RequestHead) -> Result<()> {
    let counted = http.headers.iter().filter(|(name, _)| *name != "x-amz-security-token");
    let bytes: usize = counted.map(|(name, value)| name.as_str().len() + value.len()).sum();
    if bytes > HEADER_BYTES_MAX { Err(error::header_section_too_large(HEADER_BYTES_MAX)) } else { Ok(()) }
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
            return Err(error::method_not_allowed_of(http.method.as_str(), "UPLOAD"));
        }
        "PutObject" | "CopyObject" if given("partNumber").is_some() => {
            let message = "This operation does not accept partNumber without uploadId";
            return Err(error::invalid_argument(message, "partNumber", "partNumber"));
        }
        "UploadPart" | "UploadPartCopy" | "GetObject" | "HeadObject" => {
            if let Some(number) = given("partNumber").filter(|number| number.parse::<i32>().is_err()) {
                let message = "Part number must be an integer between 1 and 10000, inclusive";
                return Err(error::invalid_argument(message, "partNumber", number));
            }
        }
        // The first page of a key's versions has no marker rather than an empty one.
        "ListObjectVersions"
            if given("key-marker").is_some_and(|marker| !marker.is_empty())
                && given("version-id-marker").is_some_and(|marker| marker.is_empty()) =>
        {
            let message = "A version-id marker cannot be empty.";
            return Err(error::invalid_argument(message, "version-id-marker", ""));
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
    if given("versionId").is_some_and(|version| version.is_empty()) {
        return Err(error::empty_version_id());
    }
    if matches!(operation, "GetObject" | "HeadObject") {
        let names = subresource::parameters(http);
        let unknown =
            names.iter().find(|name| name.starts_with("response-") && !OVERRIDES.contains(&name.as_ref()));
        if let Some(name) = unknown {
            return Err(error::not_overridable(name, &given(name).unwrap_or_default()));
        }
    }
    if http.method != Method::GET {
        return Ok(());
    }
    let marker = "part-number-marker";
    if let Some(number) = given(marker).filter(|number| number.parse::<i32>().is_ok_and(|number| number < 0))
    {
        let message = format!("Argument {marker} must be an integer between 0 and 2147483647");
        return Err(error::invalid_argument(message, marker, number));
    }
    for name in NUMBERS {
        if let Some(number) = given(name).filter(|number| number.parse::<i32>().is_err()) {
            let message = format!("Provided {name} not an integer or within integer range");
            return Err(error::invalid_argument(message, name, number));
        }
    }
    Ok(())
}

/// Headers with a form that the model does not tell, or that it needs and S3 misses in words of its own.
fn check_headers(http: &RequestHead, operation: &str) -> Result<()> {
    if operation == "GetObjectAttributes" && !http.headers.contains_key("x-amz-object-attributes") {
        return Err(error::no_object_attributes());
    }
    if http.method != Method::PUT && http.method != Method::POST {
        return Ok(());
    }
    let until = "x-amz-object-lock-retain-until-date";
    if let Some(date) = http.header(until).filter(|date| Instant::parse_iso8601(date).is_none()) {
        let message = "The retain until date must be provided in ISO 8601 format";
        return Err(error::invalid_argument(message, until, date));
    }
    let size = "x-amz-mp-object-size";
    if let Some(given) = http.header(size).filter(|given| given.parse::<u64>().is_err()) {
        return Err(error::invalid_request(format!("Value for {size} header is invalid: '{given}'")));
    }
    let is_known = |name: &str| ALL.iter().any(|algorithm| algorithm.header() == name);
    let is_newer = |name: &str| name.starts_with("x-amz-checksum-xxhash");
    let not_sums = ["x-amz-checksum-algorithm", "x-amz-checksum-type", "x-amz-checksum-mode"];
    let is_no_sum = |name: &str| {
        name.starts_with("x-amz-checksum-") && !(is_known(name) || is_newer(name) || not_sums.contains(&name))
    };
    if http.headers.keys().any(|name| is_no_sum(name.as_str())) {
        let message = "The algorithm type you specified in x-amz-checksum- header is invalid.";
        return Err(error::invalid_request(message));
    }
    let trailers = http.header("x-amz-trailer").unwrap_or_default().split(',').map(str::trim);
    let mut named = trailers.filter(|name| !name.is_empty()).map(str::to_ascii_lowercase);
    if named.any(|name| !is_known(&name) && !is_newer(&name)) {
        let message = "The value specified in the x-amz-trailer header is not supported";
        return Err(error::invalid_request(message));
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
        let header = http.header(name).map(|value| (value, "header"));
        for (value, place) in header.into_iter().chain(trailer.map(|value| (value, "trailing header"))) {
            let claim = Claim { algorithm, value: value.trim().to_owned() };
            claim.check_form_in(place)?;
            claim.compare(&checksum::encode(&Digest::of(algorithm, body)))?;
            vouched = true;
        }
    }
    let unknown = |name: &http::HeaderName| name.as_str().starts_with("x-amz-checksum-xxhash");
    if http.headers.keys().any(unknown) {
        return Err(error::not_implemented("The XXHash family of checksums"));
    }
    let acl_by_header =
        || http.headers.keys().any(|name| name == "x-amz-acl" || name.as_str().starts_with("x-amz-grant-"));
    if matches!(call.operation, "PutBucketAcl" | "PutObjectAcl") && !body.is_empty() && !acl_by_header() {
        acl::check_form(body)?;
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
