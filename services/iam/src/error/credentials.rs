//! What MFA devices, passwords, keys and certificates are refused with.

use haneul_iam_wire::values::error as code;
use haneul_kit::ApiError;

use super::{conflict, exists, no_such};

pub(crate) fn no_such_mfa_device(serial: &str) -> ApiError {
    no_such(format!("VirtualMFADevice with serial number {serial} doesn't exist."))
}

pub(crate) fn mfa_device_not_of_user() -> ApiError {
    no_such(String::from("MFA Device invalid for user."))
}

pub(crate) fn mfa_device_exists() -> ApiError {
    exists(String::from("MFADevice entity at the same path and name already exists."))
}

pub(crate) fn mfa_device_enabled() -> ApiError {
    exists(String::from("MFA Device is already in use."))
}

pub(crate) fn mfa_device_in_use() -> ApiError {
    conflict("Cannot delete a virtual MFA device that is assigned: deactivate it first.")
}

pub(crate) fn invalid_mfa_code() -> ApiError {
    ApiError::new(code::INVALID_AUTHENTICATION_CODE_EXCEPTION, "Authentication code for device is not valid.")
}
