//! Files are removed, and others take their place.

use std::collections::{BTreeMap, BTreeSet};

use crate::append::tell;
use crate::change::{Change, Commit, Hand, Making, Objects};
use crate::data_file::DataFile;
use crate::error::{Error, Result, unsupported};
use crate::manifest::{Entry, HELD_BYTES_MAX, Manifest, Status, each_entry};
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

impl Operation {
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Overwrite => "overwrite",
            Operation::Delete => "delete",
            Operation::Replace => "replace",
        }
    }
}

impl TableMetadata {
    /// Removes the data files at these locations from the current snapshot, and adds others. Needs the list of its manifests,
    /// and the manifests of data files. `NoSuchFile` where a file is not there.
    ///
    /// Manifests with files that are removed are written anew, together, and say what was removed; the others stay.
    pub fn replace(
        &self,
        commit: &Commit<'_>,
        operation: Operation,
        removed: &[String],
        added: &[DataFile],
        objects: &Objects,
    ) -> Result<Change> {
        let mut making = Making::new(self, commit)?;
        let manifests = self.manifests(objects)?;
        let mut wanted: BTreeSet<&str> = removed.iter().map(String::as_str).collect();
        let (mut kept, mut entries, mut gone, mut held) = (Vec::new(), Vec::new(), Vec::new(), 0);
        let found = if wanted.is_empty() { unread(manifests) } else { at_hand(manifests, objects)? };
        for (manifest, bytes) in found {
            let Some(bytes) = bytes.filter(|_| !wanted.is_empty()) else {
                kept.push(manifest);
                continue;
            };
            let (before, held_before) = (wanted.len(), held);
            let mut live = live_entries(&manifest, bytes, &mut held)?;
            for entry in &mut live {
                if wanted.remove(entry.file.location.as_str()) {
                    entry.status = Status::Deleted;
                    entry.snapshot_id = Some(commit.snapshot_id);
                    gone.push(entry.file.clone());
                }
            }
            if wanted.len() == before {
                held = held_before;
                kept.push(manifest);
            } else {
                self.check_spec(&manifest)?;
                entries.append(&mut live);
            }
        }
        if let Some(location) = wanted.first() {
            return Err(Error::NoSuchFile((*location).to_owned()));
        }
        let new: Vec<_> = added.iter().map(|file| Entry::added(file.clone(), commit.snapshot_id)).collect();
        making.write(&new)?;
        making.write(&entries)?;
        let mut summary = BTreeMap::from([("operation".to_owned(), operation.as_str().to_owned())]);
        let more = tell(&mut summary, ["added-data-files", "added-records", "added-files-size"], added);
        let less = tell(&mut summary, ["deleted-data-files", "deleted-records", "removed-files-size"], &gone);
        making.finish(summary, kept, more.saturating_sub(less))
    }

    /// Writes the manifests of the current snapshot anew, as few as there can be: each append adds one, and a reader reads
    /// them all. None if there is one or none. Needs what [`TableMetadata::replace`] needs.
    pub fn rewrite_manifests(&self, commit: &Commit<'_>, objects: &Objects) -> Result<Option<Change>> {
        let mut making = Making::new(self, commit)?;
        let manifests = self.manifests(objects)?;
        let before = manifests.len();
        let (mut kept, mut entries, mut replaced, mut held) = (Vec::new(), Vec::new(), 0, 0);
        for (manifest, bytes) in at_hand(manifests, objects)? {
            match bytes {
                Some(bytes) if manifest.spec_id == self.default_spec_id => {
                    entries.append(&mut live_entries(&manifest, bytes, &mut held)?);
                    replaced += 1;
                }
                _ => kept.push(manifest),
            }
        }
        if replaced < 2 {
            return Ok(None);
        }
        making.write(&entries)?;
        let told = [
            ("operation", Operation::Replace.as_str().to_owned()),
            ("manifests-replaced", replaced.to_string()),
            ("manifests-kept", (before - replaced).to_string()),
            ("entries-processed", entries.len().to_string()),
        ];
        let summary = told.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        making.finish(summary, kept, 0).map(Some)
    }

    /// The data files of the current snapshot. Needs the list of its manifests, and the manifests of data files.
    pub fn files(&self, objects: &Objects) -> Result<Vec<DataFile>> {
        let (mut files, mut held) = (Vec::new(), 0);
        for (manifest, bytes) in at_hand(self.manifests(objects)?, objects)? {
            if let Some(bytes) = bytes {
                let entries = live_entries(&manifest, bytes, &mut held)?;
                files.extend(entries.into_iter().map(|entry| entry.file));
            }
        }
        Ok(files)
    }

    /// A manifest is written anew only if its files have no partitions.
    fn check_spec(&self, manifest: &Manifest) -> Result<()> {
        if manifest.spec_id == self.default_spec_id {
            Ok(())
        } else {
            Err(unsupported("removing files of another partition spec"))
        }
    }
}

type Found<'a> = (Manifest, Option<&'a [u8]>);

/// Manifests with their bytes, those of data files.
fn at_hand(manifests: Vec<Manifest>, objects: &Objects) -> Result<Vec<Found<'_>>> {
    let mut hand = Hand::new(objects);
    let each = manifests.into_iter().map(|manifest| {
        let bytes = if manifest.is_data() { hand.get(&manifest.location) } else { None };
        (manifest, bytes)
    });
    let found = each.collect();
    hand.check()?;
    Ok(found)
}

fn unread<'a>(manifests: Vec<Manifest>) -> Vec<Found<'a>> {
    manifests.into_iter().map(|manifest| (manifest, None)).collect()
}

/// The entries of a manifest whose files are in the snapshot, as they are in another manifest. `held` are the bytes of those
/// that are in memory.
fn live_entries(manifest: &Manifest, bytes: &[u8], held: &mut usize) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    *held += each_entry(bytes, |entry| {
        if entry.is_live() {
            entries.push(Entry { status: Status::Existing, ..entry.inherit(manifest) });
        }
        Ok(())
    })?;
    if *held > HELD_BYTES_MAX { Err(Error::TooLarge("data files of a snapshot")) } else { Ok(entries) }
}
