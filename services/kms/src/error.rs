//! Every error of the service, in AWS's words where they are known.

use haneul_kit::{ApiError, Arn, Cx};
use haneul_kms_wire::values::error;

use crate::crypto::Refused;

const VALIDATION: &str = "ValidationException";
const ACCESS_DENIED: &str = "AccessDeniedException";

pub(crate) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new(VALIDATION, message)
}

/// AWS says no more.
pub(crate) fn not_authorized() -> ApiError {
    ApiError::new("NotAuthorizedException", "")
}

pub(crate) fn key_not_found(arn: &Arn) -> ApiError {
    ApiError::new(error::NOT_FOUND_EXCEPTION, format!("Key '{arn}' does not exist"))
}

pub(crate) fn alias_not_found(arn: &Arn) -> ApiError {
    ApiError::new(error::NOT_FOUND_EXCEPTION, format!("Alias {arn} is not found."))
}

pub(crate) fn invalid_key_id(text: &str) -> ApiError {
    ApiError::new(error::NOT_FOUND_EXCEPTION, format!("Invalid keyId '{text}'"))
}

pub(crate) fn other_region(region: &str) -> ApiError {
    ApiError::new(error::NOT_FOUND_EXCEPTION, format!("Invalid arn {region}"))
}

pub(crate) fn invalid_arn(text: &str) -> ApiError {
    ApiError::new(error::INVALID_ARN_EXCEPTION, format!("{text} is not a valid ARN for a KMS key."))
}

/// Operations that work on keys of one's own account only.
pub(crate) fn foreign(cx: &Cx, action: &str, arn: &Arn) -> ApiError {
    ApiError::new(
        ACCESS_DENIED,
        format!(
            "User: {} is not authorized to perform: {action} on resource: {arn} because the resource does not exist \
             in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies \
             access",
            cx.caller().arn()
        ),
    )
}

/// Decrypt without KeyId, whose ciphertext names a key that is not there.
pub(crate) fn ciphertext_key() -> ApiError {
    ApiError::new(
        ACCESS_DENIED,
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you \
         are not allowed to access.",
    )
}

pub(crate) fn disabled(arn: &Arn) -> ApiError {
    ApiError::new(error::DISABLED_EXCEPTION, format!("{arn} is disabled."))
}

/// `… is pending deletion.`
pub(crate) fn invalid_state(arn: &Arn, state: &str) -> ApiError {
    ApiError::new(error::KMS_INVALID_STATE_EXCEPTION, format!("{arn} {state}."))
}

pub(crate) fn usage(arn: &Arn, usage: &str, operation: &str) -> ApiError {
    ApiError::new(
        error::INVALID_KEY_USAGE_EXCEPTION,
        format!("{arn} key usage is {usage} which is not valid for {operation}."),
    )
}

pub(crate) fn key_spec(arn: &Arn, spec: &str, operation: &str) -> ApiError {
    ApiError::new(
        error::INVALID_KEY_USAGE_EXCEPTION,
        format!("{arn} key spec is {spec} which is not valid for {operation}."),
    )
}

pub(crate) fn algorithm(algorithm: &str, spec: &str) -> ApiError {
    ApiError::new(
        error::INVALID_KEY_USAGE_EXCEPTION,
        format!("Algorithm {algorithm} is not valid for key spec {spec}."),
    )
}

pub(crate) fn unsupported(message: impl Into<String>) -> ApiError {
    ApiError::new(error::UNSUPPORTED_OPERATION_EXCEPTION, message)
}

/// A Nitro enclave's attestation cannot be checked without AWS's hardware.
pub(crate) fn recipient() -> ApiError {
    unsupported("Recipient is not supported: Haneul cannot verify attestation documents of Nitro enclaves.")
}

pub(crate) fn dry_run() -> ApiError {
    ApiError::new(
        error::DRY_RUN_OPERATION_EXCEPTION,
        "The request would have succeeded, but the DryRun option is set.",
    )
}

/// AWS sends these two without a message.
pub(crate) fn invalid_ciphertext() -> ApiError {
    ApiError::new(error::INVALID_CIPHERTEXT_EXCEPTION, "")
}

pub(crate) fn invalid_signature() -> ApiError {
    ApiError::new(error::KMS_INVALID_SIGNATURE_EXCEPTION, "")
}

pub(crate) fn invalid_mac() -> ApiError {
    ApiError::new(error::KMS_INVALID_MAC_EXCEPTION, "")
}

pub(crate) fn incorrect_key() -> ApiError {
    ApiError::new(
        error::INCORRECT_KEY_EXCEPTION,
        "The key ID in the request does not identify a CMK that can perform this operation.",
    )
}

pub(crate) fn invalid_alias(message: impl Into<String>) -> ApiError {
    ApiError::new(error::INVALID_ALIAS_NAME_EXCEPTION, message)
}

pub(crate) fn exists(arn: &Arn) -> ApiError {
    ApiError::new(error::ALREADY_EXISTS_EXCEPTION, format!("An alias with the name {arn} already exists"))
}

pub(crate) fn already_exists(message: impl Into<String>) -> ApiError {
    ApiError::new(error::ALREADY_EXISTS_EXCEPTION, message)
}

pub(crate) fn policy(message: impl Into<String>) -> ApiError {
    ApiError::new(error::MALFORMED_POLICY_DOCUMENT_EXCEPTION, message)
}

pub(crate) fn limit(message: impl Into<String>) -> ApiError {
    ApiError::new(error::LIMIT_EXCEEDED_EXCEPTION, message)
}

pub(crate) fn tag(message: impl Into<String>) -> ApiError {
    ApiError::new(error::TAG_EXCEPTION, message)
}

pub(crate) fn marker() -> ApiError {
    ApiError::new(error::INVALID_MARKER_EXCEPTION, "The marker is not valid for this request.")
}

pub(crate) fn grant_token() -> ApiError {
    ApiError::new(error::INVALID_GRANT_TOKEN_EXCEPTION, "The grant token is not valid.")
}

pub(crate) fn grant_id(id: &str) -> ApiError {
    ApiError::new(error::INVALID_GRANT_ID_EXCEPTION, format!("Grant ID {id} is not valid."))
}

pub(crate) fn grant_not_found(id: &str) -> ApiError {
    ApiError::new(error::NOT_FOUND_EXCEPTION, format!("Grant ID {id} not found"))
}

pub(crate) fn import_token() -> ApiError {
    ApiError::new(error::INVALID_IMPORT_TOKEN_EXCEPTION, "The import token is not valid for this key.")
}

pub(crate) fn import_token_expired() -> ApiError {
    ApiError::new(error::EXPIRED_IMPORT_TOKEN_EXCEPTION, "The import token has expired.")
}

pub(crate) fn incorrect_material(message: &str) -> ApiError {
    ApiError::new(error::INCORRECT_KEY_MATERIAL_EXCEPTION, message)
}

/// A key of ours that does not do what it can: damaged state, never the caller's mistake.
pub(crate) fn broken(_: Refused) -> ApiError {
    ApiError::internal("key material cannot be used")
}
