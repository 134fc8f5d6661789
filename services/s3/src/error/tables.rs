//! What S3 Tables answers instead of doing a call. Source: Amazon S3 Tables API Reference, the operations' "Errors"; the texts,
//! where it has none, are those that S3 Tables answers with.

use haneul_kit::ApiError;

use super::new;

pub(crate) fn not_found(message: &'static str) -> ApiError {
    new("NotFoundException", 404, message)
}

pub(crate) fn conflict(message: &'static str) -> ApiError {
    new("ConflictException", 409, message)
}

pub(crate) fn bad_request(message: impl Into<String>) -> ApiError {
    new("BadRequestException", 400, message)
}

pub(crate) fn forbidden(message: &'static str) -> ApiError {
    new("ForbiddenException", 403, message)
}

pub(crate) fn no_bucket() -> ApiError {
    not_found("The specified bucket does not exist.")
}

pub(crate) fn no_namespace() -> ApiError {
    not_found("The specified namespace does not exist.")
}

pub(crate) fn no_table() -> ApiError {
    not_found("The specified table does not exist.")
}

pub(crate) fn no_policy() -> ApiError {
    not_found("The specified policy does not exist.")
}

pub(crate) fn bucket_exists() -> ApiError {
    conflict("The bucket that you tried to create already exists, and you own it.")
}

pub(crate) fn namespace_exists() -> ApiError {
    conflict("A namespace with an identical name already exists in the bucket.")
}

pub(crate) fn table_exists() -> ApiError {
    conflict("A table with an identical name already exists in the namespace.")
}

pub(crate) fn bucket_not_empty() -> ApiError {
    conflict("The bucket that you tried to delete is not empty.")
}

pub(crate) fn namespace_not_empty() -> ApiError {
    conflict("The namespace that you tried to delete is not empty.")
}

pub(crate) fn stale_token() -> ApiError {
    conflict("Provided version token does not match the table version token.")
}

pub(crate) fn too_many(what: &str) -> ApiError {
    bad_request(format!("You have attempted to create more {what} than you are allowed to."))
}

/// Names that S3 keeps for itself, and tables that it writes.
pub(crate) fn managed() -> ApiError {
    forbidden("The resource is managed by an AWS service.")
}
