//! The service's errors, and the only place that gives them their names on the wire.

use haneul_kit::ApiError;
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

pub(crate) fn group_named_not_found(name: &str) -> ApiError {
    of("ResourceNotFoundException", format!("Log group '{name}' does not exist for account ID"))
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

pub(crate) fn one_identifier() -> ApiError {
    invalid("Either logGroupName or logGroupIdentifier must be specified, but not both.")
}

pub(crate) fn next_token() -> ApiError {
    invalid("The specified nextToken is invalid.")
}

pub(crate) fn too_many(what: &str) -> ApiError {
    of("LimitExceededException", format!("Resource limit exceeded: {what}."))
}

pub(crate) fn policy_not_found(name: &str) -> ApiError {
    of("ResourceNotFoundException", format!("Policy with name [{name}] does not exist"))
}

pub(crate) fn query_not_found() -> ApiError {
    of("ResourceNotFoundException", "The specified query does not exist.")
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
