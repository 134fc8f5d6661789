//! What is kept, and under which keys.

use haneul_kit::{AccountId, Region};
use haneul_store::{Record, Table};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) description: Option<String>,
    /// The query's type and text, as they were given.
    pub(crate) query: Option<(String, String)>,
    /// Types and parameters of the configuration.
    pub(crate) configuration: Option<Vec<Item>>,
    pub(crate) tags: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) kind: String,
    pub(crate) parameters: Vec<(String, Vec<String>)>,
}

impl Record for Group {}

pub(crate) static GROUPS: Table<(AccountId, Region, String), Group> = Table::new("resource-groups.groups");
/// Members by hand: the group, and the resource's ARN.
pub(crate) static MEMBERS: Table<(AccountId, Region, String, String), ()> =
    Table::new("resource-groups.members");
