use haneul_kit::{Access, ByteStream, Cx, Handle, Result};
use haneul_s3_wire::operations::PutObject;
use haneul_s3_wire::shapes::{PutObjectOutput, PutObjectRequest};
use http::Method;
use http::header::TRANSFER_ENCODING;

use crate::acl::{self, NewAcl};
use crate::bucket::Bucket;
use crate::checksum::wire::{claim, show};
use crate::checksum::{self, Algorithm, Claim};
use crate::conditions::WriteConditions;
use crate::content::INLINE_BYTES_MAX;
use crate::content::cipher::DataKey;
use crate::content::receive::{Expectation, Received, is_one_zone};
use crate::encryption::{hides_md5, show_encryption};
use crate::facts::Named;
use crate::headers::{
    ObjectHeaders, creation_key, header_keys, object_headers, request_tag_keys, write_needs,
};
use crate::model::encryption::{Scheme, Sealed};
use crate::model::{Body, ObjectRecord};
use crate::store::annotations::NewAnnotation;
use crate::store::assembly::PART_BYTES_MAX;
use crate::store::objects::NewObject;
use crate::store::watch::By;
use crate::{S3, error, names, object_lock, tagging};

impl Handle<PutObject> for S3 {
    async fn access(&self, cx: &Cx, input: &PutObjectRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket_to_write(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let put = bucket.object_access(cx, "s3:PutObject", &input.key);
        let mut put = header_keys!(creation_key(put, true), cx, input);
        put = crate::headers::write_keys(
            put,
            &[("s3:if-match", &input.if_match), ("s3:if-none-match", &input.if_none_match)],
        );
        let mut needed = Vec::with_capacity(1);
        if let Some(header) = &input.tagging {
            let tags = tagging::of_header(header)?;
            put = request_tag_keys(put, &tags);
            let tag = bucket.object_access(cx, "s3:PutObjectTagging", &input.key);
            needed.push(request_tag_keys(tag, &tags));
        }
        write_needs!(needed, cx, bucket, input);
        if input.if_match.is_some() {
            needed.push(
                self.write_access(cx, &bucket, "s3:GetObject", Named { key: &input.key, version: None })
                    .await?,
            );
        }
        needed.insert(0, put);
        Ok(needed)
    }

    async fn call(&self, cx: &Cx, mut input: PutObjectRequest) -> Result<PutObjectOutput> {
        let bucket = self.bucket_to_write(cx, &input.bucket, &input.expected_bucket_owner).await?;
        names::check_key(&input.key)?;
        if input.write_offset_bytes.is_some() {
            return Err(error::not_implemented_header("x-amz-write-offset-bytes"));
        }
        let claim = claim!(input)?;
        let headers = object_headers!(input);
        let conditions = WriteConditions::of_write(input.if_match.take(), input.if_none_match.take())?;
        let upload = Upload {
            body: input.body,
            content_length: input.content_length,
            content_md5: input.content_md5,
            algorithm: input.checksum_algorithm,
            claim,
        };
        let record = Box::pin(self.put(cx, &bucket, &input.key, headers, conditions, upload)).await?;
        let mut output =
            PutObjectOutput { version_id: record.version_id.clone(), ..PutObjectOutput::default() };
        if let Some(body) = record.body.clone() {
            output.expiration = bucket.expiration(&input.key, &record, &body);
            show_encryption!(output, body.sealed.as_ref());
            if let Some(Scheme::Kms(kms)) = body.sealed.as_ref().map(|sealed| &sealed.scheme) {
                output.ssekms_encryption_context = kms.header.clone();
            }
            output.e_tag = Some(body.quoted_etag());
            if let Some(sum) = body.checksum {
                output.checksum_type = Some(sum.kind.as_str().to_owned());
                show!(output, sum.algorithm, sum.value);
            }
        }
        Ok(output)
    }
}

/// A body and what the request says of it.
pub(crate) struct Upload {
    pub(crate) body: ByteStream,
    pub(crate) content_length: Option<i64>,
    pub(crate) content_md5: Option<String>,
    pub(crate) algorithm: Option<String>,
    pub(crate) claim: Option<Claim>,
}

impl S3 {
    /// Puts an object: PutObject, and the browser's upload by POST.
    pub(crate) async fn put(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        key: &str,
        headers: ObjectHeaders,
        conditions: WriteConditions,
        upload: Upload,
    ) -> Result<ObjectRecord> {
        let tags = headers.check(bucket)?;
        let NewAcl { owner, acl } = acl::of_new_object(cx, bucket, key, &headers.acl)?;
        let lock = headers.lock.resolve(bucket, cx.now())?;
        if !conditions.is_empty() {
            // Early, to spare the upload; the transaction has the last word.
            let current = self.records.find(bucket.id(), key, None).await?;
            conditions.check(key, current.as_ref().and_then(ObjectRecord::etag))?;
        }
        let mut expected = expectation(cx, &upload, Algorithm::Crc64Nvme)?;
        expected.one_zone = is_one_zone(headers.storage_class.as_deref());
        object_lock::check_integrity(cx, &lock, expected.is_vouched_for())?;
        let (data_key, sealed) = self.new_key(cx, bucket, key, &headers.encryption).await?;
        let received = self.content.receive(upload.body, &expected, Some(data_key.piece(None))).await?;
        let body = Body {
            size: received.size,
            etag: etag(&data_key, &sealed, &received.md5),
            checksum: Some(received.checksum.clone()),
            data: received.data.clone(),
            parts: 0,
            storage_class: headers.stored_class(),
            headers: headers.system,
            metadata: headers.metadata,
            tags,
            acl,
            lock,
            sealed: Some(sealed),
            restore: None,
            tiered: None,
            class_since_s: None,
        };
        self.commit(cx, bucket, key, owner, &body, received, &[], &conditions, by(cx)).await
    }

