//! Every error of the service, in AWS's words, and the only place that gives them their names on the wire.

use haneul_kinesis_wire::values::error;
use haneul_kit::{ApiError, Instant};
use haneul_policy::PolicyError;
use haneul_store::StoreError;

use crate::names::{ConsumerName, StreamKey, shard_id};

pub(crate) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(error::INVALID_ARGUMENT_EXCEPTION, message)
}

pub(crate) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::new(error::VALIDATION_EXCEPTION, message)
}

pub(crate) fn limit(message: impl Into<String>) -> ApiError {
    ApiError::new(error::LIMIT_EXCEEDED_EXCEPTION, message)
}

pub(crate) fn in_use(message: impl Into<String>) -> ApiError {
    ApiError::new(error::RESOURCE_IN_USE_EXCEPTION, message)
}

pub(crate) fn not_found(message: impl Into<String>) -> ApiError {
    ApiError::new(error::RESOURCE_NOT_FOUND_EXCEPTION, message)
}

pub(crate) fn no_stream(stream: &StreamKey) -> ApiError {
    not_found(format!("Stream {} under account {} not found.", stream.name, stream.account))
}

/// For operations on a shard by its id.
pub(crate) fn no_shard(stream: &StreamKey, id: &str) -> ApiError {
    not_found(format!(
        "Could not find shard {id} in stream {} under account {}.",
        stream.name, stream.account
    ))
}

/// For readers.
pub(crate) fn shard_does_not_exist(stream: &StreamKey, id: &str) -> ApiError {
    not_found(format!("Shard {id} in stream {} under account {} does not exist", stream.name, stream.account))
}

pub(crate) fn no_consumer(stream: &StreamKey, consumer: &str) -> ApiError {
    not_found(format!("Consumer {consumer}, account {} not found.", stream.account))
}

pub(crate) fn stream_exists(stream: &StreamKey) -> ApiError {
    in_use(format!("Stream {} under account {} already exists.", stream.name, stream.account))
}

pub(crate) fn not_active(stream: &StreamKey, status: &str) -> ApiError {
    in_use(format!(
        "Stream {} under account {} not ACTIVE, instead in state {status}",
        stream.name, stream.account
    ))
}

pub(crate) fn consumer_not_active(stream: &StreamKey, consumer: &ConsumerName) -> ApiError {
    in_use(format!(
        "Consumer {} with creation timestamp {} under stream: {} , account {} is not in ACTIVE status.",
        consumer.name, consumer.created_secs, stream.name, stream.account
    ))
}

pub(crate) fn subscribed(stream: &StreamKey, shard: u32, consumer: &str) -> ApiError {
    in_use(format!(
        "Another active subscription exists for this consumer: {}:{}:{}:{consumer}",
        stream.account,
        stream.name,
        shard_id(shard)
    ))
}

/// Also what each record of PutRecords is refused with.
pub(crate) fn rate_message(stream: &StreamKey, shard: u32) -> String {
    format!(
        "Rate exceeded for shard {} in stream {} under account {}.",
        shard_id(shard),
        stream.name,
        stream.account
    )
}

pub(crate) fn rate(stream: &StreamKey, shard: u32) -> ApiError {
    ApiError::new(error::PROVISIONED_THROUGHPUT_EXCEEDED_EXCEPTION, rate_message(stream, shard))
}

pub(crate) fn dry_run() -> ApiError {
    ApiError::new(
        error::DRY_RUN_OPERATION_EXCEPTION,
        "The request was rejected because the DryRun parameter was specified.",
    )
}

pub(crate) fn invalid_iterator() -> ApiError {
    invalid("Invalid ShardIterator.")
}

pub(crate) fn iterator_expired(made: Instant, now: Instant, tolerated_ms: i64) -> ApiError {
    ApiError::new(
        error::EXPIRED_ITERATOR_EXCEPTION,
        format!(
            "Iterator expired. The iterator was created at time {} while right now it is {} which is further in the \
             future than the tolerated delay of {tolerated_ms} milliseconds.",
            long_time(made),
            long_time(now)
        ),
    )
}

pub(crate) fn invalid_token() -> ApiError {
    invalid("Invalid NextToken.")
}

pub(crate) fn token_expired() -> ApiError {
    ApiError::new(error::EXPIRED_NEXT_TOKEN_EXCEPTION, "NextToken has expired.")
}

pub(crate) fn invalid_hash_key(text: &str) -> ApiError {
    invalid(format!(
        "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was {text}"
    ))
}

/// More shards than the account may have.
pub(crate) fn too_many_shards(stream: &StreamKey, now: usize, max: usize, more: usize) -> ApiError {
    limit(format!(
        "This request would exceed the shard limit for the account {} in {}. Current shard count for the account: \
         {now}. Limit: {max}. Number of additional shards that would have resulted from this request: {more}. Refer \
         to the AWS Service Limits page (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for \
         current limits and how to request higher limits.",
        stream.account, stream.region
    ))
}

pub(crate) fn policy(refused: PolicyError) -> ApiError {
    invalid(format!("Invalid policy document: {}", refused.message))
}

/// What KMS refuses, in the words of KMS under our own name for it.
pub(crate) fn kms(refused: ApiError) -> ApiError {
    let code = match refused.code() {
        "AccessDeniedException" | "AccessDenied" => error::KMS_ACCESS_DENIED_EXCEPTION,
        "DisabledException" => error::KMS_DISABLED_EXCEPTION,
        "KMSInvalidStateException" | "InvalidKeyUsageException" | "KeyUnavailableException" => {
            error::KMS_INVALID_STATE_EXCEPTION
        }
        "NotFoundException" => error::KMS_NOT_FOUND_EXCEPTION,
        "ThrottlingException" => error::KMS_THROTTLING_EXCEPTION,
        _ => return refused,
    };
    ApiError::new(code, refused.message())
}

pub(crate) fn kms_disabled(message: String) -> ApiError {
    ApiError::new(error::KMS_DISABLED_EXCEPTION, message)
}

pub(crate) fn kms_state(message: String) -> ApiError {
    ApiError::new(error::KMS_INVALID_STATE_EXCEPTION, message)
}

/// What the store says is our fault, never the client's.
pub(crate) fn store(error: StoreError) -> ApiError {
    error.into()
}

/// `Thu Jan 22 01:22:02 UTC 2015`.
fn long_time(at: Instant) -> String {
    // `Thu, 22 Jan 2015 01:22:02 GMT`
    let date = at.http_date();
    let parts: Vec<&str> = date.split([' ', ',']).filter(|part| !part.is_empty()).collect();
    match parts[..] {
        [weekday, day, month, year, time, ..] => format!("{weekday} {month} {day} {time} UTC {year}"),
        _ => date,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_aws_writes_them() {
        assert_eq!(long_time(Instant::from_secs(1_421_889_722)), "Thu Jan 22 01:22:02 UTC 2015");
    }
}
