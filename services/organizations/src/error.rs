//! The service's errors, and the only place that gives them their names on the wire.

use haneul_kit::ApiError;
use haneul_organizations_wire::shapes as s;
use haneul_organizations_wire::values::error as code;

pub(crate) fn not_in_use() -> ApiError {
    ApiError::new(
        code::AWS_ORGANIZATIONS_NOT_IN_USE_EXCEPTION,
        "Your account is not a member of an organization.",
    )
}

pub(crate) fn access_denied() -> ApiError {
    ApiError::new(code::ACCESS_DENIED_EXCEPTION, "You don't have permissions to access this resource.")
}

pub(crate) fn already_in_organization() -> ApiError {
    let message = "The AWS account is already a member of an organization.";
    ApiError::new(code::ALREADY_IN_ORGANIZATION_EXCEPTION, message)
}

/// `reason` is one of ConstraintViolationException's.
pub(crate) fn constraint(reason: &'static str, message: impl Into<String>) -> ApiError {
    let message = message.into();
    let detail =
        s::ConstraintViolationException { message: Some(message.clone()), reason: Some(reason.into()) };
    ApiError::new(code::CONSTRAINT_VIOLATION_EXCEPTION, message).with_detail(detail)
}

/// `reason` is one of InvalidInputException's.
pub(crate) fn invalid(reason: &'static str, message: impl Into<String>) -> ApiError {
    let message = message.into();
    let detail = s::InvalidInputException { message: Some(message.clone()), reason: Some(reason.into()) };
    ApiError::new(code::INVALID_INPUT_EXCEPTION, message).with_detail(detail)
}

/// `reason` is one of HandshakeConstraintViolationException's.
pub(crate) fn handshake_constraint(reason: &'static str, message: &str) -> ApiError {
    let detail = s::HandshakeConstraintViolationException {
        message: Some(message.into()),
        reason: Some(reason.into()),
    };
    ApiError::new(code::HANDSHAKE_CONSTRAINT_VIOLATION_EXCEPTION, message).with_detail(detail)
}

pub(crate) fn next_token() -> ApiError {
    invalid(
        "INVALID_NEXT_TOKEN",
        "You specified an invalid value for nextToken. You must get the value from the response to a previous call to the API.",
    )
}

pub(crate) fn account_not_found() -> ApiError {
    ApiError::new(code::ACCOUNT_NOT_FOUND_EXCEPTION, "You specified an account that doesn't exist.")
}

pub(crate) fn parent_not_found() -> ApiError {
    ApiError::new(code::PARENT_NOT_FOUND_EXCEPTION, "You specified parent that doesn't exist.")
}

pub(crate) fn source_parent_not_found() -> ApiError {
    let message = "You specified a source parent that doesn't exist.";
    ApiError::new(code::SOURCE_PARENT_NOT_FOUND_EXCEPTION, message)
}

pub(crate) fn destination_parent_not_found() -> ApiError {
    let message = "You specified a destination parent that doesn't exist.";
    ApiError::new(code::DESTINATION_PARENT_NOT_FOUND_EXCEPTION, message)
}

pub(crate) fn duplicate_account() -> ApiError {
    let message = "The account is already in the parent that you specified as destination.";
    ApiError::new(code::DUPLICATE_ACCOUNT_EXCEPTION, message)
}

pub(crate) fn child_not_found() -> ApiError {
    ApiError::new(code::CHILD_NOT_FOUND_EXCEPTION, "You specified a child that doesn't exist.")
}

pub(crate) fn root_not_found() -> ApiError {
    ApiError::new(code::ROOT_NOT_FOUND_EXCEPTION, "You specified a root that doesn't exist.")
}

pub(crate) fn unit_not_found() -> ApiError {
    let message = "You specified an organizational unit that doesn't exist.";
    ApiError::new(code::ORGANIZATIONAL_UNIT_NOT_FOUND_EXCEPTION, message)
}

pub(crate) fn duplicate_unit() -> ApiError {
    let message = "An OU with the same name already exists.";
    ApiError::new(code::DUPLICATE_ORGANIZATIONAL_UNIT_EXCEPTION, message)
}

pub(crate) fn unit_not_empty() -> ApiError {
    let message =
        "You can't delete an organizational unit that still contains accounts or other organizational units.";
    ApiError::new(code::ORGANIZATIONAL_UNIT_NOT_EMPTY_EXCEPTION, message)
}

pub(crate) fn organization_not_empty() -> ApiError {
    let message = "To delete an organization you must first remove all member accounts (except the master).";
    ApiError::new(code::ORGANIZATION_NOT_EMPTY_EXCEPTION, message)
}

pub(crate) fn master_cannot_leave() -> ApiError {
    let message = "You can't remove a management account from an organization. If you want the management account to \
                   become a member account in another organization, you must first delete the current organization \
                   of the management account.";
    ApiError::new(code::MASTER_CANNOT_LEAVE_ORGANIZATION_EXCEPTION, message)
}

pub(crate) fn policy_not_found() -> ApiError {
    ApiError::new(code::POLICY_NOT_FOUND_EXCEPTION, "You specified a policy that doesn't exist.")
}

pub(crate) fn target_not_found() -> ApiError {
    ApiError::new(code::TARGET_NOT_FOUND_EXCEPTION, "You specified a target that doesn't exist.")
}

