use haneul_blob::BlobId;
use haneul_kit::{ApiError, Instant, Result};
use haneul_store::{Batch, Range, Reads, StoreError, Tx};

use super::aging::{DueRow, due_row};
use super::annotations::{self, NewAnnotation};
use super::tables::{BLOBS, CURRENT, DUE, FREED, INLINE, MANIFESTS, STATES, VERSIONS};
use super::versions::{self, Making, order};
use super::watch::{Change, Watch};
use super::{Freed, Records};
use crate::conditions::WriteConditions;
use crate::error::{self, Failure};
use crate::model::object::NULL;
use crate::model::{Body, Data, DataId, Manifest, ObjectRecord, Versioning};
use crate::tiering;

/// Rows that one commit of deletions takes along beside those of the keys themselves; a transaction has room for twice as many.
/// The largest object has 1,000 annotations and 10,000 parts.
const DELETING_WRITES_MAX: usize = haneul_store::tx::TX_WRITES_MAX / 2;

/// A piece of bytes is no longer owned, and freed; the row of an annotation goes, too.
const PIECE_WRITES: usize = 2;
const ANNOTATION_WRITES: usize = 1 + PIECE_WRITES;

/// An object about to be written.
pub(crate) struct NewObject<'a> {
    pub(crate) bucket: u64,
    pub(crate) bucket_name: &'a str,
    pub(crate) key: &'a str,
    pub(crate) owner: Option<u64>,
    pub(crate) body: &'a Body,
    /// The bytes, when `body.data` is inline.
    pub(crate) inline: Option<&'a Vec<u8>>,
    pub(crate) annotations: &'a [NewAnnotation],
    pub(crate) conditions: &'a WriteConditions,
    pub(crate) now: Instant,
    /// Its Last-Modified: of an upload in parts, when that was begun.
    pub(crate) modified: Instant,
    /// For the version id.
    pub(crate) random: [u8; 16],
    pub(crate) watch: &'a Watch<'a>,
}

/// One key of a delete.
pub(crate) struct Deletion<'a> {
    pub(crate) key: &'a str,
    pub(crate) version: Option<&'a str>,
    pub(crate) conditions: WriteConditions,
    pub(crate) random: [u8; 16],
    /// Breaks governance locks.
    pub(crate) bypass_governance: bool,
}

/// What a delete did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Deleted {
    /// A delete marker was made, or was what was deleted.
    pub(crate) delete_marker: bool,
    /// Of the marker that was made, or of what was deleted by its id.
    pub(crate) version_id: Option<String>,
}

impl Records {
    /// The current version of a key, or the named one, with the bytes' whereabouts resolved in the same state.
    pub(crate) async fn find(
        &self,
        bucket: u64,
        key: &str,
        version: Option<&str>,
    ) -> Result<Option<ObjectRecord>> {
        if version.is_none() {
            return self.store.get(&CURRENT, &(bucket, key)).await.map_err(error::store);
        }
        let snapshot = self.store.snapshot().await.map_err(error::store)?;
        versions::find(&snapshot, bucket, key, version).await.map_err(error::store)
    }

    /// The name of the version of a key that has this number.
    pub(crate) async fn name_of(&self, bucket: u64, key: &str, seq: u64) -> Result<Option<String>> {
        let current = self.store.get(&CURRENT, &(bucket, key)).await.map_err(error::store)?;
        let found = match current.filter(|current| current.seq == seq) {
            Some(current) => Some(current),
            None => self.store.get(&VERSIONS, &(bucket, key, order(seq))).await.map_err(error::store)?,
        };
        Ok(found.map(|record| record.version_name().to_owned()))
    }

