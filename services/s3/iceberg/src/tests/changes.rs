//! Append, replace, rewrite and expire, and what they leave of objects.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::world::{LOCATION, World};
use crate::{Commit, DataFile, Error, Expiry, Objects, Operation, TableMetadata};

fn at(name: &str) -> String {
    format!("{LOCATION}/data/{name}.parquet")
}

fn summary(world: &World, name: &str) -> String {
    world.table.current_snapshot().unwrap().summary.get(name).cloned().unwrap_or_default()
}

#[test]
fn appends_leave_what_was_there() {
    let mut world = World::new();
    let change = world.append(&["a", "b"]);
    assert_eq!((change.objects.len(), change.manifests), (3, 1));
    world.append(&["c"]);
    assert_eq!(world.names(), ["a", "b", "c"]);
    assert_eq!(world.read(1).0, BTreeSet::from(["a".to_owned(), "b".to_owned()]));
    let told = ["operation", "added-data-files", "added-records", "total-data-files", "total-records"];
    assert_eq!(told.map(|name| summary(&world, name)), ["append", "1", "1", "3", "3"]);
    let table = &world.table;
    assert_eq!(
        (table.last_sequence_number, table.current_snapshot().unwrap().parent_snapshot_id),
        (2, Some(1))
    );
    assert_eq!(table.snapshot_log.len(), 2);
    assert!(world.location.starts_with("s3://bucket/table/metadata/00002-"), "{}", world.location);
}

#[test]
fn an_append_of_nothing_is_a_snapshot() {
    let mut world = World::new();
    world.append(&[]);
    assert!(world.names().is_empty());
    assert_eq!(summary(&world, "total-files-size"), "0");
}

#[test]
fn many_files_are_in_several_manifests() {
    let mut world = World::new();
    let file = world.put_file("f");
    let files: Vec<_> =
        (0..10_001).map(|number| DataFile { location: at(&number.to_string()), ..file.clone() }).collect();
    let change = world.change(|table, commit, objects| table.append(commit, &files, objects)).unwrap();
    assert_eq!((change.manifests, change.objects.len()), (2, 4));
    assert_eq!(world.table.files(&world.objects).unwrap(), files);
}

#[test]
fn the_same_arguments_make_the_same_bytes() {
    let made = || {
        let mut world = World::new();
        world.append(&["a"]);
        world.objects
    };
    assert_eq!(made(), made());
}

#[test]
fn replacing_removes_and_adds() {
    let mut world = World::new();
    world.append(&["a", "b"]);
    world.append(&["c"]);
    let size = summary(&world, "total-files-size").parse::<i64>().unwrap();
    let new = world.put_file("d");
    let gone = [at("a"), at("c"), at("a")];
    let replace = |table: &TableMetadata, commit: &Commit<'_>, objects: &Objects| {
        table.replace(commit, Operation::Overwrite, &gone, std::slice::from_ref(&new), objects)
    };
    world.change(replace).unwrap();
    assert_eq!(world.names(), ["b", "d"]);
    let told = ["operation", "added-data-files", "deleted-data-files", "total-data-files", "total-records"];
    assert_eq!(told.map(|name| summary(&world, name)), ["overwrite", "1", "2", "2", "2"]);
    // Each of them has one row of the same length.
    assert_eq!(summary(&world, "total-files-size").parse::<i64>().unwrap(), size / 3 * 2);
    assert_eq!(world.read(2).0.len(), 3, "the snapshot before is as it was");
    // Somebody else was faster.
    assert_eq!(world.change(replace).unwrap_err(), Error::NoSuchFile(at("a")));
    // What was removed is told of by the snapshot that removed it, and by none after.
    assert_eq!(world.append(&["e"]).manifests, 3);
}

