//! What a write does to the versions of a key, inside a transaction.
//!
//! Source: S3 User Guide, "How S3 Versioning works" and "Adding objects to versioning-suspended buckets".

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use haneul_store::{Range, Reads, StoreError, Tx};

use super::tables::{BLOBS, CURRENT, EARLY_DELETIONS, FREED, INLINE, MANIFESTS, NULLS, VERSIONS};
use super::{Freed, annotations};
use crate::metering::minimum;
use crate::model::metering::EarlyDeletion;
use crate::model::object::NULL;
use crate::model::{Data, ObjectRecord, Versioning};

/// Makes and reads version ids: the version's number, masked, and 16 random bytes, as 32 URL-safe characters.
pub(crate) fn version_id(seq: u64, random: [u8; 16]) -> String {
    let mut bytes = [0; 24];
    bytes[..8].copy_from_slice(&(seq ^ mask(&random)).to_be_bytes());
    bytes[8..].copy_from_slice(&random);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The number in a version id; `None` when it has not the form of one.
pub(crate) fn parse_version_id(id: &str) -> Option<u64> {
    let bytes: [u8; 24] = URL_SAFE_NO_PAD.decode(id).ok()?.try_into().ok()?;
    let random: [u8; 16] = bytes[8..].try_into().ok()?;
    let seq: [u8; 8] = bytes[..8].try_into().ok()?;
    Some(u64::from_be_bytes(seq) ^ mask(&random))
}

fn mask(random: &[u8; 16]) -> u64 {
    let first = random.iter().take(8).fold(0u64, |n, byte| n << 8 | u64::from(*byte));
    first.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

pub(crate) fn order(seq: u64) -> u64 {
    u64::MAX - seq
}

/// Finds a version, or the current one. A delete marker counts as found.
pub(crate) async fn find(
    reads: &impl Reads,
    bucket: u64,
    key: &str,
    version: Option<&str>,
) -> Result<Option<ObjectRecord>, StoreError> {
    let Some(current) = reads.get(&CURRENT, &(bucket, key)).await? else { return Ok(None) };
    let Some(version) = version else { return Ok(Some(current)) };
    if current.version_name() == version {
        return Ok(Some(current));
    }
    let seq =
        if version == NULL { reads.get(&NULLS, &(bucket, key)).await? } else { parse_version_id(version) };
    let Some(seq) = seq else { return Ok(None) };
    let found = reads.get(&VERSIONS, &(bucket, key, order(seq))).await?;
    Ok(found.filter(|record| record.version_name() == version))
}

/// What a new version is made with.
pub(crate) struct Making {
    pub(crate) versioning: Versioning,
    /// For the version id.
    pub(crate) random: [u8; 16],
    /// Since when the version before is not the current one, in seconds.
    pub(crate) now_s: i64,
}

/// Makes `new` the current version, and gives it its number and version id. `current` is what was there before.
pub(crate) async fn push(
    tx: &Tx,
    at: (u64, &str),
    current: Option<ObjectRecord>,
    mut new: ObjectRecord,
    making: &Making,
    freed: &mut Freed,
) -> Result<ObjectRecord, StoreError> {
    let (bucket, key) = at;
    new.seq = current.as_ref().map_or(1, |current| current.seq + 1);
    new.version_id = (making.versioning == Versioning::Enabled).then(|| version_id(new.seq, making.random));
    match current {
        None => {}
        Some(current) if new.version_id.is_none() && current.version_id.is_none() => {
            new.older = current.older;
            release(tx, at, &current, freed).await?;
        }
        Some(current) => {
            new.older = true;
            if new.version_id.is_none() {
                remove_old_null(tx, at, freed).await?;
            }
            demote(tx, at, current, making.now_s)?;
        }
    }
    tx.put(&CURRENT, &(bucket, key), &new)?;
    Ok(new)
}

/// Takes one version away for good; what was newest of the rest becomes current. `None` when there is no such version.
pub(crate) async fn remove(
    tx: &Tx,
    at: (u64, &str),
    version: &str,
    freed: &mut Freed,
) -> Result<Option<ObjectRecord>, StoreError> {
    let (bucket, key) = at;
    let Some(found) = find(tx, bucket, key, Some(version)).await? else { return Ok(None) };
    match tx.get(&CURRENT, &(bucket, key)).await? {
        Some(mut current) if current.seq != found.seq => {
            tx.delete(&VERSIONS, &(bucket, key, order(found.seq)))?;
            if found.version_id.is_none() {
                tx.delete(&NULLS, &(bucket, key))?;
            }
            if tx.scan_keys(&VERSIONS, Range::prefix((bucket, key)), 1).await?.is_empty() {
                current.older = false;
                tx.put(&CURRENT, &(bucket, key), &current)?;
            }
        }
        _ => promote(tx, at, found.older).await?,
    }
    release(tx, at, &found, freed).await?;
    Ok(Some(found))
}

/// The current version goes: the newest of the older ones takes its place.
async fn promote(tx: &Tx, at: (u64, &str), older: bool) -> Result<(), StoreError> {
    let (bucket, key) = at;
    let mut rest =
        if older { tx.scan(&VERSIONS, Range::prefix((bucket, key)), 2).await? } else { Vec::new() };
    if rest.is_empty() {
        return tx.delete(&CURRENT, &(bucket, key));
    }
    let (row, mut newest) = rest.remove(0);
    newest.older = !rest.is_empty();
    newest.noncurrent_since_s = None;
    tx.delete(&VERSIONS, &row)?;
    if newest.version_id.is_none() {
        tx.delete(&NULLS, &(bucket, key))?;
    }
    tx.put(&CURRENT, &(bucket, key), &newest)
}

fn demote(tx: &Tx, at: (u64, &str), mut current: ObjectRecord, now_s: i64) -> Result<(), StoreError> {
    let (bucket, key) = at;
    if current.version_id.is_none() {
        tx.put(&NULLS, &(bucket, key), &current.seq)?;
    }
    current.older = false;
    current.noncurrent_since_s = Some(now_s);
    tx.put(&VERSIONS, &(bucket, key, order(current.seq)), &current)
}

async fn remove_old_null(tx: &Tx, at: (u64, &str), freed: &mut Freed) -> Result<(), StoreError> {
    let (bucket, key) = at;
    let Some(seq) = tx.get(&NULLS, &(bucket, key)).await? else { return Ok(()) };
    let row = (bucket, key, order(seq));
    if let Some(old) = tx.get(&VERSIONS, &row).await? {
        release(tx, at, &old, freed).await?;
    }
    tx.delete(&VERSIONS, &row)?;
    tx.delete(&NULLS, &(bucket, key))
}

/// Frees the bytes of a version, and its annotations.
pub(crate) async fn release(
    tx: &Tx,
    (bucket, key): (u64, &str),
    record: &ObjectRecord,
    freed: &mut Freed,
) -> Result<(), StoreError> {
    if record.annotations > 0 {
        annotations::release_all(tx, (bucket, key, record.seq), freed).await?;
    }
    if let Some(body) = record.body.as_ref().filter(|body| minimum(body.storage_class()).is_some()) {
        let since_s = body.class_since_s.unwrap_or(record.modified_s);
        let early = EarlyDeletion { class: body.storage_class().to_owned(), bytes: body.size, since_s };
        tx.put(&EARLY_DELETIONS, &(bucket, key, since_s, record.seq), &early)?;
    }
    match &record.body {
        Some(body) => release_data(tx, &body.data, freed).await,
        None => Ok(()),
    }
}

pub(crate) async fn release_data(tx: &Tx, data: &Data, freed: &mut Freed) -> Result<(), StoreError> {
    let Data::Parts(id) = data else { return release_piece(tx, data, freed) };
    let manifest = tx.get(&MANIFESTS, id).await?;
    for part in manifest.iter().flat_map(|manifest| &manifest.parts) {
        release_piece(tx, &part.data, freed)?;
    }
    tx.delete(&MANIFESTS, id)
}

pub(crate) fn release_piece(tx: &Tx, data: &Data, freed: &mut Freed) -> Result<(), StoreError> {
    match data {
        Data::Empty | Data::Parts(_) => Ok(()),
        Data::Inline(id) => tx.delete(&INLINE, id),
        Data::Blob(id) => {
            freed.push(*id);
            let id = id.to_bytes().to_vec();
            tx.put(&FREED, &id, &())?;
            tx.delete(&BLOBS, &id)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_ids_tell_their_number_and_look_random() {
        let mut random = [0u8; 16];
        for seq in [0, 1, 2, 1000, u64::MAX] {
            random[0] = random[0].wrapping_add(17);
            let id = version_id(seq, random);
            assert_eq!(id.len(), 32);
            assert_eq!(parse_version_id(&id), Some(seq));
        }
        for bad in ["", "null", "x", &"!".repeat(32), &"a".repeat(31), &"a".repeat(33), "é"] {
            assert_eq!(parse_version_id(bad), None, "{bad}");
        }
    }
}