    /// A version with its bytes, when they are inline, of one state.
    pub(crate) async fn read(
        &self,
        bucket: u64,
        key: &str,
        version: Option<&str>,
    ) -> Result<(Option<ObjectRecord>, Option<Vec<u8>>)> {
        let snapshot = self.store.snapshot().await.map_err(error::store)?;
        let found = versions::find(&snapshot, bucket, key, version).await.map_err(error::store)?;
        let data = found.as_ref().and_then(|record| record.body.as_ref()).map(|body| &body.data);
        let inline = match data {
            Some(Data::Inline(id)) => snapshot.get(&INLINE, id).await.map_err(error::store)?,
            _ => None,
        };
        Ok((found, inline))
    }

    pub(crate) async fn inline(&self, id: &DataId) -> Result<Option<Vec<u8>>> {
        self.store.get(&INLINE, id).await.map_err(error::store)
    }

    pub(crate) async fn manifest(&self, id: &DataId) -> Result<Option<Manifest>> {
        self.store.get(&MANIFESTS, id).await.map_err(error::store)
    }

    /// Whether some record owns the blob.
    pub(crate) async fn owns_blob(&self, id: BlobId) -> Result<bool> {
        Ok(self.store.get(&BLOBS, &id.to_bytes().to_vec()).await.map_err(error::store)?.is_some())
    }

    /// Blobs whose records are gone and whose files may not be, after `after`.
    pub(crate) async fn freed(&self, after: Option<BlobId>, limit: usize) -> Result<Freed> {
        let range = match after {
            Some(after) => Range::all().after(&after.to_bytes().to_vec()),
            None => Range::all(),
        };
        let rows = self.store.scan_keys(&FREED, range, limit).await.map_err(error::store)?;
        let id = |row: Vec<u8>| row.try_into().map(BlobId::from_bytes);
        rows.into_iter()
            .map(|row| id(row).map_err(|_| ApiError::internal("a row of s3.freed is no id")))
            .collect()
    }

    /// Their files are gone too.
    pub(crate) async fn forget_freed(&self, ids: &[BlobId]) -> Result<()> {
        let mut batch = Batch::default();
        for id in ids {
            batch.delete(&FREED, &id.to_bytes().to_vec()).map_err(error::store)?;
        }
        self.store.write(batch).await.map_err(error::store)
    }

    /// Writes an object, and its bytes when they are inline, in one commit.
    pub(crate) async fn put_object(&self, new: &NewObject<'_>) -> Result<(ObjectRecord, Freed)> {
        let done = self.store.transact(|tx| async move {
            let mut freed = Freed::new();
            let record = put_in(&tx, new, &mut freed).await?;
            keep_data(&tx, &new.body.data, new.inline)?;
            Ok::<_, Failure>((record, freed))
        });
        Ok(done.await?)
    }

