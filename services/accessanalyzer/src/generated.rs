//! From what a principal did to the policies that GetGeneratedPolicy gives. Source: IAM User Guide, "IAM Access Analyzer
//! policy generation".

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::model::Use;
use crate::reference;

/// Without placeholders a policy says which actions, and for resources `*`; with them, also of what form their ARNs were.
pub(crate) fn policy(uses: &[Use], placeholders: bool) -> Option<String> {
    let mut by_action: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for used in uses {
        let resource = if placeholders { form(&used.action, &used.resource) } else { "*".to_owned() };
        by_action.entry(&used.action).or_default().insert(resource);
    }
    let mut by_resources: BTreeMap<(&str, BTreeSet<String>), Vec<&str>> = BTreeMap::new();
    for (action, mut resources) in by_action {
        if resources.contains("*") {
            resources.retain(|resource| resource == "*");
        }
        let service = action.split(':').next().unwrap_or_default();
        by_resources.entry((service, resources)).or_default().push(action);
    }
    let statements = by_resources.into_iter().map(|((_, resources), actions)| {
        json!({ "Effect": "Allow", "Action": one_or_many(actions), "Resource": one_or_many(resources) })
    });
    document(statements.collect())
}

/// Every action of the services that were used: what to begin with and to narrow.
pub(crate) fn service_template(uses: &[Use]) -> Option<String> {
    let services: BTreeSet<&str> = uses.iter().filter_map(|used| used.action.split(':').next()).collect();
    let actions: Vec<String> = services.into_iter().map(|service| format!("{service}:*")).collect();
    let statement = (!actions.is_empty())
        .then(|| json!({ "Effect": "Allow", "Action": one_or_many(actions), "Resource": "*" }));
    document(statement.into_iter().collect())
}

fn document(statements: Vec<Value>) -> Option<String> {
    // A policy has to have a statement: who did nothing needs none.
    let policy = json!({ "Version": "2012-10-17", "Statement": statements });
    (!statements.is_empty()).then(|| policy.to_string())
}

fn one_or_many<T: Into<Value>>(items: impl IntoIterator<Item = T>) -> Value {
    let mut items: Vec<Value> = items.into_iter().map(Into::into).collect();
    if items.len() == 1 { items.remove(0) } else { Value::Array(items) }
}

/// The reference's form of an ARN, with `${…}` for what the reader has to fill in; `*` where there is none.
fn form(action: &str, resource: &str) -> String {
    let prefix = action.split(':').next().unwrap_or_default();
    let arns = reference::services().get(prefix).map(|service| service.arns.as_slice()).unwrap_or_default();
    // The longest form that fits says most: an object's ARN also begins as its bucket's.
    let fitting = arns.iter().filter(|form| is_of(form, resource));
    let form = fitting.max_by_key(|form| form.matches("${").count());
    form.map_or_else(|| "*".to_owned(), |form| form.replace("${Partition}", "aws"))
}

/// Whether an ARN has a form: a variable stands for anything within its part of the ARN, the last one for all the rest.
fn is_of(form: &str, arn: &str) -> bool {
    let mut left = arn;
    let mut rest = form;
    while let Some((before, after)) = rest.split_once("${") {
        let Some(found) = left.strip_prefix(before) else { return false };
        rest = after.split_once('}').map_or("", |(_, after)| after);
        let Some(next) = rest.split("${").next().filter(|next| !next.is_empty()) else {
            return !found.is_empty();
        };
        let Some(at) = found.find(next) else { return false };
        left = &found[at..];
    }
    left == rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(action: &str, resource: &str) -> Use {
        Use { action: action.to_owned(), resource: resource.to_owned() }
    }

    #[test]
    fn policies_of_what_was_used() {
        let uses = [
            used("s3:GetObject", "arn:aws:s3:::bucket/a"),
            used("s3:GetObject", "arn:aws:s3:::bucket/b"),
            used("s3:PutObject", "arn:aws:s3:::bucket/a"),
            used("s3:ListBucket", "arn:aws:s3:::bucket"),
            used("iam:ListUsers", "arn:aws:iam::111122223333:user/"),
            used("sts:DecodeAuthorizationMessage", "*"),
        ];
        let plain: Value = serde_json::from_str(&policy(&uses, false).unwrap()).unwrap();
        assert_eq!(plain["Statement"].as_array().unwrap().len(), 3, "one for each service: {plain}");
        assert_eq!(plain["Statement"][1]["Action"], json!(["s3:GetObject", "s3:ListBucket", "s3:PutObject"]));
        let detailed: Value = serde_json::from_str(&policy(&uses, true).unwrap()).unwrap();
        let of = |action: Value| {
            let statements = detailed["Statement"].as_array().unwrap();
            statements.iter().find(|s| s["Action"] == action).unwrap_or_else(|| panic!("{detailed}"))["Resource"].clone()
        };
        assert_eq!(of(json!(["s3:GetObject", "s3:PutObject"])), "arn:aws:s3:::${BucketName}/${ObjectName}");
        assert_eq!(of(json!("s3:ListBucket")), "arn:aws:s3:::${BucketName}");
        assert_eq!(of(json!("sts:DecodeAuthorizationMessage")), "*");
        assert_eq!(policy(&[], true), None);
        let template: Value = serde_json::from_str(&service_template(&uses).unwrap()).unwrap();
        assert_eq!(template["Statement"][0]["Action"], json!(["iam:*", "s3:*", "sts:*"]));
        assert_eq!(service_template(&[]), None);
    }
}
