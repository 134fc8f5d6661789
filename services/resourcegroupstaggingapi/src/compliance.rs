//! Tags held against the account's effective tag policy. Source: AWS Organizations User Guide, "Tag policy syntax".

use haneul_kit::{ApiError, Caller, Cx, Result, Tagged};
use haneul_organizations_wire::operations as organizations;
use haneul_organizations_wire::shapes as o;
use haneul_resourcegroupstaggingapi_wire::shapes as s;
use serde_json::Value;

use crate::Tagging;

/// The rules for one key.
struct Rule {
    /// As it is to be spelled.
    key: String,
    /// Empty for any.
    values: Vec<String>,
}

/// What the tags of an account must be like.
#[derive(Default)]
pub(crate) struct TagPolicy(Vec<Rule>);

impl Tagging {
    /// The policy in effect; an empty one where there is none.
    pub(crate) async fn tag_policy(&self, cx: &Cx) -> Result<TagPolicy> {
        if self.platform.organization().is_none() {
            return Ok(TagPolicy::default());
        }
        let input =
            o::DescribeEffectivePolicyRequest { policy_type: "TAG_POLICY".to_owned(), target_id: None };
        let caller = Caller::root(cx.account());
        let bus = &self.platform.bus;
        match bus.call::<organizations::DescribeEffectivePolicy>(caller, cx.region(), None, input).await {
            Ok(found) => {
                let content =
                    found.effective_policy.and_then(|policy| policy.policy_content).unwrap_or_default();
                Ok(TagPolicy::parse(&content))
            }
            Err(error) if error.fault() == haneul_kit::Fault::Client || is_absent(&error) => {
                Ok(TagPolicy::default())
            }
            Err(error) => Err(error),
        }
    }
}

fn is_absent(error: &ApiError) -> bool {
    error.code() == "NotImplemented"
}

impl TagPolicy {
    fn parse(content: &str) -> TagPolicy {
        let parsed: Value = serde_json::from_str(content).unwrap_or_default();
        let texts = |value: &Value| -> Vec<String> {
            match value {
                Value::String(text) => vec![text.clone()],
                Value::Array(all) => all.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect(),
                _ => Vec::new(),
            }
        };
        let rules = parsed["tags"].as_object().into_iter().flatten().map(|(name, rule)| Rule {
            key: rule["tag_key"].as_str().unwrap_or(name).to_owned(),
            values: texts(&rule["tag_value"]),
        });
        TagPolicy(rules.collect())
    }

    /// How a resource's tags differ from the policy.
    pub(crate) fn details(&self, resource: &Tagged) -> s::ComplianceDetails {
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        for (key, value) in &resource.tags {
            for rule in self.0.iter().filter(|rule| rule.key.eq_ignore_ascii_case(key)) {
                if rule.key != *key {
                    keys.push(key.clone());
                }
                if !rule.values.is_empty() && !rule.values.iter().any(|pattern| matches(pattern, value)) {
                    values.push(key.clone());
                }
            }
        }
        s::ComplianceDetails {
            compliance_status: Some(keys.is_empty() && values.is_empty()),
            noncompliant_keys: Some(keys),
            keys_with_noncompliant_values: Some(values),
            missing_tag_keys: None,
        }
    }
}

/// A value with at most one star, as tag policies allow.
fn matches(pattern: &str, value: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => {
            value.len() >= start.len() + end.len() && value.starts_with(start) && value.ends_with(end)
        }
        None => pattern == value,
    }
}

#[cfg(test)]
mod tests {
    use haneul_kit::Kind;

    use super::*;

    #[test]
    fn keys_by_case_and_values_by_pattern() {
        let policy = TagPolicy::parse(
            r#"{"tags":{"costcenter":{"tag_key":"CostCenter","tag_value":["100","2*"]},"free":{"tag_key":"Free"}}}"#,
        );
        for (tags, keys, values) in [
            (vec![("CostCenter", "100"), ("other", "x")], vec![], vec![]),
            (vec![("CostCenter", "299")], vec![], vec![]),
            (vec![("CostCenter", "300")], vec![], vec!["CostCenter"]),
            (vec![("costcenter", "100")], vec!["costcenter"], vec![]),
            (vec![("FREE", "x")], vec!["FREE"], vec![]),
            (vec![], vec![], vec![]),
        ] {
            let compliant = keys.is_empty() && values.is_empty();
            let found = policy.details(&Kind::new("sqs", "AWS::SQS::Queue").resource("arn", tags));
            assert_eq!(found.noncompliant_keys.unwrap(), keys);
            assert_eq!(found.keys_with_noncompliant_values.unwrap(), values);
            assert_eq!(found.compliance_status, Some(compliant));
        }
    }
}
