//! The texts of STS's errors, and the only place that gives them their names on the wire.

use haneul_kit::ApiError;
use haneul_policy::{ErrorKind, PolicyError};
use haneul_sts_wire::values::error as code;

pub(crate) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationError", message)
}

fn access_denied(message: impl Into<String>) -> ApiError {
    ApiError::new("AccessDenied", message).with_status(403)
}

pub(crate) fn role_arn(arn: &str) -> ApiError {
    validation(format!("{arn} is invalid"))
}

pub(crate) fn root_assumes() -> ApiError {
    access_denied("Roles may not be assumed by root accounts.")
}

pub(crate) fn federated_assumes() -> ApiError {
    access_denied("Roles may not be assumed by federated users.")
}

/// `operation` needs credentials that last.
pub(crate) fn session_calls(operation: &str) -> ApiError {
    access_denied(format!("Cannot call {operation} with session credentials"))
}

pub(crate) fn not_a_user(operation: &str) -> ApiError {
    access_denied(format!("Cannot call {operation} without the credentials of a user or the root user"))
}

pub(crate) fn mfa() -> ApiError {
    access_denied(
        "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is \
         valid and associated with this user.",
    )
}

pub(crate) fn longer_than_role() -> ApiError {
    validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
}

pub(crate) fn longer_than_chain() -> ApiError {
    validation(
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    )
}

pub(crate) fn too_many_policy_arns() -> ApiError {
    validation("The number of managed session policies exceeds the limit of 10.")
}

pub(crate) fn policy_arn(arn: &str) -> ApiError {
    validation(format!("Policy {arn} does not exist or is not attachable."))
}

pub(crate) fn too_many_tags() -> ApiError {
    validation("The number of session tags exceeds the limit of 50.")
}

pub(crate) fn duplicate_tag() -> ApiError {
    ApiError::new(
        "InvalidParameterValue",
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    )
}

pub(crate) fn reserved_tag() -> ApiError {
    ApiError::new("InvalidParameterValue", "Session tag keys must not begin with aws:.")
}

pub(crate) fn transitive_key(key: &str) -> ApiError {
    let message = format!("The specified transitive tag key {key} must be included in the requested tags.");
    ApiError::new("InvalidParameterValue", message)
}

pub(crate) fn overrides_transitive(key: &str) -> ApiError {
    let message = format!(
        "One of the specified transitive tag keys can't be set because it conflicts with a \
                           transitive tag key from the calling session: {key}"
    );
    ApiError::new("InvalidParameterValue", message)
}

pub(crate) fn source_identity() -> ApiError {
    access_denied("The source identity of a session cannot be changed by the sessions that follow it.")
}

pub(crate) fn session_policy(error: PolicyError) -> ApiError {
    match error.kind {
        ErrorKind::TooLong { length, length_max } => packed_size(length * 100 / length_max),
        _ => ApiError::new(code::MALFORMED_POLICY_DOCUMENT_EXCEPTION, error.message),
    }
}

pub(crate) fn packed_size(percent: usize) -> ApiError {
    let message = format!("Packed policy consumes {percent}% of allotted space, please use smaller policy.");
    ApiError::new(code::PACKED_POLICY_TOO_LARGE_EXCEPTION, message)
}

pub(crate) fn access_key_id() -> ApiError {
    validation("The access key ID is not valid.")
}

pub(crate) fn authorization_message() -> ApiError {
    let message = "The message to decode is not an encoded authorization message of this account.";
    ApiError::new(code::INVALID_AUTHORIZATION_MESSAGE_EXCEPTION, message)
}

pub(crate) fn provided_contexts() -> ApiError {
    ApiError::new("NotImplemented", "Haneul does not take ProvidedContexts yet.").with_status(501)
}

pub(crate) fn token_size() -> ApiError {
    ApiError::new(
        "NotImplemented",
        "Haneul's session tokens are shorter than the MinimumSessionTokenSize that was asked for.",
    )
    .with_status(501)
}
