//! Policies without what is not used: what the recommendations for unused permissions are made of.

use serde_json::{Value, json};

use crate::compare::pattern::covers;
use crate::reference;

/// What becomes of a policy.
#[derive(Debug, PartialEq)]
pub(crate) enum Narrowed {
    /// It gives none of it.
    Unchanged,
    /// It gives nothing else.
    Empty,
    To(String),
}

/// A policy without some actions of a service; without all of them, when `actions` is empty. Actions are whole:
/// `sqs:SendMessage`.
pub(crate) fn without(document: &str, service: &str, actions: &[String]) -> Narrowed {
    let Ok(mut policy) = serde_json::from_str::<Value>(document) else { return Narrowed::Unchanged };
    let gone: Vec<String> = match actions {
        [] => vec![format!("{service}:*")],
        some => some.to_vec(),
    };
    let statements = match policy.get_mut("Statement").map(Value::take) {
        Some(Value::Array(all)) => all,
        Some(one) => vec![one],
        None => return Narrowed::Unchanged,
    };
    let mut changed = false;
    let mut left = Vec::new();
    for mut statement in statements {
        if statement.get("Effect").and_then(Value::as_str) == Some("Allow") {
            changed |= narrow(&mut statement, &gone);
        }
        if statement.get("Action").and_then(Value::as_array).is_none_or(|actions| !actions.is_empty()) {
            left.push(statement);
        }
    }
    if !changed {
        return Narrowed::Unchanged;
    }
    let allows = |statement: &Value| statement.get("Effect").and_then(Value::as_str) == Some("Allow");
    if !left.iter().any(allows) {
        return Narrowed::Empty;
    }
    policy["Statement"] = Value::Array(left);
    Narrowed::To(policy.to_string())
}

/// Takes actions out of a statement; whether that changed it.
fn narrow(statement: &mut Value, gone: &[String]) -> bool {
    let is_gone = |action: &str| gone.iter().any(|gone| covers(&lower(gone), &lower(action)));
    if let Some(kept_out) = statement.get("NotAction") {
        let mut kept_out = texts(kept_out);
        let more: Vec<&String> = gone
            .iter()
            .filter(|gone| !kept_out.iter().any(|pattern| covers(&lower(pattern), &lower(gone))))
            .collect();
        if more.is_empty() {
            return false;
        }
        kept_out.extend(more.into_iter().cloned());
        statement["NotAction"] = json!(kept_out);
        return true;
    }
    let given = statement.get("Action").map(texts).unwrap_or_default();
    if given.iter().any(|action| action == "*" || action == "*:*") {
        let Some(statement) = statement.as_object_mut() else { return false };
        statement.remove("Action");
        statement.insert("NotAction".into(), json!(gone));
        return true;
    }
    let mut left = Vec::new();
    for action in &given {
        let meets = gone.iter().any(|gone| covers(&lower(action), &lower(gone)));
        match (is_gone(action), meets) {
            (true, _) => {}
            // A pattern that gives some of it and more: what it gives, one by one.
            (false, true) => left.extend(all_of(action).into_iter().filter(|action| !is_gone(action))),
            (false, false) => left.push(action.clone()),
        }
    }
    let changed = left != given;
    if changed {
        statement["Action"] = json!(left);
    }
    changed
}

fn lower(text: &str) -> String {
    text.to_ascii_lowercase()
}

fn texts(value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match value {
        Value::Array(all) => all.iter().filter_map(text).collect(),
        one => text(one).into_iter().collect(),
    }
}

/// The actions that a pattern of one service stands for.
fn all_of(pattern: &str) -> Vec<String> {
    let pattern = lower(pattern);
    let service = pattern.split(':').next().unwrap_or_default();
    let known = reference::services().get_key_value(service);
    let known = known.into_iter().flat_map(|(prefix, service)| {
        service.actions.values().map(move |action| format!("{prefix}:{}", action.name))
    });
    known.filter(|action| covers(&pattern, &lower(action))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_without_a_service_or_some_actions() {
        let policy = |statement: &str| format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        let allow = |element: &str| policy(&format!(r#"{{"Effect":"Allow",{element},"Resource":"*"}}"#));
        for (before, actions, after) in [
            (r#""Action":["sqs:*","s3:GetObject"]"#, &[][..], Some(r#""Action":["s3:GetObject"]"#)),
            (r#""Action":"SQS:SendMessage""#, &[], None),
            (r#""Action":"*""#, &[], Some(r#""NotAction":["sqs:*"]"#)),
            (r#""NotAction":"iam:*""#, &[], Some(r#""NotAction":["iam:*","sqs:*"]"#)),
            (
                r#""Action":"sqs:*Message""#,
                &["sqs:SendMessage"],
                Some(r#""Action":["sqs:DeleteMessage","sqs:ReceiveMessage"]"#),
            ),
            (
                r#""Action":["sqs:SendMessage","sqs:ListQueues"]"#,
                &["sqs:SendMessage"],
                Some(r#""Action":["sqs:ListQueues"]"#),
            ),
        ] {
            let actions: Vec<String> = actions.iter().map(|action| (*action).to_owned()).collect();
            let json = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            // Members are in no particular order.
            let narrowed = match without(&allow(before), "sqs", &actions) {
                Narrowed::To(text) => Some(json(&text)),
                Narrowed::Empty => None,
                Narrowed::Unchanged => panic!("{before} is as it was"),
            };
            assert_eq!(narrowed, after.map(|after| json(&allow(after))), "{before}");
        }
        for same in [r#""Action":"s3:*""#, r#""NotAction":"sqs:*""#, r#""NotAction":"*""#] {
            assert_eq!(without(&allow(same), "sqs", &[]), Narrowed::Unchanged, "{same}");
        }
        let deny = r#"{"Effect":"Deny","Action":"sqs:*","Resource":"*"}"#;
        assert_eq!(without(&policy(deny), "sqs", &[]), Narrowed::Unchanged);
        assert_eq!(without("no policy", "sqs", &[]), Narrowed::Unchanged);
    }
}
