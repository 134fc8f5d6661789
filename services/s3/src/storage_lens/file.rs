//! The files of an export, and their manifest.

use haneul_kit::Instant;
use haneul_s3_parquet::{self as parquet, Cell, Column, Kind};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::json;

use crate::checksum::md5_hex;
use crate::lifecycle::DAY_S;
use crate::model::inventory::Format;
use crate::model::storage_lens::{LensExport, ReportRow};
use crate::store::storage_lens::LensRow;

const MESSAGE: &str = "s3.storage.lens";
const METRICS_VERSION: &str = "1.0";
pub(crate) const SCHEMA_VERSION: &str = "V_1";

const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

const COLUMNS: [&str; 11] = [
    "version_number",
    "configuration_id",
    "report_date",
    "aws_account_number",
    "aws_region",
    "storage_class",
    "record_type",
    "record_value",
    "bucket_name",
    "metric_name",
    "metric_value",
];

/// Where a day's export goes.
pub(crate) struct Place<'a> {
    pub(crate) row: &'a LensRow,
    pub(crate) export: &'a LensExport,
    pub(crate) day: u64,
}

impl Place<'_> {
    /// `2020-11-03`
    fn date(&self) -> String {
        let at = Instant::from_secs(self.day as i64 * DAY_S).iso8601();
        at.get(..10).unwrap_or_default().to_owned()
    }

    fn folder(&self) -> String {
        let (account, _, id) = self.row;
        let own = format!("StorageLens/{account}/{id}/{SCHEMA_VERSION}");
        match self.export.prefix.as_deref().map(|prefix| prefix.trim_end_matches('/')) {
            Some(prefix) if !prefix.is_empty() => format!("{prefix}/{own}"),
            _ => own,
        }
    }

    /// Of a day's file by its number: a delivery that is tried again overwrites what the one before has left. It looks like
    /// the UUID that AWS has there.
    pub(crate) fn report_key(&self, number: usize) -> String {
        let ending = match self.export.format {
            Format::Csv => "csv",
            Format::Parquet => "par",
        };
        let (account, region, id) = self.row;
        let mut name = md5_hex(format!("{region}/{account}/{id}/{}/{number}", self.day).as_bytes());
        for at in [20, 16, 12, 8] {
            name.insert(at, '-');
        }
        format!("{}/reports/dt={}/{name}.{ending}", self.folder(), self.date())
    }

    pub(crate) fn manifest_key(&self) -> String {
        format!("{}/manifests/dt={}/manifest.json", self.folder(), self.date())
    }

    /// `files` by key, size and MD5.
    pub(crate) fn manifest(&self, files: &[(String, usize, String)]) -> String {
        let schema = match self.export.format {
            Format::Csv => COLUMNS.join(","),
            Format::Parquet => {
                let columns = COLUMNS.map(|name| {
                    let kind = if name == "metric_value" { "long" } else { "string" };
                    format!("required {kind} {name};")
                });
                format!("message {MESSAGE} {{ {} }}", columns.join(" "))
            }
        };
        let files =
            files.iter().map(|(key, size, md5)| json!({"key": key, "size": size, "md5Checksum": md5}));
        let manifest = json!({
            "sourceAccountId": self.row.0.to_string(),
            "configId": self.row.2,
            "destinationBucket": self.export.bucket,
            "reportVersion": SCHEMA_VERSION,
            "reportDate": self.date(),
            "reportFormat": self.export.format.as_str(),
            "reportSchema": schema,
            "reportFiles": files.collect::<Vec<_>>(),
        });
        serde_json::to_string_pretty(&manifest).unwrap_or_default()
    }
}

/// A file that is being written.
pub(crate) struct File {
    open: Open,
    pub(crate) lines: usize,
}

enum Open {
    Csv(String),
    Parquet(Box<parquet::Writer>),
}

impl File {
    pub(crate) fn new(format: Format) -> File {
        let open = match format {
            Format::Csv => Open::Csv(format!("{}\n", COLUMNS.join(","))),
            Format::Parquet => {
                let kind = |name| if name == "metric_value" { Kind::Long } else { Kind::Text };
                let columns = COLUMNS.map(|name| Column::required(name, kind(name)));
                Open::Parquet(Box::new(parquet::Writer::new(MESSAGE, columns.to_vec())))
            }
        };
        File { open, lines: 0 }
    }

    /// A line for each metric.
    pub(crate) fn add(&mut self, place: &Place<'_>, row: &ReportRow) {
        let (account, _, id) = place.row;
        let cells = [
            METRICS_VERSION.to_owned(),
            id.clone(),
            place.date(),
            account.to_string(),
            row.region.clone(),
            row.class.clone(),
            row.kind.as_str().to_owned(),
            utf8_percent_encode(&row.value, VALUE).to_string(),
            row.bucket.clone(),
        ];
        for (name, value) in &row.metrics {
            self.lines += 1;
            match &mut self.open {
                // Nothing here has a comma or a quotation mark: names are of few characters, values are encoded.
                Open::Csv(text) => text.push_str(&format!("{},{name},{value}\n", cells.join(","))),
                Open::Parquet(writer) => {
                    let texts = cells.iter().chain([name]).map(|text| Cell::Text(text.clone()));
                    writer.row(texts.chain([Cell::Long(*value as i64)]));
                }
            }
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        match self.open {
            Open::Csv(text) => text.into_bytes(),
            Open::Parquet(writer) => writer.finish().bytes,
        }
    }
}
