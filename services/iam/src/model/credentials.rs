//! What a user or the root user proves itself with, beside access keys.

use std::collections::BTreeMap;

use haneul_kit::{AccountId, Arn};
use haneul_store::{Record, Table};
use serde::{Deserialize, Serialize};

use super::{Key, Millis};
use crate::secret::Secret;

/// Account, and a user's name in lower case; empty for the root user.
pub(crate) type HolderKey = (AccountId, String);

/// All of one holder. Apart from the user's record, so that a change drops no compiled policy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Credentials {
    #[serde(default)]
    pub login: Option<Login>,
    /// Devices by the second part of their keys, in the order of being enabled.
    #[serde(default)]
    pub mfa: Vec<String>,
    #[serde(default)]
    pub ssh_keys: Vec<SshKey>,
    #[serde(default)]
    pub signing_certificates: Vec<SigningCertificate>,
    #[serde(default)]
    pub service_specific: Vec<ServiceCredential>,
}

impl Credentials {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Credentials::default()
    }
}

/// A console password.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Login {
    /// Argon2id, in the PHC string format.
    pub hash: String,
    pub created: Millis,
    pub changed: Millis,
    pub reset_required: bool,
    /// Hashes of the passwords before, newest first; no more than a password policy can ask for.
    #[serde(default)]
    pub before: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SshKey {
    /// `APKA…`
    pub id: String,
    /// `ssh-rsa AAAA… comment`
    pub body: String,
    /// MD5 of the key's blob, in hexadecimal with colons.
    pub fingerprint: String,
    pub active: bool,
    pub uploaded: Millis,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SigningCertificate {
    pub id: String,
    /// PEM
    pub body: String,
    pub active: bool,
    pub uploaded: Millis,
}

/// A password, or an API key, for one service alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ServiceCredential {
    /// `ACCA…`
    pub id: String,
    /// `logs.amazonaws.com`
    pub service: String,
    /// The name that goes with the password: `jane-at-123456789012`. It stays when the user is renamed.
    pub name: String,
    /// SHA-256 of the password, in hexadecimal: it is random and long, so it needs no slow hash.
    pub hash: String,
    pub active: bool,
    pub created: Millis,
    #[serde(default)]
    pub expires: Option<Millis>,
}

/// Whose a service-specific credential is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ServiceCredentialOwner {
    pub account: u64,
    /// The user's name in lower case.
    pub user: String,
}

/// A virtual MFA device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MfaDevice {
    pub path: String,
    pub name: String,
    /// Base32.
    pub seed: Secret,
    pub created: Millis,
    #[serde(default)]
    pub tags: Vec<(String, String)>,
    /// Whose it is and since when.
    #[serde(default)]
    pub enabled: Option<Enabled>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Enabled {
    /// The second part of a [`HolderKey`].
    pub holder: String,
    pub since: Millis,
    /// How many steps the device's clock is ahead of ours.
    pub offset: i64,
    /// The step of the last code that was taken: neither it nor one before it is taken again.
    pub last_step: i64,
    /// Wrong codes since the last right one, and when the last of them came.
    #[serde(default)]
    pub failures: u32,
    #[serde(default)]
    pub failed: Option<Millis>,
}

impl MfaDevice {
    pub(crate) fn arn(&self, account: AccountId) -> Arn {
        Arn::global("iam", account, format_args!("mfa{}{}", self.path, self.name))
    }
}

/// What passwords of users must be like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PasswordPolicy {
    pub length_min: u32,
    pub symbols: bool,
    pub numbers: bool,
    pub uppercase: bool,
    pub lowercase: bool,
    pub users_may_change: bool,
    #[serde(default)]
    pub age_max_days: Option<u32>,
    #[serde(default)]
    pub reuse_prevention: Option<u32>,
    #[serde(default)]
    pub hard_expiry: Option<bool>,
}

/// Whether and as whom an account vends tokens for services elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct OutboundFederation {
    /// Made once: it stays when the feature goes off and on again.
    pub issuer: String,
    pub enabled: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CredentialReport {
    pub generated: Millis,
    /// CSV
    pub content: String,
}

/// The status of what is being deleted by the clock, by task id without account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct DeletionTask {
    pub account: u64,
    /// The role's name in lower case.
    pub role: String,
    pub submitted: Millis,
    pub state: DeletionState,
    #[serde(default)]
    pub reason: Option<String>,
    /// What still uses the role: ARNs by Region.
    #[serde(default)]
    pub used_by: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum DeletionState {
    InProgress,
    Succeeded,
    Failed,
}

impl Record for Credentials {}
impl Record for ServiceCredentialOwner {}
impl Record for MfaDevice {}
impl Record for DeletionTask {}

pub(crate) static CREDENTIALS: Table<HolderKey, Credentials> = Table::new("iam.credentials");
/// By service and name, of all accounts: who comes with a service's password says no more.
pub(crate) static SERVICE_CREDENTIALS: Table<(String, String), ServiceCredentialOwner> =
    Table::new("iam.service-credentials");
/// By path and name, in lower case.
pub(crate) static MFA_DEVICES: Table<Key, MfaDevice> = Table::new("iam.mfa-devices");
pub(crate) static DELETION_TASKS: Table<String, DeletionTask> = Table::new("iam.deletion-tasks");
