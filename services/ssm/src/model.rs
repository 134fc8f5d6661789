//! What is kept in the store. SecureStrings are ciphertexts.

use std::collections::BTreeMap;

use haneul_kit::{AccountId, Arn, Region};
use haneul_store::{Record, Table};
use serde::{Deserialize, Serialize};

/// By owner, Region and name.
pub(crate) static PARAMETERS: Table<(AccountId, Region, String), ParameterRecord> =
    Table::new("ssm.parameters");

/// Every version: owner, Region, name, number.
pub(crate) static VERSIONS: Table<(AccountId, Region, String, u64), VersionRecord> =
    Table::new("ssm.versions");

/// When parameters expire: time, owner, Region, name.
pub(crate) static DUE: Table<(i64, AccountId, Region, String), ()> = Table::new("ssm.due");

/// Settings that differ from their defaults: owner, Region, id.
pub(crate) static SETTINGS: Table<(AccountId, Region, String), SettingRecord> = Table::new("ssm.settings");

/// A parameter's full name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FullName {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    /// With its leading slash, if it has one.
    pub(crate) name: String,
}

impl FullName {
    pub(crate) fn row(&self) -> (AccountId, Region, &str) {
        (self.account, self.region, self.name.as_str())
    }

    pub(crate) fn arn(&self) -> Arn {
        let slash = if self.name.starts_with('/') { "" } else { "/" };
        Arn::new("ssm", self.region, self.account, format_args!("parameter{slash}{}", self.name))
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ParameterRecord {
    /// The number of the latest version.
    pub(crate) version: u64,
    pub(crate) latest: VersionRecord,
    /// Labels and the versions that they are on.
    pub(crate) labels: BTreeMap<String, u64>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) resource_policy: Option<ResourcePolicy>,
}

impl Record for ParameterRecord {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct VersionRecord {
    /// For a SecureString the ciphertext, base64.
    pub(crate) value: String,
    pub(crate) kind: String,
    pub(crate) key_id: Option<String>,
    pub(crate) tier: String,
    pub(crate) data_type: String,
    pub(crate) description: Option<String>,
    pub(crate) allowed_pattern: Option<String>,
    /// Parameter policies as they were given, each its JSON text.
    pub(crate) policies: Vec<String>,
    /// When an Expiration policy deletes the parameter.
    pub(crate) expires_ms: Option<i64>,
    pub(crate) modified_ms: i64,
    pub(crate) modified_user: String,
}

impl Record for VersionRecord {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ResourcePolicy {
    pub(crate) id: String,
    pub(crate) hash: String,
    pub(crate) policy: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SettingRecord {
    pub(crate) value: String,
    pub(crate) modified_ms: i64,
    pub(crate) modified_user: String,
}

impl Record for SettingRecord {}

pub(crate) const STRING_LIST: &str = "StringList";
pub(crate) const SECURE_STRING: &str = "SecureString";
pub(crate) const STANDARD: &str = "Standard";
pub(crate) const ADVANCED: &str = "Advanced";
pub(crate) const INTELLIGENT: &str = "Intelligent-Tiering";
