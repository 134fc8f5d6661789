use haneul_kit::{Access, Cx, Handle, Principal, Result};
use haneul_s3_wire::operations::CreateMultipartUpload;
use haneul_s3_wire::shapes::{CreateMultipartUploadOutput, CreateMultipartUploadRequest};

use crate::acl::{self, NewAcl};
use crate::checksum::{Algorithm, Kind};
use crate::encryption::show_encryption;
use crate::headers::{creation_key, header_keys, object_headers, request_tag_keys, write_needs};
use crate::model::UploadRecord;
use crate::{S3, error, names, tagging};

impl Handle<CreateMultipartUpload> for S3 {
    async fn access(&self, cx: &Cx, input: &CreateMultipartUploadRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket_to_write(cx, &input.bucket, &input.expected_bucket_owner).await?;
        if cx.caller().principal == Principal::Anonymous {
            return Err(error::anonymous_may_not("initiate multipart uploads"));
        }
        let put = creation_key(bucket.object_access(cx, "s3:PutObject", &input.key), false);
        let mut put = header_keys!(put, cx, input);
        let mut needed = Vec::new();
        if let Some(header) = &input.tagging {
            let tags = tagging::of_header(header)?;
            put = request_tag_keys(put, &tags);
            needed.push(request_tag_keys(bucket.object_access(cx, "s3:PutObjectTagging", &input.key), &tags));
        }
        write_needs!(needed, cx, bucket, input);
        needed.insert(0, put);
        Ok(needed)
    }

    async fn call(
        &self,
        cx: &Cx,
        mut input: CreateMultipartUploadRequest,
    ) -> Result<CreateMultipartUploadOutput> {
        let bucket = self.bucket_to_write(cx, &input.bucket, &input.expected_bucket_owner).await?;
        names::check_key(&input.key)?;
        let checksum = checksum(input.checksum_algorithm.as_deref(), input.checksum_type.as_deref())?;
        let headers = object_headers!(input);
        let tags = headers.check(&bucket)?;
        let NewAcl { owner, acl } = acl::of_new_object(cx, &bucket, &input.key, &headers.acl)?;
        let lock = headers.lock.resolve(&bucket, cx.now())?;
        let (_, sealed) = self.new_key(cx, &bucket, &input.key, &headers.encryption).await?;
        let upload = UploadRecord {
            initiated_ms: cx.now().millis(),
            initiator: cx.account().number(),
            initiator_arn: cx.caller().arn(),
            initiator_id: Some(cx.caller().user_id()),
            owner,
            storage_class: headers.stored_class(),
            headers: headers.system,
            metadata: headers.metadata,
            tags,
            checksum,
            acl,
            lock,
            sealed: Some(sealed),
            began_over: None,
        };
        let upload_id = self.upload_id(cx);
        let at = bucket.upload(&input.key, &upload_id);
        self.records.create_upload(at, &upload).await?;
        let abort = bucket.upload_abort(&input.key, upload.initiated_ms);
        let mut output = CreateMultipartUploadOutput {
            abort_date: abort.as_ref().map(|(at, _)| *at),
            abort_rule_id: abort.map(|(_, rule)| rule),
            bucket: Some(bucket.name.clone()),
            key: Some(input.key),
            upload_id: Some(upload_id),
            checksum_algorithm: checksum.map(|(algorithm, _)| algorithm.as_str().to_owned()),
            checksum_type: checksum.map(|(_, kind)| kind.as_str().to_owned()),
            ..CreateMultipartUploadOutput::default()
        };
        show_encryption!(output, upload.sealed.as_ref());
        Ok(output)
    }
}

impl S3 {
    /// Begins with the time, so that the uploads of a key are in order of initiation.
    fn upload_id(&self, cx: &Cx) -> String {
        format!("{:012x}{}", cx.now().millis().max(0), self.platform.env.rng.text(ALPHABET, RANDOM_LENGTH))
    }
}

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
const RANDOM_LENGTH: usize = 84;

/// Whether it could be the id of an upload.
pub(super) fn is_upload_id(text: &str) -> bool {
    text.len() == 12 + RANDOM_LENGTH && text.bytes().all(|byte| ALPHABET.contains(&byte))
}

fn checksum(algorithm: Option<&str>, kind: Option<&str>) -> Result<Option<(Algorithm, Kind)>> {
    match (algorithm, kind) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err(error::invalid_request(
            "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
        )),
        (Some(name), kind) => {
            let algorithm = Algorithm::parse(name)?;
            Ok(Some((algorithm, algorithm.kind(kind)?)))
        }
    }
}
