use haneul_kit::{Access, ApiError, Cx, Handle, Policy, Result, paging, pinned_policy};
use haneul_logs_wire::operations as op;
use haneul_logs_wire::shapes as s;
use haneul_shape::Empty;
use haneul_store::{Range, Reads};

use super::access::{POLICIES_MAX, RULES, on_all};
use crate::Logs;
use crate::error;
use crate::model::{GROUP_POLICIES, GROUPS, POLICIES, ResourcePolicy};
use crate::names::GroupName;

impl Handle<op::PutResourcePolicy> for Logs {
    async fn access(&self, cx: &Cx, _: &s::PutResourcePolicyRequest) -> Result<Vec<Access>> {
        Ok(on_all(cx, "logs:PutResourcePolicy"))
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutResourcePolicyRequest,
    ) -> Result<s::PutResourcePolicyResponse> {
        if let Some(arn) = &input.resource_arn {
            return self.put_group_policy(cx, arn, &input).await;
        }
        let (Some(name), Some(document)) = (input.policy_name, input.policy_document) else {
            return Err(error::invalid("Both policyName and policyDocument must be given."));
        };
        Policy::parse(&document, &RULES)
            .map_err(|why| error::invalid(format!("The resource policy document is not valid: {why}")))?;
        let policy = ResourcePolicy {
            name: None,
            document: pinned_policy::pin(&self.platform, &document).await?,
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
                    return Err(error::limit());
                }
                Ok::<_, ApiError>(tx.put(&POLICIES, key, policy)?)
            })
            .await?;
        Ok(s::PutResourcePolicyResponse {
            resource_policy: Some(shown(name.clone(), ResourcePolicy { document, ..policy.clone() })),
            revision_id: None,
        })
    }
}

impl Handle<op::DeleteResourcePolicy> for Logs {
    async fn access(&self, cx: &Cx, _: &s::DeleteResourcePolicyRequest) -> Result<Vec<Access>> {
        Ok(on_all(cx, "logs:DeleteResourcePolicy"))
    }

    async fn call(&self, cx: &Cx, input: s::DeleteResourcePolicyRequest) -> Result<Empty> {
        if let Some(arn) = &input.resource_arn {
            return self.delete_group_policy(cx, arn, input.expected_revision_id.as_deref()).await;
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
            return self.describe_group_policies(cx, &input).await;
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
        let mut policies = Vec::new();
        for ((_, _, name), policy) in page.items {
            policies.push(shown(name, self.as_shown(policy).await?));
        }
        Ok(s::DescribeResourcePoliciesResponse { resource_policies: Some(policies), next_token: page.next })
    }
}

impl Logs {
    async fn put_group_policy(
        &self,
        cx: &Cx,
        arn: &str,
        input: &s::PutResourcePolicyRequest,
    ) -> Result<s::PutResourcePolicyResponse> {
        let group = GroupName::identified(cx, arn)?;
        let Some(document) = &input.policy_document else {
            return Err(error::invalid("The policyDocument must be given."));
        };
        Policy::parse(document, &RULES)
            .map_err(|why| error::invalid(format!("The resource policy document is not valid: {why}")))?;
        let policy = &ResourcePolicy {
            name: input.policy_name.clone(),
            document: pinned_policy::pin(&self.platform, document).await?,
            updated_ms: cx.now().millis(),
            revision: self.platform.env.rng.uuid(),
        };
        let (group, expected) = (&group, input.expected_revision_id.as_deref());
        self.records
            .store
            .transact(|tx| async move {
                tx.get(&GROUPS, &group.key()).await?.ok_or_else(error::group_not_found)?;
                let before = tx.get(&GROUP_POLICIES, &group.key()).await?;
                if before.as_ref().map(|before| before.revision.as_str()) != expected {
                    return Err(error::revision());
                }
                Ok::<_, ApiError>(tx.put(&GROUP_POLICIES, &group.key(), policy)?)
            })
            .await?;
        Ok(s::PutResourcePolicyResponse {
            resource_policy: Some(of_group(
                group,
                ResourcePolicy { document: document.clone(), ..policy.clone() },
            )),
            revision_id: Some(policy.revision.clone()),
        })
    }

    async fn as_shown(&self, policy: ResourcePolicy) -> Result<ResourcePolicy> {
        let document = pinned_policy::show(&self.platform, &policy.document).await?;
        Ok(ResourcePolicy { document, ..policy })
    }

    async fn delete_group_policy(&self, cx: &Cx, arn: &str, expected: Option<&str>) -> Result<Empty> {
        let group = &GroupName::identified(cx, arn)?;
        self.records
            .store
            .transact(|tx| async move {
                let Some(before) = tx.get(&GROUP_POLICIES, &group.key()).await? else {
                    return Err(error::policy_not_found(arn));
                };
                if Some(before.revision.as_str()) != expected {
                    return Err(error::revision());
                }
                Ok::<_, ApiError>(tx.delete(&GROUP_POLICIES, &group.key())?)
            })
            .await?;
        Ok(Empty {})
    }

    async fn describe_group_policies(
        &self,
        cx: &Cx,
        input: &s::DescribeResourcePoliciesRequest,
    ) -> Result<s::DescribeResourcePoliciesResponse> {
        let (account, region) = (cx.account(), cx.region());
        let purpose = format!("logs.group-policies {account} {region}");
        let wanted = match &input.resource_arn {
            Some(arn) => Some(GroupName::identified(cx, arn)?.name),
            None => None,
        };
        let range = Range::prefix((account, region));
        let range = match &input.next_token {
            Some(token) => {
                let after: String =
                    paging::position(&self.platform.seal, &purpose, token).ok_or_else(error::next_token)?;
                range.after(&(account, region, after.as_str()))
            }
            None => range,
        };
        let mut found = self.records.store.scan(&GROUP_POLICIES, range, usize::MAX).await?;
        found.retain(|((_, _, group), _)| wanted.as_ref().is_none_or(|wanted| wanted == group));
        let limit = input.limit.map_or(PAGE, |limit| limit as usize);
        let key = |((_, _, group), _): &((_, _, String), ResourcePolicy)| group.clone();
        let page = paging::cut(found, limit, &self.platform.seal, &purpose, key);
        let mut policies = Vec::new();
        for ((_, _, group), policy) in page.items {
            policies.push(of_group(&GroupName::own(cx, &group), self.as_shown(policy).await?));
        }
        Ok(s::DescribeResourcePoliciesResponse { resource_policies: Some(policies), next_token: page.next })
    }
}

const PAGE: usize = 50;

fn of_group(group: &GroupName, policy: ResourcePolicy) -> s::ResourcePolicy {
    s::ResourcePolicy {
        policy_name: policy.name,
        policy_document: Some(policy.document),
        last_updated_time: Some(policy.updated_ms),
        policy_scope: Some("RESOURCE".into()),
        resource_arn: Some(group.arn().to_string()),
        revision_id: Some(policy.revision),
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
