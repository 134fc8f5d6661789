//! One run of the policy simulator.

use std::collections::HashMap;
use std::sync::Arc;

use haneul_iam_wire::shapes as s;
use haneul_kit::directory::NamedPolicy;
use haneul_kit::{Policy, Result};
use haneul_policy::{Attached, Context, Inputs, Level, Principal, Request, ResourceMode, Rules, explain};

use crate::error;
use crate::store::attachments::name_in;

mod positions;

/// Policies as a simulation is given them, and who asks.
pub(crate) struct Simulation {
    pub principal: Principal,
    /// Without a caller, what would follow from it (`aws:username`) is for the request to say.
    pub is_caller_given: bool,
    pub identity: Vec<NamedPolicy>,
    pub boundary: Option<NamedPolicy>,
    pub scps: Vec<Vec<NamedPolicy>>,
    /// None or one.
    pub resource: Vec<NamedPolicy>,
    /// An account; without it the caller's.
    pub resource_owner: Option<String>,
    pub context: Vec<s::ContextEntry>,
    /// The texts of the policies by name, to tell where in them a statement stands.
    pub texts: HashMap<String, String>,
}

/// The texts of [`read`], by the names that it gives them.
pub(crate) fn texts(list: &str, documents: &[String]) -> impl Iterator<Item = (String, String)> {
    documents.iter().enumerate().map(move |(at, text)| (format!("{list}.{}", at + 1), text.clone()))
}

/// Documents of a request, named by their places in it: `PolicyInputList.1`.
pub(crate) fn read(list: &str, documents: &[String]) -> Result<Vec<NamedPolicy>> {
    let rules = match list {
        "ResourcePolicy" => Rules::RESOURCE,
        _ => Rules { strict_arns: false, ..Rules::AWS_MANAGED },
    };
    let read = documents.iter().enumerate().map(|(at, text)| {
        let policy =
            Policy::parse(text, &rules).map_err(|refused| error::simulation_input(&refused.message))?;
        Ok(NamedPolicy { name: format!("{list}.{}", at + 1), policy: Arc::new(policy) })
    });
    read.collect()
}

/// The context keys that policies ask for, as variables and in their conditions: as written, each where it first appears.
pub(crate) fn context_keys<'a>(policies: impl IntoIterator<Item = &'a NamedPolicy>) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    let mut add = |key: &str| {
        if !keys.iter().any(|known| known.eq_ignore_ascii_case(key)) {
            keys.push(key.to_owned());
        }
    };
    for statement in policies.into_iter().flat_map(|named| named.policy.statements()) {
        statement.resources().1.flat_map(variables).for_each(&mut add);
        for condition in statement.conditions() {
            add(condition.source().1);
            condition.values().flat_map(variables).for_each(&mut add);
        }
    }
    keys
}

/// The keys of variables in a text. `${*}`, `${?}` and `${$}` stand for themselves.
fn variables(text: &str) -> impl Iterator<Item = &str> {
    let inside = text.split("${").skip(1).filter_map(|rest| rest.split_once('}'));
    let keys = inside.map(|(inside, _)| inside.split(',').next().unwrap_or_default().trim());
    keys.filter(|key| key.len() > 1)
}

impl Simulation {
    /// Each action on each resource; on `*` when there is none.
    pub(crate) fn run(&self, actions: &[String], resources: &[String]) -> Vec<s::EvaluationResult> {
        let any = [String::from("*")];
        let resources = if resources.is_empty() { &any[..] } else { resources };
        let context = self.context();
        let pairs =
            actions.iter().flat_map(|action| resources.iter().map(move |resource| (action, resource)));
        pairs.map(|(action, resource)| self.one(action, resource, &context)).collect()
    }

    fn context(&self) -> Context<'static> {
        let mut context = Context::new();
        if self.is_caller_given {
            self.principal.describe(&mut context);
        }
        for entry in &self.context {
            let Some(name) = &entry.context_key_name else { continue };
            context.set_many(name, entry.context_key_values.iter().flatten());
        }
        context
    }

    fn one(&self, action: &str, resource: &str, context: &Context<'_>) -> s::EvaluationResult {
        let request = Request {
            principal: &self.principal,
            action,
            resource,
            resource_account: self.resource_owner.as_deref(),
            context,
        };
        let (identity, on_resource) = (attached(&self.identity), attached(&self.resource));
        let boundary = self.boundary.as_ref().map(one_attached);
        let levels: Vec<Vec<Attached<'_>>> = self.scps.iter().map(|level| attached(level)).collect();
        let levels: Vec<Level<'_>> = levels.iter().map(Vec::as_slice).collect();
        let inputs = Inputs {
            identity: &identity,
            resource: &on_resource,
            resource_mode: ResourceMode::Union,
            boundary,
            scps: &levels,
            ..Inputs::default()
        };
        let decision = explain(&request, &inputs);
        let matched: Vec<s::Statement> =
            decision.matched.iter().map(|matched| self.statement(matched.name, matched.index)).collect();
        // What one limit says for itself: as the only policy that there is.
        let allows = |only: &[Attached<'_>]| {
            explain(&request, &Inputs { identity: only, ..Inputs::default() }).is_allowed()
        };
        let by_organizations = (!levels.is_empty()).then(|| levels.iter().all(|level| allows(level)));
        let by_boundary = boundary.map(|boundary| s::PermissionsBoundaryDecisionDetail {
            allowed_by_permissions_boundary: Some(allows(&[boundary])),
        });
        let eval_decision = decision.eval_decision().to_owned();
        let missing = self.missing(context);
        s::EvaluationResult {
            eval_action_name: action.to_owned(),
            eval_resource_name: Some(resource.to_owned()),
            eval_decision,
            matched_statements: Some(matched),
            missing_context_values: Some(missing),
            organizations_decision_detail: by_organizations
                .map(|allowed| s::OrganizationsDecisionDetail { allowed_by_organizations: Some(allowed) }),
            permissions_boundary_decision_detail: by_boundary,
            // Whose results are told one by one are the resources of AWS's scenarios of ec2:RunInstances.
            resource_specific_results: None,
            ..Default::default()
        }
    }

    /// A statement that matched, by the policy's name and the statement's place in it.
    fn statement(&self, name: &str, index: usize) -> s::Statement {
        let span = self.texts.get(name).and_then(|text| positions::spans(text).into_iter().nth(index));
        s::Statement {
            source_policy_id: Some(name_in(name).to_owned()),
            source_policy_type: Some(String::from("IAM Policy")),
            start_position: span.as_ref().map(|span| positions::position(span.start)),
            end_position: span.as_ref().map(|span| positions::position(span.end)),
        }
    }

    fn missing(&self, context: &Context<'_>) -> Vec<String> {
        let policies = self.identity.iter().chain(&self.resource).chain(&self.boundary);
        let mut keys = context_keys(policies);
        keys.retain(|key| context.get(key).is_empty());
        keys
    }
}

fn attached(policies: &[NamedPolicy]) -> Vec<Attached<'_>> {
    policies.iter().map(one_attached).collect()
}

fn one_attached(named: &NamedPolicy) -> Attached<'_> {
    let arn = named.name.starts_with("arn:").then_some(named.name.as_str());
    Attached { name: &named.name, arn, policy: &named.policy }
}
