//! Time to live: which items expire when. The items of a table with TTL lie a second time in a space of their own, in the
//! order of their times, so that what is due is found without looking at anything else.

use crate::engine::keys;
use crate::model::TtlSettings;
use crate::value::{Attrs, Value};

/// Items whose time is further back than this are not expired. Source: "Using time to live": five years.
pub(crate) const OLDEST_S: i64 = 5 * 365 * 24 * 60 * 60;

/// The key under which an item waits, or `None` when it does not expire.
pub(crate) fn entry_at(ttl: &TtlSettings, item: &Attrs, at: &[u8]) -> Option<Vec<u8>> {
    let expiry = expiry(ttl, item)?;
    let mut key = keys::of_space(ttl.space).to_vec();
    key.extend_from_slice(&u64::try_from(expiry).ok()?.to_be_bytes());
    // The item's own key, without its space.
    key.extend_from_slice(at.get(keys::HASH_AT..)?);
    Some(key)
}

/// The time of an entry, in seconds since 1970.
pub(crate) fn expiry_of_entry(at: &[u8]) -> Option<i64> {
    let bytes = at.get(keys::HASH_AT..keys::HASH_AT + 8)?;
    i64::try_from(u64::from_be_bytes(bytes.try_into().ok()?)).ok()
}

/// In seconds since 1970.
pub(crate) fn expiry(ttl: &TtlSettings, item: &Attrs) -> Option<i64> {
    match item.get(&ttl.attribute)? {
        Value::N(number) => number.trunc_i64().filter(|seconds| *seconds >= 0),
        _ => None,
    }
}
