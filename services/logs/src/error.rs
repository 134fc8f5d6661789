//! The service's errors, and the only place that gives them their names on the wire.

use haneul_kit::{AccountId, ApiError, Arn, Fault};
use haneul_logs_wire::shapes as s;

fn of(code: &'static str, message: impl Into<String>) -> ApiError {
    ApiError::new(code, message)
}

pub(crate) fn invalid(message: impl Into<String>) -> ApiError {
    of("InvalidParameterException", message)
}

pub(crate) fn group_not_found() -> ApiError {
    of("ResourceNotFoundException", "The specified log group does not exist.")
}

pub(crate) fn group_named_not_found(name: &str, account: AccountId) -> ApiError {
    let message = format!("Log group '{name}' does not exist for account ID '{account}'");
    of("ResourceNotFoundException", message)
}

pub(crate) fn stream_not_found() -> ApiError {
    of("ResourceNotFoundException", "The specified log stream does not exist.")
}

pub(crate) fn group_exists() -> ApiError {
    of("ResourceAlreadyExistsException", "The specified log group already exists")
}

pub(crate) fn stream_exists() -> ApiError {
    of("ResourceAlreadyExistsException", "The specified log stream already exists")
}

pub(crate) fn protected() -> ApiError {
    of(
        "ValidationException",
        "The log group has deletion protection enabled. Disable it before you delete the log group.",
    )
}

/// A group that does not take API keys.
pub(crate) fn no_bearer_tokens() -> ApiError {
    of("AccessDeniedException", "Bearer token authentication is not enabled for this log group.")
}

pub(crate) fn one_identifier() -> ApiError {
    invalid("Either logGroupName or logGroupIdentifier must be specified, but not both.")
}

pub(crate) fn next_token() -> ApiError {
    invalid("The specified nextToken is invalid.")
}

pub(crate) fn too_many(what: &str) -> ApiError {
    of("LimitExceededException", format!("Resource limit exceeded: {what}."))
}

/// A quota of a group or an account, in AWS's words.
pub(crate) fn limit() -> ApiError {
    of("LimitExceededException", "Resource limit exceeded.")
}

/// A parameter for groups that have a transformer.
pub(crate) fn no_transformer() -> ApiError {
    invalid("applyOnTransformedLogs is valid only for log groups that have an active log transformer.")
}

pub(crate) fn not_of_class(what: &str, class: &str) -> ApiError {
    of("InvalidOperationException", format!("{what} are not supported for log groups of the {class} class."))
}

pub(crate) fn undeliverable(kind: &str, name: &str) -> ApiError {
    invalid(format!(
        "Could not deliver test message to specified {kind} stream. Check if the given {name} stream is in ACTIVE state."
    ))
}

pub(crate) fn destination_not_found() -> ApiError {
    of("ResourceNotFoundException", "The specified destination does not exist.")
}

pub(crate) fn bad_destination() -> ApiError {
    invalid("Could not deliver test message to specified destination. Check if the destination is valid.")
}

/// A destination whose policy does not let an account subscribe.
pub(crate) fn no_subscriber(account: AccountId, destination: &Arn) -> ApiError {
    of(
        "AccessDeniedException",
        format!(
            "User with accountId: {account} is not authorized to perform: logs:PutSubscriptionFilter on resource: {destination}"
        ),
    )
}

pub(crate) fn role_for_organization() -> ApiError {
    invalid(
        "Role ARN is required when creating subscription filter against destination with Organization access policy.",
    )
}

pub(crate) fn cannot_invoke() -> ApiError {
    invalid(
        "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to execute your function.",
    )
}

/// Something changed in between: the client tries again.
pub(crate) fn aborted() -> ApiError {
    of("OperationAbortedException", "A conflicting operation is in progress. Please try again.")
}

/// What KMS refused, for a group or a lookup table that needs the key.
pub(crate) fn key(refused: &ApiError, arn: &Arn) -> ApiError {
    if refused.fault() == Fault::Server {
        return ApiError::internal(refused);
    }
    of(
        "AccessDeniedException",
        format!("The specified KMS key does not exist or is not allowed to be used with Arn '{arn}'"),
    )
}

pub(crate) fn export_not_found() -> ApiError {
    of("ResourceNotFoundException", "The specified export task does not exist.")
}

