use std::collections::BTreeMap;

use haneul_store::Record;
use serde::{Deserialize, Serialize};

use super::PublicAccessBlock;

/// Another door to a bucket, with a policy of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AccessPointRecord {
    /// The account and Region of the access point, and its name.
    pub(crate) account: u64,
    pub(crate) region: String,
    pub(crate) name: String,
    pub(crate) bucket: String,
    /// Of a bucket made anew it is no door.
    pub(crate) bucket_id: u64,
    pub(crate) bucket_account: u64,
    /// A name that can be used where a bucket's can.
    pub(crate) alias: String,
    pub(crate) created_ms: i64,
    pub(crate) block: PublicAccessBlock,
    #[serde(default)]
    pub(crate) policy: Option<String>,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
}

impl Record for AccessPointRecord {}

impl Record for PublicAccessBlock {}
