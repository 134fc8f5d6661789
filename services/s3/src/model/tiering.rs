use serde::{Deserialize, Serialize};

use super::filter::{Configuration, ObjectFilter};

/// Where Intelligent-Tiering keeps an object, from the dearest down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum AccessTier {
    #[default]
    #[serde(rename = "f")]
    Frequent,
    #[serde(rename = "i")]
    Infrequent,
    #[serde(rename = "n")]
    ArchiveInstant,
    /// These two have to be restored before they are read.
    #[serde(rename = "a")]
    Archive,
    #[serde(rename = "d")]
    DeepArchive,
}

impl AccessTier {
    pub(crate) fn is_archive(self) -> bool {
        self >= AccessTier::Archive
    }

    /// `x-amz-archive-status`, and what errors and events call it.
    pub(crate) fn archive_status(self) -> Option<&'static str> {
        match self {
            AccessTier::Archive => Some("ARCHIVE_ACCESS"),
            AccessTier::DeepArchive => Some("DEEP_ARCHIVE_ACCESS"),
            _ => None,
        }
    }
}

/// How an object of Intelligent-Tiering stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tiered {
    /// The last access that was noted: to the day.
    #[serde(rename = "a")]
    pub(crate) accessed_s: i64,
    #[serde(rename = "t", default)]
    pub(crate) tier: AccessTier,
}

/// After how many days without access objects go to the archive tiers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TieringConfiguration {
    pub(crate) id: String,
    pub(crate) enabled: bool,
    pub(crate) filter: Option<ObjectFilter>,
    /// In the order in which they were given.
    pub(crate) tierings: Vec<(AccessTier, u32)>,
}

impl Configuration for TieringConfiguration {
    fn id(&self) -> &str {
        &self.id
    }
}
