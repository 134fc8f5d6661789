//! Reports that were asked for.

use haneul_kit::AccountId;
use haneul_store::{Record, Table};
use serde::{Deserialize, Serialize};

use super::Millis;

/// What was last accessed by some entities, as it was when the report was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct AccessReport {
    pub created: Millis,
    /// What it is about: an ARN, or a path in an organization.
    pub subject: String,
    #[serde(default)]
    pub action_level: bool,
    /// Users and roles, or the accounts of an organization.
    pub entities: Vec<ReportEntity>,
    /// By prefix.
    pub services: Vec<ServiceAccess>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReportEntity {
    /// An ARN, or an account's path.
    pub arn: String,
    pub name: String,
    pub id: String,
    pub path: String,
    /// `USER` or `ROLE`.
    pub kind: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ServiceAccess {
    pub prefix: String,
    /// The last access of each entity that had one, newest first.
    #[serde(default)]
    pub last: Vec<EntityAccess>,
    /// The last access by each action that was tried, by name.
    #[serde(default)]
    pub actions: Vec<(String, EntityAccess)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct EntityAccess {
    /// Its place in [`AccessReport::entities`].
    pub entity: usize,
    pub at: Millis,
    pub region: String,
}

impl Record for AccessReport {}

/// By account and job id.
pub(crate) static ACCESS_REPORTS: Table<(AccountId, String), AccessReport> = Table::new("iam.access-reports");
