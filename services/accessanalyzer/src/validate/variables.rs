//! `${aws:username}` and what can be wrong with it.

use super::walk::{At, Report, Statement};
use crate::document::Value;

pub(crate) fn check(report: &mut Report, statement: &Statement<'_>) {
    for name in ["Action", "Principal"] {
        if let Some((_, at)) = statement.element(name) {
            each_text(&at, &mut |at, text| {
                if let Some(variable) = first(text) {
                    report.add("VARIABLE_UNSUPPORTED_IN_ELEMENT", at, &[variable]);
                }
            });
        }
    }
    let places = [statement.element("Resource").map(|(_, at)| at), statement.at.get("Condition")];
    for place in places.into_iter().flatten() {
        each_text(&place, &mut |at, text| {
            if !text.contains("${") {
                return;
            }
            if !statement.has_variables && first(text).is_some() {
                report.add("VARIABLE_UNSUPPORTED_IN_VERSION", at, &[]);
            }
            syntax(report, at, text);
        });
    }
}

fn each_text<'a>(at: &At<'a>, visit: &mut impl FnMut(&At<'a>, &'a str)) {
    match &at.node.value {
        Value::Text(text) => visit(at, text),
        Value::List(_) => at.items().iter().for_each(|item| each_text(item, visit)),
        Value::Object(_) => at.members().iter().for_each(|(_, below)| each_text(below, visit)),
        _ => {}
    }
}

/// The first variable of a text, braces included.
fn first(text: &str) -> Option<&str> {
    let start = text.find("${")?;
    let end = text[start..].find('}')?;
    let variable = &text[start..=start + end];
    (!matches!(variable, "${*}" | "${?}" | "${$}")).then_some(variable)
}

fn syntax(report: &mut Report, at: &At<'_>, text: &str) {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("${") {
        let Some((inside, left)) = after.split_once('}') else {
            report.add("MISSING_BRACE_IN_VARIABLE", at, &[]);
            return;
        };
        rest = left;
        if matches!(inside, "*" | "?" | "$") {
            continue;
        }
        if inside.trim().is_empty() {
            report.add("EMPTY_VARIABLE", at, &[]);
            continue;
        }
        let (name, default) = match inside.split_once(',') {
            Some((name, default)) => (name, Some(default.trim())),
            None => (inside, None),
        };
        if name.contains(char::is_whitespace) {
            report.add("UNSUPPORTED_SPACE_IN_VARIABLE", at, &[]);
        }
        let symbol =
            name.chars().find(|c| !(c.is_alphanumeric() || c.is_whitespace() || ":/-_.+=@".contains(*c)));
        if let Some(symbol) = symbol {
            report.add("UNSUPPORTED_SYMBOL_IN_VARIABLE", at, &[&symbol.to_string()]);
        }
        let quoted = |text: &str| text.len() >= 2 && text.starts_with('\'') && text.ends_with('\'');
        if default.is_some_and(|default| !quoted(default)) {
            report.add("MISSING_QUOTE_IN_VARIABLE", at, &[]);
        }
    }
}
