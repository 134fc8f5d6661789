use haneul_kit::Instant;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::bucket::Bucket;
use crate::model::ObjectRecord;
use crate::model::inventory::Inventory;
use crate::owner::canonical_id;

/// Fields that can be asked for, in the order in which they are written.
pub(crate) const FIELDS: &[&str] = &[
    "Size",
    "LastModifiedDate",
    "StorageClass",
    "ETag",
    "IsMultipartUploaded",
    "ReplicationStatus",
    "EncryptionStatus",
    "BucketKeyStatus",
    "ChecksumAlgorithm",
    "ObjectOwner",
];

pub(crate) fn schema(inventory: &Inventory) -> Vec<&'static str> {
    let mut names = vec!["Bucket", "Key"];
    if inventory.all_versions {
        names.extend(["VersionId", "IsLatest", "IsDeleteMarker"]);
    }
    names.extend(FIELDS.iter().filter(|name| inventory.fields.iter().any(|field| field == **name)));
    names
}

/// Keys are encoded as in a URL.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

pub(crate) fn row(
    inventory: &Inventory,
    bucket: &Bucket,
    key: &str,
    record: &ObjectRecord,
    is_latest: bool,
) -> String {
    let body = record.body.as_ref();
    let cells = schema(inventory).into_iter().map(|name| match name {
        "Bucket" => bucket.name.clone(),
        "Key" => utf8_percent_encode(key, KEY).to_string(),
        "VersionId" => record.version_id.clone().unwrap_or_default(),
        "IsLatest" => is_latest.to_string(),
        "IsDeleteMarker" => record.is_delete_marker().to_string(),
        "LastModifiedDate" => Instant::from_secs(record.modified_s).iso8601_millis(),
        "ReplicationStatus" => record.replication.as_ref().map_or("", |status| status.as_str()).to_owned(),
        "ObjectOwner" => {
            let account = record.owner.and_then(haneul_kit::AccountId::new);
            canonical_id(account.unwrap_or(bucket.owner))
        }
        // Of a delete marker there is nothing else to tell.
        name => body.map_or(String::new(), |body| match name {
            "Size" => body.size.to_string(),
            "StorageClass" => body.storage_class().to_owned(),
            "ETag" => body.etag.clone(),
            "IsMultipartUploaded" => (body.etag.contains('-')).to_string(),
            "EncryptionStatus" => "SSE-S3".to_owned(),
            "BucketKeyStatus" => "DISABLED".to_owned(),
            "ChecksumAlgorithm" => {
                body.checksum.as_ref().map_or(String::new(), |sum| sum.algorithm.as_str().to_owned())
            }
            _ => String::new(),
        }),
    });
    let cells: Vec<String> = cells.map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
    format!("{}\n", cells.join(","))
}
