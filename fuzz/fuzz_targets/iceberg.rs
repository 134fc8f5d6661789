//! A table that somebody made up: its metadata file, or the list of its manifests and a manifest.
//!
//! `[0, metadata…]` or `[1, length of the list, length of it, list…, manifest…]`

#![no_main]

use std::collections::BTreeMap;

use haneul_s3_iceberg::{
    Change, Commit, DataFile, Error, Expiry, Field, NewTable, Objects, Operation, Result, Schema,
    TableMetadata, Type,
};
use libfuzzer_sys::fuzz_target;

const COMMIT: Commit<'_> = Commit {
    metadata_location: "s3://bucket/table/metadata/00000-0.metadata.json",
    uuid: "9c12d441-03fe-4693-9a96-a0705ddf69c1",
    snapshot_id: i64::MAX,
    now_ms: 1_700_000_000_000,
};

const EXPIRY: Expiry = Expiry { before_ms: i64::MAX, keep_at_least: 1 };

fuzz_target!(|input: &[u8]| match input {
    [0, metadata @ ..] => of_metadata(metadata),
    [1, high, low, files @ ..] => {
        let at = (usize::from(*high) << 8 | usize::from(*low)).min(files.len());
        of_manifests(&files[..at], &files[at..]);
    }
    _ => {}
});

fn of_metadata(bytes: &[u8]) {
    let Ok(table) = TableMetadata::parse(bytes) else { return };
    assert_eq!(TableMetadata::parse(&table.to_json().unwrap()).as_ref(), Ok(&table));
    for made in [table.append(&COMMIT, &[], &Objects::new()), expired(&table, &Objects::new())] {
        let Ok(change) = made else { continue };
        let metadata = change.objects.last().unwrap();
        assert_eq!(TableMetadata::parse(&metadata.bytes), Ok(change.metadata));
    }
}

fn expired(table: &TableMetadata, objects: &Objects) -> Result<Change> {
    table.expire(&COMMIT, EXPIRY, objects)?.ok_or(Error::Missing(Vec::new()))
}

/// Every manifest that the list names is the same one.
fn with<T>(manifest: &[u8], objects: &mut Objects, make: impl Fn(&Objects) -> Result<T>) -> Option<T> {
    for _ in 0..2 {
        match make(objects) {
            Ok(made) => return Some(made),
            Err(Error::Missing(locations)) if locations.len() < 10 => {
                objects.extend(locations.into_iter().map(|location| (location, manifest.to_vec())));
            }
            Err(_) => return None,
        }
    }
    None
}

fn of_manifests(list: &[u8], manifest: &[u8]) {
    let schema = Schema::with_fresh_ids(vec![Field::optional("a", Type::String)]);
    let new = NewTable {
        uuid: COMMIT.uuid.to_owned(),
        location: "s3://bucket/table".to_owned(),
        schema,
        properties: BTreeMap::new(),
        now_ms: 0,
    };
    let first = Commit { snapshot_id: 1, uuid: "first", ..COMMIT };
    let table = TableMetadata::new(new).unwrap().append(&first, &[], &Objects::new()).unwrap().metadata;
    let location = table.current_snapshot().unwrap().manifest_list.clone();
    let mut objects = Objects::from([(location, list.to_vec())]);

    let Some(files) = with(manifest, &mut objects, |objects| table.files(objects)) else { return };
    if let Some(Some(change)) =
        with(manifest, &mut objects, |objects| table.rewrite_manifests(&COMMIT, objects))
    {
        assert_eq!(sorted(read(&change, &objects)), sorted(files.clone()));
        let _ = with(manifest, &mut objects_with(&change, &objects), |objects| {
            expired(&change.metadata, objects)
        });
    }
    let Some(gone) = files.first() else { return };
    let removed = [gone.location.clone()];
    let replace = |objects: &Objects| table.replace(&COMMIT, Operation::Delete, &removed, &[], objects);
    if let Some(change) = with(manifest, &mut objects, replace) {
        let left = read(&change, &objects);
        // A made-up table may have a file twice, of which one goes.
        assert!(left.len() < files.len() && left.iter().all(|file| files.contains(file)));
    }
}

fn objects_with(change: &Change, objects: &Objects) -> Objects {
    let mut objects = objects.clone();
    objects.extend(change.objects.iter().map(|object| (object.location.clone(), object.bytes.clone())));
    objects
}

fn read(change: &Change, objects: &Objects) -> Vec<DataFile> {
    change.metadata.files(&objects_with(change, objects)).expect("what was written is read")
}

fn sorted(mut files: Vec<DataFile>) -> Vec<DataFile> {
    files.sort_by_key(|file| format!("{file:?}"));
    files
}
