use std::collections::BTreeMap;

use haneul_store::Record;
use serde::{Deserialize, Serialize};

use super::configuration::{CorsRule, LifecycleRecord};
use super::encryption::BucketEncryption;
use super::features::Features;
use super::{Acl, BucketLock};

/// A bucket and all of its configurations. Small enough to be one record: the largest parts are a policy (20 KiB) and
/// lifecycle rules (1,000).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct BucketRecord {
    /// Names the bucket's rows in the other tables, so that a bucket made anew does not see the old one's.
    pub(crate) id: u64,
    /// The account's number.
    pub(crate) owner: u64,
    pub(crate) region: String,
    pub(crate) created_ms: i64,
    #[serde(default)]
    pub(crate) versioning: Versioning,
    /// Absent once DeleteBucketOwnershipControls took them away.
    pub(crate) ownership: Option<Ownership>,
    pub(crate) public_access_block: Option<PublicAccessBlock>,
    #[serde(default)]
    pub(crate) policy: Option<String>,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) cors: Vec<CorsRule>,
    #[serde(default)]
    pub(crate) lifecycle: Option<LifecycleRecord>,
    /// Whether KMS is asked for a key of the bucket rather than of each object; SSE-S3 ignores it.
    #[serde(default)]
    pub(crate) bucket_key: bool,
    #[serde(default)]
    pub(crate) features: Features,
    /// `None`: only the owner may do anything.
    #[serde(default)]
    pub(crate) acl: Option<Acl>,
    #[serde(default)]
    pub(crate) lock: Option<BucketLock>,
    #[serde(default)]
    pub(crate) requester_pays: bool,
    #[serde(default)]
    pub(crate) mfa_delete: bool,
    #[serde(default)]
    pub(crate) encryption: BucketEncryption,
}

impl Record for BucketRecord {}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Versioning {
    /// Never enabled.
    #[default]
    Off,
    Enabled,
    Suspended,
}

impl Versioning {
    /// As the number in the table of states.
    pub(crate) fn number(self) -> u64 {
        self as u64
    }

    pub(crate) fn of_number(number: u64) -> Versioning {
        match number {
            1 => Versioning::Enabled,
            2 => Versioning::Suspended,
            _ => Versioning::Off,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Ownership {
    BucketOwnerEnforced,
    BucketOwnerPreferred,
    ObjectWriter,
}

impl Ownership {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Ownership::BucketOwnerEnforced => "BucketOwnerEnforced",
            Ownership::BucketOwnerPreferred => "BucketOwnerPreferred",
            Ownership::ObjectWriter => "ObjectWriter",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Ownership> {
        [Ownership::BucketOwnerEnforced, Ownership::BucketOwnerPreferred, Ownership::ObjectWriter]
            .into_iter()
            .find(|ownership| ownership.as_str() == text)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PublicAccessBlock {
    pub(crate) block_public_acls: bool,
    pub(crate) ignore_public_acls: bool,
    pub(crate) block_public_policy: bool,
    pub(crate) restrict_public_buckets: bool,
}

impl PublicAccessBlock {
    /// What a new bucket has since April 2023.
    pub(crate) const ALL: PublicAccessBlock = PublicAccessBlock {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };
}
