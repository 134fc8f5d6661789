//! A table, and the objects that were put for it.

use std::collections::{BTreeMap, BTreeSet};

use crate::manifest::{each_entry, parse_list};
use crate::{
    Change, Commit, DataFile, DataFileWriter, Error, Field, NewTable, Objects, Result, Schema, TableMetadata,
    Type, Value,
};

pub(super) const LOCATION: &str = "s3://bucket/table";

pub(super) struct World {
    pub(super) table: TableMetadata,
    pub(super) location: String,
    pub(super) objects: Objects,
    pub(super) now_ms: i64,
    changes: i64,
}

pub(super) fn uuid(number: i64) -> String {
    format!("00000000-0000-4000-8000-{number:012x}")
}

pub(super) fn schema() -> Schema {
    Schema::with_fresh_ids(vec![
        Field::required("name", Type::String),
        Field::optional("size", Type::Long),
        Field::optional("tags", Type::map_of_strings()),
    ])
}

impl World {
    pub(super) fn new() -> World {
        World::with(BTreeMap::new())
    }

    pub(super) fn with(properties: BTreeMap<String, String>) -> World {
        let table = TableMetadata::new(NewTable {
            uuid: uuid(0xffff),
            location: format!("{LOCATION}/"),
            schema: schema(),
            properties,
            now_ms: 1_000,
        });
        let table = table.unwrap();
        let location = table.first_location(&uuid(0));
        let objects = Objects::from([(location.clone(), table.to_json().unwrap())]);
        World { table, location, objects, now_ms: 1_000, changes: 0 }
    }

    /// A file with one row, named as its location ends.
    pub(super) fn put_file(&mut self, name: &str) -> DataFile {
        let mut writer = DataFileWriter::new(&schema()).unwrap();
        let row = vec![Value::String(name.to_owned()), Value::Long(name.len() as i64), Value::Null];
        writer.row(row).unwrap();
        let written = writer.finish();
        let location = format!("{LOCATION}/data/{name}.parquet");
        let file = written.at(&location);
        self.objects.insert(location, written.bytes);
        file
    }

    /// Makes a change, ten milliseconds later, with no objects but those that it says it needs.
    pub(super) fn change(
        &mut self,
        make: impl Fn(&TableMetadata, &Commit<'_>, &Objects) -> Result<Change>,
    ) -> Result<Change> {
        self.changes += 1;
        self.now_ms += 10;
        let uuid = uuid(self.changes);
        let commit = Commit {
            metadata_location: &self.location,
            uuid: &uuid,
            snapshot_id: self.changes,
            now_ms: self.now_ms,
        };
        let mut hand = Objects::new();
        for _ in 0..4 {
            match make(&self.table, &commit, &hand) {
                Err(Error::Missing(locations)) => {
                    let found = |location: String| {
                        let bytes = self.objects.get(&location).cloned();
                        (location.clone(), bytes.unwrap_or_else(|| panic!("{location} is gone")))
                    };
                    hand.extend(locations.into_iter().map(found));
                }
                Err(error) => return Err(error),
                Ok(change) => {
                    self.take(&change);
                    return Ok(change);
                }
            }
        }
        panic!("more rounds than it says")
    }

    fn take(&mut self, change: &Change) {
        for object in &change.objects {
            let before = self.objects.insert(object.location.clone(), object.bytes.clone());
            assert_eq!(before, None, "{} was there", object.location);
        }
        let last = change.objects.last().unwrap();
        assert_eq!(last.location, change.metadata_location);
        assert_eq!(TableMetadata::parse(&last.bytes).unwrap(), change.metadata);
        self.table = change.metadata.clone();
        self.location = change.metadata_location.clone();
        for location in &change.unreferenced {
            assert!(self.objects.remove(location).is_some(), "{location} was not there");
        }
    }

    pub(super) fn append(&mut self, names: &[&str]) -> Change {
        let files: Vec<_> = names.iter().map(|name| self.put_file(name)).collect();
        self.change(|table, commit, objects| table.append(commit, &files, objects)).unwrap()
    }

    /// The names of the files of a snapshot, and everything that is needed to know them.
    pub(super) fn read(&self, snapshot_id: i64) -> (BTreeSet<String>, BTreeSet<String>) {
        let snapshot = self.table.snapshot(snapshot_id).unwrap();
        let (mut names, mut needed) = (BTreeSet::new(), BTreeSet::from([snapshot.manifest_list.clone()]));
        for manifest in parse_list(&self.objects[&snapshot.manifest_list]).unwrap() {
            let bytes = &self.objects[&manifest.location];
            assert_eq!(manifest.length, bytes.len() as i64);
            each_entry(bytes, |entry| {
                if entry.is_live() {
                    let name = entry.file.location.rsplit('/').next().unwrap().replace(".parquet", "");
                    assert!(names.insert(name), "{} is there twice", entry.file.location);
                    assert!(self.objects.contains_key(&entry.file.location));
                    needed.insert(entry.file.location);
                }
                Ok(())
            })
            .unwrap();
            needed.insert(manifest.location);
        }
        (names, needed)
    }

    pub(super) fn names(&self) -> Vec<String> {
        let id = self.table.current_snapshot_id.unwrap();
        self.read(id).0.into_iter().collect()
    }
}
