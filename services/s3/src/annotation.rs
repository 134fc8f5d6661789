//! What an annotation may be, how it is encrypted, and how it is copied with its object.

use haneul_kit::{ApiError, Cx, Result};
use percent_encoding::percent_decode_str;

use crate::bucket::Bucket;
use crate::content::INLINE_BYTES_MAX;
use crate::content::cipher::DataKey;
use crate::content::receive::Expectation;
use crate::encryption::{CustomerKey, Encryption};
use crate::model::annotation::AnnotationRecord;
use crate::model::encryption::{DefaultAlgorithm, Scheme, Sealed};
use crate::model::{Body, ObjectRecord};
use crate::ops::put_object::etag;
use crate::range::Span;
use crate::store::annotations::{ANNOTATIONS_MAX, NewAnnotation, changed};
use crate::{S3, error};

pub(crate) const NAME_BYTES_MAX: usize = 512;
pub(crate) const PAYLOAD_BYTES_MAX: u64 = 1024 * 1024;

const DIRECTIVE: &str = "x-amz-object-annotation-directive";

/// Annotations that are read at once.
const BATCH: usize = 100;

/// Bytes of copies that are in memory, and in the commit, which has room for 64 MiB. What is more goes where large ones go.
const COPIED_INLINE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Unicode letters, digits, underscores, periods and hyphens; `aws` and `s3` at the beginning are AWS's own.
pub(crate) fn check_name(name: &str) -> Result<()> {
    if name.len() > NAME_BYTES_MAX {
        return Err(error::new("AnnotationNameTooLong", 400, "The annotation name exceeds 512 bytes."));
    }
    let begins = |own: &str| name.get(..own.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(own));
    let is_valid = name.chars().all(|one| one.is_alphanumeric() || "_.-".contains(one));
    if name.is_empty() || !is_valid || begins("aws") || begins("s3") {
        let message = "The annotation name you provided is invalid.";
        return Err(error::new("InvalidAnnotationName", 400, message));
    }
    Ok(())
}

pub(crate) fn check_payload(length: u64) -> Result<()> {
    match length {
        0 => Err(error::invalid_request("The annotation payload must be between 1 byte and 1 MiB in size.")),
        length if length > PAYLOAD_BYTES_MAX => Err(error::entity_too_large(length, PAYLOAD_BYTES_MAX)),
        _ => Ok(()),
    }
}

pub(crate) fn no_such_annotation(name: &str) -> ApiError {
    let message = "The specified annotation does not exist on this object.";
    error::new("NoSuchAnnotation", 404, message).with_field("AnnotationName", name)
}

/// Of an object whose key only a client has.
pub(crate) fn no_annotations() -> ApiError {
    error::invalid_request("Objects encrypted with customer-provided keys (SSE-C) cannot have annotations.")
}

/// The model does not have this header for annotations; the API Reference does.
pub(crate) fn bypasses(cx: &Cx) -> bool {
    let header = cx.http().and_then(|http| http.header("x-amz-bypass-governance-retention"));
    header.is_some_and(|value| value.eq_ignore_ascii_case("true"))
}

/// Whether a copy takes the annotations along: said in a header, or in the query of a presigned URL.
pub(crate) fn are_copied(cx: &Cx, header: Option<&str>) -> Result<bool> {
    let query = cx.http().and_then(|http| http.uri.query()).unwrap_or_default();
    let in_query = query.split('&').find_map(|pair| pair.strip_prefix(DIRECTIVE)?.strip_prefix('='));
    let in_query = in_query.map(|value| percent_decode_str(value).decode_utf8_lossy());
    match header.or(in_query.as_deref()) {
        None | Some("COPY") => Ok(true),
        Some("EXCLUDE") => Ok(false),
        Some(other) => Err(error::invalid_argument("Unknown annotation directive.", DIRECTIVE, other)),
    }
}

impl S3 {
    /// A data key for an annotation of an object that is encrypted so.
    pub(crate) async fn annotation_key(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        key: &str,
        of_object: Option<&Sealed>,
    ) -> Result<(DataKey, Sealed)> {
        match of_object.map(|sealed| &sealed.scheme) {
            None | Some(Scheme::S3) => Ok(self.new_own_key()),
            Some(Scheme::Customer(_)) => Err(no_annotations()),
            Some(Scheme::Kms(kms)) => {
                let algorithm = if kms.dsse { DefaultAlgorithm::Dsse } else { DefaultAlgorithm::Kms };
                let wanted = Encryption {
                    algorithm: Some(algorithm.as_str().to_owned()),
                    kms_key: Some(kms.key_arn.clone()),
                    context: kms.header.clone(),
                    bucket_key: (!kms.dsse).then_some(kms.bucket_key),
                    customer: CustomerKey::default(),
                };
                self.new_key(cx, bucket, key, &wanted).await
            }
        }
    }

