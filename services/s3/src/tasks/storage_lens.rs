//! The day of S3 Storage Lens: counting while buckets are walked over, and delivering what was counted.

use haneul_kit::{AccountId, ApiError, Instant, Region, Result};

use super::BATCH;
use super::delivering::{Encrypted, For};
use crate::S3;
use crate::analysis::day_of;
use crate::bucket::Bucket;
use crate::checksum::md5_hex;
use crate::model::storage_lens::{GroupFilter, Lens, LensEncryption, LensExport, ReportPart};
use crate::storage_lens::counting::Counting;
use crate::storage_lens::file::{File, Place};
use crate::storage_lens::metrics::Name;
use crate::storage_lens::prefixes::Asked;
use crate::storage_lens::report::Report;
use crate::storage_lens::{self, is_about};
use crate::store::storage_lens::LensRow;

/// Configurations that one walk counts for; others wait for the next walk.
const REPORTS_MAX: usize = 2000;

/// Groups of an account in a Region: there are no more.
const GROUPS_MAX: usize = 50;

/// Rows that are kept together.
const PART_ROWS: usize = 200;

/// Lines of one file: it is in memory while it is made.
const FILE_LINES_MAX: usize = 200_000;

/// An export that could not be delivered is tried again after so many seconds.
const RETRY_S: i64 = 3600;

/// The configurations for which a day is counted.
pub(super) struct LensDay {
    day: u64,
    midnight: Instant,
    now_s: i64,
    reports: Vec<Report>,
    groups: Vec<(AccountId, Region, String, GroupFilter)>,
}

impl LensDay {
    /// Those that have not told of the day that ended last.
    pub(super) async fn begin(s3: &S3, now: Instant) -> Result<LensDay> {
        let today = day_of(now.secs());
        let midnight = Instant::from_secs(today as i64 * crate::lifecycle::DAY_S);
        let mut day = LensDay {
            day: today.saturating_sub(1),
            midnight,
            now_s: now.secs(),
            reports: Vec::new(),
            groups: Vec::new(),
        };
        let mut after: Option<LensRow> = None;
        while day.reports.len() < REPORTS_MAX {
            let page = s3.records.all_lenses(after.as_ref(), BATCH).await?;
            let is_last = page.len() < BATCH;
            after = page.last().map(|(row, _)| row.clone());
            for (row, lens) in page {
                if lens.configuration.is_told() && is_open(&lens, day.day) && today > 0 {
                    s3.records.forget_report(&row).await?;
                    day.reports.push(Report::new(row, lens));
                }
            }
            if is_last {
                break;
            }
        }
        day.load_groups(s3).await?;
        Ok(day)
    }

