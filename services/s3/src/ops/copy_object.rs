use haneul_kit::{Access, Cx, Handle, Instant, Principal, Result};
use haneul_s3_wire::operations::CopyObject;
use haneul_s3_wire::shapes::{CopyObjectOutput, CopyObjectRequest, CopyObjectResult};

use super::read::{read_tags, shown_version};
use crate::acl::{self, NewAcl};
use crate::annotation::{are_copied, no_annotations};
use crate::bucket::Bucket;
use crate::checksum::Algorithm;
use crate::checksum::wire::show;
use crate::conditions::{ReadConditions, Verdict, WriteConditions};
use crate::content::readers::Reading;
use crate::content::receive::{Expectation, is_one_zone};
use crate::copy_source::CopySource;
use crate::encryption::{CustomerKey, show_encryption};
use crate::facts::Named;
use crate::headers::{creation_key, header_keys, object_headers, request_tag_keys, write_needs};
use crate::model::encryption::DefaultAlgorithm;
use crate::model::{Body, ObjectRecord, SystemMetadata};
use crate::store::assembly::PART_BYTES_MAX;
use crate::store::watch::By;
use crate::{S3, archive, error, names, tagging};

impl Handle<CopyObject> for S3 {
    async fn access(&self, cx: &Cx, input: &CopyObjectRequest) -> Result<Vec<Access>> {
        let source = CopySource::parse(&input.copy_source)?;
        let mut needed = self.source_access(cx, &source, &input.expected_source_bucket_owner).await?;
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let put = creation_key(bucket.object_access(cx, "s3:PutObject", &input.key), true);
        let put = header_keys!(put, cx, input);
        let mut put = crate::headers::write_keys(
            put,
            &[
                ("s3:x-amz-copy-source", &Some(input.copy_source.trim_start_matches('/').to_owned())),
                ("s3:x-amz-metadata-directive", &input.metadata_directive),
                ("s3:if-match", &input.if_match),
                ("s3:if-none-match", &input.if_none_match),
            ],
        );
        write_needs!(needed, cx, bucket, input);
        if let Some(header) = input.tagging.as_ref().filter(|_| replaces(&input.tagging_directive)) {
            let tags = tagging::of_header(header)?;
            put = request_tag_keys(put, &tags);
            needed.push(request_tag_keys(bucket.object_access(cx, "s3:PutObjectTagging", &input.key), &tags));
        }
        if !replaces(&input.tagging_directive)
            && let Some(read) =
                self.source_tags_access(cx, &source, &input.expected_source_bucket_owner).await?
        {
            needed.push(read);
            needed.push(bucket.object_access(cx, "s3:PutObjectTagging", &input.key));
        }
        needed.push(put);
        Ok(needed)
    }

