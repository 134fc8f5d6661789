use std::collections::BTreeMap;

use haneul_kit::Instant;
use serde_json::{Value, json};

/// A policy from what was used. Actions that were used on the same resources share a statement.
pub(super) fn of(principal: &str, used: &[(String, String, Instant)]) -> Value {
    let mut by_action: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (action, resource, _) in used {
        by_action.entry(action).or_default().push(resource);
    }
    let mut by_resources: BTreeMap<(&str, Vec<&str>), Vec<&str>> = BTreeMap::new();
    for (action, mut resources) in by_action {
        resources.sort_unstable();
        let service = action.split(':').next().unwrap_or_default();
        by_resources.entry((service, resources)).or_default().push(action);
    }
    let statements: Vec<Value> = by_resources
        .into_iter()
        .map(|((_, resources), actions)| {
            json!({ "Effect": "Allow", "Action": actions, "Resource": resources })
        })
        .collect();
    let since = used.iter().map(|(_, _, first)| first.millis()).min();
    json!({
        "principal": principal,
        "since": since.map(|millis| Instant::from_millis(millis).iso8601()),
        // A policy must have a statement: who did nothing needs none.
        "policy": (!statements.is_empty()).then(|| json!({ "Version": "2012-10-17", "Statement": statements })),
    })
}
