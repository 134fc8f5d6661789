//! Every error of the service, in AWS's words where they are known.

use haneul_cloudtrail_wire::values::error as code;
use haneul_kit::{AccountId, ApiError};

pub(crate) fn trail_name(message: impl Into<String>) -> ApiError {
    ApiError::new(code::INVALID_TRAIL_NAME_EXCEPTION, message)
}

pub(crate) fn trail_arn(given: &str) -> ApiError {
    ApiError::new(code::CLOUD_TRAIL_ARN_INVALID_EXCEPTION, format!("Trail ARN {given} is not valid."))
}

pub(crate) fn trail_not_found(given: &str, account: AccountId) -> ApiError {
    ApiError::new(code::TRAIL_NOT_FOUND_EXCEPTION, format!("Unknown trail: {given} for the user: {account}"))
}

pub(crate) fn trail_exists(name: &str, account: AccountId) -> ApiError {
    let message = format!("Trail {name} already exists for customer: {account}");
    ApiError::new(code::TRAIL_ALREADY_EXISTS_EXCEPTION, message)
}

pub(crate) fn too_many_trails(account: AccountId, count: usize, region: &str) -> ApiError {
    let message = format!("User: {account} already has {count} trails in {region}.");
    ApiError::new(code::MAXIMUM_NUMBER_OF_TRAILS_EXCEEDED_EXCEPTION, message)
}

pub(crate) fn home_region(arn: &str, region: &str) -> ApiError {
    let message = format!("The trail {arn} can be changed in its home region {region} only.");
    ApiError::new(code::INVALID_HOME_REGION_EXCEPTION, message)
}

pub(crate) fn not_trails_owner() -> ApiError {
    ApiError::new(code::OPERATION_NOT_PERMITTED_EXCEPTION, "The trail belongs to another account.")
}

pub(crate) fn combination(message: &str) -> ApiError {
    ApiError::new(code::INVALID_PARAMETER_COMBINATION_EXCEPTION, message)
}

pub(crate) fn bucket_name(name: &str) -> ApiError {
    ApiError::new(code::INVALID_S3_BUCKET_NAME_EXCEPTION, format!("Bucket name {name} is not valid."))
}

pub(crate) fn no_bucket(name: &str) -> ApiError {
    ApiError::new(code::S3_BUCKET_DOES_NOT_EXIST_EXCEPTION, format!("S3 bucket {name} does not exist!"))
}

pub(crate) fn bucket_policy(name: &str) -> ApiError {
    let message = format!("Incorrect S3 bucket policy is detected for bucket: {name}");
    ApiError::new(code::INSUFFICIENT_S3_BUCKET_POLICY_EXCEPTION, message)
}

pub(crate) fn prefix() -> ApiError {
    ApiError::new(
        code::INVALID_S3_PREFIX_EXCEPTION,
        "S3 prefix is longer than maximum allowed size of 200 characters",
    )
}

pub(crate) fn no_key(name: &str) -> ApiError {
    ApiError::new(code::KMS_KEY_NOT_FOUND_EXCEPTION, format!("KMS key {name} does not exist."))
}

pub(crate) fn key_id(name: &str) -> ApiError {
    ApiError::new(code::INVALID_KMS_KEY_ID_EXCEPTION, format!("KMS key {name} is not valid."))
}

pub(crate) fn key_policy() -> ApiError {
    ApiError::new(
        code::INSUFFICIENT_ENCRYPTION_POLICY_EXCEPTION,
        "Insufficient permissions to access S3 bucket or KMS key.",
    )
}

pub(crate) fn log_group() -> ApiError {
    ApiError::new(
        code::INVALID_CLOUD_WATCH_LOGS_LOG_GROUP_ARN_EXCEPTION,
        "CloudTrail cannot validate the specified log group ARN.",
    )
}

pub(crate) fn logs_role(message: &str) -> ApiError {
    ApiError::new(code::INVALID_CLOUD_WATCH_LOGS_ROLE_ARN_EXCEPTION, message)
}

pub(crate) fn topics() -> ApiError {
    ApiError::new("NotImplemented", "Haneul's CloudTrail does not publish to SNS topics yet.")
        .with_status(501)
}

pub(crate) fn selectors(message: impl Into<String>) -> ApiError {
    ApiError::new(code::INVALID_EVENT_SELECTORS_EXCEPTION, message)
}

pub(crate) fn insights_off(trail: &str) -> ApiError {
    let message = format!(
        "Trail {trail} does not have Insights enabled. Edit the trail settings to enable Insights, and then try the operation again."
    );
    ApiError::new(code::INSIGHT_NOT_ENABLED_EXCEPTION, message)
}

pub(crate) fn insight_selectors(message: impl Into<String>) -> ApiError {
    ApiError::new(code::INVALID_INSIGHT_SELECTORS_EXCEPTION, message)
}

pub(crate) fn time_range() -> ApiError {
    let message = "Invalid time range: the start time is after the end time.";
    ApiError::new(code::INVALID_TIME_RANGE_EXCEPTION, message)
}

pub(crate) fn next_token() -> ApiError {
    ApiError::new(code::INVALID_NEXT_TOKEN_EXCEPTION, "Invalid NextToken.")
}

