//! Every error of the service, in AWS's words.

use haneul_base::tags::InvalidTags;
use haneul_dynamodb_wire::shapes as s;
use haneul_dynamodb_wire::values::error;
use haneul_kit::{ApiError, Fault, Instant};
use haneul_store::StoreError;

use crate::value::{Attrs, wire};

/// The code of everything that a request says wrongly; the model does not list it.
const VALIDATION: &str = "ValidationException";

pub(crate) const CONDITIONAL_FAILED: &str = "The conditional request failed";

pub(crate) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new(VALIDATION, message)
}

/// `One or more parameter values were invalid: …`
pub(crate) fn invalid(why: impl std::fmt::Display) -> ApiError {
    validation(format!("One or more parameter values were invalid: {why}"))
}

/// Of an operation on items.
pub(crate) fn no_resource() -> ApiError {
    ApiError::new(error::RESOURCE_NOT_FOUND_EXCEPTION, "Requested resource not found")
}

/// Of an operation on tables.
pub(crate) fn no_table(name: &str) -> ApiError {
    ApiError::new(
        error::RESOURCE_NOT_FOUND_EXCEPTION,
        format!("Requested resource not found: Table: {name} not found"),
    )
}

/// Of backups and recovery, which have a code of their own for it.
pub(crate) fn no_source_table(name: &str) -> ApiError {
    ApiError::new(error::TABLE_NOT_FOUND_EXCEPTION, format!("Table not found: {name}"))
}

pub(crate) fn no_backup(backup: &str) -> ApiError {
    ApiError::new(error::BACKUP_NOT_FOUND_EXCEPTION, format!("Backup not found: {backup}"))
}

pub(crate) fn no_recovery(table: &str) -> ApiError {
    ApiError::new(
        error::POINT_IN_TIME_RECOVERY_UNAVAILABLE_EXCEPTION,
        format!("Point in time recovery is not enabled for table '{table}'"),
    )
}

pub(crate) fn not_found(what: impl Into<String>) -> ApiError {
    ApiError::new(error::RESOURCE_NOT_FOUND_EXCEPTION, what)
}

pub(crate) fn in_use(message: impl Into<String>) -> ApiError {
    ApiError::new(error::RESOURCE_IN_USE_EXCEPTION, message)
}

/// A table that restores, imports or other replicas fill yet.
pub(crate) fn being_created(name: &str) -> ApiError {
    in_use(format!("Attempt to change a resource which is still in use: Table is being created: {name}"))
}

/// A table that fills an index or another replica.
pub(crate) fn being_updated(name: &str) -> ApiError {
    in_use(format!("Attempt to change a resource which is still in use: Table is being updated: {name}"))
}

pub(crate) fn limit_exceeded(message: impl Into<String>) -> ApiError {
    ApiError::new(error::LIMIT_EXCEEDED_EXCEPTION, message)
}

pub(crate) fn conditional_check_failed(item: Option<Attrs>) -> ApiError {
    let item = item.map(wire::attrs_to_wire);
    let detail = s::ConditionalCheckFailedException { message: Some(CONDITIONAL_FAILED.into()), item };
    ApiError::new(error::CONDITIONAL_CHECK_FAILED_EXCEPTION, CONDITIONAL_FAILED).with_detail(detail)
}

/// Of a statement that inserts what is there.
pub(crate) const DUPLICATE: &str = "Duplicate primary key exists in table";

pub(crate) fn duplicate_item() -> ApiError {
    ApiError::new(error::DUPLICATE_ITEM_EXCEPTION, DUPLICATE)
}

pub(crate) fn transaction_cancelled(reasons: Vec<s::CancellationReason>) -> ApiError {
    let codes: Vec<_> = reasons.iter().map(|reason| reason.code.as_deref().unwrap_or("None")).collect();
    let message = format!(
        "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
        codes.join(", ")
    );
    let detail = s::TransactionCanceledException {
        message: Some(message.clone()),
        cancellation_reasons: Some(reasons),
    };
    ApiError::new(error::TRANSACTION_CANCELED_EXCEPTION, message).with_detail(detail)
}

pub(crate) fn idempotent_mismatch() -> ApiError {
    ApiError::new(
        error::IDEMPOTENT_PARAMETER_MISMATCH_EXCEPTION,
        "DynamoDB rejected the request because you retried a request with a different payload but with an idempotent token that was already used.",
    )
}

