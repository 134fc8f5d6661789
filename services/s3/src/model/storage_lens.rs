use std::collections::BTreeMap;

use haneul_store::Record;
use serde::{Deserialize, Serialize};

use super::inventory::Format;

/// A configuration of S3 Storage Lens, and how far it came.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Lens {
    pub(crate) configuration: LensConfiguration,
    pub(crate) tags: BTreeMap<String, String>,
    /// The day on which it was made, counted from the epoch: the first that is told of.
    pub(crate) since_day: u64,
    /// The last day that was counted, and of which the export was delivered.
    pub(crate) counted_day: Option<u64>,
    pub(crate) delivered_day: Option<u64>,
}

impl Record for Lens {}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct LensConfiguration {
    pub(crate) enabled: bool,
    pub(crate) account: Switches,
    pub(crate) bucket: Switches,
    pub(crate) prefixes: Option<Prefixes>,
    pub(crate) groups: Option<GroupChoice>,
    pub(crate) scope: Scope,
    pub(crate) export: Option<LensExport>,
    pub(crate) cloud_watch: Option<bool>,
    /// What ends a prefix where [`Prefixes`] does not say it.
    pub(crate) delimiter: Option<String>,
}

/// Advanced metrics of a level; `None` where nothing was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Switches {
    pub(crate) activity: Option<bool>,
    pub(crate) cost: Option<bool>,
    pub(crate) protection: Option<bool>,
    pub(crate) status_codes: Option<bool>,
    /// Never on: only its `false` is taken.
    pub(crate) performance: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Prefixes {
    pub(crate) enabled: Option<bool>,
    pub(crate) selection: Option<PrefixSelection>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct PrefixSelection {
    pub(crate) delimiter: Option<String>,
    pub(crate) depth_max: Option<i32>,
    /// Of the bucket's bytes, in percent.
    pub(crate) share_min: Option<f64>,
}

/// Which groups, by ARN.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum GroupChoice {
    All,
    Include(Vec<String>),
    Exclude(Vec<String>),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Scope {
    #[default]
    All,
    Include(Places),
    Exclude(Places),
}

/// Buckets by ARN.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Places {
    pub(crate) buckets: Option<Vec<String>>,
    pub(crate) regions: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LensExport {
    pub(crate) format: Format,
    /// The ARN of the destination, and its owner.
    pub(crate) bucket: String,
    pub(crate) account: String,
    pub(crate) prefix: Option<String>,
    pub(crate) encryption: Option<LensEncryption>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LensEncryption {
    S3,
    /// By the ARN of a key of KMS.
    Kms(String),
}

/// Objects that are counted apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LensGroup {
    pub(crate) filter: GroupFilter,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
}

impl Record for LensGroup {}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum GroupFilter {
    /// One criterion.
    One(Criteria),
    And(Criteria),
    Or(Criteria),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Criteria {
    pub(crate) prefixes: Option<Vec<String>>,
    pub(crate) suffixes: Option<Vec<String>>,
    pub(crate) tags: Option<Vec<(String, String)>>,
    /// In days.
    pub(crate) age: Option<Between>,
    /// In bytes.
    pub(crate) size: Option<Between>,
}

/// Both ends are outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Between {
    pub(crate) greater_than: Option<i64>,
    pub(crate) less_than: Option<i64>,
}

/// Rows of a report that is not delivered yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReportPart {
    pub(crate) rows: Vec<ReportRow>,
}

impl Record for ReportPart {}

/// Metrics of one thing that is told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReportRow {
    #[serde(rename = "r")]
    pub(crate) region: String,
    /// `-` for what has none.
    #[serde(rename = "c")]
    pub(crate) class: String,
    #[serde(rename = "k")]
    pub(crate) kind: RecordType,
    /// The prefix, or the group's ARN.
    #[serde(rename = "v", default, skip_serializing_if = "String::is_empty")]
    pub(crate) value: String,
    #[serde(rename = "b", default, skip_serializing_if = "String::is_empty")]
    pub(crate) bucket: String,
    #[serde(rename = "m")]
    pub(crate) metrics: Vec<(String, u64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RecordType {
    Account,
    Bucket,
    Prefix,
    GroupBucket,
    GroupAccount,
}

impl RecordType {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            RecordType::Account => "ACCOUNT",
            RecordType::Bucket => "BUCKET",
            RecordType::Prefix => "PREFIX",
            RecordType::GroupBucket => "STORAGE_LENS_GROUP_BUCKET",
            RecordType::GroupAccount => "STORAGE_LENS_GROUP_ACCOUNT",
        }
    }
}

/// What was asked of a bucket on one day, by the names of metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ActivityDay {
    pub(crate) values: BTreeMap<String, u64>,
}

impl Record for ActivityDay {}

impl LensConfiguration {
    /// Whether anybody is told of its metrics.
    pub(crate) fn is_told(&self) -> bool {
        self.enabled && (self.export.is_some() || self.cloud_watch == Some(true))
    }

    pub(crate) fn watches_activity(&self) -> bool {
        let any = |level: &Switches| {
            level.activity == Some(true) || level.status_codes == Some(true) || level.protection == Some(true)
        };
        self.is_told() && (any(&self.account) || any(&self.bucket))
    }
}
