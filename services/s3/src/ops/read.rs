//! What GetObject and HeadObject have in common.

use haneul_kit::{Caller, Cx, Instant, Principal, Result};
use http::header::{ALLOW, ETAG, LAST_MODIFIED};
use http::{HeaderName, HeaderValue};

use crate::bucket::Bucket;
use crate::checksum::{Checksum, Kind};
use crate::conditions::{ReadConditions, Verdict};
use crate::facts::Named;
use crate::model::{Body, Data, Manifest, ObjectLock, ObjectRecord, Versioning};
use crate::range::{self, Span};
use crate::store::versions::parse_version_id;
use crate::{S3, error};

const DELETE_MARKER: HeaderName = HeaderName::from_static("x-amz-delete-marker");
pub(super) const VERSION_ID: HeaderName = HeaderName::from_static("x-amz-version-id");

/// The part of an object that is wanted.
pub(super) struct Selection {
    pub(super) span: Span,
    /// Whether a part was asked for: 206 and `Content-Range`.
    pub(super) partial: bool,
    /// With `partNumber` alone: how many there are.
    pub(super) parts_count: Option<i32>,
    /// Of what is sent, where one is known.
    pub(super) checksum: Option<Checksum>,
}

impl S3 {
    /// A version that has bytes, or S3's error for one that is not there or is a delete marker.
    pub(super) async fn readable(
        &self,
        cx: &Cx,
        found: Option<ObjectRecord>,
        named: Named<'_>,
    ) -> Result<(ObjectRecord, Body)> {
        let Some(mut record) = found else {
            return Err(missing(named));
        };
        if let Some(body) = record.body.take() {
            return Ok((record, body));
        }
        cx.add_header(DELETE_MARKER, HeaderValue::from_static("true"));
        header(cx, VERSION_ID, record.version_name());
        if named.version.is_none() {
            return Err(error::no_such_key(named.key));
        }
        header(cx, LAST_MODIFIED, &Instant::from_secs(record.modified_s).http_date());
        cx.add_header(ALLOW, HeaderValue::from_static("DELETE"));
        let method = cx.http().map_or("GET", |http| http.method.as_str());
        Err(error::method_not_allowed(method))
    }

    /// The same for what is to be changed, where a delete marker is refused for itself, named or not.
    pub(super) async fn changeable(
        &self,
        cx: &Cx,
        found: Option<ObjectRecord>,
        named: Named<'_>,
    ) -> Result<(ObjectRecord, Body)> {
        let marker = found.as_ref().filter(|record| record.is_delete_marker());
        let marker = marker.map(|record| record.version_name().to_owned());
        let version = named.version.or(marker.as_deref());
        self.readable(cx, found, Named { version, ..named }).await
    }

    /// What the caller may see of a version's lock: each half of it is a permission of its own.
    pub(super) async fn visible_lock(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        lock: ObjectLock,
        named: Named<'_>,
    ) -> Result<ObjectLock> {
        if lock.is_empty() || bucket.trusts(cx) {
            return Ok(lock);
        }
        let mut visible = ObjectLock::default();
        if lock.retention.is_some() && self.may(cx, bucket, "s3:GetObjectRetention", named).await? {
            visible.retention = lock.retention;
        }
        if lock.legal_hold.is_some() && self.may(cx, bucket, "s3:GetObjectLegalHold", named).await? {
            visible.legal_hold = lock.legal_hold;
        }
        Ok(visible)
    }

    /// How many tags a version has, for whoever may read them.
    pub(super) async fn visible_tag_count(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        body: &Body,
        named: Named<'_>,
    ) -> Result<Option<i32>> {
        if body.tags.is_empty() {
            return Ok(None);
        }
        let visible = bucket.trusts(cx) || self.may(cx, bucket, read_tags(named), named).await?;
        Ok(visible.then_some(body.tags.len() as i32))
    }

    /// Whether the caller has one more permission on an object.
    pub(super) async fn may(
        &self,
        cx: &Cx,
        bucket: &Bucket,
        action: &'static str,
        named: Named<'_>,
    ) -> Result<bool> {
        let access = self.write_access(cx, bucket, action, named).await?;
        Ok(self.platform.authorize(cx, "s3", &[access]).await.is_ok())
    }

    /// What `range` or `part_number` selects of an object.
    pub(super) async fn select(
        &self,
        body: &Body,
        range: Option<&str>,
        part_number: Option<i32>,
    ) -> Result<Selection> {
        let whole = Selection {
            span: Span::whole(body.size),
            partial: false,
            parts_count: None,
            checksum: body.checksum.clone(),
        };
        match (range, part_number) {
            (None, None) => Ok(whole),
            (Some(_), Some(_)) => {
                Err(error::invalid_request("Cannot specify both Range header and partNumber query parameter"))
            }
            (Some(range), None) => Ok(match range::select(range, body.size)? {
                None => whole,
                Some(span) => Selection { span, partial: true, parts_count: None, checksum: None },
            }),
            (None, Some(number)) => self.select_part(body, number, whole).await,
        }
    }

    async fn select_part(&self, body: &Body, number: i32, whole: Selection) -> Result<Selection> {
        if !(1..=crate::store::assembly::PART_NUMBER_MAX).contains(&number) {
            let message = "Part number must be an integer between 1 and 10000, inclusive";
            return Err(error::invalid_argument(message, "partNumber", number.to_string()));
        }
        let Some(manifest) = self.manifest(&body.data).await? else {
            if number != 1 {
                return Err(error::invalid_part_number(number, 1));
            }
            return Ok(Selection { partial: body.size > 0, ..whole });
        };
        // Parts are counted by their place in the object, not by the number that they were uploaded under.
        let Some(part) = manifest.parts.get(number as usize - 1) else {
            return Err(error::invalid_part_number(number, body.parts));
        };
        let start: u64 = manifest.parts[..number as usize - 1].iter().map(|part| part.size).sum();
        let checksum = body.checksum.as_ref().zip(part.checksum.clone());
        Ok(Selection {
            span: Span { start, end: start + part.size },
            partial: part.size > 0,
            parts_count: Some(body.parts as i32),
            checksum: checksum.map(|(sum, value)| Checksum {
                algorithm: sum.algorithm,
                kind: Kind::FullObject,
                value,
            }),
        })
    }

