use haneul_kit::{Access, ApiError, Cx, Handle, Result};
use haneul_s3_wire::operations::WriteGetObjectResponse;
use haneul_s3_wire::shapes::{GetObjectOutput, WriteGetObjectResponseRequest};
use haneul_shape::Empty;
use http::StatusCode;

use crate::object_lambda::responses::{Written, forward};
use crate::{S3, error};

const ACTION: &str = "s3-object-lambda:WriteGetObjectResponse";

/// Statuses that an answer may have.
const STATUSES: &[i32] = &[200, 206, 304, 400, 401, 403, 404, 405, 409, 411, 412, 416, 500, 503];

impl Handle<WriteGetObjectResponse> for S3 {
    async fn access(&self, _: &Cx, input: &WriteGetObjectResponseRequest) -> Result<Vec<Access>> {
        let mut access = Access::to(ACTION);
        if let Some((point, account)) = self.responses.point(&input.request_token) {
            access = access.owned_by(account);
            access.resource = point.into();
        }
        Ok(vec![access])
    }

    /// Answers when whoever waits has read all of it.
    async fn call(&self, cx: &Cx, mut input: WriteGetObjectResponseRequest) -> Result<Empty> {
        let known = self.responses.point(&input.request_token);
        let Some((_, account)) = known else {
            return Err(validation("The request token is invalid or was used before."));
        };
        if account != cx.account() {
            return Err(error::access_denied("Access Denied"));
        }
        let refused = check(&input).err();
        let Some(sender) = self.responses.take(&input.request_token) else {
            return Err(validation("The request token is invalid or was used before."));
        };
        if let Some(why) = refused {
            let told = error::new("LambdaInvalidResponse", 400, why.message());
            let _ = sender.send(Written::Refused(told));
            return Err(why);
        }
        let status = status(&input)?;
        if let Some(code) = input.error_code.take() {
            let message = input.error_message.take().unwrap_or_default();
            let told = ApiError::new(code, message).with_status(status.as_u16());
            return match sender.send(Written::Refused(told)) {
                Ok(()) => Ok(Empty),
                Err(_) => Err(gone()),
            };
        }
        let (body, ended) = forward(std::mem::take(&mut input.body));
        let mut output = Box::new(output(input));
        // What the header says may be of a body in chunks.
        output.content_length = body.length().map(|length| length as i64);
        output.body = body;
        sender.send(Written::Answer { status, output }).map_err(|_| gone())?;
        match ended.await {
            Ok(true) => Ok(Empty),
            _ => Err(gone()),
        }
    }
}

fn validation(message: impl Into<String>) -> ApiError {
    error::new("ValidationError", 400, message)
}

fn gone() -> ApiError {
    error::new("ValidationError", 400, "The original caller is no longer there.")
}

fn status(input: &WriteGetObjectResponseRequest) -> Result<StatusCode> {
    let given = input.status_code.unwrap_or(200);
    let status = u16::try_from(given).ok().and_then(|given| StatusCode::from_u16(given).ok());
    status
        .filter(|_| STATUSES.contains(&given))
        .ok_or_else(|| validation("Invalid value for the status code."))
}

/// Source: S3 API Reference, WriteGetObjectResponse.
fn check(input: &WriteGetObjectResponseRequest) -> Result<()> {
    let status = status(input)?;
    let Some(code) = &input.error_code else {
        if input.error_message.is_some() {
            return Err(validation("An error message cannot be given without an error code."));
        }
        return Ok(());
    };
    if status.is_success() || status == StatusCode::NOT_MODIFIED {
        return Err(validation("An error code cannot be used with a successful status code."));
    }
    if input.body.length().is_some_and(|length| length > 0) {
        return Err(validation("An error code cannot be used when the transformed object is in the body."));
    }
    let begins = code.starts_with(|first: char| first.is_ascii_uppercase());
    if code.len() < 2 || !begins || !code.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Err(validation("Invalid value for the error code."));
    }
    Ok(())
}

fn output(input: WriteGetObjectResponseRequest) -> GetObjectOutput {
    GetObjectOutput {
        delete_marker: input.delete_marker,
        accept_ranges: input.accept_ranges,
        expiration: input.expiration,
        restore: input.restore,
        last_modified: input.last_modified,
        e_tag: input.e_tag,
        checksum_crc32: input.checksum_crc32,
        checksum_crc32_c: input.checksum_crc32_c,
        checksum_crc64_nvme: input.checksum_crc64_nvme,
        checksum_sha1: input.checksum_sha1,
        checksum_sha256: input.checksum_sha256,
        checksum_sha512: input.checksum_sha512,
        checksum_md5: input.checksum_md5,
        checksum_xxhash64: input.checksum_xxhash64,
        checksum_xxhash3: input.checksum_xxhash3,
        checksum_xxhash128: input.checksum_xxhash128,
        missing_meta: input.missing_meta,
        version_id: input.version_id,
        cache_control: input.cache_control,
        content_disposition: input.content_disposition,
        content_encoding: input.content_encoding,
        content_language: input.content_language,
        content_range: input.content_range,
        content_type: input.content_type,
        expires: input.expires,
        server_side_encryption: input.server_side_encryption,
        metadata: input.metadata,
        sse_customer_algorithm: input.sse_customer_algorithm,
        sse_customer_key_md5: input.sse_customer_key_md5,
        ssekms_key_id: input.ssekms_key_id,
        bucket_key_enabled: input.bucket_key_enabled,
        storage_class: input.storage_class,
        request_charged: input.request_charged,
        replication_status: input.replication_status,
        parts_count: input.parts_count,
        tag_count: input.tag_count,
        object_lock_mode: input.object_lock_mode,
        object_lock_retain_until_date: input.object_lock_retain_until_date,
        object_lock_legal_hold_status: input.object_lock_legal_hold_status,
        ..GetObjectOutput::default()
    }
}
