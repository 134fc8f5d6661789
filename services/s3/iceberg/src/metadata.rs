//! The table: its schemas, its snapshots, and where they are.
//!
//! Source: the Iceberg table specification, "Table Metadata" and "Appendix C: JSON serialization".

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value as Json;

use crate::error::{Error, Result, invalid, unsupported};
use crate::schema::Schema;

/// Largest metadata that is read, in bytes.
pub const METADATA_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Most snapshots of a table that is read.
pub const SNAPSHOTS_MAX: usize = 100_000;

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
    #[serde(default, serialize_with = "or_minus_one")]
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
    pub(crate) other: BTreeMap<String, Json>,
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
        // Other versions lack fields that this one has.
        let Version { format_version } = json(bytes)?;
        if format_version != 2 {
            return Err(unsupported(format!("format version {format_version}")));
        }
        let mut metadata: TableMetadata = json(bytes)?;
        metadata.location.truncate(metadata.location.trim_end_matches('/').len());
        metadata.settle()?;
        Ok(metadata)
    }

    /// The metadata file.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|error| invalid(format!("metadata: {error}")))
    }

    /// Old writers say -1 where there is no snapshot, and name no branch.
    fn settle(&mut self) -> Result<()> {
        self.current_snapshot_id = self.current_snapshot_id.filter(|id| *id != -1);
        if self.snapshots.len() > SNAPSHOTS_MAX {
            return Err(Error::TooLarge("snapshots of a table"));
        }
        if let (None, Some(current)) = (self.refs.get(MAIN), self.current_snapshot_id) {
            self.refs.insert(MAIN.to_owned(), SnapshotRef::branch(current));
        }
        let main = self.refs.get(MAIN).map(|main| main.snapshot_id);
        if main != self.current_snapshot_id || main.is_some_and(|id| self.snapshot(id).is_none()) {
            return Err(invalid("the current snapshot is not that of main, or not there"));
        }
        self.schemas.iter().try_for_each(Schema::validate)?;
        self.schema().map(drop)
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

    pub(crate) fn set_current(&mut self, snapshot: Snapshot) {
        let snapshot_id = snapshot.snapshot_id;
        self.snapshot_log.push(SnapshotLogEntry { timestamp_ms: snapshot.timestamp_ms, snapshot_id });
        self.snapshots.push(snapshot);
        self.current_snapshot_id = Some(snapshot_id);
        let main = self.refs.entry(MAIN.to_owned()).or_insert_with(|| SnapshotRef::branch(snapshot_id));
        main.snapshot_id = snapshot_id;
    }

    /// Leaves out snapshots, and what is told of them. Gives the locations of their statistics.
    pub(crate) fn forget(&mut self, ids: &BTreeSet<i64>) -> Vec<String> {
        self.snapshots.retain(|snapshot| !ids.contains(&snapshot.snapshot_id));
        // A log with a gap would say that another snapshot was current then.
        if let Some(last) = self.snapshot_log.iter().rposition(|entry| ids.contains(&entry.snapshot_id)) {
            self.snapshot_log.drain(..=last);
        }
        let mut files = Vec::new();
        for name in ["statistics", "partition-statistics"] {
            let Some(Json::Array(each)) = self.other.get_mut(name) else { continue };
            each.retain(|of| {
                let is_gone = of["snapshot-id"].as_i64().is_some_and(|id| ids.contains(&id));
                files.extend(of["statistics-path"].as_str().filter(|_| is_gone).map(str::to_owned));
                !is_gone
            });
        }
        files
    }
}

/// As Iceberg's own library writes it, and its older versions want it.
fn or_minus_one<S: Serializer>(id: &Option<i64>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_i64(id.unwrap_or(-1))
}

/// What is read first.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Version {
    format_version: u8,
}

fn json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T> {
    serde_json::from_slice(bytes).map_err(|error| invalid(format!("metadata: {error}")))
}

impl SnapshotRef {
    fn branch(snapshot_id: i64) -> SnapshotRef {
        SnapshotRef { snapshot_id, kind: "branch".to_owned(), other: BTreeMap::new() }
    }

    pub(crate) fn is_branch(&self) -> bool {
        self.kind == "branch"
    }

    pub(crate) fn is_other_branch(&self, name: &str) -> bool {
        self.is_branch() && name != MAIN
    }
}
