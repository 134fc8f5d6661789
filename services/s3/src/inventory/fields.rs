//! What a list tells of each object.

use haneul_kit::AccountId;
use haneul_s3_parquet::{Cell, Column, Kind};

use crate::bucket::Bucket;
use crate::model::ObjectRecord;
use crate::model::encryption::Scheme;
use crate::model::inventory::Inventory;
use crate::model::tiering::AccessTier;
use crate::owner::canonical_id;
use crate::tiering;

/// A field of a list: its name in the API and in CSV, and its column in Parquet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) column: Column,
}

const fn field(name: &'static str, column: &'static str, kind: Kind) -> Field {
    Field { name, column: Column::optional(column, kind) }
}

const fn required(name: &'static str, column: &'static str) -> Field {
    Field { name, column: Column::required(column, Kind::Text) }
}

const ALWAYS: [Field; 2] = [required("Bucket", "bucket"), required("Key", "key")];

const OF_VERSIONS: [Field; 3] = [
    field("VersionId", "version_id", Kind::Text),
    field("IsLatest", "is_latest", Kind::Bool),
    field("IsDeleteMarker", "is_delete_marker", Kind::Bool),
];

/// Those that can be asked for, in the order in which they are written.
const OPTIONAL: [Field; 14] = [
    field("Size", "size", Kind::Long),
    field("LastModifiedDate", "last_modified_date", Kind::Time),
    field("ETag", "e_tag", Kind::Text),
    field("StorageClass", "storage_class", Kind::Text),
    field("IsMultipartUploaded", "is_multipart_uploaded", Kind::Bool),
    field("ReplicationStatus", "replication_status", Kind::Text),
    field("EncryptionStatus", "encryption_status", Kind::Text),
    field("ObjectLockRetainUntilDate", "object_lock_retain_until_date", Kind::Time),
    field("ObjectLockMode", "object_lock_mode", Kind::Text),
    field("ObjectLockLegalHoldStatus", "object_lock_legal_hold_status", Kind::Text),
    field("IntelligentTieringAccessTier", "intelligent_tiering_access_tier", Kind::Text),
    field("BucketKeyStatus", "bucket_key_status", Kind::Text),
    field("ChecksumAlgorithm", "checksum_algorithm", Kind::Text),
    field("ObjectOwner", "object_owner", Kind::Text),
];

/// What AWS has besides (S3 API Reference, `InventoryConfiguration`).
const NOT_OFFERED: &[&str] =
    &["LifecycleExpirationDate", "ObjectAccessControlList", "ObjectLockEventHoldStatus", "ReferenceDate"];

/// Whether it is a field at all.
pub(crate) fn is_known(name: &str) -> bool {
    is_offered(name) || NOT_OFFERED.contains(&name)
}

pub(crate) fn is_offered(name: &str) -> bool {
    OPTIONAL.iter().any(|field| field.name == name)
}

pub(crate) fn fields(inventory: &Inventory) -> Vec<Field> {
    let mut fields = ALWAYS.to_vec();
    if inventory.all_versions {
        fields.extend(OF_VERSIONS);
    }
    fields.extend(
        OPTIONAL.into_iter().filter(|field| inventory.fields.iter().any(|asked| asked == field.name)),
    );
    fields
}

/// A version of an object, where it is listed.
pub(crate) struct Listed<'a> {
    pub(crate) bucket: &'a Bucket,
    pub(crate) key: &'a str,
    pub(crate) record: &'a ObjectRecord,
    pub(crate) is_latest: bool,
}

impl Listed<'_> {
    pub(crate) fn cell(&self, field: &Field) -> Cell {
        let record = self.record;
        let text = |text: Option<&str>| text.map_or(Cell::Null, |text| Cell::Text(text.to_owned()));
        match field.name {
            "Bucket" => text(Some(&self.bucket.name)),
            "Key" => text(Some(self.key)),
            "VersionId" => text(record.version_id.as_deref()),
            "IsLatest" => Cell::Bool(self.is_latest),
            "IsDeleteMarker" => Cell::Bool(record.is_delete_marker()),
            "LastModifiedDate" => Cell::Long(record.modified_s * 1000),
            "ReplicationStatus" => text(record.replication.as_ref().map(|status| status.as_str())),
            "ObjectOwner" => {
                let account = record.owner.and_then(AccountId::new).unwrap_or(self.bucket.owner);
                Cell::Text(canonical_id(account))
            }
            name => self.of_body(name),
        }
    }

    /// Of a delete marker there is nothing of these to tell.
    fn of_body(&self, name: &str) -> Cell {
        let Some(body) = &self.record.body else { return Cell::Null };
        let scheme = body.sealed.as_ref().map(|sealed| &sealed.scheme);
        let text = match name {
            "Size" => return Cell::Long(body.size as i64),
            "IsMultipartUploaded" => return Cell::Bool(body.etag.contains('-')),
            "ObjectLockRetainUntilDate" => {
                return body.lock.retention.map_or(Cell::Null, |retention| Cell::Long(retention.until_ms));
            }
            "StorageClass" => Some(body.storage_class()),
            "ETag" => Some(body.etag.as_str()),
            "EncryptionStatus" => Some(match scheme {
                None => "NOT-SSE",
                Some(Scheme::S3) => "SSE-S3",
                Some(Scheme::Kms(kms)) if kms.dsse => "DSSE-KMS",
                Some(Scheme::Kms(_)) => "SSE-KMS",
                Some(Scheme::Customer(_)) => "SSE-C",
            }),
            "BucketKeyStatus" => Some(match scheme {
                Some(Scheme::Kms(kms)) if kms.bucket_key => "ENABLED",
                _ => "DISABLED",
            }),
            "ObjectLockMode" => body.lock.retention.map(|retention| retention.mode.as_str()),
            "ObjectLockLegalHoldStatus" => body.lock.legal_hold.map(|is_on| if is_on { "ON" } else { "OFF" }),
            "IntelligentTieringAccessTier" if body.storage_class() == tiering::CLASS => {
                Some(match tiering::standing(self.record, body).tier {
                    AccessTier::Frequent => "FREQUENT",
                    AccessTier::Infrequent => "INFREQUENT",
                    AccessTier::ArchiveInstant => "ARCHIVE_INSTANT_ACCESS",
                    AccessTier::Archive => "ARCHIVE",
                    AccessTier::DeepArchive => "DEEP_ARCHIVE",
                })
            }
            "ChecksumAlgorithm" => body.checksum.as_ref().map(|sum| sum.algorithm.as_str()),
            _ => None,
        };
        text.map_or(Cell::Null, |text| Cell::Text(text.to_owned()))
    }
}
