//! The files of tables as S3's operations see them: a reserved bucket, which takes the calls that reading and writing a table
//! need, by the permissions of the table, and is nowhere to be found for others.
//!
//! Source: S3 User Guide, "Access management for S3 Tables": `s3tables:GetTableData` is for GetObject and HeadObject,
//! `s3tables:PutTableData` for PutObject and multipart uploads.

use std::sync::Arc;

use haneul_kit::{Access, AccountId, ApiError, Cx, Instant, Result};

use super::BucketName;
use crate::bucket::Bucket;
use crate::encryption::CustomerKey;
use crate::model::BucketRecord;
use crate::model::encryption::{BucketEncryption, DefaultAlgorithm};
use crate::model::table::{TableEncryption, TableRecord};
use crate::range::Span;
use crate::{S3, error, redirect};

/// How the names of reserved buckets end; no other bucket may be called so.
const ENDING: &str = "--table-s3";

/// The door to a warehouse: what a call must be allowed on the table.
pub(crate) struct Door(Access);

impl Door {
    /// The permission of the table that stands for one of S3's.
    pub(crate) fn access(&self, action: &'static str) -> Access {
        let reads = action.starts_with("s3:GetObject") || action == "s3:ListBucket";
        let action = if reads { "s3tables:GetTableData" } else { "s3tables:PutTableData" };
        Access { action, ..self.0.clone() }
    }
}

/// `s3://WAREHOUSE`
pub(crate) fn location(table: &TableRecord) -> String {
    format!("s3://{}", table.warehouse)
}

/// The key of a file of the table.
pub(crate) fn key_of<'a>(table: &TableRecord, uri: &'a str) -> Option<&'a str> {
    let key = uri.strip_prefix("s3://")?.strip_prefix(table.warehouse.as_str())?.strip_prefix('/')?;
    (!key.is_empty()).then_some(key)
}

impl S3 {
    /// A table with nothing in it.
    pub(crate) fn new_table(&self, namespace_id: String, by: AccountId, now: Instant) -> TableRecord {
        let rng = &self.platform.env.rng;
        let id = rng.uuid();
        // As AWS's look: the beginning of a UUID, and as much more as a bucket's name has room for.
        let begin = &rng.uuid()[..19];
        let rest = rng.text(b"abcdefghijklmnopqrstuvwxyz0123456789", 63 - 19 - ENDING.len());
        TableRecord {
            id,
            namespace_id,
            warehouse: format!("{begin}{rest}{ENDING}"),
            objects: rng.u64(),
            managed_by: None,
            created_ms: now.millis(),
            created_by: by.number(),
            modified_ms: now.millis(),
            modified_by: by.number(),
            version_token: self.new_version_token(),
            metadata_location: None,
            ..TableRecord::default()
        }
    }

    pub(crate) fn new_version_token(&self) -> String {
        self.platform.env.rng.text(b"0123456789abcdef", 20)
    }

    /// The bucket of a request that reads an object.
    pub(crate) async fn bucket_to_read(
        &self,
        cx: &Cx,
        name: &str,
        expected_owner: &Option<String>,
    ) -> Result<Arc<Bucket>> {
        match name.ends_with(ENDING) {
            true => self.warehouse(cx, name, expected_owner).await.map(|(bucket, _)| bucket),
            false => self.bucket(cx, name, expected_owner).await,
        }
    }

    /// The bucket of a request that writes an object. S3 alone writes its own tables.
    pub(crate) async fn bucket_to_write(
        &self,
        cx: &Cx,
        name: &str,
        expected_owner: &Option<String>,
    ) -> Result<Arc<Bucket>> {
        if !name.ends_with(ENDING) {
            return self.bucket(cx, name, expected_owner).await;
        }
        let (bucket, table) = self.warehouse(cx, name, expected_owner).await?;
        if table.managed_by.is_some() { Err(error::access_denied("Access Denied")) } else { Ok(bucket) }
    }

    /// A file of a table, of so many bytes at most, as the caller may decrypt it.
    pub(crate) async fn table_file(
        &self,
        cx: &Cx,
        table: &TableRecord,
        location: &str,
        bytes_max: usize,
    ) -> Result<Vec<u8>> {
        let lost = || ApiError::internal(format_args!("the file {location} of a table is not there"));
        let key = key_of(table, location).ok_or_else(lost)?;
        // From here on, nothing that the record names is deleted.
        let reading = self.content.readers.begin();
        let (found, inline) = self.records.read(table.objects, key, None).await?;
        let body = found.and_then(|record| record.body).ok_or_else(lost)?;
        let data_key = self.open_key(cx, body.sealed.as_ref(), &CustomerKey::default()).await?;
        let stream = self.stream(&body, inline, Span::whole(body.size), reading, data_key).await?;
        stream.collect(bytes_max).await.map_err(ApiError::internal)
    }

    async fn warehouse(
        &self,
        cx: &Cx,
        name: &str,
        expected_owner: &Option<String>,
    ) -> Result<(Arc<Bucket>, TableRecord)> {
        let gone = || error::no_such_bucket(name);
        let warehouse = self.records.warehouse(name).await?.ok_or_else(gone)?;
        let owner = AccountId::new(warehouse.account).unwrap_or_default();
        let region = warehouse.region.parse().map_err(haneul_kit::ApiError::internal)?;
        let lake = BucketName { account: owner, region, name: warehouse.bucket };
        let bucket = self.records.table_bucket(&lake.row()).await?.ok_or_else(gone)?;
        let found = self.records.table_by_id(&bucket.id, &warehouse.table).await?;
        let (row, table) = found.ok_or_else(gone)?;
        let access =
            self.on_found_table(&lake, Some((&table, &row.1, &row.2)), "s3tables:GetTableData").await?;
        let seen = warehouse_of(&table, owner, Door(access), warehouse.region);
        let seen = Arc::new(seen?);
        redirect::check_region(cx, &seen)?;
        crate::bucket::check_owner(&seen, expected_owner)?;
        Ok((seen, table))
    }
}

/// The reserved bucket as S3 itself writes there.
pub(crate) fn own(table: &TableRecord, owner: AccountId, region: String) -> Result<Bucket> {
    warehouse_of(table, owner, Door(Access::to("s3tables:PutTableData")), region)
}

fn warehouse_of(table: &TableRecord, owner: AccountId, door: Door, region: String) -> Result<Bucket> {
    let record = BucketRecord {
        id: table.objects,
        owner: owner.number(),
        region,
        created_ms: table.created_ms,
        bucket_key: true,
        encryption: default_encryption(&table.encryption),
        ..BucketRecord::default()
    };
    Bucket::of_table(&table.warehouse, record, door)
}

fn default_encryption(encryption: &TableEncryption) -> BucketEncryption {
    match &encryption.kms_key {
        None => BucketEncryption::default(),
        Some(key) => BucketEncryption {
            algorithm: DefaultAlgorithm::Kms,
            kms_key: Some(key.clone()),
            ..BucketEncryption::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_locations() {
        let table = TableRecord { warehouse: "w--table-s3".into(), ..TableRecord::default() };
        assert_eq!(key_of(&table, &format!("{}/metadata/a", location(&table))), Some("metadata/a"));
        for other in
            ["s3://w--table-s3", "s3://w--table-s3/", "s3://w--table-s3x/a", "s3://v/a", "w--table-s3/a"]
        {
            assert_eq!(key_of(&table, other), None, "{other}");
        }
    }
}
