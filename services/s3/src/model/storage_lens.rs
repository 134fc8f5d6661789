use std::collections::BTreeMap;

use haneul_store::{Record, RecordError};
use serde::{Deserialize, Serialize};

use super::inventory::Format;

/// A configuration of S3 Storage Lens, and how far it came.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Lens {
    pub(crate) configuration: LensConfiguration,
    pub(crate) tags: BTreeMap<String, String>,
    /// The day from which on anybody is told of it, counted from the epoch: the first that is counted.
    pub(crate) since_day: u64,
    /// The last day that was counted.
    pub(crate) counted_day: Option<u64>,
    /// What was counted last, while somebody is to be told of it.
    pub(crate) pending: Option<Pending>,
}

impl Record for Lens {
    /// 2: what waits is said, and not only what was delivered.
    const VERSION: u32 = 2;

    fn migrate(version: u32, bytes: &[u8]) -> Result<Self, RecordError> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Delivered {
            delivered_day: Option<u64>,
        }
        if version != 1 {
            return Err(RecordError(format!("nothing migrates schema version {version}")));
        }
        let mut lens = Lens::decode(bytes)?;
        let Delivered { delivered_day } = serde_json::from_slice(bytes).map_err(RecordError::of)?;
        // CloudWatch was told while the day was counted.
        let waits = |day: &u64| {
            lens.configuration.export.is_some() && delivered_day.is_none_or(|delivered| delivered < *day)
        };
        lens.pending = lens.counted_day.filter(waits).map(|day| Pending { day, published: true });
        Ok(lens)
    }
}

/// A day whose rows are kept until everybody was told of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) day: u64,
    /// Whether CloudWatch was told, or is not to be told.
    pub(crate) published: bool,
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_delivered_waits_after_an_update() {
        let export = LensExport {
            format: Format::Csv,
            bucket: "arn:aws:s3:::told".to_owned(),
            account: "1".to_owned(),
            prefix: None,
            encryption: None,
        };
        for (export, counted_day, delivered_day, pending) in [
            (Some(&export), Some(5), Some(4), Some(5)),
            (Some(&export), Some(5), None, Some(5)),
            (Some(&export), Some(5), Some(5), None),
            (Some(&export), None, None, None),
            (None, Some(5), None, None),
        ] {
            let configuration = LensConfiguration { export: export.cloned(), ..Default::default() };
            let lens = Lens { configuration, counted_day, since_day: 3, ..Lens::default() };
            let mut old = serde_json::to_value(&lens).unwrap();
            old.as_object_mut().unwrap().remove("pending");
            old["delivered_day"] = delivered_day.into();
            let migrated = Lens::migrate(1, old.to_string().as_bytes()).unwrap();
            let pending = pending.map(|day| Pending { day, published: true });
            assert_eq!(migrated, Lens { pending, ..lens });
        }
        assert!(Lens::migrate(0, b"{}").is_err());
    }
}