#[test]
fn a_replaced_file_keeps_its_sequence_number() {
    let mut world = World::new();
    world.append(&["a", "b"]);
    world
        .change(|table, commit, objects| table.replace(commit, Operation::Delete, &[at("a")], &[], objects))
        .unwrap();
    let list = &world.table.current_snapshot().unwrap().manifest_list;
    let manifests = crate::manifest::parse_list(&world.objects[list]).unwrap();
    assert_eq!((manifests[0].sequence_number, manifests[0].min_sequence_number), (2, 1));
    let mut entries = Vec::new();
    crate::manifest::each_entry(&world.objects[&manifests[0].location], |entry| {
        entries.push((
            entry.status as u8,
            entry.snapshot_id,
            entry.sequence_number,
            entry.file_sequence_number,
        ));
        Ok(())
    })
    .unwrap();
    assert_eq!(entries, [(2, Some(2), Some(1), Some(1)), (0, Some(1), Some(1), Some(1))]);
}

#[test]
fn many_manifests_become_one() {
    let mut world = World::new();
    for at in 0..5 {
        world.append(&[&format!("f{at}")]);
    }
    let rewrite = |table: &TableMetadata, commit: &Commit<'_>, objects: &Objects| {
        table.rewrite_manifests(commit, objects).map(|change| change.expect("there is something to do"))
    };
    let change = world.change(rewrite).unwrap();
    assert_eq!((change.manifests, world.names().len()), (1, 5));
    assert_eq!(summary(&world, "manifests-replaced"), "5");
    let commit = Commit { metadata_location: "x", uuid: "y", snapshot_id: 99, now_ms: 0 };
    assert!(world.table.rewrite_manifests(&commit, &world.objects).unwrap().is_none());
    let files = world.table.files(&world.objects).unwrap();
    assert_eq!(files.iter().map(|file| file.record_count).sum::<i64>(), 5);
}

#[test]
fn a_snapshot_id_is_used_once() {
    let mut world = World::new();
    world.append(&["a"]);
    for snapshot_id in [0, -1, 1] {
        let commit = Commit { metadata_location: "x", uuid: "y", snapshot_id, now_ms: 0 };
        assert!(matches!(world.table.append(&commit, &[], &world.objects), Err(Error::Invalid(_))));
    }
}

fn expire(world: &mut World, before_ms: i64, keep_at_least: usize) -> Vec<String> {
    let expiry = Expiry { before_ms, keep_at_least };
    let commit = Commit { metadata_location: "x", uuid: "y", snapshot_id: 0, now_ms: 0 };
    if world.table.expire(&commit, expiry, &world.objects).unwrap().is_none() {
        return Vec::new();
    }
    let change = world.change(|table, commit, objects| {
        table.expire(commit, expiry, objects).map(|change| change.expect("it was there a moment ago"))
    });
    change.unwrap().unreferenced
}

#[test]
fn old_snapshots_go_with_what_only_they_need() {
    let mut world = World::new();
    world.append(&["a"]);
    world.append(&["b"]);
    world
        .change(|table, commit, objects| table.replace(commit, Operation::Delete, &[at("a")], &[], objects))
        .unwrap();
    assert!(expire(&mut world, 0, 1).is_empty());
    assert!(expire(&mut world, i64::MAX, 3).is_empty());
    // Of the first two go the lists, the manifest that named a, and a.
    let gone = expire(&mut world, i64::MAX, 0);
    assert_eq!(gone.len(), 4, "{gone:?}");
    assert!(gone.contains(&at("a")));
    assert_eq!((world.table.snapshots.len(), world.table.snapshot_log.len()), (1, 1));
    assert_eq!(world.names(), ["b"]);
}

