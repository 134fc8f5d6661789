//! The bytes under which items and index entries lie, and the rules for attributes that are part of a key.

use haneul_kit::{ApiError, Result};

use crate::error::{invalid, validation};
use crate::table::{Index, KeyAttribute, KeySchema, TableInfo};
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

/// How much of its space lies before a key: partitions are in the order of their hashes, which are even.
pub(crate) fn part_before(key: &[u8]) -> f64 {
    let hash = key.get(HASH_AT..KEY_AT).and_then(|hash| hash.try_into().ok()).map_or(0, u32::from_be_bytes);
    f64::from(hash) / (f64::from(u32::MAX) + 1.0)
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
    let value = |key: &KeyAttribute| item.get(&key.name);
    let mut key = of_partition(space, schema.hash.iter().filter_map(value));
    schema.range.iter().filter_map(value).for_each(|value| order::encode(value, &mut key));
    key
}

/// What tells one key from another, as bytes.
pub(crate) fn of_attributes(key: &Attrs) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    key.iter().for_each(|(_, value)| order::encode(value, &mut bytes));
    bytes
}

/// The key of an item's entry in an index, or `None` when it has none: an attribute of the index's key is missing, or is
/// nothing that this index can have, which can be when the item is older than the index.
pub(crate) fn of_entry(index: &Index, table: &KeySchema, item: &Attrs) -> Option<Vec<u8>> {
    let fits = |key: &KeyAttribute| {
        item.get(&key.name).is_some_and(|value| value.type_name() == key.kind && empty(value).is_none())
    };
    if !index.schema.attributes().all(fits) || check_sizes(&index.schema, item).is_err() {
        return None;
    }
    let mut key = of_item(index.record.space, &index.schema, item);
    table.attributes().filter_map(|key| item.get(&key.name)).for_each(|value| order::encode(value, &mut key));
    Some(key)
}

/// The attributes of an item that is to be put: those of the table's key and of the indexes'.
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
    }
    check_sizes(&table.schema, item)?;
    check_index_keys(table, item)
}

/// Whether an item has the table's key, in a batch's words.
pub(crate) fn check_has_key(schema: &KeySchema, item: &Attrs) -> Result<()> {
    let fits = |key: &KeyAttribute| item.get(&key.name).is_some_and(|value| value.type_name() == key.kind);
    if schema.attributes().all(fits) { Ok(()) } else { Err(mismatch()) }
}

/// A parameter that is a key and nothing else.
pub(crate) fn check_key(schema: &KeySchema, key: &Attrs) -> Result<()> {
    if key.len() != schema.len() {
        return Err(mismatch());
    }
    for attribute in schema.attributes() {
        let value = key.get(&attribute.name).ok_or_else(mismatch)?;
        if value.type_name() != attribute.kind {
            return Err(mismatch());
        }
        check_not_empty(value, &attribute.name)?;
    }
    check_sizes(schema, key)
}

fn mismatch() -> ApiError {
    validation("The provided key element does not match the schema")
}

/// Attributes that are part of an index's key must have its type where they are present. Of several indexes that do not
/// fit, AWS names the first by its name.
fn check_index_keys(table: &TableInfo, item: &Attrs) -> Result<()> {
    let mut first: Option<(&Index, &KeyAttribute, &Value)> = None;
    for index in &table.indexes {
        for key in index.schema.attributes() {
            let Some(value) = item.get(&key.name).filter(|value| value.type_name() != key.kind) else {
                continue;
            };
            if first.is_none_or(|(other, ..)| index.record.name < other.record.name) {
                first = Some((index, key, value));
            }
        }
    }
    if let Some((index, key, value)) = first {
        return Err(invalid(format!(
            "Type mismatch for Index Key {} Expected: {} Actual: {} IndexName: {}",
            key.name,
            key.kind,
            value.type_name(),
            index.record.name
        )));
    }
    table.indexes.iter().try_for_each(|index| check_sizes(&index.schema, item))
}

