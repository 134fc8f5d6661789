//! The service's errors, and the only place that gives them their names on the wire.

use haneul_accessanalyzer_wire::shapes as s;
use haneul_accessanalyzer_wire::values::error as code;
use haneul_kit::ApiError;

pub(crate) fn validation(reason: &str, message: impl Into<String>) -> ApiError {
    let message = message.into();
    let detail = s::ValidationException { message: message.clone(), reason: reason.into(), field_list: None };
    ApiError::new(code::VALIDATION_EXCEPTION, message).with_detail(detail)
}

pub(crate) fn invalid(message: impl Into<String>) -> ApiError {
    validation("fieldValidationFailed", message)
}

pub(crate) fn not_supported(message: impl Into<String>) -> ApiError {
    validation("notSupported", message)
}

pub(crate) fn unconfigured() -> ApiError {
    invalid("Analyzers of external access have no configuration.")
}

pub(crate) fn external_only(operation: &str) -> ApiError {
    not_supported(format!("{operation} is supported for external access analyzers only."))
}

pub(crate) fn not_found(id: &str, kind: &str) -> ApiError {
    let message = format!("{kind} with id '{id}' was not found.");
    let detail = s::ResourceNotFoundException {
        message: message.clone(),
        resource_id: id.into(),
        resource_type: kind.into(),
    };
    ApiError::new(code::RESOURCE_NOT_FOUND_EXCEPTION, message).with_detail(detail)
}

pub(crate) fn conflict(id: &str, kind: &str) -> ApiError {
    let message = format!("{kind} with id '{id}' already exists.");
    let detail =
        s::ConflictException { message: message.clone(), resource_id: id.into(), resource_type: kind.into() };
    ApiError::new(code::CONFLICT_EXCEPTION, message).with_detail(detail)
}

pub(crate) fn quota(id: &str, kind: &str, message: &str) -> ApiError {
    let detail = s::ServiceQuotaExceededException {
        message: message.into(),
        resource_id: id.into(),
        resource_type: kind.into(),
    };
    ApiError::new(code::SERVICE_QUOTA_EXCEEDED_EXCEPTION, message).with_detail(detail)
}

/// A policy that a check cannot read.
pub(crate) fn parameter(message: impl Into<String>) -> ApiError {
    ApiError::new(code::INVALID_PARAMETER_EXCEPTION, message.into())
}

pub(crate) fn no_organization() -> ApiError {
    validation(
        "other",
        "You must be the management account or a delegated administrator of an organization that has trusted access \
         for access-analyzer.amazonaws.com enabled to create an analyzer of this type.",
    )
}
