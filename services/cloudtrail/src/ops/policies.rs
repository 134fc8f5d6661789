//! Policies of event data stores: whom else they let query them. Source: CloudTrail User Guide, "Resource-based policy examples",
//! "Resource-based policy examples for event data stores".

use haneul_cloudtrail_wire::operations as op;
use haneul_cloudtrail_wire::shapes as s;
use haneul_kit::{Access, Cx, Handle, Policy, Result, pinned_policy};
use haneul_policy::{Presence, Rules};

use crate::CloudTrail;
use crate::error;
use crate::model::EventStore;
use crate::store::TrailKey;

/// What a policy can let others do.
const SHARED: &[&str] = &[
    "cloudtrail:StartQuery",
    "cloudtrail:CancelQuery",
    "cloudtrail:ListQueries",
    "cloudtrail:DescribeQuery",
    "cloudtrail:GetQueryResults",
    "cloudtrail:GenerateQuery",
    "cloudtrail:GenerateQueryResultsSummary",
    "cloudtrail:GetEventDataStore",
];

/// Length: API Reference, "PutResourcePolicy".
const RULES: Rules = Rules {
    size_max: 8192,
    statements_max: 20,
    resource: Presence::Required,
    not_action: false,
    ..Rules::RESOURCE
};

/// The policy of a store, where it counts.
pub(super) fn that_lets(store: &EventStore, action: &str) -> Option<std::sync::Arc<Policy>> {
    let text = store.policy.as_ref().filter(|_| SHARED.contains(&action))?;
    // It was read when it was put.
    Policy::parse(text, &RULES).ok().map(std::sync::Arc::new)
}

fn check(text: &str, arn: &str) -> Result<()> {
    let policy = Policy::parse(text, &RULES).map_err(|refused| error::resource_policy(refused.message))?;
    for statement in policy.statements() {
        let (_, mut actions) = statement.actions();
        if let Some(action) =
            actions.find(|action| !SHARED.iter().any(|one| one.eq_ignore_ascii_case(action)))
        {
            return Err(error::resource_policy(format!("The action {action} is not supported.")));
        }
        let (negated, mut resources) = statement.resources();
        if negated || resources.any(|resource| resource != arn) {
            return Err(error::resource_policy("The resource must be the event data store of the policy."));
        }
    }
    Ok(())
}

impl CloudTrail {
    async fn policied(&self, cx: &Cx, arn: &str) -> Result<(TrailKey, EventStore)> {
        if arn.contains(":channel/") || arn.contains(":dashboard/") {
            return Err(error::resource_type_without_policy(arn));
        }
        if !arn.contains(":eventdatastore/") {
            return Err(error::resource_arn(arn));
        }
        match self.active_store(cx, arn).await {
            Ok(found) => Ok(found),
            Err(error) if error.code() == "EventDataStoreARNInvalidException" => {
                Err(error::resource_arn(arn))
            }
            Err(error) if error.code() == "EventDataStoreNotFoundException" => Err(error::no_resource(arn)),
            Err(error) => Err(error),
        }
    }

    async fn set_policy(&self, key: &TrailKey, policy: Option<&str>) -> Result<()> {
        self.change_store(key, |store| {
            store.policy = policy.map(str::to_owned);
            Ok(())
        })
        .await
        .map(drop)
    }
}

impl Handle<op::PutResourcePolicy> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::PutResourcePolicyRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_store(cx, "cloudtrail:PutResourcePolicy", &input.resource_arn).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutResourcePolicyRequest,
    ) -> Result<s::PutResourcePolicyResponse> {
        let (key, _) = self.policied(cx, &input.resource_arn).await?;
        check(&input.resource_policy, &input.resource_arn)?;
        let text = pinned_policy::pin(&self.platform, &input.resource_policy).await?;
        self.set_policy(&key, Some(&text)).await?;
        Ok(s::PutResourcePolicyResponse {
            resource_arn: Some(input.resource_arn),
            resource_policy: Some(input.resource_policy),
            delegated_admin_resource_policy: None,
        })
    }
}

impl Handle<op::GetResourcePolicy> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::GetResourcePolicyRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_store(cx, "cloudtrail:GetResourcePolicy", &input.resource_arn).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetResourcePolicyRequest,
    ) -> Result<s::GetResourcePolicyResponse> {
        let (_, store) = self.policied(cx, &input.resource_arn).await?;
        let policy = store.policy.ok_or_else(|| error::no_resource_policy(&input.resource_arn))?;
        Ok(s::GetResourcePolicyResponse {
            resource_arn: Some(input.resource_arn),
            resource_policy: Some(pinned_policy::show(&self.platform, &policy).await?),
            delegated_admin_resource_policy: None,
        })
    }
}

impl Handle<op::DeleteResourcePolicy> for CloudTrail {
    async fn access(&self, cx: &Cx, input: &s::DeleteResourcePolicyRequest) -> Result<Vec<Access>> {
        Ok(vec![self.on_store(cx, "cloudtrail:DeleteResourcePolicy", &input.resource_arn).await?])
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DeleteResourcePolicyRequest,
    ) -> Result<s::DeleteResourcePolicyResponse> {
        let (key, store) = self.policied(cx, &input.resource_arn).await?;
        if store.policy.is_none() {
            return Err(error::no_resource_policy(&input.resource_arn));
        }
        self.set_policy(&key, None).await?;
        Ok(s::DeleteResourcePolicyResponse {})
    }
}
