//! Every error of the service, in AWS's words where they are known.

use haneul_kit::{ApiError, Fault};
use haneul_secretsmanager_wire::values::error;

pub(crate) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationException", message)
}

pub(crate) fn not_found() -> ApiError {
    ApiError::new(error::RESOURCE_NOT_FOUND_EXCEPTION, "Secrets Manager can't find the specified secret.")
}

/// `staging label: AWSCURRENT`, `VersionId: …`
pub(crate) fn value_not_found(what: &str) -> ApiError {
    ApiError::new(
        error::RESOURCE_NOT_FOUND_EXCEPTION,
        format!("Secrets Manager can't find the specified secret value for {what}"),
    )
}

pub(crate) fn version_not_found(id: &str) -> ApiError {
    ApiError::new(
        error::RESOURCE_NOT_FOUND_EXCEPTION,
        format!("Secrets Manager can't find the specified secret version {id}."),
    )
}

pub(crate) fn exists(name: &str) -> ApiError {
    ApiError::new(
        error::RESOURCE_EXISTS_EXCEPTION,
        format!("The operation failed because the secret {name} already exists."),
    )
}

pub(crate) fn version_exists(id: &str, arn: &str) -> ApiError {
    ApiError::new(
        error::RESOURCE_EXISTS_EXCEPTION,
        format!(
            "You can't use ClientRequestToken {id} because that value is already in use for a version of secret \
             {arn}."
        ),
    )
}

pub(crate) fn no_token() -> ApiError {
    request("You must provide a ClientRequestToken value. We recommend a UUID-type value.")
}

pub(crate) fn deleted() -> ApiError {
    request("You can't perform this operation on the secret because it was marked for deletion.")
}

pub(crate) fn name_scheduled_for_deletion() -> ApiError {
    request("You can't create this secret because a secret with this name is already scheduled for deletion.")
}

pub(crate) fn replica() -> ApiError {
    request("Operation not permitted on a replica secret. Call must be made in primary secret's region.")
}

pub(crate) fn request(message: impl Into<String>) -> ApiError {
    ApiError::new(error::INVALID_REQUEST_EXCEPTION, message)
}

pub(crate) fn parameter(message: impl Into<String>) -> ApiError {
    ApiError::new(error::INVALID_PARAMETER_EXCEPTION, message)
}

pub(crate) fn limit(message: impl Into<String>) -> ApiError {
    ApiError::new(error::LIMIT_EXCEEDED_EXCEPTION, message)
}

pub(crate) fn next_token() -> ApiError {
    ApiError::new(error::INVALID_NEXT_TOKEN_EXCEPTION, "The NextToken value is invalid.")
}

pub(crate) fn policy(message: impl Into<String>) -> ApiError {
    ApiError::new(error::MALFORMED_POLICY_DOCUMENT_EXCEPTION, message)
}

pub(crate) fn public_policy() -> ApiError {
    ApiError::new(
        error::PUBLIC_POLICY_EXCEPTION,
        "The BlockPublicPolicy parameter is set to true, and the resource policy did not prevent broad access to the \
         secret.",
    )
}

/// What KMS said, as Secrets Manager passes it on. `failure` is EncryptionFailure or DecryptionFailure.
pub(crate) fn kms(refused: ApiError, failure: &'static str) -> ApiError {
    match (refused.fault(), refused.code()) {
        (Fault::Client, "AccessDeniedException") => {
            ApiError::new("AccessDeniedException", "Access to KMS is not allowed")
        }
        (Fault::Client, _) => ApiError::new(
            failure,
            format!("Secrets Manager can't use the KMS key of the secret: {}", refused.message()),
        ),
        (Fault::Server, _) => refused,
    }
}

pub(crate) const ENCRYPTION: &str = error::ENCRYPTION_FAILURE;
pub(crate) const DECRYPTION: &str = error::DECRYPTION_FAILURE;