/// The same of an item that an update has made, in words of its own, as far as the update changed it. Source: the API
/// reference, the cancellation reasons of TransactWriteItems.
pub(crate) fn check_updated(table: &TableInfo, old: Option<&Attrs>, new: &Attrs) -> Result<()> {
    for index in &table.indexes {
        let changed = |key: &&KeyAttribute| old.and_then(|old| old.get(&key.name)) != new.get(&key.name);
        for key in index.schema.attributes().filter(changed) {
            let Some(value) = new.get(&key.name) else { continue };
            if value.type_name() != key.kind {
                return Err(validation(
                    "The update expression attempted to update the secondary index key to unsupported type",
                ));
            }
            if let Some(what) = empty(value) {
                return Err(validation(format!(
                    "One or more parameter values are not valid. The update expression attempted to update a secondary \
                     index key to a value that is not supported. The AttributeValue for a key attribute cannot contain \
                     an empty {what} value."
                )));
            }
            check_sizes(&index.schema, new).map_err(|_| {
                validation(
                    "The update expression attempted to update the secondary index key beyond allowed size limits",
                )
            })?;
        }
    }
    Ok(())
}

/// Attributes that are part of a key, the table's or an index's, and empty.
pub(crate) fn check_empty(table: &TableInfo, item: &Attrs) -> Result<()> {
    let of_kind = |key: &KeyAttribute| item.get(&key.name).filter(|value| value.type_name() == key.kind);
    for key in table.schema.attributes() {
        of_kind(key).map_or(Ok(()), |value| check_not_empty(value, &key.name))?;
    }
    for index in &table.indexes {
        for key in index.schema.attributes() {
            if let Some(what) = of_kind(key).and_then(empty) {
                return Err(validation(format!(
                    "One or more parameter values are not valid. A value specified for a secondary index key is not \
                     supported. The AttributeValue for a key attribute cannot contain an empty {what} value. \
                     IndexName: {}, IndexKey: {}",
                    index.record.name, key.name
                )));
            }
        }
    }
    Ok(())
}

/// A part of a key cannot be empty.
pub(crate) fn check_not_empty(value: &Value, key: &str) -> Result<()> {
    match empty(value) {
        Some(what) => Err(validation(format!(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty \
             {what} value. Key: {key}"
        ))),
        None => Ok(()),
    }
}

fn empty(value: &Value) -> Option<&'static str> {
    match value {
        Value::S(text) if text.is_empty() => Some("string"),
        Value::B(bytes) if bytes.is_empty() => Some("binary"),
        _ => None,
    }
}

/// One value of a key that is asked for.
pub(crate) fn check_size(value: &Value, of_partition: bool) -> Result<()> {
    let size = crate::value::size::of_value(value);
    match of_partition {
        true if size > PARTITION_BYTES_MAX => Err(partition_too_long()),
        false if size > SORT_BYTES_MAX => Err(sort_too_long()),
        _ => Ok(()),
    }
}

fn partition_too_long() -> ApiError {
    invalid(format!("Size of hashkey has exceeded the maximum size limit of{PARTITION_BYTES_MAX} bytes"))
}

fn sort_too_long() -> ApiError {
    invalid(format!(
        "Aggregated size of all range keys has exceeded the size limit of {SORT_BYTES_MAX} bytes"
    ))
}

fn check_sizes(schema: &KeySchema, item: &Attrs) -> Result<()> {
    let size = |value: Option<&Value>| value.map_or(0, crate::value::size::of_value);
    for key in &schema.hash {
        if size(item.get(&key.name)) > PARTITION_BYTES_MAX {
            return Err(partition_too_long());
        }
    }
    let sort: usize = schema.range.iter().map(|key| size(item.get(&key.name))).sum();
    match sort > SORT_BYTES_MAX {
        true => Err(sort_too_long()),
        false => Ok(()),
    }
}
