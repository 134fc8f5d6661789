//! What all changes have in common.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result, invalid, unsupported};
use crate::manifest::{Count, Entry, Manifest, Status, parse_list, write_entries, write_list};
use crate::metadata::{MetadataLogEntry, Snapshot, TableMetadata};

/// Objects that are at hand, by location.
pub type Objects = BTreeMap<String, Vec<u8>>;

/// How many metadata files the log names, where the table's properties do not say
/// (`write.metadata.previous-versions-max`), and most.
const METADATA_LOG: usize = 100;
const METADATA_LOG_MAX: usize = 1_000;

/// Most entries of a manifest that is written: about 8 MiB.
const ENTRIES_OF_MANIFEST: usize = 10_000;

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
    ///
    /// None is outside of the table's location, whatever its files name; that the location is the table's own whoever removes
    /// them has to know.
    pub unreferenced: Vec<String>,
    /// How many manifests the current snapshot has; see [`TableMetadata::rewrite_manifests`].
    pub manifests: usize,
}

/// Looks for objects among those at hand, and notes what is not there.
pub(crate) struct Hand<'a> {
    objects: &'a Objects,
    missing: BTreeSet<String>,
}

impl<'a> Hand<'a> {
    pub(crate) fn new(objects: &'a Objects) -> Hand<'a> {
        Hand { objects, missing: BTreeSet::new() }
    }

    pub(crate) fn get(&mut self, location: &str) -> Option<&'a [u8]> {
        let found = self.objects.get(location);
        if found.is_none() {
            self.missing.insert(location.to_owned());
        }
        found.map(Vec::as_slice)
    }

    /// `Missing` if something was not there.
    pub(crate) fn check(&mut self) -> Result<()> {
        let missing: Vec<String> = std::mem::take(&mut self.missing).into_iter().collect();
        if missing.is_empty() { Ok(()) } else { Err(Error::Missing(missing)) }
    }
}

/// A snapshot that is being made.
pub(crate) struct Making<'a> {
    commit: &'a Commit<'a>,
    next: TableMetadata,
    parent: Option<Snapshot>,
    sequence_number: i64,
    objects: Vec<Object>,
    /// Those that are new.
    manifests: Vec<Manifest>,
    unreferenced: Vec<String>,
}

impl TableMetadata {
    /// The manifests of the current snapshot that have files.
    pub(crate) fn manifests(&self, objects: &Objects) -> Result<Vec<Manifest>> {
        let Some(snapshot) = self.current_snapshot() else { return Ok(Vec::new()) };
        let mut hand = Hand::new(objects);
        let list = hand.get(&snapshot.manifest_list);
        hand.check()?;
        let mut manifests = parse_list(list.unwrap_or_default())?;
        manifests.retain(Manifest::is_live);
        Ok(manifests)
    }

    /// The metadata after this one, and metadata files that its log no longer names.
    pub(crate) fn follow(&self, commit: &Commit<'_>) -> (TableMetadata, Vec<String>) {
        let mut next = self.clone();
        // Readers refuse a table whose time goes back.
        next.last_updated_ms = commit.now_ms.max(self.last_updated_ms);
        next.metadata_log.push(MetadataLogEntry {
            timestamp_ms: self.last_updated_ms,
            metadata_file: commit.metadata_location.to_owned(),
        });
        let kept = self.properties.get("write.metadata.previous-versions-max");
        let kept = kept.and_then(|kept| kept.parse().ok()).unwrap_or(METADATA_LOG).clamp(1, METADATA_LOG_MAX);
        let over = next.metadata_log.len().saturating_sub(kept);
        let dropped = next.metadata_log.drain(..over).map(|entry| entry.metadata_file);
        let dropped = dropped.filter(|file| self.is_own(file)).collect();
        (next, dropped)
    }

    /// Whether an object is one of the table's own, by its location: its files may name others.
    pub(crate) fn is_own(&self, location: &str) -> bool {
        location.strip_prefix(&self.location).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The metadata file after that at `previous`.
    pub(crate) fn next_location(&self, previous: &str, uuid: &str) -> String {
        let name = previous.rsplit('/').next().unwrap_or_default();
        let number = name.split('-').next().and_then(|number| number.parse::<u32>().ok());
        let number = number.map_or(0, |number| number.saturating_add(1));
        format!("{}/metadata/{number:05}-{uuid}.metadata.json", self.location)
    }
}

impl<'a> Making<'a> {
    pub(crate) fn new(before: &TableMetadata, commit: &'a Commit<'a>) -> Result<Making<'a>> {
        let spec = before.partition_specs.iter().find(|spec| spec.spec_id == before.default_spec_id);
        if !spec.is_some_and(|spec| spec.fields.is_empty()) {
            return Err(unsupported("changing a partitioned table"));
        }
        if commit.snapshot_id <= 0 || before.snapshot(commit.snapshot_id).is_some() {
            return Err(invalid("the id of a snapshot is another's"));
        }
        let sequence_number = before.last_sequence_number.checked_add(1);
        let (next, unreferenced) = before.follow(commit);
        Ok(Making {
            commit,
            next,
            parent: before.current_snapshot().cloned(),
            sequence_number: sequence_number.ok_or_else(|| invalid("the last sequence number"))?,
            objects: Vec::new(),
            manifests: Vec::new(),
            unreferenced,
        })
    }

