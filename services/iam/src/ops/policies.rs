use haneul_iam_wire::operations as op;
use haneul_iam_wire::shapes as s;
use haneul_iam_wire::values::{policy_scope_type as scope, policy_usage_type as usage_type};
use haneul_kit::{Access, Cx, Handle, Result};
use haneul_shape::Empty;

use crate::iam::Iam;
use crate::model::{ManagedPolicy, PolicyVersion, Usage};
use crate::page::Wanted;
use crate::store::policies::Managed;
use crate::store::tags;
use crate::{document, managed, render};

impl Handle<op::CreatePolicy> for Iam {
    async fn access(&self, cx: &Cx, input: &s::CreatePolicyRequest) -> Result<Vec<Access>> {
        let access =
            Iam::on_new(cx, "iam:CreatePolicy", "policy", input.path.as_deref(), &input.policy_name)?;
        Ok(super::tags::with_request_tags("iam:TagPolicy", access, input.tags.as_ref()))
    }

    async fn call(&self, cx: &Cx, input: s::CreatePolicyRequest) -> Result<s::CreatePolicyResponse> {
        document::check_managed(&input.policy_document)?;
        let now = cx.now().into();
        let policy = ManagedPolicy {
            path: input.path.unwrap_or_else(|| String::from("/")),
            name: input.policy_name,
            id: self.unique_id("ANPA", cx.account()),
            description: input.description.filter(|text| !text.is_empty()),
            created: now,
            updated: now,
            tags: tags::check(render::pairs(input.tags))?,
            versions: vec![PolicyVersion { number: 1, document: input.policy_document, created: now }],
            default_version: 1,
            last_version: 1,
        };
        self.state.create_policy(cx.account(), &policy).await?;
        // The description is told by GetPolicy only.
        let shown = s::Policy { description: None, ..render::own_policy(cx.account(), &policy, (0, 0)) };
        Ok(s::CreatePolicyResponse { policy: Some(shown) })
    }
}

impl Handle<op::GetPolicy> for Iam {
    async fn access(&self, cx: &Cx, input: &s::GetPolicyRequest) -> Result<Vec<Access>> {
        self.on_policy(cx, "iam:GetPolicy", &input.policy_arn).await
    }

    async fn call(&self, cx: &Cx, input: s::GetPolicyRequest) -> Result<s::GetPolicyResponse> {
        let uses = self.state.uses(cx.account(), &input.policy_arn).await?;
        let policy = match self.state.policy(cx.account(), &input.policy_arn).await? {
            Managed::Own(policy) => render::own_policy(cx.account(), &policy, uses),
            Managed::Aws(policy) => render::aws_policy(policy, uses),
            Managed::Partner(policy) => render::partner_policy(&input.policy_arn, &policy, uses),
        };
        Ok(s::GetPolicyResponse { policy: Some(policy) })
    }
}

impl Handle<op::DeletePolicy> for Iam {
    async fn access(&self, cx: &Cx, input: &s::DeletePolicyRequest) -> Result<Vec<Access>> {
        self.on_policy(cx, "iam:DeletePolicy", &input.policy_arn).await
    }

    async fn call(&self, cx: &Cx, input: s::DeletePolicyRequest) -> Result<Empty> {
        self.state.delete_policy(cx.account(), &input.policy_arn).await?;
        Ok(Empty)
    }
}

impl Handle<op::ListPolicies> for Iam {
    async fn access(&self, cx: &Cx, input: &s::ListPoliciesRequest) -> Result<Vec<Access>> {
        Ok(vec![Iam::on_new(cx, "iam:ListPolicies", "policy", input.path_prefix.as_deref(), "")?])
    }

    async fn call(&self, cx: &Cx, input: s::ListPoliciesRequest) -> Result<s::ListPoliciesResponse> {
        let wanted_scope = input.scope.as_deref().unwrap_or(scope::ALL);
        let usage = match input.policy_usage_filter.as_deref() {
            Some(usage_type::PERMISSIONS_BOUNDARY) => Some(Usage::Boundary),
            Some(_) => Some(Usage::Permissions),
            None => None,
        };
        let only_used = input.only_attached == Some(true) || usage.is_some();
        let used =
            if only_used { self.state.attached_policies(cx.account(), usage).await? } else { Vec::new() };
        let prefix = input.path_prefix.as_deref().unwrap_or("/");
        let is_wanted = |path: &str, arn: &str| {
            path.starts_with(prefix) && (!only_used || used.iter().any(|used| used == arn))
        };
        // The account's own come first, by name, then AWS's by path and name.
        let mut found = Vec::new();
        if wanted_scope != scope::AWS {
            for policy in self.state.own_policies(cx.account()).await? {
                if is_wanted(&policy.path, policy.arn(cx.account()).as_str()) {
                    found.push((
                        format!("0{}", policy.name.to_ascii_lowercase()),
                        Managed::Own(Box::new(policy)),
                    ));
                }
            }
        }
        if wanted_scope != scope::LOCAL {
            let theirs = managed::all().iter().enumerate();
            let theirs = theirs.filter(|(_, policy)| is_wanted(&policy.path, &policy.arn()));
            found.extend(theirs.map(|(at, policy)| (format!("1{at:05}"), Managed::Aws(policy))));
        }
        let wanted = Wanted {
            marker: input.marker.as_deref(),
            max_items: input.max_items,
            listing: format!("ListPolicies {wanted_scope} {only_used} {usage:?} {prefix}"),
        };
        let page = self.page(cx, wanted, found, |(position, _)| position.clone())?;
        let mut policies = Vec::new();
        for (_, policy) in page.items {
            policies.push(match policy {
                Managed::Own(policy) => {
                    let uses = self.state.uses(cx.account(), policy.arn(cx.account()).as_str()).await?;
                    let shown = render::own_policy(cx.account(), &policy, uses);
                    s::Policy { description: None, tags: None, ..shown }
                }
                Managed::Aws(policy) => {
                    render::aws_policy(policy, self.state.uses(cx.account(), &policy.arn()).await?)
                }
                // Not listed: they are of no account.
                Managed::Partner(_) => continue,
            });
        }
        Ok(s::ListPoliciesResponse {
            policies: Some(policies),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}
