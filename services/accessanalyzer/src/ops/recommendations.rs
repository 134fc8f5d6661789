use haneul_accessanalyzer_wire::operations as op;
use haneul_accessanalyzer_wire::shapes as s;
use haneul_accessanalyzer_wire::values::{recommendation_type, recommended_remediation_action as remedy};
use haneul_iam_wire::operations as iam;
use haneul_iam_wire::shapes as i;
use haneul_kit::{Access, AccountId, Caller, Cx, Handle, Instant, Operation, Result};
use haneul_shape::Empty;

use crate::model::{JobStatus, RECOMMENDATIONS, Recommendation, Step, Unused};
use crate::recommend::{Narrowed, without};
use crate::{AccessAnalyzer, error, page};

/// A policy of a principal: its ARN, or its name when it is inline.
struct Held {
    id: String,
    document: String,
    updated: Option<Instant>,
}

impl Handle<op::GenerateFindingRecommendation> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::GenerateFindingRecommendationRequest) -> Result<Vec<Access>> {
        self.on_arn(cx, "access-analyzer:GenerateFindingRecommendation", &input.analyzer_arn).await
    }

    /// Made within the call: what a principal holds is soon read.
    async fn call(&self, cx: &Cx, input: s::GenerateFindingRecommendationRequest) -> Result<Empty> {
        let name = AccessAnalyzer::name(cx, &input.analyzer_arn)?;
        let finding = self.finding(cx, &input.analyzer_arn, &input.id).await?;
        let Some(Unused::Permission { service, actions, .. }) = finding.access.unused else {
            return Err(error::invalid("Recommendations are made for findings of unused permissions only."));
        };
        let actions: Vec<String> = actions.into_iter().map(|(action, _)| action).collect();
        let owner = AccountId::new(finding.owner).unwrap_or_default();
        let mut steps = Vec::new();
        for held in self.held(cx, owner, &finding.resource).await? {
            let narrowed = match without(&held.document, &service, &actions) {
                Narrowed::Unchanged => continue,
                Narrowed::Empty => None,
                Narrowed::To(policy) => Some(policy),
            };
            let step = |action: &str, policy| Step {
                action: action.to_owned(),
                policy,
                existing: held.id.clone(),
                updated: held.updated.map(Into::into),
            };
            // Another in its place first, so that nothing that is used is missed.
            if narrowed.is_some() {
                steps.push(step(remedy::CREATE_POLICY, narrowed));
            }
            steps.push(step(remedy::DETACH_POLICY, None));
        }
        let made = Recommendation {
            started: cx.now().into(),
            completed: cx.now().into(),
            resource: finding.resource,
            steps,
        };
        let key = (cx.account(), cx.region(), name.as_str(), input.id.as_str());
        self.state.store.put(&RECOMMENDATIONS, &key, &made).await?;
        Ok(Empty)
    }
}

impl Handle<op::GetFindingRecommendation> for AccessAnalyzer {
    async fn access(&self, cx: &Cx, input: &s::GetFindingRecommendationRequest) -> Result<Vec<Access>> {
        self.on_arn(cx, "access-analyzer:GetFindingRecommendation", &input.analyzer_arn).await
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::GetFindingRecommendationRequest,
    ) -> Result<s::GetFindingRecommendationResponse> {
        use haneul_store::Reads;
        let name = AccessAnalyzer::name(cx, &input.analyzer_arn)?;
        self.finding(cx, &input.analyzer_arn, &input.id).await?;
        let key = (cx.account(), cx.region(), name.as_str(), input.id.as_str());
        let found = self.state.store.get(&RECOMMENDATIONS, &key).await?;
        let found = found.ok_or_else(|| error::not_found(&input.id, "RECOMMENDATION"))?;
        let purpose = format!("recommendation {} {}", input.analyzer_arn, input.id);
        let token = input.next_token.as_deref();
        let (steps, next_token) =
            page::cut(&self.platform.seal, &purpose, token, input.max_results, found.steps)?;
        let shown = |step: Step| {
            s::RecommendedStep::UnusedPermissionsRecommendedStep(s::UnusedPermissionsRecommendedStep {
                policy_updated_at: step.updated.map(Into::into),
                recommended_action: step.action,
                recommended_policy: step.policy,
                existing_policy_id: Some(step.existing),
            })
        };
        Ok(s::GetFindingRecommendationResponse {
            started_at: found.started.into(),
            completed_at: Some(found.completed.into()),
            next_token,
            error: None,
            resource_arn: found.resource,
            recommended_steps: Some(steps.into_iter().map(shown).collect()),
            recommendation_type: recommendation_type::UNUSED_PERMISSION_RECOMMENDATION.into(),
            status: JobStatus::Succeeded.as_str().into(),
        })
    }
}

