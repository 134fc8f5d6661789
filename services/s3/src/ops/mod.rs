//! The operations: buckets, their configurations, objects, listings, multipart uploads.

mod acl;
mod attributes;
mod bucket_abac;
mod bucket_accelerate;
mod bucket_analytics;
mod bucket_cors;
mod bucket_encryption;
mod bucket_inventory;
mod bucket_lifecycle;
mod bucket_location;
mod bucket_logging;
mod bucket_metadata;
mod bucket_metadata_table;
mod bucket_metrics;
mod bucket_notification;
mod bucket_ownership;
mod bucket_policy;
mod bucket_public_access;
mod bucket_replication;
mod bucket_request_payment;
mod bucket_tagging;
mod bucket_tiering;
mod bucket_versioning;
mod bucket_website;
mod configurations;
mod copy_object;
mod create_bucket;
mod delete_bucket;
mod delete_object;
mod delete_objects;
mod get_object;
mod head_bucket;
mod head_object;
mod list_buckets;
mod list_object_versions;
mod list_objects;
mod multipart_abort;
mod multipart_complete;
mod multipart_copy;
mod multipart_create;
mod multipart_list;
mod multipart_upload;
mod object_annotation;
mod object_lock_configuration;
mod object_retention;
mod object_tagging;
mod post_object;
pub(crate) mod put_object;
mod read;
mod restore_object;
mod select_object_content;
mod select_source;
mod update_object_encryption;
mod url_encoding;
mod write_get_object_response;

use haneul_kit::{Access, Cx, Result};

use crate::S3;

impl S3 {
    /// The one permission that most operations on a bucket need.
    async fn bucket_access(
        &self,
        cx: &Cx,
        bucket: &str,
        expected_owner: &Option<String>,
        action: &'static str,
    ) -> Result<Vec<Access>> {
        let bucket = self.bucket(cx, bucket, expected_owner).await?;
        Ok(vec![bucket.access(cx, action)])
    }
}
