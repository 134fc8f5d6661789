//! Annotations: named texts that are attached to a version of an object, and go with it.
//!
//! Source: S3 API Reference, "PutObjectAnnotation" and its siblings; S3 User Guide, "Annotating your objects".

use haneul_kit::{Access, ByteStream, Cx, Handle, Instant, Result};
use haneul_s3_wire::operations as op;
use haneul_s3_wire::shapes as s;

use super::put_object::{Upload, etag, expectation};
use super::read::shown_version;
use crate::annotation::{
    NAME_BYTES_MAX, PAYLOAD_BYTES_MAX, bypasses, check_name, check_payload, no_such_annotation,
};
use crate::bucket::Bucket;
use crate::checksum::Algorithm;
use crate::checksum::wire::{claim, show};
use crate::encryption::{CustomerKey, Shown};
use crate::facts::Named;
use crate::model::annotation::AnnotationRecord;
use crate::model::{Body, ObjectRecord};
use crate::range::Span;
use crate::store::annotations::{ANNOTATIONS_MAX, AnnotatedAt, NewAnnotation};
use crate::store::watch::By;
use crate::{S3, error};

fn at<'a>(
    bucket: &'a Bucket,
    named: Named<'a>,
    record: &ObjectRecord,
    if_match: &'a Option<String>,
) -> AnnotatedAt<'a> {
    AnnotatedAt {
        bucket: bucket.id(),
        bucket_name: &bucket.name,
        key: named.key,
        version: named.version,
        seq: record.seq,
        if_match: if_match.as_deref(),
    }
}

impl S3 {
    async fn annotated(&self, cx: &Cx, bucket: &Bucket, named: Named<'_>) -> Result<(ObjectRecord, Body)> {
        let found = self.records.find(bucket.id(), named.key, named.version).await?;
        self.readable(cx, found, named).await
    }

    /// What changing an annotation needs.
    async fn annotation_access(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        action: &'static str,
        named: Named<'_>,
    ) -> Result<Vec<Access>> {
        let mut needed = vec![self.write_access(cx, bucket, action, named).await?];
        if bypasses(cx) {
            needed.push(self.write_access(cx, bucket, "s3:BypassGovernanceRetention", named).await?);
        }
        Ok(needed)
    }
}

impl Handle<op::PutObjectAnnotation> for S3 {
    async fn access(&self, cx: &Cx, input: &s::PutObjectAnnotationRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        self.annotation_access(cx, &bucket, "s3:PutObjectAnnotation", named).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutObjectAnnotationRequest,
    ) -> Result<s::PutObjectAnnotationOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        check_name(&input.annotation_name)?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let claim = claim!(input)?;
        let (record, body) = self.annotated(cx, &bucket, named).await?;
        let upload = Upload {
            body: input.annotation_payload,
            content_length: None,
            content_md5: input.content_md5,
            algorithm: input.checksum_algorithm,
            claim,
        };
        let mut expected = expectation(cx, &upload, Algorithm::Crc64Nvme)?;
        expected.length_max = PAYLOAD_BYTES_MAX;
        if let Some(length) = expected.length {
            check_payload(length)?;
        }
        // It is small enough to be looked at whole: it must be text.
        let payload = self.content.whole(upload.body, &expected).await?;
        check_payload(payload.len() as u64)?;
        if std::str::from_utf8(&payload).is_err() {
            let message = "The annotation payload is not valid UTF-8 encoded text.";
            return Err(error::new("UnsupportedMediaType", 415, message));
        }
        let (data_key, sealed) = self.annotation_key(cx, &bucket, named.key, body.sealed.as_ref()).await?;
        let payload = ByteStream::from_bytes(payload);
        let received = self.content.receive(payload, &expected, Some(data_key.piece(None))).await?;
        let new = NewAnnotation {
            name: input.annotation_name.clone(),
            record: AnnotationRecord {
                size: received.size,
                etag: etag(&data_key, &sealed, &received.md5),
                checksum: received.checksum.clone(),
                modified_s: cx.now().secs(),
                data: received.data.clone(),
                sealed,
            },
            inline: received.inline,
        };
        let watch = self.watch(cx, &bucket, By::Request);
        let at = at(&bucket, named, &record, &input.object_if_match);
        let how = (cx.now(), bypasses(cx));
        let record = match self.records.put_annotation(at, &new, how, &watch).await {
            Ok((record, freed)) => {
                self.content.free(freed).await;
                record
            }
            Err(error) => {
                self.content.discard(&new.record.data).await;
                return Err(error);
            }
        };
        let sum = new.record.checksum;
        let mut output = s::PutObjectAnnotationOutput {
            object_version_id: shown_version(&bucket, &record),
            key: Some(input.key),
            annotation_name: Some(input.annotation_name),
            e_tag: Some(format!("\"{}\"", new.record.etag)),
            checksum_type: Some(sum.kind.as_str().to_owned()),
            server_side_encryption: Shown::of(Some(&new.record.sealed)).algorithm,
            ..Default::default()
        };
        show!(output, sum.algorithm, sum.value);
        Ok(output)
    }
}

