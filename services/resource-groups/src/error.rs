//! Every error of the service.

use haneul_kit::ApiError;
use haneul_resource_groups_wire::values::error as code;

pub(crate) fn bad_request(message: impl Into<String>) -> ApiError {
    ApiError::new(code::BAD_REQUEST_EXCEPTION, message)
}

pub(crate) fn not_found() -> ApiError {
    ApiError::new(code::NOT_FOUND_EXCEPTION, "Cannot find group.")
}

pub(crate) fn exists() -> ApiError {
    bad_request("Cannot create group: group already exists")
}

pub(crate) fn unsupported(what: &str) -> ApiError {
    let message = format!("Haneul's Resource Groups does not support {what} yet.");
    ApiError::new("NotImplemented", message).with_status(501)
}
