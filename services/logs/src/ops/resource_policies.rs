use haneul_kit::{Access, ApiError, Cx, Handle, Policy, Result, paging};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_shape::Empty;
use haneul_store::{Range, Reads};

use super::access::{POLICIES_MAX, RULES, on_all};
use crate::Logs;
use crate::error;
use crate::model::{POLICIES, ResourcePolicy};

impl Handle<op::PutResourcePolicy> for Logs {
    async fn access(&self, cx: &Cx, _: &s::PutResourcePolicyRequest) -> Result<Vec<Access>> {
        Ok(on_all(cx, "logs:PutResourcePolicy"))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutResourcePolicyRequest,
    ) -> Result<s::PutResourcePolicyResponse> {
        if input.resource_arn.is_some() || input.expected_revision_id.is_some() {
            return Err(error::not_offered("A resource policy of one log group"));
        }
        let (Some(name), Some(document)) = (input.policy_name, input.policy_document) else {
            return Err(error::invalid("Both policyName and policyDocument must be given."));
        };
        Policy::parse(&document, &RULES)
            .map_err(|why| error::invalid(format!("The resource policy document is not valid: {why}")))?;
        let policy = ResourcePolicy {
            document,
            updated_ms: cx.now().millis(),
            revision: self.platform.env.rng.uuid(),
        };
        let (account, region) = (cx.account(), cx.region());
        let (key, policy) = (&(account, region, name.as_str()), &policy);
        self.records
            .store
            .transact(|tx| async move {
                let there = tx.scan_keys(&POLICIES, Range::prefix((account, region)), POLICIES_MAX).await?;
                if there.len() >= POLICIES_MAX && !there.iter().any(|(_, _, name)| name == key.2) {
                    return Err(error::too_many("10 resource policies for each Region"));
                }
                Ok::<_, ApiError>(tx.put(&POLICIES, key, policy)?)
            })
            .await?;
        Ok(s::PutResourcePolicyResponse {
            resource_policy: Some(shown(name.clone(), policy.clone())),
            revision_id: None,
        })
    }
}

impl Handle<op::DeleteResourcePolicy> for Logs {
    async fn access(&self, cx: &Cx, _: &s::DeleteResourcePolicyRequest) -> Result<Vec<Access>> {
        Ok(on_all(cx, "logs:DeleteResourcePolicy"))
    }

    async fn call(&self, cx: &Cx, input: s::DeleteResourcePolicyRequest) -> Result<Empty> {
        if input.resource_arn.is_some() || input.expected_revision_id.is_some() {
            return Err(error::not_offered("A resource policy of one log group"));
        }
        let name = input.policy_name.unwrap_or_default();
        let key = &(cx.account(), cx.region(), name.as_str());
        self.records
            .store
            .transact(|tx| async move {
                if tx.get(&POLICIES, key).await?.is_none() {
                    return Err(error::policy_not_found(key.2));
                }
                Ok::<_, ApiError>(tx.delete(&POLICIES, key)?)
            })
            .await?;
        Ok(Empty {})
    }
}

impl Handle<op::DescribeResourcePolicies> for Logs {
    async fn access(&self, cx: &Cx, _: &s::DescribeResourcePoliciesRequest) -> Result<Vec<Access>> {
        Ok(on_all(cx, "logs:DescribeResourcePolicies"))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::DescribeResourcePoliciesRequest,
    ) -> Result<s::DescribeResourcePoliciesResponse> {
        if input.resource_arn.is_some() || input.policy_scope.as_deref() == Some("RESOURCE") {
            return Err(error::not_offered("A resource policy of one log group"));
        }
        let (account, region) = (cx.account(), cx.region());
        let purpose = format!("logs.policies {account} {region}");
        let range = Range::prefix((account, region));
        let range = match &input.next_token {
            Some(token) => {
                let after: String =
                    paging::position(&self.platform.seal, &purpose, token).ok_or_else(error::next_token)?;
                range.after(&(account, region, after.as_str()))
            }
            None => range,
        };
        let limit = input.limit.map_or(POLICIES_MAX, |limit| limit as usize);
        let found = self.records.store.scan(&POLICIES, range, POLICIES_MAX + 1).await?;
        let page = paging::cut(found, limit, &self.platform.seal, &purpose, |((_, _, name), _)| name.clone());
        let policies = page.items.into_iter().map(|((_, _, name), policy)| shown(name, policy)).collect();
        Ok(s::DescribeResourcePoliciesResponse { resource_policies: Some(policies), next_token: page.next })
    }
}

fn shown(name: String, policy: ResourcePolicy) -> s::ResourcePolicy {
    s::ResourcePolicy {
        policy_name: Some(name),
        policy_document: Some(policy.document),
        last_updated_time: Some(policy.updated_ms),
        policy_scope: Some("ACCOUNT".into()),
        ..Default::default()
    }
}
