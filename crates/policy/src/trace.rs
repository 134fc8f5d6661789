//! Why a statement that speaks of an action did not match: what [`explain`](crate::explain) leaves out. Slow, for people.

use crate::decision::PolicyType;
use crate::document::{Effect, Statement};
use crate::evaluate::{Attached, Inputs, ResourceMode};
use crate::request::Request;

/// A statement that names the action of a request and yet does not match it.
#[derive(Debug, Clone, Copy)]
pub struct Miss<'a> {
    pub policy_type: PolicyType,
    pub name: &'a str,
    pub arn: Option<&'a str>,
    /// Position within the policy, from zero.
    pub index: usize,
    pub statement: &'a Statement,
    pub why: Why,
}

/// The first element that did not match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    Principal,
    Resource,
    /// The condition at this position of [`Statement::conditions`].
    Condition(usize),
}

/// The statements that come near, in the order of evaluation.
pub fn misses<'a>(request: &Request<'_>, inputs: &Inputs<'a>) -> Vec<Miss<'a>> {
    let mut out = Vec::new();
    let resource_type = match inputs.resource_mode {
        ResourceMode::RoleTrust => PolicyType::RoleTrust,
        _ => PolicyType::Resource,
    };
    for level in inputs.rcps {
        of(request, PolicyType::ResourceControl, level, &mut out);
    }
    for level in inputs.scps {
        of(request, PolicyType::ServiceControl, level, &mut out);
    }
    of(request, PolicyType::VpcEndpoint, inputs.vpc_endpoint.as_slice(), &mut out);
    of(request, resource_type, inputs.resource, &mut out);
    of(request, PolicyType::Identity, inputs.identity, &mut out);
    of(request, PolicyType::PermissionsBoundary, inputs.boundary.as_slice(), &mut out);
    of(request, PolicyType::Session, inputs.session.unwrap_or_default(), &mut out);
    out
}

fn of<'a>(
    request: &Request<'_>,
    policy_type: PolicyType,
    policies: &[Attached<'a>],
    out: &mut Vec<Miss<'a>>,
) {
    let action = request.action.to_ascii_lowercase();
    let service = action.split(':').next().unwrap_or_default();
    for attached in policies {
        let mut about: Vec<(usize, &Statement)> = attached.policy.about(service, &action).collect();
        about.sort_by_key(|(index, _)| *index);
        about.dedup_by_key(|(index, _)| *index);
        for (index, statement) in about {
            if let Some(why) = why(request, statement) {
                let (name, arn) = (attached.name, attached.arn);
                out.push(Miss { policy_type, name, arn, index, statement, why });
            }
        }
    }
}

fn why(request: &Request<'_>, statement: &Statement) -> Option<Why> {
    let denies = statement.effect() == Effect::Deny;
    if statement.principal.as_ref().is_some_and(|p| p.grant(request.principal, denies).is_none()) {
        return Some(Why::Principal);
    }
    if !statement.covers_resource(request.resource, request.context) {
        return Some(Why::Resource);
    }
    statement.conditions().iter().position(|c| !c.holds(request.context)).map(Why::Condition)
}
