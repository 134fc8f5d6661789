use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longest encoded record.
pub const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// What a table holds: a serde type of the service's own, with a schema version.
///
/// Records are written as a version number and then JSON: a field with `#[serde(default)]` may be added without a new
/// version; anything else that old data would not decode under needs `VERSION` raised and [`Record::migrate`]. JSON
/// because a store outlives the program that wrote it, and a record that names its fields can still be read when its
/// author forgot to raise the version. A hot record may write a form of its own: override `encode` and `decode`.
pub trait Record: Serialize + DeserializeOwned + Send + Sync {
    /// From 1. Raised when the form changes.
    const VERSION: u32 = 1;

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        serde_json::to_writer(out, self).map_err(RecordError::of)
    }

    /// Reads the form of the current `VERSION`.
    fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        serde_json::from_slice(bytes).map_err(RecordError::of)
    }

    /// Reads the form of an older version. The record is written in the new form when it is next written.
    fn migrate(version: u32, _bytes: &[u8]) -> Result<Self, RecordError> {
        Err(RecordError(format!("nothing migrates schema version {version}")))
    }
}

/// Why a record does not encode or decode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordError(pub String);

impl RecordError {
    pub fn of(error: impl std::fmt::Display) -> RecordError {
        RecordError(error.to_string())
    }
}

/// For tables whose keys say it all, as indexes do.
impl Record for () {
    fn encode(&self, _out: &mut Vec<u8>) -> Result<(), RecordError> {
        Ok(())
    }

    fn decode(_bytes: &[u8]) -> Result<(), RecordError> {
        Ok(())
    }
}

impl Record for String {}
impl Record for u64 {}

/// Bytes as they are.
impl Record for Vec<u8> {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        out.extend_from_slice(self);
        Ok(())
    }

    fn decode(bytes: &[u8]) -> Result<Vec<u8>, RecordError> {
        Ok(bytes.to_vec())
    }
}
