//! What all changes have in common.

use std::collections::BTreeMap;

use crate::metadata::TableMetadata;

/// Objects that are at hand, by location.
pub type Objects = BTreeMap<String, Vec<u8>>;

/// An object to put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// As `s3://bucket/key`.
    pub location: String,
    pub bytes: Vec<u8>,
}

/// A change that is to be made, and what it is made with.
#[derive(Clone, Copy, Debug)]
pub struct Commit<'a> {
    /// The location of the metadata that is changed.
    pub metadata_location: &'a str,
    /// A UUID that is this change's alone; it is in the names of the objects.
    pub uuid: &'a str,
    /// Positive, and of no other snapshot of the table. A change that makes no snapshot does not use it.
    pub snapshot_id: i64,
    /// Milliseconds since the epoch.
    pub now_ms: i64,
}

/// A change as it was made.
#[derive(Clone, Debug)]
pub struct Change {
    pub metadata: TableMetadata,
    /// Where the new metadata file is: `<location>/metadata/<number>-<uuid>.metadata.json`.
    pub metadata_location: String,
    /// What to put, in this order: manifests, the list of manifests, the metadata file.
    pub objects: Vec<Object>,
    /// Locations of objects that no snapshot of the table refers to any longer: data files, manifests, lists of manifests,
    /// and metadata files that the log does not name. They can be removed once the change is made.
    pub unreferenced: Vec<String>,
}