pub(crate) fn lookup_attributes(message: &str) -> ApiError {
    ApiError::new(code::INVALID_LOOKUP_ATTRIBUTES_EXCEPTION, message)
}

pub(crate) fn max_results(name: &str) -> ApiError {
    ApiError::new(code::INVALID_MAX_RESULTS_EXCEPTION, format!("{name} is not within its limits."))
}

pub(crate) fn no_resource(arn: &str) -> ApiError {
    ApiError::new(code::RESOURCE_NOT_FOUND_EXCEPTION, format!("Resource {arn} does not exist."))
}

pub(crate) fn tags_limit() -> ApiError {
    ApiError::new(code::TAGS_LIMIT_EXCEEDED_EXCEPTION, "The number of tags per resource cannot exceed 50.")
}

pub(crate) fn tag(message: impl Into<String>) -> ApiError {
    ApiError::new(code::INVALID_TAG_PARAMETER_EXCEPTION, message)
}

pub(crate) fn resource_type(arn: &str) -> ApiError {
    let message = format!("Tagging is not supported for resource {arn}.");
    ApiError::new(code::RESOURCE_TYPE_NOT_SUPPORTED_EXCEPTION, message)
}

pub(crate) fn no_organization() -> ApiError {
    ApiError::new(
        code::ORGANIZATIONS_NOT_IN_USE_EXCEPTION,
        "Your account is not a member of an organization.",
    )
}

pub(crate) fn not_management_account() -> ApiError {
    ApiError::new(
        code::NOT_ORGANIZATION_MASTER_ACCOUNT_EXCEPTION,
        "The account is neither the management account of the organization nor a delegated administrator for CloudTrail.",
    )
}

pub(crate) fn trusted_access() -> ApiError {
    ApiError::new(
        code::CLOUD_TRAIL_ACCESS_NOT_ENABLED_EXCEPTION,
        "Trusted access is not enabled for CloudTrail in the organization.",
    )
}

pub(crate) fn store_arn(given: &str) -> ApiError {
    let message = format!("{given} is not a valid event data store ARN or ID.");
    ApiError::new(code::EVENT_DATA_STORE_ARN_INVALID_EXCEPTION, message)
}

pub(crate) fn no_store(given: &str) -> ApiError {
    let message = format!("Event data store {given} was not found.");
    ApiError::new(code::EVENT_DATA_STORE_NOT_FOUND_EXCEPTION, message)
}

pub(crate) fn store_exists(name: &str) -> ApiError {
    let message = format!("An event data store with the name {name} already exists.");
    ApiError::new(code::EVENT_DATA_STORE_ALREADY_EXISTS_EXCEPTION, message)
}

pub(crate) fn too_many_stores() -> ApiError {
    ApiError::new(
        code::EVENT_DATA_STORE_MAX_LIMIT_EXCEEDED_EXCEPTION,
        "The account has as many event data stores as are allowed.",
    )
}

pub(crate) fn store_protected() -> ApiError {
    ApiError::new(
        code::EVENT_DATA_STORE_TERMINATION_PROTECTED_EXCEPTION,
        "The event data store cannot be deleted because termination protection is enabled for it.",
    )
}

pub(crate) fn store_inactive(given: &str) -> ApiError {
    let message = format!("The event data store {given} is inactive.");
    ApiError::new(code::INACTIVE_EVENT_DATA_STORE_EXCEPTION, message)
}

pub(crate) fn store_status(message: &str) -> ApiError {
    ApiError::new(code::INVALID_EVENT_DATA_STORE_STATUS_EXCEPTION, message)
}

pub(crate) fn parameter(message: impl Into<String>) -> ApiError {
    ApiError::new(code::INVALID_PARAMETER_EXCEPTION, message)
}

pub(crate) fn query_statement(message: impl Into<String>) -> ApiError {
    ApiError::new(code::INVALID_QUERY_STATEMENT_EXCEPTION, message)
}

pub(crate) fn no_query(id: &str) -> ApiError {
    ApiError::new(code::QUERY_ID_NOT_FOUND_EXCEPTION, format!("The query ID {id} does not exist."))
}

pub(crate) fn query_inactive(id: &str) -> ApiError {
    ApiError::new(
        code::INACTIVE_QUERY_EXCEPTION,
        format!("The query {id} cannot be cancelled: it is not running."),
    )
}

pub(crate) fn resource_policy(message: impl Into<String>) -> ApiError {
    ApiError::new(code::RESOURCE_POLICY_NOT_VALID_EXCEPTION, message)
}

pub(crate) fn no_resource_policy(arn: &str) -> ApiError {
    let message = format!("No resource policy was found for the resource {arn}.");
    ApiError::new(code::RESOURCE_POLICY_NOT_FOUND_EXCEPTION, message)
}

pub(crate) fn resource_arn(arn: &str) -> ApiError {
    let message = format!("The ARN {arn} is not valid for a resource with a resource-based policy.");
    ApiError::new(code::RESOURCE_ARN_NOT_VALID_EXCEPTION, message)
}

pub(crate) fn resource_type_without_policy(arn: &str) -> ApiError {
    let message = format!("Resource-based policies are not supported for {arn}.");
    ApiError::new(code::RESOURCE_TYPE_NOT_SUPPORTED_EXCEPTION, message)
}
