use std::sync::Arc;

use haneul_kit::Principal;
use haneul_policy::{
    Attached, Decision, Detail, Inputs, Miss, PolicyType, Reason, Request, Statement, Why, denial_message,
    explain, misses,
};
use serde_json::{Map, Value, json};

use super::recent::Decided;
use crate::layers::authz::Case;

/// Everything about the decisions of one request.
pub(super) fn of(request_id: &str, decided: &[Arc<Decided>]) -> Value {
    let cx = &decided[0].cx;
    let accesses: Vec<Value> = decided.iter().flat_map(|decided| accesses(decided)).collect();
    json!({
        "request_id": request_id,
        "time": cx.now().iso8601_millis(),
        "principal": cx.caller().arn(),
        "account": cx.account().to_string(),
        "region": cx.region().as_str(),
        "called_via": cx.called_via(),
        "allowed": accesses.iter().all(|access| access["decision"] == "allowed"),
        "accesses": accesses,
    })
}

fn accesses(decided: &Decided) -> Vec<Value> {
    let case = Case::of(decided);
    let one = |at| case.with(at, |request, inputs| access(decided, at, request, inputs));
    (0..decided.accesses.len()).map(one).collect()
}

fn access(decided: &Decided, at: usize, request: &Request<'_>, inputs: &Inputs<'_>) -> Value {
    let decision = explain(request, inputs);
    let matched = decision.matched.iter().map(|m| {
        let mut value = statement(m.policy_type, m.name, m.arn, m.index, m.statement);
        value.insert("effect".into(), m.statement.effect().as_str().into());
        Value::Object(value)
    });
    let near = misses(request, inputs).into_iter().map(|miss| near(&miss, request));
    let context: Map<String, Value> =
        request.context.iter().map(|(key, values)| (key.to_owned(), json!(values))).collect();
    json!({
        "action": request.action,
        "resource": request.resource,
        "resource_account": decided.accesses[at].resource_account.map(|account| account.to_string()),
        "asked_as": request.principal.arn(),
        "decision": decision.eval_decision(),
        "why": why(decided, request, &decision),
        "matched": matched.collect::<Vec<_>>(),
        "near": near.collect::<Vec<_>>(),
        "policies": policies(inputs),
        "context": context,
    })
}

fn why(decided: &Decided, request: &Request<'_>, decision: &Decision<'_>) -> String {
    if !decision.is_allowed() {
        return denial_message(request, decision, Detail::PolicyArn);
    }
    let mut by: Vec<&str> = decision.matched.iter().map(|m| m.policy_type.name()).collect();
    by.dedup();
    match by.as_slice() {
        [] if matches!(decided.cx.caller().principal, Principal::Root) => {
            "the root user may do everything in its account".to_owned()
        }
        [] => "allowed".to_owned(),
        _ => format!("allowed by {}", by.join(", ")),
    }
}

fn statement(
    policy_type: PolicyType,
    name: &str,
    arn: Option<&str>,
    index: usize,
    statement: &Statement,
) -> Map<String, Value> {
    let text = serde_json::from_str(&statement.to_json()).unwrap_or(Value::Null);
    let value = json!({
        "policy_type": policy_type.name(),
        "policy": arn.unwrap_or(name),
        "statement": index,
        "sid": statement.sid(),
        "text": text,
    });
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn near(miss: &Miss<'_>, request: &Request<'_>) -> Value {
    let mut value = statement(miss.policy_type, miss.name, miss.arn, miss.index, miss.statement);
    value.insert("effect".into(), miss.statement.effect().as_str().into());
    let why = match miss.why {
        Why::Principal => "its principal is not the caller".to_owned(),
        Why::Resource => "its resource is another".to_owned(),
        Why::Condition(at) => match miss.statement.conditions().get(at) {
            Some(condition) => {
                let (operator, key) = condition.source();
                let wanted: Vec<&str> = condition.values().collect();
                let had = request.context.get(key);
                let had = if had.is_empty() { "no such key".to_owned() } else { format!("{had:?}") };
                format!("{operator} {key} wants {wanted:?}; the request has {had}")
            }
            None => "a condition does not hold".to_owned(),
        },
    };
    value.insert("because".into(), why.into());
    Value::Object(value)
}

/// What was looked at, by type.
fn policies(inputs: &Inputs<'_>) -> Value {
    let names = |policies: &[Attached<'_>]| -> Vec<String> {
        policies.iter().map(|policy| policy.arn.unwrap_or(policy.name).to_owned()).collect()
    };
    let levels = |levels: &[&[Attached<'_>]]| -> Vec<Vec<String>> {
        levels.iter().map(|level| names(level)).collect()
    };
    json!({
        "resource_control": levels(inputs.rcps),
        "service_control": levels(inputs.scps),
        "resource": names(inputs.resource),
        "identity": names(inputs.identity),
        "boundary": names(inputs.boundary.as_slice()),
        "session": inputs.session.map(names),
        "delegation": names(inputs.delegation.as_slice()),
    })
}

/// The matched statements of a denial in the form that DecodeAuthorizationMessage gives them.
pub(crate) fn decoded_statements(decision: &Decision<'_>) -> Vec<Value> {
    let items = |values: Vec<&str>| json!({ "items": values.iter().map(|v| json!({ "value": v })).collect::<Vec<_>>() });
    let denying = decision.matched.iter().filter(|_| matches!(decision.reason, Reason::ExplicitDeny(_)));
    denying
        .map(|m| {
            let conditions = m.statement.conditions().iter().map(|condition| {
                json!({ "key": condition.source().1, "values": items(condition.values().collect()) })
            });
            json!({
                "statementId": m.statement.sid().unwrap_or_default(),
                "effect": m.statement.effect().as_str().to_uppercase(),
                "principals": items(m.statement.principals().map(|p| p.value).collect()),
                "principalGroups": items(Vec::new()),
                "actions": items(m.statement.actions().1.collect()),
                "resources": items(m.statement.resources().1.collect()),
                "conditions": { "items": conditions.collect::<Vec<_>>() },
            })
        })
        .collect()
}
