//! What reports, settings of the account and root access are refused with.

use haneul_iam_wire::values::error as code;
use haneul_kit::ApiError;

use super::{access_denied, invalid_input, no_such};

pub(crate) fn no_credential_report() -> ApiError {
    ApiError::new(code::CREDENTIAL_REPORT_NOT_PRESENT_EXCEPTION, "No report exists. Generate a report first.")
}

pub(crate) fn credential_report_expired() -> ApiError {
    let message = "The most recent credential report has expired. Generate a new report.";
    ApiError::new(code::CREDENTIAL_REPORT_EXPIRED_EXCEPTION, message)
}

pub(crate) fn report_arn(arn: &str) -> ApiError {
    invalid_input(format!("Invalid ARN: {arn} is not of a user, group, role or policy."))
}

pub(crate) fn no_such_report(id: &str) -> ApiError {
    no_such(format!("Job with id {id} cannot be found."))
}

pub(crate) fn report_without_entities() -> ApiError {
    invalid_input("Entities are told for reports of groups and policies only.")
}

pub(crate) fn report_of_organizations_policy() -> ApiError {
    ApiError::new("NotImplemented", "Haneul does not report by a policy of an organization yet.")
        .with_status(501)
}

pub(crate) fn report_needs_management_account() -> ApiError {
    access_denied("Reports of an organization are for its management account only.")
}

pub(crate) fn report_entity_path(path: &str) -> ApiError {
    no_such(format!("The entity path {path} cannot be found in your organization."))
}

pub(crate) fn outbound_enabled() -> ApiError {
    let message = "Outbound web identity federation is already enabled for this account.";
    ApiError::new(code::FEATURE_ENABLED_EXCEPTION, message)
}

pub(crate) fn outbound_disabled() -> ApiError {
    let message = "Outbound web identity federation is not enabled for this account.";
    ApiError::new(code::FEATURE_DISABLED_EXCEPTION, message)
}

pub(crate) fn no_organization() -> ApiError {
    let message = "The account is not a member of an organization.";
    ApiError::new(code::ORGANIZATION_NOT_FOUND_EXCEPTION, message)
}

pub(crate) fn not_management_or_delegated() -> ApiError {
    let message =
        "The account is neither the organization's management account nor a delegated administrator for IAM.";
    ApiError::new(code::ACCOUNT_NOT_MANAGEMENT_OR_DELEGATED_ADMINISTRATOR_EXCEPTION, message)
}

pub(crate) fn not_management_account() -> ApiError {
    let message = "The account is not the organization's management account.";
    ApiError::new(code::CALLER_IS_NOT_MANAGEMENT_ACCOUNT_EXCEPTION, message)
}

pub(crate) fn no_trusted_access() -> ApiError {
    let message = "Trusted access for iam.amazonaws.com is not enabled in the organization.";
    ApiError::new(code::SERVICE_ACCESS_NOT_ENABLED_EXCEPTION, message)
}
