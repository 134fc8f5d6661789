//! The message of an event. Source: S3 User Guide, "Event message structure" and "EventBridge event structure".

use haneul_kit::{AccountId, Instant};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::model::event::{Detail, EventRecord};

/// Keys are encoded as in a form: a space is `+`.
const FORM: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/').remove(b' ');

/// What queues, topics and functions are sent.
pub(crate) fn record(event: &EventRecord) -> Value {
    let at = Instant::from_millis(event.at_ms);
    let mut object = Map::new();
    object.insert("key".into(), json!(utf8_percent_encode(&event.key, FORM).to_string().replace(' ', "+")));
    // Of what is gone for good there is no size to tell.
    if !event.name.ends_with(":Delete") || event.name.starts_with("ObjectTagging") {
        if let Some(size) = event.size {
            object.insert("size".into(), json!(size));
        }
        let of_nothing = event.name.ends_with("DeleteMarkerCreated").then(|| EMPTY_MD5.to_owned());
        if let Some(etag) = event.etag.clone().or(of_nothing) {
            object.insert("eTag".into(), json!(etag));
        }
    }
    if let Some(version) = event.version_id.as_ref().filter(|version| *version != "null") {
        object.insert("versionId".into(), json!(version));
    }
    object.insert("sequencer".into(), json!(event.sequencer));
    let mut record = json!({
        "eventVersion": version(&event.name),
        "eventSource": "aws:s3",
        "awsRegion": event.region,
        "eventTime": at.iso8601_millis(),
        "eventName": event.name,
        "userIdentity": { "principalId": event.origin.principal },
        "requestParameters": { "sourceIPAddress": event.origin.source_ip },
        "responseElements": {
            "x-amz-request-id": event.origin.request_id,
            "x-amz-id-2": event.origin.request_id,
        },
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": event.configuration,
            "bucket": {
                "name": event.bucket,
                "ownerIdentity": { "principalId": customer_id(event.owner) },
                "arn": bucket_arn(event),
            },
            "object": object,
        },
    });
    if let (Some(detail), Some(members)) = (&event.detail, record.as_object_mut()) {
        let (name, value) = detail_member(detail);
        members.insert(name.into(), value);
    }
    json!({ "Records": [record] })
}

const EMPTY_MD5: &str = "d41d8cd98f00b204e9800998ecf8427e";

fn version(name: &str) -> &'static str {
    match name.split(':').next().unwrap_or_default() {
        "Replication" => "2.2",
        "LifecycleExpiration"
        | "LifecycleTransition"
        | "IntelligentTiering"
        | "ObjectAcl"
        | "ObjectTagging" => "2.3",
        "ObjectRestore" if name.ends_with(":Delete") => "2.3",
        _ => "2.1",
    }
}

fn detail_member(detail: &Detail) -> (&'static str, Value) {
    match detail {
        Detail::Restored { expires_s, class } => (
            "glacierEventData",
            match expires_s.map(|expires_s| Instant::from_secs(expires_s).iso8601_millis()) {
                Some(expiry) => json!({ "restoreEventData": {
                    "lifecycleRestorationExpiryTime": expiry,
                    "lifecycleRestoreStorageClass": class,
                } }),
                None => json!({ "restoreEventData": { "lifecycleRestoreStorageClass": class } }),
            },
        ),
        Detail::Transition { class } => {
            ("lifecycleEventData", json!({ "transitionEventData": { "destinationStorageClass": class } }))
        }
        Detail::Tier { tier } => ("intelligentTieringEventData", json!({ "destinationAccessTier": tier })),
        Detail::Replication { rule, destination, operation, reason, requested_ms } => (
            "replicationEventData",
            json!({
                "replicationRuleId": rule,
                "destinationBucket": destination,
                "s3Operation": operation,
                "requestTime": Instant::from_millis(*requested_ms).iso8601_millis(),
                "failureReason": reason,
            }),
        ),
    }
}

fn bucket_arn(event: &EventRecord) -> String {
    crate::bucket::arn_of(event.region.parse().unwrap_or(haneul_kit::Region::US_EAST_1), &event.bucket)
}

