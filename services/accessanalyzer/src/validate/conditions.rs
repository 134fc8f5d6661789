use super::types::{self, Operator};
use super::walk::{At, Kind, Report, Statement};
use crate::compare::pattern::covers;
use crate::document::{Member, Value};
use crate::reference::{key_type, services};

pub(crate) fn check(report: &mut Report, statement: &Statement<'_>) {
    let Some(element) = statement.at.get("Condition") else { return };
    let Value::Object(blocks) = &element.node.value else {
        report.add("DATA_TYPE_MISMATCH", &element, &["Object"]);
        return;
    };
    if blocks.is_empty() {
        report.add("EMPTY_OBJECT_CONDITION", &element, &[]);
    }
    for (member, block) in element.members() {
        let Some(operator) = Operator::parse(&member.key) else {
            report.add("INVALID_CONDITION_OPERATOR", &element.name(member), &[&member.key]);
            continue;
        };
        if operator.is_null() && operator.if_exists {
            report.add("NULL_WITH_IF_EXISTS", &element.name(member), &[]);
        }
        if operator.is_null() && operator.quantifier.is_some() {
            report.add("NULL_WITH_QUALIFIER", &element.name(member), &[]);
        }
        let Value::Object(keys) = &block.node.value else {
            report.add("DATA_TYPE_MISMATCH", &block, &["Object"]);
            continue;
        };
        if keys.is_empty() {
            report.add("EMPTY_OBJECT_CONDITION", &block, &[]);
        }
        for (index, (member, values)) in block.members().into_iter().enumerate() {
            let twice = keys[..index].iter().any(|other| other.key.eq_ignore_ascii_case(&member.key));
            if twice {
                report.add("DUPLICATE_KEYS_WITH_DIFFERENT_CASE", &block.name(member), &[&member.key]);
            }
            key(report, statement, &operator, member, &block, &values);
        }
    }
    paired(report, &element);
    tags(report, statement, &element);
}

fn key(
    report: &mut Report,
    statement: &Statement<'_>,
    operator: &Operator,
    member: &Member,
    block: &At<'_>,
    values: &At<'_>,
) {
    let name = member.key.to_lowercase();
    let at = block.name(member);
    empty(report, operator, member, values);
    types::values(report, operator, &name, &member.key, values);
    // Keys of identity providers are named by the provider.
    if statement.kind == Kind::Trust && !name.starts_with("aws:") && !name.starts_with("sts:") {
        return;
    }
    for stem in ["aws:resourcetag", "aws:requesttag", "aws:principaltag"] {
        if name == stem || name == format!("{stem}/") {
            report.add(
                "MISSING_TAG_KEY_IN_CONDITION",
                &at,
                &[&member.key, &format!("{}/", &member.key[..stem.len()])],
            );
            return;
        }
    }
    if name == "aws:arn" {
        let code = match operator.is_arn() {
            true => "UNSUPPORTED_GLOBAL_CONDITION_KEY",
            false => "DEPRECATED_GLOBAL_CONDITION_KEY",
        };
        report.add(code, &at, &[]);
        return;
    }
    if !name.contains(':') {
        report.add("INVALID_CONDITION_KEY_FORMAT", &at, &[]);
        return;
    }
    if name.contains("${") {
        return;
    }
    let kind = match key_type(&name) {
        Ok(kind) => kind,
        Err(_) if name.starts_with("aws:") => {
            report.add("INVALID_GLOBAL_CONDITION_KEY", &at, &[&member.key]);
            return;
        }
        Err(true) => {
            // `accounts.google.com:aud` and the like are a provider's.
            let service = name.split(':').next().unwrap_or_default();
            if !service.contains(['.', '/']) {
                report.add("INVALID_SERVICE", &at, &[service]);
            }
            return;
        }
        Err(false) => {
            report.add("INVALID_SERVICE_CONDITION_KEY", &at, &[&member.key]);
            return;
        }
    };
    let many = kind.starts_with("ArrayOf");
    if many && operator.quantifier.is_none() && !operator.is_null() {
        report.add("MISSING_QUALIFIER", &at, &[&member.key]);
    }
    if !many && operator.quantifier == Some("forallvalues") && statement.effect() == Some("Allow") {
        report.add("FORALLVALUES_WITH_SINGLE_VALUED_KEY", &at, &[&member.key]);
    }
    types::operator(report, operator, &name, kind, &at);
}

