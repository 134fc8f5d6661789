//! The headers that PutObject, CopyObject and CreateMultipartUpload have in common: what is kept with an object, and
//! what is refused because its effect does not exist here.

use haneul_kit::{Access, Cx, Instant, Result};

use crate::acl::Requested;
use crate::bucket::Bucket;
use crate::encryption::Encryption;
use crate::model::SystemMetadata;
use crate::object_lock::LockHeaders;
use crate::tagging::{self, TagMap};
use crate::{error, user_metadata};

/// What `x-amz-content-type` is when a client gives none.
pub(crate) const CONTENT_TYPE_DEFAULT: &str = "binary/octet-stream";

/// The members of a request that writes an object.
#[derive(Debug, Default)]
pub(crate) struct ObjectHeaders {
    pub(crate) acl: Requested,
    pub(crate) system: SystemMetadata,
    pub(crate) metadata: Vec<(String, String)>,
    pub(crate) storage_class: Option<String>,
    pub(crate) tagging: Option<String>,
    pub(crate) encryption: Encryption,
    pub(crate) lock: LockHeaders,
}

/// Reads them off the input of one of the three operations.
macro_rules! object_headers {
    ($input:expr) => {{
        let input = &mut $input;
        $crate::headers::ObjectHeaders {
            acl: $crate::headers::requested_acl!(input),
            system: $crate::model::SystemMetadata {
                content_type: input.content_type.take(),
                content_encoding: $crate::headers::content_encoding(input.content_encoding.take()),
                content_language: input.content_language.take(),
                content_disposition: input.content_disposition.take(),
                cache_control: input.cache_control.take(),
                expires: input.expires.take(),
                website_redirect: input.website_redirect_location.take(),
            },
            metadata: $crate::user_metadata::of_request(input.metadata.take()),
            storage_class: input.storage_class.take(),
            tagging: input.tagging.take(),
            encryption: $crate::encryption::Encryption {
                algorithm: input.server_side_encryption.take(),
                kms_key: input.ssekms_key_id.take(),
                context: input.ssekms_encryption_context.take(),
                bucket_key: input.bucket_key_enabled,
                customer: $crate::encryption::customer_key!(input),
            },
            lock: $crate::object_lock::LockHeaders {
                mode: input.object_lock_mode.take(),
                retain_until: input.object_lock_retain_until_date,
                legal_hold: input.object_lock_legal_hold_status.take(),
                event_hold: input.object_lock_event_hold.is_some()
                    || input.object_lock_event_hold_duration_days.is_some()
                    || input.object_lock_event_hold_duration_years.is_some(),
            },
        }
    }};
}

/// Adds the context keys of those headers to the permission to write.
macro_rules! header_keys {
    ($access:expr, $cx:expr, $input:expr) => {{
        let input = $input;
        let access = $crate::headers::retention_keys(
            $access,
            $cx,
            &input.object_lock_mode,
            input.object_lock_retain_until_date,
        );
        $crate::headers::write_keys(
            $crate::headers::acl_keys!(access, input),
            &[
                ("s3:x-amz-storage-class", &input.storage_class),
                ("s3:x-amz-server-side-encryption", &input.server_side_encryption),
                ("s3:x-amz-server-side-encryption-aws-kms-key-id", &input.ssekms_key_id),
                ("s3:x-amz-server-side-encryption-customer-algorithm", &input.sse_customer_algorithm),
                ("s3:x-amz-website-redirect-location", &input.website_redirect_location),
                ("s3:object-lock-legal-hold", &input.object_lock_legal_hold_status),
            ],
        )
    }};
}

/// Adds the context keys of the ACL that a request asks for.
macro_rules! acl_keys {
    ($access:expr, $input:expr) => {
        $crate::headers::write_keys(
            $access,
            &[
                ("s3:x-amz-acl", &$input.acl),
                ("s3:x-amz-grant-read", &$input.grant_read),
                ("s3:x-amz-grant-full-control", &$input.grant_full_control),
                ("s3:x-amz-grant-read-acp", &$input.grant_read_acp),
                ("s3:x-amz-grant-write-acp", &$input.grant_write_acp),
            ],
        )
    };
}

/// The ACL that a request to write an object asks for.
macro_rules! requested_acl {
    ($input:expr) => {
        $crate::acl::Requested {
            canned: $input.acl.clone(),
            full_control: $input.grant_full_control.clone(),
            read: $input.grant_read.clone(),
            read_acp: $input.grant_read_acp.clone(),
            write: None,
            write_acp: $input.grant_write_acp.clone(),
        }
    };
}

/// The permissions that a write needs beside writing: for its ACL and for its lock.
macro_rules! write_needs {
    ($needed:expr, $cx:expr, $bucket:expr, $input:expr) => {{
        let (cx, bucket, input) = ($cx, &$bucket, $input);
        // A service that delivers logs gives them to the bucket's owner; AWS's policies for it allow PutObject alone.
        let delivers = matches!(cx.caller().principal, haneul_kit::Principal::Service { .. })
            && input.acl.as_deref() == Some("bucket-owner-full-control");
        if $crate::headers::requested_acl!(input).is_given() && !delivers {
            let put_acl = bucket.new_acl_access(cx, &input.key);
            $needed.push($crate::headers::acl_keys!(put_acl, input));
        }
        if input.object_lock_mode.is_some() || input.object_lock_retain_until_date.is_some() {
            $needed.push($crate::headers::retention_keys(
                bucket.object_access(cx, "s3:PutObjectRetention", &input.key),
                cx,
                &input.object_lock_mode,
                input.object_lock_retain_until_date,
            ));
        }
        if input.object_lock_legal_hold_status.is_some() {
            $needed.push(bucket.object_access(cx, "s3:PutObjectLegalHold", &input.key));
        }
    }};
}

