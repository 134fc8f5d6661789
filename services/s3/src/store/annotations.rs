//! Annotations of versions of objects. An object's record knows how many there are, so that one without any costs nothing.

use haneul_kit::{Instant, Result};
use haneul_store::{Range, Reads, StoreError, Tx};

use super::objects::{keep_data, put_changed, state};
use super::tables::{ANNOTATIONS, INLINE};
use super::versions::{self, release_piece};
use super::watch::{Change, Watch};
use super::{Freed, Records};
use crate::error::{self, Failure};
use crate::model::annotation::AnnotationRecord;
use crate::model::{Data, ObjectRecord};

/// Of a version (S3 User Guide, "Annotating your objects").
pub(crate) const ANNOTATIONS_MAX: usize = 1000;

/// The version that is annotated, as it was found: by what it was asked for, and by its number.
#[derive(Clone, Copy)]
pub(crate) struct AnnotatedAt<'a> {
    pub(crate) bucket: u64,
    pub(crate) bucket_name: &'a str,
    pub(crate) key: &'a str,
    pub(crate) version: Option<&'a str>,
    pub(crate) seq: u64,
    /// `x-amz-object-if-match`
    pub(crate) if_match: Option<&'a str>,
}

pub(crate) struct NewAnnotation {
    pub(crate) name: String,
    pub(crate) record: AnnotationRecord,
    /// The bytes, when `record.data` is inline.
    pub(crate) inline: Option<Vec<u8>>,
}

impl Records {
    /// An annotation with its bytes, when they are inline, of one state.
    pub(crate) async fn annotation(
        &self,
        bucket: u64,
        key: &str,
        seq: u64,
        name: &str,
    ) -> Result<Option<(AnnotationRecord, Option<Vec<u8>>)>> {
        let snapshot = self.store.snapshot().await.map_err(error::store)?;
        let found = snapshot.get(&ANNOTATIONS, &(bucket, key, seq, name)).await.map_err(error::store)?;
        let Some(found) = found else { return Ok(None) };
        let inline = match &found.data {
            Data::Inline(id) => snapshot.get(&INLINE, id).await.map_err(error::store)?,
            _ => None,
        };
        Ok(Some((found, inline)))
    }

    /// Those of a version whose names begin with `prefix`, in order, after the one named `after`.
    pub(crate) async fn annotations(
        &self,
        bucket: u64,
        key: &str,
        seq: u64,
        (prefix, after): (&str, Option<&str>),
        limit: usize,
    ) -> Result<Vec<(String, AnnotationRecord)>> {
        let mut range = Range::prefix((bucket, key, seq)).text(prefix);
        if let Some(after) = after {
            range = range.after(&(bucket, key, seq, after));
        }
        let rows = self.store.scan(&ANNOTATIONS, range, limit).await.map_err(error::store)?;
        Ok(rows.into_iter().map(|((_, _, _, name), record)| (name, record)).collect())
    }

    /// Puts one, also in the place of an old one where no lock keeps that. `bypass` breaks governance locks.
    pub(crate) async fn put_annotation(
        &self,
        at: AnnotatedAt<'_>,
        new: &NewAnnotation,
        (now, bypass): (Instant, bool),
        watch: &Watch<'_>,
    ) -> Result<(ObjectRecord, Freed)> {
        let done = self.store.transact(|tx| async move {
            let mut freed = Freed::new();
            let mut object = found(&tx, at).await?;
            let row = (at.bucket, at.key, at.seq, new.name.as_str());
            match tx.get(&ANNOTATIONS, &row).await? {
                Some(old) => {
                    check_unlocked(&object, now, bypass)?;
                    release_piece(&tx, &old.data, &mut freed)?;
                }
                None if object.annotations as usize >= ANNOTATIONS_MAX => {
                    let message =
                        "The request would exceed the maximum number of annotations allowed per object.";
                    return Err(Failure::Api(error::new("AnnotationLimitExceeded", 400, message)));
                }
                None => {
                    object.annotations += 1;
                    put_changed(&tx, at.bucket, at.key, &object).await?;
                }
            }
            tx.put(&ANNOTATIONS, &row, &new.record)?;
            keep_data(&tx, &new.record.data, new.inline.as_ref())?;
            watch.changed(&tx, at.key, &object, &Change::AnnotationPut)?;
            Ok::<_, Failure>((object, freed))
        });
        Ok(done.await?)
    }

