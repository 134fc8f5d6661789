//! The texts of IAM's errors, and the only place that gives them their names on the wire.

use haneul_iam_wire::values::error as code;
use haneul_kit::ApiError;
use haneul_policy::{ErrorKind, PolicyError};

use crate::model::Kind;

mod credentials;
mod delegation;
mod providers;
mod reports;
mod service_linked;

pub(crate) use credentials::*;
pub(crate) use delegation::*;
pub(crate) use providers::*;
pub(crate) use reports::*;
pub(crate) use service_linked::*;

fn no_such(message: String) -> ApiError {
    ApiError::new(code::NO_SUCH_ENTITY_EXCEPTION, message)
}

fn exists(message: String) -> ApiError {
    ApiError::new(code::ENTITY_ALREADY_EXISTS_EXCEPTION, message)
}

fn conflict(message: &str) -> ApiError {
    ApiError::new(code::DELETE_CONFLICT_EXCEPTION, message)
}

pub(crate) fn invalid_input(message: impl Into<String>) -> ApiError {
    ApiError::new(code::INVALID_INPUT_EXCEPTION, message)
}

/// The code of all of IAM that is not in the model.
pub(crate) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationError", message)
}

pub(crate) fn access_denied(message: impl Into<String>) -> ApiError {
    ApiError::new("AccessDenied", message).with_status(403)
}

/// IAM's answer to temporary credentials that it does not take.
pub(crate) fn session_refused() -> ApiError {
    ApiError::new("InvalidClientTokenId", "The security token included in the request is invalid")
        .with_status(403)
}

pub(crate) fn no_such_entity(kind: Kind, name: &str) -> ApiError {
    no_such(format!("The {} with name {name} cannot be found.", kind.noun()))
}

pub(crate) fn entity_exists(kind: Kind, name: &str) -> ApiError {
    exists(format!("{} with name {name} already exists.", kind.title()))
}

pub(crate) fn no_such_inline_policy(kind: Kind, policy: &str) -> ApiError {
    no_such(format!("The {} policy with name {policy} cannot be found.", kind.noun()))
}

/// What cannot be the ARN of a policy.
pub(crate) fn policy_arn(arn: &str) -> ApiError {
    invalid_input(format!("ARN {arn} is not valid."))
}

pub(crate) fn no_such_policy(arn: &str) -> ApiError {
    no_such(format!("Policy {arn} was not found."))
}

pub(crate) fn not_attachable(arn: &str) -> ApiError {
    no_such(format!("Policy {arn} does not exist or is not attachable."))
}

pub(crate) fn service_linked_only(arn: &str) -> ApiError {
    let message = format!("Cannot attach a Service Role Policy to a Customer Role: {arn}");
    ApiError::new(code::POLICY_NOT_ATTACHABLE_EXCEPTION, message)
}

pub(crate) fn boundary_not_attachable(arn: &str) -> ApiError {
    no_such(format!("Scope ARN: {arn} does not exist or is not attachable."))
}

pub(crate) fn no_boundary(kind: Kind, name: &str) -> ApiError {
    no_such(format!("The {} with name {name} does not have a permissions boundary.", kind.noun()))
}

pub(crate) fn no_such_version(arn: &str, version: &str) -> ApiError {
    no_such(format!("Policy {arn} version {version} does not exist or is not attachable."))
}

pub(crate) fn policy_exists(name: &str) -> ApiError {
    exists(format!("A policy called {name} already exists. Duplicate names are not allowed."))
}

pub(crate) fn aws_owned(arn: &str) -> ApiError {
    access_denied(format!("Policy {arn} is owned by AWS and cannot be changed."))
}

pub(crate) fn no_such_access_key(id: &str) -> ApiError {
    no_such(format!("The Access Key with id {id} cannot be found."))
}

pub(crate) fn no_such_instance_profile(name: &str) -> ApiError {
    no_such(format!("Instance Profile {name} cannot be found."))
}

pub(crate) fn instance_profile_exists(name: &str) -> ApiError {
    exists(format!("Instance Profile {name} already exists."))
}

pub(crate) fn role_not_in_profile(role: &str) -> ApiError {
    no_such(format!("The role with name {role} cannot be found."))
}

pub(crate) fn alias_exists(alias: &str) -> ApiError {
    exists(format!("The account alias {alias} already exists."))
}

pub(crate) fn account_alias(alias: &str) -> ApiError {
    validation(format!(
        "1 validation error detected: Value '{alias}' at 'accountAlias' failed to satisfy constraint: Member must \
         satisfy regular expression pattern: ^[a-z0-9]([a-z0-9]|-(?!-)){{1,61}}[a-z0-9]$"
    ))
}