    /// Writes entries to manifests of their own.
    pub(crate) fn write(&mut self, entries: &[Entry]) -> Result<()> {
        for entries in entries.chunks(ENTRIES_OF_MANIFEST) {
            let location = format!(
                "{}/metadata/{}-m{}.avro",
                self.next.location,
                self.commit.uuid,
                self.manifests.len()
            );
            let spec_id = self.next.default_spec_id;
            let bytes = write_entries(self.next.schema()?, spec_id, entries, sync(self.commit.uuid));
            let count = |status| {
                let of = entries.iter().filter(|entry| entry.status == status);
                of.fold(Count::default(), |count, entry| Count {
                    files: count.files + 1,
                    rows: count.rows.saturating_add(entry.file.record_count),
                })
            };
            let live = entries.iter().filter(|entry| entry.is_live());
            let oldest = live.map(|entry| entry.sequence_number.unwrap_or(self.sequence_number)).min();
            self.manifests.push(Manifest {
                location: location.clone(),
                length: bytes.len() as i64,
                spec_id,
                sequence_number: self.sequence_number,
                min_sequence_number: oldest.unwrap_or(self.sequence_number),
                snapshot_id: self.commit.snapshot_id,
                added: count(Status::Added),
                existing: count(Status::Existing),
                deleted: count(Status::Deleted),
                ..Manifest::default()
            });
            self.objects.push(Object { location, bytes });
        }
        Ok(())
    }

    /// The change, with these manifests beside the new ones. `size` is by how much the files are more or less.
    pub(crate) fn finish(
        mut self,
        mut summary: BTreeMap<String, String>,
        kept: Vec<Manifest>,
        size: i64,
    ) -> Result<Change> {
        self.manifests.extend(kept);
        self.totals(&mut summary, size);
        let (commit, next) = (self.commit, &mut self.next);
        let snapshot = Snapshot {
            snapshot_id: commit.snapshot_id,
            parent_snapshot_id: self.parent.as_ref().map(|parent| parent.snapshot_id),
            sequence_number: self.sequence_number,
            timestamp_ms: next.last_updated_ms,
            manifest_list: format!(
                "{}/metadata/snap-{}-1-{}.avro",
                next.location, commit.snapshot_id, commit.uuid
            ),
            summary,
            schema_id: Some(next.current_schema_id),
            other: BTreeMap::new(),
        };
        let list = write_list(&snapshot, &self.manifests, sync(commit.uuid));
        self.objects.push(Object { location: snapshot.manifest_list.clone(), bytes: list });
        next.last_sequence_number = self.sequence_number;
        next.set_current(snapshot);
        let location = next.next_location(commit.metadata_location, commit.uuid);
        self.objects.push(Object { location: location.clone(), bytes: next.to_json()? });
        Ok(Change {
            metadata: self.next,
            metadata_location: location,
            objects: self.objects,
            unreferenced: self.unreferenced,
            manifests: self.manifests.len(),
        })
    }

    /// What a summary tells of the whole snapshot.
    fn totals(&self, summary: &mut BTreeMap<String, String>, size: i64) {
        let before = |name: &str| match &self.parent {
            Some(parent) => parent.summary.get(name).and_then(|count| count.parse::<i64>().ok()),
            None => Some(0),
        };
        let live = |is_data: bool| {
            let of = self.manifests.iter().filter(move |manifest| manifest.is_data() == is_data);
            of.flat_map(|manifest| [manifest.added, manifest.existing])
        };
        let files = |is_data| live(is_data).map(|count| count.files).fold(0, i64::saturating_add);
        let records = live(true).map(|count| count.rows).fold(0, i64::saturating_add);
        let bytes = before("total-files-size").map(|bytes| bytes.saturating_add(size));
        let totals = [
            ("total-records", Some(records)),
            ("total-files-size", bytes),
            ("total-data-files", Some(files(true))),
            ("total-delete-files", Some(files(false))),
            ("total-position-deletes", before("total-position-deletes")),
            ("total-equality-deletes", before("total-equality-deletes")),
        ];
        for (name, total) in totals {
            summary.extend(total.map(|total| (name.to_owned(), total.to_string())));
        }
    }
}

/// What is between the blocks of an Avro file: of the change's UUID, so that it is by chance if that is.
fn sync(uuid: &str) -> [u8; 16] {
    let mut sync = [0; 16];
    let digits = uuid.chars().filter_map(|digit| digit.to_digit(16));
    for (at, digit) in digits.enumerate() {
        let byte = &mut sync[at / 2 % 16];
        *byte = *byte << 4 | digit as u8;
    }
    sync
}