impl Handle<op::GetObjectAnnotation> for S3 {
    async fn access(&self, cx: &Cx, input: &s::GetObjectAnnotationRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        self.object_access(cx, &bucket, "s3:GetObjectAnnotation", named).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetObjectAnnotationRequest,
    ) -> Result<s::GetObjectAnnotationOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        // From here on, nothing that the record names is deleted.
        let reading = self.content.readers.begin();
        let (record, _) = self.annotated(cx, &bucket, named).await?;
        let name = &input.annotation_name;
        let found = self.records.annotation(bucket.id(), named.key, record.seq, name).await?;
        let (annotation, inline) = found.ok_or_else(|| no_such_annotation(name))?;
        let key = self.open_key(cx, Some(&annotation.sealed), &CustomerKey::default()).await?;
        let body = Body { size: annotation.size, data: annotation.data, ..Body::default() };
        let mut output = s::GetObjectAnnotationOutput {
            object_version_id: shown_version(&bucket, &record),
            last_modified: Some(Instant::from_secs(annotation.modified_s)),
            content_length: Some(annotation.size as i64),
            e_tag: Some(format!("\"{}\"", annotation.etag)),
            server_side_encryption: Shown::of(Some(&annotation.sealed)).algorithm,
            annotation_payload: self.stream(&body, inline, Span::whole(body.size), reading, key).await?,
            ..Default::default()
        };
        if input.checksum_mode.as_deref() == Some("ENABLED") {
            let sum = annotation.checksum;
            output.checksum_type = Some(sum.kind.as_str().to_owned());
            show!(output, sum.algorithm, sum.value);
        }
        Ok(output)
    }
}

impl Handle<op::ListObjectAnnotations> for S3 {
    async fn access(&self, cx: &Cx, input: &s::ListObjectAnnotationsRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        self.object_access(cx, &bucket, "s3:ListObjectAnnotations", named).await
    }

    /// The token is the name of the last one.
    async fn call(
        &self,
        cx: &Cx,
        input: s::ListObjectAnnotationsRequest,
    ) -> Result<s::ListObjectAnnotationsOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let prefix = input.annotation_prefix.as_deref().unwrap_or_default();
        if prefix.len() > NAME_BYTES_MAX {
            let message = "The annotation prefix you provided is invalid.";
            return Err(error::new("InvalidPrefix", 400, message));
        }
        let limit = match input.max_annotation_results {
            None => ANNOTATIONS_MAX,
            Some(given) if (1..=ANNOTATIONS_MAX as i32).contains(&given) => given as usize,
            Some(given) => {
                let message = "Argument max-annotation-results must be an integer between 1 and 1000";
                return Err(error::invalid_argument(message, "max-annotation-results", given.to_string()));
            }
        };
        let (record, _) = self.annotated(cx, &bucket, named).await?;
        let asked = (prefix, input.continuation_token.as_deref());
        let found = self.records.annotations(bucket.id(), named.key, record.seq, asked, limit + 1);
        let mut found = found.await?;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().map(|(name, _)| name.clone()).filter(|_| more);
        let entries: Vec<_> = found
            .into_iter()
            .map(|(annotation_name, annotation)| s::AnnotationEntry {
                annotation_name,
                last_modified: Instant::from_secs(annotation.modified_s),
                e_tag: Some(format!("\"{}\"", annotation.etag)),
                checksum_algorithm: Some(vec![annotation.checksum.algorithm.as_str().to_owned()]),
                size: annotation.size as i64,
                replication_status: None,
            })
            .collect();
        Ok(s::ListObjectAnnotationsOutput {
            annotation_count: Some(entries.len() as i32),
            annotations: Some(entries),
            object_version_id: shown_version(&bucket, &record),
            bucket: Some(bucket.name.clone()),
            key: Some(input.key),
            annotation_prefix: input.annotation_prefix,
            max_annotation_results: Some(limit as i32),
            continuation_token: input.continuation_token,
            next_continuation_token: next,
            ..Default::default()
        })
    }
}

impl Handle<op::DeleteObjectAnnotation> for S3 {
    async fn access(&self, cx: &Cx, input: &s::DeleteObjectAnnotationRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        self.annotation_access(cx, &bucket, "s3:DeleteObjectAnnotation", named).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteObjectAnnotationRequest,
    ) -> Result<s::DeleteObjectAnnotationOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        let (record, _) = self.annotated(cx, &bucket, named).await?;
        let watch = self.watch(cx, &bucket, By::Request);
        let at = at(&bucket, named, &record, &input.object_if_match);
        let how = (cx.now(), bypasses(cx));
        let (record, freed) = self.records.delete_annotation(at, &input.annotation_name, how, &watch).await?;
        self.content.free(freed).await;
        let object_version_id = shown_version(&bucket, &record);
        Ok(s::DeleteObjectAnnotationOutput { object_version_id, request_charged: None })
    }
}
