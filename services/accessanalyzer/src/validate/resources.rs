use haneul_kit::Region;

use super::walk::{At, Kind, Report, Statement};
use crate::compare::pattern::{covers, may_meet};
use crate::document::Value;
use crate::reference::services;

pub(crate) fn check(report: &mut Report, statement: &Statement<'_>) {
    let Some((_, element)) = statement.element("Resource") else { return };
    if element.is_empty_list() {
        report.add("EMPTY_ARRAY_RESOURCE", &element, &[]);
    }
    let items = element.items();
    for item in &items {
        match &item.node.value {
            Value::Text(text) => arn(report, item, text, statement.kind),
            Value::List(items) if items.is_empty() => {}
            _ => report.add("DATA_TYPE_MISMATCH", item, &["String"]),
        }
    }
    for (index, item) in items.iter().enumerate() {
        let Some(text) = item.node.text() else { continue };
        let within = items.iter().enumerate().any(|(other, wider)| {
            let Some(wider) = wider.node.text() else { return false };
            other != index && covers(wider, text) && (other < index || !covers(text, wider))
        });
        if within {
            report.add("REDUNDANT_RESOURCE", item, &[text]);
        }
    }
}

fn arn(report: &mut Report, at: &At<'_>, text: &str, kind: Kind) {
    // What may be any ARN.
    if text == "*" || text.starts_with("arn:*") && text.matches(':').count() < 5 || text.starts_with("${") {
        return;
    }
    // Queues and others take what they like for themselves.
    if !text.starts_with("arn:") {
        if kind != Kind::Resource || text.matches(':').count() >= 4 {
            report.add("INVALID_ARN_PREFIX", at, &[]);
        }
        return;
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [_, partition, service, region, account, _] = parts.as_slice() else {
        if !text.ends_with('*') {
            report.add("MISSING_ARN_FIELD", at, &[]);
        }
        return;
    };
    let is_open = |part: &str| part.contains(['*', '?']) || part.contains("${");
    if !is_open(partition) && !matches!(*partition, "aws" | "aws-cn" | "aws-us-gov" | "aws-iso" | "aws-iso-b")
    {
        report.add("INVALID_PARTITION", at, &[partition]);
        return;
    }
    if is_open(service) {
        return;
    }
    if service.bytes().any(|b| b.is_ascii_uppercase()) {
        report.add("INVALID_ARN_SERVICE_CASE", at, &[service]);
        return;
    }
    if !account.is_empty() && !is_open(account) && *account != "aws" && *account != "cloudfront" {
        let number = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
        if !number {
            report.add("INVALID_ARN_ACCOUNT", at, &[account]);
            return;
        }
    }
    if !region.is_empty() && !is_open(region) && region.parse::<Region>().is_err() {
        report.add("INVALID_ARN_REGION", at, &[region]);
        return;
    }
    of_service(report, at, text, service, region, account);
}

/// Against the forms that the service's ARNs have.
fn of_service(report: &mut Report, at: &At<'_>, text: &str, service: &str, region: &str, account: &str) {
    // The name in an ARN is not always the prefix of the actions; what is not known is not judged.
    let forms: Vec<String> = services()
        .values()
        .flat_map(|known| &known.arns)
        .filter(|form| form.split(':').nth(2) == Some(service))
        .map(|form| open(form))
        .collect();
    // A place that is open in a form would take an empty one too: a Region that is missing.
    let fits = |form: &str, index: usize, part: &str| {
        form.split(':').nth(index).is_some_and(|open| open.is_empty() == part.is_empty())
    };
    let is_form = |form: &String| fits(form, 3, region) && may_meet(form, text);
    if forms.is_empty() || forms.iter().any(is_form) {
        return;
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let (partition, resource) = (parts[1], parts[5]);
    let known = |region: &str, account: &str| {
        let other = format!("arn:{partition}:{service}:{region}:{account}:{resource}");
        forms.iter().any(|form| fits(form, 3, region) && fits(form, 4, account) && may_meet(form, &other))
    };
    let code = if !account.is_empty() && known(region, "") {
        "ARN_ACCOUNT_NOT_ALLOWED"
    } else if !region.is_empty() && known("", account) {
        "ARN_REGION_NOT_ALLOWED"
    } else if region.is_empty() && known("*", account) {
        "MISSING_ARN_REGION"
    } else {
        "INVALID_ARN_RESOURCE"
    };
    report.add(code, at, &[service]);
}

/// A form with stars for its placeholders.
fn open(form: &str) -> String {
    let mut pattern = String::new();
    let mut rest = form;
    while let Some((text, after)) = rest.split_once("${") {
        pattern.push_str(text);
        pattern.push('*');
        rest = after.split_once('}').map_or("", |(_, left)| left);
    }
    pattern.push_str(rest);
    pattern
}
