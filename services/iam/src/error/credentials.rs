//! What MFA devices, passwords, keys and certificates are refused with.

use haneul_iam_wire::values::error as code;
use haneul_kit::{AccountId, ApiError};

use super::{access_denied, conflict, exists, no_such, validation};

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
    conflict("MFA VirtualDevice in use. Must deactivate first.")
}

pub(crate) fn invalid_mfa_code() -> ApiError {
    ApiError::new(code::INVALID_AUTHENTICATION_CODE_EXCEPTION, "Authentication code for device is not valid.")
}

pub(crate) fn no_login_profile(user: &str) -> ApiError {
    no_such(format!("Login Profile for User {user} cannot be found."))
}

pub(crate) fn login_profile_exists(user: &str) -> ApiError {
    exists(format!("Login Profile for User {user} already exists."))
}

pub(crate) fn login_profile_busy(user: &str) -> ApiError {
    let message = format!("Login Profile for User {user} cannot be modified while it is being changed.");
    ApiError::new(code::ENTITY_TEMPORARILY_UNMODIFIABLE_EXCEPTION, message)
}

pub(crate) fn password_missing() -> ApiError {
    validation("A password must be given.")
}

pub(crate) fn password_of_assumed_root() -> ApiError {
    validation("Password must be omitted when you make the request with an AssumeRoot session.")
}

pub(crate) fn old_password() -> ApiError {
    access_denied("The old password was incorrect.")
}

pub(crate) fn not_a_user() -> ApiError {
    ApiError::new(code::INVALID_USER_TYPE_EXCEPTION, "Only IAM Users can change their own password")
}

pub(crate) fn no_password_policy(account: AccountId) -> ApiError {
    no_such(format!("The Password Policy with domain name {account} cannot be found."))
}

fn password(message: impl Into<String>) -> ApiError {
    ApiError::new(code::PASSWORD_POLICY_VIOLATION_EXCEPTION, message)
}

pub(crate) fn password_length(min: usize) -> ApiError {
    password(format!("Password should have a minimum length of {min}"))
}

pub(crate) fn password_lacks(what: &str) -> ApiError {
    password(format!("Password should have at least one {what}"))
}

pub(crate) fn password_classes() -> ApiError {
    password("Password does not conform to the account password policy.")
}

pub(crate) fn password_reused() -> ApiError {
    password("Policy constraint violation with password reuse prevention during password change.")
}

pub(crate) fn bad_ssh_key() -> ApiError {
    let message =
        "The public key is invalid: it must be an RSA key of 2048 bits at least, in ssh-rsa or PEM format.";
    ApiError::new(code::INVALID_PUBLIC_KEY_EXCEPTION, message)
}

pub(crate) fn duplicate_ssh_key() -> ApiError {
    let message = "The SSH public key is already associated with the user.";
    ApiError::new(code::DUPLICATE_SSH_PUBLIC_KEY_EXCEPTION, message)
}

pub(crate) fn no_such_ssh_key(id: &str) -> ApiError {
    no_such(format!("The Public Key with id {id} cannot be found."))
}

pub(crate) fn ssh_key_encoding(encoding: &str) -> ApiError {
    let message = format!("The encoding {encoding} is not one of SSH and PEM.");
    ApiError::new(code::UNRECOGNIZED_PUBLIC_KEY_ENCODING_EXCEPTION, message)
}

pub(crate) fn service_without_credentials(service: &str) -> ApiError {
    // The operation's page has NotSupportedService; this is what is answered.
    no_such(format!("No such service {service} is supported for Service Specific Credentials"))
}

pub(crate) fn no_such_service_credential(id: &str) -> ApiError {
    no_such(format!("No such credential {id} exists"))
}

/// AWS has credentials for it, and nothing is here that would take them.
pub(crate) fn service_not_here(service: &str) -> ApiError {
    let message =
        format!("The service {service} does not support service-specific credentials in this cloud.");
    ApiError::new(code::SERVICE_NOT_SUPPORTED_EXCEPTION, message)
}

pub(crate) fn one_or_all_users() -> ApiError {
    validation("UserName and AllUsers cannot be specified together.")
}

pub(crate) fn all_users_of_what() -> ApiError {
    validation("ServiceName must be specified when AllUsers is true.")
}

pub(crate) fn no_such_certificate(id: &str) -> ApiError {
    no_such(format!("The Certificate with id {id} cannot be found."))
}

pub(crate) fn duplicate_certificate() -> ApiError {
    let message = "The certificate is already associated with the user.";
    ApiError::new(code::DUPLICATE_CERTIFICATE_EXCEPTION, message)
}

pub(crate) fn invalid_certificate() -> ApiError {
    ApiError::new(code::INVALID_CERTIFICATE_EXCEPTION, "The certificate has expired.")
}
