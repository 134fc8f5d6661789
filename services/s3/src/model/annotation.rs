use haneul_store::Record;
use serde::{Deserialize, Serialize};

use super::Data;
use super::encryption::Sealed;
use crate::checksum::Checksum;

/// A named text that is attached to a version of an object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AnnotationRecord {
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) checksum: Checksum,
    pub(crate) modified_s: i64,
    pub(crate) data: Data,
    /// Encrypted as its object was when it was put, by a key of its own.
    pub(crate) sealed: Sealed,
}

impl Record for AnnotationRecord {}
