//! Scheduled queries, and what became of their runs.

use haneul_kit::{AccountId, Region};
use haneul_store::{Record, Table};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScheduledQuery {
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) text: String,
    /// As they were given; `None` where the query's `SOURCE` names them.
    pub(crate) groups: Option<Vec<String>>,
    pub(crate) expression: String,
    pub(crate) timezone: Option<String>,
    pub(crate) start_offset_s: Option<i64>,
    pub(crate) end_offset_s: Option<i64>,
    pub(crate) bucket: Option<BucketTarget>,
    pub(crate) table: Option<TableTarget>,
    pub(crate) from_ms: Option<i64>,
    pub(crate) until_ms: Option<i64>,
    /// As which it runs.
    pub(crate) role: String,
    pub(crate) enabled: bool,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
    /// When it runs next; `None` when never.
    pub(crate) next_ms: Option<i64>,
    pub(crate) last_ms: Option<i64>,
    pub(crate) last: Option<RunStatus>,
}

impl Record for ScheduledQuery {}

/// Where its results are written in S3.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct BucketTarget {
    /// `s3://BUCKET/PREFIX`
    pub(crate) uri: String,
    pub(crate) role: String,
    pub(crate) owner: Option<String>,
    pub(crate) key: Option<String>,
}

/// The lookup table that its results become.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TableTarget {
    pub(crate) name: String,
    pub(crate) role: String,
    pub(crate) description: Option<String>,
    /// When it is made.
    pub(crate) tags: Vec<(String, String)>,
    /// The key of KMS that its rows are sealed under.
    #[serde(default)]
    pub(crate) key: Option<String>,
}

/// One run of a scheduled query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScheduledRun {
    pub(crate) query: Option<String>,
    pub(crate) status: RunStatus,
    pub(crate) error: Option<String>,
    pub(crate) deliveries: Vec<RunDelivery>,
}

impl Record for ScheduledRun {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RunStatus {
    Running,
    InvalidQuery,
    Complete,
    Failed,
    Timeout,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunDelivery {
    pub(crate) kind: DeliveryKind,
    pub(crate) to: String,
    pub(crate) status: DeliveryStatus,
    /// What was written, where.
    pub(crate) written: Option<String>,
    pub(crate) error: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DeliveryKind {
    Bucket,
    Table,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DeliveryStatus {
    InProgress,
    /// For a reason that trying again does not mend.
    ClientError,
    Failed,
    Complete,
}

/// A run that is not over.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PendingRun {
    account: u64,
    region: String,
    pub(crate) query: String,
    pub(crate) attempts: u32,
    /// When it was tried first, and last: it may have waited long for its turn.
    #[serde(default)]
    pub(crate) first_ms: i64,
    #[serde(default)]
    pub(crate) last_ms: i64,
}

impl Record for PendingRun {}

impl PendingRun {
    pub(crate) fn new(key: &(AccountId, Region, String)) -> PendingRun {
        PendingRun {
            account: key.0.number(),
            region: key.1.as_str().to_owned(),
            query: key.2.clone(),
            attempts: 0,
            first_ms: 0,
            last_ms: 0,
        }
    }

    pub(crate) fn account(&self) -> u64 {
        self.account
    }

    /// The scheduled query that it is of; `None` of a damaged record.
    pub(crate) fn key(&self) -> Option<(AccountId, Region, String)> {
        Some((AccountId::new(self.account)?, self.region.parse().ok()?, self.query.clone()))
    }
}

impl RunStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            RunStatus::Running => "Running",
            RunStatus::InvalidQuery => "InvalidQuery",
            RunStatus::Complete => "Complete",
            RunStatus::Failed => "Failed",
            RunStatus::Timeout => "Timeout",
        }
    }
}

impl DeliveryKind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            DeliveryKind::Bucket => "S3",
            DeliveryKind::Table => "LOOKUP_TABLE",
        }
    }
}

impl DeliveryStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            DeliveryStatus::InProgress => "IN_PROGRESS",
            DeliveryStatus::ClientError => "CLIENT_ERROR",
            DeliveryStatus::Failed => "FAILED",
            DeliveryStatus::Complete => "COMPLETE",
        }
    }
}

pub(crate) static SCHEDULED_QUERIES: Table<(AccountId, Region, String), ScheduledQuery> =
    Table::new("logs.scheduled_queries");
/// By scheduled query and the time that they were due.
pub(crate) static SCHEDULED_RUNS: Table<(String, i64), ScheduledRun> = Table::new("logs.scheduled_runs");
/// By the time that they were due, and the scheduled query.
pub(crate) static PENDING_RUNS: Table<(i64, String), PendingRun> = Table::new("logs.pending_runs");
