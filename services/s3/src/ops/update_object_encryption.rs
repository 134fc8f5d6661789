use haneul_kit::{Access, ApiError, Arn, Cx, Handle, Result};
use haneul_s3_wire::operations::UpdateObjectEncryption;
use haneul_s3_wire::shapes as s;

use crate::encryption::{CustomerKey, WithKms};
use crate::facts::Named;
use crate::model::encryption::Scheme;
use crate::model::{Body, ObjectRecord};
use crate::store::watch::{By, Change};
use crate::{S3, error, names};

impl Handle<UpdateObjectEncryption> for S3 {
    async fn access(&self, cx: &Cx, input: &s::UpdateObjectEncryptionRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let access = bucket.object_access(cx, "s3:UpdateObjectEncryption", &input.key);
        let s::ObjectEncryption::SSEKMS(kms) = &input.object_encryption else { return Ok(vec![access]) };
        let access = access.key("s3:x-amz-server-side-encryption", "aws:kms");
        Ok(vec![access.key("s3:x-amz-server-side-encryption-aws-kms-key-id", kms.kms_key_arn.clone())])
    }

    /// Wraps the object's data key with another key; the bytes, and whatever is written of them, stay as they are.
    async fn call(
        &self,
        cx: &Cx,
        input: s::UpdateObjectEncryptionRequest,
    ) -> Result<s::UpdateObjectEncryptionResponse> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        names::check_key(&input.key)?;
        let s::ObjectEncryption::SSEKMS(kms) = input.object_encryption else {
            return Err(error::invalid_request(
                "Requests that modify an object encryption configuration require a valid new encryption type. Valid \
                 values are SSEKMS. Modify the request to specify SSE-KMS for the updated encryption type, and then \
                 try again.",
            ));
        };
        let arn = Arn::parse(&kms.kms_key_arn).ok();
        let arn = arn.filter(|arn| arn.service() == "kms" && arn.resource().starts_with("key/"));
        let arn = arn.ok_or_else(|| {
            error::invalid_request(
                "Requests that modify an object's encryption type to SSE-KMS require a valid Amazon Web Services KMS key \
                 Amazon Resource Name (ARN). Confirm that you have a correctly formatted KMS key ARN in your request, \
                 and then try again.",
            )
        })?;
        if arn.account_id() != Some(bucket.owner) {
            return Err(error::access_denied(
                "The Amazon Web Services KMS key in the request must be owned by the same account as the bucket. Modify \
                 the request to specify a KMS key from the same account, and then try again.",
            ));
        }
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let found = self.records.find(bucket.id(), named.key, named.version).await?;
        let (record, body) = self.readable(cx, found, named).await?;
        check(cx, &body)?;
        let old = self.open_key(cx, body.sealed.as_ref(), &CustomerKey::default()).await?;
        let old = old.ok_or_else(unencrypted)?;
        let with = WithKms {
            key_id: &kms.kms_key_arn,
            uses_bucket_key: kms.bucket_key_enabled == Some(true),
            header: None,
        };
        let sealed = Box::pin(self.rewrap(cx, &bucket, named.key, &old, &with)).await?;
        let (seq, before) = (record.seq, body.sealed);
        let set = |record: &mut ObjectRecord| {
            let Some(body) = record.body.as_mut().filter(|_| record.seq == seq) else { return Ok(false) };
            check(cx, body)?;
            // Somebody else changed it meanwhile: theirs may be the same data key, but is the later word.
            let is_same = body.sealed == before;
            if is_same {
                body.sealed = Some(sealed.clone());
            }
            Ok(is_same)
        };
        let version = Some(record.version_name());
        let watch = self.watch(cx, &bucket, By::Request);
        let watched = Some((&watch, &Change::Encryption));
        self.records.change_object(bucket.id(), named.key, version, set, watched).await?;
        Ok(s::UpdateObjectEncryptionResponse::default())
    }
}

/// What cannot be changed.
fn check(cx: &Cx, body: &Body) -> Result<()> {
    let lock = &body.lock;
    if lock.legal_hold == Some(true) || lock.retention.is_some_and(|retention| retention.is_active(cx.now()))
    {
        return Err(error::access_denied(
            "The encryption type for the specified object can't be updated because that object is protected by S3 Object \
             Lock. If the object has a governance-mode retention period or a legal hold, you must first remove the \
             Object Lock status on the object before you issue your UpdateObjectEncryption request. You can't use the \
             UpdateObjectEncryption operation with objects that have an Object Lock compliance mode retention period \
             applied to them.",
        ));
    }
    match body.sealed.as_ref().map(|sealed| &sealed.scheme) {
        None => Err(unencrypted()),
        Some(Scheme::S3) => Ok(()),
        Some(Scheme::Kms(kms)) if !kms.dsse => Ok(()),
        Some(_) => Err(error::invalid_request(
            "The UpdateObjectEncryption operation doesn't support source objects with the encryption type DSSE-KMS or \
             SSE-C. Only source objects encrypted with SSE-S3 or SSE-KMS are supported.",
        )),
    }
}

fn unencrypted() -> ApiError {
    error::invalid_request(
        "The UpdateObjectEncryption operation doesn't supported unencrypted source objects. Only source objects encrypted \
         with SSE-S3 or SSE-KMS are supported.",
    )
}