    /// Copies of an object's annotations, for an object that is encrypted so. Whoever makes no record of them discards them.
    pub(crate) async fn copy_annotations(
        &self,
        cx: &Cx,
        (source, source_key, record): (&Bucket, &str, &ObjectRecord),
        (target, target_key): (&Bucket, &str),
        sealed: &Sealed,
    ) -> Result<Vec<NewAnnotation>> {
        let mut copies: Vec<NewAnnotation> = Vec::new();
        let mut inline_bytes = 0;
        while copies.len() < ANNOTATIONS_MAX && record.annotations > 0 {
            let asked = ("", copies.last().map(|copy| copy.name.as_str()));
            let page = self.records.annotations(source.id(), source_key, record.seq, asked, BATCH).await?;
            let is_last = page.len() < BATCH;
            for (name, _) in page {
                let copied = self.copy_annotation(
                    cx,
                    (source, source_key, record),
                    &name,
                    (target, target_key),
                    sealed,
                    INLINE_BYTES_MAX.min(COPIED_INLINE_BYTES_MAX - inline_bytes),
                );
                match copied.await {
                    Ok(copy) => {
                        inline_bytes += copy.inline.as_ref().map_or(0, |_| copy.record.size);
                        copies.push(copy);
                    }
                    Err(error) => {
                        self.discard_annotations(&copies).await;
                        return Err(error);
                    }
                }
            }
            if is_last {
                break;
            }
        }
        if copies.len() != record.annotations as usize {
            self.discard_annotations(&copies).await;
            return Err(changed());
        }
        Ok(copies)
    }

    async fn copy_annotation(
        &self,
        cx: &Cx,
        (source, source_key, record): (&Bucket, &str, &ObjectRecord),
        name: &str,
        (target, target_key): (&Bucket, &str),
        sealed: &Sealed,
        inline_bytes_max: u64,
    ) -> Result<NewAnnotation> {
        let reading = self.content.readers.begin();
        let found = self.records.annotation(source.id(), source_key, record.seq, name).await?;
        let (annotation, inline) = found.ok_or_else(changed)?;
        let opened = self.open_key(cx, Some(&annotation.sealed), &CustomerKey::default()).await?;
        let body = Body { size: annotation.size, data: annotation.data, ..Body::default() };
        let payload = self.stream(&body, inline, Span::whole(body.size), reading, opened).await?;
        let (data_key, sealed) = self.annotation_key(cx, target, target_key, Some(sealed)).await?;
        let expected = Expectation::internal(annotation.size, annotation.checksum.algorithm);
        let expected = Expectation { inline_bytes_max, ..expected };
        let received = self.content.receive(payload, &expected, Some(data_key.piece(None))).await?;
        Ok(NewAnnotation {
            name: name.to_owned(),
            record: AnnotationRecord {
                size: received.size,
                etag: etag(&data_key, &sealed, &received.md5),
                checksum: received.checksum,
                modified_s: cx.now().secs(),
                data: received.data,
                sealed,
            },
            inline: received.inline,
        })
    }

    pub(crate) async fn discard_annotations(&self, annotations: &[NewAnnotation]) {
        for annotation in annotations {
            self.content.discard(&annotation.record.data).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, expected) in [
            ("ml.sentiment", None),
            ("a-b_c.9", None),
            ("감정", None),
            ("", Some("InvalidAnnotationName")),
            ("aws", Some("InvalidAnnotationName")),
            ("AwS.x", Some("InvalidAnnotationName")),
            ("S3x", Some("InvalidAnnotationName")),
            ("a b", Some("InvalidAnnotationName")),
            ("a/b", Some("InvalidAnnotationName")),
            (&"a".repeat(512), None),
            (&"a".repeat(513), Some("AnnotationNameTooLong")),
        ] {
            let code = check_name(name).err().map(|error| error.code().to_owned());
            assert_eq!(code.as_deref(), expected, "{name}");
        }
    }
}
