//! Kinesis streams that the changes of tables go to.

use haneul_store::{Record, Table};
use serde::{Deserialize, Serialize};

use super::SseRecord;

/// A stream that a table's changes go to, or went to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DestinationRecord {
    pub(crate) stream_arn: String,
    pub(crate) state: DestinationState,
    /// Why it could not be enabled, or, while it is [`DestinationState::Enabling`], cannot be.
    pub(crate) why: Option<String>,
    /// `MILLISECOND` or `MICROSECOND`, when it was asked for.
    pub(crate) precision: Option<String>,
    /// The number of the log that takes the changes for it.
    pub(crate) log: Option<u64>,
    /// Since when it is in this state.
    pub(crate) since_ms: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DestinationState {
    Enabling,
    Active,
    Disabling,
    Disabled,
    EnableFailed,
    Updating,
}

impl DestinationState {
    /// As the API calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            DestinationState::Enabling => "ENABLING",
            DestinationState::Active => "ACTIVE",
            DestinationState::Disabling => "DISABLING",
            DestinationState::Disabled => "DISABLED",
            DestinationState::EnableFailed => "ENABLE_FAILED",
            DestinationState::Updating => "UPDATING",
        }
    }

    /// Whether there may be no other one beside it.
    pub(crate) fn is_live(self) -> bool {
        !matches!(self, DestinationState::Disabled | DestinationState::EnableFailed)
    }
}

/// What is still to be brought to a stream. It is there until that is done, though the destination be disabled or the
/// table be deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DeliveryRecord {
    pub(crate) table_arn: String,
    pub(crate) stream_arn: String,
    pub(crate) precision: Option<String>,
    /// The attributes of the table's partition key.
    pub(crate) partition: Vec<String>,
    /// The table's.
    pub(crate) sse: Option<SseRecord>,
    /// The first number of the log that was not delivered yet.
    pub(crate) position: u64,
    /// Above every number that was: later ones may have been delivered before that one.
    #[serde(default)]
    pub(crate) next: u64,
    /// When the log took its last change.
    pub(crate) ended_ms: Option<i64>,
    /// The stream cannot be used, so that nothing of it is brought.
    pub(crate) refused: bool,
}

impl Record for DeliveryRecord {}

/// By the number of the log.
pub(crate) static DELIVERIES: Table<u64, DeliveryRecord> = Table::new("dynamodb.deliveries");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_without_what_comes_next_is_read() {
        let stored =
            br#"{"table_arn":"t","stream_arn":"s","precision":null,"partition":["p"],"sse":null,"position":7,
            "ended_ms":null,"refused":false}"#;
        assert_eq!(DeliveryRecord::decode(stored).unwrap().next, 0);
    }
}
