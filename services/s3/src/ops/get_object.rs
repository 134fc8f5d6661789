use haneul_kit::{Access, ApiError, ByteStream, Cx, Handle, Result};
use haneul_s3_wire::operations::GetObject;
use haneul_s3_wire::shapes::{GetObjectOutput, GetObjectRequest};
use http::StatusCode;

use super::read::{check_conditions, check_overrides, fill};
use crate::bucket::Bucket;
use crate::conditions::ReadConditions;
use crate::content::cipher::DataKey;
use crate::content::readers::Reading;
use crate::content::send::Wanted;
use crate::encryption::customer_key;
use crate::facts::Named;
use crate::model::{Body, Data, ObjectRecord};
use crate::range::Span;
use crate::{S3, archive, names};

impl Handle<GetObject> for S3 {
    async fn access(&self, cx: &Cx, input: &GetObjectRequest) -> Result<Vec<Access>> {
        if let Some(point) = self.object_lambda(cx, &input.bucket).await? {
            let version = input.version_id.as_deref();
            let action = match version {
                Some(_) => "s3-object-lambda:GetObjectVersion",
                None => "s3-object-lambda:GetObject",
            };
            return Ok(vec![point.access(action, version)]);
        }
        let bucket = self.bucket_to_read(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let action = if input.version_id.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        self.object_access(cx, &bucket, action, named).await
    }

    async fn call(&self, cx: &Cx, input: GetObjectRequest) -> Result<GetObjectOutput> {
        if let Some(point) = self.object_lambda(cx, &input.bucket).await? {
            return Box::pin(self.get_transformed(cx, point, input)).await;
        }
        let bucket = self.bucket_to_read(cx, &input.bucket, &input.expected_bucket_owner).await?;
        names::check_key(&input.key)?;
        check_overrides(
            cx.caller(),
            &[
                &input.response_cache_control,
                &input.response_content_disposition,
                &input.response_content_encoding,
                &input.response_content_language,
                &input.response_content_type,
                &input.response_expires.map(|at| at.http_date()),
            ],
        )?;
        let named = Named { key: &input.key, version: input.version_id.as_deref() };
        // From here on, nothing that the record names is deleted.
        let reading = self.content.readers.begin();
        let (found, inline) = self.records.read(bucket.id(), named.key, named.version).await?;
        let (record, body) = self.readable(cx, found, named).await?;
        archive::check_readable(&body, cx.now())?;
        let key = self.open_for_reader(cx, body.sealed.as_ref(), &customer_key!(input)).await?;
        let conditions = ReadConditions {
            if_match: input.if_match.as_deref(),
            if_none_match: input.if_none_match.as_deref(),
            if_modified_since: input.if_modified_since,
            if_unmodified_since: input.if_unmodified_since,
        };
        check_conditions(cx, &conditions, &record, &body)?;
        let selection = self.select(&body, input.range.as_deref(), input.part_number).await?;
        if selection.partial {
            cx.set_status(StatusCode::PARTIAL_CONTENT);
        }
        let mut output = GetObjectOutput::default();
        let lock = self.visible_lock(cx, &bucket, body.lock, named).await?;
        let tags = self.visible_tag_count(cx, &bucket, &body, named).await?;
        fill!(output, input, bucket, record, body, selection, lock, tags);
        output.restore = archive::header(&body, cx.now());
        self.note_read(cx, &bucket, named.key, &record, &body);
        let bytes = selection.span.length();
        self.observed.read(&bucket, named.key, (&record, &body), bytes, cx.now());
        self.meter_read(&bucket, &body, bytes);
        output.body = self.stream(&body, inline, selection.span, reading, key).await?;
        Ok(output)
    }
}

impl S3 {
    /// Intelligent-Tiering goes by when objects are read.
    pub(crate) fn note_read(&self, cx: &Cx, bucket: &Bucket, key: &str, record: &ObjectRecord, body: &Body) {
        let at = (record.seq, record.modified_s);
        if self.accesses.note(&bucket.name, key, at, body, cx.now()) {
            self.tasks.accesses.wake();
        }
    }

    /// The bytes of a version that was read together with its inline bytes.
    pub(crate) async fn stream(
        &self,
        body: &Body,
        inline: Option<Vec<u8>>,
        span: Span,
        reading: Reading,
        key: Option<DataKey>,
    ) -> Result<ByteStream> {
        match (&body.data, inline) {
            (Data::Empty, _) => Ok(ByteStream::from_bytes(bytes::Bytes::new())),
            (Data::Inline(_), Some(bytes)) => {
                let bytes = match key {
                    Some(key) => key.piece(None).open_whole(bytes).map_err(ApiError::internal)?,
                    None => bytes,
                };
                if span.end > bytes.len() as u64 {
                    return Err(ApiError::internal("an object's inline bytes are too few"));
                }
                let bytes = bytes::Bytes::from(bytes);
                Ok(ByteStream::from_bytes(bytes.slice(span.start as usize..span.end as usize)))
            }
            (Data::Inline(_), _) => Err(ApiError::internal("an object's inline bytes are gone")),
            (data, _) => {
                let manifest = self.manifest(data).await?;
                let wanted = Wanted { data, manifest: manifest.as_ref(), span, key };
                Ok(self.content.send(wanted, reading))
            }
        }
    }
}
