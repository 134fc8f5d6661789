use std::collections::BTreeMap;

use haneul_blob::BlobId;
use haneul_kit::{AccountId, Region};
use haneul_store::{Record, Table};
use serde::{Deserialize, Serialize};

use super::capacity::{CapacityUse, ScalingRecord};
use super::durable::DurableConfig;

pub(crate) static FUNCTIONS: Table<(AccountId, Region, String), FunctionRecord> =
    Table::new("lambda.functions");

/// Published versions, by number; `$LATEST.PUBLISHED` has the largest that there is.
pub(crate) static VERSIONS: Table<(AccountId, Region, String, u64), VersionRecord> =
    Table::new("lambda.versions");

pub(crate) static ALIASES: Table<(AccountId, Region, String, String), AliasRecord> =
    Table::new("lambda.aliases");

/// Versions whose code is not ready yet; 0 is the unpublished one.
pub(crate) static UNSETTLED: Table<(AccountId, Region, String, u64), ()> = Table::new("lambda.unsettled");

/// A function: the unpublished version, and what is configured for all versions or for one of them by its qualifier.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FunctionRecord {
    pub(crate) latest: VersionRecord,
    /// The number of the next published version.
    pub(crate) next_version: u64,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) reserved: Option<u32>,
    pub(crate) recursion_allowed: bool,
    pub(crate) code_signing_config: Option<String>,
    /// By qualifier; empty for the function itself.
    pub(crate) policies: BTreeMap<String, PolicyRecord>,
    /// By qualifier; `$LATEST` for the function itself.
    pub(crate) invoke_configs: BTreeMap<String, InvokeConfig>,
    /// By alias; empty for the unpublished version.
    pub(crate) urls: BTreeMap<String, UrlRecord>,
    /// By version or alias.
    pub(crate) provisioned: BTreeMap<String, ProvisionedRecord>,
    /// By version.
    pub(crate) runtime_updates: BTreeMap<String, RuntimeUpdates>,
    /// By version that runs on a capacity provider.
    #[serde(default)]
    pub(crate) scaling: BTreeMap<String, ScalingRecord>,
}

impl Record for FunctionRecord {}

/// One version's code and configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct VersionRecord {
    /// `$LATEST`, `$LATEST.PUBLISHED` or a number.
    pub(crate) version: String,
    pub(crate) revision: String,
    /// Drawn anew with every change of code or configuration: environments of another one are of no use.
    pub(crate) setting: u64,
    pub(crate) modified_ms: i64,
    pub(crate) role: String,
    pub(crate) runtime: String,
    pub(crate) handler: String,
    pub(crate) description: String,
    pub(crate) timeout_s: u32,
    pub(crate) memory_mb: u32,
    pub(crate) ephemeral_mb: u32,
    pub(crate) architecture: String,
    pub(crate) code: CodeRecord,
    pub(crate) layers: Vec<LayerUse>,
    /// The package is a container image; `code` is what says so, `runtime` and `handler` are empty.
    #[serde(default)]
    pub(crate) image: Option<ImageRecord>,
    /// Its calls are durable executions.
    #[serde(default)]
    pub(crate) durable: Option<DurableConfig>,
    /// Its published versions run on a capacity provider.
    #[serde(default)]
    pub(crate) capacity: Option<CapacityUse>,
    pub(crate) environment: Option<SealedEnvironment>,
    pub(crate) kms_key: Option<String>,
    pub(crate) dead_letter: Option<String>,
    pub(crate) tracing_active: bool,
    pub(crate) logging: Logging,
    /// `None` while all is well.
    pub(crate) state: State,
    /// The last change of the unpublished version, where its code is being prepared or could not be.
    pub(crate) update: Update,
}

impl Record for VersionRecord {}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    /// Its code is being prepared for the first time.
    Pending,
    Active,
    Failed {
        code: String,
        reason: String,
    },
    /// It is to have no environments, and may have some yet.
    Deactivating,
    Deactivated,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Update {
    Done,
    InProgress,
    Failed { code: String, reason: String },
}

