use haneul_kit::{AccountId, Region};
use haneul_store::{Record, Table};
use serde::{Deserialize, Serialize};

use super::function::{CodeRecord, PolicyRecord};

/// Per layer, the number of its next version: numbers are not used again.
pub(crate) static LAYERS: Table<(AccountId, Region, String), u64> = Table::new("lambda.layers");

pub(crate) static LAYER_VERSIONS: Table<(AccountId, Region, String, u64), LayerRecord> =
    Table::new("lambda.layer-versions");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LayerRecord {
    pub(crate) code: CodeRecord,
    pub(crate) description: String,
    pub(crate) created_ms: i64,
    pub(crate) runtimes: Option<Vec<String>>,
    pub(crate) architectures: Option<Vec<String>>,
    pub(crate) license: Option<String>,
    pub(crate) policy: Option<PolicyRecord>,
}

impl Record for LayerRecord {}
