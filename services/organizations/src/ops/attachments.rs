use haneul_kit::{Access, Cx, Handle, Result};
use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;
use haneul_shape::Empty;
use haneul_store::Reads;

use super::policies::{TYPE_KEY, kind};
use crate::ids::Target;
use crate::model::UNITS;
use crate::organizations::{On, Vantage, Who};
use crate::page::{self, Wanted};
use crate::store::{member, policies, tree};
use crate::{Organizations, error, render};

fn target(text: &str) -> Result<Target> {
    let message = "You specified an invalid target.";
    Target::parse(text).ok_or_else(|| error::invalid("INVALID_PATTERN_TARGET_ID", message))
}

impl Handle<op::AttachPolicy> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::AttachPolicyRequest) -> Result<Vec<Access>> {
        let action = "organizations:AttachPolicy";
        self.ask_policy(cx, Who::Delegate, action, &input.policy_id, Some(&input.target_id)).await
    }

    async fn call(&self, cx: &Cx, input: s::AttachPolicyRequest) -> Result<Empty> {
        let vantage = self.enter(cx, Who::Delegate).await?;
        self.state.attach(&vantage.id, &input.policy_id, &target(&input.target_id)?).await?;
        Ok(Empty)
    }
}

impl Handle<op::DetachPolicy> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::DetachPolicyRequest) -> Result<Vec<Access>> {
        let action = "organizations:DetachPolicy";
        self.ask_policy(cx, Who::Delegate, action, &input.policy_id, Some(&input.target_id)).await
    }

    async fn call(&self, cx: &Cx, input: s::DetachPolicyRequest) -> Result<Empty> {
        let vantage = self.enter(cx, Who::Delegate).await?;
        self.state.detach(&vantage.id, &input.policy_id, &target(&input.target_id)?).await?;
        Ok(Empty)
    }
}

impl Handle<op::ListPoliciesForTarget> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::ListPoliciesForTargetRequest) -> Result<Vec<Access>> {
        let keys = [(TYPE_KEY, input.filter.as_str())];
        let on = [On::Target(&input.target_id)];
        self.ask(cx, Who::Reader, "organizations:ListPoliciesForTarget", &on, &keys).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListPoliciesForTargetRequest,
    ) -> Result<s::ListPoliciesForTargetResponse> {
        let vantage = self.enter(cx, Who::Reader).await?;
        let kind = kind(&input.filter)?;
        let target = target(&input.target_id)?;
        let snapshot = self.state.store.snapshot().await?;
        let node = tree::node(&snapshot, &vantage.id, &vantage.organization, &target).await?;
        let node = node.ok_or_else(error::target_not_found)?;
        let mut all = Vec::new();
        for id in node.attached {
            if let Some(policy) = policies::find(&snapshot, &vantage.id, &id).await?
                && policy.kind == kind.name
            {
                all.push(render::policy_summary(vantage.arns(), &id, &policy));
            }
        }
        all.sort_by(|a, b| a.id.cmp(&b.id));
        let wanted = Wanted {
            token: input.next_token.as_deref(),
            results_max: input.max_results,
            listing: format!("policies for {} {} {}", vantage.id, input.target_id, kind.name),
        };
        let position = |policy: &s::PolicySummary| policy.id.clone().unwrap_or_default();
        let (policies, next_token) = page::cut(&self.platform.seal, &wanted, all, position)?;
        Ok(s::ListPoliciesForTargetResponse { policies, next_token })
    }
}

impl Handle<op::ListTargetsForPolicy> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::ListTargetsForPolicyRequest) -> Result<Vec<Access>> {
        let action = "organizations:ListTargetsForPolicy";
        self.ask_policy(cx, Who::Reader, action, &input.policy_id, None).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::ListTargetsForPolicyRequest,
    ) -> Result<s::ListTargetsForPolicyResponse> {
        let vantage = self.enter(cx, Who::Reader).await?;
        let found = policies::find(&self.state.store, &vantage.id, &input.policy_id).await?;
        found.ok_or_else(error::policy_not_found)?;
        let wanted = Wanted {
            token: input.next_token.as_deref(),
            results_max: input.max_results,
            listing: format!("targets {} {}", vantage.id, input.policy_id),
        };
        let all = self.state.targets(&vantage.id, &input.policy_id).await?;
        let (found, next_token) = page::cut(&self.platform.seal, &wanted, all, Target::id)?;
        let mut targets = Vec::new();
        for target in found.unwrap_or_default() {
            targets.push(s::PolicyTargetSummary {
                target_id: Some(target.id()),
                arn: Some(vantage.arns().target(&target).to_string()),
                name: self.name_of(&vantage, &target).await?,
                r#type: Some(target.kind().into()),
            });
        }
        Ok(s::ListTargetsForPolicyResponse { targets: Some(targets), next_token })
    }
}

impl Organizations {
    async fn name_of(&self, vantage: &Vantage, target: &Target) -> Result<Option<String>> {
        let store = &self.state.store;
        Ok(match target {
            Target::Root(_) => Some("Root".to_owned()),
            Target::Unit(id) => store.get(&UNITS, &(&vantage.id, id)).await?.map(|unit| unit.name),
            Target::Account(number) => member(store, &vantage.id, *number).await?.map(|account| account.name),
        })
    }
}
