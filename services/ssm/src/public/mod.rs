//! What AWS publishes under `/aws/service` in every Region.
//!
//! Reading order: here how one is found; [`infrastructure`] (Regions, zones, services), [`images`] (machine images).

mod images;
mod infrastructure;

use haneul_kit::{Instant, Region};

use crate::model::{STANDARD, VersionRecord};

const IMAGE: &str = "aws:ec2:image";

/// A public parameter, if there is one of this name.
pub(crate) fn find(region: Region, name: &str) -> Option<VersionRecord> {
    // Nearly every name is somebody's own.
    if !name.starts_with("/aws/service/") {
        return None;
    }
    all(region).into_iter().find(|(known, _)| known == name).map(|(_, value)| version(value))
}

/// Public parameters under a path (which ends in a slash), sorted by name.
pub(crate) fn under(region: Region, path: &str, recursive: bool) -> Vec<(String, VersionRecord)> {
    let mut found = all(region);
    found.retain(|(name, _)| {
        name.strip_prefix(path).is_some_and(|rest| !rest.is_empty() && (recursive || !rest.contains('/')))
    });
    found.sort();
    found.into_iter().map(|(name, value)| (name, version(value))).collect()
}

/// Public parameters belong to no account.
pub(crate) fn arn(region: Region, name: &str) -> String {
    format!("arn:{}:ssm:{region}::parameter{name}", region.partition())
}

fn all(region: Region) -> Vec<(String, String)> {
    let mut all = infrastructure::all(region);
    all.extend(images::all(region));
    all
}

fn version(value: String) -> VersionRecord {
    VersionRecord {
        data_type: if value.starts_with("ami-") { IMAGE } else { "text" }.into(),
        value,
        kind: "String".into(),
        key_id: None,
        tier: STANDARD.into(),
        description: None,
        allowed_pattern: None,
        policies: Vec::new(),
        expires_ms: None,
        modified_ms: Instant::EPOCH.millis(),
        modified_user: String::new(),
    }
}
