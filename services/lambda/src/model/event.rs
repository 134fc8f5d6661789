use haneul_store::{Record, Table};
use serde::{Deserialize, Serialize};

/// Events by when they are due, in milliseconds, and a number of their own.
pub(crate) static EVENTS: Table<(u64, u64), EventRecord> = Table::new("lambda.events");

/// The payloads of events, by number.
pub(crate) static PAYLOADS: Table<u64, Vec<u8>> = Table::new("lambda.payloads");

/// An event that waits for its function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EventRecord {
    pub(crate) account: u64,
    pub(crate) region: String,
    pub(crate) function: String,
    pub(crate) qualifier: Option<String>,
    pub(crate) request_id: String,
    pub(crate) accepted_ms: i64,
    /// How often the function ran with it.
    pub(crate) runs: u32,
    /// How often it could not even be started since it last ran.
    pub(crate) refusals: u32,
    pub(crate) trace: Option<String>,
    /// What came of the last run, for the record of its outcome.
    pub(crate) last: Option<LastRun>,
    /// All that is left to do: its outcome has to be told.
    pub(crate) ended: Option<Ended>,
}

impl Record for EventRecord {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LastRun {
    pub(crate) executed_version: String,
    pub(crate) function_error: Option<String>,
    /// The function's answer, as text.
    pub(crate) answer: String,
}

/// How it ended, and how often telling so has failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ended {
    /// `Success`, `RetriesExhausted`, `EventAgeExceeded`, `RecursiveInvocation`.
    pub(crate) condition: String,
    pub(crate) failures: u32,
}