/// The customer id of an account, as `A3NL1KOZZKExample`.
fn customer_id(account: u64) -> String {
    let account = AccountId::new(account).unwrap_or_default();
    let digest = hex::encode_upper(Sha256::digest(format!("haneul customer {account}")));
    format!("A{}", &digest[..13])
}

/// What a destination is sent when it is configured.
pub(crate) fn test_event(bucket: &str, request_id: &str, now: Instant) -> Value {
    json!({
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": now.iso8601_millis(),
        "Bucket": bucket,
        "RequestId": request_id,
        "HostId": request_id,
    })
}

/// EventBridge's name of an event; `None` for those it is not sent.
pub(crate) fn bridge_type(name: &str) -> Option<&'static str> {
    Some(match name {
        "ObjectRestore:Post" => "Object Restore Initiated",
        "ObjectRestore:Completed" => "Object Restore Completed",
        "ObjectRestore:Delete" => "Object Restore Expired",
        "LifecycleTransition" => "Object Storage Class Changed",
        "IntelligentTiering" => "Object Access Tier Changed",
        "ObjectAcl:Put" => "Object ACL Updated",
        "ObjectTagging:Put" => "Object Tags Added",
        "ObjectTagging:Delete" => "Object Tags Deleted",
        _ => match name.split(':').next()? {
            "ObjectCreated" => "Object Created",
            "ObjectRemoved" | "LifecycleExpiration" => "Object Deleted",
            _ => return None,
        },
    })
}

/// The detail of EventBridge's event.
pub(crate) fn bridge_detail(event: &EventRecord) -> Value {
    let mut object = Map::new();
    object.insert("key".into(), json!(event.key));
    let is_gone = matches!(bridge_type(&event.name), Some("Object Deleted"));
    if !is_gone {
        if let Some(size) = event.size {
            object.insert("size".into(), json!(size));
        }
        if let Some(etag) = &event.etag {
            object.insert("etag".into(), json!(etag));
        }
    }
    if let Some(version) = event.version_id.as_ref().filter(|version| *version != "null") {
        object.insert("version-id".into(), json!(version));
    }
    object.insert("sequencer".into(), json!(event.sequencer));
    let lifecycle = event.name.starts_with("Lifecycle");
    let requester = match AccountId::new(event.origin.account) {
        Some(account) if !lifecycle => account.to_string(),
        _ => "s3.amazonaws.com".to_owned(),
    };
    let mut detail = json!({
        "version": "0",
        "bucket": { "name": event.bucket },
        "object": object,
        "request-id": event.origin.request_id,
        "requester": requester,
    });
    let mut add = |name: &str, value: Value| {
        if let Some(members) = detail.as_object_mut() {
            members.insert(name.into(), value);
        }
    };
    if !lifecycle {
        add("source-ip-address", json!(event.origin.source_ip));
    }
    let operation = event.name.split_once(':').map_or("", |(_, operation)| operation);
    match bridge_type(&event.name) {
        Some("Object Created") => {
            let reason = match operation {
                "Put" => "PutObject",
                "Post" => "POST Object",
                "Copy" => "CopyObject",
                other => other,
            };
            add("reason", json!(reason));
        }
        Some("Object Deleted") => {
            add("reason", json!(if lifecycle { "Lifecycle Expiration" } else { "DeleteObject" }));
            let marked = operation == "DeleteMarkerCreated";
            add("deletion-type", json!(if marked { "Delete Marker Created" } else { "Permanently Deleted" }));
        }
        _ => {}
    }
    match &event.detail {
        Some(Detail::Transition { class }) => add("destination-storage-class", json!(class)),
        Some(Detail::Tier { tier }) => add("destination-access-tier", json!(tier)),
        Some(Detail::Restored { expires_s, class }) => {
            if let Some(expires_s) = expires_s {
                add("restore-expiry-time", json!(Instant::from_secs(*expires_s).iso8601()));
            }
            add("source-storage-class", json!(class));
        }
        _ => {}
    }
    detail
}
