//! The bytes under which items and index entries lie, and the rules for attributes that are part of a key.

use haneul_kit::Result;

use crate::error::{invalid, validation};
use crate::table::{Index, KeySchema, TableInfo};
use crate::value::{Attrs, Value, order};

/// Source: "Quotas", "Partition keys and sort keys".
const PARTITION_BYTES_MAX: usize = 2048;
const SORT_BYTES_MAX: usize = 1024;

/// Space and hash.
pub(crate) const HASH_AT: usize = 8;
pub(crate) const KEY_AT: usize = 12;

/// What every key of a space begins with.
pub(crate) fn of_space(space: u64) -> [u8; 8] {
    space.to_be_bytes()
}

/// What the keys of one partition begin with.
pub(crate) fn of_partition<'a>(space: u64, values: impl IntoIterator<Item = &'a Value>) -> Vec<u8> {
    let mut key = Vec::with_capacity(64);
    key.extend_from_slice(&of_space(space));
    key.extend_from_slice(&[0; KEY_AT - HASH_AT]);
    for value in values {
        order::encode(value, &mut key);
    }
    let hash = xxhash_rust::xxh3::xxh3_64(&key[KEY_AT..]) as u32;
    key[HASH_AT..KEY_AT].copy_from_slice(&hash.to_be_bytes());
    key
}

/// Of an item, or of a key alone, that has been checked: all key attributes are there.
pub(crate) fn of_item(space: u64, schema: &KeySchema, item: &Attrs) -> Vec<u8> {
    let part = |keys: &'_ [crate::table::KeyAttribute]| -> Vec<Value> {
        keys.iter().filter_map(|key| item.get(&key.name).cloned()).collect()
    };
    let mut key = of_partition(space, &part(&schema.hash));
    part(&schema.range).iter().for_each(|value| order::encode(value, &mut key));
    key
}

/// The key of an item's entry in an index, or `None` when it has none: an attribute of the index's key is missing.
pub(crate) fn of_entry(index: &Index, table: &KeySchema, item: &Attrs) -> Option<Vec<u8>> {
    if !index.schema.attributes().all(|key| item.contains(&key.name)) {
        return None;
    }
    let mut key = of_item(index.record.space, &index.schema, item);
    table.attributes().filter_map(|key| item.get(&key.name)).for_each(|value| order::encode(value, &mut key));
    Some(key)
}

/// The key attributes of an item that is to be put.
pub(crate) fn check_item(table: &TableInfo, item: &Attrs) -> Result<()> {
    for key in table.schema.attributes() {
        let Some(value) = item.get(&key.name) else {
            return Err(invalid(format!("Missing the key {} in the item", key.name)));
        };
        if value.type_name() != key.kind {
            return Err(invalid(format!(
                "Type mismatch for key {} expected: {} actual: {}",
                key.name,
                key.kind,
                value.type_name()
            )));
        }
        check_not_empty(value, |what| {
            format!(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an \
                 empty {what} value. Key: {}",
                key.name
            )
        })?;
    }
    check_sizes(&table.schema, item)?;
    check_index_keys(table, item)
}

/// A parameter that is a key and nothing else.
pub(crate) fn check_key(schema: &KeySchema, key: &Attrs) -> Result<()> {
    let mismatch = || validation("The provided key element does not match the schema");
    if key.len() != schema.len() {
        return Err(mismatch());
    }
    for attribute in schema.attributes() {
        let value = key.get(&attribute.name).ok_or_else(mismatch)?;
        if value.type_name() != attribute.kind {
            return Err(mismatch());
        }
        check_not_empty(value, |what| {
            format!(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an \
                 empty {what} value. Key: {}",
                attribute.name
            )
        })?;
    }
    check_sizes(schema, key)
}

/// Attributes that are part of an index's key must have its type where they are present.
pub(crate) fn check_index_keys(table: &TableInfo, item: &Attrs) -> Result<()> {
    for index in &table.indexes {
        for key in index.schema.attributes() {
            let Some(value) = item.get(&key.name) else { continue };
            let name = &index.record.name;
            if value.type_name() != key.kind {
                return Err(invalid(format!(
                    "Type mismatch for Index Key {} Expected: {} Actual: {} IndexName: {name}",
                    key.name,
                    key.kind,
                    value.type_name()
                )));
            }
            check_not_empty(value, |what| {
                format!(
                    "One or more parameter values are not valid. A value specified for a secondary index key is not \
                     supported. The AttributeValue for a key attribute cannot contain an empty {what} value. \
                     IndexName: {name}, IndexKey: {}",
                    key.name
                )
            })?;
        }
        check_sizes(&index.schema, item)?;
    }
    Ok(())
}

fn check_not_empty(value: &Value, message: impl Fn(&str) -> String) -> Result<()> {
    match value {
        Value::S(text) if text.is_empty() => Err(validation(message("string"))),
        Value::B(bytes) if bytes.is_empty() => Err(validation(message("binary"))),
        _ => Ok(()),
    }
}

fn check_sizes(schema: &KeySchema, item: &Attrs) -> Result<()> {
    let size = |value: Option<&Value>| value.map_or(0, crate::value::size::of_value);
    for key in &schema.hash {
        if size(item.get(&key.name)) > PARTITION_BYTES_MAX {
            return Err(invalid(format!(
                "Size of hashkey has exceeded the maximum size limit of{PARTITION_BYTES_MAX} bytes"
            )));
        }
    }
    let sort: usize = schema.range.iter().map(|key| size(item.get(&key.name))).sum();
    match sort > SORT_BYTES_MAX {
        true => Err(invalid(format!(
            "Aggregated size of all range keys has exceeded the size limit of {SORT_BYTES_MAX} bytes"
        ))),
        false => Ok(()),
    }
}
