//! What is kept in the store. Key material is sealed; nothing else here is a secret.

use std::collections::BTreeMap;

use haneul_kit::{AccountId, Arn, Instant, Region};
use haneul_store::{Record, Table};
use serde::{Deserialize, Serialize};

use crate::spec::Spec;

/// By owner, Region and key id.
pub(crate) static KEYS: Table<(AccountId, Region, String), KeyRecord> = Table::new("kms.keys");

/// By the key's owner, Region and id, and the grant's id.
pub(crate) static GRANTS: Table<(AccountId, Region, String, String), GrantRecord> = Table::new("kms.grants");

/// By owner, Region and name with its `alias/`.
pub(crate) static ALIASES: Table<(AccountId, Region, String), AliasRecord> = Table::new("kms.aliases");

/// The aliases of each key: owner, Region, key id, name.
pub(crate) static ALIASES_OF_KEY: Table<(AccountId, Region, String, String), ()> =
    Table::new("kms.aliases-of-key");

/// When something of a key falls due: time, owner, Region, key id.
pub(crate) static DUE: Table<(i64, AccountId, Region, String), ()> = Table::new("kms.due");

/// The last use of a key in a cryptographic operation, written once a minute.
pub(crate) static LAST_USES: Table<(AccountId, Region, String), LastUse> = Table::new("kms.last-uses");

/// Sealed: the secret under which ids of key material are computed.
pub(crate) static ROOT: Table<String, String> = Table::new("kms.root");

/// A key's full name. Related multi-Region keys differ in the Region alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyName {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) id: String,
}

impl KeyName {
    pub(crate) fn arn(&self) -> Arn {
        Arn::new("kms", self.region, self.account, format_args!("key/{}", self.id))
    }

    pub(crate) fn row(&self) -> (AccountId, Region, &str) {
        (self.account, self.region, self.id.as_str())
    }

