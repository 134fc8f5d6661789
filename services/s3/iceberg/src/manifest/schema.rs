//! The schemas of manifests and of their lists in Avro, with Iceberg's ids.

use serde_json::{Value as Json, json};

fn field(id: i32, name: &str, kind: Json) -> Json {
    json!({"name": name, "type": kind, "field-id": id})
}

fn optional(id: i32, name: &str, kind: Json) -> Json {
    json!({"name": name, "type": ["null", kind], "default": null, "field-id": id})
}

/// A map whose keys are ints, which Avro has not: an array of pairs.
fn map(id: i32, name: &str, key_id: i32, value_id: i32, value: &str) -> Json {
    let pair = json!({
        "type": "record",
        "name": format!("k{key_id}_v{value_id}"),
        "fields": [field(key_id, "key", json!("int")), field(value_id, "value", json!(value))],
    });
    optional(id, name, json!({"type": "array", "logicalType": "map", "items": pair}))
}

fn list(id: i32, name: &str, element_id: i32, element: Json) -> Json {
    optional(id, name, json!({"type": "array", "element-id": element_id, "items": element}))
}

/// Of an entry of a manifest of a table without partitions.
pub(super) fn manifest_entry() -> String {
    let data_file = json!({"type": "record", "name": "r2", "fields": [
        field(134, "content", json!("int")),
        field(100, "file_path", json!("string")),
        field(101, "file_format", json!("string")),
        field(102, "partition", json!({"type": "record", "name": "r102", "fields": []})),
        field(103, "record_count", json!("long")),
        field(104, "file_size_in_bytes", json!("long")),
        map(108, "column_sizes", 117, 118, "long"),
        map(109, "value_counts", 119, 120, "long"),
        map(110, "null_value_counts", 121, 122, "long"),
        map(137, "nan_value_counts", 138, 139, "long"),
        map(125, "lower_bounds", 126, 127, "bytes"),
        map(128, "upper_bounds", 129, 130, "bytes"),
        optional(131, "key_metadata", json!("bytes")),
        list(132, "split_offsets", 133, json!("long")),
        list(135, "equality_ids", 136, json!("int")),
        optional(140, "sort_order_id", json!("int")),
    ]});
    let entry = json!({"type": "record", "name": "manifest_entry", "fields": [
        field(0, "status", json!("int")),
        optional(1, "snapshot_id", json!("long")),
        optional(3, "sequence_number", json!("long")),
        optional(4, "file_sequence_number", json!("long")),
        field(2, "data_file", data_file),
    ]});
    entry.to_string()
}

/// Of a manifest in a list.
pub(super) fn manifest_file() -> String {
    let partitions = json!({"type": "record", "name": "r508", "fields": [
        field(509, "contains_null", json!("boolean")),
        optional(518, "contains_nan", json!("boolean")),
        optional(510, "lower_bound", json!("bytes")),
        optional(511, "upper_bound", json!("bytes")),
    ]});
    let manifest = json!({"type": "record", "name": "manifest_file", "fields": [
        field(500, "manifest_path", json!("string")),
        field(501, "manifest_length", json!("long")),
        field(502, "partition_spec_id", json!("int")),
        field(517, "content", json!("int")),
        field(515, "sequence_number", json!("long")),
        field(516, "min_sequence_number", json!("long")),
        field(503, "added_snapshot_id", json!("long")),
        field(504, "added_files_count", json!("int")),
        field(505, "existing_files_count", json!("int")),
        field(506, "deleted_files_count", json!("int")),
        field(512, "added_rows_count", json!("long")),
        field(513, "existing_rows_count", json!("long")),
        field(514, "deleted_rows_count", json!("long")),
        list(507, "partitions", 508, partitions),
        optional(519, "key_metadata", json!("bytes")),
    ]});
    manifest.to_string()
}
