use haneul_store::Record;
use serde::{Deserialize, Serialize};

use super::PublicAccessBlock;

/// One door to buckets in several Regions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MultiRegionRecord {
    pub(crate) account: u64,
    pub(crate) name: String,
    /// `….mrap`, which is a part of its ARN and of its host.
    pub(crate) alias: String,
    pub(crate) created_ms: i64,
    pub(crate) block: PublicAccessBlock,
    pub(crate) policy: Option<String>,
    /// In the order in which they were given.
    pub(crate) routes: Vec<Route>,
}

impl Record for MultiRegionRecord {}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Route {
    pub(crate) bucket: String,
    /// A bucket made anew is not behind the door.
    pub(crate) bucket_id: u64,
    pub(crate) bucket_account: u64,
    pub(crate) region: String,
    /// Whether requests are routed there.
    pub(crate) active: bool,
}

/// A request that was made with a token, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MultiRegionRequest {
    pub(crate) at_ms: i64,
    pub(crate) request_id: String,
    pub(crate) asked: Asked,
    /// The Regions that it was about.
    pub(crate) regions: Vec<String>,
    /// Code and message, when it failed.
    pub(crate) failed: Option<(String, String)>,
}

impl Record for MultiRegionRequest {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Asked {
    /// Buckets with the accounts that were named.
    Create {
        name: String,
        block: PublicAccessBlock,
        buckets: Vec<(String, Option<String>)>,
    },
    Delete {
        name: String,
    },
    PutPolicy {
        name: String,
        policy: String,
    },
}
