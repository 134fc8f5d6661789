use std::collections::BTreeMap;

use haneul_store::Record;
use serde::{Deserialize, Serialize};

use super::event::Origin;
use super::table::TableEncryption;

/// S3 Metadata as a bucket is configured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MetadataConfiguration {
    /// Names the changes that are noted for it, and what became of its tables: another for each configuration.
    pub(crate) feed: u64,
    /// Whether it was made by V1's operation, for a table in a table bucket of the customer's.
    pub(crate) is_v1: bool,
    /// The table bucket and the namespace of the tables.
    pub(crate) lake: String,
    pub(crate) namespace: String,
    pub(crate) journal: MetadataTable,
    /// Days that records of the journal are kept, if not for good.
    pub(crate) expiration_days: Option<u32>,
    pub(crate) inventory: Option<MetadataTable>,
    #[serde(default)]
    pub(crate) annotations: Option<AnnotationTable>,
    /// The journal failed for good: nothing is noted for it any more.
    #[serde(default)]
    pub(crate) is_broken: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MetadataTable {
    pub(crate) name: String,
    pub(crate) encryption: TableEncryption,
    pub(crate) enabled: bool,
}

/// The table of annotations, and the role by which they are read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AnnotationTable {
    pub(crate) table: MetadataTable,
    pub(crate) role: String,
}

/// What becomes of a configuration: the task's own record, which outlives the configuration until its last changes are written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MetadataFeed {
    pub(crate) bucket: String,
    pub(crate) bucket_id: u64,
    /// The owner's number, and the Region.
    pub(crate) owner: u64,
    pub(crate) region: String,
    pub(crate) configuration: MetadataConfiguration,
    pub(crate) journal: TableProgress,
    pub(crate) inventory: TableProgress,
    /// Rises when the inventory is switched on or off.
    pub(crate) inventory_run: u32,
    /// Whether there were changes since the inventory was listed last, and when that was.
    pub(crate) is_stale: bool,
    pub(crate) listed_ms: i64,
    #[serde(default)]
    pub(crate) annotations: AnnotationProgress,
    /// When old records and old snapshots were taken out last.
    pub(crate) cleaned_ms: i64,
    /// Since when the journal cannot be written.
    pub(crate) failing_since_ms: Option<i64>,
    /// The configuration is gone.
    pub(crate) is_closing: bool,
}

impl Record for MetadataFeed {}

impl MetadataFeed {
    /// Nothing more is written for it.
    pub(crate) fn is_failed(&self) -> bool {
        self.journal.status == TableStatus::Failed
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TableProgress {
    pub(crate) status: TableStatus,
    /// The id of the table, once there is one.
    pub(crate) table: Option<String>,
    pub(crate) error: Option<TableError>,
}

/// How far the table of annotations is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AnnotationProgress {
    pub(crate) table: TableProgress,
    /// Rises when the table is switched on or off.
    pub(crate) run: u32,
    /// Whether annotations changed since they were listed last, and when that was.
    pub(crate) is_stale: bool,
    pub(crate) listed_ms: i64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TableStatus {
    #[default]
    Creating,
    Backfilling,
    Active,
    Failed,
}

/// Why a table failed. Source: S3 API Reference, ErrorDetails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum TableError {
    AccessDeniedCreatingResources,
    AccessDeniedWritingToTable,
    DestinationTableNotFound,
    TableAlreadyExists,
    JournalTableAlreadyExists,
    InventoryTableAlreadyExists,
    JournalTableNotAvailable,
    TableBucketNotFound,
}

/// An annotation of the bucket changed. That is all there is to know: the table is listed anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Annotated {}

impl Record for Annotated {}

/// A change of an object as the journal tells of it, written in the commit of the change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChangeRecord {
    #[serde(rename = "t")]
    pub(crate) kind: ChangeKind,
    #[serde(rename = "k")]
    pub(crate) key: String,
    #[serde(rename = "a")]
    pub(crate) at_ms: i64,
    /// None in a bucket that never had versions.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    #[serde(rename = "d", default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_delete_marker: bool,
    /// What there is to say of the object; nothing of one that is gone.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub(crate) object: Option<ObjectFacts>,
    #[serde(rename = "r")]
    pub(crate) origin: Origin,
}

impl Record for ChangeRecord {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ChangeKind {
    #[serde(rename = "c")]
    Create,
    #[serde(rename = "u")]
    UpdateMetadata,
    #[serde(rename = "d")]
    Delete,
}

/// What journal and inventory say of a version.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ObjectFacts {
    #[serde(rename = "s")]
    pub(crate) size: u64,
    #[serde(rename = "m")]
    pub(crate) modified_s: i64,
    #[serde(rename = "e")]
    pub(crate) etag: Option<String>,
    #[serde(rename = "c")]
    pub(crate) class: Option<String>,
    #[serde(rename = "p")]
    pub(crate) is_multipart: Option<bool>,
    /// `SSE-S3`
    #[serde(rename = "z")]
    pub(crate) encryption: Option<String>,
    #[serde(rename = "b")]
    pub(crate) bucket_key: Option<bool>,
    #[serde(rename = "K")]
    pub(crate) kms_key: Option<String>,
    #[serde(rename = "h")]
    pub(crate) checksum: Option<String>,
    #[serde(rename = "t")]
    pub(crate) tags: Option<BTreeMap<String, String>>,
    #[serde(rename = "u")]
    pub(crate) metadata: Option<BTreeMap<String, String>>,
}
