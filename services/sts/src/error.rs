//! The texts of STS's errors, and the only place that gives them their names on the wire.

use haneul_kit::ApiError;
use haneul_policy::{ErrorKind, PolicyError};
use haneul_sts_wire::values::error as code;

use crate::oidc::TokenError;
use crate::oidc::issuer::NoKeys;
use crate::saml::{Problem as SamlProblem, SamlError};

pub(crate) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new("ValidationError", message)
}

fn access_denied(message: impl Into<String>) -> ApiError {
    ApiError::new("AccessDenied", message).with_status(403)
}

pub(crate) fn role_arn(arn: &str) -> ApiError {
    validation(format!("{arn} is invalid"))
}

/// AssumeRoleWithSAML and AssumeRoleWithWebIdentity do not repeat it (physera/onelogin-aws-cli issue 12,
/// crossplane-contrib/provider-aws issue 517).
pub(crate) fn request_arn() -> ApiError {
    validation("Request ARN is invalid")
}

pub(crate) fn root_assumes() -> ApiError {
    access_denied("Roles may not be assumed by root accounts.")
}

pub(crate) fn federated_assumes() -> ApiError {
    access_denied("Roles may not be assumed by federated users.")
}

/// `operation` needs credentials that last.
pub(crate) fn session_calls(operation: &str) -> ApiError {
    access_denied(format!("Cannot call {operation} with session credentials"))
}

pub(crate) fn not_a_user(operation: &str) -> ApiError {
    access_denied(format!("Cannot call {operation} without the credentials of a user or the root user"))
}

pub(crate) fn mfa_is_half() -> ApiError {
    access_denied(
        "MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.",
    )
}

pub(crate) fn mfa_code() -> ApiError {
    access_denied("MultiFactorAuthentication failed with invalid MFA one time pass code. ")
}

pub(crate) fn mfa_device() -> ApiError {
    access_denied(
        "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is \
         valid and associated with this user.",
    )
}