impl AccessAnalyzer {
    /// The policies that a user or role holds itself.
    async fn held(&self, cx: &Cx, owner: AccountId, arn: &str) -> Result<Vec<Held>> {
        let name = arn.rsplit('/').next().unwrap_or_default().to_owned();
        let (attached, inline) = match arn.contains(":role/") {
            true => {
                let list =
                    i::ListAttachedRolePoliciesRequest { role_name: name.clone(), ..Default::default() };
                let attached = self.ask_iam::<iam::ListAttachedRolePolicies>(cx, owner, list).await?;
                let list = i::ListRolePoliciesRequest { role_name: name.clone(), ..Default::default() };
                let names = self.ask_iam::<iam::ListRolePolicies>(cx, owner, list).await?.policy_names;
                let mut inline = Vec::new();
                for policy_name in names {
                    let get = i::GetRolePolicyRequest { role_name: name.clone(), policy_name };
                    let found = self.ask_iam::<iam::GetRolePolicy>(cx, owner, get).await?;
                    inline.push((found.policy_name, found.policy_document));
                }
                (attached.attached_policies, inline)
            }
            false => {
                let list =
                    i::ListAttachedUserPoliciesRequest { user_name: name.clone(), ..Default::default() };
                let attached = self.ask_iam::<iam::ListAttachedUserPolicies>(cx, owner, list).await?;
                let list = i::ListUserPoliciesRequest { user_name: name.clone(), ..Default::default() };
                let names = self.ask_iam::<iam::ListUserPolicies>(cx, owner, list).await?.policy_names;
                let mut inline = Vec::new();
                for policy_name in names {
                    let get = i::GetUserPolicyRequest { user_name: name.clone(), policy_name };
                    let found = self.ask_iam::<iam::GetUserPolicy>(cx, owner, get).await?;
                    inline.push((found.policy_name, found.policy_document));
                }
                (attached.attached_policies, inline)
            }
        };
        let plain = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let mut held = Vec::new();
        for arn in attached.into_iter().flatten().filter_map(|policy| policy.policy_arn) {
            let get = i::GetPolicyRequest { policy_arn: arn.clone() };
            let Some(policy) = self.ask_iam::<iam::GetPolicy>(cx, owner, get).await?.policy else { continue };
            let version_id = policy.default_version_id.unwrap_or_default();
            let get = i::GetPolicyVersionRequest { policy_arn: arn.clone(), version_id };
            let version = self.ask_iam::<iam::GetPolicyVersion>(cx, owner, get).await?.policy_version;
            let document = version.and_then(|version| version.document).unwrap_or_default();
            held.push(Held { id: arn, document: plain(&document), updated: policy.update_date });
        }
        held.extend(inline.into_iter().map(|(id, document)| Held {
            id,
            document: plain(&document),
            updated: None,
        }));
        Ok(held)
    }

    async fn ask_iam<O: Operation>(&self, cx: &Cx, owner: AccountId, input: O::Input) -> Result<O::Output> {
        self.platform.bus.call::<O>(Caller::root(owner), cx.region(), None, input).await
    }
}