    async fn load_groups(&mut self, s3: &S3) -> Result<()> {
        let wanting = self.reports.iter().filter(|report| report.lens.configuration.groups.is_some());
        let mut homes: Vec<_> = wanting.map(|report| (report.row.0, report.row.1)).collect();
        homes.dedup();
        for (account, region) in homes {
            for (name, group) in s3.records.lens_groups(account, region, None, GROUPS_MAX).await? {
                let arn = storage_lens::group_arn(region, account, &name);
                self.groups.push((account, region, arn, group.filter));
            }
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.reports.is_empty()
    }

    fn about<'a>(&'a self, bucket: &'a Bucket) -> impl Iterator<Item = &'a Report> {
        let is_about = |report: &&Report| {
            report.row.0 == bucket.owner && is_about(&report.lens.configuration.scope, bucket)
        };
        self.reports.iter().filter(is_about)
    }

    /// What a walk over the bucket has to count, if anybody asks.
    pub(super) fn counting(&self, bucket: &Bucket) -> Option<Counting> {
        self.about(bucket).next()?;
        let asked = self.about(bucket).filter_map(|report| Asked::of(&report.lens.configuration));
        let wants = |account: AccountId, region: Region| {
            self.about(bucket).any(|report| {
                report.lens.configuration.groups.is_some()
                    && (report.row.0, report.row.1) == (account, region)
            })
        };
        let groups = self.groups.iter().filter(|(account, region, ..)| wants(*account, *region));
        let groups = groups.map(|(_, _, arn, filter)| (arn.clone(), filter.clone()));
        Some(Counting::new(self.now_s, asked, groups.collect()))
    }

    /// Notes what was counted of a bucket.
    pub(super) async fn counted(&mut self, s3: &S3, bucket: &Bucket, mut counting: Counting) -> Result<()> {
        let mut values = s3.lens_properties(bucket).await?;
        let activity = s3.records.activity(bucket.id(), self.day).await?;
        let requests = Name::all().filter(|name| name.is_of_requests());
        values.extend(requests.map(|name| (name, activity.values.get(name.text()).copied().unwrap_or(0))));
        let prefixes = counting.take_prefixes();
        for report in &mut self.reports {
            if report.row.0 == bucket.owner && is_about(&report.lens.configuration.scope, bucket) {
                report.add_bucket(bucket, &counting, &prefixes, &values);
                keep(s3, report, self.midnight, PART_ROWS).await?;
            }
        }
        Ok(())
    }

    /// Notes that the day was counted.
    pub(super) async fn end(self, s3: &S3) -> Result<()> {
        for mut report in self.reports {
            report.add_account();
            keep(s3, &mut report, self.midnight, 1).await?;
            let is_there =
                s3.records.change_lens(&report.row, |lens| lens.counted_day = Some(self.day)).await?;
            if !is_there {
                s3.records.forget_report(&report.row).await?;
            }
        }
        // A day more, should the clock be turned back over a midnight.
        s3.records.forget_activity(self.day.saturating_sub(1)).await
    }
}

fn is_open(lens: &Lens, day: u64) -> bool {
    lens.since_day <= day && lens.counted_day.is_none_or(|counted| counted < day)
}

/// Writes down the rows of a report, once there are enough.
async fn keep(s3: &S3, report: &mut Report, at: Instant, enough: usize) -> Result<()> {
    if report.rows.len() < enough {
        return Ok(());
    }
    report.publish(&s3.platform.metrics, at);
    let rows = std::mem::take(&mut report.rows);
    if report.lens.configuration.export.is_none() {
        return Ok(());
    }
    for rows in rows.chunks(PART_ROWS) {
        let part = ReportPart { rows: rows.to_vec() };
        s3.records.add_to_report(&report.row, report.part, &part).await?;
        report.part += 1;
    }
    Ok(())
}

/// Writes down the requests that were counted.
pub(super) async fn write_activity(s3: &S3, now: Instant) {
    for counted in s3.activity.take(now) {
        if let Err(error) = s3.records.add_activity(counted.bucket, counted.day, &counted.values).await {
            tracing::warn!(%error, "requests could not be noted for Storage Lens");
        }
    }
}

/// Delivers what was counted; says when to try again.
pub(super) async fn deliver(s3: &S3, now: Instant) -> Result<Option<Instant>> {
    let (mut after, mut again): (Option<LensRow>, _) = (None, None);
    loop {
        let page = s3.records.all_lenses(after.as_ref(), BATCH).await?;
        for (row, lens) in &page {
            let Some(day) = lens.counted_day.filter(|day| lens.delivered_day.is_none_or(|last| last < *day))
            else {
                continue;
            };
            let Some(export) = lens.configuration.export.as_ref().filter(|_| lens.configuration.enabled)
            else {
                continue;
            };
            match deliver_one(s3, &Place { row, export, day }).await {
                Ok(()) => {
                    s3.records.change_lens(row, |lens| lens.delivered_day = Some(day)).await?;
                    s3.records.forget_report(row).await?;
                }
                Err(error) => {
                    tracing::warn!(%error, id = row.2, "an export of Storage Lens could not be delivered");
                    again = Some(Instant::from_secs(now.secs() + RETRY_S));
                }
            }
        }
        if page.len() < BATCH {
            return Ok(again);
        }
        after = page.into_iter().last().map(|(row, _)| row);
    }
}

async fn deliver_one(s3: &S3, place: &Place<'_>) -> Result<()> {
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
            let key = place.report_key(&s3.platform.env.rng.uuid().to_string());
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
