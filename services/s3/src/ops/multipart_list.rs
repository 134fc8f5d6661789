use haneul_kit::{Access, AccountId, Cx, Handle, Instant, Principal, Result};
use haneul_s3_wire::operations::{ListMultipartUploads, ListParts};
use haneul_s3_wire::shapes::{
    Initiator, ListMultipartUploadsOutput, ListMultipartUploadsRequest, ListPartsOutput, ListPartsRequest,
    MultipartUpload, Part,
};

use super::list_objects::{common_prefixes, limit, query, shown};
use super::multipart_create::is_upload_id;
use super::url_encoding::Encoding;
use crate::acl::granted;
use crate::bucket::Bucket;
use crate::checksum::wire::show;
use crate::model::UploadRecord;
use crate::owner::{canonical_id, owner};
use crate::store::listing::Page;
use crate::store::uploads::UploadAt;
use crate::{S3, error};

impl Handle<ListParts> for S3 {
    async fn access(&self, cx: &Cx, input: &ListPartsRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let at = bucket.upload(&input.key, &input.upload_id);
        Ok(vec![self.upload_access(cx, &bucket, "s3:ListMultipartUploadParts", at).await?])
    }

    async fn call(&self, cx: &Cx, input: ListPartsRequest) -> Result<ListPartsOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let limit = limit(input.max_parts, "max-parts")?;
        let after = input.part_number_marker.unwrap_or(0).max(0) as u32;
        let at = bucket.upload(&input.key, &input.upload_id);
        let upload = self.records.upload(at).await?;
        let mut parts = self.records.parts(at, after, limit + 1).await?;
        let more = parts.len() > limit;
        parts.truncate(limit);
        let last = parts.last().map_or(0, |(number, _)| *number);
        let with_checksums = upload.checksum.is_some();
        let shown = parts.into_iter().map(|(number, part)| {
            let mut entry = Part {
                part_number: Some(number as i32),
                last_modified: Some(Instant::from_secs(part.modified_s)),
                e_tag: Some(format!("\"{}\"", part.etag)),
                size: Some(part.size as i64),
                ..Part::default()
            };
            if with_checksums {
                show!(entry, part.algorithm, part.checksum);
            }
            entry
        });
        let abort = bucket.upload_abort(&input.key, upload.initiated_ms);
        Ok(ListPartsOutput {
            abort_date: abort.as_ref().map(|(at, _)| *at),
            abort_rule_id: abort.map(|(_, rule)| rule),
            bucket: Some(bucket.name.clone()),
            upload_id: Some(input.upload_id.clone()),
            part_number_marker: Some(after as i32),
            next_part_number_marker: Some(last as i32),
            max_parts: Some(limit as i32),
            is_truncated: Some(more),
            parts: Some(shown.collect()),
            initiator: Some(initiator(&upload)),
            owner: Some(owner(upload_owner(&bucket, &upload))),
            storage_class: Some(upload.storage_class.clone().unwrap_or_else(|| "STANDARD".to_owned())),
            checksum_algorithm: upload.checksum.map(|(algorithm, _)| algorithm.as_str().to_owned()),
            checksum_type: upload.checksum.map(|(_, kind)| kind.as_str().to_owned()),
            key: Some(input.key),
            ..ListPartsOutput::default()
        })
    }
}

impl Handle<ListMultipartUploads> for S3 {
    async fn access(&self, cx: &Cx, input: &ListMultipartUploadsRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        Ok(vec![bucket.access(cx, "s3:ListBucketMultipartUploads")])
    }

