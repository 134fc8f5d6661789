use std::collections::BTreeMap;

use haneul_store::Record;
use serde::{Deserialize, Serialize};

use super::configuration::FilterForm;
use super::encryption::{Scheme, Sealed};

/// What of a bucket is copied whereto.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Replication {
    /// The role as which objects are read and copied.
    pub(crate) role: String,
    pub(crate) rules: Vec<ReplicationRule>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReplicationRule {
    pub(crate) id: String,
    /// Absent in the first version of the schema, whose rules have no filter.
    pub(crate) priority: Option<i32>,
    pub(crate) enabled: bool,
    pub(crate) form: FilterForm,
    pub(crate) prefix: Option<String>,
    pub(crate) tags: Vec<(String, String)>,
    /// The destination's name.
    pub(crate) bucket: String,
    pub(crate) account: Option<String>,
    pub(crate) class: Option<String>,
    /// Whether replicas belong to the owner of the destination.
    pub(crate) owner_override: bool,
    pub(crate) delete_markers: Option<bool>,
    pub(crate) replica_modifications: Option<bool>,
    /// Replication time control, in minutes.
    pub(crate) within_minutes: Option<i32>,
    /// Whether there are metrics, and their threshold in minutes.
    #[serde(default, with = "threshold")]
    pub(crate) metrics: Option<Option<i32>>,
    /// Whether objects that a key of KMS encrypts are copied, where that was said.
    #[serde(default)]
    pub(crate) kms_objects: Option<bool>,
    /// The key of KMS, in the destination's Region, that encrypts their replicas.
    #[serde(default)]
    pub(crate) replica_kms_key: Option<String>,
}

impl ReplicationRule {
    /// Whether the rule is about an object with these tags.
    pub(crate) fn is_about(&self, key: &str, tags: &BTreeMap<String, String>) -> bool {
        self.enabled
            && self.prefix.as_deref().is_none_or(|prefix| key.starts_with(prefix))
            && self.tags.iter().all(|(key, value)| tags.get(key) == Some(value))
    }

    /// Whether the rule copies an object that is encrypted so. What a client has the key of, nobody else can read.
    pub(crate) fn takes_encryption(&self, sealed: Option<&Sealed>) -> bool {
        match sealed.map(|sealed| &sealed.scheme) {
            None | Some(Scheme::S3) => true,
            Some(Scheme::Kms(_)) => self.kms_objects == Some(true),
            Some(Scheme::Customer(_)) => false,
        }
    }

    /// The first version of the schema replicates what users mark deleted.
    pub(crate) fn takes_markers(&self) -> bool {
        self.delete_markers.unwrap_or(self.form == FilterForm::LegacyPrefix || self.form == FilterForm::None)
    }
}

/// Where a version stands between buckets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Replicated {
    /// So many destinations do not have it yet; whether one will never.
    Pending {
        left: u32,
        failed: bool,
    },
    Completed,
    Failed,
    /// It is itself a copy: of the source's version of this id.
    Replica {
        of: String,
    },
}

impl Replicated {
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Replicated::Pending { .. } => "PENDING",
            Replicated::Completed => "COMPLETED",
            Replicated::Failed => "FAILED",
            Replicated::Replica { .. } => "REPLICA",
        }
    }
}

/// A version that a destination is to have. Written in the commit of the version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Copying {
    /// The source's name and id: of a bucket made anew, nothing is copied.
    pub(crate) bucket: String,
    pub(crate) bucket_id: u64,
    pub(crate) key: String,
    pub(crate) version: String,
    pub(crate) what: What,
    pub(crate) rule: String,
    pub(crate) requested_ms: i64,
    #[serde(default)]
    pub(crate) failures: u32,
    /// Whether it was told that it takes too long.
    #[serde(default)]
    pub(crate) missed: bool,
}

impl Record for Copying {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum What {
    Object,
    DeleteMarker,
    Tags,
}

/// Metrics without a threshold are kept as 0 minutes: nothing in nothing would be read as no metrics.
mod threshold {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[allow(clippy::ref_option)] // The form that serde asks for.
    pub(super) fn serialize<S: Serializer>(metrics: &Option<Option<i32>>, to: S) -> Result<S::Ok, S::Error> {
        metrics.map(|minutes| minutes.unwrap_or(0)).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<i32>>, D::Error> {
        let minutes = Option::<i32>::deserialize(from)?;
        Ok(minutes.map(|minutes| Some(minutes).filter(|minutes| *minutes != 0)))
    }
}