    async fn call(&self, cx: &Cx, mut input: CopyObjectRequest) -> Result<CopyObjectOutput> {
        let source = CopySource::parse(&input.copy_source)?;
        let target = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        names::check_key(&input.key)?;
        let replace_metadata = directive(&input.metadata_directive, "x-amz-metadata-directive")?;
        let replace_tags = directive(&input.tagging_directive, "x-amz-tagging-directive")?;
        let copies_annotations = are_copied(cx, input.annotation_directive.as_deref())?;
        let wanted = input.checksum_algorithm.as_deref().map(Algorithm::parse).transpose()?;
        let conditions = WriteConditions::of_write(input.if_match.take(), input.if_none_match.take())?;
        let read_conditions = SourceConditions {
            if_match: input.copy_source_if_match.take(),
            if_none_match: input.copy_source_if_none_match.take(),
            if_modified_since: input.copy_source_if_modified_since,
            if_unmodified_since: input.copy_source_if_unmodified_since,
        };
        let source_customer = CustomerKey {
            algorithm: input.copy_source_sse_customer_algorithm.take(),
            key: input.copy_source_sse_customer_key.take(),
            md5: input.copy_source_sse_customer_key_md5.take(),
        };
        let headers = object_headers!(input);
        let tags = headers.check(&target)?;
        let NewAcl { owner, acl } = acl::of_new_object(cx, &target, &input.key, &headers.acl)?;
        let lock = headers.lock.resolve(&target, cx.now())?;
        let opened =
            self.open_source(cx, &source, &input.expected_source_bucket_owner, &read_conditions).await?;
        let from = &opened.body;
        let onto_itself =
            source.bucket == target.name && source.key == input.key && source.version_id.is_none();
        // A class that is named counts, be it the one that it has; so does a default encryption that was set.
        let changes = replace_metadata
            || headers.storage_class.is_some()
            || headers.system.website_redirect.is_some()
            || headers.encryption.is_given()
            || target.record.encryption.algorithm != DefaultAlgorithm::S3
            || (wanted.is_some() && wanted != from.checksum.as_ref().map(|sum| sum.algorithm));
        if onto_itself && !changes {
            return Err(error::invalid_request(
                "This copy request is illegal because it is trying to copy an object to itself without changing the \
                 object's metadata, storage class, website redirect location or encryption attributes.",
            ));
        }
        if from.size > PART_BYTES_MAX {
            let message = format!(
                "The specified copy source is larger than the maximum allowable size for a copy \
                                   source: {PART_BYTES_MAX}"
            );
            return Err(error::invalid_request(message));
        }
        let copies_annotations = copies_annotations && opened.record.annotations > 0;
        if copies_annotations {
            let named = Named { key: &source.key, version: source.version_id.as_deref() };
            self.check_annotations_copy(cx, (&opened.bucket, named), (&target, &input.key)).await?;
            if headers.encryption.customer.is_given() {
                return Err(no_annotations());
            }
        }
        let algorithm =
            wanted.or(from.checksum.as_ref().map(|sum| sum.algorithm)).unwrap_or(Algorithm::Crc64Nvme);
        let one_zone = is_one_zone(headers.storage_class.as_deref());
        let expected = Expectation { one_zone, ..Expectation::internal(from.size, algorithm) };
        let (data_key, sealed) = self.new_key(cx, &target, &input.key, &headers.encryption).await?;
        let source_key = self.open_key(cx, from.sealed.as_ref(), &source_customer).await?;
        let whole = crate::range::Span::whole(from.size);
        let stream = self.stream(from, opened.inline, whole, opened.reading, source_key).await?;
        self.meter_read(&opened.bucket, from, from.size);
        let received = self.content.receive(stream, &expected, Some(data_key.piece(None))).await?;
        let mut annotations = Vec::new();
        if copies_annotations {
            let from = (&*opened.bucket, source.key.as_str(), &opened.record);
            let to = (&*target, input.key.as_str());
            annotations = match Box::pin(self.copy_annotations(cx, from, to, &sealed)).await {
                Ok(annotations) => annotations,
                Err(error) => {
                    self.content.discard(&received.data).await;
                    return Err(error);
                }
            };
        }
        let body = Body {
            size: received.size,
            etag: super::put_object::etag(&data_key, &sealed, &received.md5),
            checksum: Some(received.checksum.clone()),
            data: received.data.clone(),
            parts: 0,
            storage_class: headers.stored_class(),
            metadata: if replace_metadata { headers.metadata } else { from.metadata.clone() },
            headers: if replace_metadata {
                headers.system
            } else {
                // The redirect is never copied.
                SystemMetadata { website_redirect: headers.system.website_redirect, ..from.headers.clone() }
            },
            tags: if replace_tags { tags } else { from.tags.clone() },
            acl,
            lock,
            sealed: Some(sealed),
            restore: None,
            tiered: None,
            class_since_s: None,
        };
        let record = self
            .commit(cx, &target, &input.key, owner, &body, received, &annotations, &conditions, By::Copy)
            .await?;
        let mut result = CopyObjectResult {
            e_tag: Some(body.quoted_etag()),
            last_modified: Some(Instant::from_secs(record.modified_s)),
            ..CopyObjectResult::default()
        };
        let expiration = target.expiration(&input.key, &record, &body);
        if let Some(sum) = body.checksum {
            result.checksum_type = Some(sum.kind.as_str().to_owned());
            show!(result, sum.algorithm, sum.value);
        }
        let mut output = CopyObjectOutput {
            copy_object_result: Some(result),
            expiration,
            copy_source_version_id: shown_version(&opened.bucket, &opened.record),
            version_id: record.version_id,
            ..CopyObjectOutput::default()
        };
        show_encryption!(output, body.sealed.as_ref());
        Ok(output)
    }
}

/// The `x-amz-copy-source-if-…` headers.
#[derive(Default)]
pub(super) struct SourceConditions {
    pub(super) if_match: Option<String>,
    pub(super) if_none_match: Option<String>,
    pub(super) if_modified_since: Option<Instant>,
    pub(super) if_unmodified_since: Option<Instant>,
}

/// The source of a copy, held so that its bytes stay.
pub(super) struct OpenSource {
    pub(super) bucket: std::sync::Arc<Bucket>,
    pub(super) record: ObjectRecord,
    pub(super) body: Body,
    pub(super) inline: Option<Vec<u8>>,
    pub(super) reading: Reading,
}