pub(crate) use {acl_keys, header_keys, object_headers, requested_acl, write_needs};

pub(crate) fn write_keys(access: Access, members: &[(&'static str, &Option<String>)]) -> Access {
    members.iter().fold(access, |access, (key, value)| match value {
        Some(value) => access.key(*key, value.clone()),
        None => access,
    })
}

/// Whether the operation makes an object, or only what one will be made of.
pub(crate) fn creation_key(access: Access, creates: bool) -> Access {
    access.key("s3:ObjectCreationOperation", creates.to_string())
}

/// The context keys of a retention. Days are whole ones, from now on.
pub(crate) fn retention_keys(
    access: Access,
    cx: &Cx,
    mode: &Option<String>,
    until: Option<Instant>,
) -> Access {
    let access = write_keys(access, &[("s3:object-lock-mode", mode)]);
    let Some(until) = until else { return access };
    let days = (until.secs() - cx.now().secs()).max(0) / (24 * 60 * 60);
    access
        .key("s3:object-lock-retain-until-date", until.iso8601())
        .key("s3:object-lock-remaining-retention-days", days.to_string())
}

/// `s3:RequestObjectTag/<key>` and `s3:RequestObjectTagKeys`.
pub(crate) fn request_tag_keys(mut access: Access, tags: &TagMap) -> Access {
    for (key, value) in tags {
        access = access.key(format!("s3:RequestObjectTag/{key}"), value.clone());
    }
    if tags.is_empty() {
        access
    } else {
        access.keys("s3:RequestObjectTagKeys", tags.keys().cloned().collect())
    }
}

impl ObjectHeaders {
    /// Refuses what cannot be kept, and gives the tags.
    pub(crate) fn check(&self, bucket: &Bucket) -> Result<TagMap> {
        check_storage_class(self.storage_class.as_deref())?;
        if self.lock.is_given() && bucket.record.lock.is_none() {
            return Err(error::no_object_lock());
        }
        user_metadata::check(&self.metadata)?;
        if let Some(location) = &self.system.website_redirect
            && !(location.starts_with('/')
                || location.starts_with("http://")
                || location.starts_with("https://"))
        {
            return Err(error::new(
                "InvalidRedirectLocation",
                400,
                "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
            ));
        }
        self.tagging.as_deref().map_or_else(|| Ok(TagMap::new()), tagging::of_header)
    }

    /// `None` for STANDARD, which is not written down.
    pub(crate) fn stored_class(&self) -> Option<String> {
        self.storage_class.clone().filter(|class| class != "STANDARD")
    }
}

/// Content-Encoding without `aws-chunked`, which is of the transfer and not of the object.
pub(crate) fn content_encoding(given: Option<String>) -> Option<String> {
    let given = given?;
    let kept: Vec<&str> = given
        .split(',')
        .map(str::trim)
        .filter(|coding| !coding.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    if kept.len() == given.split(',').count() {
        return Some(given);
    }
    Some(kept.join(",")).filter(|kept| !kept.is_empty())
}

/// All classes keep their bytes the same way here; those of the archive classes are not given out before a restore.
fn check_storage_class(class: Option<&str>) -> Result<()> {
    match class {
        None
        | Some(
            "STANDARD"
            | "REDUCED_REDUNDANCY"
            | "STANDARD_IA"
            | "ONEZONE_IA"
            | "INTELLIGENT_TIERING"
            | "GLACIER_IR"
            | "GLACIER"
            | "DEEP_ARCHIVE",
        ) => Ok(()),
        Some(class) => {
            Err(error::new("InvalidStorageClass", 400, "The storage class you specified is not valid")
                .with_field("StorageClassRequested", class))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_chunked_is_of_the_transfer() {
        for (given, expected) in [
            (None, None),
            (Some("gzip"), Some("gzip")),
            (Some("aws-chunked"), None),
            (Some("aws-chunked,gzip"), Some("gzip")),
            (Some("gzip, aws-chunked"), Some("gzip")),
            (Some("gzip, br"), Some("gzip, br")),
        ] {
            assert_eq!(content_encoding(given.map(str::to_owned)).as_deref(), expected, "{given:?}");
        }
    }

    #[test]
    fn storage_classes() {
        let code = |class| check_storage_class(class).map_or_else(|e| e.code().to_owned(), |()| "ok".into());
        for (class, expected) in [
            (None, "ok"),
            (Some("STANDARD_IA"), "ok"),
            (Some("GLACIER_IR"), "ok"),
            (Some("GLACIER"), "ok"),
            (Some("DEEP_ARCHIVE"), "ok"),
            (Some("EXPRESS_ONEZONE"), "InvalidStorageClass"),
            (Some("nonsense"), "InvalidStorageClass"),
        ] {
            assert_eq!(code(class), expected, "{class:?}");
        }
    }
}
