//! What is kept in the store.

use std::collections::BTreeMap;

use haneul_kit::{AccountId, Region};
use haneul_store::{Record, Table};
use serde::{Deserialize, Serialize};

/// Owner, Region, resource (`table/name`, `table/name/index/name`) and scalable dimension.
pub(crate) type TargetKey = (AccountId, Region, String, String);

/// A target's key, and a name.
pub(crate) type NamedKey = (AccountId, Region, String, String, String);

pub(crate) static TARGETS: Table<TargetKey, TargetRecord> = Table::new("application-autoscaling.targets");

/// By their target and their name.
pub(crate) static POLICIES: Table<NamedKey, PolicyRecord> = Table::new("application-autoscaling.policies");

/// Scheduled actions, by their target and their name.
pub(crate) static ACTIONS: Table<NamedKey, ActionRecord> = Table::new("application-autoscaling.actions");

/// Activities of six weeks by owner, Region, when they began (negated, so that the newest are first) and their id.
pub(crate) static ACTIVITIES: Table<(AccountId, Region, i64, String), ActivityRecord> =
    Table::new("application-autoscaling.activities");

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct TargetRecord {
    /// The last part of its ARN.
    pub(crate) id: String,
    pub(crate) created_ms: i64,
    pub(crate) min: i32,
    pub(crate) max: i32,
    pub(crate) suspended: Suspended,
    pub(crate) tags: BTreeMap<String, String>,
    /// The bounds changed, so that capacity outside them is to be moved.
    pub(crate) unsettled: bool,
    /// When it was last scaled out and in.
    pub(crate) out_ms: Option<i64>,
    pub(crate) in_ms: Option<i64>,
}

impl Record for TargetRecord {}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Suspended {
    pub(crate) scale_in: bool,
    pub(crate) scale_out: bool,
    pub(crate) scheduled: bool,
}

/// A target tracking policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PolicyRecord {
    /// A UUID.
    pub(crate) id: String,
    pub(crate) created_ms: i64,
    /// Percent of the capacity.
    pub(crate) target: f64,
    pub(crate) out_cooldown_s: Option<i32>,
    pub(crate) in_cooldown_s: Option<i32>,
    pub(crate) disable_scale_in: Option<bool>,
    /// The ids in the names of its alarms, in the order of `policy::KINDS`.
    pub(crate) alarms: Vec<String>,
    /// The units for which the thresholds of its alarms are.
    pub(crate) units: i64,
}

impl Record for PolicyRecord {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ActionRecord {
    /// A UUID.
    pub(crate) id: String,
    pub(crate) created_ms: i64,
    pub(crate) schedule: String,
    pub(crate) timezone: Option<String>,
    pub(crate) start_ms: Option<i64>,
    pub(crate) end_ms: Option<i64>,
    pub(crate) min: Option<i32>,
    pub(crate) max: Option<i32>,
    /// When it is due, if it ever will be again.
    pub(crate) next_ms: Option<i64>,
}

impl Record for ActionRecord {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ActivityRecord {
    pub(crate) resource: String,
    pub(crate) dimension: String,
    pub(crate) description: String,
    pub(crate) cause: String,
    pub(crate) ended_ms: i64,
    pub(crate) failed: bool,
    pub(crate) message: String,
}

impl Record for ActivityRecord {}
