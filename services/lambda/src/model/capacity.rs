use std::collections::BTreeMap;

use haneul_kit::{AccountId, Region};
use haneul_store::{Record, Table};
use serde::{Deserialize, Serialize};

use super::function::VersionRecord;

pub(crate) static PROVIDERS: Table<(AccountId, Region, String), ProviderRecord> =
    Table::new("lambda.capacity-providers");

/// Which versions of which functions run on a provider: by the provider's name, the function's and the version's number, 0
/// being the unpublished one, which only names it.
pub(crate) static ATTACHED: Table<(AccountId, Region, String, String, u64), ()> =
    Table::new("lambda.capacity-versions");

/// What answers in place of `$LATEST.PUBLISHED`, by function and number, until the environments of that are ready.
pub(crate) static PREVIOUS: Table<(AccountId, Region, String, u64), VersionRecord> =
    Table::new("lambda.capacity-previous");

/// A capacity provider.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProviderRecord {
    pub(crate) subnets: Vec<String>,
    pub(crate) security_groups: Vec<String>,
    pub(crate) operator_role: String,
    /// As it was given; the host's if nothing was.
    pub(crate) architectures: Option<Vec<String>>,
    pub(crate) allowed: Option<Vec<String>>,
    pub(crate) excluded: Option<Vec<String>>,
    pub(crate) scaling: ProviderScaling,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) modified_ms: i64,
}

impl Record for ProviderRecord {}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ProviderScaling {
    pub(crate) cpus_max: Option<u32>,
    /// `Manual`: by `policies`.
    pub(crate) manual: Option<bool>,
    /// Metric and target value.
    pub(crate) policies: Vec<(String, f64)>,
}

/// On which provider a version runs, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct CapacityUse {
    /// The provider's name; it is of the function's account and Region.
    pub(crate) provider: String,
    pub(crate) concurrency: Option<u32>,
    /// Gigabytes for each processor.
    pub(crate) memory_per_cpu: Option<f64>,
}

/// How many environments a version has, as it was asked for and as it has come to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ScalingRecord {
    pub(crate) requested: Scaling,
    pub(crate) applied: Option<Scaling>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scaling {
    pub(crate) min: Option<u32>,
    pub(crate) max: Option<u32>,
}
