use haneul_store::Record;
use serde::{Deserialize, Serialize};

use super::features::Target;

/// One event on its way to one destination. It is written in the commit of the change that it tells of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EventRecord {
    /// `ObjectCreated:Put`
    pub(crate) name: String,
    pub(crate) at_ms: i64,
    pub(crate) bucket: String,
    /// The bucket's owner and Region.
    pub(crate) owner: u64,
    pub(crate) region: String,
    pub(crate) key: String,
    pub(crate) version_id: Option<String>,
    pub(crate) size: Option<u64>,
    pub(crate) etag: Option<String>,
    /// Orders the events of a key.
    pub(crate) sequencer: String,
    pub(crate) origin: Origin,
    /// The id of the configuration that asked for it; none for EventBridge.
    pub(crate) configuration: Option<String>,
    pub(crate) target: Target,
    #[serde(default)]
    pub(crate) detail: Option<Detail>,
    /// Deliveries that failed.
    #[serde(default)]
    pub(crate) failures: u32,
}

impl Record for EventRecord {}

/// Who made a change, as events tell it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Origin {
    /// `AWS:AIDA…`; the service's name for what it did itself.
    pub(crate) principal: String,
    pub(crate) account: u64,
    pub(crate) source_ip: String,
    pub(crate) request_id: String,
}

/// What some events tell beside the object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Detail {
    /// Seconds since the epoch, where it is not for good, and the class that the copy was made of.
    Restored {
        expires_s: Option<i64>,
        class: String,
    },
    Transition {
        class: String,
    },
    Tier {
        tier: String,
    },
    Replication {
        rule: String,
        destination: String,
        operation: String,
        reason: Option<String>,
        requested_ms: i64,
    },
}
