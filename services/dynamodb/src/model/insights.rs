//! Contributor insights, as a part of a table's record.

use serde::{Deserialize, Serialize};

/// Whether it is counted which keys of a table or of a global index are used and throttled most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct InsightsRecord {
    pub(crate) index: Option<String>,
    /// Whether keys that are used are counted, or only those that are throttled.
    pub(crate) accessed: bool,
    pub(crate) state: InsightsState,
    pub(crate) changed_ms: i64,
    /// The rules that count; none unless it is on.
    pub(crate) rules: Vec<InsightsRule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum InsightsState {
    Enabled,
    Disabled,
    /// There were too many rules.
    Failed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct InsightsRule {
    pub(crate) kind: InsightsKind,
    /// As CloudWatch shows it.
    pub(crate) name: String,
    pub(crate) id: u64,
}

/// As the names of rules have it: which key, and what of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum InsightsKind {
    /// Partition key, consumed.
    Pkc,
    /// Partition and sort key, consumed.
    Skc,
    /// Partition key, throttled.
    Pkt,
    /// Partition and sort key, throttled.
    Skt,
}
