//! Sizes as AWS counts them. Source: DynamoDB Developer Guide, "DynamoDB item sizes and formats".

use haneul_kit::Result;

use super::{Attrs, Number, Value};
use crate::error::validation;

/// Largest item, names included.
pub(crate) const ITEM_BYTES_MAX: usize = 400 * 1024;

/// Source: the API reference, "the aggregate size of the items in the transaction cannot exceed 4 MB".
const TRANSACTION_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What a list or map costs, whatever it contains, and each of its elements.
pub(super) const CONTAINER_BYTES: usize = 3;
pub(super) const ELEMENT_BYTES: usize = 1;

/// Whether an item that is to be put is small enough.
pub(crate) fn check(item: &Attrs) -> Result<()> {
    check_bytes(of_item(item))
}

/// The same of a value that an expression takes: no item could have it.
pub(crate) fn check_value(value: &Value) -> Result<()> {
    check_bytes(of_value(value))
}

pub(crate) fn check_bytes(bytes: usize) -> Result<()> {
    match bytes > ITEM_BYTES_MAX {
        true => Err(validation("Item size has exceeded the maximum allowed size")),
        false => Ok(()),
    }
}

/// Whether the items that a transaction reads, or has written, are small enough together.
pub(crate) fn check_transaction(bytes: usize) -> Result<()> {
    match bytes > TRANSACTION_BYTES_MAX {
        true => Err(validation("The total size of the items in the transaction cannot exceed 4 MB")),
        false => Ok(()),
    }
}

pub(crate) fn of_item(item: &Attrs) -> usize {
    item.iter().map(|(name, value)| name.len() + of_value(value)).sum()
}

pub(crate) fn of_value(value: &Value) -> usize {
    match value {
        Value::S(text) => text.len(),
        Value::N(number) => of_number(number),
        Value::B(bytes) => bytes.len(),
        Value::Bool(_) | Value::Null => 1,
        Value::M(map) => {
            let entries = map.iter().map(|(name, value)| name.len() + of_value(value) + ELEMENT_BYTES);
            CONTAINER_BYTES + entries.sum::<usize>()
        }
        Value::L(list) => {
            CONTAINER_BYTES + list.iter().map(|value| of_value(value) + ELEMENT_BYTES).sum::<usize>()
        }
        Value::Ss(set) => set.iter().map(String::len).sum(),
        Value::Ns(set) => set.iter().map(of_number).sum(),
        Value::Bs(set) => set.iter().map(|bytes| bytes.len()).sum(),
    }
}

/// One byte for two digits, one for the exponent, one for a minus.
pub(super) fn of_number(number: &Number) -> usize {
    if number.is_zero() {
        return 1;
    }
    let (digits, (_, _, exponent)) = (number.digits() as usize, number.parts());
    // Digits go in pairs that begin at the point.
    let pairs = (digits + usize::from(exponent.rem_euclid(2) == 1)).div_ceil(2);
    1 + pairs + usize::from(number.is_negative())
}
