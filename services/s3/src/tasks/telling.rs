//! Who is told of a day of S3 Storage Lens, once it is durable: CloudWatch, and the bucket of the export.

use haneul_kit::{ApiError, Instant, Result};

use super::BATCH;
use super::delivering::{Encrypted, For};
use crate::S3;
use crate::checksum::md5_hex;
use crate::lifecycle::DAY_S;
use crate::model::storage_lens::{Lens, LensEncryption, LensExport, Pending};
use crate::storage_lens::file::{File, Place};
use crate::storage_lens::{self, report};
use crate::store::storage_lens::LensRow;

/// Lines of one file: it is in memory while it is made.
const FILE_LINES_MAX: usize = 200_000;

/// Tells whoever was not told of what was counted; gives whether all could be. A crash on the way has CloudWatch told
/// again, and files written over.
pub(super) async fn tell(s3: &S3) -> Result<bool> {
    let (mut after, mut well): (Option<LensRow>, _) = (None, true);
    loop {
        let page = s3.records.all_lenses(after.as_ref(), BATCH).await?;
        for (row, lens) in &page {
            let Some(pending) = lens.pending else { continue };
            if let Err(error) = tell_of(s3, row, lens, pending).await {
                tracing::warn!(%error, account = %row.0, id = row.2, "a report of Storage Lens could not be delivered");
                well = false;
            }
        }
        if page.len() < BATCH {
            return Ok(well);
        }
        after = page.into_iter().last().map(|(row, _)| row);
    }
}

async fn tell_of(s3: &S3, row: &LensRow, lens: &Lens, pending: Pending) -> Result<()> {
    let change = |waits: Option<Pending>| {
        move |lens: &mut Lens| {
            if lens.pending.is_some_and(|now| now.day == pending.day) {
                lens.pending = waits;
            }
        }
    };
    if !pending.published {
        publish(s3, row, pending.day).await?;
        let published = Pending { published: true, ..pending };
        s3.records.change_lens(row, change(Some(published))).await?;
    }
    if let Some(export) = &lens.configuration.export {
        deliver(s3, &Place { row, export, day: pending.day }).await?;
    }
    s3.records.change_lens(row, change(None)).await?;
    s3.records.forget_report(row).await
}

async fn publish(s3: &S3, row: &LensRow, day: u64) -> Result<()> {
    let midnight = Instant::from_secs((day as i64 + 1) * DAY_S);
    let mut after = None;
    while let Some((number, part)) = s3.records.report_part(row, after).await? {
        report::publish(row, &part.rows, &s3.platform.metrics, midnight);
        after = Some(number);
    }
    Ok(())
}

async fn deliver(s3: &S3, place: &Place<'_>) -> Result<()> {
    let (account, home, id) = place.row;
    let LensExport { bucket, account: owner, format, .. } = place.export;
    let name = bucket.rsplit(':').next().unwrap_or_default();
    let target = s3.bucket_anywhere(name, &Some(owner.clone())).await?;
    if target.region != *home {
        return Err(ApiError::new("InvalidS3DestinationBucket", "The destination is in another Region"));
    }
    let puts = For {
        principal: storage_lens::PRINCIPAL,
        account: *account,
        arn: storage_lens::arn(*home, *account, id),
        encryption: place.export.encryption.as_ref().map(|encryption| match encryption {
            LensEncryption::S3 => Encrypted::S3,
            LensEncryption::Kms(key) => Encrypted::Kms(key.clone()),
        }),
    };
    let (mut files, mut file, mut after) = (Vec::new(), File::new(*format), None);
    loop {
        let part = s3.records.report_part(place.row, after).await?;
        if let Some((number, part)) = &part {
            part.rows.iter().for_each(|row| file.add(place, row));
            after = Some(*number);
        }
        if file.lines >= FILE_LINES_MAX || part.is_none() {
            let bytes = std::mem::replace(&mut file, File::new(*format)).finish();
            let key = place.report_key(files.len());
            files.push((key.clone(), bytes.len(), md5_hex(&bytes)));
            puts.put(s3, &target, key, bytes, "application/octet-stream").await?;
        }
        if part.is_none() {
            break;
        }
    }
    let manifest = place.manifest(&files).into_bytes();
    puts.put(s3, &target, place.manifest_key(), manifest, "application/json").await
}