#[test]
fn what_a_tag_or_a_branch_needs_stays() {
    let mut world = World::new();
    for name in ["a", "b", "c", "d"] {
        world.append(&[name]);
    }
    let mut json: serde_json::Value = serde_json::from_slice(&world.table.to_json().unwrap()).unwrap();
    json["refs"]["release"] = serde_json::json!({"snapshot-id": 1, "type": "tag"});
    json["refs"]["audit"] = serde_json::json!({"snapshot-id": 3, "type": "branch"});
    json["statistics"] = serde_json::json!([{"snapshot-id": 2, "statistics-path": format!("{LOCATION}/2")},
        {"snapshot-id": 2, "statistics-path": "s3://bucket/table2/2"}]);
    world.table = TableMetadata::parse(json.to_string().as_bytes()).unwrap();
    assert!(expire(&mut world, i64::MAX, 1).is_empty(), "the branch goes back to the first");
    json["refs"].as_object_mut().unwrap().remove("audit");
    world.table = TableMetadata::parse(json.to_string().as_bytes()).unwrap();
    world.objects.insert(format!("{LOCATION}/2"), Vec::new());
    let gone = expire(&mut world, i64::MAX, 1);
    assert_eq!(gone.len(), 3, "two lists, and statistics that are the table's: {gone:?}");
    let kept: Vec<_> = world.table.snapshots.iter().map(|snapshot| snapshot.snapshot_id).collect();
    assert_eq!(kept, [1, 4]);
}

#[derive(Clone, Debug)]
enum Step {
    Append(u8),
    Replace(Vec<usize>, u8),
    Rewrite,
    Expire(i64, usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4u8).prop_map(Step::Append),
        4 => (proptest::collection::vec(0..20usize, 0..4), 0..3u8).prop_map(|(gone, new)| Step::Replace(gone, new)),
        1 => Just(Step::Rewrite),
        2 => ((0..200i64), (0..3usize)).prop_map(|(age, keep)| Step::Expire(age, keep)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_snapshot_has_its_files_and_no_object_is_left_over(steps in proptest::collection::vec(step(), 1..12)) {
        let mut world = World::new();
        let mut model: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
        let (mut files, mut last): (BTreeSet<String>, _) = (BTreeSet::new(), 0);
        for step in steps {
            let mut new = |world: &mut World, count: u8| -> Vec<_> {
                (0..count).map(|_| {
                    last += 1;
                    world.put_file(&format!("f{last}"))
                }).collect()
            };
            let name = |location: &str| location.rsplit('/').next().unwrap().replace(".parquet", "");
            match step {
                Step::Append(count) => {
                    let added = new(&mut world, count);
                    world.change(|table, commit, objects| table.append(commit, &added, objects)).unwrap();
                    files.extend(added.iter().map(|file| name(&file.location)));
                }
                Step::Replace(places, count) => {
                    let added = new(&mut world, count);
                    let gone: BTreeSet<_> = places.iter().filter_map(|at| files.iter().nth(*at).cloned()).collect();
                    let locations: Vec<_> = gone.iter().map(|name| at(name)).collect();
                    world.change(|table, commit, objects| {
                        table.replace(commit, Operation::Overwrite, &locations, &added, objects)
                    }).unwrap();
                    files.retain(|name| !gone.contains(name));
                    files.extend(added.iter().map(|file| name(&file.location)));
                }
                Step::Rewrite => {
                    let commit = Commit { metadata_location: "x", uuid: "y", snapshot_id: i64::MAX, now_ms: 0 };
                    if world.table.rewrite_manifests(&commit, &world.objects).unwrap().is_some() {
                        world.change(|table, commit, objects| {
                            table.rewrite_manifests(commit, objects).map(|change| change.unwrap())
                        }).unwrap();
                    }
                }
                Step::Expire(age, keep) => {
                    let before = world.now_ms - age;
                    expire(&mut world, before, keep);
                }
            }
            if let Some(current) = world.table.current_snapshot_id {
                model.entry(current).or_insert_with(|| files.clone());
            }
            let mut needed = BTreeSet::from([world.location.clone()]);
            needed.extend(world.table.metadata_log.iter().map(|entry| entry.metadata_file.clone()));
            for snapshot in &world.table.snapshots {
                let (names, objects) = world.read(snapshot.snapshot_id);
                prop_assert_eq!(&names, &model[&snapshot.snapshot_id]);
                prop_assert_eq!(&snapshot.summary["total-data-files"], &names.len().to_string());
                needed.extend(objects);
            }
            let there: BTreeSet<_> = world.objects.keys().cloned().collect();
            prop_assert_eq!(there, needed);
        }
    }
}
