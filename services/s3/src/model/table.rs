use std::collections::BTreeMap;

use haneul_store::Record;
use serde::{Deserialize, Serialize};

/// A table bucket of S3 Tables, in the table by account, Region and name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct TableBucket {
    /// A UUID: names its rows in the other tables, so that one made anew does not see the old one's.
    pub(crate) id: String,
    pub(crate) created_ms: i64,
    /// Whether S3 made it for tables of its own (`aws-s3`).
    pub(crate) managed: bool,
    #[serde(default)]
    pub(crate) encryption: TableEncryption,
    #[serde(default)]
    pub(crate) policy: Option<String>,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
}

impl Record for TableBucket {}

/// How the files of a table are encrypted: by S3's own keys, or by a key of KMS (its ARN).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TableEncryption {
    pub(crate) kms_key: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Namespace {
    pub(crate) id: String,
    pub(crate) created_ms: i64,
    /// The account's number.
    pub(crate) created_by: u64,
}

impl Record for Namespace {}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct TableRecord {
    /// The last part of its ARN.
    pub(crate) id: String,
    pub(crate) namespace_id: String,
    /// The reserved bucket in which its files are, and its number in the tables of objects.
    pub(crate) warehouse: String,
    pub(crate) objects: u64,
    /// The service that writes it, as `metadata.s3.amazonaws.com`; clients only read such a table.
    pub(crate) managed_by: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) created_by: u64,
    pub(crate) modified_ms: i64,
    pub(crate) modified_by: u64,
    /// Another with every change of where the metadata is.
    pub(crate) version_token: String,
    /// `s3://WAREHOUSE/metadata/….metadata.json`
    pub(crate) metadata_location: Option<String>,
    #[serde(default)]
    pub(crate) encryption: TableEncryption,
    #[serde(default)]
    pub(crate) policy: Option<String>,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
}

impl Record for TableRecord {}

/// Whose files are in a reserved bucket, by its name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Warehouse {
    pub(crate) account: u64,
    pub(crate) region: String,
    /// The table bucket, and the table by its id: names may change.
    pub(crate) bucket: String,
    pub(crate) table: String,
}

impl Record for Warehouse {}
