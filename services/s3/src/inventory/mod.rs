//! Inventories: lists of a bucket's objects, as CSV or Parquet, with a manifest. [`crate::tasks`] makes and delivers them.
//!
//! Reading order: this file (when, and the names of what is delivered), [`fields`] (what is told of an object), [`rows`] (files of it).
//! Source: S3 User Guide, "Cataloging and analyzing your data with S3 Inventory" and the pages under it.

pub(crate) mod fields;
pub(crate) mod rows;

use haneul_kit::Instant;
use serde_json::json;

use crate::lifecycle::DAY_S;
use crate::model::inventory::Inventory;

/// The midnight at which the next list is made; a weekly one on Sundays.
pub(crate) fn next_s(weekly: bool, now_s: i64) -> i64 {
    let midnight = now_s.div_euclid(DAY_S) + 1;
    // The epoch was a Thursday: day 3 was a Sunday.
    let wait = if weekly { (3 - midnight).rem_euclid(7) } else { 0 };
    (midnight + wait) * DAY_S
}

/// A file of rows that was delivered.
pub(crate) struct File {
    pub(crate) key: String,
    pub(crate) size: usize,
    /// In hexadecimal.
    pub(crate) md5: String,
}

/// Where the lists of a configuration go.
pub(crate) fn folder(inventory: &Inventory, source: &str, id: &str) -> String {
    match inventory.prefix.as_deref().filter(|prefix| !prefix.is_empty()) {
        Some(prefix) => format!("{}/{source}/{id}", prefix.trim_end_matches('/')),
        None => format!("{source}/{id}"),
    }
}

/// `2016-11-06T21-32Z`
pub(crate) fn stamp(at: Instant) -> String {
    let iso = at.iso8601();
    format!("{}Z", iso.get(..16).unwrap_or_default().replace(':', "-"))
}

/// Where the manifest for Hive is: `dt=2016-11-06-21-32`.
pub(crate) fn hive(folder: &str, at: Instant) -> String {
    let at = stamp(at).replace('T', "-");
    format!("{folder}/hive/dt={}/symlink.txt", at.trim_end_matches('Z'))
}

pub(crate) fn symlink(target: &str, files: &[File]) -> String {
    files.iter().map(|file| format!("s3://{target}/{}\n", file.key)).collect()
}

pub(crate) fn manifest(
    inventory: &Inventory,
    source: &str,
    target_arn: &str,
    at: Instant,
    files: &[File],
) -> String {
    let files: Vec<_> = files
        .iter()
        .map(|file| json!({ "key": file.key, "size": file.size, "MD5checksum": file.md5 }))
        .collect();
    let manifest = json!({
        "sourceBucket": source,
        "destinationBucket": target_arn,
        "version": "2016-11-30",
        "creationTimestamp": at.millis().to_string(),
        "fileFormat": inventory.format.as_str(),
        "fileSchema": rows::schema(inventory),
        "files": files,
    });
    serde_json::to_string_pretty(&manifest).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_sundays() {
        assert_eq!(next_s(false, 0), DAY_S);
        assert_eq!(next_s(true, 0), 3 * DAY_S);
        assert_eq!(next_s(true, 3 * DAY_S), 10 * DAY_S);
        assert_eq!(next_s(true, 3 * DAY_S - 1), 3 * DAY_S);
        assert_eq!(stamp(Instant::from_secs(0)), "1970-01-01T00-00Z");
        assert_eq!(hive("a", Instant::from_secs(60)), "a/hive/dt=1970-01-01-00-01/symlink.txt");
    }
}
