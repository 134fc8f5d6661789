//! What calls need permission for. Source: Service Authorization Reference, "Amazon CloudWatch Logs".
//!
//! On AWS an action on a group asks for the group's ARN with `:log-stream:` behind it (its denials say so), which is why
//! policies end in `:*`; only the tagging actions ask for the plain ARN.

use std::collections::HashMap;
use std::sync::Arc;

use haneul_kit::{Access, ApiError, Arn, Cx, Policy, Result};
use haneul_policy::Rules;
use haneul_store::{Range, Reads, Store, TableVersion};
use parking_lot::Mutex;
use serde_json::Value;

use crate::Logs;
use crate::model::{GROUP_POLICIES, POLICIES};
use crate::names::GroupName;

/// What a resource policy must be like.
pub(crate) const RULES: Rules = Rules { size_max: 5120, ..Rules::RESOURCE };

/// Resource policies of an account in a Region (quota: 10).
pub(crate) const POLICIES_MAX: usize = 10;

impl Logs {
    pub(crate) async fn on_group(&self, action: &'static str, name: &GroupName) -> Result<Vec<Access>> {
        let access = Access::on(action, &name.stream_arn(""));
        self.guarded(access, name).await
    }

    pub(crate) async fn on_stream(
        &self,
        action: &'static str,
        name: &GroupName,
        stream: &str,
    ) -> Result<Vec<Access>> {
        self.guarded(Access::on(action, &name.stream_arn(stream)), name).await
    }

    /// With the group's tags and the account's resource policies.
    async fn guarded(&self, access: Access, name: &GroupName) -> Result<Vec<Access>> {
        let group = self.records.store_group(name).await?;
        let access = match &group {
            Some(group) => access.resource_tags(group.tags.iter().map(|(k, v)| (k.as_str(), v.as_str()))),
            None => access,
        };
        Ok(vec![access.with_policy(self.resource_policy(name).await?)])
    }

    /// The account's resource policies and the group's as one.
    async fn resource_policy(&self, name: &GroupName) -> Result<Option<Arc<Policy>>> {
        let versions = self.resource_policies.versions();
        if let Some(found) = self.resource_policies.get(versions, name) {
            return Ok(found);
        }
        let range = Range::prefix((name.account, name.region));
        let found = self.records.store.scan(&POLICIES, range, POLICIES_MAX).await?;
        let own = self.records.store.get(&GROUP_POLICIES, &name.key()).await?;
        let mut parts = Vec::new();
        for policy in found.iter().map(|(_, policy)| policy).chain(&own) {
            parts.extend(for_services(&policy.document)?);
        }
        let whole = (!parts.is_empty()).then(|| Arc::new(Policy::union(&parts)));
        self.resource_policies.keep(versions, name, whole.clone());
        Ok(whole)
    }
}

/// What a document says to services, and what it denies to anybody: nobody else gets a permission by these policies.
fn for_services(document: &str) -> Result<Option<Policy>> {
    let mut document: Value = serde_json::from_str(document).map_err(ApiError::internal)?;
    let statements = match document.get_mut("Statement").map(Value::take) {
        Some(Value::Array(statements)) => statements,
        Some(statement) => vec![statement],
        None => Vec::new(),
    };
    let kept: Vec<Value> = statements.into_iter().filter_map(kept).collect();
    if kept.is_empty() {
        return Ok(None);
    }
    document["Statement"] = kept.into();
    // It was held against its quota when it was put.
    let rules = Rules { size_max: usize::MAX, ..RULES };
    Policy::parse(&document.to_string(), &rules).map(Some).map_err(ApiError::internal)
}

fn kept(mut statement: Value) -> Option<Value> {
    if statement.get("Effect").and_then(Value::as_str) == Some("Deny") {
        return Some(statement);
    }
    let services = statement.get("Principal")?.get("Service")?.clone();
    statement["Principal"] = serde_json::json!({ "Service": services });
    Some(statement)
}

/// The resource policies of groups, compiled once for each version of their tables.
pub(crate) struct ResourcePolicies {
    versions: (TableVersion, TableVersion),
    kept: Mutex<Kept>,
}

type Versions = (u64, u64);
type Kept = (Versions, HashMap<GroupName, Option<Arc<Policy>>>);

/// Groups that are remembered.
const KEPT_MAX: usize = 10_000;

impl ResourcePolicies {
    pub(crate) fn new(store: &Store) -> ResourcePolicies {
        let versions = (store.table_version(&POLICIES), store.table_version(&GROUP_POLICIES));
        ResourcePolicies { versions, kept: Mutex::default() }
    }

    fn versions(&self) -> Versions {
        (self.versions.0.get(), self.versions.1.get())
    }

    fn get(&self, versions: Versions, name: &GroupName) -> Option<Option<Arc<Policy>>> {
        let kept = self.kept.lock();
        kept.1.get(name).filter(|_| kept.0 == versions).cloned()
    }

    fn keep(&self, versions: Versions, name: &GroupName, policy: Option<Arc<Policy>>) {
        let mut kept = self.kept.lock();
        if kept.0 != versions || kept.1.len() >= KEPT_MAX {
            *kept = (versions, HashMap::new());
        }
        kept.1.insert(name.clone(), policy);
    }
}

/// An action that names no group: AWS asks for the ARN of a group without a name.
pub(crate) fn on_all(cx: &Cx, action: &'static str) -> Vec<Access> {
    vec![Access::on(action, &GroupName::own(cx, "").stream_arn(""))]
}

pub(crate) fn on_arn(action: &'static str, arn: &Arn) -> Access {
    Access::on(action, arn)
}
