use haneul_store::Record;
use serde::{Deserialize, Serialize};

/// A list of a bucket's objects that is to be made again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Inventory {
    pub(crate) enabled: bool,
    /// The destination's name, its owner when one was named, and what its keys begin with.
    pub(crate) bucket: String,
    pub(crate) account: Option<String>,
    pub(crate) prefix: Option<String>,
    #[serde(default)]
    pub(crate) format: Format,
    /// Whether SSE-S3 was asked for by name.
    pub(crate) encrypted: bool,
    /// The key of KMS that was asked for.
    #[serde(default)]
    pub(crate) kms_key: Option<String>,
    /// Keys that are listed begin with it.
    pub(crate) filter: Option<String>,
    pub(crate) all_versions: bool,
    pub(crate) weekly: bool,
    pub(crate) fields: Vec<String>,
    /// When the next one is due, in seconds since the epoch: a midnight.
    pub(crate) next_s: i64,
}

impl Record for Inventory {}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Format {
    #[default]
    Csv,
    Parquet,
}

impl Format {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Format::Csv => "CSV",
            Format::Parquet => "Parquet",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Format> {
        [Format::Csv, Format::Parquet].into_iter().find(|format| format.as_str() == text)
    }
}