    async fn call(&self, cx: &Cx, input: ListMultipartUploadsRequest) -> Result<ListMultipartUploadsOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let encoding = Encoding::parse(input.encoding_type.as_deref())?;
        let limit = limit(input.max_uploads, "max-uploads")?;
        let key_marker = input.key_marker.as_deref().filter(|marker| !marker.is_empty());
        // Without a key marker S3 ignores that of the upload.
        let upload_marker = input.upload_id_marker.as_deref().filter(|_| key_marker.is_some());
        let upload_marker = upload_marker.filter(|marker| !marker.is_empty());
        // One that was aborted since the page before is still a place in the list.
        if let Some(marker) = upload_marker.filter(|marker| !is_upload_id(marker)) {
            return Err(error::invalid_argument("Invalid uploadId marker", "upload-id-marker", marker));
        }
        let (page, next_upload) = if limit == 0 {
            (Page { items: Vec::new(), prefixes: Vec::new(), next: None }, None)
        } else {
            let query = query(&bucket, &input.prefix, &input.delimiter, limit);
            self.records.list_uploads(query, key_marker, upload_marker).await?
        };
        let prefixes = common_prefixes(&page.prefixes, encoding);
        let next = page.next.as_ref().map(|next| encoding.show(next));
        let uploads = page.items.into_iter().map(|(key, id, upload)| MultipartUpload {
            upload_id: Some(id),
            key: Some(encoding.show(&key)),
            initiated: Some(Instant::from_secs(upload.initiated_ms.div_euclid(1000))),
            storage_class: Some(upload.storage_class.clone().unwrap_or_else(|| "STANDARD".to_owned())),
            owner: Some(owner(upload_owner(&bucket, &upload))),
            initiator: Some(initiator(&upload)),
            checksum_algorithm: upload.checksum.map(|(algorithm, _)| algorithm.as_str().to_owned()),
            checksum_type: upload.checksum.map(|(_, kind)| kind.as_str().to_owned()),
            version_id: None,
        });
        let uploads: Vec<_> = uploads.collect();
        let truncated = next.is_some();
        // S3 names the last entry of the last page too.
        let next = next.or_else(|| uploads.last().and_then(|upload| upload.key.clone()));
        let next_upload = match truncated {
            true => next_upload,
            false => uploads.last().and_then(|upload| upload.upload_id.clone()),
        };
        Ok(ListMultipartUploadsOutput {
            bucket: Some(bucket.name.clone()),
            key_marker: Some(encoding.show(key_marker.unwrap_or_default())),
            upload_id_marker: Some(upload_marker.unwrap_or_default().to_owned()),
            is_truncated: Some(truncated),
            next_key_marker: Some(next.unwrap_or_default()),
            next_upload_id_marker: Some(next_upload.unwrap_or_default()),
            prefix: shown(&input.prefix, encoding),
            delimiter: shown(&input.delimiter, encoding),
            max_uploads: Some(limit as i32),
            uploads: (!uploads.is_empty()).then_some(uploads),
            common_prefixes: prefixes,
            encoding_type: encoding.name(),
            request_charged: None,
        })
    }
}

impl S3 {
    /// A permission on an upload, which its initiator has, and the initiator's account, unless somebody denies it (S3 User Guide,
    /// "Multipart upload API and permissions").
    pub(super) async fn upload_access(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        action: &'static str,
        at: UploadAt<'_>,
    ) -> Result<Access> {
        let access = bucket.object_access(cx, action, at.key);
        // Of a table's files the table decides, by actions of its own.
        if bucket.trusts(cx) || access.action != action {
            return Ok(access);
        }
        let upload = match self.records.upload(at).await {
            Ok(upload) => upload,
            // Whether it is there is for those to know who may ask.
            Err(error) if error.code() == "NoSuchUpload" => return Ok(access),
            Err(error) => return Err(error),
        };
        let caller = cx.caller();
        let is_initiator = upload.initiator_id.is_some_and(|id| id == caller.user_id());
        let is_account = caller.principal == Principal::Root && caller.account.number() == upload.initiator;
        Ok(if is_initiator || is_account { granted(access) } else { access })
    }
}

fn upload_owner(bucket: &Bucket, upload: &UploadRecord) -> AccountId {
    upload.owner.and_then(AccountId::new).unwrap_or(bucket.owner)
}

/// A user by ARN, an account by its canonical id.
fn initiator(upload: &UploadRecord) -> Initiator {
    let account = AccountId::new(upload.initiator).unwrap_or_default();
    let is_root = upload.initiator_arn.ends_with(":root") || !upload.initiator_arn.starts_with("arn:");
    let id = if is_root { canonical_id(account) } else { upload.initiator_arn.clone() };
    Initiator { id: Some(id), display_name: None }
}
