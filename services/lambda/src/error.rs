//! Every error of the service, in AWS's words where they are known. Errors carry `Type`, as Lambda's do.

use haneul_kit::{ApiError, Fault};
use haneul_lambda_wire::shapes as s;
use haneul_lambda_wire::values::{error, throttle_reason};

macro_rules! user_error {
    ($name:ident, $code:ident, $shape:ident) => {
        pub(crate) fn $name(message: impl Into<String>) -> ApiError {
            let message = message.into();
            let detail = s::$shape { r#type: Some("User".into()), message: Some(message.clone()) };
            ApiError::new(error::$code, message).with_detail(detail)
        }
    };
}

user_error!(parameter, INVALID_PARAMETER_VALUE_EXCEPTION, InvalidParameterValueException);
user_error!(not_found, RESOURCE_NOT_FOUND_EXCEPTION, ResourceNotFoundException);
user_error!(conflict, RESOURCE_CONFLICT_EXCEPTION, ResourceConflictException);
user_error!(precondition, PRECONDITION_FAILED_EXCEPTION, PreconditionFailedException);
user_error!(request_content, INVALID_REQUEST_CONTENT_EXCEPTION, InvalidRequestContentException);
user_error!(in_use, RESOURCE_IN_USE_EXCEPTION, ResourceInUseException);
user_error!(code_storage, CODE_STORAGE_EXCEEDED_EXCEPTION, CodeStorageExceededException);
user_error!(verification, CODE_VERIFICATION_FAILED_EXCEPTION, CodeVerificationFailedException);
user_error!(signing_not_found, CODE_SIGNING_CONFIG_NOT_FOUND_EXCEPTION, CodeSigningConfigNotFoundException);
user_error!(
    provisioned_not_found,
    PROVISIONED_CONCURRENCY_CONFIG_NOT_FOUND_EXCEPTION,
    ProvisionedConcurrencyConfigNotFoundException
);
user_error!(too_large, REQUEST_TOO_LARGE_EXCEPTION, RequestTooLargeException);
user_error!(policy_length, POLICY_LENGTH_EXCEEDED_EXCEPTION, PolicyLengthExceededException);
user_error!(recursive, RECURSIVE_INVOCATION_EXCEPTION, RecursiveInvocationException);
user_error!(kms_denied, KMS_ACCESS_DENIED_EXCEPTION, KMSAccessDeniedException);
user_error!(kms_missing, KMS_NOT_FOUND_EXCEPTION, KMSNotFoundException);
user_error!(kms_disabled, KMS_DISABLED_EXCEPTION, KMSDisabledException);
user_error!(kms_state, KMS_INVALID_STATE_EXCEPTION, KMSInvalidStateException);
user_error!(
    already_started,
    DURABLE_EXECUTION_ALREADY_STARTED_EXCEPTION,
    DurableExecutionAlreadyStartedException
);
user_error!(callback_timeout, CALLBACK_TIMEOUT_EXCEPTION, CallbackTimeoutException);
user_error!(invalid_runtime, INVALID_RUNTIME_EXCEPTION, InvalidRuntimeException);
user_error!(invalid_zip, INVALID_ZIP_FILE_EXCEPTION, InvalidZipFileException);
user_error!(no_published_version, NO_PUBLISHED_VERSION_EXCEPTION, NoPublishedVersionException);
user_error!(
    providers_exceeded,
    CAPACITY_PROVIDER_LIMIT_EXCEEDED_EXCEPTION,
    CapacityProviderLimitExceededException
);
user_error!(
    provider_full,
    FUNCTION_VERSIONS_PER_CAPACITY_PROVIDER_LIMIT_EXCEEDED_EXCEPTION,
    FunctionVersionsPerCapacityProviderLimitExceededException
);

pub(crate) fn no_provider(name: &crate::capacity::ProviderName) -> ApiError {
    not_found(format!("Capacity provider not found: {}", name.arn()))
}

pub(crate) fn no_function(arn: impl std::fmt::Display) -> ApiError {
    not_found(format!("Function not found: {arn}"))
}

pub(crate) fn no_execution(arn: &str) -> ApiError {
    not_found(format!("Durable execution not found: {arn}"))
}

pub(crate) fn callback_closed() -> ApiError {
    callback_timeout(
        "The callback ID token has either expired or the callback associated with the token has already been closed.",
    )
}

/// The parameter exists at AWS and cannot be honoured here.
pub(crate) fn unsupported(what: &str) -> ApiError {
    parameter(format!("{what} is not supported by Haneul."))
}

pub(crate) fn revision() -> ApiError {
    precondition(
        "The RevisionId provided does not match the latest RevisionId. Call the GetFunction/GetAlias API to retrieve \
         the latest RevisionId",
    )
}

pub(crate) fn policy_revision() -> ApiError {
    precondition(
        "The RevisionId provided does not match the latest RevisionId. Call the GetPolicy API to retrieve the latest \
         RevisionId",
    )
}

/// Why a call was throttled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Throttle {
    Account,
    Function,
}

pub(crate) fn throttled(why: Throttle) -> ApiError {
    let message = "Rate Exceeded.";
    let reason = match why {
        Throttle::Account => throttle_reason::CONCURRENT_INVOCATION_LIMIT_EXCEEDED,
        Throttle::Function => throttle_reason::RESERVED_FUNCTION_CONCURRENT_INVOCATION_LIMIT_EXCEEDED,
    };
    let detail = s::TooManyRequestsException {
        r#type: Some("User".into()),
        message: Some(message.into()),
        reason: Some(reason.into()),
        ..Default::default()
    };
    ApiError::new(error::TOO_MANY_REQUESTS_EXCEPTION, message).with_detail(detail)
}

pub(crate) fn is_throttle(refused: &ApiError) -> bool {
    refused.code() == error::TOO_MANY_REQUESTS_EXCEPTION
}

/// What KMS said when a function's environment was to be encrypted or decrypted.
pub(crate) fn kms(refused: ApiError) -> ApiError {
    let said = refused.message().to_owned();
    let text =
        |what: &str| format!("Lambda was unable to {what} the environment variables. KMS said: {said}");
    match (refused.fault(), refused.code()) {
        (Fault::Server, _) => refused,
        (_, "NotFoundException") => kms_missing(text("use the key of")),
        (_, "DisabledException") => kms_disabled(text("use the key of")),
        (_, "KMSInvalidStateException") => kms_state(text("use the key of")),
        _ => kms_denied(text("use the key of")),
    }
}