    /// The list of parts, when the data is in parts.
    pub(crate) async fn manifest(&self, data: &Data) -> Result<Option<Manifest>> {
        let Data::Parts(id) = data else { return Ok(None) };
        let found = self.records.manifest(id).await?;
        found.map(Some).ok_or_else(|| haneul_kit::ApiError::internal("an object's manifest is gone"))
    }
}

/// The action of reading the tags of what is named.
pub(super) fn read_tags(named: Named<'_>) -> &'static str {
    if named.version.is_some() { "s3:GetObjectVersionTagging" } else { "s3:GetObjectTagging" }
}

fn missing(named: Named<'_>) -> haneul_kit::ApiError {
    match named.version {
        None => error::no_such_key(named.key),
        Some(version) if version == "null" || parse_version_id(version).is_some() => {
            error::no_such_version(named.key, version)
        }
        Some(version) => error::invalid_version_id(version),
    }
}

/// 304 and 412, with the headers that go with them.
pub(super) fn check_conditions(
    cx: &Cx,
    conditions: &ReadConditions<'_>,
    record: &ObjectRecord,
    body: &Body,
) -> Result<()> {
    let modified = Instant::from_secs(record.modified_s);
    match conditions.judge(&body.etag, modified, cx.now()) {
        Verdict::Proceed => Ok(()),
        Verdict::Failed(header) => Err(error::precondition_failed(header)),
        Verdict::NotModified => {
            header(cx, ETAG, &body.quoted_etag());
            header(cx, LAST_MODIFIED, &modified.http_date());
            Err(error::not_modified())
        }
    }
}

/// The version id to show: none in a bucket that never had versions.
pub(super) fn shown_version(bucket: &Bucket, record: &ObjectRecord) -> Option<String> {
    (bucket.record.versioning != Versioning::Off).then(|| record.version_name().to_owned())
}

/// `response-content-type` and its kin are for signed requests only.
pub(super) fn check_overrides(caller: &Caller, overrides: &[&Option<String>]) -> Result<()> {
    if caller.principal == Principal::Anonymous && overrides.iter().any(|value| value.is_some()) {
        let message = "Request specific response headers cannot be used for anonymous GET requests.";
        return Err(error::invalid_request(message));
    }
    Ok(())
}

pub(super) fn header(cx: &Cx, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        cx.add_header(name, value);
    }
}

/// Fills the members that the outputs of GetObject and HeadObject share, but for the body.
macro_rules! fill {
    ($output:expr, $input:expr, $bucket:expr, $record:expr, $body:expr, $selection:expr, $lock:expr, $tags:expr) => {{
        let (output, input, body, selection) = (&mut $output, &$input, &$body, &$selection);
        output.object_lock_mode = $lock.retention.map(|retention| retention.mode.as_str().to_owned());
        output.object_lock_retain_until_date =
            $lock.retention.map(|retention| haneul_kit::Instant::from_millis(retention.until_ms));
        output.object_lock_legal_hold_status =
            $lock.legal_hold.map($crate::ops::object_retention::shown_hold);
        output.accept_ranges = Some("bytes".to_owned());
        output.last_modified = Some(haneul_kit::Instant::from_secs($record.modified_s));
        output.content_length = Some(selection.span.length() as i64);
        output.content_range = selection.partial.then(|| selection.span.content_range(body.size));
        output.e_tag = Some(body.quoted_etag());
        output.version_id = $crate::ops::read::shown_version(&$bucket, &$record);
        let headers = &body.headers;
        let or = |given: &Option<String>, kept: &Option<String>| given.clone().or_else(|| kept.clone());
        output.cache_control = or(&input.response_cache_control, &headers.cache_control);
        output.content_disposition = or(&input.response_content_disposition, &headers.content_disposition);
        output.content_encoding = or(&input.response_content_encoding, &headers.content_encoding);
        output.content_language = or(&input.response_content_language, &headers.content_language);
        output.content_type = or(&input.response_content_type, &headers.content_type)
            .or_else(|| Some($crate::headers::CONTENT_TYPE_DEFAULT.to_owned()));
        output.expires = input.response_expires.map(|at| at.http_date()).or_else(|| headers.expires.clone());
        output.website_redirect_location = headers.website_redirect.clone();
        $crate::encryption::show_encryption!(output, body.sealed.as_ref());
        output.expiration = $bucket.expiration(&input.key, &$record, body);
        output.replication_status = $record.replication.as_ref().map(|status| status.as_str().to_owned());
        output.storage_class = body.storage_class.clone();
        output.parts_count = selection.parts_count;
        output.tag_count = $tags;
        let (metadata, missing) = $crate::user_metadata::shown(&body.metadata);
        (output.metadata, output.missing_meta) = (Some(metadata), missing);
        if input.checksum_mode.as_deref() == Some("ENABLED")
            && let Some(sum) = &selection.checksum
        {
            output.checksum_type = Some(sum.kind.as_str().to_owned());
            $crate::checksum::wire::show!(output, sum.algorithm, sum.value.clone());
        }
    }};
}

pub(super) use fill;
