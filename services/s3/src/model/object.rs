use std::collections::BTreeMap;

use haneul_blob::BlobId;
use haneul_store::Record;
use serde::{Deserialize, Serialize};

use super::encryption::Sealed;
use super::replication::Replicated;
use super::tiering::{AccessTier, Tiered};
use super::{Acl, ObjectLock};
use crate::checksum::Checksum;

/// One version of an object, or a delete marker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ObjectRecord {
    /// Rises with each version of the key; also inside the version id, so that a version is found by its id.
    #[serde(rename = "n")]
    pub(crate) seq: u64,
    /// `None` is the null version.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub(crate) version_id: Option<String>,
    /// On the current version: whether the table of versions may hold older ones.
    #[serde(rename = "o", default, skip_serializing_if = "is_false")]
    pub(crate) older: bool,
    /// Whole seconds since the epoch: S3 shows no more.
    #[serde(rename = "m")]
    pub(crate) modified_s: i64,
    /// When a newer version took its place, for lifecycle rules.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub(crate) noncurrent_since_s: Option<i64>,
    /// The account that owns it, when it is not the bucket's.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<u64>,
    /// `None` is a delete marker.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Body>,
    /// Where it stands between buckets, when a rule is or was about it.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub(crate) replication: Option<Replicated>,
    /// How many annotations the version has.
    #[serde(rename = "t", default, skip_serializing_if = "is_zero")]
    pub(crate) annotations: u32,
}

impl Record for ObjectRecord {}

/// What an object is, beside its key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Body {
    #[serde(rename = "s")]
    pub(crate) size: u64,
    /// Without quotes.
    #[serde(rename = "e")]
    pub(crate) etag: String,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(crate) checksum: Option<Checksum>,
    #[serde(rename = "d")]
    pub(crate) data: Data,
    /// How many parts it was uploaded in; 0 when it came in one piece.
    #[serde(rename = "p", default, skip_serializing_if = "is_zero")]
    pub(crate) parts: u32,
    #[serde(rename = "h", default, skip_serializing_if = "SystemMetadata::is_empty")]
    pub(crate) headers: SystemMetadata,
    /// `x-amz-meta-…`, without that prefix, in the order given.
    #[serde(rename = "u", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) metadata: Vec<(String, String)>,
    /// `None` is STANDARD.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub(crate) storage_class: Option<String>,
    #[serde(rename = "t", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tags: BTreeMap<String, String>,
    /// `None`: only its owner may do anything.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub(crate) acl: Option<Acl>,
    #[serde(rename = "l", default, skip_serializing_if = "ObjectLock::is_empty")]
    pub(crate) lock: ObjectLock,
    /// `None`: its bytes are as they came, of before there was encryption.
    #[serde(rename = "z", default, skip_serializing_if = "Option::is_none")]
    pub(crate) sealed: Option<Sealed>,
    /// The last restore of an archived object, over or not.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub(crate) restore: Option<Restore>,
    /// When it was moved into its class; `None` where it came into it.
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    pub(crate) class_since_s: Option<i64>,
    /// Of the class INTELLIGENT_TIERING, once it was moved or read.
    #[serde(rename = "g", default, skip_serializing_if = "Option::is_none")]
    pub(crate) tiered: Option<Tiered>,
}

/// When a copy of archived bytes is there, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Restore {
    #[serde(rename = "r")]
    pub(crate) ready_ms: i64,
    #[serde(rename = "x")]
    pub(crate) expires_ms: i64,
    /// Whether it was told that the copy is there.
    #[serde(rename = "t", default, skip_serializing_if = "is_false")]
    pub(crate) told: bool,
}

/// Names bytes in the inline table, or a manifest: a time in milliseconds, so that neighbours in time are neighbours
/// on disk, and a random number.
pub(crate) type DataId = (u64, u64);

/// Where bytes are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Data {
    #[default]
    #[serde(rename = "e")]
    Empty,
    /// In the inline table.
    #[serde(rename = "i")]
    Inline(DataId),
    #[serde(rename = "b")]
    Blob(BlobId),
    /// In pieces that a manifest lists.
    #[serde(rename = "p")]
    Parts(DataId),
}

/// The parts of an object that was uploaded in parts. Apart from the object's record, because there may be 10,000.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) parts: Vec<ManifestPart>,
}

impl Record for Manifest {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ManifestPart {
    #[serde(rename = "n")]
    pub(crate) number: u32,
    #[serde(rename = "s")]
    pub(crate) size: u64,
    #[serde(rename = "d")]
    pub(crate) data: Data,
    /// The part's own checksum, by the object's algorithm.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(crate) checksum: Option<String>,
    /// Makes the part's key of the object's, in hexadecimal.
    #[serde(rename = "z", default, skip_serializing_if = "Option::is_none")]
    pub(crate) salt: Option<String>,
}

/// The headers that S3 keeps and gives back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SystemMetadata {
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_encoding: Option<String>,
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_language: Option<String>,
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_disposition: Option<String>,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(crate) cache_control: Option<String>,
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<String>,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub(crate) website_redirect: Option<String>,
}

impl SystemMetadata {
    fn is_empty(&self) -> bool {
        *self == SystemMetadata::default()
    }
}

impl ObjectRecord {
    pub(crate) fn is_delete_marker(&self) -> bool {
        self.body.is_none()
    }

    pub(crate) fn etag(&self) -> Option<&str> {
        self.body.as_ref().map(|body| body.etag.as_str())
    }

    /// `null` for the null version.
    pub(crate) fn version_name(&self) -> &str {
        self.version_id.as_deref().unwrap_or(NULL)
    }
}

pub(crate) const NULL: &str = "null";

impl Body {
    pub(crate) fn storage_class(&self) -> &str {
        self.storage_class.as_deref().unwrap_or("STANDARD")
    }

    /// The tier from which it has to be restored before it is read.
    pub(crate) fn archive_tier(&self) -> Option<AccessTier> {
        self.tiered.map(|tiered| tiered.tier).filter(|tier| tier.is_archive())
    }

    pub(crate) fn quoted_etag(&self) -> String {
        format!("\"{}\"", self.etag)
    }
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}
