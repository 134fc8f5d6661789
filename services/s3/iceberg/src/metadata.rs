//! The table: its schemas, its snapshots, and where they are.
//!
//! Source: the Iceberg table specification, "Table Metadata" and "Appendix C: JSON serialization".

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::error::{Error, Result, invalid, unsupported};
use crate::schema::Schema;

/// Largest metadata that is read, in bytes.
pub const METADATA_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The branch that a table is.
pub const MAIN: &str = "main";

/// Ids of partition fields begin above this; the last one of a table that has none.
const LAST_PARTITION_ID: i32 = 999;

/// What a metadata file says. What this crate does not know of it is kept as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TableMetadata {
    format_version: u8,
    pub table_uuid: String,
    /// Where the table's objects are, as `s3://bucket/prefix` without a slash at the end.
    pub location: String,
    pub last_sequence_number: i64,
    pub last_updated_ms: i64,
    pub last_column_id: i32,
    pub schemas: Vec<Schema>,
    pub current_schema_id: i32,
    pub partition_specs: Vec<PartitionSpec>,
    pub default_spec_id: i32,
    pub last_partition_id: i32,
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_snapshot_id: Option<i64>,
    #[serde(default)]
    pub snapshots: Vec<Snapshot>,
    #[serde(default)]
    pub snapshot_log: Vec<SnapshotLogEntry>,
    #[serde(default)]
    pub metadata_log: Vec<MetadataLogEntry>,
    pub sort_orders: Vec<SortOrder>,
    pub default_sort_order_id: i32,
    #[serde(default)]
    pub refs: BTreeMap<String, SnapshotRef>,
    #[serde(flatten)]
    other: BTreeMap<String, Json>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct PartitionSpec {
    pub spec_id: i32,
    /// None where the table is not partitioned; what a field says is kept as it is.
    pub fields: Vec<Json>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SortOrder {
    pub order_id: i32,
    pub fields: Vec<Json>,
}

/// A state of the table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Snapshot {
    pub snapshot_id: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_snapshot_id: Option<i64>,
    #[serde(default)]
    pub sequence_number: i64,
    pub timestamp_ms: i64,
    /// The location of the list of its manifests.
    pub manifest_list: String,
    /// `operation`, and counts.
    #[serde(default)]
    pub summary: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema_id: Option<i32>,
    #[serde(flatten)]
    other: BTreeMap<String, Json>,
}

/// A branch or a tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SnapshotRef {
    pub snapshot_id: i64,
    /// `branch` or `tag`.
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(flatten)]
    other: BTreeMap<String, Json>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SnapshotLogEntry {
    pub timestamp_ms: i64,
    pub snapshot_id: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MetadataLogEntry {
    pub timestamp_ms: i64,
    pub metadata_file: String,
}

/// A table that is to be made.
#[derive(Clone, Debug)]
pub struct NewTable {
    /// A UUID that is this table's alone.
    pub uuid: String,
    /// As `s3://bucket/prefix`, without a slash at the end.
    pub location: String,
    pub schema: Schema,
    pub properties: BTreeMap<String, String>,
    /// Milliseconds since the epoch.
    pub now_ms: i64,
}

impl TableMetadata {
    /// A table without a snapshot, neither partitioned nor sorted.
    pub fn new(table: NewTable) -> Result<TableMetadata> {
        table.schema.validate()?;
        Ok(TableMetadata {
            format_version: 2,
            table_uuid: table.uuid,
            location: table.location.trim_end_matches('/').to_owned(),
            last_sequence_number: 0,
            last_updated_ms: table.now_ms,
            last_column_id: table.schema.last_column_id(),
            current_schema_id: table.schema.schema_id,
            schemas: vec![table.schema],
            partition_specs: vec![PartitionSpec { spec_id: 0, fields: Vec::new() }],
            default_spec_id: 0,
            last_partition_id: LAST_PARTITION_ID,
            properties: table.properties,
            current_snapshot_id: None,
            snapshots: Vec::new(),
            snapshot_log: Vec::new(),
            metadata_log: Vec::new(),
            sort_orders: vec![SortOrder { order_id: 0, fields: Vec::new() }],
            default_sort_order_id: 0,
            refs: BTreeMap::new(),
            other: BTreeMap::new(),
        })
    }

    /// Reads a metadata file. `Unsupported` for another version than 2.
    pub fn parse(bytes: &[u8]) -> Result<TableMetadata> {
        if bytes.len() > METADATA_BYTES_MAX {
            return Err(Error::TooLarge("bytes of a metadata file"));
        }
        let metadata: TableMetadata =
            serde_json::from_slice(bytes).map_err(|error| invalid(format!("metadata: {error}")))?;
        if metadata.format_version != 2 {
            return Err(unsupported(format!("format version {}", metadata.format_version)));
        }
        Ok(metadata)
    }

    /// The metadata file.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The name of the first metadata file: `<location>/metadata/00000-<uuid>.metadata.json`.
    pub fn first_location(&self, uuid: &str) -> String {
        format!("{}/metadata/00000-{uuid}.metadata.json", self.location)
    }

    pub fn schema(&self) -> Result<&Schema> {
        let current = self.schemas.iter().find(|schema| schema.schema_id == self.current_schema_id);
        current.ok_or_else(|| invalid("there is no current schema"))
    }

    pub fn snapshot(&self, id: i64) -> Option<&Snapshot> {
        self.snapshots.iter().find(|snapshot| snapshot.snapshot_id == id)
    }

    /// That of the branch `main`; none of a table that nothing was written to.
    pub fn current_snapshot(&self) -> Option<&Snapshot> {
        self.snapshot(self.current_snapshot_id?)
    }
}
