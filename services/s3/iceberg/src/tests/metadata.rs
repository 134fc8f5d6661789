//! Metadata files, our own and others'.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::world::World;
use crate::{Error, TableMetadata};

fn of_others() -> Json {
    json!({
        "format-version": 2,
        "table-uuid": "9c12d441-03fe-4693-9a96-a0705ddf69c1",
        "location": "s3://bucket/test/location",
        "last-sequence-number": 34,
        "last-updated-ms": 1_602_638_573_590i64,
        "last-column-id": 9,
        "current-schema-id": 1,
        "schemas": [{
            "type": "struct", "schema-id": 1, "identifier-field-ids": [1],
            "fields": [
                {"id": 1, "name": "x", "required": true, "type": "long", "doc": "comment"},
                {"id": 2, "name": "d", "required": false, "type": "decimal(9, 2)"},
                {"id": 3, "name": "f", "required": false, "type": "fixed[16]", "initial-default": null},
                {"id": 4, "name": "l", "required": false, "type": {
                    "type": "list", "element-id": 5, "element-required": false,
                    "element": {"type": "struct", "fields": [
                        {"id": 6, "name": "m", "required": false, "type": {
                            "type": "map", "key-id": 7, "key": "string", "value-id": 8, "value-required": true,
                            "value": "timestamptz"}},
                        {"id": 9, "name": "u", "required": false, "type": "uuid"}]}}}]}],
        "default-spec-id": 0,
        "partition-specs": [
            {"spec-id": 0, "fields": [{"name": "x", "transform": "identity", "source-id": 1, "field-id": 1000}]}],
        "last-partition-id": 1000,
        "default-sort-order-id": 3,
        "sort-orders": [{"order-id": 3, "fields": [
            {"transform": "identity", "source-id": 2, "direction": "asc", "null-order": "nulls-first"}]}],
        "properties": {"read.split.target.size": "134217728"},
        "current-snapshot-id": 2,
        "snapshots": [
            {"snapshot-id": 2, "parent-snapshot-id": 1, "timestamp-ms": 1_555_100_955_770i64, "sequence-number": 1,
             "summary": {"operation": "append"}, "manifest-list": "s3://a/b/2.avro", "schema-id": 1, "added-by": 7}],
        "snapshot-log": [{"snapshot-id": 2, "timestamp-ms": 1_555_100_955_770i64}],
        "metadata-log": [{"metadata-file": "s3://bucket/.../v1.json", "timestamp-ms": 1_515_100}],
        "refs": {
            "main": {"snapshot-id": 2, "type": "branch", "max-snapshot-age-ms": 10},
            "test": {"snapshot-id": 2, "type": "tag"}},
        "statistics": [], "next-thing": {"of": "another version"}
    })
}

fn parse(json: &Json) -> Result<TableMetadata, Error> {
    TableMetadata::parse(json.to_string().as_bytes())
}

#[test]
fn what_others_say_is_kept() {
    let mut given = of_others();
    let table = parse(&given).unwrap();
    // That of a field which no version 2 has is left out.
    given["schemas"][0]["fields"][2].as_object_mut().unwrap().remove("initial-default");
    assert_eq!(serde_json::from_slice::<Json>(&table.to_json().unwrap()).unwrap(), given);
}

#[test]
fn what_is_no_table_of_version_2_is_refused() {
    let refused = |path: &str, value: Json| {
        let mut json = of_others();
        *json.pointer_mut(path).unwrap() = value;
        parse(&json).unwrap_err()
    };
    assert!(matches!(refused("/format-version", json!(1)), Error::Unsupported(_)));
    assert!(matches!(refused("/format-version", json!(3)), Error::Unsupported(_)));
    let invalid = [
        ("/current-schema-id", json!(7)),
        ("/current-snapshot-id", json!(7)),
        ("/refs/main/snapshot-id", json!(7)),
        ("/schemas/0/fields/0/type", json!("longer")),
        ("/schemas/0/fields/1/type", json!("decimal(39, 2)")),
        ("/schemas/0/fields/1/id", json!(1)),
        ("/schemas/0/fields/1/name", json!("x")),
        ("/snapshots/0/manifest-list", json!(null)),
        ("/location", json!(1)),
    ];
    for (path, value) in invalid {
        assert!(matches!(refused(path, value), Error::Invalid(_)), "{path}");
    }
    let nested = [
        json!({"type": "list", "element-id": 9, "element": "int"}),
        json!({"type": "tree", "fields": []}),
        json!({"fields": []}),
        json!(7),
    ];
    for kind in nested {
        assert!(matches!(refused("/schemas/0/fields/0/type", kind.clone()), Error::Invalid(_)), "{kind}");
    }
    let deep = "[".repeat(100_000);
    assert!(matches!(TableMetadata::parse(deep.as_bytes()), Err(Error::Invalid(_))));
}

#[test]
fn old_writers_say_minus_one() {
    let mut json = of_others();
    json["current-snapshot-id"] = json!(-1);
    json.as_object_mut().unwrap().remove("refs");
    let table = parse(&json).unwrap();
    assert_eq!(table.current_snapshot_id, None);
    assert_eq!(serde_json::from_slice::<Json>(&table.to_json().unwrap()).unwrap()["current-snapshot-id"], -1);
    json["current-snapshot-id"] = json!(2);
    assert_eq!(parse(&json).unwrap().refs["main"].snapshot_id, 2);
}

#[test]
fn a_partitioned_table_is_not_written() {
    let mut world = World::new();
    world.table = parse(&of_others()).unwrap();
    let failed = world.change(|table, commit, objects| table.append(commit, &[], objects)).unwrap_err();
    assert!(matches!(failed, Error::Unsupported(_)), "{failed:?}");
}

#[test]
fn the_log_of_metadata_is_bounded() {
    let properties = BTreeMap::from([("write.metadata.previous-versions-max".to_owned(), "3".to_owned())]);
    let mut world = World::with(properties);
    for at in 0..6 {
        world.append(&[&format!("f{at}")]);
    }
    let log: Vec<_> = world.table.metadata_log.iter().map(|entry| &entry.metadata_file[..]).collect();
    assert_eq!(log.len(), 3);
    assert!(log[2].starts_with("s3://bucket/table/metadata/00005-"), "{log:?}");
    let files = world.objects.keys().filter(|location| location.ends_with(".metadata.json"));
    assert_eq!(files.count(), 4, "the others were said to be unreferenced");
    world.table.metadata_log[0].metadata_file =
        "s3://bucket/table2/metadata/00000-x.metadata.json".to_owned();
    assert_eq!(world.append(&["last"]).unreferenced, [""; 0], "what is not the table's is left alone");
}
