use haneul_kit::{Access, Cx, Handle, Result};
use haneul_s3_wire::operations::UploadPart;
use haneul_s3_wire::shapes::{UploadPartOutput, UploadPartRequest};

use super::put_object::{Upload, expectation};
use crate::checksum::wire::{claim, show};
use crate::checksum::{Algorithm, Kind};
use crate::content::cipher::{DataKey, PieceKey};
use crate::content::receive::{Received, is_one_zone};
use crate::encryption::{CustomerKey, customer_key, hides_md5, show_encryption};
use crate::headers::creation_key;
use crate::model::{PartRecord, UploadRecord};
use crate::store::assembly::PART_NUMBER_MAX;
use crate::store::uploads::UploadAt;
use crate::{S3, error, names};

impl Handle<UploadPart> for S3 {
    async fn access(&self, cx: &Cx, input: &UploadPartRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket_to_write(cx, &input.bucket, &input.expected_bucket_owner).await?;
        Ok(vec![creation_key(bucket.object_access(cx, "s3:PutObject", &input.key), false)])
    }

    async fn call(&self, cx: &Cx, input: UploadPartRequest) -> Result<UploadPartOutput> {
        let bucket = self.bucket_to_write(cx, &input.bucket, &input.expected_bucket_owner).await?;
        names::check_key(&input.key)?;
        let number = part_number(input.part_number)?;
        let at = bucket.upload(&input.key, &input.upload_id);
        let record = self.records.upload(at).await?;
        let key = self.part_key(cx, &record, &customer_key!(input)).await?;
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
        expected.one_zone = is_one_zone(record.storage_class.as_deref());
        let received = self.content.receive(upload.body, &expected, key.piece()).await?;
        let sum = received.checksum.clone();
        let etag = self.keep_part(cx, at, number, received, &key).await?;
        let mut output =
            UploadPartOutput { e_tag: Some(format!("\"{etag}\"")), ..UploadPartOutput::default() };
        show_encryption!(output, record.sealed.as_ref());
        if given || record.checksum.is_some() {
            show!(output, sum.algorithm, sum.value);
        }
        Ok(output)
    }
}

/// The key of a part that is about to be kept. Without one it is of an upload of before there was encryption.
pub(super) struct PartKey {
    upload: Option<DataKey>,
    hides_md5: bool,
    salt: [u8; 16],
}

impl PartKey {
    pub(super) fn piece(&self) -> Option<PieceKey> {
        self.upload.as_ref().map(|key| key.piece(Some(&self.salt)))
    }

    fn etag(&self, md5: String) -> String {
        match &self.upload {
            Some(key) if self.hides_md5 => key.etag(&md5),
            _ => md5,
        }
    }
}

impl S3 {
    /// The upload's key, for one more part.
    pub(super) async fn part_key(
        &self,
        cx: &Cx,
        upload: &UploadRecord,
        customer: &CustomerKey,
    ) -> Result<PartKey> {
        let sealed = upload.sealed.as_ref();
        customer.check_part(sealed)?;
        Ok(PartKey {
            upload: self.open_key(cx, sealed, customer).await?,
            hides_md5: sealed.is_some_and(hides_md5),
            salt: self.platform.env.rng.bytes(),
        })
    }

    /// Makes the record of a part, and gives its ETag.
    pub(super) async fn keep_part(
        &self,
        cx: &Cx,
        at: UploadAt<'_>,
        number: u32,
        received: Received,
        key: &PartKey,
    ) -> Result<String> {
        let part = PartRecord {
            size: received.size,
            etag: key.etag(received.md5),
            algorithm: received.kept.algorithm,
            checksum: received.kept.value,
            modified_s: cx.now().secs(),
            data: received.data,
            salt: key.upload.as_ref().map(|_| hex::encode(key.salt)),
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
