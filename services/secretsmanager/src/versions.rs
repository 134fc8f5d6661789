//! How versions come and go and how staging labels move. Pure.

use haneul_kit::Result;

use crate::error;
use crate::model::{SecretRecord, VersionRecord};

pub(crate) const CURRENT: &str = "AWSCURRENT";
pub(crate) const PREVIOUS: &str = "AWSPREVIOUS";
pub(crate) const PENDING: &str = "AWSPENDING";

/// Versions of one secret; beyond that the oldest deprecated ones go (quota "Versions of a secret": about 100).
const VERSIONS_MAX: usize = 100;

/// Versions younger than this are not removed.
const KEPT_MS: i64 = 86_400_000;

/// Staging labels of one secret.
const STAGES_MAX: usize = 20;

/// Adds a version and gives it `stages`.
pub(crate) fn add(
    record: &mut SecretRecord,
    id: &str,
    version: VersionRecord,
    stages: &[String],
) -> Result<()> {
    record.versions.insert(id.to_owned(), VersionRecord { stages: Vec::new(), ..version });
    for stage in stages {
        attach(record, stage, id);
    }
    // The first value is the current one, whatever labels were given.
    if record.with_stage(CURRENT).is_none() && record.versions[id].has_value {
        attach(record, CURRENT, id);
    }
    let labels: usize = record.versions.values().map(|version| version.stages.len()).sum();
    if labels > STAGES_MAX {
        return Err(error::limit("The maximum number of staging labels of the secret is reached."));
    }
    Ok(())
}

/// Moves a label to a version. AWSCURRENT leaves AWSPREVIOUS where it was.
pub(crate) fn attach(record: &mut SecretRecord, stage: &str, id: &str) {
    let before = record.with_stage(stage).cloned();
    if before.as_deref() == Some(id) {
        return;
    }
    detach(record, stage);
    let Some(version) = record.versions.get_mut(id) else { return };
    version.stages.push(stage.to_owned());
    version.stages.sort();
    if stage == CURRENT {
        // A version is not its own predecessor.
        version.stages.retain(|stage| stage != PREVIOUS);
        if let Some(before) = before {
            attach(record, PREVIOUS, &before);
        }
    }
}

pub(crate) fn detach(record: &mut SecretRecord, stage: &str) {
    for version in record.versions.values_mut() {
        version.stages.retain(|label| label != stage);
    }
}

/// Removes what is too much; the ids of versions that are gone.
pub(crate) fn prune(record: &mut SecretRecord, now_ms: i64) -> Result<Vec<String>> {
    let mut gone = Vec::new();
    while record.versions.len() > VERSIONS_MAX {
        let old = record
            .versions
            .iter()
            .filter(|(_, version)| version.stages.is_empty() && version.created_ms + KEPT_MS <= now_ms)
            .min_by_key(|(_, version)| version.created_ms);
        let Some(id) = old.map(|(id, _)| id.clone()) else {
            return Err(error::limit(
                "The secret has too many versions that are younger than 24 hours or have staging labels.",
            ));
        };
        record.versions.remove(&id);
        gone.push(id);
    }
    Ok(gone)
}
