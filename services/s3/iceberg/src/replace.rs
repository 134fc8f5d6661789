//! Files are removed, and others take their place.

use crate::change::{Change, Commit, Objects};
use crate::data_file::DataFile;
use crate::error::{Result, unsupported};
use crate::metadata::TableMetadata;

/// What a snapshot says that was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Rows were removed and others added.
    Overwrite,
    /// Rows were removed.
    Delete,
    /// The same rows are in other files.
    Replace,
}

impl TableMetadata {
    /// Removes the data files at these locations from the current snapshot, and adds others. Needs the list of its manifests,
    /// and the manifests. `NoSuchFile` where a file is not there.
    pub fn replace(
        &self,
        commit: &Commit<'_>,
        operation: Operation,
        removed: &[String],
        added: &[DataFile],
        objects: &Objects,
    ) -> Result<Change> {
        Err(unsupported(format!(
            "{commit:?} {operation:?} {} {} {}",
            removed.len(),
            added.len(),
            objects.len()
        )))
    }

    /// The data files of the current snapshot. Needs the list of its manifests, and the manifests.
    pub fn files(&self, objects: &Objects) -> Result<Vec<DataFile>> {
        Err(unsupported(format!("{}", objects.len())))
    }
}