pub(crate) fn not_cancellable(state: &str) -> ApiError {
    of("InvalidOperationException", format!("The specified export task is {state} and cannot be cancelled."))
}

/// A bucket whose policy does not let us in.
pub(crate) fn bucket_denied(call: &str) -> ApiError {
    of(
        "InvalidParameterException",
        format!(
            "{call} call on the given bucket failed. Please check if CloudWatch Logs has been granted permission to perform this operation."
        ),
    )
}

pub(crate) fn transformer_not_found() -> ApiError {
    of("ResourceNotFoundException", "The specified log group does not have a transformer.")
}

pub(crate) fn index_not_found() -> ApiError {
    of("ResourceNotFoundException", "The specified log group does not have a field index policy.")
}

pub(crate) fn revision() -> ApiError {
    of("OperationAbortedException", "The expected revision ID does not match that of the resource policy.")
}

pub(crate) fn metric_filter_not_found() -> ApiError {
    of("ResourceNotFoundException", "The specified metric filter does not exist.")
}

pub(crate) fn subscription_not_found() -> ApiError {
    of("ResourceNotFoundException", "The specified subscription filter does not exist.")
}

pub(crate) fn account_policy_not_found() -> ApiError {
    of("ResourceNotFoundException", "The specified account policy does not exist.")
}

pub(crate) fn policy_not_found(name: &str) -> ApiError {
    of("ResourceNotFoundException", format!("Policy with name [{name}] does not exist"))
}

pub(crate) fn detector_not_found() -> ApiError {
    of("ResourceNotFoundException", "The specified anomaly detector does not exist.")
}

pub(crate) fn anomaly_not_found(what: &str) -> ApiError {
    of("ResourceNotFoundException", format!("The specified {what} does not exist."))
}

pub(crate) fn lookup_not_found() -> ApiError {
    of("ResourceNotFoundException", "The specified lookup table does not exist.")
}

pub(crate) fn lookup_exists() -> ApiError {
    of("ResourceAlreadyExistsException", "The specified lookup table already exists.")
}

pub(crate) fn query_not_found() -> ApiError {
    of("ResourceNotFoundException", "The specified query does not exist.")
}

pub(crate) fn not_valid(message: impl Into<String>) -> ApiError {
    of("ValidationException", message)
}

pub(crate) fn source_not_found() -> ApiError {
    of("ResourceNotFoundException", "The specified data source does not exist.")
}

pub(crate) fn scheduled_not_found() -> ApiError {
    of("ResourceNotFoundException", "The specified scheduled query does not exist.")
}

pub(crate) fn scheduled_exists(name: &str) -> ApiError {
    of("ConflictException", format!("A scheduled query with the name {name} already exists."))
}

pub(crate) fn scheduled_quota() -> ApiError {
    of("ServiceQuotaExceededException", "The account has as many scheduled queries as it may have.")
}

/// A query that ran as long as it may. Nobody is told but by the query's status.
pub(crate) fn query_timeout() -> ApiError {
    of("QueryTimeoutException", "The query ran longer than it may.")
}

pub(crate) fn is_query_timeout(error: &ApiError) -> bool {
    error.code() == "QueryTimeoutException"
}

pub(crate) fn definition_not_found() -> ApiError {
    of("ResourceNotFoundException", "Query definition not found.")
}

pub(crate) fn record_not_found() -> ApiError {
    of("ResourceNotFoundException", "The specified log record does not exist.")
}

pub(crate) fn tag_limit() -> ApiError {
    of("TooManyTagsException", "A resource can have no more than 50 tags.")
}

/// A parameter whose guarantee cannot be kept yet.
pub(crate) fn not_offered(what: &str) -> ApiError {
    of("InvalidOperationException", format!("{what} is not offered by Haneul."))
}

/// A query that does not compile, with the place where it goes wrong, in characters.
pub(crate) fn malformed_query(message: &str, at: (usize, usize)) -> ApiError {
    let location = s::QueryCompileErrorLocation {
        start_char_offset: i32::try_from(at.0).ok(),
        end_char_offset: i32::try_from(at.1).ok(),
    };
    let error = s::QueryCompileError { location: Some(location), message: Some(message.to_owned()) };
    let sentence = format!("{message} ({}, {})", at.0, at.1);
    of("MalformedQueryException", sentence)
        .with_detail(s::MalformedQueryException { query_compile_error: Some(error) })
}
