//! The policy of the organization itself: which members may do some of the management account's work.

use haneul_kit::{Access, Cx, Handle, Policy, Result};
use haneul_organizations_wire::operations as op;
use haneul_organizations_wire::shapes as s;
use haneul_policy::{ErrorKind, PrincipalKind, Rules};
use haneul_shape::Empty;

use super::{borrowed, tags_of};
use crate::model::ResourcePolicy;
use crate::organizations::{On, Vantage, Who};
use crate::{Organizations, error, ids};

/// What can be delegated. Source: AWS Organizations User Guide, "Delegated administrator for AWS Organizations".
const DELEGABLE: &[&str] = &[
    "attachpolicy",
    "createpolicy",
    "deletepolicy",
    "detachpolicy",
    "disablepolicytype",
    "enablepolicytype",
    "tagresource",
    "untagresource",
    "updatepolicy",
];

/// # Errors
/// For a document that is no policy, speaks to no account, or delegates what cannot be.
fn check(content: &str) -> Result<()> {
    let rules = Rules { size_max: 40_000, ..Rules::RESOURCE };
    let policy = Policy::parse(content, &rules).map_err(|refused| match refused.kind {
        ErrorKind::InvalidPrincipal => {
            error::invalid("INVALID_PRINCIPAL", "You specified an invalid principal element in the policy.")
        }
        _ => error::invalid(
            "INVALID_RESOURCE_POLICY_JSON",
            "You specified an invalid JSON format in the policy.",
        ),
    })?;
    for statement in policy.statements() {
        if statement.principals().any(|principal| principal.kind != PrincipalKind::Aws) {
            let message = "You specified an invalid principal element in the policy.";
            return Err(error::invalid("INVALID_PRINCIPAL", message));
        }
        let (negated, actions) = statement.actions();
        for action in actions {
            let action = action.to_ascii_lowercase();
            let name = action.strip_prefix("organizations:").unwrap_or_default();
            let reads = name.starts_with("describe") || name.starts_with("list");
            if negated || !(reads || DELEGABLE.contains(&name)) {
                return Err(error::invalid(
                    "UNSUPPORTED_ACTION_IN_RESOURCE_POLICY",
                    "You specified an action that is not supported in the resource policy.",
                ));
            }
        }
        let (_, resources) = statement.resources();
        for resource in resources {
            if resource != "*" && !resource.starts_with("arn:aws:organizations::") {
                return Err(error::invalid(
                    "UNSUPPORTED_RESOURCE_IN_RESOURCE_POLICY",
                    "You specified a resource that is not supported in the resource policy.",
                ));
            }
        }
    }
    Ok(())
}

fn render(vantage: &Vantage, policy: &ResourcePolicy) -> s::ResourcePolicy {
    let arn = vantage.arns().resource_policy(&policy.id).to_string();
    let summary = s::ResourcePolicySummary { id: Some(policy.id.clone()), arn: Some(arn) };
    s::ResourcePolicy { resource_policy_summary: Some(summary), content: Some(policy.content.clone()) }
}

impl Handle<op::PutResourcePolicy> for Organizations {
    async fn access(&self, cx: &Cx, input: &s::PutResourcePolicyRequest) -> Result<Vec<Access>> {
        let tags = borrowed(input.tags.as_ref());
        let mut all = Vec::new();
        let tagging = (!tags.is_empty()).then_some("organizations:TagResource");
        for action in ["organizations:PutResourcePolicy"].into_iter().chain(tagging) {
            for access in self.ask(cx, Who::Management, action, &[On::ResourcePolicy], &[]).await? {
                all.push(access.request_tags(tags.iter().copied()));
            }
        }
        Ok(all)
    }

    async fn call(
        &self,
        cx: &Cx,
        input: s::PutResourcePolicyRequest,
    ) -> Result<s::PutResourcePolicyResponse> {
        let vantage = self.enter(cx, Who::Management).await?;
        check(&input.content)?;
        let policy = ResourcePolicy {
            id: ids::resource_policy(&self.platform.env.rng),
            content: input.content,
            tags: tags_of(input.tags)?,
        };
        let put = self.state.put_resource_policy(&vantage.id, Some(&policy)).await?;
        Ok(s::PutResourcePolicyResponse { resource_policy: put.map(|put| render(&vantage, &put)) })
    }
}

impl Handle<op::DescribeResourcePolicy> for Organizations {
    async fn access(&self, cx: &Cx, _: &Empty) -> Result<Vec<Access>> {
        self.ask(cx, Who::Reader, "organizations:DescribeResourcePolicy", &[On::All], &[]).await
    }

    async fn call(&self, cx: &Cx, _: Empty) -> Result<s::DescribeResourcePolicyResponse> {
        let vantage = self.enter(cx, Who::Reader).await?;
        let policy = vantage.organization.resource_policy.as_ref();
        let policy = policy.ok_or_else(error::resource_policy_not_found)?;
        Ok(s::DescribeResourcePolicyResponse { resource_policy: Some(render(&vantage, policy)) })
    }
}

impl Handle<op::DeleteResourcePolicy> for Organizations {
    async fn access(&self, cx: &Cx, _: &Empty) -> Result<Vec<Access>> {
        self.ask(cx, Who::Management, "organizations:DeleteResourcePolicy", &[On::All], &[]).await
    }

    async fn call(&self, cx: &Cx, _: Empty) -> Result<Empty> {
        let vantage = self.enter(cx, Who::Management).await?;
        self.state.put_resource_policy(&vantage.id, None).await?;
        Ok(Empty)
    }
}
