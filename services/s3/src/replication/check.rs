//! What PutBucketReplication accepts of the rules by themselves, with S3's refusals.

use haneul_kit::{Arn, Result};

use crate::error::{self, invalid_request};
use crate::model::configuration::FilterForm;
use crate::model::replication::Replication;

const RULES_MAX: usize = 1000;
const ID_LENGTH_MAX: usize = 255;

pub(crate) fn check(replication: &Replication, source: &str) -> Result<()> {
    let role = Arn::parse(&replication.role).ok().filter(|arn| {
        arn.service() == "iam" && arn.resource().starts_with("role/") && arn.account_id().is_some()
    });
    if role.is_none() {
        return Err(error::invalid_argument("Invalid Role ARN", "Role", replication.role.clone()));
    }
    let rules = &replication.rules;
    if rules.is_empty() || rules.len() > RULES_MAX {
        return Err(error::malformed_xml());
    }
    for (i, rule) in rules.iter().enumerate() {
        if rule.id.chars().count() > ID_LENGTH_MAX {
            let message = "Rule Id length should not exceed allowed limit of 255";
            return Err(error::invalid_argument(message, "ID", rule.id.clone()));
        }
        if rules[..i].iter().any(|earlier| earlier.id == rule.id) {
            return Err(error::invalid_argument("Rule Id must be unique", "ID", rule.id.clone()));
        }
        if rule.bucket == source {
            return Err(invalid_request("Destination bucket cannot be the same as the source bucket."));
        }
        let filtered = matches!(rule.form, FilterForm::Single | FilterForm::And);
        if filtered != rules[0].priority.is_some() || filtered != rule.priority.is_some() {
            let what = if filtered { "Priority must" } else { "Filter must" };
            return Err(invalid_request(format!("{what} be specified for this version of {SCHEMA}")));
        }
        if filtered && rule.delete_markers.is_none() {
            let message = format!("DeleteMarkerReplication must be specified for this version of {SCHEMA}");
            return Err(invalid_request(message));
        }
        if !filtered && rule.delete_markers.is_some() {
            let message = format!("DeleteMarkerReplication cannot be used for this version of {SCHEMA}");
            return Err(invalid_request(message));
        }
        if !rule.tags.is_empty() && rule.delete_markers == Some(true) {
            let message = "Delete marker replication is not supported if any Tag filter is specified. Please refer to S3 \
                           Developer Guide for more information.";
            return Err(invalid_request(message));
        }
        if rule.owner_override && rule.account.is_none() {
            let message = "Account must be specified when AccessControlTranslation is";
            return Err(invalid_request(message));
        }
        for earlier in &rules[..i] {
            if filtered && earlier.priority == rule.priority {
                let priority = rule.priority.unwrap_or_default();
                return Err(invalid_request(format!("Found duplicate priority {priority} in the rules.")));
            }
            let nested = |a: &str, b: &str| a.starts_with(b) || b.starts_with(a);
            let (a, b) = (earlier.prefix.as_deref().unwrap_or(""), rule.prefix.as_deref().unwrap_or(""));
            if !filtered && nested(a, b) {
                return Err(invalid_request(format!(
                    "Found overlapping prefixes '{a}' and '{b}' in the rules."
                )));
            }
        }
    }
    Ok(())
}

const SCHEMA: &str =
    "Cross Region Replication configuration schema. Please refer to S3 Developer Guide for more information.";
