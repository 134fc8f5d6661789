use std::fmt;

use crate::BlobId;

/// Why bytes could not be written or read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobError {
    /// There is no such blob: it was deleted, or never finished.
    NotFound(BlobId),
    /// What is on disk is not what was written.
    Damaged {
        id: BlobId,
        what: &'static str,
    },
    /// The disk is full. Nothing was written; it may work later.
    Full,
    /// The range is not inside the blob.
    Range {
        id: BlobId,
        len: u64,
    },
    Io(String),
    /// The data directory is of a newer version, or not one of ours.
    Unusable(String),
}

impl fmt::Display for BlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BlobError::NotFound(id) => write!(f, "blob {id} does not exist"),
            BlobError::Damaged { id, what } => write!(f, "blob {id} is damaged: {what}"),
            BlobError::Full => f.write_str("the disk is full"),
            BlobError::Range { id, len } => write!(f, "the range is not inside blob {id} of {len} bytes"),
            BlobError::Io(what) => write!(f, "the disk failed: {what}"),
            BlobError::Unusable(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for BlobError {}

impl From<std::io::Error> for BlobError {
    fn from(error: std::io::Error) -> BlobError {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => BlobError::Full,
            _ => BlobError::Io(error.to_string()),
        }
    }
}
