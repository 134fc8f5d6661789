//! The canonical text of a policy.

use crate::document::{Policy, Statement};
use crate::json::write_string;
use crate::principal::{PrincipalElement, PrincipalKind};

pub(crate) fn policy(policy: &Policy) -> String {
    let mut out = String::from("{");
    if policy.version_given {
        field(&mut out, "Version");
        write_string(&mut out, policy.version.as_str());
    }
    if let Some(id) = &policy.id {
        field(&mut out, "Id");
        write_string(&mut out, id);
    }
    field(&mut out, "Statement");
    out.push('[');
    for (at, one) in policy.statements.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        push_statement(&mut out, one);
    }
    out.push_str("]}");
    out
}

pub(crate) fn statement(statement: &Statement) -> String {
    let mut out = String::new();
    push_statement(&mut out, statement);
    out
}

fn push_statement(out: &mut String, statement: &Statement) {
    out.push('{');
    if let Some(sid) = &statement.sid {
        field(out, "Sid");
        write_string(out, sid);
    }
    field(out, "Effect");
    write_string(out, statement.effect.as_str());
    if let Some(element) = &statement.principal {
        field(out, if element.negated { "NotPrincipal" } else { "Principal" });
        principal(out, element);
    }
    let (negated, actions) = statement.actions();
    field(out, if negated { "NotAction" } else { "Action" });
    list(out, actions);
    if statement.resources.is_some() {
        let (negated, resources) = statement.resources();
        field(out, if negated { "NotResource" } else { "Resource" });
        list(out, resources);
    }
    if !statement.conditions.is_empty() {
        field(out, "Condition");
        conditions(out, statement);
    }
    out.push('}');
}

fn principal(out: &mut String, element: &PrincipalElement) {
    if element.star {
        return write_string(out, "*");
    }
    out.push('{');
    let mut done: Vec<PrincipalKind> = Vec::new();
    for name in &element.names {
        if !done.contains(&name.kind) {
            done.push(name.kind);
            field(out, name.kind.as_str());
            list(out, element.names.iter().filter(|n| n.kind == name.kind).map(|n| &*n.source));
        }
    }
    out.push('}');
}

/// Conditions are kept in the order written, so those of one operator are neighbours.
fn conditions(out: &mut String, statement: &Statement) {
    out.push('{');
    for same in statement.conditions.chunk_by(|a, b| a.operator_source == b.operator_source) {
        field(out, &same[0].operator_source);
        out.push('{');
        for condition in same {
            field(out, &condition.key_source);
            list(out, condition.values());
        }
        out.push('}');
    }
    out.push('}');
}

fn field(out: &mut String, name: &str) {
    if !out.ends_with(['{', '[']) {
        out.push(',');
    }
    write_string(out, name);
    out.push(':');
}

fn list<'a>(out: &mut String, items: impl Iterator<Item = &'a str>) {
    let items: Vec<&str> = items.collect();
    if let [one] = items.as_slice() {
        return write_string(out, one);
    }
    out.push('[');
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_string(out, item);
    }
    out.push(']');
}