/// A deployment package as it was uploaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CodeRecord {
    pub(crate) blob: BlobId,
    pub(crate) len: u64,
    /// Of all its files.
    pub(crate) unzipped: u64,
    /// Base64.
    pub(crate) sha256: String,
}

/// A container image, pinned when the code was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImageRecord {
    /// As it was given.
    pub(crate) uri: String,
    /// With the manifest's digest in place of the tag.
    pub(crate) resolved: String,
    /// `sha256:…` of the manifest.
    pub(crate) digest: String,
    /// Of its layers, compressed.
    pub(crate) bytes: u64,
    pub(crate) config: ImageConfig,
}

/// What stands in place of the image's own; `None` leaves that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImageConfig {
    pub(crate) entry_point: Option<Vec<String>>,
    pub(crate) command: Option<Vec<String>>,
    pub(crate) working_directory: Option<String>,
}

/// A layer as a version uses it: it goes on working when the layer's version is deleted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LayerUse {
    pub(crate) arn: String,
    pub(crate) code: CodeRecord,
}

/// Environment variables under a data key of KMS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SealedEnvironment {
    /// Base64: the data key as KMS encrypted it.
    pub(crate) data_key: String,
    /// Base64: nonce and AES-256-GCM of the variables as JSON.
    pub(crate) sealed: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Logging {
    pub(crate) json: bool,
    pub(crate) application_level: Option<String>,
    pub(crate) system_level: Option<String>,
    pub(crate) group: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AliasRecord {
    pub(crate) version: String,
    pub(crate) description: String,
    /// The second version and its share of the calls.
    pub(crate) weights: Vec<(String, f64)>,
    pub(crate) revision: String,
}

impl Record for AliasRecord {}

/// A resource policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PolicyRecord {
    pub(crate) document: String,
    pub(crate) revision: String,
}

/// How events of a function, version or alias are retried, and where their outcome goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InvokeConfig {
    pub(crate) retries: Option<u32>,
    pub(crate) age_s: Option<u32>,
    pub(crate) on_success: Option<String>,
    pub(crate) on_failure: Option<String>,
    pub(crate) modified_ms: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UrlRecord {
    pub(crate) id: String,
    /// Requests must be signed.
    pub(crate) iam: bool,
    pub(crate) streams: bool,
    pub(crate) cors: Option<Cors>,
    pub(crate) created_ms: i64,
    pub(crate) modified_ms: i64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cors {
    pub(crate) credentials: Option<bool>,
    pub(crate) headers: Option<Vec<String>>,
    pub(crate) methods: Option<Vec<String>>,
    pub(crate) origins: Option<Vec<String>>,
    pub(crate) expose: Option<Vec<String>>,
    pub(crate) max_age_s: Option<i32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProvisionedRecord {
    pub(crate) requested: u32,
    pub(crate) modified_ms: i64,
    /// Why environments could not be started.
    pub(crate) failed: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RuntimeUpdates {
    pub(crate) on: String,
    pub(crate) runtime: Option<String>,
}

impl VersionRecord {
    pub(crate) fn log_group(&self, function: &str) -> String {
        self.logging.group.clone().unwrap_or_else(|| format!("/aws/lambda/{function}"))
    }

    /// The blobs that must stay for this version's sake.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = BlobId> + '_ {
        std::iter::once(self.code.blob).chain(self.layers.iter().map(|layer| layer.code.blob))
    }

    /// Whether publishing `self` after `before` would make a version like the last one.
    pub(crate) fn same_as(&self, before: &VersionRecord) -> bool {
        let plain = |version: &VersionRecord| VersionRecord {
            version: String::new(),
            revision: String::new(),
            setting: 0,
            modified_ms: 0,
            description: String::new(),
            code: CodeRecord { blob: before.code.blob, ..version.code.clone() },
            state: State::Active,
            update: Update::Done,
            ..version.clone()
        };
        plain(self) == plain(before)
    }
}
