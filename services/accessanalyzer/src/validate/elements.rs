//! Version, Effect, Sid, and which elements there must or must not be.

use super::walk::{At, Kind, Report, Statement};
use crate::document::Value;

const TOP: &[&str] = &["Version", "Id", "Statement"];
const STATEMENT: &[&str] = &[
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// Checks the top of the document; says whether variables mean something in it.
pub(crate) fn document(report: &mut Report, top: &At<'_>, kind: Kind, text: &str) -> bool {
    for member in top.node.members() {
        if !TOP.contains(&member.key.as_str()) {
            report.add("INVALID_POLICY_ELEMENT", &top.name(member), &[&member.key]);
        }
    }
    let version = top.get("Version");
    let has_variables = match &version {
        None => {
            report.add("MISSING_VERSION", top, &[]);
            false
        }
        Some(at) => match at.node.text() {
            None => {
                report.add("DATA_TYPE_MISMATCH", at, &["String"]);
                false
            }
            Some("2012-10-17") => true,
            Some("2008-10-17") => false,
            Some(other) => {
                report.add("INVALID_VERSION", at, &[other]);
                false
            }
        },
    };
    match top.get("Statement") {
        None => report.add("MISSING_STATEMENT", top, &[]),
        Some(at) if at.is_empty_list() => report.add("MISSING_STATEMENT", &at, &[]),
        Some(_) => {}
    }
    let visible = text.chars().filter(|character| !character.is_whitespace()).count();
    match kind {
        Kind::Identity if visible > 6144 => {
            report.add("POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA", top, &[&visible.to_string()]);
        }
        Kind::ServiceControl if text.chars().count() > 5120 => {
            report.add("POLICY_SIZE_EXCEEDS_SCP_QUOTA", top, &[]);
        }
        Kind::ResourceControl if text.chars().count() > 5120 => {
            report.add("POLICY_SIZE_EXCEEDS_RCP_QUOTA", top, &[]);
        }
        _ => {}
    }
    has_variables
}

pub(crate) fn statement(report: &mut Report, statement: &Statement<'_>) {
    let at = &statement.at;
    for member in at.node.members() {
        if !STATEMENT.contains(&member.key.as_str()) {
            report.add("INVALID_POLICY_ELEMENT", &at.name(member), &[&member.key]);
        }
    }
    match at.get("Effect") {
        None => report.add("MISSING_EFFECT", at, &[]),
        Some(effect) => match effect.node.text() {
            Some("Allow" | "Deny") => {}
            Some(other) => report.add("INVALID_EFFECT", &effect, &[other]),
            None => report.add("DATA_TYPE_MISMATCH", &effect, &["String"]),
        },
    }
    for name in ["Action", "Resource", "Principal"] {
        let not = format!("Not{name}");
        if at.get(name).is_some() && at.get(&not).is_some() {
            report.add("UNSUPPORTED_ELEMENT_COMBINATION", at, &[&format!("{name} and {not}")]);
        }
    }
    if statement.element("Action").is_none() {
        report.add("MISSING_ACTION", at, &[]);
    }
    let resource = statement.element("Resource");
    match (statement.kind, &resource) {
        (Kind::Trust, Some((_, at))) => report.add("UNSUPPORTED_RESOURCE_ELEMENT", at, &[]),
        (Kind::Trust, None) | (_, Some(_)) => {}
        (_, None) => report.add("MISSING_RESOURCE", at, &[]),
    }
    if let Some(sid) = at.get("Sid") {
        match sid.node.text() {
            None => report.add("DATA_TYPE_MISMATCH", &sid, &["String"]),
            Some("") => report.add("EMPTY_SID_VALUE", &sid, &[]),
            // Services that own a resource take more in their Sids.
            Some(text) if statement.kind != Kind::Resource => {
                if !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
                    report.add("UNSUPPORTED_SID", &sid, &[]);
                }
            }
            Some(_) => {}
        }
    }
    let rcp = statement.kind == Kind::ResourceControl;
    if rcp && statement.effect() == Some("Allow") && !is_full_access(statement) {
        report.add("RCP_SYNTAX_ERROR_ALLOW", at, &[]);
    }
    if let Some(not_action) = at.get("NotAction").filter(|_| rcp) {
        report.add("RCP_SYNTAX_ERROR_NOTACTION", &not_action, &[]);
    }
}

fn is_full_access(statement: &Statement<'_>) -> bool {
    statement.texts("Action") == ["*"] && statement.texts("Resource") == ["*"]
}

/// What is between the statements.
pub(crate) fn across(report: &mut Report, statements: &[Statement<'_>]) {
    let mut sids: Vec<&str> = Vec::new();
    for statement in statements {
        let Some(sid) = statement.at.get("Sid") else { continue };
        let Some(text) = sid.node.text().filter(|text| !text.is_empty()) else { continue };
        if sids.contains(&text) {
            let code = match statement.kind {
                Kind::Identity | Kind::ServiceControl | Kind::ResourceControl => "UNIQUE_SIDS_REQUIRED",
                Kind::Resource | Kind::Trust => "UNIQUE_SIDS_RECOMMENDED",
            };
            report.add(code, &sid, &[]);
        }
        sids.push(text);
    }
    for (index, statement) in statements.iter().enumerate() {
        let same = |other: &Statement<'_>| content(&statement.at) == content(&other.at);
        if statements[..index].iter().any(same) {
            report.add("REDUNDANT_STATEMENT", &statement.at, &[]);
        }
    }
}

/// A statement without its Sid, for comparison.
fn content(at: &At<'_>) -> Vec<(String, String)> {
    let mut members: Vec<(String, String)> = at
        .node
        .members()
        .iter()
        .filter(|member| member.key != "Sid")
        .map(|member| (member.key.clone(), flat(&member.node.value)))
        .collect();
    members.sort();
    members
}

fn flat(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(text) => text.clone(),
        Value::Text(text) => format!("{text:?}"),
        // A list of one is the thing itself.
        Value::List(items) if items.len() == 1 => flat(&items[0].value),
        Value::List(items) => {
            let mut items: Vec<String> = items.iter().map(|item| flat(&item.value)).collect();
            items.sort();
            format!("[{}]", items.join(","))
        }
        Value::Object(members) => {
            let mut members: Vec<String> = members
                .iter()
                .map(|member| format!("{:?}:{}", member.key, flat(&member.node.value)))
                .collect();
            members.sort();
            format!("{{{}}}", members.join(","))
        }
    }
}
