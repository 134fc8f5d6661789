//! What calls need permission for. Source: Service Authorization Reference, "Amazon CloudWatch Logs".
//!
//! On AWS an action on a group asks for the group's ARN with `:log-stream:` behind it (its denials say so), which is why
//! policies end in `:*`; only the tagging actions ask for the plain ARN.

use std::sync::Arc;

use haneul_kit::{Access, Arn, Cx, Policy, Result};
use haneul_policy::Rules;
use haneul_store::{Range, Reads};

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
        let range = Range::prefix((name.account, name.region));
        let found = self.records.store.scan(&POLICIES, range, POLICIES_MAX).await?;
        let own = self.records.store.get(&GROUP_POLICIES, &name.key()).await?;
        let documents: Vec<serde_json::Value> = found
            .iter()
            .map(|(_, policy)| policy)
            .chain(&own)
            .filter_map(|policy| serde_json::from_str::<serde_json::Value>(&policy.document).ok())
            .flat_map(|document| match document.get("Statement") {
                Some(serde_json::Value::Array(statements)) => statements.clone(),
                Some(statement) => vec![statement.clone()],
                None => Vec::new(),
            })
            .filter_map(for_services)
            .collect();
        if documents.is_empty() {
            return Ok(None);
        }
        let whole = serde_json::json!({ "Version": "2012-10-17", "Statement": documents });
        Ok(Policy::parse(&whole.to_string(), &RULES).ok().map(Arc::new))
    }
}

/// What a statement says to services: to others these policies say nothing.
fn for_services(mut statement: serde_json::Value) -> Option<serde_json::Value> {
    let services = statement.get("Principal")?.get("Service")?.clone();
    statement["Principal"] = serde_json::json!({ "Service": services });
    Some(statement)
}

/// An action that names no group: AWS asks for the ARN of a group without a name.
pub(crate) fn on_all(cx: &Cx, action: &'static str) -> Vec<Access> {
    vec![Access::on(action, &GroupName::own(cx, "").stream_arn(""))]
}

pub(crate) fn on_arn(action: &'static str, arn: &Arn) -> Access {
    Access::on(action, arn)
}
