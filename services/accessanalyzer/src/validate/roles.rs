//! What passing roles and making service-linked roles lets happen.

use super::walk::{Report, Statement};
use crate::compare::pattern::covers;

pub(crate) fn check(report: &mut Report, statement: &Statement<'_>) {
    if statement.effect() != Some("Allow") {
        return;
    }
    let Some((not_resource, resource)) = statement.element("Resource") else { return };
    let star = !not_resource && statement.texts("Resource").iter().any(|text| is_any_role(text));
    if !not_resource && !star {
        return;
    }
    let how = |action: &str| -> Option<(bool, bool)> {
        let (negated, _) = statement.element("Action")?;
        let texts: Vec<String> = statement.texts("Action").iter().map(|text| text.to_lowercase()).collect();
        let named = texts.iter().any(|text| text == action);
        let covered = texts.iter().any(|text| covers(text, action));
        match negated {
            // By name, or by a wildcard.
            false => covered.then_some((false, !named)),
            true => (!covered).then_some((true, false)),
        }
    };
    let conditions: Vec<String> = statement
        .at
        .get("Condition")
        .map(|at| at.members())
        .unwrap_or_default()
        .iter()
        .flat_map(|(_, block)| block.members())
        .map(|(member, _)| member.key.to_lowercase())
        .collect();
    if !conditions.iter().any(|key| key == "iam:passedtoservice")
        && let Some(found) = how("iam:passrole")
    {
        report.add(&format!("PASS_ROLE_WITH_{}", suffix(found, not_resource)), &resource, &[]);
    }
    if !conditions.iter().any(|key| key == "iam:awsservicename")
        && let Some(found) = how("iam:createservicelinkedrole")
    {
        report.add(&format!("CREATE_SLR_WITH_{}", suffix(found, not_resource)), &resource, &[]);
    }
}

/// How AWS names the combination of `NotAction`, a wildcard in the action, and `NotResource`.
fn suffix((not_action, wild): (bool, bool), not_resource: bool) -> &'static str {
    match (not_action, wild, not_resource) {
        (true, _, true) => "NOT_ACTION_AND_NOT_RESOURCE",
        (true, _, false) => "STAR_IN_RESOURCE_AND_NOT_ACTION",
        (false, true, true) => "STAR_IN_ACTION_AND_NOT_RESOURCE",
        (false, true, false) => "STAR_IN_ACTION_AND_RESOURCE",
        (false, false, true) => "NOT_RESOURCE",
        (false, false, false) => "STAR_IN_RESOURCE",
    }
}

/// Whether it leaves the name of the role open.
fn is_any_role(resource: &str) -> bool {
    if resource == "*" || covers(resource, "arn:aws:iam::123456789012:role/a-role") {
        return true;
    }
    resource.ends_with(":role/*")
}
