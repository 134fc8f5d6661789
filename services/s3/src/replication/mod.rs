//! Replication: which rules are accepted, and which apply to a version. [`crate::tasks`] carries it out.
//!
//! Source: S3 User Guide, "Replicating objects within and across Regions" and the pages under it.

pub(crate) mod check;

use std::collections::BTreeMap;

use crate::model::ObjectRecord;
use crate::model::replication::{Replication, ReplicationRule};

/// The rules by which a new version is copied: of each destination the one with the highest priority.
pub(crate) fn rules_for<'r>(
    replication: &'r Replication,
    key: &str,
    record: &ObjectRecord,
) -> Vec<&'r ReplicationRule> {
    let none = BTreeMap::new();
    let tags = record.body.as_ref().map_or(&none, |body| &body.tags);
    let marker = record.is_delete_marker();
    let sealed = record.body.as_ref().and_then(|body| body.sealed.as_ref());
    let about = replication.rules.iter().filter(|rule| {
        rule.is_about(key, tags)
            && rule.takes_encryption(sealed)
            && (!marker || (rule.takes_markers() && rule.tags.is_empty()))
    });
    let mut chosen: Vec<&ReplicationRule> = Vec::new();
    for rule in about {
        match chosen.iter_mut().find(|other| other.bucket == rule.bucket) {
            Some(other) if other.priority < rule.priority => *other = rule,
            Some(_) => {}
            None => chosen.push(rule),
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_priority_of_each_destination() {
        let rule = |id: &str, bucket: &str, priority, prefix: &str| ReplicationRule {
            id: id.into(),
            bucket: bucket.into(),
            priority: Some(priority),
            prefix: Some(prefix.into()),
            enabled: true,
            delete_markers: Some(id == "a"),
            ..Default::default()
        };
        let mut off = rule("off", "y", 9, "");
        off.enabled = false;
        let set = Replication {
            role: String::new(),
            rules: vec![rule("a", "x", 1, ""), rule("b", "x", 2, "log/"), rule("c", "z", 1, "log/"), off],
        };
        let mut record = ObjectRecord {
            seq: 1,
            version_id: None,
            older: false,
            modified_s: 0,
            noncurrent_since_s: None,
            owner: None,
            body: None,
            replication: None,
            annotations: 0,
        };
        let ids = |key: &str, record: &ObjectRecord| -> Vec<String> {
            rules_for(&set, key, record).iter().map(|rule| rule.id.clone()).collect()
        };
        assert_eq!(ids("log/k", &record), ["a"], "markers by the rule that takes them");
        record.body = Some(crate::lifecycle::example_body(1));
        assert_eq!(ids("log/k", &record), ["b", "c"]);
        assert_eq!(ids("k", &record), ["a"]);
    }
}