/// More than a table has provisioned.
pub(crate) fn throughput_exceeded(reason: String, resource: String) -> ApiError {
    const MESSAGE: &str = "The level of configured provisioned throughput for the table was exceeded. Consider \
                           increasing your provisioning level with the UpdateTable API.";
    let reasons = vec![s::ThrottlingReason { reason: Some(reason), resource: Some(resource) }];
    let detail = s::ProvisionedThroughputExceededException {
        message: Some(MESSAGE.to_owned()),
        throttling_reasons: Some(reasons),
    };
    ApiError::new(error::PROVISIONED_THROUGHPUT_EXCEEDED_EXCEPTION, MESSAGE).with_detail(detail)
}

/// More than a table on demand may use.
pub(crate) fn throttled(reason: String, resource: String) -> ApiError {
    const MESSAGE: &str = "Throughput exceeds the maximum OnDemandThroughput configured on table or index";
    let reasons = vec![s::ThrottlingReason { reason: Some(reason), resource: Some(resource) }];
    let detail =
        s::ThrottlingException { message: Some(MESSAGE.to_owned()), throttling_reasons: Some(reasons) };
    ApiError::new(error::THROTTLING_EXCEPTION, MESSAGE).with_detail(detail)
}

pub(crate) fn tags(why: InvalidTags) -> ApiError {
    match why {
        InvalidTags::TooMany => {
            validation("Number of Tags exceed the current limit for the provided ResourceArn")
        }
        InvalidTags::Key(key) | InvalidTags::Character(key) => {
            validation(format!("The Tag Key provided is invalid, Key: {key}"))
        }
        // The model holds its length, and words it.
        InvalidTags::Value(key) => invalid(format!("The value of tag {key} has more than 256 characters")),
        InvalidTags::Reserved(key) => validation(format!("Tag Key cannot be prefixed with aws:, Key: {key}")),
        InvalidTags::Duplicate(key) => {
            validation(format!("Duplicate Tag Keys provided as input: Duplicate Tag Key found {key}"))
        }
    }
}

/// Provisioned throughput that was taken back too often on one day.
pub(crate) fn decreased_too_often(today: i64, last_ms: i64, next_ms: i64) -> ApiError {
    let at = |ms| format!("{} Coordinated Universal Time", Instant::from_millis(ms).long_form());
    limit_exceeded(format!(
        "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. After the first 4 \
         decreases, each subsequent decrease in the same UTC day can be performed at most once every 3600 seconds. Number \
         of decreases today: {today}. Last decrease at {}. Next decrease can be made at {}",
        at(last_ms),
        at(next_ms)
    ))
}

pub(crate) fn no_global_table(name: &str) -> ApiError {
    ApiError::new(
        error::GLOBAL_TABLE_NOT_FOUND_EXCEPTION,
        format!("Global table not found: Global table with name: '{name}' does not exist"),
    )
}

/// Of an operation on a global table whose replica is not there.
pub(crate) fn no_replica_table(name: &str, region: &str) -> ApiError {
    ApiError::new(
        error::TABLE_NOT_FOUND_EXCEPTION,
        format!("Table not found: Table: {name} not found in Region: {region}"),
    )
}

pub(crate) fn no_stream(arn: &str) -> ApiError {
    let message = format!("Requested resource not found: Stream: {arn} not found");
    ApiError::new("ResourceNotFoundException", message)
}

/// A parameter whose guarantee we cannot give.
pub(crate) fn not_here(what: &str) -> ApiError {
    validation(format!("Haneul does not support {what} yet, so that it refuses it."))
}

/// What KMS says of the key of a table.
pub(crate) fn kms(refused: &ApiError) -> ApiError {
    if refused.fault() == Fault::Server {
        return ApiError::internal(refused.message().to_owned());
    }
    ApiError::new(
        "AccessDeniedException",
        format!(
            "KMS key access denied error: {} (Service: AWSKMS; Status Code: 400; Error Code: {})",
            refused.message(),
            refused.code()
        ),
    )
}

/// What the store says is our fault, never the client's.
pub(crate) fn store(error: StoreError) -> ApiError {
    error.into()
}