pub(crate) fn no_such_alias(alias: &str) -> ApiError {
    no_such(format!("The account alias {alias} cannot be found."))
}

/// `quota` is AWS's internal name: `UsersPerAccount`.
pub(crate) fn quota(quota: &str, limit: impl std::fmt::Display) -> ApiError {
    limit_exceeded(format!("Cannot exceed quota for {quota}: {limit}"))
}

pub(crate) fn too_many_versions() -> ApiError {
    limit_exceeded(
        "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing \
         version.",
    )
}

pub(crate) fn inline_too_large(kind: Kind, name: &str, limit: usize) -> ApiError {
    limit_exceeded(format!("Maximum policy size of {limit} bytes exceeded for {} {name}", kind.noun()))
}

pub(crate) fn too_many_tags() -> ApiError {
    limit_exceeded("The number of tags has reached the maximum limit.")
}

fn limit_exceeded(message: impl Into<String>) -> ApiError {
    ApiError::new(code::LIMIT_EXCEEDED_EXCEPTION, message)
}

pub(crate) fn must_detach_policies() -> ApiError {
    conflict("Cannot delete entity, must detach all policies first.")
}

pub(crate) fn must_delete_policies() -> ApiError {
    conflict("Cannot delete entity, must delete policies first.")
}

pub(crate) fn must_delete_access_keys() -> ApiError {
    conflict("Cannot delete entity, must delete access keys first.")
}

pub(crate) fn must_delete_login_profile() -> ApiError {
    conflict("Cannot delete entity, must delete login profile first.")
}

pub(crate) fn must_delete_mfa_device() -> ApiError {
    conflict("Cannot delete entity, must delete MFA device first.")
}

pub(crate) fn must_delete_signing_certificates() -> ApiError {
    conflict("Cannot delete entity, must delete certificates first.")
}

/// SSH keys and service-specific credentials.
pub(crate) fn must_remove_referenced_objects() -> ApiError {
    conflict("Cannot delete entity, must remove referenced objects first.")
}

pub(crate) fn must_remove_users() -> ApiError {
    conflict("Cannot delete entity, must remove users from group first.")
}

pub(crate) fn must_remove_roles() -> ApiError {
    conflict("Cannot delete entity, must remove roles from instance profile first.")
}

pub(crate) fn policy_attached() -> ApiError {
    conflict("Cannot delete a policy attached to entities.")
}

pub(crate) fn policy_has_versions() -> ApiError {
    conflict(
        "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. \
         The default version is deleted with the policy.",
    )
}

pub(crate) fn default_version() -> ApiError {
    conflict("Cannot delete the default version of a policy.")
}

pub(crate) fn malformed(error: PolicyError) -> ApiError {
    ApiError::new(code::MALFORMED_POLICY_DOCUMENT_EXCEPTION, error.message)
}

/// A trust policy that names a user or role that does not exist.
pub(crate) fn unknown_principal(arn: &str) -> ApiError {
    let message = format!("Invalid principal in policy: \"AWS\":\"{arn}\"");
    ApiError::new(code::MALFORMED_POLICY_DOCUMENT_EXCEPTION, message)
}

/// A refused document, where one that is too long breaks `quota`.
pub(crate) fn of_document(error: PolicyError, quota_name: &str) -> ApiError {
    match error.kind {
        ErrorKind::TooLong { length_max, .. } => quota(quota_name, length_max),
        _ => malformed(error),
    }
}

pub(crate) fn simulation_input(message: &str) -> ApiError {
    invalid_input(format!("Invalid policy document: {message}"))
}

/// What is no ARN of a user, group or role; of STS there is none.
pub(crate) fn policy_source(arn: &str) -> ApiError {
    if arn.starts_with("arn:aws:sts:") {
        return invalid_input(format!("Invalid ARN provided in the request: {arn}"));
    }
    invalid_input(format!("Invalid Entity Arn: {arn} does not clearly define entity type and name."))
}

pub(crate) fn caller_arn_needed() -> ApiError {
    invalid_input("A CallerArn is needed where a ResourcePolicy is given.")
}

pub(crate) fn one_boundary() -> ApiError {
    invalid_input("Only one permissions boundary can be simulated at a time.")
}

pub(crate) fn resource_handling() -> ApiError {
    ApiError::new("NotImplemented", "Haneul does not simulate the scenarios of ec2:RunInstances yet.")
        .with_status(501)
}