pub(crate) fn longer_than_role() -> ApiError {
    validation("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
}

pub(crate) fn longer_than_chain() -> ApiError {
    validation(
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    )
}

pub(crate) fn too_many_policy_arns() -> ApiError {
    validation("The number of managed session policies exceeds the limit of 10.")
}

pub(crate) fn policy_arn(arn: &str) -> ApiError {
    validation(format!("Policy {arn} does not exist or is not attachable."))
}

pub(crate) fn too_many_tags() -> ApiError {
    validation("The number of session tags exceeds the limit of 50.")
}

pub(crate) fn duplicate_tag() -> ApiError {
    ApiError::new(
        "InvalidParameterValue",
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    )
}

pub(crate) fn reserved_tag() -> ApiError {
    ApiError::new("InvalidParameterValue", "Session tag keys must not begin with aws:.")
}

pub(crate) fn transitive_key(key: &str) -> ApiError {
    let message = format!("The specified transitive tag key {key} must be included in the requested tags.");
    ApiError::new("InvalidParameterValue", message)
}

pub(crate) fn overrides_transitive(key: &str) -> ApiError {
    let message = format!(
        "One of the specified transitive tag keys can't be set because it conflicts with a \
                           transitive tag key from the calling session: {key}"
    );
    ApiError::new("InvalidParameterValue", message)
}

pub(crate) fn source_identity() -> ApiError {
    access_denied("The source identity of a session cannot be changed by the sessions that follow it.")
}

pub(crate) fn session_policy(error: PolicyError) -> ApiError {
    match error.kind {
        ErrorKind::TooLong { length, length_max } => packed_size((length * 100).div_ceil(length_max)),
        _ => ApiError::new(code::MALFORMED_POLICY_DOCUMENT_EXCEPTION, error.message),
    }
}

pub(crate) fn packed_size(percent: usize) -> ApiError {
    let message = format!("Packed policy consumes {percent}% of allotted space, please use smaller policy.");
    ApiError::new(code::PACKED_POLICY_TOO_LARGE_EXCEPTION, message)
}

/// Too many tags, without any policy.
pub(crate) fn packed_tags(percent: usize) -> ApiError {
    let message = format!("Packed size of session tags consumes {percent}% of allotted space.");
    ApiError::new(code::PACKED_POLICY_TOO_LARGE_EXCEPTION, message)
}

pub(crate) fn access_key_id() -> ApiError {
    validation("The access key ID is not valid.")
}

pub(crate) fn authorization_message() -> ApiError {
    ApiError::new(code::INVALID_AUTHORIZATION_MESSAGE_EXCEPTION, "Message is not valid")
}

pub(crate) fn provided_context(provider: &str) -> ApiError {
    validation(format!("The context assertion of the provider {provider} is not valid."))
}

pub(crate) fn tag_size() -> ApiError {
    validation("Session tag keys have 1 to 128 characters, and values at most 256.")
}

pub(crate) fn no_provider() -> ApiError {
    ApiError::new(code::INVALID_IDENTITY_TOKEN_EXCEPTION, "Specified provider doesn't exist")
}

pub(crate) fn no_oidc_provider(issuer: &str) -> ApiError {
    let message = format!("No OpenIDConnect provider found in your account for {issuer}");
    ApiError::new(code::INVALID_IDENTITY_TOKEN_EXCEPTION, message)
}

pub(crate) fn own_issuer() -> ApiError {
    let message = "Tokens of GetWebIdentityToken cannot be used for AssumeRoleWithWebIdentity";
    ApiError::new(code::INVALID_IDENTITY_TOKEN_EXCEPTION, message)
}

pub(crate) fn metadata_expired() -> ApiError {
    ApiError::new(code::INVALID_IDENTITY_TOKEN_EXCEPTION, "The metadata of the SAML provider has expired")
}

pub(crate) fn not_authorized(action: &str) -> ApiError {
    access_denied(format!("Not authorized to perform {action}"))
}

pub(crate) fn provider_id() -> ApiError {
    validation(
        "ProviderId is for OAuth 2.0 access tokens, which are not supported: use OpenID Connect ID tokens.",
    )
}

pub(crate) fn saml(error: SamlError) -> ApiError {
    match error.problem {
        SamlProblem::Invalid => ApiError::new(code::INVALID_IDENTITY_TOKEN_EXCEPTION, error.message),
        SamlProblem::Expired => ApiError::new(code::EXPIRED_TOKEN_EXCEPTION, error.message),
        SamlProblem::Rejected => ApiError::new(code::IDP_REJECTED_CLAIM_EXCEPTION, error.message),
        SamlProblem::Denied => access_denied(error.message),
    }
}

pub(crate) fn web_identity(error: TokenError) -> ApiError {
    match error {
        TokenError::Invalid(message) => ApiError::new(code::INVALID_IDENTITY_TOKEN_EXCEPTION, message),
        TokenError::Expired(now, end) => {
            let message = format!(
                "Token expired: current date/time {now} must be before the expiration date/time {end}"
            );
            ApiError::new(code::EXPIRED_TOKEN_EXCEPTION, message)
        }
    }
}

pub(crate) fn issuer_keys(error: NoKeys) -> ApiError {
    let message = "Couldn't retrieve verification key from your identity provider,  please reference \
                   AssumeRoleWithWebIdentity documentation for requirements";
    match error {
        NoKeys::Unreachable => ApiError::new(code::IDP_COMMUNICATION_ERROR_EXCEPTION, message),
        NoKeys::Useless => ApiError::new(code::INVALID_IDENTITY_TOKEN_EXCEPTION, message),
    }
}

pub(crate) fn trade_in_expired() -> ApiError {
    ApiError::new(code::EXPIRED_TRADE_IN_TOKEN_EXCEPTION, "The trade-in token has expired.")
}

/// Made up, changed, or not for the caller's account: all the same to who shows it.
pub(crate) fn trade_in_invalid() -> ApiError {
    access_denied("The trade-in token is not valid for this account.")
}

pub(crate) fn assume_root_caller() -> ApiError {
    access_denied(
        "AssumeRoot is for principals of the management account or of a delegated administrator for IAM",
    )
}

pub(crate) fn root_sessions() -> ApiError {
    access_denied("Centralized root access (RootSessions) is not enabled in the organization")
}

pub(crate) fn target_principal(text: &str) -> ApiError {
    validation(format!("{text} is not a member account of the organization"))
}

pub(crate) fn task_policy() -> ApiError {
    validation("TaskPolicyArn must be one of the AWS managed policies for privileged root tasks.")
}

/// `operation` is for Regional endpoints.
pub(crate) fn not_at_the_global_endpoint(operation: &str) -> ApiError {
    validation(format!("{operation} is not supported on the STS global endpoint. Use a Regional endpoint."))
}

pub(crate) fn signing_algorithm(name: &str) -> ApiError {
    validation(format!(
        "1 validation error detected: Value '{name}' at 'signingAlgorithm' failed to satisfy constraint: Member must \
         satisfy enum value set: [RS256, ES384]"
    ))
}

pub(crate) fn session_escalation() -> ApiError {
    ApiError::new(
        code::SESSION_DURATION_ESCALATION_EXCEPTION,
        "The requested token duration would extend the session beyond its original expiration time.",
    )
}

pub(crate) fn outbound_disabled() -> ApiError {
    ApiError::new(
        code::OUTBOUND_WEB_IDENTITY_FEDERATION_DISABLED_EXCEPTION,
        "The outbound web identity federation feature is not enabled for this account.",
    )
}

pub(crate) fn payload_size() -> ApiError {
    ApiError::new(
        code::JWT_PAYLOAD_SIZE_EXCEEDED_EXCEPTION,
        "The requested token payload size exceeds the maximum allowed size. Reduce the number of request tags.",
    )
}
