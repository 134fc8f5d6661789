//! The result of an evaluation.

use crate::document::{Effect, Statement};

/// Allow or deny, and why. It borrows from the [`Inputs`](crate::Inputs) it was made from.
#[derive(Debug, Clone)]
pub struct Decision<'a> {
    pub effect: Effect,
    pub reason: Reason<'a>,
    /// The statements that matched: those that decided for [`decide`](crate::decide), all of them for
    /// [`explain`](crate::explain). In the order of evaluation, each once.
    pub matched: Vec<Matched<'a>>,
}

/// Why a request was allowed or denied.
#[derive(Debug, Clone, Copy)]
pub enum Reason<'a> {
    Allowed,
    /// A `Deny` statement matched.
    ExplicitDeny(Matched<'a>),
    /// A policy of this type had to allow the request and none did.
    ImplicitDeny(PolicyType),
}

/// A statement that matched the request.
#[derive(Debug, Clone, Copy)]
pub struct Matched<'a> {
    pub policy_type: PolicyType,
    /// The policy's name or ARN as the caller of the evaluation gave it.
    pub name: &'a str,
    pub arn: Option<&'a str>,
    /// Position within the policy, from zero.
    pub index: usize,
    pub statement: &'a Statement,
}

impl PartialEq for Matched<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.policy_type == other.policy_type && std::ptr::eq(self.statement, other.statement)
    }
}

/// The types of policies that take part in a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PolicyType {
    ResourceControl,
    ServiceControl,
    VpcEndpoint,
    Resource,
    /// A role's trust policy: a resource policy by another name.
    RoleTrust,
    Identity,
    PermissionsBoundary,
    Session,
}

impl PolicyType {
    /// As AWS's messages call it.
    pub fn name(self) -> &'static str {
        match self {
            PolicyType::ResourceControl => "resource control policy",
            PolicyType::ServiceControl => "service control policy",
            PolicyType::VpcEndpoint => "VPC endpoint policy",
            PolicyType::Resource => "resource-based policy",
            PolicyType::RoleTrust => "role trust policy",
            PolicyType::Identity => "identity-based policy",
            PolicyType::PermissionsBoundary => "permissions boundary",
            PolicyType::Session => "session policy",
        }
    }
}

impl Decision<'_> {
    pub fn is_allowed(&self) -> bool {
        self.effect == Effect::Allow
    }

    /// As `EvalDecision` of `SimulatePrincipalPolicy` says it.
    pub fn eval_decision(&self) -> &'static str {
        match self.reason {
            Reason::Allowed => "allowed",
            Reason::ExplicitDeny(_) => "explicitDeny",
            Reason::ImplicitDeny(_) => "implicitDeny",
        }
    }
}
