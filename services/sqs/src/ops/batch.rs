//! What the batch operations have in common.

use haneul_kit::{ApiError, Fault, Result};
use haneul_sqs_wire::shapes::BatchResultErrorEntry;

use crate::error;

const ENTRIES_MAX: usize = 10;
const ID_LENGTH_MAX: usize = 80;

/// Checks number and ids of the entries; `entry` is the name of the entry's shape, for the message.
pub(super) fn check<'a>(entry: &str, ids: impl ExactSizeIterator<Item = &'a str> + Clone) -> Result<()> {
    if ids.len() == 0 {
        return Err(error::empty_batch(entry));
    }
    if ids.len() > ENTRIES_MAX {
        return Err(error::too_many_entries(ids.len()));
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    for (i, id) in ids.clone().enumerate() {
        if id.is_empty() || id.len() > ID_LENGTH_MAX || !id.bytes().all(allowed) {
            return Err(error::invalid_entry_id());
        }
        if ids.clone().take(i).any(|other| other == id) {
            return Err(error::entry_ids_not_distinct(id));
        }
    }
    Ok(())
}

/// An entry that failed while others may have succeeded. Of a value that is not valid AWS then gives the reason alone, since
/// the id tells which one it is (aws/aws-sdk-js issue 3187).
pub(super) fn failed(id: String, error: &ApiError) -> BatchResultErrorEntry {
    let message = error.message();
    let reason = message.rsplit_once(error::REASON).map_or(message, |(_, reason)| reason);
    BatchResultErrorEntry {
        id,
        sender_fault: error.fault() == Fault::Client,
        code: error.code().to_owned(),
        message: Some(reason.to_owned()),
    }
}

/// A list of a batch's result, which is left out when it is empty.
pub(super) fn list<T>(entries: impl IntoIterator<Item = T>) -> Option<Vec<T>> {
    let entries: Vec<T> = entries.into_iter().collect();
    (!entries.is_empty()).then_some(entries)
}
