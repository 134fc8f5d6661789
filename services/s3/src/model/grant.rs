use std::collections::BTreeMap;

use haneul_store::Record;
use serde::{Deserialize, Serialize};

/// An account's S3 Access Grants in a Region: what holds locations and grants.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct GrantsInstance {
    pub(crate) created_ms: i64,
    /// Lets other accounts in.
    #[serde(default)]
    pub(crate) policy: Option<String>,
    #[serde(default)]
    pub(crate) policy_ms: i64,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
    /// How many there are: what limits them, and what keeps the instance from being deleted.
    #[serde(default)]
    pub(crate) locations: u32,
    #[serde(default)]
    pub(crate) grants: u32,
}

impl Record for GrantsInstance {}

/// Data that grants can be given for, and the role that has access to it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GrantsLocation {
    pub(crate) created_ms: i64,
    /// `s3://`, or a bucket, or a bucket and a prefix.
    pub(crate) scope: String,
    pub(crate) role: String,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) grants: u32,
}

impl Record for GrantsLocation {}

/// One user's or role's access to a part of a location.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Grant {
    pub(crate) created_ms: i64,
    pub(crate) location: String,
    /// As it was given, to be shown.
    pub(crate) sub_prefix: Option<String>,
    /// The ARN of the user or role.
    pub(crate) grantee: String,
    pub(crate) permission: GrantPermission,
    /// The path as it is shown.
    pub(crate) scope: String,
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// Whether it is of all keys that begin with `key`, or of that one.
    pub(crate) is_prefix: bool,
    #[serde(default)]
    pub(crate) tags: BTreeMap<String, String>,
}

impl Record for Grant {}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum GrantPermission {
    Read,
    Write,
    ReadWrite,
}

impl GrantPermission {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            GrantPermission::Read => "READ",
            GrantPermission::Write => "WRITE",
            GrantPermission::ReadWrite => "READWRITE",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<GrantPermission> {
        [GrantPermission::Read, GrantPermission::Write, GrantPermission::ReadWrite]
            .into_iter()
            .find(|permission| permission.as_str() == text)
    }

    pub(crate) fn covers(self, asked: GrantPermission) -> bool {
        self == GrantPermission::ReadWrite || self == asked
    }
}
