use haneul_kit::{Instant, Result};
use haneul_store::{Range, Reads, Tx};

use super::assembly::{Assembled, ListedPart, PART_NUMBER_MAX, Whole, assemble};
use super::objects::{self, NewObject};
use super::tables::{COMPLETED, CURRENT, MANIFESTS, PARTS, UPLOADS};
use super::versions::release_piece;
use super::watch::Watch;
use super::{Freed, Records};
use crate::conditions::WriteConditions;
use crate::error::{self, Failure};
use crate::model::{CompletedUpload, Data, DataId, PartRecord, UploadRecord};

/// Names an upload.
#[derive(Clone, Copy)]
pub(crate) struct UploadAt<'a> {
    pub(crate) bucket: u64,
    pub(crate) bucket_name: &'a str,
    pub(crate) key: &'a str,
    pub(crate) upload_id: &'a str,
}

impl<'a> UploadAt<'a> {
    fn row(&self) -> (u64, &'a str, &'a str) {
        (self.bucket, self.key, self.upload_id)
    }
}

/// What CompleteMultipartUpload brings.
pub(crate) struct Completion<'a> {
    pub(crate) at: UploadAt<'a>,
    pub(crate) listed: &'a [ListedPart],
    pub(crate) whole: &'a Whole,
    pub(crate) conditions: &'a WriteConditions,
    pub(crate) now: Instant,
    pub(crate) random: [u8; 16],
    pub(crate) manifest_id: DataId,
    pub(crate) watch: &'a Watch<'a>,
}

impl Records {
    pub(crate) async fn create_upload(&self, at: UploadAt<'_>, upload: &UploadRecord) -> Result<()> {
        let done = self.store.transact(|tx| async move {
            objects::state(&tx, at.bucket, at.bucket_name).await?;
            let began_over = current(&tx, at).await?.map_or(0, |(number, _)| number);
            tx.put(&UPLOADS, &at.row(), &UploadRecord { began_over: Some(began_over), ..upload.clone() })?;
            Ok::<_, Failure>(())
        });
        Ok(done.await?)
    }

    pub(crate) async fn upload(&self, at: UploadAt<'_>) -> Result<UploadRecord> {
        let found = self.store.get(&UPLOADS, &at.row()).await.map_err(error::store)?;
        found.ok_or_else(|| error::no_such_upload(at.upload_id))
    }

    /// Puts a part, in the place of an earlier one of its number.
    pub(crate) async fn put_part(
        &self,
        at: UploadAt<'_>,
        number: u32,
        part: &PartRecord,
        inline: Option<&Vec<u8>>,
    ) -> Result<Freed> {
        let done = self.store.transact(|tx| async move {
            if tx.get(&UPLOADS, &at.row()).await?.is_none() {
                return Err(Failure::Api(error::no_such_upload(at.upload_id)));
            }
            let mut freed = Freed::new();
            let row = (at.bucket, at.upload_id, number);
            if let Some(old) = tx.get(&PARTS, &row).await? {
                release_piece(&tx, &old.data, &mut freed)?;
            }
            tx.put(&PARTS, &row, part)?;
            objects::keep_data(&tx, &part.data, inline)?;
            Ok(freed)
        });
        Ok(done.await?)
    }

    /// Parts in order, after `after`.
    pub(crate) async fn parts(
        &self,
        at: UploadAt<'_>,
        after: u32,
        limit: usize,
    ) -> Result<Vec<(u32, PartRecord)>> {
        let range = Range::prefix((at.bucket, at.upload_id)).after(&(at.bucket, at.upload_id, after));
        let rows = self.store.scan(&PARTS, range, limit).await.map_err(error::store)?;
        Ok(rows.into_iter().map(|((_, _, number), part)| (number, part)).collect())
    }

    /// Makes the object of its parts. The same completion again gets the same answer for as long as it is remembered.
    pub(crate) async fn complete_upload(
        &self,
        completion: &Completion<'_>,
    ) -> Result<(CompletedUpload, Freed)> {
        let at = completion.at;
        let done = self.store.transact(|tx| async move {
            let Some(upload) = tx.get(&UPLOADS, &at.row()).await? else {
                let before = tx.get(&COMPLETED, &(at.bucket, at.upload_id)).await?;
                let before = before.filter(|before| before.key == at.key);
                let before = before.ok_or_else(|| error::no_such_upload(at.upload_id))?;
                return Ok((before, Freed::new()));
            };
            let parts = all_parts(&tx, at).await?;
            let numbers: Vec<u32> = parts.iter().map(|(number, _)| *number).collect();
            let made = assemble(
                at.upload_id,
                &upload,
                parts,
                completion.listed,
                completion.whole,
                completion.manifest_id,
            )?;
            check_conflict(&tx, completion, &upload).await?;
            finish(&tx, completion, &upload, &made, &numbers).await
        });
        let done: Result<_, Failure> = done.await;
        Ok(done?)
    }

