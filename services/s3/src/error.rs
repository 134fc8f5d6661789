//! The service's errors, and the only place that gives them their names, statuses and words on the wire.
//!
//! Source: S3 API Reference, "Error responses"; where that page is silent, the texts that S3 itself answers with.

pub(crate) mod tables;

use haneul_kit::{ApiError, Fault};
use haneul_store::StoreError;

/// What a transaction fails with: S3's own error, or the store's.
#[derive(Debug)]
pub(crate) enum Failure {
    Api(ApiError),
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::Store(error)
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Failure {
        Failure::Api(error)
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> ApiError {
        match failure {
            Failure::Api(error) => error,
            Failure::Store(error) => store(error),
        }
    }
}

/// The store failed. A conflict passes by itself, and S3's clients know what to do about SlowDown.
pub(crate) fn store(error: StoreError) -> ApiError {
    match error {
        StoreError::Conflict => {
            new("SlowDown", 503, "Please reduce your request rate.").with_fault(Fault::Server)
        }
        StoreError::Full => full(),
        error => ApiError::internal(error),
    }
}

/// A full disk may have room later: clients try a ServiceUnavailable again.
pub(crate) fn full() -> ApiError {
    new("ServiceUnavailable", 503, "Service is unable to handle request.").with_fault(Fault::Server)
}

pub(crate) fn new(code: &'static str, status: u16, message: impl Into<String>) -> ApiError {
    ApiError::new(code, message).with_status(status)
}

/// `InvalidArgument`, naming the argument and its value.
pub(crate) fn invalid_argument(
    message: impl Into<String>,
    name: &'static str,
    value: impl Into<String>,
) -> ApiError {
    new("InvalidArgument", 400, message).with_field("ArgumentName", name).with_field("ArgumentValue", value)
}

/// A token that is not of this listing: S3 does not repeat it.
pub(crate) fn invalid_continuation_token() -> ApiError {
    let message = "The continuation token provided is incorrect";
    new("InvalidArgument", 400, message).with_field("ArgumentName", "continuation-token")
}

pub(crate) fn invalid_request(message: impl Into<String>) -> ApiError {
    new("InvalidRequest", 400, message)
}

pub(crate) fn malformed_xml() -> ApiError {
    new(
        "MalformedXML",
        400,
        "The XML you provided was not well-formed or did not validate against our published schema",
    )
}

/// The header asks for something that is not built here: refused, because accepting it would be a lie.
pub(crate) fn not_implemented_header(header: &'static str) -> ApiError {
    new("NotImplemented", 501, "A header you provided implies functionality that is not implemented")
        .with_field("Header", header)
}

/// A condition with a value that S3 does not take for a write.
pub(crate) fn unsupported_condition(header: &'static str) -> ApiError {
    let more = format!("We don't accept the provided value of {header} header for this API");
    not_implemented_header(header).with_field("additionalMessage", more)
}

/// `headers` with commas between them.
pub(crate) fn several_conditions(headers: &'static str) -> ApiError {
    let more = "Multiple conditional request headers present in the request";
    not_implemented_header(headers).with_field("additionalMessage", more)
}

/// What was asked for exists at AWS and not here.
pub(crate) fn not_implemented(what: impl std::fmt::Display) -> ApiError {
    new("NotImplemented", 501, format!("{what} is not implemented by Haneul."))
}

pub(crate) fn access_denied(message: impl Into<String>) -> ApiError {
    new("AccessDenied", 403, message)
}

/// Two spaces, as S3 has them.
pub(crate) fn anonymous_may_not(what: &str) -> ApiError {
    access_denied(format!("Anonymous users cannot {what}.  Please authenticate."))
}

pub(crate) fn invalid_account_id() -> ApiError {
    let message = "The value of the expected bucket owner parameter must be an AWS account ID";
    new("InvalidBucketOwnerAWSAccountID", 400, message)
}

// Buckets.

pub(crate) fn no_such_bucket(name: &str) -> ApiError {
    new("NoSuchBucket", 404, "The specified bucket does not exist").with_field("BucketName", name)
}

pub(crate) fn invalid_bucket_name(name: &str) -> ApiError {
    new("InvalidBucketName", 400, "The specified bucket is not valid.").with_field("BucketName", name)
}

pub(crate) fn bucket_already_exists(name: &str) -> ApiError {
    let message = "The requested bucket name is not available. The bucket namespace is shared by all users of the \
                   system. Please select a different name and try again.";
    new("BucketAlreadyExists", 409, message).with_field("BucketName", name)
}

pub(crate) fn bucket_already_owned_by_you(name: &str) -> ApiError {
    let message = "Your previous request to create the named bucket succeeded and you already own it.";
    new("BucketAlreadyOwnedByYou", 409, message).with_field("BucketName", name)
}

pub(crate) fn bucket_not_empty(name: &str, versioned: bool) -> ApiError {
    let message = if versioned {
        "The bucket you tried to delete is not empty. You must delete all versions in the bucket."
    } else {
        "The bucket you tried to delete is not empty"
    };
    new("BucketNotEmpty", 409, message).with_field("BucketName", name)
}

pub(crate) fn bucket_has_access_points(name: &str) -> ApiError {
    let message =
        "The bucket you tried to delete has access points attached. Delete your access points and try again";
    new("BucketHasAccessPointsAttached", 400, message).with_field("BucketName", name)
}

/// A configuration that the bucket does not have.
pub(crate) fn not_configured(code: &'static str, message: &'static str, bucket: &str) -> ApiError {
    new(code, 404, message).with_field("BucketName", bucket)
}

pub(crate) fn too_many_configurations() -> ApiError {
    let message = "You are attempting to create a new configuration but have already reached the 1,000-configuration limit.";
    new("TooManyConfigurations", 400, message)
}

pub(crate) fn no_metadata(bucket: &str) -> ApiError {
    not_configured("MetadataConfigurationNotFound", "The metadata configuration was not found", bucket)
}

pub(crate) fn metadata_exists(bucket: &str) -> ApiError {
    let message = "A metadata configuration already exists for this bucket.";
    new("MetadataConfigurationAlreadyExists", 409, message).with_field("BucketName", bucket)
}

/// V1's operations know nothing of what V2's made.
pub(crate) fn of_metadata_v2() -> ApiError {
    new("MethodNotAllowed", 405, "The specified method is not allowed against this resource.")
}

pub(crate) fn of_metadata_v1() -> ApiError {
    invalid_request(
        "The metadata configuration was created by CreateBucketMetadataTableConfiguration. Delete it and create it anew by \
         CreateBucketMetadataConfiguration.",
    )
}

// Objects.

pub(crate) fn header_section_too_large(max: usize) -> ApiError {
    let message = "Your request header section exceeds the maximum allowed size.";
    new("RequestHeaderSectionTooLarge", 400, message).with_field("MaxSizeAllowed", max.to_string())
}

pub(crate) fn invalid_uri() -> ApiError {
    new("InvalidURI", 400, "Couldn't parse the specified URI.")
}

pub(crate) fn no_such_key(key: &str) -> ApiError {
    new("NoSuchKey", 404, "The specified key does not exist.").with_field("Key", key)
}

pub(crate) fn no_such_version(key: &str, version_id: &str) -> ApiError {
    new("NoSuchVersion", 404, "The specified version does not exist.")
        .with_field("Key", key)
        .with_field("VersionId", version_id)
}

pub(crate) fn invalid_version_id(version_id: &str) -> ApiError {
    invalid_argument("Invalid version id specified", "versionId", version_id)
}

pub(crate) fn no_object_attributes() -> ApiError {
    invalid_request(
        "The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty",
    )
}

/// The name is the client's, which `ArgumentName` of other errors never is.
pub(crate) fn not_overridable(name: &str, value: &str) -> ApiError {
    let message = format!(
        "{name} is not in the set of overridable response headers. Please refer to the S3 API documentation for a \
         complete list of overridable response headers."
    );
    new("InvalidArgument", 400, message).with_field("ArgumentName", name).with_field("ArgumentValue", value)
}

pub(crate) fn empty_version_id() -> ApiError {
    invalid_argument("Version id cannot be the empty string", "versionId", "")
}

/// The resource is a delete marker, which only DELETE may name.
pub(crate) fn method_not_allowed(method: &str) -> ApiError {
    method_not_allowed_of(method, "DeleteMarker")
}

pub(crate) fn method_not_allowed_of(method: &str, kind: &str) -> ApiError {
    new("MethodNotAllowed", 405, "The specified method is not allowed against this resource.")
        .with_field("Method", method)
        .with_field("ResourceType", kind)
}

pub(crate) fn key_too_long(length: usize) -> ApiError {
    new("KeyTooLongError", 400, "Your key is too long")
        .with_field("Size", length.to_string())
        .with_field("MaxSizeAllowed", crate::names::KEY_BYTES_MAX.to_string())
}

pub(crate) fn entity_too_large(proposed: u64, max: u64) -> ApiError {
    new("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size")
        .with_field("ProposedSize", proposed.to_string())
        .with_field("MaxSizeAllowed", max.to_string())
}

pub(crate) fn metadata_too_large(size: usize, max: usize) -> ApiError {
    new("MetadataTooLarge", 400, "Your metadata headers exceed the maximum allowed metadata size")
        .with_field("Size", size.to_string())
        .with_field("MaxSizeAllowed", max.to_string())
}

pub(crate) fn missing_content_length() -> ApiError {
    new("MissingContentLength", 411, "You must provide the Content-Length HTTP header.")
}

pub(crate) fn incomplete_body() -> ApiError {
    let message = "You did not provide the number of bytes specified by the Content-Length HTTP header";
    new("IncompleteBody", 400, message)
}

/// `condition` is the header that did not hold, as `If-Match`.
pub(crate) fn precondition_failed(condition: &'static str) -> ApiError {
    new("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold")
        .with_field("Condition", condition)
}

/// Somebody else wrote the key between the beginning and the end of a conditional upload.
pub(crate) fn conflicting_write(condition: &'static str, key: &str) -> ApiError {
    let message =
        "The conditional request cannot succeed due to a conflicting operation against this resource.";
    new("ConditionalRequestConflict", 409, message).with_field("Condition", condition).with_field("Key", key)
}

pub(crate) fn not_modified() -> ApiError {
    new("NotModified", 304, "Not Modified")
}

pub(crate) fn invalid_range(requested: &str, size: u64) -> ApiError {
    new("InvalidRange", 416, "The requested range is not satisfiable")
        .with_field("RangeRequested", requested)
        .with_field("ActualObjectSize", size.to_string())
}

pub(crate) fn invalid_part_number(requested: i32, count: u32) -> ApiError {
    new("InvalidPartNumber", 416, "The requested partnumber is not satisfiable")
        .with_field("PartNumberRequested", requested.to_string())
        .with_field("ActualPartCount", count.to_string())
}

pub(crate) fn acl_not_supported() -> ApiError {
    new("AccessControlListNotSupported", 400, "The bucket does not allow ACLs")
}

pub(crate) fn acl_with_ownership() -> ApiError {
    let message = "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting";
    new("InvalidBucketAclWithObjectOwnership", 400, message)
}

pub(crate) fn invalid_object_state(message: impl Into<String>, class: &str) -> ApiError {
    new("InvalidObjectState", 403, message).with_field("StorageClass", class)
}

// Object Lock.

pub(crate) fn no_object_lock() -> ApiError {
    invalid_request("Bucket is missing Object Lock Configuration")
}

pub(crate) fn locked() -> ApiError {
    access_denied("Access Denied because object protected by object lock.")
}

pub(crate) fn invalid_digest(given: &str) -> ApiError {
    new("InvalidDigest", 400, "The Content-MD5 you specified was invalid.").with_field("Content-MD5", given)
}

pub(crate) fn bad_digest(expected: &str, calculated: &str) -> ApiError {
    new("BadDigest", 400, "The Content-MD5 you specified did not match what we received.")
        .with_field("ExpectedDigest", expected)
        .with_field("CalculatedDigest", calculated)
}

pub(crate) fn bad_checksum(algorithm: &str) -> ApiError {
    let message = format!("The {algorithm} you specified did not match the calculated checksum.");
    new("BadDigest", 400, message)
}

pub(crate) fn malformed_trailer() -> ApiError {
    let message = "The request contained trailing data that was not well-formed or did not conform to our published \
                   schema.";
    new("MalformedTrailerError", 400, message)
}

// Multipart uploads.

pub(crate) fn no_such_upload(upload_id: &str) -> ApiError {
    let message = "The specified upload does not exist. The upload ID may be invalid, or the upload may have been \
                   aborted or completed.";
    new("NoSuchUpload", 404, message).with_field("UploadId", upload_id)
}

pub(crate) fn invalid_part(upload_id: &str, number: i32, etag: &str) -> ApiError {
    let message = "One or more of the specified parts could not be found.  The part may not have been uploaded, or the \
                   specified entity tag may not match the part's entity tag.";
    new("InvalidPart", 400, message)
        .with_field("UploadId", upload_id)
        .with_field("PartNumber", number.to_string())
        .with_field("ETag", etag.trim_matches('"'))
}

pub(crate) fn invalid_part_order(upload_id: &str) -> ApiError {
    let message = "The list of parts was not in ascending order. Parts must be ordered by part number.";
    new("InvalidPartOrder", 400, message).with_field("UploadId", upload_id)
}

pub(crate) fn entity_too_small(size: u64, min: u64, number: i32, etag: &str) -> ApiError {
    new("EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed size")
        .with_field("ProposedSize", size.to_string())
        .with_field("MinSizeAllowed", min.to_string())
        .with_field("PartNumber", number.to_string())
        .with_field("ETag", etag.trim_matches('"'))
}