pub(crate) fn duplicate_policy() -> ApiError {
    ApiError::new(code::DUPLICATE_POLICY_EXCEPTION, "A policy with the same name already exists.")
}

pub(crate) fn policy_in_use() -> ApiError {
    let message = "This policy is attached to one or more entities. You must detach it from all roots, OUs, and \
                   accounts before performing this operation.";
    ApiError::new(code::POLICY_IN_USE_EXCEPTION, message)
}

pub(crate) fn already_attached() -> ApiError {
    let message = "A policy with the specified name and type already exists.";
    ApiError::new(code::DUPLICATE_POLICY_ATTACHMENT_EXCEPTION, message)
}

pub(crate) fn not_attached() -> ApiError {
    let message = "The specified policy is not attached to the specified target.";
    ApiError::new(code::POLICY_NOT_ATTACHED_EXCEPTION, message)
}

pub(crate) fn type_not_enabled() -> ApiError {
    let message = "This operation can be performed only for enabled policy types.";
    ApiError::new(code::POLICY_TYPE_NOT_ENABLED_EXCEPTION, message)
}

pub(crate) fn type_already_enabled() -> ApiError {
    let message = "The specified policy type is already enabled.";
    ApiError::new(code::POLICY_TYPE_ALREADY_ENABLED_EXCEPTION, message)
}

pub(crate) fn type_not_available() -> ApiError {
    let message = "You can't use the specified policy type with the feature set currently enabled for this \
                   organization.";
    ApiError::new(code::POLICY_TYPE_NOT_AVAILABLE_FOR_ORGANIZATION_EXCEPTION, message)
}

pub(crate) fn malformed(message: impl Into<String>) -> ApiError {
    ApiError::new(code::MALFORMED_POLICY_DOCUMENT_EXCEPTION, message.into())
}

pub(crate) fn immutable_policy() -> ApiError {
    invalid("IMMUTABLE_POLICY", "You can't modify or delete an AWS managed policy.")
}

pub(crate) fn policy_size(size_max: usize) -> ApiError {
    let message = format!("You have exceeded the maximum policy size of {size_max} characters.");
    constraint("POLICY_CONTENT_LIMIT_EXCEEDED", message)
}

pub(crate) fn creation_not_found() -> ApiError {
    let message = "You specified a create account request that doesn't exist.";
    ApiError::new(code::CREATE_ACCOUNT_STATUS_NOT_FOUND_EXCEPTION, message)
}

pub(crate) fn account_already_closed() -> ApiError {
    ApiError::new(
        code::ACCOUNT_ALREADY_CLOSED_EXCEPTION,
        "You attempted to close an account that is already closed.",
    )
}

pub(crate) fn already_registered() -> ApiError {
    let message =
        "The provided account is already a delegated administrator for your organization and the service.";
    ApiError::new(code::ACCOUNT_ALREADY_REGISTERED_EXCEPTION, message)
}

pub(crate) fn not_registered() -> ApiError {
    let message = "The provided account is not a registered delegated administrator for your organization.";
    ApiError::new(code::ACCOUNT_NOT_REGISTERED_EXCEPTION, message)
}

pub(crate) fn handshake_not_found() -> ApiError {
    ApiError::new(code::HANDSHAKE_NOT_FOUND_EXCEPTION, "You specified a handshake that doesn't exist.")
}

pub(crate) fn handshake_already(state: &str) -> ApiError {
    let message = format!("The specified handshake is already in the {state} state.");
    ApiError::new(code::HANDSHAKE_ALREADY_IN_STATE_EXCEPTION, message)
}

pub(crate) fn handshake_transition(state: &str) -> ApiError {
    let message = format!("You can't perform the operation on the handshake in its current state: {state}.");
    ApiError::new(code::INVALID_HANDSHAKE_TRANSITION_EXCEPTION, message)
}

pub(crate) fn transfer_not_found() -> ApiError {
    let message = "We can't find a transfer that doesn't exist.";
    ApiError::new(code::RESPONSIBILITY_TRANSFER_NOT_FOUND_EXCEPTION, message)
}

pub(crate) fn transfer_already(status: &str) -> ApiError {
    let message = format!("The responsibility transfer is already in the status {status}.");
    ApiError::new(code::RESPONSIBILITY_TRANSFER_ALREADY_IN_STATUS_EXCEPTION, message)
}

pub(crate) fn transfer_transition(status: &str) -> ApiError {
    let message = format!("The responsibility transfer can't be ended in its current status: {status}.");
    ApiError::new(code::INVALID_RESPONSIBILITY_TRANSFER_TRANSITION_EXCEPTION, message)
}

pub(crate) fn duplicate_handshake() -> ApiError {
    let message = "A handshake with the same action and target already exists.";
    ApiError::new(code::DUPLICATE_HANDSHAKE_EXCEPTION, message)
}

pub(crate) fn resource_policy_not_found() -> ApiError {
    let message = "We can't find a resource policy request with the parameter that you specified.";
    ApiError::new(code::RESOURCE_POLICY_NOT_FOUND_EXCEPTION, message)
}

pub(crate) fn effective_policy_not_found() -> ApiError {
    let message = "If you ran this action on the management account, this policy type is not enabled. If you ran the \
                   action on a member account, the account doesn't have an effective policy of this type. Contact \
                   the administrator of your organization about attaching a policy of this type to the account.";
    ApiError::new(code::EFFECTIVE_POLICY_NOT_FOUND_EXCEPTION, message)
}