    /// Forgets an upload and frees its parts.
    pub(crate) async fn abort_upload(&self, at: UploadAt<'_>) -> Result<Freed> {
        let done = self.store.transact(|tx| async move {
            if tx.get(&UPLOADS, &at.row()).await?.is_none() {
                return Err(Failure::Api(error::no_such_upload(at.upload_id)));
            }
            let mut freed = Freed::new();
            for (number, part) in all_parts(&tx, at).await? {
                release_piece(&tx, &part.data, &mut freed)?;
                tx.delete(&PARTS, &(at.bucket, at.upload_id, number))?;
            }
            tx.delete(&UPLOADS, &at.row())?;
            Ok(freed)
        });
        Ok(done.await?)
    }

    /// Completions after `after`, for the task that forgets them.
    pub(crate) async fn completed(
        &self,
        after: Option<&(u64, String)>,
        limit: usize,
    ) -> Result<Vec<((u64, String), CompletedUpload)>> {
        let range = match after {
            Some(row) => Range::all().after(row),
            None => Range::all(),
        };
        self.store.scan(&COMPLETED, range, limit).await.map_err(error::store)
    }

    pub(crate) async fn forget_completed(&self, row: &(u64, String)) -> Result<()> {
        self.store.delete(&COMPLETED, row).await.map_err(error::store)
    }
}

async fn all_parts(tx: &Tx, at: UploadAt<'_>) -> Result<Vec<(u32, PartRecord)>, Failure> {
    let rows = tx.scan(&PARTS, Range::prefix((at.bucket, at.upload_id)), PART_NUMBER_MAX as usize).await?;
    Ok(rows.into_iter().map(|((_, _, number), part)| (number, part)).collect())
}

/// The number and the ETag of the object that has the key.
async fn current(tx: &Tx, at: UploadAt<'_>) -> Result<Option<(u64, String)>, Failure> {
    let record = tx.get(&CURRENT, &(at.bucket, at.key)).await?;
    Ok(record.and_then(|record| Some((record.seq, record.body?.etag))))
}

/// A condition that holds in the end does not help where somebody else wrote or deleted the key meanwhile
/// (CompleteMultipartUpload, "If-Match" and "If-None-Match").
async fn check_conflict(tx: &Tx, completion: &Completion<'_>, upload: &UploadRecord) -> Result<(), Failure> {
    let (at, conditions) = (completion.at, completion.conditions);
    let Some(before) = upload.began_over.filter(|_| !conditions.is_empty()) else { return Ok(()) };
    let now = current(tx, at).await?;
    conditions.check(at.key, now.as_ref().map(|(_, etag)| etag.as_str()))?;
    if now.map_or(0, |(number, _)| number) == before {
        return Ok(());
    }
    let condition = if conditions.if_match.is_some() { "If-Match" } else { "If-None-Match" };
    Err(Failure::Api(error::conflicting_write(condition, at.key)))
}

async fn finish(
    tx: &Tx,
    completion: &Completion<'_>,
    upload: &UploadRecord,
    made: &Assembled,
    numbers: &[u32],
) -> Result<(CompletedUpload, Freed), Failure> {
    let at = completion.at;
    let mut freed = Freed::new();
    let new = NewObject {
        bucket: at.bucket,
        bucket_name: at.bucket_name,
        key: at.key,
        owner: upload.owner,
        body: &made.body,
        inline: None,
        annotations: &[],
        conditions: completion.conditions,
        now: completion.now,
        // S3 User Guide, "Working with object metadata", of Last-Modified.
        modified: Instant::from_millis(upload.initiated_ms),
        random: completion.random,
        watch: completion.watch,
    };
    let record = objects::put_in(tx, &new, &mut freed).await?;
    if let Data::Parts(id) = &made.body.data {
        tx.put(&MANIFESTS, id, &made.manifest)?;
    }
    for data in &made.unused {
        release_piece(tx, data, &mut freed)?;
    }
    for number in numbers {
        tx.delete(&PARTS, &(at.bucket, at.upload_id, *number))?;
    }
    tx.delete(&UPLOADS, &at.row())?;
    let completed = CompletedUpload {
        key: at.key.to_owned(),
        completed_ms: completion.now.millis(),
        etag: made.body.etag.clone(),
        version_id: record.version_id,
        checksum: made.body.checksum.clone(),
        sealed: made.body.sealed.clone(),
    };
    tx.put(&COMPLETED, &(at.bucket, at.upload_id), &completed)?;
    Ok((completed, freed))
}
