//! Every error of the service, in AWS's words.

use haneul_kit::{ApiError, Cx};
use haneul_sqs_wire::values::error;
use haneul_store::StoreError;

/// A code of the query protocol that the model does not list.
const INVALID_PARAMETER_VALUE: &str = "InvalidParameterValue";
const MISSING_PARAMETER: &str = "MissingParameter";

pub(crate) fn queue_does_not_exist() -> ApiError {
    ApiError::new(error::QUEUE_DOES_NOT_EXIST, "The specified queue does not exist.")
}

pub(crate) fn queue_name_exists(attribute: &str) -> ApiError {
    ApiError::new(
        error::QUEUE_NAME_EXISTS,
        format!("A queue already exists with the same name and a different value for attribute {attribute}"),
    )
}

/// AWS refuses tags that differ from those of the queue that is there (Bogdanp/dramatiq_sqs pull request 13).
pub(crate) fn queue_has_other_tags() -> ApiError {
    ApiError::new(error::QUEUE_NAME_EXISTS, "A queue already exists with the same name and different tags")
}

pub(crate) fn queue_deleted_recently() -> ApiError {
    ApiError::new(
        error::QUEUE_DELETED_RECENTLY,
        "You must wait 60 seconds after deleting a queue before you can create another with the same name.",
    )
}

pub(crate) fn purge_in_progress(name: &str) -> ApiError {
    ApiError::new(
        error::PURGE_QUEUE_IN_PROGRESS,
        format!("Only one PurgeQueue operation on {name} is allowed every 60 seconds."),
    )
    .with_status(403)
}

