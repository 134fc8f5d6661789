use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations::UploadPart;
use haneul_s3_wire::shapes::{UploadPartOutput, UploadPartRequest};

use super::put_object::{Upload, expectation};
use crate::checksum::wire::{claim, show};
use crate::checksum::{Algorithm, Kind};
use crate::content::receive::Received;
use crate::model::{PartRecord, UploadRecord};
use crate::store::assembly::PART_NUMBER_MAX;
use crate::store::uploads::UploadAt;
use crate::{S3, error, names};

impl Handle<UploadPart> for S3 {
    async fn access(&self, cx: &Cx, input: &UploadPartRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        Ok(vec![bucket.object_access(cx, "s3:PutObject", &input.key)])
    }

    async fn call(&self, cx: &Cx, input: UploadPartRequest) -> Result<UploadPartOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        names::check_key(&input.key)?;
        refuse_customer_key(&input.sse_customer_algorithm, &input.sse_customer_key)?;
        let number = part_number(input.part_number)?;
        let at = UploadAt {
            bucket: bucket.id(),
            bucket_name: &bucket.name,
            key: &input.key,
            upload_id: &input.upload_id,
        };
        let record = self.records.upload(at).await?;
        let claim = claim!(input)?;
        let upload = Upload {
            body: input.body,
            content_length: input.content_length,
            content_md5: input.content_md5,
            algorithm: input.checksum_algorithm,
            claim,
        };
        let mut expected = expectation(cx, &upload, algorithm(&record))?;
        let given = expected.claim.is_some() || expected.trailers.is_some();
        check_algorithm(&record, expected.algorithm, given)?;
        if !given {
            expected.algorithm = algorithm(&record);
        }
        expected.kept = Some(algorithm(&record));
        let received = self.content.receive(upload.body, &expected).await?;
        let sum = received.checksum.clone();
        let etag = self.keep_part(cx, at, number, received).await?;
        let mut output = UploadPartOutput {
            server_side_encryption: Some("AES256".to_owned()),
            e_tag: Some(format!("\"{etag}\"")),
            ..UploadPartOutput::default()
        };
        if given || record.checksum.is_some() {
            show!(output, sum.algorithm, sum.value);
        }
        Ok(output)
    }
}

impl S3 {
    /// Makes the record of a part, and gives its ETag.
    pub(super) async fn keep_part(
        &self,
        cx: &Cx,
        at: UploadAt<'_>,
        number: u32,
        received: Received,
    ) -> Result<String> {
        let part = PartRecord {
            size: received.size,
            etag: received.md5,
            algorithm: received.kept.algorithm,
            checksum: received.kept.value,
            modified_s: cx.now().secs(),
            data: received.data,
        };
        match self.records.put_part(at, number, &part, received.inline.as_ref()).await {
            Ok(freed) => {
                self.content.free(freed).await;
                Ok(part.etag)
            }
            Err(error) => {
                self.content.discard(&part.data).await;
                Err(error)
            }
        }
    }
}

/// What is computed of each part of the upload.
pub(super) fn algorithm(upload: &UploadRecord) -> Algorithm {
    upload.checksum.map_or(Algorithm::Crc64Nvme, |(algorithm, _)| algorithm)
}

/// A part's checksum must be of the upload's algorithm; for a composite one it must be given.
fn check_algorithm(upload: &UploadRecord, given: Algorithm, is_given: bool) -> Result<()> {
    let mismatch = |expected: &str, actual: &str| {
        Err(error::invalid_request(format!(
            "Checksum Type mismatch occurred, expected checksum Type: {}, actual checksum Type: {}",
            expected.to_ascii_lowercase(),
            actual.to_ascii_lowercase()
        )))
    };
    match upload.checksum {
        Some((wanted, _)) if is_given && wanted != given => mismatch(wanted.as_str(), given.as_str()),
        Some((wanted, Kind::Composite)) if !is_given => mismatch(wanted.as_str(), "null"),
        _ => Ok(()),
    }
}

pub(super) fn part_number(given: i32) -> Result<u32> {
    match u32::try_from(given) {
        Ok(number @ 1..) if given <= PART_NUMBER_MAX => Ok(number),
        _ => {
            let message = "Part number must be an integer between 1 and 10000, inclusive";
            Err(error::invalid_argument(message, "partNumber", given.to_string()))
        }
    }
}

pub(super) fn refuse_customer_key(algorithm: &Option<String>, key: &Option<String>) -> Result<()> {
    if algorithm.is_some() || key.is_some() {
        return Err(error::not_implemented("Server-side encryption with customer-provided keys (SSE-C)"));
    }
    Ok(())
}