    /// Deletes keys, each by itself: one that fails does not keep the others. What is much is deleted in several commits, as
    /// no transaction takes any number of writes.
    pub(crate) async fn delete_objects(
        &self,
        bucket: u64,
        bucket_name: &str,
        deletions: &[Deletion<'_>],
        now: Instant,
        watch: &Watch<'_>,
    ) -> Result<(Vec<Result<Deleted>>, Freed)> {
        let (mut results, mut freed) = (Vec::with_capacity(deletions.len()), Freed::new());
        while results.len() < deletions.len() {
            match self.delete_some(bucket, bucket_name, &deletions[results.len()..], now, watch).await {
                Ok((some, some_freed)) => {
                    results.extend(some);
                    freed.extend(some_freed);
                }
                Err(error) if results.is_empty() => return Err(error),
                // What was deleted is: only the others fail.
                Err(error) => {
                    results.resize_with(deletions.len(), || Err(ApiError::internal(error.to_string())))
                }
            }
        }
        Ok((results, freed))
    }

    /// Deletes, in one commit, the first key and as many of those after it as fit in.
    async fn delete_some(
        &self,
        bucket: u64,
        bucket_name: &str,
        deletions: &[Deletion<'_>],
        now: Instant,
        watch: &Watch<'_>,
    ) -> Result<(Vec<Result<Deleted>>, Freed)> {
        let done = self.store.transact(|tx| async move {
            let versioning = state(&tx, bucket, bucket_name).await?;
            let mut freed = Freed::new();
            let mut results = Vec::new();
            let mut writes = 0;
            for deletion in deletions {
                writes += writes_of(&tx, bucket, versioning, deletion).await?;
                if writes > DELETING_WRITES_MAX && !results.is_empty() {
                    break;
                }
                let result = delete_in(&tx, bucket, versioning, deletion, now, watch, &mut freed).await;
                results.push(match result {
                    Ok(deleted) => Ok(deleted),
                    Err(Failure::Api(error)) => Err(error),
                    Err(failure) => return Err(failure),
                });
            }
            Ok::<_, Failure>((results, freed))
        });
        Ok(done.await?)
    }

    /// Changes what is written of a version, not its bytes, where `change` says that it did; `watched` is told of it then. Gives
    /// the version as it is, or `None` when there is no such one.
    pub(crate) async fn change_object(
        &self,
        bucket: u64,
        key: &str,
        version: Option<&str>,
        change: impl Fn(&mut ObjectRecord) -> Result<bool> + Sync,
        watched: Option<(&Watch<'_>, &Change)>,
    ) -> Result<Option<ObjectRecord>> {
        self.change_object_due(bucket, key, version, change, watched, |_| Vec::new()).await
    }

    /// The same, and notes when the key has to be looked at.
    pub(crate) async fn change_object_due(
        &self,
        bucket: u64,
        key: &str,
        version: Option<&str>,
        change: impl Fn(&mut ObjectRecord) -> Result<bool> + Sync,
        watched: Option<(&Watch<'_>, &Change)>,
        due: impl Fn(&ObjectRecord) -> Vec<DueRow> + Sync,
    ) -> Result<Option<ObjectRecord>> {
        let (change, due) = (&change, &due);
        let done = self.store.transact(|tx| async move {
            let Some(mut record) = versions::find(&tx, bucket, key, version).await? else { return Ok(None) };
            if !change(&mut record)? {
                return Ok(Some(record));
            }
            put_changed(&tx, bucket, key, &record).await?;
            for row in due(&record) {
                tx.put(&DUE, &row, &())?;
            }
            if let Some((watch, what)) = watched.filter(|_| !record.is_delete_marker()) {
                watch.changed(&tx, key, &record, what)?;
            }
            Ok::<_, Failure>(Some(record))
        });
        Ok(done.await?)
    }
}

/// Puts what was changed of a version where the version is.
pub(super) async fn put_changed(
    tx: &Tx,
    bucket: u64,
    key: &str,
    record: &ObjectRecord,
) -> Result<(), StoreError> {
    let current = tx.get(&CURRENT, &(bucket, key)).await?;
    if current.is_some_and(|current| current.seq == record.seq) {
        tx.put(&CURRENT, &(bucket, key), record)
    } else {
        tx.put(&VERSIONS, &(bucket, key, order(record.seq)), record)
    }
}

/// Puts an object's record; the caller puts what its data needs.
pub(super) async fn put_in(tx: &Tx, new: &NewObject<'_>, freed: &mut Freed) -> Result<ObjectRecord, Failure> {
    let versioning = state(tx, new.bucket, new.bucket_name).await?;
    let current = tx.get(&CURRENT, &(new.bucket, new.key)).await?;
    new.conditions.check(new.key, current.as_ref().and_then(ObjectRecord::etag))?;
    let mut record = ObjectRecord {
        seq: 0,
        version_id: None,
        older: false,
        modified_s: new.modified.secs(),
        noncurrent_since_s: None,
        owner: new.owner,
        body: Some(new.body.clone()),
        replication: None,
        annotations: new.annotations.len() as u32,
    };
    new.watch.prepare(new.key, &mut record);
    let at = (new.bucket, new.key);
    let making = Making { versioning, random: new.random, now_s: new.now.secs() };
    let record = versions::push(tx, at, current, record, &making, freed).await?;
    annotations::put_all(tx, (new.bucket, new.key, record.seq), new.annotations)?;
    if tiering::is_watched(new.body) {
        tx.put(&DUE, &due_row(tiering::first_due_s(new.now.secs()), new.bucket_name, new.key), &())?;
    }
    new.watch.created(tx, new.key, &record)?;
    Ok(record)
}

/// Puts the row that owns new bytes.
pub(super) fn keep_data(tx: &Tx, data: &Data, inline: Option<&Vec<u8>>) -> Result<(), Failure> {
    match (data, inline) {
        (Data::Inline(id), Some(bytes)) => tx.put(&INLINE, id, bytes)?,
        (Data::Blob(id), _) => tx.put(&BLOBS, &id.to_bytes().to_vec(), &())?,
        _ => {}
    }
    Ok(())
}

pub(super) async fn state(tx: &Tx, bucket: u64, name: &str) -> Result<Versioning, Failure> {
    let state = tx.get(&STATES, &bucket).await?;
    state.map(Versioning::of_number).ok_or_else(|| Failure::Api(error::no_such_bucket(name)))
}

/// Rows of pieces of bytes, and of annotations, that a deletion takes along.
async fn writes_of(
    tx: &Tx,
    bucket: u64,
    versioning: Versioning,
    deletion: &Deletion<'_>,
) -> Result<usize, StoreError> {
    let version = match (deletion.version, versioning) {
        (None, Versioning::Enabled) => return Ok(0),
        // A marker, or nothing, takes the place of the null version.
        (version, _) => version.unwrap_or(NULL),
    };
    let found = versions::find(tx, bucket, deletion.key, Some(version)).await?;
    Ok(found.map_or(0, |found| {
        let parts = found.body.map_or(0, |body| body.parts);
        found.annotations as usize * ANNOTATION_WRITES + parts as usize * PIECE_WRITES
    }))
}

async fn delete_in(
    tx: &Tx,
    bucket: u64,
    versioning: Versioning,
    deletion: &Deletion<'_>,
    now: Instant,
    watch: &Watch<'_>,
    freed: &mut Freed,
) -> Result<Deleted, Failure> {
    let at = (bucket, deletion.key);
    if let Some(version) = deletion.version {
        let found = versions::find(tx, bucket, deletion.key, Some(version)).await?;
        if let Some(found) = &found {
            if !deletion.conditions.is_empty() {
                deletion.conditions.check(deletion.key, found.etag())?;
            }
            let lock = found.body.as_ref().map(|body| body.lock).unwrap_or_default();
            if lock.forbids_deletion(now, deletion.bypass_governance) {
                return Err(Failure::Api(error::locked()));
            }
        }
        let removed = versions::remove(tx, at, version, freed).await?;
        if let Some(removed) = &removed {
            watch.removed(tx, deletion.key, removed)?;
        }
        return Ok(Deleted {
            delete_marker: removed.is_some_and(|removed| removed.is_delete_marker()),
            version_id: Some(version.to_owned()),
        });
    }
    let current = tx.get(&CURRENT, &at).await?;
    deletion.conditions.check_deletion(deletion.key, current.as_ref().map(ObjectRecord::etag))?;
    if versioning == Versioning::Off {
        if let Some(current) = current {
            versions::release(tx, at, &current, freed).await?;
            tx.delete(&CURRENT, &at)?;
            watch.removed(tx, deletion.key, &current)?;
        }
        return Ok(Deleted::default());
    }
    let mut marker = ObjectRecord {
        seq: 0,
        version_id: None,
        older: false,
        modified_s: now.secs(),
        noncurrent_since_s: None,
        owner: None,
        body: None,
        replication: None,
        annotations: 0,
    };
    watch.prepare(deletion.key, &mut marker);
    let making = Making { versioning, random: deletion.random, now_s: now.secs() };
    let marker = versions::push(tx, at, current, marker, &making, freed).await?;
    watch.marked(tx, deletion.key, &marker)?;
    Ok(Deleted { delete_marker: true, version_id: Some(marker.version_name().to_owned()) })
}
