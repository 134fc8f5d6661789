//! What is kept of global tables: as a part of their replicas' records, and of the links between them.

use std::collections::BTreeMap;

use haneul_kit::{AccountId, Region};
use haneul_store::{Record, Table};
use serde::{Deserialize, Serialize};

/// What makes a table a replica of a global table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GlobalRecord {
    pub(crate) version: GlobalVersion,
    /// When the global table began.
    pub(crate) since_ms: i64,
    /// The log of keys that were written here and are to be told to the others.
    pub(crate) log: u64,
    /// The space in which the versions of its items lie (`engine::versions`).
    pub(crate) versions: u64,
    /// False while it is being filled: until then nobody uses it.
    pub(crate) active: bool,
    /// The Regions of all other replicas.
    #[serde(with = "regions")]
    pub(crate) peers: Vec<Region>,
    /// What this replica has of its own.
    pub(crate) own: ReplicaSettings,
    /// Where the writes are done in all replicas at once: the Region that stands in for a third one, if there are two.
    #[serde(default, with = "regions")]
    pub(crate) witnesses: Vec<Region>,
}

/// Regions by their names.
mod regions {
    use haneul_kit::Region;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(regions: &[Region], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(regions.iter().map(|region| region.as_str()))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Region>, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        let region =
            |name: String| name.parse().map_err(|_| D::Error::custom(format!("{name} is no Region")));
        names.into_iter().map(region).collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum GlobalVersion {
    /// Made by UpdateTable.
    Current,
    /// Made by CreateGlobalTable of tables that were there.
    Legacy,
    /// Made by UpdateTable, with multi-Region strong consistency: every write is done in all replicas at once, and the logs,
    /// the versions and the links are not used. Not a flag beside [`GlobalVersion::Current`]: a program that does not know
    /// it must not write one of the replicas alone.
    Strong,
}

impl GlobalVersion {
    /// As the API calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            GlobalVersion::Current | GlobalVersion::Strong => "2019.11.21",
            GlobalVersion::Legacy => "2017.11.29",
        }
    }
}

/// Settings of a replica that do not follow those of the others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReplicaSettings {
    pub(crate) table_class: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) units: ReplicaUnits,
    /// By global index.
    pub(crate) indexes: BTreeMap<String, ReplicaUnits>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReplicaUnits {
    pub(crate) read: Option<i64>,
    pub(crate) read_max: Option<i64>,
}

/// How far the writes of one replica have come to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LinkRecord {
    /// The log of the one that is read; a link of another log is of a global table that is no more.
    pub(crate) log: u64,
    /// What the one that is written had as its log: the same of it.
    pub(crate) into: u64,
    /// All that was there before is copied; until then, up to and with the key `after` (without the space).
    pub(crate) filled: bool,
    pub(crate) after: Option<Vec<u8>>,
    /// The first number of the log that was not told yet.
    pub(crate) position: u64,
}

impl Record for LinkRecord {}

/// Owner, name, the Region that is read and the one that is written.
pub(crate) type LinkKey = (AccountId, String, Region, Region);

/// Links of replicas: one for each pair in each direction.
pub(crate) static LINKS: Table<LinkKey, LinkRecord> = Table::new("dynamodb.links");
