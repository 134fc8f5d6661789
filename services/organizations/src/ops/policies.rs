use haneul_kit::{Access, Cx, Handle, Result};
use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;
use haneul_shape::Empty;

use super::{borrowed, tags_of};
use crate::kinds::{self, Kind};
use crate::model::Policy;
use crate::organizations::{On, Who};
use crate::page::{self, Wanted};
use crate::store::policies::{self, Change};
use crate::{Organizations, content, error, ids, render};

pub(super) const TYPE_KEY: &str = "organizations:PolicyType";

pub(super) fn kind(name: &str) -> Result<&'static Kind> {
    let message = "You specified an invalid value. The policy type is not known.";
    kinds::find(name).ok_or_else(|| error::invalid("INVALID_ENUM_POLICY_TYPE", message))
}

impl Organizations {
    /// For an action on one policy: it is asked with the policy's type.
    pub(super) async fn ask_policy(
        &self,
        cx: &Cx,
        who: Who,
        action: &'static str,
        policy: &str,
        target: Option<&str>,
    ) -> Result<Vec<Access>> {
        let found = match self.vantage(cx, who).await? {
            Some(vantage) => policies::find(&self.state.store, &vantage.id, policy).await?,
            None => None,
        };
        let keys: Vec<_> = found.iter().map(|found| (TYPE_KEY, found.kind.as_str())).collect();
        let on: Vec<_> = [On::Policy(policy)].into_iter().chain(target.map(On::Target)).collect();
        self.ask(cx, who, action, &on, &keys).await
    }
}

impl Handle<op::CreatePolicy> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::CreatePolicyRequest) -> Result<Vec<Access>> {
        let tags = borrowed(input.tags.as_ref());
        let keys = [(TYPE_KEY, input.r#type.as_str())];
        let mut all = Vec::new();
        let tagging = (!tags.is_empty()).then_some("organizations:TagResource");
        for action in ["organizations:CreatePolicy"].into_iter().chain(tagging) {
            for access in self.ask(cx, Who::Delegate, action, &[On::All], &keys).await? {
                all.push(access.request_tags(tags.iter().copied()));
            }
        }
        Ok(all)
    }

    async fn call(&self, cx: &Cx, input: s::CreatePolicyRequest) -> Result<s::CreatePolicyResponse> {
        let vantage = self.enter(cx, Who::Delegate).await?;
        let kind = kind(&input.r#type)?;
        let tags = tags_of(input.tags)?;
        content::check(kind, &input.content)?;
        let policy_id = ids::policy(&self.platform.env.rng);
        let made = Policy {
            name: input.name,
            description: input.description,
            kind: kind.name.to_owned(),
            content: input.content,
            updated: cx.now().into(),
            tags,
        };
        self.state.create_policy(&vantage.id, kind, &policy_id, &made).await?;
        Ok(s::CreatePolicyResponse { policy: render::policy(vantage.arns(), &policy_id, &made) })
    }
}

impl Handle<op::DescribePolicy> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::DescribePolicyRequest) -> Result<Vec<Access>> {
        let action = "organizations:DescribePolicy";
        self.ask_policy(cx, Who::Reader, action, &input.policy_id, None).await
    }

    async fn call(&self, cx: &Cx, input: s::DescribePolicyRequest) -> Result<s::DescribePolicyResponse> {
        let vantage = self.enter(cx, Who::Reader).await?;
        let found = policies::find(&self.state.store, &vantage.id, &input.policy_id).await?;
        let found = found.ok_or_else(error::policy_not_found)?;
        Ok(s::DescribePolicyResponse { policy: render::policy(vantage.arns(), &input.policy_id, &found) })
    }
}

impl Handle<op::UpdatePolicy> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::UpdatePolicyRequest) -> Result<Vec<Access>> {
        let action = "organizations:UpdatePolicy";
        self.ask_policy(cx, Who::Delegate, action, &input.policy_id, None).await
    }

    async fn call(&self, cx: &Cx, input: s::UpdatePolicyRequest) -> Result<s::UpdatePolicyResponse> {
        let vantage = self.enter(cx, Who::Delegate).await?;
        if kinds::is_aws_managed(&input.policy_id) {
            return Err(error::immutable_policy());
        }
        if let Some(text) = &input.content {
            let found = policies::find(&self.state.store, &vantage.id, &input.policy_id).await?;
            let found = found.ok_or_else(error::policy_not_found)?;
            content::check(kind(&found.kind)?, text)?;
        }
        let change = Change {
            name: input.name.as_deref(),
            description: input.description.as_deref(),
            content: input.content.as_deref(),
            at: cx.now(),
        };
        let changed = self.state.update_policy(&vantage.id, &input.policy_id, &change).await?;
        Ok(s::UpdatePolicyResponse { policy: render::policy(vantage.arns(), &input.policy_id, &changed) })
    }
}

impl Handle<op::DeletePolicy> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::DeletePolicyRequest) -> Result<Vec<Access>> {
        let action = "organizations:DeletePolicy";
        self.ask_policy(cx, Who::Delegate, action, &input.policy_id, None).await
    }

    async fn call(&self, cx: &Cx, input: s::DeletePolicyRequest) -> Result<Empty> {
        let vantage = self.enter(cx, Who::Delegate).await?;
        if kinds::is_aws_managed(&input.policy_id) {
            return Err(error::immutable_policy());
        }
        self.state.delete_policy(&vantage.id, &input.policy_id).await?;
        Ok(Empty)
    }
}

impl Handle<op::ListPolicies> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::ListPoliciesRequest) -> Result<Vec<Access>> {
        let keys = [(TYPE_KEY, input.filter.as_str())];
        self.ask(cx, Who::Reader, "organizations:ListPolicies", &[On::All], &keys).await
    }

    async fn call(&self, cx: &Cx, input: s::ListPoliciesRequest) -> Result<s::ListPoliciesResponse> {
        let vantage = self.enter(cx, Who::Reader).await?;
        let kind = kind(&input.filter)?;
        let wanted = Wanted {
            token: input.next_token.as_deref(),
            results_max: input.max_results,
            listing: format!("policies {} {}", vantage.id, kind.name),
        };
        let mut all = policies::of_kind(&self.state.store, &vantage.id, kind.name).await?;
        all.sort_by(|a, b| a.0.cmp(&b.0));
        let (found, next_token) = page::cut(&self.platform.seal, &wanted, all, |(id, _)| id.clone())?;
        let summary = |(id, policy): (String, Policy)| render::policy_summary(vantage.arns(), &id, &policy);
        let policies = found.map(|found| found.into_iter().map(summary).collect());
        Ok(s::ListPoliciesResponse { policies, next_token })
    }
}
