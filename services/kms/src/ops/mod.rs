//! The operations, by noun.

mod agree;
mod aliases;
mod create_key;
mod data_keys;
mod describe;
mod encrypt;
mod grants;
mod import;
mod key_state;
mod mac;
mod multi_region;
mod policies;
mod random;
mod re_encrypt;
mod retire_grants;
mod rotation;
mod sign;
mod tags;

use haneul_kit::{Result, Seal, paging};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error;

/// Where a page begins, from its Marker.
fn position<P: DeserializeOwned>(seal: &Seal, purpose: &str, marker: Option<&String>) -> Result<Option<P>> {
    let Some(marker) = marker else { return Ok(None) };
    paging::position(seal, purpose, marker).map(Some).ok_or_else(error::marker)
}

/// Cuts a page off a listing that is in memory; `key` says where an item stands.
fn page<T, P: Serialize + DeserializeOwned + PartialOrd>(
    seal: &Seal,
    purpose: &str,
    (limit, limit_default): (Option<i32>, usize),
    marker: Option<&String>,
    items: Vec<T>,
    key: impl Fn(&T) -> P,
) -> Result<paging::Page<T>> {
    let limit = limit.map_or(limit_default, |limit| limit as usize);
    let after: Option<P> = position(seal, purpose, marker)?;
    let left = items.into_iter().filter(|item| after.as_ref().is_none_or(|after| key(item) > *after));
    Ok(paging::cut(left.take(limit + 1).collect(), limit, seal, purpose, key))
}
