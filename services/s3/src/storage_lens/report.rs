//! The rows of a report, as buckets are counted one after another.

use std::collections::BTreeMap;

use haneul_kit::Instant;
use haneul_kit::metrics::Metrics;

use super::counting::Counting;
use super::figures::{ByClass, Figures};
use super::metrics::{Group, Name};
use super::prefixes::Asked;
use crate::bucket::Bucket;
use crate::model::storage_lens::{GroupChoice, Lens, RecordType, ReportRow, Switches};
use crate::store::storage_lens::LensRow;

/// The class of what has none.
const NO_CLASS: &str = "-";

const METRICS_VERSION: &str = "1.0";

/// A configuration whose day is being counted.
pub(crate) struct Report {
    pub(crate) row: LensRow,
    pub(crate) lens: Lens,
    /// Rows that are to be kept, and the number of the part that they will be.
    pub(crate) rows: Vec<ReportRow>,
    pub(crate) part: u64,
    /// By Region.
    totals: BTreeMap<String, Total>,
}

#[derive(Default)]
struct Total {
    all: ByClass,
    values: BTreeMap<Name, u64>,
    groups: BTreeMap<String, ByClass>,
}

impl Report {
    pub(crate) fn new(row: LensRow, lens: Lens) -> Report {
        Report { row, lens, rows: Vec::new(), part: 0, totals: BTreeMap::new() }
    }

    /// Adds a bucket that was walked over. `values` are its properties and what was asked of it.
    pub(crate) fn add_bucket(
        &mut self,
        bucket: &Bucket,
        counted: &Counting,
        prefixes: &[(Asked, Vec<(String, ByClass)>)],
        values: &[(Name, u64)],
    ) {
        let region = bucket.region.as_str();
        let total = self.totals.entry(region.to_owned()).or_default();
        total.all.merge(&counted.all);
        for (name, value) in values {
            *total.values.entry(*name).or_default() += value;
        }
        let mut row = |kind, class: &str, value: &str, metrics| {
            self.rows.push(ReportRow {
                region: region.to_owned(),
                class: class.to_owned(),
                kind,
                value: value.to_owned(),
                bucket: bucket.name.clone(),
                metrics,
            });
        };
        for (class, figures) in &counted.all.0 {
            row(RecordType::Bucket, class, "", of_figures(figures));
        }
        row(RecordType::Bucket, NO_CLASS, "", shown(&self.lens.configuration.bucket, values.iter().copied()));
        if let Some(asked) = Asked::of(&self.lens.configuration) {
            let found = prefixes.iter().filter(|(one, _)| *one == asked).flat_map(|(_, found)| found);
            for (prefix, held) in found {
                for (class, figures) in &held.0 {
                    row(RecordType::Prefix, class, prefix, of_figures(figures));
                }
            }
        }
        let choice = self.lens.configuration.groups.as_ref();
        let wanted = |arn: &String| match choice {
            None => false,
            Some(GroupChoice::All) => true,
            Some(GroupChoice::Include(arns)) => arns.contains(arn),
            Some(GroupChoice::Exclude(arns)) => !arns.contains(arn),
        };
        for group in counted.groups.iter().filter(|group| wanted(&group.arn)) {
            total.groups.entry(group.arn.clone()).or_default().merge(&group.held);
            for (class, figures) in &group.held.0 {
                row(RecordType::GroupBucket, class, &group.arn, of_figures(figures));
            }
        }
    }

    /// Adds the account's own rows, at the end.
    pub(crate) fn add_account(&mut self) {
        for (region, total) in std::mem::take(&mut self.totals) {
            let mut row = |kind, class: &str, value: &str, metrics| {
                self.rows.push(ReportRow {
                    region: region.clone(),
                    class: class.to_owned(),
                    kind,
                    value: value.to_owned(),
                    bucket: String::new(),
                    metrics,
                });
            };
            for (class, figures) in &total.all.0 {
                row(RecordType::Account, class, "", of_figures(figures));
            }
            row(RecordType::Account, NO_CLASS, "", shown(&self.lens.configuration.account, total.values));
            for (arn, held) in &total.groups {
                for (class, figures) in &held.0 {
                    row(RecordType::GroupAccount, class, arn, of_figures(figures));
                }
            }
        }
    }
}

/// Tells CloudWatch, in the configuration's home Region, of what rows say of accounts and buckets.
pub(crate) fn publish(row: &LensRow, rows: &[ReportRow], metrics: &Metrics, at: Instant) {
    let (account, region, id) = row;
    let number = account.to_string();
    for row in rows {
        if !matches!(row.kind, RecordType::Account | RecordType::Bucket) {
            continue;
        }
        let mut dimensions = vec![
            ("configuration_id", id.as_str()),
            ("metrics_version", METRICS_VERSION),
            ("aws_account_number", number.as_str()),
            ("aws_region", row.region.as_str()),
            ("record_type", row.kind.as_str()),
        ];
        if row.kind == RecordType::Bucket {
            dimensions.push(("bucket_name", row.bucket.as_str()));
        }
        if row.class != NO_CLASS {
            dimensions.push(("storage_class", row.class.as_str()));
        }
        for (text, value) in &row.metrics {
            if let Some(name) = Name::all().find(|name| name.text() == text) {
                metrics.record(name.metric(), *account, *region, at, &dimensions, *value as f64);
            }
        }
    }
}

fn of_figures(figures: &Figures) -> Vec<(String, u64)> {
    figures.values().map(|(name, value)| (name.text().to_owned(), value)).collect()
}

/// What a level shows, of values that are not by class.
fn shown(level: &Switches, values: impl IntoIterator<Item = (Name, u64)>) -> Vec<(String, u64)> {
    let is_on = |name: &Name| match name.group() {
        Group::Storage | Group::Property => true,
        Group::Cost => level.cost == Some(true),
        Group::Protection => level.protection == Some(true),
        Group::Activity => level.activity == Some(true),
        Group::StatusCode => level.status_codes == Some(true),
    };
    let values = values.into_iter().filter(|(name, _)| is_on(name));
    values.map(|(name, value)| (name.text().to_owned(), value)).collect()
}
