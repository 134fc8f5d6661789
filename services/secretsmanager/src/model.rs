//! What is kept in the store. Values are ciphertexts.

use std::collections::BTreeMap;

use haneul_kit::{AccountId, Arn, Region};
use haneul_store::{Record, Table};
use serde::{Deserialize, Serialize};

/// By owner, Region and name.
pub(crate) static SECRETS: Table<(AccountId, Region, String), SecretRecord> =
    Table::new("secretsmanager.secrets");

/// The values of versions: owner, Region, name, version id.
pub(crate) static VALUES: Table<(AccountId, Region, String, String), ValueRecord> =
    Table::new("secretsmanager.values");

/// When a secret's waiting period ends or its rotation is due: time, owner, Region, name.
pub(crate) static DUE: Table<(i64, AccountId, Region, String), ()> = Table::new("secretsmanager.due");

/// A secret's full name. Replicas differ in the Region alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecretName {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

impl SecretName {
    pub(crate) fn row(&self) -> (AccountId, Region, &str) {
        (self.account, self.region, self.name.as_str())
    }

    pub(crate) fn arn(&self, suffix: &str) -> Arn {
        Arn::new("secretsmanager", self.region, self.account, format_args!("secret:{}-{suffix}", self.name))
    }

    pub(crate) fn in_region(&self, region: Region) -> SecretName {
        SecretName { region, ..self.clone() }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SecretRecord {
    /// The six characters at the end of the ARN.
    pub(crate) suffix: String,
    pub(crate) description: Option<String>,
    /// `None` is `aws/secretsmanager`.
    pub(crate) kms_key_id: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) changed_ms: i64,
    /// The day of the last read.
    pub(crate) accessed_ms: Option<i64>,
    pub(crate) rotated_ms: Option<i64>,
    pub(crate) deletion: Option<Deletion>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) policy: Option<String>,
    pub(crate) versions: BTreeMap<String, VersionRecord>,
    pub(crate) rotation: Option<Rotation>,
    /// A rotation that is under way.
    pub(crate) rotating: Option<Rotating>,
    /// Set where there are or were replicas.
    pub(crate) primary_region: Option<String>,
    pub(crate) replicas: Vec<Replica>,
}

impl Record for SecretRecord {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Deletion {
    pub(crate) deleted_ms: i64,
    pub(crate) ends_ms: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct VersionRecord {
    pub(crate) created_ms: i64,
    /// Staging labels, sorted. A version without any is deprecated.
    pub(crate) stages: Vec<String>,
    pub(crate) accessed_ms: Option<i64>,
    /// The key that encrypts it, as it was named.
    pub(crate) kms_key_id: Option<String>,
    /// Whether it has a value; a version that a rotation began has none at first.
    pub(crate) has_value: bool,
}

/// AES-256-GCM under a data key of KMS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ValueRecord {
    pub(crate) binary: bool,
    /// The data key, as KMS encrypted it; base64.
    pub(crate) data_key: String,
    /// Nonce and ciphertext; base64.
    pub(crate) sealed: String,
}

impl Record for ValueRecord {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rotation {
    pub(crate) enabled: bool,
    pub(crate) lambda_arn: String,
    pub(crate) after_days: Option<i64>,
    pub(crate) duration: Option<String>,
    pub(crate) schedule: Option<String>,
    /// When the next window opens.
    pub(crate) next_ms: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rotating {
    pub(crate) version_id: String,
    /// The step that comes next, see [`STEPS`].
    pub(crate) step: usize,
    pub(crate) attempts: u32,
    pub(crate) retry_ms: i64,
    /// A rotation that only tests the function: its version goes afterwards.
    pub(crate) test: bool,
}

/// What a rotation function is called for, in this order.
pub(crate) const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Replica {
    pub(crate) region: String,
    pub(crate) kms_key_id: Option<String>,
    /// Why the last synchronisation failed.
    pub(crate) failure: Option<String>,
}

impl SecretRecord {
    pub(crate) fn due_ms(&self) -> Option<i64> {
        let deletion = self.deletion.as_ref().map(|deletion| deletion.ends_ms);
        let live = self.deletion.is_none();
        let next = self.rotation.as_ref().filter(|rotation| live && rotation.enabled).and_then(|r| r.next_ms);
        let retry = self.rotating.as_ref().filter(|_| live).map(|rotating| rotating.retry_ms);
        deletion.into_iter().chain(next).chain(retry).min()
    }

    pub(crate) fn is_replica_in(&self, region: Region) -> bool {
        self.primary_region.as_ref().is_some_and(|primary| primary != region.as_str())
    }

    pub(crate) fn with_stage(&self, stage: &str) -> Option<&String> {
        self.versions.iter().find(|(_, version)| version.stages.iter().any(|s| s == stage)).map(|(id, _)| id)
    }
}
