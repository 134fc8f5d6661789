//! What service-linked roles are refused with.

use haneul_iam_wire::values::error as code;
use haneul_kit::ApiError;

use super::{invalid_input, no_such};

/// Only the service may change its role.
pub(crate) fn protected_role(name: &str) -> ApiError {
    let message = format!(
        "Cannot perform the operation on the protected role '{name}' - this role is only modifiable by AWS"
    );
    ApiError::new(code::UNMODIFIABLE_ENTITY_EXCEPTION, message)
}

pub(crate) fn service_role_taken(name: &str) -> ApiError {
    invalid_input(format!(
        "Service role name {name} has been taken in this account, please try a different suffix."
    ))
}

pub(crate) fn no_service_linked_role(service: &str) -> ApiError {
    invalid_input(format!("Invalid AWS service name: {service} has no service-linked role."))
}

pub(crate) fn no_suffix(service: &str) -> ApiError {
    invalid_input(format!("Custom suffix is not allowed for {service}"))
}

pub(crate) fn not_service_linked(name: &str) -> ApiError {
    invalid_input(format!("Role {name} is not a service-linked role."))
}

pub(crate) fn no_such_deletion_task(id: &str) -> ApiError {
    no_such(format!("Deletion task {id} cannot be found."))
}

pub(crate) fn reserved_path() -> ApiError {
    invalid_input("The path /aws-service-role/ is reserved for service-linked roles.")
}
