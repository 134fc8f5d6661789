//! Denials in AWS's words (IAM User Guide, "Troubleshoot access denied error messages").

use crate::decision::{Decision, PolicyType, Reason};
use crate::request::Request;

/// How much a denial message gives away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Who, what and which resource: what a caller of another organisation is told.
    Bare,
    /// And the type of policy.
    PolicyType,
    /// And, for an explicit deny, the ARN of the policy, where it has one.
    PolicyArn,
}

/// The message of a denied request; empty for an allowed one.
pub fn denial_message(request: &Request<'_>, decision: &Decision<'_>, detail: Detail) -> String {
    if decision.is_allowed() {
        return String::new();
    }
    let mut out =
        format!("User: {} is not authorized to perform: {}", request.principal.arn(), request.action);
    if !request.resource.is_empty() {
        out.push_str(" on resource: ");
        out.push_str(request.resource);
    }
    match decision.reason {
        _ if detail == Detail::Bare => {}
        Reason::Allowed => {}
        Reason::ExplicitDeny(matched) => {
            out.push_str(" with an explicit deny in ");
            out.push_str(with_article(matched.policy_type));
            if detail == Detail::PolicyArn
                && let Some(arn) = matched.arn
            {
                out.push_str(": ");
                out.push_str(arn);
            }
        }
        Reason::ImplicitDeny(policy_type) => {
            out.push_str(&format!(" because no {} allows the {} action", policy_type.name(), request.action));
        }
    }
    out
}

fn with_article(policy_type: PolicyType) -> &'static str {
    match policy_type {
        PolicyType::ResourceControl => "a resource control policy",
        PolicyType::ServiceControl => "a service control policy",
        PolicyType::VpcEndpoint => "a VPC endpoint policy",
        PolicyType::Resource => "a resource-based policy",
        PolicyType::RoleTrust => "the role trust policy",
        PolicyType::Identity => "an identity-based policy",
        PolicyType::PermissionsBoundary => "a permissions boundary",
        PolicyType::Session => "a session policy",
    }
}
