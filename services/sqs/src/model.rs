//! What is kept in the store: queues, names of deleted ones, move tasks. Messages are in the log, see `plane`.

use std::collections::BTreeMap;

use haneul_kit::{AccountId, Region};
use haneul_store::{Record, Table};
use serde::{Deserialize, Serialize};

/// By owner, Region and name.
pub(crate) static QUEUES: Table<(AccountId, Region, String), QueueRecord> = Table::new("sqs.queues");

/// Queues that were deleted a moment ago, whose names cannot be used yet.
pub(crate) static DELETED: Table<(AccountId, Region, String), DeletedRecord> = Table::new("sqs.deleted");

/// By the source queue's owner, Region and name, and the task's number, which rises.
pub(crate) static MOVE_TASKS: Table<(AccountId, Region, String, u64), MoveTaskRecord> =
    Table::new("sqs.move-tasks");

/// The number of the next queue. Its record is also the sign that the log was made.
pub(crate) static COUNTERS: Table<String, u64> = Table::new("sqs.counters");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct QueueRecord {
    /// Unique in the cloud and never used again: how the log names the queue.
    pub(crate) no: u64,
    pub(crate) created_ms: i64,
    pub(crate) modified_ms: i64,
    /// Those that were set, as they were given.
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Record for QueueRecord {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DeletedRecord {
    pub(crate) at_ms: i64,
}

impl Record for DeletedRecord {}

/// A StartMessageMoveTask, from its start on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MoveTaskRecord {
    /// The number of the source queue, so that a task does not go on in a queue of the same name.
    pub(crate) source_no: u64,
    pub(crate) id: String,
    pub(crate) source_arn: String,
    /// `None` moves each message to where it came from.
    pub(crate) destination_arn: Option<String>,
    pub(crate) per_second_max: Option<u32>,
    pub(crate) status: MoveStatus,
    pub(crate) moved: u64,
    /// Messages that waited when the task began.
    pub(crate) to_move: u64,
    pub(crate) failure: Option<String>,
    pub(crate) started_ms: i64,
}

impl Record for MoveTaskRecord {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum MoveStatus {
    Running,
    Completed,
    Cancelling,
    Cancelled,
    Failed,
}

impl MoveStatus {
    /// As ListMessageMoveTasks has it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            MoveStatus::Running => "RUNNING",
            MoveStatus::Completed => "COMPLETED",
            MoveStatus::Cancelling => "CANCELLING",
            MoveStatus::Cancelled => "CANCELLED",
            MoveStatus::Failed => "FAILED",
        }
    }

    pub(crate) fn is_active(self) -> bool {
        matches!(self, MoveStatus::Running | MoveStatus::Cancelling)
    }
}