pub(crate) fn invalid_queue_name() -> ApiError {
    invalid_parameter("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
}

pub(crate) fn fifo_name() -> ApiError {
    invalid_parameter(
        "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with \
         .fifo suffix and be 1 to 80 in length.",
    )
}

/// What is to name an account does not. AWS tells no more than the endpoint that was asked.
pub(crate) fn invalid_address(cx: &Cx) -> ApiError {
    let message = format!("The address {}/ is not valid for this endpoint.", cx.endpoint());
    ApiError::new(error::INVALID_ADDRESS, message)
}

pub(crate) fn unknown_attribute(name: &str) -> ApiError {
    ApiError::new(error::INVALID_ATTRIBUTE_NAME, format!("Unknown Attribute {name}."))
}

/// An attribute that exists and cannot be set, or not on such a queue.
pub(crate) fn attribute_not_allowed(name: &str, queue: &str) -> ApiError {
    ApiError::new(error::INVALID_ATTRIBUTE_NAME, format!("You can specify the {name} only when {queue}."))
}

pub(crate) fn invalid_attribute_value(name: &str) -> ApiError {
    ApiError::new(error::INVALID_ATTRIBUTE_VALUE, format!("Invalid value for the parameter {name}."))
}

pub(crate) fn invalid_attribute_value_because(name: &str, reason: &str) -> ApiError {
    ApiError::new(
        error::INVALID_ATTRIBUTE_VALUE,
        format!("Invalid value for the parameter {name}. Reason: {reason}"),
    )
}

/// What stands between the value that is not valid and why.
pub(crate) const REASON: &str = " is invalid. Reason: ";

/// `Value … for parameter … is invalid. Reason: …`
pub(crate) fn invalid_value(value: &str, parameter: &str, reason: &str) -> ApiError {
    invalid_parameter(format!("Value {value} for parameter {parameter}{REASON}{reason}"))
}

pub(crate) fn invalid_parameter(message: impl Into<String>) -> ApiError {
    ApiError::new(INVALID_PARAMETER_VALUE, message)
}

pub(crate) fn missing_parameter(name: &str) -> ApiError {
    ApiError::new(MISSING_PARAMETER, format!("The request must contain the parameter {name}."))
}

pub(crate) fn invalid_contents() -> ApiError {
    ApiError::new(
        error::INVALID_MESSAGE_CONTENTS,
        "Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD \
         | #x10000 to #x10FFFF.",
    )
}

pub(crate) fn message_too_long(max: u32) -> ApiError {
    invalid_parameter(format!(
        "One or more parameters are invalid. Reason: Message must be shorter than {max} bytes."
    ))
}

pub(crate) fn unsupported(message: impl Into<String>) -> ApiError {
    ApiError::new(error::UNSUPPORTED_OPERATION, message)
}

pub(crate) fn receipt_handle_invalid(handle: &str) -> ApiError {
    ApiError::new(
        error::RECEIPT_HANDLE_IS_INVALID,
        format!("The input receipt handle \"{}\" is not a valid receipt handle.", abridged(handle)),
    )
}

pub(crate) fn receipt_handle_expired(handle: &str) -> ApiError {
    invalid_value(abridged(handle), "ReceiptHandle", "The receipt handle has expired.")
}

pub(crate) fn message_not_available(handle: &str) -> ApiError {
    invalid_value(
        abridged(handle),
        "ReceiptHandle",
        "Message does not exist or is not available for visibility timeout change.",
    )
}

/// A ReceiveRequestAttemptId that was used and whose messages have been dealt with (aws/aws-sdk-java issue 2613).
pub(crate) fn attempt_over(id: &str) -> ApiError {
    invalid_value(
        abridged(id),
        "ReceiveRequestAttemptId",
        "The receiveRequestAttemptId is not valid anymore since the receive call is not retryable.",
    )
}

pub(crate) fn total_visibility_beyond_limit(value: i32) -> ApiError {
    invalid_value(
        &value.to_string(),
        "VisibilityTimeout",
        "Total VisibilityTimeout for the message is beyond the limit [43200 seconds]",
    )
}

pub(crate) fn in_flight_limit() -> ApiError {
    ApiError::new(error::OVER_LIMIT, "The maximum number of in flight messages is reached.").with_status(403)
}

pub(crate) fn empty_batch(entry: &str) -> ApiError {
    ApiError::new(error::EMPTY_BATCH_REQUEST, format!("There should be at least one {entry} in the request."))
}

pub(crate) fn too_many_entries(sent: usize) -> ApiError {
    ApiError::new(
        error::TOO_MANY_ENTRIES_IN_BATCH_REQUEST,
        format!("Maximum number of entries per request are 10. You have sent {sent}."),
    )
}

pub(crate) fn entry_ids_not_distinct(id: &str) -> ApiError {
    ApiError::new(error::BATCH_ENTRY_IDS_NOT_DISTINCT, format!("Id {id} repeated."))
}

pub(crate) fn invalid_entry_id() -> ApiError {
    ApiError::new(
        error::INVALID_BATCH_ENTRY_ID,
        "A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 \
         letters long.",
    )
}

pub(crate) fn batch_too_long(sent: usize) -> ApiError {
    let max = crate::message::body::MESSAGE_BYTES_MAX;
    ApiError::new(
        error::BATCH_REQUEST_TOO_LONG,
        format!("Batch requests cannot be longer than {max} bytes. You have sent {sent} bytes."),
    )
}

pub(crate) fn resource_not_found(message: impl Into<String>) -> ApiError {
    ApiError::new(error::RESOURCE_NOT_FOUND_EXCEPTION, message).with_status(404)
}

pub(crate) fn too_many_tags() -> ApiError {
    invalid_parameter("Too many tags added for queue. Maximum number of tags is 50.")
}

/// What KMS refuses, in the words of KMS under our own name for it.
pub(crate) fn kms(refused: ApiError) -> ApiError {
    let code = match refused.code() {
        "AccessDeniedException" | "AccessDenied" => error::KMS_ACCESS_DENIED,
        "DisabledException" => error::KMS_DISABLED,
        "InvalidKeyUsageException" => error::KMS_INVALID_KEY_USAGE,
        "KMSInvalidStateException" => error::KMS_INVALID_STATE,
        "NotFoundException" => error::KMS_NOT_FOUND,
        "ThrottlingException" => error::KMS_THROTTLED,
        _ => return refused,
    };
    ApiError::new(code, refused.message())
}

/// Keys of KMS and of SQS at once.
pub(crate) fn two_encryptions() -> ApiError {
    ApiError::new(
        error::INVALID_ATTRIBUTE_VALUE,
        "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.",
    )
}

/// What the store says is our fault, never the client's.
pub(crate) fn store(error: StoreError) -> ApiError {
    error.into()
}

/// A handle may be as long as the client likes; what comes back is not.
fn abridged(handle: &str) -> &str {
    let mut end = handle.len().min(1024);
    while !handle.is_char_boundary(end) {
        end -= 1;
    }
    &handle[..end]
}

pub(crate) fn over_limit(message: impl Into<String>) -> ApiError {
    ApiError::new(error::OVER_LIMIT, message).with_status(403)
}

pub(crate) fn malformed_arn(parameter: &str) -> ApiError {
    invalid_parameter(format!(
        "You must use this format to specify the {parameter}: \
         arn:<partition>:<service>:<region>:<account-id>:<resource-id>"
    ))
}
