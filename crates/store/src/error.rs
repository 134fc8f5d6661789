use std::fmt;

/// Why the store could not do it. [`StoreError::is_retryable`] says whether trying again can help.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// Another transaction changed what this one had read, and went on doing so through every retry.
    Conflict,
    /// A key, a value or a transaction is over its limit; all in bytes.
    TooLarge {
        what: &'static str,
        size: usize,
        max: usize,
    },
    /// A stored record or key does not decode.
    Decode {
        table: &'static str,
        reason: String,
    },
    /// The record was written by a newer version of this program.
    NewerRecord {
        table: &'static str,
        version: u32,
        known: u32,
    },
    /// What is on disk is not what was written.
    Damaged(String),
    /// The data belongs to a newer version of this program, to another cloud, or is of an unknown kind.
    Unusable(String),
    /// Another process, or another part of this one, has the data directory open.
    Locked(String),
    /// An earlier failure left it unknown what is durable: nothing is accepted until a restart.
    Poisoned(String),
    /// The disk has no room. Nothing was written; there may be room later.
    Full,
    Io(String),
}

impl StoreError {
    /// Whether the same may be done later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, StoreError::Conflict | StoreError::Full)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreError::Conflict => f.write_str("too many concurrent changes to the same records"),
            StoreError::TooLarge { what, size, max } => {
                write!(f, "the {what} has {size} bytes, the limit is {max}")
            }
            StoreError::Decode { table, reason } => {
                write!(f, "a record of table {table} does not decode: {reason}")
            }
            StoreError::NewerRecord { table, version, known } => write!(
                f,
                "a record of table {table} has schema version {version}, this program knows up to {known}: \
                 use a newer version of haneul"
            ),
            StoreError::Damaged(what) => write!(f, "the stored data is damaged: {what}"),
            StoreError::Unusable(what) | StoreError::Locked(what) => f.write_str(what),
            StoreError::Poisoned(why) => write!(f, "the store stopped after a failure, restart it: {why}"),
            StoreError::Full => f.write_str("the disk is full"),
            StoreError::Io(what) => write!(f, "the disk failed: {what}"),
        }
    }
}

impl std::error::Error for StoreError {}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> StoreError {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => StoreError::Full,
            _ => StoreError::Io(error.to_string()),
        }
    }
}
