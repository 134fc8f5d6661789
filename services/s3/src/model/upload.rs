use std::collections::BTreeMap;

use haneul_store::Record;
use serde::{Deserialize, Serialize};

use super::encryption::Sealed;
use super::{Acl, Data, ObjectLock, SystemMetadata};
use crate::checksum::{Algorithm, Kind};

/// A multipart upload that is under way.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct UploadRecord {
    pub(crate) initiated_ms: i64,
    /// The account and ARN of whoever began it.
    pub(crate) initiator: u64,
    pub(crate) initiator_arn: String,
    /// The unique id, which nobody has again; `None` in uploads of before.
    #[serde(default)]
    pub(crate) initiator_id: Option<String>,
    #[serde(default)]
    pub(crate) owner: Option<u64>,
    pub(crate) headers: SystemMetadata,
    pub(crate) metadata: Vec<(String, String)>,
    pub(crate) storage_class: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
    /// `None` when the client asked for none: then a CRC64NVME of the whole is kept.
    pub(crate) checksum: Option<(Algorithm, Kind)>,
    #[serde(default)]
    pub(crate) acl: Option<Acl>,
    #[serde(default)]
    pub(crate) lock: ObjectLock,
    #[serde(default)]
    pub(crate) sealed: Option<Sealed>,
    /// The number of the object that had the key when this began, 0 where none had; `None` in uploads of before.
    #[serde(default)]
    pub(crate) began_over: Option<u64>,
}

impl Record for UploadRecord {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PartRecord {
    pub(crate) size: u64,
    /// The MD5 in hexadecimal.
    pub(crate) etag: String,
    pub(crate) algorithm: Algorithm,
    /// Base64.
    pub(crate) checksum: String,
    pub(crate) modified_s: i64,
    pub(crate) data: Data,
    /// Makes the part's key of the upload's, in hexadecimal.
    #[serde(default)]
    pub(crate) salt: Option<String>,
}

impl Record for PartRecord {}

/// Remembers a completed upload for a while, so that the same CompleteMultipartUpload again gets the same answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CompletedUpload {
    pub(crate) key: String,
    pub(crate) completed_ms: i64,
    pub(crate) etag: String,
    pub(crate) version_id: Option<String>,
    pub(crate) checksum: Option<crate::checksum::Checksum>,
    #[serde(default)]
    pub(crate) sealed: Option<Sealed>,
}

impl Record for CompletedUpload {}
