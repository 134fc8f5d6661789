//! Every error of the service.

use haneul_kit::ApiError;
use haneul_resourcegroupstaggingapi_wire::values::error as code;

pub(crate) fn parameter(message: impl Into<String>) -> ApiError {
    ApiError::new(code::INVALID_PARAMETER_EXCEPTION, message)
}

pub(crate) fn token_expired() -> ApiError {
    ApiError::new(code::PAGINATION_TOKEN_EXPIRED_EXCEPTION, "The pagination token has expired.")
}
