use haneul_kit::{Access, Cx, Handle, Instant, Result};
use haneul_s3_wire::operations::ListObjectVersions;
use haneul_s3_wire::shapes::{
    DeleteMarkerEntry, ListObjectVersionsOutput, ListObjectVersionsRequest, ObjectVersion,
};

use super::list_objects::{common_prefixes, limit, list_keys, query, shown};
use super::url_encoding::Encoding;
use crate::owner::owner;
use crate::store::listing::Page;
use crate::{S3, error};

impl Handle<ListObjectVersions> for S3 {
    async fn access(&self, cx: &Cx, input: &ListObjectVersionsRequest) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let access = bucket.access(cx, "s3:ListBucketVersions");
        Ok(vec![list_keys(access, &input.prefix, &input.delimiter, input.max_keys)])
    }

    async fn call(&self, cx: &Cx, input: ListObjectVersionsRequest) -> Result<ListObjectVersionsOutput> {
        let bucket = self.bucket(cx, &input.bucket, &input.expected_bucket_owner).await?;
        let encoding = Encoding::parse(input.encoding_type.as_deref())?;
        let limit = limit(input.max_keys, "maxKeys")?;
        let key_marker = input.key_marker.as_deref().filter(|marker| !marker.is_empty());
        let version_marker = input.version_id_marker.as_deref().filter(|marker| !marker.is_empty());
        if version_marker.is_some() && key_marker.is_none() {
            let message = "A version-id marker cannot be specified without a key marker.";
            return Err(error::invalid_argument(
                message,
                "version-id-marker",
                version_marker.unwrap_or_default(),
            ));
        }
        let (page, next_version) = if limit == 0 {
            (Page { items: Vec::new(), prefixes: Vec::new(), next: None }, None)
        } else {
            let query = query(&bucket, &input.prefix, &input.delimiter, limit);
            self.records.list_versions(query, key_marker, version_marker).await?
        };
        let (mut versions, mut markers) = (Vec::new(), Vec::new());
        let next = page.next.as_ref().map(|next| encoding.show(next));
        let prefixes = common_prefixes(&page.prefixes, encoding);
        for (key, record, is_latest) in page.items {
            let account = bucket.owner_of(record.owner);
            let key = Some(encoding.show(&key));
            let version_id = Some(record.version_name().to_owned());
            let last_modified = Some(Instant::from_secs(record.modified_s));
            match record.body {
                None => markers.push(DeleteMarkerEntry {
                    owner: Some(owner(account)),
                    key,
                    version_id,
                    is_latest: Some(is_latest),
                    last_modified,
                }),
                Some(body) => versions.push(ObjectVersion {
                    e_tag: Some(body.quoted_etag()),
                    checksum_algorithm: body
                        .checksum
                        .as_ref()
                        .map(|sum| vec![sum.algorithm.as_str().to_owned()]),
                    checksum_type: body.checksum.as_ref().map(|sum| sum.kind.as_str().to_owned()),
                    size: Some(body.size as i64),
                    storage_class: Some(body.storage_class().to_owned()),
                    key,
                    version_id,
                    is_latest: Some(is_latest),
                    last_modified,
                    owner: Some(owner(account)),
                    restore_status: crate::archive::shown(&input.optional_object_attributes, || {
                        crate::archive::state(&body, cx.now())
                    }),
                }),
            }
        }
        Ok(ListObjectVersionsOutput {
            is_truncated: Some(next.is_some()),
            key_marker: Some(encoding.show(key_marker.unwrap_or_default())),
            version_id_marker: Some(version_marker.unwrap_or_default().to_owned()),
            next_key_marker: next,
            next_version_id_marker: next_version,
            versions: (!versions.is_empty()).then_some(versions),
            delete_markers: (!markers.is_empty()).then_some(markers),
            name: Some(bucket.name.clone()),
            prefix: Some(encoding.show(input.prefix.as_deref().unwrap_or_default())),
            delimiter: shown(&input.delimiter, encoding),
            max_keys: Some(limit as i32),
            common_prefixes: prefixes,
            encoding_type: encoding.name(),
            request_charged: None,
        })
    }
}
