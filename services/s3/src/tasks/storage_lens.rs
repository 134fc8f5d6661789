//! The day of S3 Storage Lens: counting while buckets are walked over. Nobody is told of anything before it is durable
//! ([`super::telling`]).

use haneul_kit::{AccountId, ApiError, Instant, Region, Result};

use super::BATCH;
use crate::S3;
use crate::analysis::day_of;
use crate::bucket::Bucket;
use crate::model::storage_lens::{GroupFilter, Lens, Pending, ReportPart};
use crate::storage_lens::counting::Counting;
use crate::storage_lens::metrics::Name;
use crate::storage_lens::prefixes::Asked;
use crate::storage_lens::report::Report;
use crate::storage_lens::{self, is_about};
use crate::store::storage_lens::LensRow;

/// Configurations that one walk counts for; another walk is for those after them.
const REPORTS_MAX: usize = 2000;

/// Groups of an account in a Region: there are no more.
const GROUPS_MAX: usize = 50;

/// Rows that are kept together.
const PART_ROWS: usize = 200;

/// The configurations for which a day is counted.
pub(super) struct LensDay {
    day: u64,
    now_s: i64,
    reports: Vec<Report>,
    groups: Vec<(AccountId, Region, String, GroupFilter)>,
    /// The last of these, where more may come after it.
    last: Option<LensRow>,
    /// Whether all went well; a report that failed is made anew later, and keeps no other waiting.
    well: bool,
}

impl LensDay {
    /// Those after `after` for which the day that ended last was not counted yet.
    pub(super) async fn begin(s3: &S3, now: Instant, after: Option<&LensRow>) -> Result<LensDay> {
        let today = day_of(now.secs());
        let mut day = LensDay {
            day: today.saturating_sub(1),
            now_s: now.secs(),
            reports: Vec::new(),
            groups: Vec::new(),
            last: None,
            well: true,
        };
        let mut after = after.cloned();
        let mut is_last = today == 0;
        while !is_last && day.last.is_none() {
            let page = s3.records.all_lenses(after.as_ref(), BATCH).await?;
            is_last = page.len() < BATCH;
            after = page.last().map(|(row, _)| row.clone());
            for (row, lens) in page {
                if !lens.configuration.is_told() || !is_open(&lens, day.day) {
                    continue;
                }
                if day.reports.len() == REPORTS_MAX {
                    day.last = day.reports.last().map(|report| report.row.clone());
                    break;
                }
                match forget_last(s3, &row, &lens).await {
                    Ok(()) => day.reports.push(Report::new(row, lens)),
                    Err(error) => day.give_up(&row, &error),
                }
            }
        }
        day.load_groups(s3).await;
        Ok(day)
    }

    async fn load_groups(&mut self, s3: &S3) {
        let wanting = self.reports.iter().filter(|report| report.lens.configuration.groups.is_some());
        let mut homes: Vec<_> = wanting.map(|report| (report.row.0, report.row.1)).collect();
        homes.dedup();
        for (account, region) in homes {
            match s3.records.lens_groups(account, region, None, GROUPS_MAX).await {
                Ok(found) => self.groups.extend(found.into_iter().map(|(name, group)| {
                    (account, region, storage_lens::group_arn(region, account, &name), group.filter)
                })),
                Err(error) => {
                    let is_wanting = |report: &&Report| {
                        (report.row.0, report.row.1) == (account, region)
                            && report.lens.configuration.groups.is_some()
                    };
                    let wanting = self.reports.iter().filter(is_wanting);
                    let rows: Vec<LensRow> = wanting.map(|report| report.row.clone()).collect();
                    rows.iter().for_each(|row| self.give_up(row, &error));
                }
            }
        }
    }

    /// Leaves a report for later.
    fn give_up(&mut self, row: &LensRow, error: &ApiError) {
        tracing::warn!(%error, account = %row.0, id = row.2, "a report of Storage Lens could not be made");
        self.reports.retain(|report| report.row != *row);
        self.well = false;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.reports.is_empty()
    }

    /// Where the next walk begins, if one is needed.
    pub(super) fn last(&self) -> Option<LensRow> {
        self.last.clone()
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

    /// Notes what was counted of a bucket. An error is the bucket's.
    pub(super) async fn counted(&mut self, s3: &S3, bucket: &Bucket, mut counting: Counting) -> Result<()> {
        let mut values = s3.lens_properties(bucket).await?;
        let activity = s3.records.activity(bucket.id(), self.day).await?;
        let requests = Name::all().filter(|name| name.is_of_requests());
        values.extend(requests.map(|name| (name, activity.values.get(name.text()).copied().unwrap_or(0))));
        let prefixes = counting.take_prefixes();
        let mut failed = Vec::new();
        for report in &mut self.reports {
            if report.row.0 == bucket.owner && is_about(&report.lens.configuration.scope, bucket) {
                report.add_bucket(bucket, &counting, &prefixes, &values);
                if let Err(error) = keep(s3, report, PART_ROWS).await {
                    failed.push((report.row.clone(), error));
                }
            }
        }
        failed.iter().for_each(|(row, error)| self.give_up(row, error));
        Ok(())
    }

    /// Notes that the day was counted; gives whether all went well.
    pub(super) async fn end(mut self, s3: &S3) -> bool {
        for mut report in std::mem::take(&mut self.reports) {
            if let Err(error) = finish(s3, &mut report, self.day).await {
                self.give_up(&report.row, &error);
            }
        }
        self.well
    }
}

fn is_open(lens: &Lens, day: u64) -> bool {
    lens.since_day <= day && lens.counted_day.is_none_or(|counted| counted < day)
}

/// Gives up what was counted before, of which not everybody could be told.
async fn forget_last(s3: &S3, row: &LensRow, lens: &Lens) -> Result<()> {
    if lens.pending.is_some() {
        s3.records.change_lens(row, |lens| lens.pending = None).await?;
    }
    s3.records.forget_report(row).await
}

/// Writes down the rows of a report, once there are enough.
async fn keep(s3: &S3, report: &mut Report, enough: usize) -> Result<()> {
    if report.rows.len() < enough {
        return Ok(());
    }
    for rows in std::mem::take(&mut report.rows).chunks(PART_ROWS) {
        let part = ReportPart { rows: rows.to_vec() };
        s3.records.add_to_report(&report.row, report.part, &part).await?;
        report.part += 1;
    }
    Ok(())
}

/// Rows of a configuration that is gone or tells nobody any more are left to [`crate::store::Records::forget_untold`].
async fn finish(s3: &S3, report: &mut Report, day: u64) -> Result<()> {
    report.add_account();
    keep(s3, report, 1).await?;
    let count = |lens: &mut Lens| {
        // It may have been made anew meanwhile.
        if lens.configuration.is_told() && is_open(lens, day) {
            lens.counted_day = Some(day);
            let published = lens.configuration.cloud_watch != Some(true);
            lens.pending = Some(Pending { day, published });
        }
    };
    s3.records.change_lens(&report.row, count).await.map(drop)
}