    /// Makes the record of bytes that were received. `owner` is the account that the object belongs to, when it is not
    /// the bucket's.
    #[allow(clippy::too_many_arguments)] // All of one write.
    pub(crate) async fn commit(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        key: &str,
        owner: Option<u64>,
        body: &Body,
        received: Received,
        annotations: &[NewAnnotation],
        conditions: &WriteConditions,
        by: By,
    ) -> Result<ObjectRecord> {
        let watch = self.watch(cx, bucket, by);
        let new = NewObject {
            bucket: bucket.id(),
            bucket_name: &bucket.name,
            key,
            owner,
            body,
            inline: received.inline.as_ref(),
            annotations,
            conditions,
            now: cx.now(),
            modified: cx.now(),
            random: self.platform.env.rng.bytes(),
            watch: &watch,
        };
        match self.records.put_object(&new).await {
            Ok((record, freed)) => {
                self.content.free(freed).await;
                self.observed.written(bucket, key, body, cx.now());
                Ok(record)
            }
            Err(error) => {
                self.content.discard(&received.data).await;
                self.discard_annotations(annotations).await;
                Err(error)
            }
        }
    }
}

/// The MD5, unless the encryption is to hide it.
pub(crate) fn etag(key: &DataKey, sealed: &Sealed, md5: &str) -> String {
    if hides_md5(sealed) { key.etag(md5) } else { md5.to_owned() }
}

/// Whether an object comes from a form.
fn by(cx: &Cx) -> By {
    match cx.http() {
        Some(http) if http.method == Method::POST => By::Post,
        _ => By::Put,
    }
}

/// What the request says of its body. Without a checksum `default` is computed.
pub(crate) fn expectation(cx: &Cx, upload: &Upload, default: Algorithm) -> Result<Expectation> {
    let content_md5 = upload.content_md5.as_deref().map(checksum::parse_content_md5).transpose()?;
    let trailer = trailer_algorithm(cx)?;
    let wanted = upload.algorithm.as_deref().map(Algorithm::parse).transpose()?;
    if let Some(claim) = &upload.claim {
        claim.check_form()?;
        if wanted.is_some_and(|wanted| wanted != claim.algorithm) {
            let message = "Value for x-amz-sdk-checksum-algorithm header is invalid.";
            return Err(error::invalid_request(message));
        }
    }
    let given = upload.claim.as_ref().map(|claim| claim.algorithm).or(trailer);
    if wanted.is_some() && given.is_none() {
        let message = "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer \
                       headers were found.";
        // Inside the cloud there are no headers to find.
        if cx.http().is_some() {
            return Err(error::invalid_request(message));
        }
    }
    Ok(Expectation {
        length: length(cx, &upload.body, upload.content_length)?,
        length_max: PART_BYTES_MAX,
        content_md5,
        algorithm: given.or(wanted).unwrap_or(default),
        kept: None,
        trailers: cx
            .http()
            .filter(|_| trailer.is_some() && upload.claim.is_none())
            .map(|http| http.trailers.clone()),
        claim: upload.claim.clone(),
        one_zone: false,
        inline_bytes_max: INLINE_BYTES_MAX,
    })
}

/// The checksum that `x-amz-trailer` announces.
fn trailer_algorithm(cx: &Cx) -> Result<Option<Algorithm>> {
    let Some(header) = cx.http().and_then(|http| http.header("x-amz-trailer")) else { return Ok(None) };
    for name in header.split(',').map(str::trim) {
        if let Some(name) = name.strip_prefix("x-amz-checksum-") {
            return Algorithm::parse(name).map(Some);
        }
    }
    Ok(None)
}

/// The length of the data, which S3 must know before it comes.
fn length(cx: &Cx, body: &ByteStream, content_length: Option<i64>) -> Result<Option<u64>> {
    if let Some(length) = body.length() {
        return Ok(Some(length));
    }
    if body.is_absent() {
        return Ok(Some(0));
    }
    // Of a file in a form, its end tells the length.
    let Some(http) = cx.http().filter(|http| http.method != Method::POST) else { return Ok(None) };
    let decoded = http.header("x-amz-decoded-content-length").and_then(|length| length.parse().ok());
    let chunked = http.header("x-amz-content-sha256").is_some_and(|hash| hash.starts_with("STREAMING-"));
    let plain = content_length.and_then(|length| u64::try_from(length).ok()).filter(|_| !chunked);
    match decoded.or(plain) {
        None if http.headers.contains_key(TRANSFER_ENCODING) => {
            Err(error::not_implemented_header("Transfer-Encoding"))
        }
        None => Err(error::missing_content_length()),
        length => Ok(length),
    }
}
