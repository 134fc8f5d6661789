//! Manifests, which name data files, and lists of manifests, which are what snapshots are.
//!
//! Reading order: this file (what they say), [`schema`] (the Avro of it), [`list`], [`entries`].
//!
//! Source: the Iceberg table specification, "Manifests" and "Snapshots", of version 2.

mod entries;
mod list;
mod schema;

pub(crate) use entries::{each_entry, write_entries};
pub(crate) use list::{parse_list, write_list};

use crate::data_file::DataFile;

/// Most manifests of a snapshot.
pub(crate) const MANIFESTS_MAX: usize = 100_000;

/// Most entries of a manifest, and most data files of old snapshots that are looked at for one change.
pub(crate) const ENTRIES_MAX: usize = 1_000_000;

/// Most bytes, unpacked, of manifests whose entries are in memory together: about 250,000 data files of 20 columns.
pub(crate) const HELD_BYTES_MAX: usize = 256 * 1024 * 1024;

/// Of `content`.
const DATA: i64 = 0;

/// A manifest, as a list tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) location: String,
    /// In bytes.
    pub(crate) length: i64,
    pub(crate) spec_id: i32,
    pub(crate) content: i64,
    pub(crate) sequence_number: i64,
    pub(crate) min_sequence_number: i64,
    pub(crate) snapshot_id: i64,
    pub(crate) added: Count,
    pub(crate) existing: Count,
    pub(crate) deleted: Count,
    pub(crate) partitions: Option<Vec<Partitions>>,
    pub(crate) key_metadata: Option<Vec<u8>>,
}

/// Of files, and of rows in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) files: i64,
    pub(crate) rows: i64,
}

/// What the values are of a partition field in a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Partitions {
    pub(crate) contains_null: bool,
    pub(crate) contains_nan: Option<bool>,
    pub(crate) lower_bound: Option<Vec<u8>>,
    pub(crate) upper_bound: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Existing,
    Added,
    Deleted,
}

/// A file, as a manifest tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) status: Status,
    /// That which added it, or deleted it; none means that of the manifest.
    pub(crate) snapshot_id: Option<i64>,
    /// None means that of the manifest, of a file that it adds.
    pub(crate) sequence_number: Option<i64>,
    pub(crate) file_sequence_number: Option<i64>,
    pub(crate) file: DataFile,
}

impl Manifest {
    pub(crate) fn is_data(&self) -> bool {
        self.content == DATA
    }

    /// Whether a file is in it that the snapshot has.
    pub(crate) fn is_live(&self) -> bool {
        self.added.files > 0 || self.existing.files > 0
    }
}

impl Entry {
    pub(crate) fn added(file: DataFile, snapshot_id: i64) -> Entry {
        Entry {
            status: Status::Added,
            snapshot_id: Some(snapshot_id),
            sequence_number: None,
            file_sequence_number: None,
            file,
        }
    }

    pub(crate) fn is_live(&self) -> bool {
        self.status != Status::Deleted
    }

    /// With what it has of its manifest, so that it can be in another.
    pub(crate) fn inherit(mut self, manifest: &Manifest) -> Entry {
        self.snapshot_id.get_or_insert(manifest.snapshot_id);
        self.sequence_number.get_or_insert(manifest.sequence_number);
        self.file_sequence_number.get_or_insert(manifest.sequence_number);
        self
    }
}
