//! What delegation requests and role templates are refused with.

use haneul_iam_wire::values::error as code;
use haneul_kit::ApiError;

use super::{access_denied, exists, invalid_input, no_such};
use crate::catalog::Problem;
use crate::model::DelegationState;

pub(crate) fn no_such_delegation(id: &str) -> ApiError {
    no_such(format!("The delegation request with id {id} cannot be found."))
}

/// Whoever is no partner.
pub(crate) fn not_a_partner() -> ApiError {
    access_denied("The account has not been onboarded to create delegation requests.")
}

/// What the partner asked for before the operator removed it.
pub(crate) fn partner_is_gone(name: &str) -> ApiError {
    invalid_input(format!("The requestor {name} is not onboarded any more."))
}

pub(crate) fn workflow_exists(id: &str) -> ApiError {
    exists(format!("A delegation request with the requestor workflow ID {id} already exists."))
}

pub(crate) fn delegation_state(id: &str, state: DelegationState, to: DelegationState) -> ApiError {
    let (state, to) = (state.as_str(), to.as_str());
    invalid_input(format!("The delegation request {id} is in the state {state} and cannot become {to}."))
}

pub(crate) fn no_such_template(arn: &str) -> ApiError {
    no_such(format!("The policy template {arn} cannot be found."))
}

pub(crate) fn channel(arn: &str) -> ApiError {
    invalid_input(format!("The notification channel {arn} is not registered for this account."))
}

pub(crate) fn parameter(name: &str, problem: &str) -> ApiError {
    invalid_input(format!("The parameter {name} {problem}."))
}

pub(crate) fn filling(problem: Problem) -> ApiError {
    match problem {
        Problem::Missing(name) => parameter(&name, "is missing"),
        Problem::TooMany => invalid_input("The values of the parameters make too many combinations."),
        Problem::List(text) => invalid_input(format!("A list has no place in {text}.")),
        Problem::Document => ApiError::internal("a template of the catalog is no JSON"),
    }
}

pub(crate) fn rendered_policy(message: &str) -> ApiError {
    invalid_input(format!("The policy that comes of the template is invalid: {message}"))
}

pub(crate) fn root_approves_long(hours: i32) -> ApiError {
    access_denied(format!(
        "The root user can only accept delegation requests with a session duration of {hours} hours or less."
    ))
}

/// A delegate cannot hand on what was delegated.
pub(crate) fn delegate_approves() -> ApiError {
    access_denied("A delegation request cannot be accepted with delegated credentials.")
}

pub(crate) fn only_the_owner_sends() -> ApiError {
    access_denied("Only the owner of the delegation request can send its token.")
}

pub(crate) fn not_a_delegation(arn: &str) -> ApiError {
    invalid_input(format!("{arn} is not the ARN of a delegation request."))
}

pub(crate) fn no_such_role_template(arn: &str) -> ApiError {
    no_such(format!("The role template {arn} cannot be found."))
}

pub(crate) fn no_such_template_version(arn: &str, minor: i32) -> ApiError {
    no_such(format!("The role template {arn} has no minor version {minor}."))
}

pub(crate) fn template_disabled(arn: &str) -> ApiError {
    let message = format!("The role template {arn} is disabled.");
    ApiError::new(code::ROLE_TEMPLATE_DISABLED_EXCEPTION, message)
}

pub(crate) fn role_name_conflict(name: &str) -> ApiError {
    let message = format!("A role named {name} exists that was not created from this role template.");
    ApiError::new(code::NAME_CONFLICT_EXCEPTION, message)
}

/// The role came or went after it had been decided what the caller may do.
pub(crate) fn role_changed(name: &str) -> ApiError {
    let message = format!("The role {name} was changed by somebody else. Try again.");
    ApiError::new(code::CONCURRENT_MODIFICATION_EXCEPTION, message)
}

pub(crate) fn role_of_other_values(name: &str) -> ApiError {
    exists(format!(
        "Role with name {name} already exists, from another version of the role template or with other values."
    ))
}
