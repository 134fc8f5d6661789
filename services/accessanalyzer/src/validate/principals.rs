use super::walk::{At, Kind, Report, Statement};
use crate::document::Value;

pub(crate) fn check(report: &mut Report, statement: &Statement<'_>) {
    let found = statement.element("Principal");
    let Some((negated, element)) = found else {
        if matches!(statement.kind, Kind::Resource | Kind::Trust | Kind::ResourceControl) {
            report.add("MISSING_PRINCIPAL", &statement.at, &[]);
        }
        return;
    };
    match statement.kind {
        Kind::Identity => report.add("UNSUPPORTED_PRINCIPAL", &element, &["IDENTITY_POLICY"]),
        Kind::ServiceControl => report.add("SCP_SYNTAX_ERROR_PRINCIPAL", &element, &[]),
        Kind::ResourceControl if negated || element.node.text() != Some("*") => {
            report.add("RCP_SYNTAX_ERROR_PRINCIPAL", &element, &[]);
        }
        _ => {}
    }
    if negated && statement.effect() == Some("Allow") {
        report.add("ALLOW_WITH_NOT_PRINCIPAL", &element, &[]);
    }
    match &element.node.value {
        Value::Text(text) if text == "*" => {}
        Value::Object(members) if members.is_empty() => report.add("EMPTY_OBJECT_PRINCIPAL", &element, &[]),
        Value::Object(_) => {
            for (member, below) in element.members() {
                if !matches!(member.key.as_str(), "AWS" | "Service" | "Federated" | "CanonicalUser") {
                    report.add("INVALID_PRINCIPAL_KEY", &element.name(member), &[&member.key]);
                    continue;
                }
                if below.is_empty_list() {
                    report.add("EMPTY_ARRAY_PRINCIPAL", &below, &[]);
                    continue;
                }
                for item in below.items() {
                    name(report, &item, &member.key);
                }
            }
        }
        _ => report.add("INVALID_PRINCIPAL_FORMAT", &element, &[]),
    }
}

fn name(report: &mut Report, at: &At<'_>, key: &str) {
    let Some(text) = at.node.text() else {
        report.add("DATA_TYPE_MISMATCH", at, &["String"]);
        return;
    };
    if text.contains(['*', '?']) && (text != "*" || key == "CanonicalUser") {
        report.add("UNSUPPORTED_WILDCARD_IN_PRINCIPAL", at, &[key]);
        return;
    }
    let is_id = text.len() >= 16 && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    match key {
        "AWS" if is_id && text.starts_with("AROA") => report.add("INVALID_ROLE_REFERENCE", at, &[text]),
        "AWS" if is_id && text.starts_with("AIDA") => report.add("INVALID_USER_REFERENCE", at, &[text]),
        "Service" if text != "*" && !is_service(text) => {
            report.add("INVALID_SERVICE_PRINCIPAL_FORMAT", at, &[text]);
        }
        _ => {}
    }
}

pub(crate) fn is_service(text: &str) -> bool {
    let name = text.strip_suffix(".amazonaws.com").or_else(|| text.strip_suffix(".amazonaws.com.cn"));
    name.is_some_and(|name| {
        !name.is_empty()
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
    })
}
