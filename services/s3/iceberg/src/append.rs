//! Files are added: a fast append, which leaves all manifests as they are and adds one.

use std::collections::BTreeMap;

use crate::change::{Change, Commit, Making, Objects};
use crate::data_file::DataFile;
use crate::error::Result;
use crate::manifest::Entry;
use crate::metadata::TableMetadata;

impl TableMetadata {
    /// Adds data files to the current snapshot. Needs the list of its manifests.
    pub fn append(&self, commit: &Commit<'_>, files: &[DataFile], objects: &Objects) -> Result<Change> {
        let mut making = Making::new(self, commit)?;
        let kept = self.manifests(objects)?;
        let entries: Vec<_> =
            files.iter().map(|file| Entry::added(file.clone(), commit.snapshot_id)).collect();
        making.write(&entries)?;
        let mut summary = BTreeMap::from([("operation".to_owned(), "append".to_owned())]);
        let size = tell(&mut summary, ["added-data-files", "added-records", "added-files-size"], files);
        making.finish(summary, kept, size)
    }
}

/// Tells of files, of rows in them and of their bytes, by these names. Gives their bytes.
pub(crate) fn tell<'a>(
    summary: &mut BTreeMap<String, String>,
    names: [&str; 3],
    files: impl IntoIterator<Item = &'a DataFile>,
) -> i64 {
    let (mut count, mut rows, mut bytes) = (0i64, 0i64, 0i64);
    for file in files {
        count += 1;
        rows = rows.saturating_add(file.record_count);
        bytes = bytes.saturating_add(file.file_size);
    }
    if count > 0 {
        let told = names.into_iter().zip([count, rows, bytes]);
        summary.extend(told.map(|(name, number)| (name.to_owned(), number.to_string())));
        // A table without partitions is one.
        summary.insert("changed-partition-count".to_owned(), "1".to_owned());
    }
    bytes
}
