//! The schema of a file as text, as manifests of S3 Inventory tell it.

use crate::{Column, Kind};

/// As `message s3.inventory { required binary bucket (UTF8); optional int64 size; }`.
pub fn message(name: &str, columns: &[Column]) -> String {
    let columns = columns.iter().map(|column| {
        let need = if column.optional { "optional" } else { "required" };
        let (kind, annotation) = match column.kind {
            Kind::Text => ("binary", " (UTF8)"),
            Kind::Bytes => ("binary", ""),
            Kind::Bool => ("boolean", ""),
            Kind::Int => ("int32", ""),
            Kind::Long => ("int64", ""),
            Kind::Time => ("int64", " (TIMESTAMP_MILLIS)"),
            Kind::Micros { .. } => ("int64", " (TIMESTAMP_MICROS)"),
            Kind::Map { value_optional, .. } => return map(need, &column.name, value_optional),
        };
        format!("{need} {kind} {}{annotation};", column.name)
    });
    format!("message {name} {{ {} }}", columns.collect::<Vec<_>>().join(" "))
}

fn map(need: &str, name: &str, value_optional: bool) -> String {
    let value = if value_optional { "optional" } else { "required" };
    format!(
        "{need} group {name} (MAP) {{ repeated group key_value {{ required binary key (UTF8); {value} binary value \
         (UTF8); }} }}"
    )
}
