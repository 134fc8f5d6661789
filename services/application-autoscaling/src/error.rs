//! Every error of the service, in AWS's words.

use haneul_application_autoscaling_wire::shapes as s;
use haneul_application_autoscaling_wire::values::error;
use haneul_kit::ApiError;
use haneul_store::StoreError;

use crate::model::TargetKey;
use crate::target::NAMESPACE;

pub(crate) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new(error::VALIDATION_EXCEPTION, message)
}

pub(crate) fn limit_exceeded(message: impl Into<String>) -> ApiError {
    ApiError::new(error::LIMIT_EXCEEDED_EXCEPTION, message)
}

pub(crate) fn invalid_token() -> ApiError {
    ApiError::new(error::INVALID_NEXT_TOKEN_EXCEPTION, "The next token supplied was invalid.")
}

fn of_target(key: &TargetKey) -> String {
    format!("service namespace: {NAMESPACE}, resource ID: {}, scalable dimension: {}", key.2, key.3)
}

pub(crate) fn no_target(key: &TargetKey) -> ApiError {
    let message = format!("No scalable target registered for {}", of_target(key));
    ApiError::new(error::OBJECT_NOT_FOUND_EXCEPTION, message)
}

pub(crate) fn no_policy(key: &TargetKey, name: &str) -> ApiError {
    let message = format!("No scaling policy found for {}, policy name: {name}", of_target(key));
    ApiError::new(error::OBJECT_NOT_FOUND_EXCEPTION, message)
}

pub(crate) fn no_action(key: &TargetKey, name: &str) -> ApiError {
    let message = format!("No scheduled action found for {}, scheduled action name: {name}", of_target(key));
    ApiError::new(error::OBJECT_NOT_FOUND_EXCEPTION, message)
}

pub(crate) fn no_resource(arn: &str) -> ApiError {
    let message = format!("The resource with ARN {arn} does not exist.");
    let detail =
        s::ResourceNotFoundException { message: Some(message.clone()), resource_name: Some(arn.to_owned()) };
    ApiError::new(error::RESOURCE_NOT_FOUND_EXCEPTION, message).with_detail(detail)
}

pub(crate) fn too_many_tags(arn: &str) -> ApiError {
    let message = "The number of tags exceeds the limit of 50 for one scalable target.";
    let detail =
        s::TooManyTagsException { message: Some(message.to_owned()), resource_name: Some(arn.to_owned()) };
    ApiError::new(error::TOO_MANY_TAGS_EXCEPTION, message).with_detail(detail)
}

/// What the store says is our fault, never the client's.
pub(crate) fn store(error: StoreError) -> ApiError {
    error.into()
}