impl S3 {
    /// Whether the caller may read the annotations of the source, and write them to the target.
    async fn check_annotations_copy(
        &self,
        cx: &Cx,
        (source, named): (&Bucket, Named<'_>),
        (target, key): (&Bucket, &str),
    ) -> Result<()> {
        let mut needed = self.object_access(cx, source, "s3:GetObjectAnnotation", named).await?;
        needed.push(target.object_access(cx, "s3:PutObjectAnnotation", key));
        self.platform.authorize(cx, "s3", &needed).await
    }

    /// Reading the source: of whatever Region, as S3 copies across them.
    pub(super) async fn source_access(
        &self,
        cx: &Cx,
        source: &CopySource,
        expected_owner: &Option<String>,
    ) -> Result<Vec<Access>> {
        let bucket = self.bucket_anywhere(&source.bucket, expected_owner).await?;
        if cx.caller().principal == Principal::Anonymous {
            return Err(error::anonymous_may_not("copy objects"));
        }
        let action = if source.version_id.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
        let named = Named { key: &source.key, version: source.version_id.as_deref() };
        self.object_access(cx, &bucket, action, named).await
    }

    /// Reading the tags of the source, where it has any: they are copied with it.
    async fn source_tags_access(
        &self,
        cx: &Cx,
        source: &CopySource,
        expected_owner: &Option<String>,
    ) -> Result<Option<Access>> {
        let bucket = self.bucket_anywhere(&source.bucket, expected_owner).await?;
        let named = Named { key: &source.key, version: source.version_id.as_deref() };
        let found = self.records.find(bucket.id(), named.key, named.version).await?;
        if found.and_then(|record| record.body).is_none_or(|body| body.tags.is_empty()) {
            return Ok(None);
        }
        self.write_access(cx, &bucket, read_tags(named), named).await.map(Some)
    }

    pub(super) async fn open_source(
        &self,
        cx: &Cx,
        source: &CopySource,
        expected_owner: &Option<String>,
        conditions: &SourceConditions,
    ) -> Result<OpenSource> {
        let bucket = self.bucket_anywhere(&source.bucket, expected_owner).await?;
        let named = Named { key: &source.key, version: source.version_id.as_deref() };
        let reading = self.content.readers.begin();
        let (found, inline) = self.records.read(bucket.id(), named.key, named.version).await?;
        if found.as_ref().is_some_and(ObjectRecord::is_delete_marker) && named.version.is_some() {
            let message =
                "The source of a copy request may not specifically refer to a delete marker by version id.";
            return Err(error::invalid_request(message));
        }
        let (record, body) = self.readable(cx, found, named).await?;
        if archive::check_readable(&body, cx.now()).is_err() {
            let message = "The source object of the COPY action is not in the active tier and is only stored in Amazon S3 \
                           Glacier.";
            return Err(error::new("ObjectNotInActiveTierError", 403, message));
        }
        let judged = ReadConditions {
            if_match: conditions.if_match.as_deref(),
            if_none_match: conditions.if_none_match.as_deref(),
            if_modified_since: conditions.if_modified_since,
            if_unmodified_since: conditions.if_unmodified_since,
        };
        // A copy has nothing to say of «not modified»: every condition that fails is 412.
        let failed = |suffix: &str| match suffix {
            "If-Match" => "x-amz-copy-source-If-Match",
            "If-Unmodified-Since" => "x-amz-copy-source-If-Unmodified-Since",
            "If-None-Match" => "x-amz-copy-source-If-None-Match",
            _ => "x-amz-copy-source-If-Modified-Since",
        };
        match judged.judge(&body.etag, Instant::from_secs(record.modified_s), cx.now()) {
            Verdict::Proceed => {
                self.note_read(cx, &bucket, named.key, &record, &body);
                Ok(OpenSource { bucket, record, body, inline, reading })
            }
            Verdict::Failed(header) => Err(error::precondition_failed(failed(header))),
            Verdict::NotModified => {
                let header =
                    if judged.if_none_match.is_some() { "If-None-Match" } else { "If-Modified-Since" };
                Err(error::precondition_failed(failed(header)))
            }
        }
    }
}

fn replaces(directive: &Option<String>) -> bool {
    directive.as_deref() == Some("REPLACE")
}

fn directive(given: &Option<String>, header: &'static str) -> Result<bool> {
    match given.as_deref() {
        None | Some("COPY") => Ok(false),
        Some("REPLACE") => Ok(true),
        Some(other) => Err(error::invalid_argument(
            if header.contains("metadata") {
                "Unknown metadata directive."
            } else {
                "Unknown tagging directive."
            },
            header,
            other,
        )),
    }
}
