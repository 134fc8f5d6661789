//! The service's errors, in AWS's words, and the only place that gives them their names on the wire.

use haneul_cloudwatch_wire::shapes as s;
use haneul_cloudwatch_wire::values::error as code;
use haneul_kit::ApiError;

pub(crate) fn invalid_value(message: impl Into<String>) -> ApiError {
    ApiError::new(code::INVALID_PARAMETER_VALUE_EXCEPTION, message)
}

pub(crate) fn invalid_combination(message: impl Into<String>) -> ApiError {
    ApiError::new(code::INVALID_PARAMETER_COMBINATION_EXCEPTION, message)
}

pub(crate) fn missing(message: impl Into<String>) -> ApiError {
    ApiError::new(code::MISSING_REQUIRED_PARAMETER_EXCEPTION, message)
}

pub(crate) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new(code::VALIDATION_EXCEPTION, message)
}

pub(crate) fn next_token() -> ApiError {
    ApiError::new(code::INVALID_NEXT_TOKEN, "Invalid nextToken")
}

/// `The value NaN for parameter MetricData.member.1.Value is invalid.`
pub(crate) fn value_for(value: impl std::fmt::Display, parameter: &str) -> ApiError {
    invalid_value(format!("The value {value} for parameter {parameter} is invalid."))
}

pub(crate) fn exclusive(one: &str, other: &str) -> ApiError {
    invalid_combination(format!(
        "The parameters {one} and {other} are mutually exclusive and you have specified both."
    ))
}

pub(crate) fn alarm_not_found() -> ApiError {
    ApiError::new(code::RESOURCE_NOT_FOUND, "Unknown alarm.")
}

pub(crate) fn alarm_limit() -> ApiError {
    ApiError::new(code::LIMIT_EXCEEDED_FAULT, "The quota of alarms for this account has been reached.")
}

pub(crate) fn mute_rule_limit() -> ApiError {
    ApiError::new(code::LIMIT_EXCEEDED_FAULT, "The quota of alarm mute rules has been reached.")
}

pub(crate) fn stream_limit() -> ApiError {
    ApiError::new(code::LIMIT_EXCEEDED_FAULT, "The quota of metric streams has been reached.")
}

pub(crate) fn query_definition_limit() -> ApiError {
    let message = "The quota of metric data query definitions has been reached.";
    ApiError::new(code::LIMIT_EXCEEDED_EXCEPTION, message)
}

pub(crate) fn query_definition_not_found(id: &str) -> ApiError {
    resource_not_found("MetricDataQueryDefinition", id)
}

pub(crate) fn path_taken(path: &str) -> ApiError {
    ApiError::new(
        code::CONFLICT_EXCEPTION,
        format!("Another metric data query definition has the path {path}."),
    )
}

pub(crate) fn resource_not_found(kind: &str, id: &str) -> ApiError {
    ApiError::new(code::RESOURCE_NOT_FOUND_EXCEPTION, format!("{kind} {id} does not exist.")).with_detail(
        s::ResourceNotFoundException { resource_type: Some(kind.into()), resource_id: Some(id.into()) },
    )
}

pub(crate) fn detector_not_found() -> ApiError {
    ApiError::new(code::RESOURCE_NOT_FOUND_EXCEPTION, "There is no anomaly detector of this kind.")
        .with_detail(s::ResourceNotFoundException {
            resource_type: Some("AnomalyDetector".into()),
            resource_id: None,
        })
}

pub(crate) fn dashboard_not_found(name: &str) -> ApiError {
    ApiError::new(code::DASHBOARD_NOT_FOUND_ERROR, format!("Dashboard {name} does not exist"))
}

pub(crate) fn dashboard_invalid(messages: Vec<s::DashboardValidationMessage>) -> ApiError {
    let sentence = "The dashboard body is invalid, there are validation errors: ";
    let list: Vec<String> = messages
        .iter()
        .map(|one| {
            format!(
                "{}: {}",
                one.data_path.as_deref().unwrap_or("/"),
                one.message.as_deref().unwrap_or_default()
            )
        })
        .collect();
    ApiError::new(code::DASHBOARD_INVALID_INPUT_ERROR, format!("{sentence}{}", list.join("; "))).with_detail(
        s::DashboardInvalidInputError { message: None, dashboard_validation_messages: Some(messages) },
    )
}

pub(crate) fn rule_not_found(name: &str) -> ApiError {
    resource_not_found("InsightRule", name)
}

pub(crate) fn rule_limit() -> ApiError {
    ApiError::new(
        code::LIMIT_EXCEEDED_EXCEPTION,
        "The quota of Contributor Insights rules for this account has been reached.",
    )
}

/// A rule that only the service which made it may change.
pub(crate) fn rule_managed(by: &str) -> ApiError {
    invalid_value(format!("The rule is managed by {by} and can only be changed there."))
}

/// A parameter whose guarantee cannot be kept yet.
pub(crate) fn not_offered(what: &str) -> ApiError {
    validation(format!("{what} is not offered by Haneul."))
}
