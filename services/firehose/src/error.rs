//! Every error of the service, in AWS's words.

use haneul_firehose_wire::values::error;
use haneul_kit::{ApiError, Fault};

use crate::model::StreamKey;

pub(crate) const SLOW_DOWN: &str = "Slow down.";

pub(crate) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(error::INVALID_ARGUMENT_EXCEPTION, message)
}

/// What AWS has and this cloud has not.
pub(crate) fn not_offered(what: &str) -> ApiError {
    invalid(format!("{what} is not offered by Haneul."))
}

/// More than a stream takes a second; also what each record of PutRecordBatch is refused with. Whoever puts may try again.
pub(crate) fn slow_down() -> ApiError {
    ApiError::new(error::SERVICE_UNAVAILABLE_EXCEPTION, SLOW_DOWN).with_fault(Fault::Server).with_status(503)
}

/// For what only streams know that are put into.
pub(crate) fn not_for_sources() -> ApiError {
    invalid("This operation is not permitted on KinesisStreamAsSource delivery stream type.")
}

pub(crate) fn no_stream(key: &StreamKey) -> ApiError {
    let message = format!("Firehose {} under account {} not found.", key.2, key.0);
    ApiError::new(error::RESOURCE_NOT_FOUND_EXCEPTION, message)
}

pub(crate) fn there_already(key: &StreamKey) -> ApiError {
    let message = format!("Firehose {} under accountId {} already exists", key.2, key.0);
    ApiError::new(error::RESOURCE_IN_USE_EXCEPTION, message)
}

pub(crate) fn too_many(message: impl Into<String>) -> ApiError {
    ApiError::new(error::LIMIT_EXCEEDED_EXCEPTION, message)
}

pub(crate) fn changed_at_once(key: &StreamKey) -> ApiError {
    let message = format!("The encryption of Firehose {} under account {} is being changed.", key.2, key.0);
    ApiError::new(error::RESOURCE_IN_USE_EXCEPTION, message)
}

/// What KMS refuses, in its words. Source: API Reference, "InvalidKMSResourceException".
pub(crate) fn kms(refused: ApiError) -> ApiError {
    match refused.code() {
        "AccessDeniedException"
        | "AccessDenied"
        | "DisabledException"
        | "KMSInvalidStateException"
        | "NotFoundException"
        | "InvalidKeyUsageException"
        | "InvalidArnException" => ApiError::new(error::INVALID_KMS_RESOURCE_EXCEPTION, refused.message()),
        _ => refused,
    }
}

pub(crate) fn changed_meanwhile(current: u64, given: &str) -> ApiError {
    let message = format!("Version IDs do not match. Current: {current}, given: {given}.");
    ApiError::new(error::CONCURRENT_MODIFICATION_EXCEPTION, message)
}