    pub(crate) fn in_region(&self, region: Region) -> KeyName {
        KeyName { region, ..self.clone() }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeyRecord {
    pub(crate) created_ms: i64,
    pub(crate) description: String,
    pub(crate) usage: String,
    /// By its name, see [`Spec`].
    pub(crate) spec: String,
    /// Whether key material is imported (`EXTERNAL`) or ours (`AWS_KMS`).
    pub(crate) imported: bool,
    /// An AWS managed key.
    pub(crate) aws_managed: bool,
    pub(crate) enabled: bool,
    pub(crate) deletion: Option<Deletion>,
    /// The key policy, as it was given.
    pub(crate) policy: String,
    pub(crate) tags: BTreeMap<String, String>,
    /// Oldest first.
    pub(crate) materials: Vec<MaterialRecord>,
    pub(crate) rotation: Option<Rotation>,
    pub(crate) on_demand_rotations: u32,
    pub(crate) multi_region: Option<MultiRegion>,
}

impl Record for KeyRecord {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Deletion {
    pub(crate) window_days: i32,
    /// `None` while a primary key waits for its replicas to go.
    pub(crate) at_ms: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rotation {
    pub(crate) period_days: i32,
    pub(crate) next_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MultiRegion {
    pub(crate) primary: String,
    /// The Regions of the replicas, in the order they were made.
    pub(crate) replicas: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct MaterialRecord {
    /// 64 hex digits, computed from the key's id and the material.
    pub(crate) id: String,
    /// `None`: imported material that was deleted or has expired.
    pub(crate) sealed: Option<String>,
    pub(crate) state: MaterialState,
    /// How and when it came into use; `None` for the first.
    pub(crate) rotated: Option<(RotationType, i64)>,
    /// For imported material that expires.
    pub(crate) valid_to_ms: Option<i64>,
    pub(crate) description: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum MaterialState {
    Current,
    NonCurrent,
    PendingRotation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RotationType {
    Automatic,
    OnDemand,
}

/// A key's state, as KeyState has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyState {
    Enabled,
    Disabled,
    PendingDeletion,
    PendingReplicaDeletion,
    PendingImport,
}

impl KeyState {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            KeyState::Enabled => "Enabled",
            KeyState::Disabled => "Disabled",
            KeyState::PendingDeletion => "PendingDeletion",
            KeyState::PendingReplicaDeletion => "PendingReplicaDeletion",
            KeyState::PendingImport => "PendingImport",
        }
    }
}

impl KeyRecord {
    pub(crate) fn spec(&self) -> Spec {
        // Only known specs are stored.
        Spec::parse(&self.spec).unwrap_or(Spec::Symmetric)
    }

    pub(crate) fn state(&self, now: Instant) -> KeyState {
        match &self.deletion {
            Some(Deletion { at_ms: None, .. }) => KeyState::PendingReplicaDeletion,
            Some(_) => KeyState::PendingDeletion,
            None if self.imported && !self.is_whole(now) => KeyState::PendingImport,
            None if self.enabled => KeyState::Enabled,
            None => KeyState::Disabled,
        }
    }

    /// Whether all imported material that is or was in use is there.
    fn is_whole(&self, now: Instant) -> bool {
        let used = self.materials.iter().filter(|material| material.state != MaterialState::PendingRotation);
        self.current().is_some() && used.into_iter().all(|material| material.is_there(now))
    }

    pub(crate) fn current(&self) -> Option<&MaterialRecord> {
        self.materials.iter().find(|material| material.state == MaterialState::Current)
    }

    /// Whether it exists no more, its waiting period being over.
    pub(crate) fn is_gone(&self, now: Instant) -> bool {
        self.deletion.as_ref().and_then(|deletion| deletion.at_ms).is_some_and(|at_ms| now.millis() >= at_ms)
    }

    /// When the clock changes something next.
    pub(crate) fn due_ms(&self) -> Option<i64> {
        let deletion = self.deletion.as_ref().and_then(|deletion| deletion.at_ms);
        let rotation = self.rotation.as_ref().filter(|_| self.rotates()).map(|rotation| rotation.next_ms);
        let expiries = self.materials.iter().filter(|m| m.sealed.is_some()).filter_map(|m| m.valid_to_ms);
        deletion.into_iter().chain(rotation).chain(expiries).min()
    }

    /// Whether it rotates by itself: disabled keys and keys to be deleted do not (KMS Developer Guide, "Rotate KMS
    /// keys"), and of related multi-Region keys the primary does it for all.
    pub(crate) fn rotates(&self) -> bool {
        self.enabled && self.deletion.is_none() && self.rotation.is_some()
    }

    pub(crate) fn is_replica_in(&self, region: Region) -> bool {
        self.multi_region.as_ref().is_some_and(|multi| multi.primary != region.as_str())
    }
}

impl MaterialRecord {
    pub(crate) fn is_there(&self, now: Instant) -> bool {
        self.sealed.is_some() && self.valid_to_ms.is_none_or(|at_ms| now.millis() < at_ms)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AliasRecord {
    pub(crate) key_id: String,
    pub(crate) created_ms: i64,
    pub(crate) updated_ms: i64,
}

impl Record for AliasRecord {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct GrantRecord {
    pub(crate) name: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) grantee: String,
    /// Whether the grantee is a service principal.
    pub(crate) grantee_is_service: bool,
    pub(crate) retiring: Option<String>,
    pub(crate) retiring_is_service: bool,
    pub(crate) issuing_account: String,
    pub(crate) operations: Vec<String>,
    pub(crate) context_subset: Option<BTreeMap<String, String>>,
    pub(crate) context_equals: Option<BTreeMap<String, String>>,
    pub(crate) source_arn: Option<String>,
}

impl Record for GrantRecord {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LastUse {
    pub(crate) operation: String,
    pub(crate) at_ms: i64,
    pub(crate) request_id: String,
}

impl Record for LastUse {}
