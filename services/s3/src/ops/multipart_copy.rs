use haneul_kit::{Access, Cx, Handle, Instant, Result};
use haneul_s3_wire::operations::UploadPartCopy;
use haneul_s3_wire::shapes::{CopyPartResult, UploadPartCopyOutput, UploadPartCopyRequest};

use super::copy_object::SourceConditions;
use super::multipart_upload::{algorithm, part_number};
use super::read::shown_version;
use crate::checksum::wire::show;
use crate::content::receive::{Expectation, is_one_zone};
use crate::copy_source::CopySource;
use crate::encryption::{CustomerKey, customer_key, show_encryption};
use crate::headers::creation_key;
use crate::range::{self, Span};
use crate::store::assembly::PART_BYTES_MAX;
use crate::{S3, error, names};

impl Handle<UploadPartCopy> for S3 {
    async fn access(&self, cx: &Cx, input: &UploadPartCopyRequest) -> Result<Vec<Access>> {
        let source = CopySource::parse(&input.copy_source)?;
        let mut needed = self.source_access(cx, &source, &input.expected_source_bucket_owner).await?;
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let put = creation_key(bucket.object_access(cx, "s3:PutObject", &input.key), false);
        needed.push(put.key("s3:x-amz-copy-source", input.copy_source.trim_start_matches('/')));
        Ok(needed)
    }

    async fn call(&self, cx: &Cx, input: UploadPartCopyRequest) -> Result<UploadPartCopyOutput> {
        let source = CopySource::parse(&input.copy_source)?;
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        names::check_key(&input.key)?;
        let number = part_number(input.part_number)?;
        let at = bucket.upload(&input.key, &input.upload_id);
        let upload = self.records.upload(at).await?;
        let conditions = SourceConditions {
            if_match: input.copy_source_if_match,
            if_none_match: input.copy_source_if_none_match,
            if_modified_since: input.copy_source_if_modified_since,
            if_unmodified_since: input.copy_source_if_unmodified_since,
        };
        let opened = self.open_source(cx, &source, &input.expected_source_bucket_owner, &conditions).await?;
        let span = match &input.copy_source_range {
            Some(header) => range::select_source(header, opened.body.size)?,
            None => Span::whole(opened.body.size),
        };
        if span.length() > PART_BYTES_MAX {
            return Err(error::entity_too_large(span.length(), PART_BYTES_MAX));
        }
        let source_customer = CustomerKey {
            algorithm: input.copy_source_sse_customer_algorithm.clone(),
            key: input.copy_source_sse_customer_key.clone(),
            md5: input.copy_source_sse_customer_key_md5.clone(),
        };
        let source_key = self.open_key(cx, opened.body.sealed.as_ref(), &source_customer).await?;
        let key = self.part_key(cx, &upload, &customer_key!(input)).await?;
        let stream = self.stream(&opened.body, opened.inline, span, opened.reading, source_key).await?;
        self.meter_read(&opened.bucket, &opened.body, span.length());
        let one_zone = is_one_zone(upload.storage_class.as_deref());
        let expected = Expectation { one_zone, ..Expectation::internal(span.length(), algorithm(&upload)) };
        let received = self.content.receive(stream, &expected, key.piece()).await?;
        let sum = received.checksum.clone();
        let etag = self.keep_part(cx, at, number, received, &key).await?;
        let mut result = CopyPartResult {
            e_tag: Some(format!("\"{etag}\"")),
            last_modified: Some(Instant::from_secs(cx.now().secs())),
            ..CopyPartResult::default()
        };
        if upload.checksum.is_some() {
            show!(result, sum.algorithm, sum.value);
        }
        let mut output = UploadPartCopyOutput {
            copy_source_version_id: shown_version(&opened.bucket, &opened.record),
            copy_part_result: Some(result),
            ..UploadPartCopyOutput::default()
        };
        show_encryption!(output, upload.sealed.as_ref());
        Ok(output)
    }
}
