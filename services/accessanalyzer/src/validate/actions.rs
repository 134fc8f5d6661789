use super::walk::{At, Report, Statement};
use crate::compare::pattern::covers;
use crate::document::Value;
use crate::reference::services;

pub(crate) fn check(report: &mut Report, statement: &Statement<'_>) {
    let Some((_, element)) = statement.element("Action") else { return };
    if element.is_empty_list() {
        report.add("EMPTY_ARRAY_ACTION", &element, &[]);
    }
    let items = element.items();
    for item in &items {
        match &item.node.value {
            Value::Text(text) => action(report, item, text),
            Value::List(items) if items.is_empty() => {}
            _ => report.add("DATA_TYPE_MISMATCH", item, &["String"]),
        }
    }
    redundant(report, &items);
}

fn action(report: &mut Report, at: &At<'_>, text: &str) {
    if text == "*" || text.contains("${") {
        return;
    }
    let Some((prefix, name)) = text.split_once(':') else {
        report.add("INVALID_ACTION", at, &[text]);
        return;
    };
    if prefix.contains(['*', '?']) {
        report.add("WILDCARD_IN_SERVICE_NAME", at, &[]);
        return;
    }
    let prefix = prefix.to_lowercase();
    let Some(service) = services().get(prefix.as_str()) else {
        report.add("INVALID_SERVICE_IN_ACTION", at, &[&prefix]);
        return;
    };
    let name = name.to_lowercase();
    let exists = match name.contains(['*', '?']) {
        true => service.actions.keys().any(|action| covers(&name, action)),
        false => service.actions.contains_key(&name),
    };
    if !exists {
        report.add("INVALID_ACTION", at, &[text]);
    }
}

/// An action is redundant when another takes all of it in.
fn redundant(report: &mut Report, items: &[At<'_>]) {
    for (index, item) in items.iter().enumerate() {
        let Some(text) = item.node.text().map(str::to_lowercase) else { continue };
        let within = items.iter().enumerate().any(|(other, wider)| {
            let Some(wider) = wider.node.text().map(str::to_lowercase) else { return false };
            // Of two that are the same, the second is one too many.
            other != index && covers(&wider, &text) && (other < index || !covers(&text, &wider))
        });
        if within {
            report.add("REDUNDANT_ACTION", item, &[item.node.text().unwrap_or_default()]);
        }
    }
}
