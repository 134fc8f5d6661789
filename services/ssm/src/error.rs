//! Every error of the service, in AWS's words where they are known.

use haneul_kit::{ApiError, Fault};
use haneul_ssm_wire::values::error;

pub(crate) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationException", message)
}

/// AWS says nothing but the code.
pub(crate) fn not_found() -> ApiError {
    ApiError::new(error::PARAMETER_NOT_FOUND, "")
}

/// Said of whatever is wrong with a name.
pub(crate) fn name() -> ApiError {
    validation(
        "Parameter name: can't be prefixed with \"ssm\" (case-insensitive). If formed as a path, it can consist of sub-paths \
         divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_",
    )
}

pub(crate) fn version_not_found(name: &str, version: &str) -> ApiError {
    ApiError::new(
        error::PARAMETER_VERSION_NOT_FOUND,
        format!(
            "Systems Manager could not find version {version} of {name}. Verify the version and try again."
        ),
    )
}

pub(crate) fn label_not_found(name: &str, label: &str) -> ApiError {
    ApiError::new(
        error::PARAMETER_VERSION_NOT_FOUND,
        format!(
            "Systems Manager could not find label {label} for parameter {name}. Verify the label and try again."
        ),
    )
}

pub(crate) fn exists() -> ApiError {
    ApiError::new(
        error::PARAMETER_ALREADY_EXISTS,
        "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
    )
}

pub(crate) fn reserved(name: &str) -> ApiError {
    ApiError::new("AccessDeniedException", format!("No access to reserved parameter name: {name}."))
}

pub(crate) fn depth() -> ApiError {
    ApiError::new(
        error::HIERARCHY_LEVEL_LIMIT_EXCEEDED_EXCEPTION,
        "A hierarchy can have a maximum of 15 levels. For more information, see Requirements and constraints for \
         parameter names in the AWS Systems Manager User Guide.",
    )
}

pub(crate) fn type_mismatch() -> ApiError {
    ApiError::new(
        error::HIERARCHY_TYPE_MISMATCH_EXCEPTION,
        "Parameter Store does not support changing a parameter type in a hierarchy. For example, you can't change a \
         parameter from a String type to a SecureString type. You must create a new, unique parameter.",
    )
}

pub(crate) fn pattern(pattern: &str) -> ApiError {
    ApiError::new(
        error::PARAMETER_PATTERN_MISMATCH_EXCEPTION,
        format!("Parameter value, cannot be validated against allowedPattern: {pattern}"),
    )
}

pub(crate) fn invalid_pattern() -> ApiError {
    ApiError::new(
        error::INVALID_ALLOWED_PATTERN_EXCEPTION,
        "The request does not meet the regular expression requirement.",
    )
}

pub(crate) fn versions_limit(name: &str, oldest: u64) -> ApiError {
    ApiError::new(
        error::PARAMETER_MAX_VERSION_LIMIT_EXCEEDED,
        format!(
            "You attempted to create a new version of {name} by calling the PutParameter API with the overwrite flag. \
             Version {oldest}, the oldest version, can't be deleted because it has a label associated with it. Move the \
             label to another version of the parameter, and try again."
        ),
    )
}

pub(crate) fn labels_limit() -> ApiError {
    ApiError::new(
        error::PARAMETER_VERSION_LABEL_LIMIT_EXCEEDED,
        "A parameter version can have maximum 10 labels. Move one or more labels to another version and try again.",
    )
}

pub(crate) fn limit(message: &str) -> ApiError {
    ApiError::new(error::PARAMETER_LIMIT_EXCEEDED, message)
}

pub(crate) fn policy_type(message: impl Into<String>) -> ApiError {
    ApiError::new(error::INVALID_POLICY_TYPE_EXCEPTION, message)
}

pub(crate) fn policy_attribute(message: impl Into<String>) -> ApiError {
    ApiError::new(error::INVALID_POLICY_ATTRIBUTE_EXCEPTION, message)
}

pub(crate) fn policies_limit() -> ApiError {
    ApiError::new(error::POLICIES_LIMIT_EXCEEDED_EXCEPTION, "A parameter can have at most 10 policies.")
}

pub(crate) fn filter_key(message: impl Into<String>) -> ApiError {
    ApiError::new(error::INVALID_FILTER_KEY, message)
}

pub(crate) fn filter_value(message: impl Into<String>) -> ApiError {
    ApiError::new(error::INVALID_FILTER_VALUE, message)
}

pub(crate) fn filter_option(message: impl Into<String>) -> ApiError {
    ApiError::new(error::INVALID_FILTER_OPTION, message)
}

pub(crate) fn next_token() -> ApiError {
    ApiError::new("InvalidNextToken", "The specified token isn't valid.")
}

pub(crate) fn resource_type() -> ApiError {
    ApiError::new(
        error::INVALID_RESOURCE_TYPE,
        "The resource type isn't valid: Haneul's Systems Manager has parameters only.",
    )
}

pub(crate) fn resource_id() -> ApiError {
    ApiError::new(
        error::INVALID_RESOURCE_ID,
        "The resource ID isn't valid. Verify that you entered the correct ID and try again.",
    )
}

pub(crate) fn too_many_tags() -> ApiError {
    ApiError::new(error::TOO_MANY_TAGS_ERROR, "The Targets parameter includes too many tags.")
}

pub(crate) fn setting(id: &str) -> ApiError {
    ApiError::new(error::SERVICE_SETTING_NOT_FOUND, format!("The service setting {id} was not found."))
}

pub(crate) fn resource_policy(message: impl Into<String>) -> ApiError {
    ApiError::new(error::RESOURCE_POLICY_INVALID_PARAMETER_EXCEPTION, message)
}

pub(crate) fn resource_policy_document(message: impl Into<String>) -> ApiError {
    ApiError::new(error::MALFORMED_RESOURCE_POLICY_DOCUMENT_EXCEPTION, message)
}

pub(crate) fn resource_policy_conflict() -> ApiError {
    ApiError::new(
        error::RESOURCE_POLICY_CONFLICT_EXCEPTION,
        "The hash provided in the call doesn't match the stored hash.",
    )
}

pub(crate) fn resource_policy_limit() -> ApiError {
    ApiError::new(
        error::RESOURCE_POLICY_LIMIT_EXCEEDED_EXCEPTION,
        "The parameter has a resource policy already; give its id and hash to change it.",
    )
}

pub(crate) fn resource_policy_not_found() -> ApiError {
    ApiError::new(
        error::RESOURCE_POLICY_NOT_FOUND_EXCEPTION,
        "No policies with matching policy ID and hash could be found.",
    )
}

pub(crate) fn resource_not_found() -> ApiError {
    ApiError::new(
        error::RESOURCE_NOT_FOUND_EXCEPTION,
        "The specified parameter to be shared could not be found.",
    )
}

/// What KMS said, as Parameter Store passes it on.
pub(crate) fn kms(refused: ApiError) -> ApiError {
    match (refused.fault(), refused.code()) {
        (Fault::Client, "AccessDeniedException") => ApiError::new(
            "AccessDeniedException",
            format!(
                "The ciphertext refers to a customer master key that you cannot use: {}",
                refused.message()
            ),
        ),
        (Fault::Client, _) => ApiError::new(
            error::INVALID_KEY_ID,
            format!("{} (Service: AWSKMS; Error Code: {})", refused.message(), refused.code()),
        ),
        (Fault::Server, _) => refused,
    }
}