    /// Deletes one, if it is there. `bypass` breaks governance locks.
    pub(crate) async fn delete_annotation(
        &self,
        at: AnnotatedAt<'_>,
        name: &str,
        (now, bypass): (Instant, bool),
        watch: &Watch<'_>,
    ) -> Result<(ObjectRecord, Freed)> {
        let done = self.store.transact(|tx| async move {
            let mut freed = Freed::new();
            let mut object = found(&tx, at).await?;
            let row = (at.bucket, at.key, at.seq, name);
            let Some(old) = tx.get(&ANNOTATIONS, &row).await? else { return Ok((object, freed)) };
            check_unlocked(&object, now, bypass)?;
            release_piece(&tx, &old.data, &mut freed)?;
            tx.delete(&ANNOTATIONS, &row)?;
            object.annotations = object.annotations.saturating_sub(1);
            put_changed(&tx, at.bucket, at.key, &object).await?;
            watch.changed(&tx, at.key, &object, &Change::AnnotationDeleted)?;
            Ok::<_, Failure>((object, freed))
        });
        Ok(done.await?)
    }
}

/// The version, if it is still the one that it was.
async fn found(tx: &Tx, at: AnnotatedAt<'_>) -> Result<ObjectRecord, Failure> {
    state(tx, at.bucket, at.bucket_name).await?;
    let found = versions::find(tx, at.bucket, at.key, at.version).await?;
    let object = found.filter(|object| object.seq == at.seq && object.body.is_some());
    let object = object.ok_or_else(|| Failure::Api(changed()))?;
    match at.if_match {
        Some(tag) if object.etag() != Some(tag.trim_matches('"')) => {
            Err(Failure::Api(error::precondition_failed("x-amz-object-if-match")))
        }
        _ => Ok(object),
    }
}

/// An annotation is as locked as the version that has it.
fn check_unlocked(object: &ObjectRecord, now: Instant, bypass: bool) -> Result<(), Failure> {
    let lock = object.body.as_ref().map(|body| body.lock).unwrap_or_default();
    if lock.forbids_deletion(now, bypass) { Err(Failure::Api(error::locked())) } else { Ok(()) }
}

/// Somebody else has changed the object, or its annotations, meanwhile.
pub(crate) fn changed() -> haneul_kit::ApiError {
    let message =
        "A conflicting conditional operation is currently in progress against this resource. Try again.";
    error::new("OperationAborted", 409, message)
}

/// Puts the annotations of a new object.
pub(super) fn put_all(tx: &Tx, at: (u64, &str, u64), annotations: &[NewAnnotation]) -> Result<(), Failure> {
    let (bucket, key, seq) = at;
    for new in annotations {
        tx.put(&ANNOTATIONS, &(bucket, key, seq, new.name.as_str()), &new.record)?;
        keep_data(tx, &new.record.data, new.inline.as_ref())?;
    }
    Ok(())
}

/// Takes the annotations of a version away, which goes.
pub(super) async fn release_all(tx: &Tx, at: (u64, &str, u64), freed: &mut Freed) -> Result<(), StoreError> {
    for (row, record) in tx.scan(&ANNOTATIONS, Range::prefix(at), ANNOTATIONS_MAX).await? {
        release_piece(tx, &record.data, freed)?;
        tx.delete(&ANNOTATIONS, &row)?;
    }
    Ok(())
}