fn empty(report: &mut Report, operator: &Operator, member: &Member, values: &At<'_>) {
    if !values.is_empty_list() {
        return;
    }
    let code = match (operator.quantifier, operator.if_exists) {
        (Some("forallvalues"), _) => "EMPTY_ARRAY_CONDITION_FORALLVALUES",
        (Some(_), _) => "EMPTY_ARRAY_CONDITION_FORANYVALUE",
        (None, true) => "EMPTY_ARRAY_CONDITION_IFEXISTS",
        (None, false) => "EMPTY_ARRAY_CONDITION",
    };
    report.add(code, values, &[&member.key]);
}

/// Keys that say little alone. Source: the check's page.
fn paired(report: &mut Report, element: &At<'_>) {
    const PAIRS: &[(&str, &[&str], &str)] = &[
        ("aws:vpcsourceip", &["aws:sourcevpc", "aws:sourcevpce"], "aws:SourceVpc, aws:SourceVpce"),
        ("aws:calledviafirst", &["aws:viaawsservice"], "aws:ViaAWSService"),
    ];
    let keys: Vec<String> = element
        .members()
        .iter()
        .flat_map(|(_, block)| block.members())
        .map(|(member, _)| member.key.to_lowercase())
        .collect();
    for (_, block) in element.members() {
        for (member, _) in block.members() {
            let name = member.key.to_lowercase();
            for (key, partners, shown) in PAIRS {
                if name == *key && !partners.iter().any(|partner| keys.iter().any(|key| key == partner)) {
                    report.add("MISSING_PAIRED_CONDITION_KEYS", &block.name(member), &[shown]);
                }
            }
        }
    }
}

/// `aws:ResourceTag` with actions that do not know it.
fn tags(report: &mut Report, statement: &Statement<'_>, element: &At<'_>) {
    let Some((negated, _)) = statement.element("Action") else { return };
    let allows = statement.effect() == Some("Allow");
    for (_, block) in element.members() {
        for (member, _) in block.members() {
            if !member.key.to_lowercase().starts_with("aws:resourcetag/") {
                continue;
            }
            let at = block.name(member);
            if negated {
                let code = match allows {
                    true => "ALLOW_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
                    false => "DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
                };
                report.add(code, &at, &[&member.key]);
                continue;
            }
            let mut without: Vec<&str> =
                statement.texts("Action").into_iter().filter_map(unsupporting).collect();
            without.sort_unstable();
            without.dedup();
            if !without.is_empty() {
                let code = match allows {
                    true => "ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
                    false => "DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
                };
                report.add(code, &at, &[&without.join(", ")]);
            }
        }
    }
}

/// The service of an action none of whose operations knows the tags of its resource.
fn unsupporting(action: &str) -> Option<&'static str> {
    let (prefix, name) = action.split_once(':')?;
    let (prefix, service) = services().get_key_value(prefix.to_lowercase().as_str())?;
    let name = name.to_lowercase();
    let mut matched = service.actions.iter().filter(|(action, _)| covers(&name, action)).peekable();
    matched.peek()?;
    matched.all(|(_, action)| !action.resource_tag).then_some(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_actions_are_kept() {
        assert_eq!(services()["sqs"].actions["sendmessage"].name, "SendMessage");
        assert_eq!(unsupporting("sqs:SendMessage"), None);
        assert_eq!(unsupporting("nothing:X"), None);
    }
}
