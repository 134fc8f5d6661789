//! The schema of a table that is created with one.

use std::collections::BTreeMap;

use haneul_kit::Result;
use haneul_s3_iceberg::{Field, Schema, Type};
use haneul_s3tables_wire::shapes as s;
use serde_json::Value;

use crate::error::tables as refusals;

/// Columns of a new table at most.
const FIELDS_MAX: usize = 10_000;

fn refused(what: &str) -> haneul_kit::ApiError {
    refusals::bad_request(format!("{what} of a new table is not implemented by Haneul."))
}

/// Schema and properties of a new table: columns of the types without parts.
pub(super) fn of_wire(given: s::TableMetadata) -> Result<(Schema, BTreeMap<String, String>)> {
    let s::TableMetadata::Iceberg(iceberg) = given else {
        return Err(refusals::bad_request("The metadata of the table is missing."));
    };
    if iceberg.schema_v2.is_some() {
        return Err(refused("A schema of nested types"));
    }
    if iceberg.partition_spec.is_some_and(|spec| !spec.fields.is_empty()) {
        return Err(refused("A partition spec"));
    }
    if iceberg.write_order.is_some_and(|order| !order.fields.is_empty()) {
        return Err(refused("A sort order"));
    }
    let schema =
        iceberg.schema.ok_or_else(|| refusals::bad_request("The schema of the table is missing."))?;
    if schema.fields.len() > FIELDS_MAX {
        return Err(refusals::bad_request("The schema has too many fields."));
    }
    let fields = schema.fields.into_iter().map(field).collect::<Result<Vec<_>>>()?;
    Ok((Schema::with_fresh_ids(fields), iceberg.properties.unwrap_or_default().into_iter().collect()))
}

fn field(given: s::SchemaField) -> Result<Field> {
    let invalid = || refusals::bad_request(format!("{} is not a type of Iceberg.", given.r#type));
    let kind: Type = serde_json::from_value(Value::String(given.r#type.clone())).map_err(|_| invalid())?;
    Ok(match given.required {
        Some(true) => Field::required(&given.name, kind),
        _ => Field::optional(&given.name, kind),
    })
}
